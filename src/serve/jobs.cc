#include "serve/jobs.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <span>

#include "core/errno_status.h"
#include "core/start_thread.h"
#include "engine/bundle_hash.h"
#include "mien/kernels/cpu.h"
#include "mien/video/source.h"

namespace mien::serve {
namespace {

namespace fs = std::filesystem;
using Phase = JobState::Phase;

constexpr std::array<std::string_view, 4> kPhases = {"queued", "running", "done", "failed"};
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kMostKept = 1000;  // jobs in the folder, finished ones included

bool is_id(std::string_view text) {
  return text.size() == kIdDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::string> new_id() {
  std::array<unsigned char, kIdDigits / 2> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return io_error("jobs: no random numbers");
  }
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

void remove_folder(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

bool is_finished(Phase phase) { return phase != Phase::kQueued && phase != Phase::kRunning; }

}  // namespace

std::string_view to_string(Phase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

Json to_json(const JobState& state) {
  Json out = Json::Object{
      {"id", state.id},
      {"state", to_string(state.phase)},
      {"input", state.input},
      {"created",
       fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(state.created)))},
      {"frames", state.frames},
      {"expected_frames", state.expected_frames}};
  Json progress;
  if (state.phase == Phase::kDone) {
    progress = 1.0;
  } else if (state.expected_frames > 0) {
    const double share =
        static_cast<double>(state.frames) / static_cast<double>(state.expected_frames);
    progress = std::round(std::min(share, 1.0) * 1e4) / 1e4;
  }
  out.set("progress", std::move(progress));
  out.set("seconds_left",
          state.seconds_left ? Json(std::round(*state.seconds_left * 10) / 10) : Json());
  if (state.phase == Phase::kFailed) {
    out.set("error", Json::Object{{"code", state.code}, {"message", state.message}});
  }
  return out;
}

namespace {

// How a job is stored: its JSON, and the numbers that the JSON has in another form.
std::string stored(const JobState& state) {
  Json out = to_json(state);
  out.set("created_at", state.created);
  out.set("finished_at", state.finished);
  return out.dump(2);
}

}  // namespace

Result<JobState> parse_job(std::string_view text) {
  MIEN_ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  JobState out;
  MIEN_ASSIGN_OR_RETURN(out.id, json_string(json, "id", "job"));
  MIEN_ASSIGN_OR_RETURN(const std::string phase, json_string(json, "state", "job"));
  MIEN_ASSIGN_OR_RETURN(out.input, json_string(json, "input", "job"));
  MIEN_ASSIGN_OR_RETURN(out.created, json_integer(json, "created_at", "job"));
  MIEN_ASSIGN_OR_RETURN(out.finished, json_integer(json, "finished_at", "job"));
  MIEN_ASSIGN_OR_RETURN(out.frames, json_integer(json, "frames", "job"));
  MIEN_ASSIGN_OR_RETURN(out.expected_frames, json_integer(json, "expected_frames", "job"));
  const auto it = std::find(kPhases.begin(), kPhases.end(), phase);
  if (it == kPhases.end() || !is_id(out.id)) return corrupt("job: unknown state or broken id");
  out.phase = static_cast<Phase>(it - kPhases.begin());
  if (const Json* error = json.find("error")) {
    MIEN_ASSIGN_OR_RETURN(out.code, json_string(*error, "code", "job"));
    MIEN_ASSIGN_OR_RETURN(out.message, json_string(*error, "message", "job"));
  }
  return out;
}

Upload::~Upload() {
  if (fd_ >= 0) ::close(fd_);
  if (!kept_) remove_folder(folder_);
  --*open_;
}

Status Upload::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return io_error("clip: cannot be stored (is the disk full?)");
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

void Upload::keep() {
  kept_ = true;
  ::close(std::exchange(fd_, -1));
}

struct Jobs::Job {
  JobState state;  // guarded by the lock of Jobs
  Ask ask;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::atomic<bool> cancel{false};
};

Jobs::Jobs(const Models& models, PictureOptions pictures, JobOptions options)
    : models_(models), pictures_(std::move(pictures)), options_(std::move(options)) {}

Result<std::unique_ptr<Jobs>> Jobs::open(const Models& models, PictureOptions pictures,
                                         JobOptions options) {
  std::unique_ptr<Jobs> out(new Jobs(models, std::move(pictures), std::move(options)));
  MIEN_RETURN_IF_ERROR(out->prepare_folder());
  MIEN_RETURN_IF_ERROR(out->sweep());
  MIEN_RETURN_IF_ERROR(start_thread(out->threads_, [jobs = out.get()] { jobs->work(); }));
  return out;
}

Jobs::~Jobs() {
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, job] : jobs_) job->cancel = true;
  }
  finish();
  if (lock_fd_ < 0) return;
  if (options_.remove_folder) remove_folder(options_.folder);
  ::close(lock_fd_);
}

