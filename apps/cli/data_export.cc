#include "cli/data_export.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "cli/outputs.h"
#include "cli/run_files.h"
#include "core/file.h"
#include "jobs/results_file.h"
#include "mien/pipeline/segments.h"
#include "mien/report/clip_csv.h"
#include "mien/report/csv.h"

namespace mien::cli {
namespace {

struct ExportVerb {
  std::string results;
  std::string table = "faces";
  std::string out;
  bool csv = false;
  double smooth = 0.5;
};

using Write = std::function<Status(const std::string&)>;

std::string seconds(std::int64_t us) {
  return fmt::format("{:.6f}", static_cast<double>(us) / 1e6);
}

// Replays the frames of a clip to find their segments, which the results file does not store.
class ClipReplay {
 public:
  using Sink = std::function<Status(const pipeline::FrameResult&)>;

  ClipReplay(const std::vector<std::string>& labels, double smooth)
      : segments_(labels, smooth, pipeline::LabelSegments::Use::kAnswers) {}

  Status add(const pipeline::FrameResult& frame, const Sink& sink) {
    segments_.add(frame);
    waiting_.push_back(frame);
    return deliver(sink);
  }
  Status finish(const Sink& sink) {
    segments_.finish();
    return deliver(sink);
  }
  const pipeline::LabelSegments& segments() const { return segments_; }

 private:
  Status deliver(const Sink& sink) {
    while (!waiting_.empty() && segments_.take(waiting_.front())) {
      const pipeline::FrameResult frame = std::move(waiting_.front());
      waiting_.pop_front();
      MIEN_RETURN_IF_ERROR(sink(frame));
    }
    return {};
  }

