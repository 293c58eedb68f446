#include "pipeline/clip_run.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "mien/kernels/cpu.h"

namespace mien::pipeline {
namespace {

// Number of frames that may wait for a full batch: bounds memory when few frames show a face.
constexpr std::size_t kMostInBatch = 32;
constexpr std::size_t kMostFramesLive = 4;           // besides the frames that threads work on
constexpr std::size_t kMostHeldScores = 16'000'000;  // before a baseline is known: 0.7 GB
// Limit for the pixels of frames whose answers are not settled: 80 frames of 1080p, 20 of 4K.
constexpr std::size_t kMostWaitingBytes = std::size_t{512} << 20;

std::size_t most_frames(int threads, int batch, bool live) {
  const auto workers = static_cast<std::size_t>(threads);
  if (live) return kMostFramesLive + workers;
  const auto each = std::min(static_cast<std::size_t>(std::max(batch, 1)), kMostInBatch);
  return std::max(kMostInBatch, each * workers) + 4 * workers;
}

/// Makes every kernel run on one thread; the destructor restores the caller's setting.
class OneThreadEach {
 public:
  OneThreadEach() : before_(kernels::threads()) { kernels::set_threads(1); }
  OneThreadEach(const OneThreadEach&) = delete;
  OneThreadEach& operator=(const OneThreadEach&) = delete;
  ~OneThreadEach() { kernels::set_threads(before_); }