Status Jobs::prepare_folder() {
  const std::string& name = options_.folder.native();
  std::error_code error;
  fs::create_directories(options_.folder.parent_path(), error);
  if (::mkdir(name.c_str(), 0700) != 0 && errno != EEXIST) {
    return errno_status(name, "cannot be made", errno);
  }
  struct stat facts {};
  if (::lstat(name.c_str(), &facts) != 0) return errno_status(name, "cannot be read", errno);
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & 0077) != 0) {
    return invalid_argument(name +
                            ": is not private (expected a folder of this user with the mode 0700)");
  }
  lock_fd_ =
      ::open((options_.folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_fd_ < 0) return errno_status(name + "/lock", "cannot be opened", errno);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return invalid_argument(name + ": another server uses this folder (expected another --state)");
  }
  return {};
}

// Whatever is not a finished job is left over from a server that was killed.
Status Jobs::sweep() {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(options_.folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!is_id(name)) continue;  // not ours
    auto text = read_text_file(entry.path() / "job.json", 1U << 20);
    auto state = text.ok() ? parse_job(*text) : Result<JobState>(text.status());
    if (!state.ok() || state->id != name) {
      remove_folder(entry.path());
      continue;
    }
    auto job = std::make_shared<Job>();
    job->state = *state;
    if (!is_finished(job->state.phase)) {
      std::error_code ignored;
      for (const fs::directory_entry& file : fs::directory_iterator(entry.path(), ignored)) {
        if (file.path().filename() != "job.json") remove_folder(file.path());
      }
      job->state.phase = Phase::kFailed;
      job->state.finished = std::time(nullptr);
      job->state.code = to_string(StatusCode::kCancelled);
      job->state.message = "server ended before the clip was read (send it again)";
      store(job->state);
    }
    jobs_[name] = std::move(job);
  }
  if (error) return io_error(options_.folder.string() + ": cannot be listed");
  return {};
}

void Jobs::store(const JobState& state) const {
  // A state that cannot be stored is lost only if the server is killed; the job goes on.
  (void)write_file_atomically(folder_of(state.id) / "job.json", stored(state));
}

Result<std::unique_ptr<Upload>> Jobs::begin() {
  {
    const std::lock_guard lock(mutex_);
    if (finishing_) return cancelled("server stops");
    remove_old();
    if (queue_.size() + *uploads_ >= options_.most_waiting || jobs_.size() >= kMostKept) {
      return resource_limit(
          fmt::format("jobs: too many (expected at most {} that wait)", options_.most_waiting));
    }
  }
  MIEN_ASSIGN_OR_RETURN(const std::string id, new_id());
  const fs::path folder = folder_of(id);
  if (::mkdir(folder.c_str(), 0700) != 0) {
    return errno_status("clip", "cannot be stored", errno);
  }
  const int fd = ::open((folder / "clip").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    remove_folder(folder);
    return errno_status("clip", "cannot be stored", errno);
  }
  return std::make_unique<Upload>(folder, fd, uploads_);
}

Result<JobState> Jobs::submit(const std::shared_ptr<Upload>& upload, std::uint64_t offset,
                              std::uint64_t length, const Ask& ask) {
  auto job = std::make_shared<Job>();
  job->ask = ask;
  job->offset = offset;
  job->length = length;
  job->state.id = upload->folder().filename().string();
  job->state.input = ask.name.empty() ? "clip" : ask.name;
  job->state.created = std::time(nullptr);
  const JobState state = job->state;
  {
    const std::lock_guard lock(mutex_);
    if (finishing_) return cancelled("server stops");
    store(state);
    upload->keep();
    jobs_[state.id] = job;
    queue_.push_back(std::move(job));
  }
  wake_.notify_all();
  return state;
}

std::optional<JobState> Jobs::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = jobs_.find(id);
  return it == jobs_.end() ? std::optional<JobState>() : it->second->state;
}

bool Jobs::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return false;
  it->second->cancel = true;
  const bool running = it->second->state.phase == Phase::kRunning;
  std::erase(queue_, it->second);
  jobs_.erase(it);
  if (!running) remove_folder(folder_of(id));  // otherwise the thread that reads it does so
  return true;
}

fs::path Jobs::result(const std::string& id, std::string_view format) const {
  const std::lock_guard lock(mutex_);
  const auto it = jobs_.find(id);
  if (it == jobs_.end() || it->second->state.phase != Phase::kDone) return {};
  return ClipFiles::file_of(folder_of(id), format);
}

