#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/options.h"
#include "mien/core/file.h"
#include "mien/pipeline/recognizer.h"
#include "mien/report/clip_csv.h"
#include "mien/report/csv.h"
#include "mien/report/draw.h"
#include "mien/report/openface_csv.h"
#include "mien/report/timeline.h"
#include "mien/video/writer.h"

namespace mien::cli {

struct OutputOptions {
  bool json = false;
  bool csv = false;
  std::string format;    ///< "table", "json", ...; set by choose_format
  std::string file;      ///< "": standard output
  std::string annotate;  ///< "": no drawing; a file, or a folder when there are several inputs
  int top = 3;
  bool changes = false;  ///< there is a baseline to tell changes against
};
void add_output_options(CLI::App& verb, OutputOptions& options);
/// Settles `format` from --format, --json, --csv or the ending of the file, and `json` and `csv`
/// with it. `formats`: what the verb can write. Errors: kInvalidArgument when flags exclude each
/// other, or the verb has no such format.
Status choose_format(OutputOptions& options, const std::vector<std::string_view>& formats);
/// ".SRT" of "a.SRT" in lower case.
std::string extension_of(const std::filesystem::path& path);
/// A file for every input inside a folder: "clip.srt", then "clip-2.srt" for another input of that
/// name.
class FolderNames {
 public:
  std::filesystem::path name(const std::filesystem::path& folder, const std::string& input,
                             const std::string& extension);

 private:
  std::set<std::filesystem::path> used_;
};
/// Landmarks are told in JSON only; without need their model, which takes time to read, is left
/// alone.
bool wants_landmarks(const OutputOptions& outputs, const FaceOptions& faces);

/// Writes results as a table, JSON lines or CSV, to standard output or to a file that appears only
/// when complete.
class ResultWriter {
 public:
  ResultWriter(const Context& context, const OutputOptions& options,
               std::vector<std::string> labels, const std::vector<std::string>& targets = {});

  /// Errors: kInvalidArgument for flags that exclude each other; kIo for the file.
  Status open();
  Status frame(const pipeline::FrameResult& frame);
  Status clip(const pipeline::ClipResult& clip);
  Status error(const std::string& input, const Status& status);
  /// True when frames of clips are wanted (JSON, CSV), not only their summary.
  bool wants_frames() const { return options_.json || options_.csv || openface_; }
  Status finish();

 private:
  Status write(std::string_view text);
  const Context& context_;
  const OutputOptions& options_;
  report::CsvTable csv_;
  std::optional<report::OpenFaceCsv> openface_;
  std::optional<report::ClipCsv> clip_csv_;  ///< of tracks or segments
  bool silent_ = false;  ///< the format has a file for each clip (clip_outputs.h)
  std::optional<AtomicFile> file_;
};

/// Draws pictures and clips to the files that --annotate asks for.
class AnnotationWriter {
 public:
  explicit AnnotationWriter(const OutputOptions& options) : options_(options) {}

  bool enabled() const { return !options_.annotate.empty(); }
  /// `several`: more than one input, so the target must be a folder (made when missing).
  Status open(bool several);
  Status picture(const std::string& input, const image::Image& picture,
                 const std::vector<engine::FaceResult>& faces);

  Status begin_clip(const std::string& input, const std::filesystem::path& audio_from,
                    const video::ClipInfo& info);
  Status clip_frame(const pipeline::ClipFrame& frame, const report::ClipTimeline& timeline);
  Status end_clip(bool keep);

 private:
  Result<std::filesystem::path> target(const std::string& input, const char* extension);

  const OutputOptions& options_;
  bool folder_ = false;
  std::optional<report::Annotator> annotator_;
  FolderNames names_;
  // The clip at hand.
  std::filesystem::path clip_path_;
  video::WriterOptions clip_options_;
  video::ClipInfo clip_info_;
  int width_ = 0;
  int height_ = 0;
  std::unique_ptr<video::VideoWriter> writer_;
};

}  // namespace mien::cli