  pipeline::LabelSegments segments_;
  std::deque<pipeline::FrameResult> waiting_;
};

// Columns for clock times are needed if any clip has them.
Result<report::CsvExtras> extras_of(const jobs::ResultsFile& results) {
  report::CsvExtras out;
  MIEN_RETURN_IF_ERROR(results.for_each_file([&](const jobs::FileRow& file) -> Status {
    out.clock = out.clock || file.summary.clock.has_value();
    return {};
  }));
  return out;
}

Status write_faces(const jobs::ResultsFile& results, const ExportVerb& verb, const Write& write) {
  const std::string& table = verb.table;
  MIEN_ASSIGN_OR_RETURN(const report::CsvExtras extras, extras_of(results));
  const report::FaceCsv csv(results.labels(), {}, extras);
  MIEN_RETURN_IF_ERROR(write(csv.header()));
  return results.for_each_file([&](const jobs::FileRow& file) -> Status {
    if (file.state != "done") return {};
    if ((table == "frames" && !file.is_clip) || (table == "images" && file.is_clip)) return {};
    std::optional<pipeline::FrameResult>
        last;  // held back: the last row says whether the clip was cut short
    const ClipReplay::Sink sink = [&](const pipeline::FrameResult& frame) -> Status {
      const std::string rows = last ? csv.rows(*last) : "";
      last = frame;
      return write(rows);
    };
    const auto end = [&] {
      return last ? write(csv.rows(*last, file.summary.cut_short.has_value())) : Status();
    };
    if (!file.is_clip) {
      MIEN_RETURN_IF_ERROR(results.for_each_frame(file, sink));
      return end();
    }
    ClipReplay replay(results.labels(), verb.smooth);
    MIEN_RETURN_IF_ERROR(results.for_each_frame(
        file, [&](const pipeline::FrameResult& frame) { return replay.add(frame, sink); }));
    MIEN_RETURN_IF_ERROR(replay.finish(sink));
    return end();
  });
}

Status write_times(const jobs::ResultsFile& results, const ExportVerb& verb, const Write& write) {
  using TableRows = report::ClipCsv::Rows;
  MIEN_ASSIGN_OR_RETURN(const report::CsvExtras extras, extras_of(results));
  const report::ClipCsv csv(verb.table == "segments" ? TableRows::kSegments : TableRows::kTracks,
                            results.labels(), extras);
  MIEN_RETURN_IF_ERROR(write(csv.header()));
  const ClipReplay::Sink nobody = [](const pipeline::FrameResult&) { return Status(); };
  return results.for_each_file([&](const jobs::FileRow& file) -> Status {
    if (file.state != "done" || !file.is_clip) return {};
    ClipReplay replay(results.labels(), verb.smooth);
    MIEN_RETURN_IF_ERROR(results.for_each_frame(
        file, [&](const pipeline::FrameResult& frame) { return replay.add(frame, nobody); }));
    MIEN_RETURN_IF_ERROR(replay.finish(nobody));
    MIEN_ASSIGN_OR_RETURN(auto tracks, results.tracks(file));
    pipeline::add_segments(replay.segments(), tracks);
    for (const pipeline::TrackResult& track : tracks) {
      MIEN_RETURN_IF_ERROR(write(csv.rows(track, file.summary)));
    }
    return {};
  });
}

Status write_tracks(const jobs::ResultsFile& results, const Write& write) {
  std::string head = "input,track,from,to,frames,aggregate,top,unknown";
  for (const char* prefix : {"p_", "c_"}) {
    for (const std::string& label : results.labels())
      head += ',' + report::csv_text(prefix + label);
  }
  MIEN_RETURN_IF_ERROR(write(head + '\n'));
  return results.for_each_file([&](const jobs::FileRow& file) -> Status {
    if (file.state != "done" || !file.is_clip) return {};
    MIEN_ASSIGN_OR_RETURN(const auto tracks, results.tracks(file));
    for (const pipeline::TrackResult& track : tracks) {
      std::string row = fmt::format("{},{},{},{},{},{},{},{}", report::csv_text(track.input),
                                    track.track, seconds(track.from_us), seconds(track.to_us),
                                    track.frames, engine::to_string(track.aggregate),
                                    report::csv_text(track.top()), track.unknown ? 1 : 0);
      for (const bool cosine : {false, true}) {
        for (const std::string& label : results.labels()) {
          row += ',';
          for (const engine::LabelScore& score : track.labels) {
            const float value = cosine ? score.cosine : score.probability;
            if (score.label == label && std::isfinite(value)) row += fmt::format("{:.4f}", value);
          }
        }
      }
      MIEN_RETURN_IF_ERROR(write(row + '\n'));
    }
    return {};
  });
}

Status write_files(const jobs::ResultsFile& results, bool failures, const Write& write) {
  MIEN_RETURN_IF_ERROR(
      write(failures ? "input,code,message\n"
                     : "input,state,media,frames,analysed_frames,faces,tracks,corrupt_frames,"
                       "seconds,elapsed,code,message,cut_short,expected_frames,clock\n"));
  return results.for_each_file([&](const jobs::FileRow& file) -> Status {
    const std::string why = report::csv_text(file.code) + ',' + report::csv_text(file.message);
    if (failures) {
      return !file.code.empty() ? write(report::csv_text(file.input) + ',' + why + '\n') : Status();
    }
    const pipeline::SummaryResult& s = file.summary;
    const std::string end = fmt::format(
        ",{},{},{}\n",
        file.state != "done" || !file.is_clip ? ""
        : s.cut_short                         ? "1"
                                              : "0",
        s.cut_short && s.cut_short->expected > 0 ? fmt::format("{}", s.cut_short->expected) : "",
        s.clock ? to_iso(*s.clock) : "");
    const std::string figures =
        file.state == "done"
            ? fmt::format("{},{},{},{},{},{},{:.6f},{:.6f}", file.is_clip ? "clip" : "image",
                          s.frames, s.analysed_frames, s.faces, s.tracks, s.corrupt_frames,
                          s.media_seconds, s.elapsed_seconds)
            : std::string(7, ',');
    return write(fmt::format("{},{},{},", report::csv_text(file.input), file.state, figures) + why +
                 end);
  });
}

void run_export(Context& context, const ExportVerb& verb) {
  if (const Status status = check_file(verb.results, "-o", verb.out, {".csv", ".txt"});
      !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  const auto results = jobs::ResultsFile::open_to_read(verb.results);
  if (!results.ok()) return context.fail(results.status(), kExitUsage);
  std::optional<AtomicFile> file;
  if (!verb.out.empty()) {
    auto made = AtomicFile::create(verb.out);
    if (!made.ok()) return context.fail(made.status(), kExitUsage);
    file.emplace(std::move(*made));
  }
  const Write write = [&](const std::string& text) -> Status {
    if (interrupted()) return cancelled(verb.results + ": cancelled");
    if (file) return file->write(text);
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return {};
    return io_error("standard output: cannot be written");
  };
  Status status = verb.table == "tracks" ? write_tracks(**results, write)
                  : verb.table == "failures" || verb.table == "files"
                      ? write_files(**results, verb.table == "failures", write)
                  : verb.table == "segments" || verb.table == "shares"
                      ? write_times(**results, verb, write)
                      : write_faces(**results, verb, write);
  if (!status.ok() && file) keep_part(context, verb.out, *file);
  if (status.ok() && file) status = file->commit();
  if (status.ok() && !file && std::fflush(stdout) != 0) {
    status = io_error("standard output: cannot be written");
  }
  if (!status.ok()) context.fail(status, kExitSomeFailed);
}

}  // namespace

void add_data_export(CLI::App& data, Context& context) {
  auto verb = std::make_shared<ExportVerb>();
  CLI::App* command =
      data.add_subcommand("export", "Write results of `predict -o FILE.sqlite` as CSV");
  command->add_option("results", verb->results, "Results file")->required();
  command->add_flag("--csv", verb->csv, "Write CSV (the only format)");
  command
      ->add_option(
          "--table", verb->table,
          "Table to write: faces (as predict --csv), frames (clips only), images (pictures "
          "only), tracks, shares (as predict --format tracks), segments (as predict "
          "--format segments), failures or files")
      ->check(CLI::IsMember(
          {"faces", "frames", "images", "tracks", "shares", "segments", "failures", "files"}))
      ->option_text("NAME")
      ->capture_default_str();
  command
      ->add_option("--smooth", verb->smooth,
                   "Clips: smooth answers over this many seconds, as in predict")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  command->add_option("-o,--output,--out", verb->out,
                      "Write to this file, which appears only when complete");
  command->callback([&context, verb] { run_export(context, *verb); });
}

}  // namespace mien::cli