std::size_t Jobs::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::size_t Jobs::count() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

// The lock is held.
void Jobs::remove_old() {
  const std::int64_t now = std::time(nullptr);
  std::erase_if(jobs_, [&](const auto& entry) {
    const JobState& state = entry.second->state;
    if (!is_finished(state.phase) || now - state.finished < options_.keep.count()) return false;
    remove_folder(folder_of(state.id));
    return true;
  });
}

void Jobs::finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Jobs::work() {
  kernels::set_threads(options_.threads);
  std::unique_lock lock(mutex_);
  for (;;) {
    // Old results go even if nobody asks for anything.
    wake_.wait_for(lock, std::chrono::seconds(30), [&] { return finishing_ || !queue_.empty(); });
    remove_old();
    if (queue_.empty()) {
      if (finishing_) return;
      continue;
    }
    const std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    job->state.phase = Phase::kRunning;
    store(job->state);
    lock.unlock();
    run(*job);
    lock.lock();
  }
}

void Jobs::run(Job& job) {
  const Status status = without_exceptions([&] { return read(job); });
  const fs::path folder = folder_of(job.state.id);
  const std::lock_guard lock(mutex_);
  if (job.cancel && !jobs_.contains(job.state.id)) return remove_folder(folder);
  std::error_code ignored;
  fs::remove(folder / "clip", ignored);
  JobState& state = job.state;
  state.finished = std::time(nullptr);
  state.seconds_left.reset();
  state.phase = status.ok() ? Phase::kDone : Phase::kFailed;
  if (!status.ok()) {
    state.code = to_string(status.code());
    state.message = status.message();
  }
  store(state);
}

Status Jobs::read(Job& job) {
  const auto began = std::chrono::steady_clock::now();
  const fs::path folder = folder_of(job.state.id);
  MIEN_ASSIGN_OR_RETURN(const auto model, models_.find(job.ask.bundle));
  engine::Session session;
  MIEN_ASSIGN_OR_RETURN(const auto labels, model->labels(job.ask, session));
  pipeline::RecognizerOptions options;
  options.finder = finder_of(pictures_, job.ask);
  options.scorer.explain = job.ask.explain;
  options.every = job.ask.every;
  options.max_fps = job.ask.max_fps;
  options.smooth_seconds = job.ask.smooth;
  options.frame_values = true;
  MIEN_ASSIGN_OR_RETURN(const auto bundle, model->with_views(0));
  MIEN_ASSIGN_OR_RETURN(auto recognizer,
                        pipeline::Recognizer::make_with_scorer(bundle, labels->scorer, options));
  MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(folder / "clip"));
  if (job.length == 0 || job.offset + job.length > map->bytes().size()) {
    return corrupt(job.state.input + ": is empty (expected a clip)");
  }
  video::OpenOptions open;
  open.limits = options_.limits;
  open.cancel = &job.cancel;
  auto source = video::open_memory(map->bytes().subspan(job.offset, job.length), open);
  if (!source.ok()) return source.status().with_prefix(job.state.input);
  const std::int64_t expected = (*source)->info().frames;
  ClipFiles files(folder, recognizer->label_names(), recognizer->target_names(),
                  {.bundle = model->info().name,
                   .bundle_hash = engine::bundle_hash(model->info()),
                   .program = options_.program,
                   .notice = options_.notice});
  MIEN_RETURN_IF_ERROR(files.open());
  pipeline::ClipSink sink;
  sink.frame = [&](const pipeline::ClipFrame& frame) -> Status {
    {
      const std::lock_guard lock(mutex_);
      JobState& state = job.state;
      state.frames = frame.result.frame + 1;
      state.expected_frames = std::max(expected, std::int64_t{0});
      const double spent =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
      if (expected > 0) {
        state.seconds_left =
            spent / static_cast<double>(state.frames) *
            static_cast<double>(std::max<std::int64_t>(0, expected - state.frames));
      }
    }
    if (job.ask.top <= 0) return files.frame(frame.result);
    pipeline::FrameResult cut = frame.result;
    for (engine::FaceResult& face : cut.faces) {
      if (face.labels.size() > static_cast<std::size_t>(job.ask.top)) {
        face.labels.resize(static_cast<std::size_t>(job.ask.top));
      }
    }
    return files.frame(cut);
  };
  auto clip = recognizer->clip(**source, job.state.input, sink, &job.cancel);
  if (!clip.ok()) return clip.status();
  {
    const std::lock_guard lock(mutex_);
    job.state.frames = clip->summary.frames;
  }
  return files.finish(*clip);
}

}  // namespace mien::serve
