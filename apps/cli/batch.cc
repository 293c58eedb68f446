#include "cli/batch.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <span>

#include "cli/help.h"
#include "cli/progress.h"
#include "core/file.h"
#include "core/sha256.h"
#include "engine/bundle_hash.h"
#include "jobs/run.h"
#include "mien/kernels/cpu.h"
#include "report/text.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

std::optional<jobs::FileStamp> stamp_of_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return jobs::FileStamp{info.st_size, info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

// A folder of frames is stamped by the size of all its files and the newest of their times.
jobs::FileStamp stamp_of(const Input& input) {
  if (input.kind == Input::Kind::kFile)
    return stamp_of_file(input.name).value_or(jobs::FileStamp{});
  jobs::FileStamp out;
  std::error_code error;
  fs::directory_iterator it(input.name, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const auto one = stamp_of_file(it->path().string());
    if (!one) continue;
    out.size += one->size;
    out.mtime_ns = std::max(out.mtime_ns, one->mtime_ns);
  }
  return out;
}

std::string short_hash(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text))).substr(0, 16);
}

void append_texts(const text::Label& label, std::string& out) {
  out += label.name + '\n';
  for (const std::string& text : label.texts) out += '\t' + text + '\n';
  for (const text::Label& part : label.parts) append_texts(part, out);
}

// Everything that decides the results of a file. Options that only change the speed are left out.
Result<jobs::RunFacts> facts_of(const Batch& batch) {
  std::string texts;
  for (const text::Label& label : batch.labels.labels) append_texts(label, texts);
  const auto& finder = batch.recognizer.finder;
  const auto& scorer = batch.recognizer.scorer;
  std::string boxes = "none";
  if (!finder.boxes_file.empty()) {
    MIEN_ASSIGN_OR_RETURN(const std::string content,
                          read_text_file(finder.boxes_file, std::uint64_t{1} << 30));
    boxes = short_hash(content);
  }
  const engine::BundleInfo& info = batch.bundle->info();
  using Mode = engine::UnknownChoice::Mode;
  const std::string unknown = scorer.unknown.mode == Mode::kOff ? "off"
                              : scorer.unknown.mode == Mode::kAuto
                                  ? "auto"
                                  : fmt::format("{}", scorer.unknown.value);
  // One fact, so that results files made before --min-face and --single existed can be resumed.
  std::string search = fmt::format("{}", finder.upsample);
  if (finder.min_face > 0) search += fmt::format(", --min-face {}", finder.min_face);
  if (finder.single) search += ", --single";
  if (finder.detector) search += fmt::format(", --detector {}", finder.detector->identity());
  if (const auto& r = finder.region) {
    search += fmt::format(", --region {},{},{},{}", r->x, r->y, r->w, r->h);
  }
  const bool raw = scorer.compound == engine::Compound::kRawMean;
  // One fact, so that results files made before --views existed can be resumed.
  std::string precision = batch.model.precision;
  if (batch.model.views > 1) precision += fmt::format(", {} views", batch.model.views);
  return jobs::RunFacts{
      {"bundle", fmt::format("{} {}", info.name, engine::bundle_hash(info).substr(0, 16))},
      {jobs::ResultsFile::kLabelTexts, short_hash(texts)},
      {"precision", precision},
      {"--unknown", unknown},
      {"--reduce", std::string(engine::to_string(scorer.reduce.value_or(info.reduce)))},
      {"--compound", raw ? "raw-mean" : "unit-mean"},
      {"--face", std::string(face::to_string(finder.mode))},
      {"--boxes", boxes},
      {"--upsample", search},
      {"--min-score", fmt::format("{}", finder.min_score)},
      {"--detect-every", fmt::format("{}", finder.detect_every)},
      {"--every", fmt::format("{}", batch.recognizer.every)},
      {"--max-fps", fmt::format("{}", batch.recognizer.max_fps)},
      {"--frames", batch.inputs.frames ? fmt::format("at {} per second", batch.inputs.frame_rate)
                                       : std::string("off")}};
}

class Reader final : public jobs::FileReader, private InputVisitor {
 public:
  Reader(std::unique_ptr<pipeline::Recognizer> recognizer, const InputOptions& inputs)
      : recognizer_(std::move(recognizer)), inputs_(inputs) {}

  Result<pipeline::ClipResult> read(const jobs::InputFile& file, jobs::FrameSink& sink) override {
    sink_ = &sink;
    out_ = {};
    const Input input{
        inputs_.frames && fs::is_directory(file.input) ? Input::Kind::kFrames : Input::Kind::kFile,
        file.input,
        {}};
    MIEN_RETURN_IF_ERROR(visit_input(input, inputs_, *this));
    return std::move(out_);
  }