 private:
  int before_;
};

}  // namespace

void tell_end(const video::VideoSource& source, const video::Covered& covered, SummaryResult& out) {
  out.corrupt_frames = source.corrupt_frames();
  out.media_seconds = covered.seconds();
  out.start_seconds = covered.start();
  out.offset_seconds = source.info().offset;
  out.clock = source.info().clock;
  out.cut_short = source.cut_short();
}

ClipRun::ClipRun(video::VideoSource& source, std::string name, face::FaceFinder& finder,
                 FaceReader& reader, TrackBook& book, const RecognizerOptions& options,
                 const ClipSink& sink, const std::atomic<bool>* cancel)
    : source_(source),
      name_(std::move(name)),
      finder_(finder),
      reader_(reader),
      book_(book),
      options_(options),
      sink_(sink),
      cancel_(cancel),
      threads_(std::max(kernels::threads(), 1)),
      live_(source.info().live),
      pace_(options.every, options.max_fps),
      most_frames_(most_frames(threads_, options.batch, live_)),
      open_(std::make_unique<Batch>()),
      segments_(reader.scorer() == nullptr ? std::vector<std::string>() : reader.scorer()->names(),
                options.smooth_seconds,
                live_ ? LabelSegments::Use::kLive : LabelSegments::Use::kAnswers),
      holds_(options.baseline.enabled() && reader.scorer() != nullptr && !live_ && !sink.images) {
  segments_.set_baseline(options.baseline);
}

bool ClipRun::wants(const video::Frame& frame) {
  if (!pace_.wants(frame.index, frame.timestamp_us)) return false;
  last_analysed_us_ = frame.timestamp_us;
  return true;
}

// If few frames are wanted and all times are known, seeking skips the others: it starts at key
// frames and decodes only reference frames.
void ClipRun::plan_jumps() {
  constexpr std::size_t kFew = 3;  // every 3rd frame or fewer
  const bool thinned = options_.every > 1 || options_.max_fps > 0;
  // The frame numbers of a part of a clip are unknown until it is read.
  const bool numbered = options_.every > 1 && source_.info().part;
  if (!thinned || numbered || live_ || sink_.every_frame) return;
  const auto times = source_.timestamps();
  if (!times.ok()) return;
  Pace pace = pace_;
  for (std::size_t i = 0; i < times->size(); ++i) {
    if (pace.wants(static_cast<std::int64_t>(i), (*times)[i])) jumps_.push_back((*times)[i]);
  }
  if (jumps_.size() * kFew > times->size()) jumps_.clear();
}

Status ClipRun::jump() {
  while (next_jump_ < jumps_.size() && last_analysed_us_ &&
         jumps_[next_jump_] <= *last_analysed_us_) {
    ++next_jump_;
  }
  if (next_jump_ == jumps_.size()) return {};
  return source_.seek(jumps_[next_jump_++]);
}

/// The next frame that is needed; nullptr at the end. An error is an item too.
std::unique_ptr<ClipRun::Item> ClipRun::decode() {
  while (!stopped()) {
    auto item = std::make_unique<Item>();
    bool asked = false;
    bool wanted = false;
    if (const Status status = jump(); !status.ok()) {
      item->problem = status;
      return item;
    }
    auto next = source_.next_if([&](const video::Frame& frame) {
      asked = true;
      wanted = wants(frame);
      return wanted || sink_.every_frame;
    });
    if (!next.ok()) {
      item->problem = next.status();
      return item;
    }
    if (!next->has_value()) return nullptr;
    item->frame = std::move(**next);
    item->width = item->frame.image.width();
    item->height = item->frame.image.height();
    item->analysed = asked ? wanted : wants(item->frame);
    covered_.add(item->frame);
    const std::int64_t index = item->frame.index;
    summary_.frames += last_index_ ? std::max<std::int64_t>(0, index - *last_index_) : 1;
    last_index_ = index;
    if (item->analysed) {
      item->plan = finder_.plan(item->frame.image, item->frame.index, item->frame.timestamp_us);
      item->step = item->plan.search ? Step::kSearch : Step::kFollow;
      return item;
    }
    if (sink_.every_frame) return item;
  }
  return nullptr;
}

void ClipRun::search(Item& item, Worker& worker) {
  auto found = worker.finder->search(item.frame.image, item.plan);
  if (found.ok()) {
    item.found = std::move(*found);
  } else {
    item.problem = found.status();
  }
}

void ClipRun::follow(Item& item) {
  if (!item.problem.ok()) return;
  auto faces = finder_.follow(item.frame.image, item.frame.index, item.frame.timestamp_us, name_,
                              item.plan, item.found);
  if (faces.ok()) {
    item.faces.faces = std::move(*faces);
  } else {
    item.problem = faces.status();
  }
}

void ClipRun::cut(Item& item, Worker& worker) {
  if (item.problem.ok()) {
    item.problem = worker.finder->complete(item.frame.image, item.faces.faces);
  }
  if (item.problem.ok()) {
    auto cut = cut_faces(reader_.info(), item.frame.image, std::move(item.faces.faces));
    if (cut.ok()) {
      item.faces = std::move(*cut);
    } else {
      item.problem = cut.status();
    }
  }
  if (!sink_.images) item.frame.image = image::Image();
}

// Finds the position of the prompt patch on every face of a batch.
Status ClipRun::place(Batch& batch, Worker& worker) {
  for (const auto& item : batch.items) {
    MIEN_RETURN_IF_ERROR(places_.add(reader_, item->faces.faces, item->faces.pixels.data(),
                                     worker.session, batch.places));
  }
  return {};
}

Status ClipRun::encode(Batch& batch, Worker& worker) {
  MIEN_RETURN_IF_ERROR(batch.problem);
  worker.pixels.clear();
  for (const auto& item : batch.items) {
    worker.pixels.insert(worker.pixels.end(), item->faces.pixels.begin(), item->faces.pixels.end());
    item->faces.pixels = {};
  }
  return reader_.encode(worker.pixels.data(), static_cast<std::int64_t>(batch.faces),
                        batch.embeddings, worker.session, batch.places);
}

Status ClipRun::emit(Item& item, const float* embeddings) {
  Waiting out;
  out.result.input = name_;
  out.result.is_clip = true;
  out.result.frame = item.frame.index;
  out.result.timestamp_us = item.frame.timestamp_us;
  out.result.clock = source_.info().clock;
  out.result.width = item.width;
  out.result.height = item.height;
  out.analysed = item.analysed;
  if (item.analysed) {
    for (std::size_t i = 0; i < item.faces.faces.size(); ++i) {
      const float* embedding = embeddings + i * reader_.embed();
      MIEN_ASSIGN_OR_RETURN(out.result.faces.emplace_back(),
                            reader_.read(item.faces.faces[i], embedding, FaceReader::Of::kFrame));
      MIEN_RETURN_IF_ERROR(book_.add(item.faces.faces[i].track, item.frame.timestamp_us,
                                     {embedding, reader_.embed()}, reader_.session()));
    }
    ++summary_.analysed_frames;
    summary_.smallest_face =
        std::max(summary_.smallest_face, finder_.smallest_face(item.width, item.height));
    summary_.faces += static_cast<std::int64_t>(out.result.faces.size());
    if (reader_.scorer() != nullptr) segments_.add(out.result);
  }
  if (sink_.images) out.image = std::move(item.frame.image);
  waiting_bytes_ += out.image.pixels().size();
  if (holds_) {
    for (const auto& face : out.result.faces) held_scores_ += 2 * face.labels.size();
  }
  waiting_.push_back(std::move(out));
  if (holds_ && segments_.baseline_settled()) holds_ = false;
  if (holds_ && held_scores_ > kMostHeldScores) {
    return resource_limit(
        name_ + ": too many faces before the baseline is known (expected an earlier interval)");
  }
  return deliver();
}

// Emits frames in order, once their answers are settled or their pixels take too much memory.
Status ClipRun::deliver() {
  while (!waiting_.empty() && !holds_) {
    Waiting& next = waiting_.front();
    if (next.analysed && reader_.scorer() != nullptr) {
      bool settled = segments_.take(next.result);
      if (!settled && waiting_bytes_ > kMostWaitingBytes) {
        segments_.settle_oldest();
        settled = segments_.take(next.result);
      }
      if (!settled) break;
    }
    Waiting frame = std::move(next);
    waiting_.pop_front();
    waiting_bytes_ -= frame.image.pixels().size();
    if (frame.analysed) {
      last_ = std::move(frame.result);
    } else {
      last_.frame = frame.result.frame;
      last_.timestamp_us = frame.result.timestamp_us;
    }
    if (!sink_.frame) continue;
    const Status status =
        sink_.frame({last_, frame.analysed, sink_.images ? &frame.image : nullptr});
    refused_ = !status.ok();
    MIEN_RETURN_IF_ERROR(status);
  }
  return {};
}

Status ClipRun::emit(Batch& batch) {
  MIEN_RETURN_IF_ERROR(batch.problem);
  const float* embedding = batch.embeddings.data();
  for (const auto& item : batch.items) {
    MIEN_RETURN_IF_ERROR(emit(*item, embedding));
    embedding += item->faces.faces.size() * reader_.embed();
  }
  return {};
}

void ClipRun::close_batch() {
  if (open_->items.empty()) return;
  batches_.push_back(std::move(open_));
  open_ = std::make_unique<Batch>();
}

/// Moves finished frames from the front into the open batch. Which frames share a batch depends on
/// the frames alone.
void ClipRun::gather() {
  if (broken_) {  // later frames are dropped, unless another thread works on them
    frames_inside_ -= std::erase_if(items_, [](const auto& later) { return !later->busy; });
    return;
  }
  while (!items_.empty() && items_.front()->step == Step::kReady && !items_.front()->busy) {
    std::unique_ptr<Item> item = std::move(items_.front());
    items_.pop_front();
    if (!item->problem.ok()) {
      problem_ = item->problem;
      --frames_inside_;
      broken_ = decoded_all_ = true;
      close_batch();
      return gather();
    }
    open_->faces += item->faces.faces.size();
    open_->items.push_back(std::move(item));
    const bool full = open_->faces >= static_cast<std::size_t>(std::max(options_.batch, 1));
    if (live_ || full || open_->items.size() >= kMostInBatch) close_batch();
  }
  if (decoded_all_ && items_.empty()) close_batch();
}

bool ClipRun::emit_batch(Lock& lock) {
  if (batches_.empty() || !batches_.front()->done) return false;
  const std::unique_ptr<Batch> batch = std::move(batches_.front());
  batches_.pop_front();
  lock.unlock();
  const Status status = emit(*batch);
  lock.lock();
  frames_inside_ -= batch->items.size();
  if (!status.ok()) {
    problem_ = status;
    stop_ = true;
  }
  return true;
}

bool ClipRun::encode_batch(Worker& worker, Lock& lock) {
  const auto at = std::find_if(batches_.begin(), batches_.end(),
                               [](const auto& batch) { return !batch->busy && !batch->done; });
  if (at == batches_.end()) return false;
  // Batches are encoded one after the other until the patch positions are known.
  if (at != batches_.begin() && !(*std::prev(at))->placed) return false;
  Batch& batch = **at;
  batch.busy = true;
  lock.unlock();
  batch.problem = place(batch, worker);
  lock.lock();
  batch.placed = true;
  changed_.notify_all();
  lock.unlock();
  batch.problem = encode(batch, worker);
  lock.lock();
  batch.busy = false;
  batch.done = true;
  return true;
}

bool ClipRun::advance_item(Worker& worker, Step step, Lock& lock) {
  const auto waits = [step](const auto& item) { return !item->busy && item->step == step; };
  auto at = items_.end();
  if (step == Step::kFollow) {  // in order: the first frame whose faces are not tracked yet
    if (following_) return false;
    at = std::find_if(items_.begin(), items_.end(),
                      [](const auto& item) { return item->step < Step::kCut; });
    if (at != items_.end() && !waits(*at)) return false;
  } else {
    at = std::find_if(items_.begin(), items_.end(), waits);
  }
  if (at == items_.end()) return false;
  Item& item = **at;  // the reference stays valid: only finished items are removed
  item.busy = true;
  following_ = following_ || step == Step::kFollow;
  lock.unlock();
  switch (step) {
    case Step::kSearch: search(item, worker); break;
    case Step::kFollow: follow(item); break;
    case Step::kCut: cut(item, worker); break;
    case Step::kReady: break;
  }
  lock.lock();
  item.busy = false;
  if (step == Step::kFollow) following_ = false;
  item.step = static_cast<Step>(static_cast<int>(step) + 1);
  return true;
}

bool ClipRun::decode_item(const Worker& worker, Lock& lock) {
  // Never block the calling thread on a live source.
  const bool waits = live_ && worker.calling && !alone_;
  if (decoding_ || decoded_all_ || waits || frames_inside_ >= most_frames_) return false;
  decoding_ = true;
  ++frames_inside_;
  lock.unlock();
  std::unique_ptr<Item> item = decode();
  lock.lock();
  decoding_ = false;
  if (item == nullptr || decoded_all_) {  // the end, or an earlier frame is broken
    --frames_inside_;
    decoded_all_ = true;
  } else {
    if (!item->problem.ok()) decoded_all_ = true;
    items_.push_back(std::move(item));
  }
  return true;
}

bool ClipRun::take_step(Worker& worker, Lock& lock) {
  return (worker.calling && emit_batch(lock)) || encode_batch(worker, lock) ||
         advance_item(worker, Step::kCut, lock) || advance_item(worker, Step::kFollow, lock) ||
         advance_item(worker, Step::kSearch, lock) || decode_item(worker, lock);
}

void ClipRun::work(Worker& worker) {
  Lock lock(mutex_);
  try {
    while (!stopped() && !finished()) {
      if (take_step(worker, lock)) {
        gather();
        changed_.notify_all();
      } else {
        changed_.wait(lock);
      }
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    if (!failure_) failure_ = std::current_exception();
    stop_ = true;
  }
  changed_.notify_all();
}

void ClipRun::work_together(std::vector<Worker>& workers) {
  std::vector<std::jthread> helpers;
  try {
    for (std::size_t i = 1; i < workers.size(); ++i) {
      helpers.emplace_back([this, &worker = workers[i]] {
        kernels::set_threads(1);
        work(worker);
      });
    }
  } catch (const std::system_error&) {
    // Run with as many threads as could be started.
  }
  alone_ = helpers.empty();
  work(workers.front());
}

Result<ClipResult> ClipRun::run() {
  if (options_.baseline.from == Baseline::From::kMedian && (live_ || sink_.images)) {
    return invalid_argument(name_ + (live_ ? ": is live" : ": is drawn") +
                            ", and a median is known at the end (expected an interval)");
  }
  const auto begin = std::chrono::steady_clock::now();
  const OneThreadEach setting;
  std::vector<Worker> workers(static_cast<std::size_t>(threads_));
  for (Worker& worker : workers) worker.finder = finder_.make_worker();
  workers.front().calling = true;
  plan_jumps();
  work_together(workers);
  if (failure_) std::rethrow_exception(failure_);
  segments_.finish();
  holds_ = false;
  if (!refused_) {
    const Status delivered = deliver();  // before reporting the problem of a later frame
    if (!delivered.ok()) return delivered;
  }
  const bool cancelled_now = cancel_ != nullptr && *cancel_;
  if (stop_ || !cancelled_now) MIEN_RETURN_IF_ERROR(problem_);
  if (cancelled_now && !live_) return cancelled(name_ + ": cancelled");
  ClipResult out;
  MIEN_ASSIGN_OR_RETURN(out.tracks, book_.results(name_, reader_.scorer()));
  if (reader_.scorer() != nullptr) {
    add_segments(segments_, out.tracks);
    out.segments = std::move(segments_);
  }
  for (TrackResult& track : out.tracks) track.clock = source_.info().clock;
  summary_.input = name_;
  summary_.is_clip = true;
  summary_.tracks = static_cast<std::int64_t>(out.tracks.size());
  tell_end(source_, covered_, summary_);
  summary_.elapsed_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  out.summary = summary_;
  return out;
}

}  // namespace mien::pipeline