 private:
  image::Enough enough() const override {
    image::Enough out = recognizer_->enough();
    out.beyond_limits = true;
    return out;
  }
  Status picture(const std::string& name, const image::Reduced& picture) override {
    const auto begin = std::chrono::steady_clock::now();
    const auto done = recognizer_->picture(picture, name);
    if (!done.ok()) return done.status().with_prefix(name);
    const pipeline::FrameResult& frame = *done;
    out_.summary.input = name;
    out_.summary.frames = out_.summary.analysed_frames = 1;
    out_.summary.faces = static_cast<std::int64_t>(frame.faces.size());
    out_.summary.elapsed_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return sink_->frame(frame);
  }

  Status clip(const std::string& name, const fs::path&, video::VideoSource& source) override {
    pipeline::ClipSink sink;
    sink.frame = [&](const pipeline::ClipFrame& frame) {
      return frame.analysed ? sink_->frame(frame.result) : Status();
    };
    MIEN_ASSIGN_OR_RETURN(out_, recognizer_->clip(source, name, sink, &interrupted()));
    return {};
  }

  void failed(const std::string&, const Status&) override {}

  std::unique_ptr<pipeline::Recognizer> recognizer_;
  const InputOptions& inputs_;
  jobs::FrameSink* sink_ = nullptr;
  pipeline::ClipResult out_;
};

// The inputs as files. Errors: kInvalidArgument for an input that cannot be read twice.
Result<std::vector<jobs::InputFile>> list_files(Context& context, const Batch& batch) {
  std::vector<jobs::InputFile> out;
  for (const Input& input : batch.list.inputs) {
    if (input.kind == Input::Kind::kProblem) {
      context.fail(input.problem, kExitSomeFailed);
      continue;
    }
    if (input.kind == Input::Kind::kStdin || input.kind == Input::Kind::kPipe ||
        input.kind == Input::Kind::kCamera) {
      return invalid_argument(fmt::format("{}: cannot be read twice (expected files with -o {})",
                                          input.name, batch.results));
    }
    out.push_back({input.name, absolute_name(input.name).string(), stamp_of(input)});
  }
  return out;
}

void tell(Context& context, const Batch& batch, const jobs::BatchPlan& plan,
          const jobs::RunCounts& counts) {
  std::string line = fmt::format("{}: {} read, {} failed", report::printable(batch.results),
                                 counts.read, counts.failed);
  if (plan.done_before > 0) line += fmt::format(", {} done earlier", plan.done_before);
  if (counts.cut_short + plan.cut_before > 0) {
    line += fmt::format(", {} cut short", counts.cut_short + plan.cut_before);
  }
  if (plan.changed > 0) line += fmt::format(", {} changed", plan.changed);
  if (plan.failed_before > 0) {
    line += fmt::format(", {} failed earlier (--retry-failed retries them)", plan.failed_before);
  }
  if (counts.left > 0)
    line += fmt::format(", {} left (run the same command to continue)", counts.left);
  fmt::print("{}\n", line);
  if (counts.failed + plan.failed_before + counts.left + counts.cut_short + plan.cut_before > 0) {
    context.exit_code = std::max<int>(context.exit_code, kExitSomeFailed);
  }
}

}  // namespace

void add_batch_options(CLI::App& verb, BatchOptions& options) {
  begin_group(verb, "Speed");
  verb.add_option("--jobs", options.jobs, "Number of files to read at once, with -o FILE.sqlite")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  begin_group(verb, "Output");
  verb.add_flag("--retry-failed", options.retry_failed,
                "Retry files that failed in an earlier run, with -o FILE.sqlite");
}

void run_batch(Context& context, const Batch& batch) {
  const auto facts = facts_of(batch);
  if (!facts.ok()) return context.fail(facts.status(), kExitUsage);
  const std::vector<std::string> names = engine::LabelScorer::names_of(*batch.bundle, batch.labels);
  const auto files = list_files(context, batch);
  if (!files.ok()) return context.fail(files.status(), kExitUsage);
  const auto results = jobs::ResultsFile::open_for_run(batch.results, names, *facts);
  if (!results.ok()) return context.fail(results.status(), kExitUsage);
  const auto plan = (*results)->plan(*files, {.retry_failed = batch.options.retry_failed});
  if (!plan.ok()) return context.fail(plan.status(), kExitSomeFailed);

  const int each = std::max(1, kernels::threads() / batch.options.jobs);
  Progress progress("files", static_cast<std::int64_t>(plan->todo.size()));
  const auto counts = jobs::run_plan(
      **results, *plan,
      [&]() -> Result<std::unique_ptr<jobs::FileReader>> {
        kernels::set_threads(each);  // of this worker
        MIEN_ASSIGN_OR_RETURN(
            auto made, pipeline::Recognizer::make(batch.bundle, batch.labels, batch.recognizer));
        return std::make_unique<Reader>(std::move(made), batch.inputs);
      },
      {.jobs = batch.options.jobs,
       .cancel = &interrupted(),
       .progress = [&](std::int64_t done) { progress.update(done); },
       .failed =
           [&](const jobs::InputFile&, const Status& status) {
             Progress::clear_line();
             context.report(status.message());
           }});
  progress.finish();
  if (!counts.ok()) return context.fail(counts.status(), kExitSomeFailed);
  tell(context, batch, *plan, *counts);
}

}  // namespace mien::cli
