#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "core/file.h"
#include "mien/pipeline/recognizer.h"
#include "mien/report/clip_csv.h"
#include "mien/report/csv.h"
#include "mien/report/draw.h"
#include "mien/report/openface_csv.h"
#include "mien/video/writer.h"
#include "report/timeline.h"

namespace mien::cli {

struct OutputOptions {
  bool json = false;
  bool csv = false;
  bool json_lines = true;  ///< else an array, in FILE.json
  std::string format;      ///< "table", "json", ...; set by choose_format
  std::string file;        ///< "": standard output
  std::string annotate;    ///< "": no drawing; a file, or a folder when there are several inputs
  int top = 3;
  report::CsvExtras extras;  ///< columns that --baseline and --clock add
};
void add_output_options(CLI::App& verb, OutputOptions& options);
/// Settles `format` from --format, --json, --csv or the ending of the file, and `json` and `csv`
/// with it. `formats`: what the verb can write. Errors: kInvalidArgument when flags exclude each
/// other, the verb does not support the format, or the ending of the file is unknown.
Status choose_format(OutputOptions& options, const std::vector<std::string_view>& formats);
/// ".SRT" of "a.SRT" in lower case.
std::string extension_of(const std::filesystem::path& path);
/// Errors: kInvalidArgument when the ending of `file` is not one of `endings` (".html"). Pipes and
/// devices may have any name.
Status check_ending(std::string_view option, const std::string& file,
                    const std::vector<std::string_view>& endings);
/// True when `target`, as --annotate or -o names it, is a folder with a file for each input.
bool is_output_folder(const std::string& target, bool several);
/// A file for every input inside a folder, in the inputs' own folders: "s1/clip.srt", then
/// "s1/clip-2.srt" for another input of that name.
class FolderNames {
 public:
  FolderNames() = default;
  explicit FolderNames(const InputList& inputs);
  std::filesystem::path name(const std::filesystem::path& folder, const std::string& input,
                             const std::string& extension);
  /// The same, and makes the folders that are missing. Errors: kIo.
  Result<std::filesystem::path> make(const std::filesystem::path& folder, const std::string& input,
                                     const std::string& extension);

 private:
  std::filesystem::path root_;  ///< that holds all inputs
  std::set<std::filesystem::path> used_;
};
/// Ends an output of a run that stopped early: keeps it as NAME.part and says so.
void keep_part(const Context& context, const std::string& name, AtomicFile& file);
/// Only JSON has landmarks; their model takes time to read, so it is not loaded for other outputs.
bool wants_landmarks(const OutputOptions& outputs, const FaceOptions& faces);

/// Writes results as a table, JSON or CSV, to standard output or to a file that appears only when
/// complete.
class ResultWriter {
 public:
  ResultWriter(const Context& context, const OutputOptions& options,
               std::vector<std::string> labels, const std::vector<std::string>& targets = {});

  /// Errors: kInvalidArgument for flags that exclude each other; kIo for the file.
  Status open();
  void begin_clip(const video::ClipInfo& info) { live_ = info.live; }
  Status frame(const pipeline::FrameResult& frame);
  Status clip(const pipeline::ClipResult& clip);
  Status error(const std::string& input, const Status& status);
  /// True when frames of clips are wanted (JSON, CSV), not only their summary.
  bool wants_frames() const { return options_.json || options_.csv || openface_; }
  /// `complete`: every input was done; else the file becomes NAME.part.
  Status finish(bool complete);
  /// True once something could not be written: nothing that follows could be.
  bool broken() const { return broken_; }

 private:
  Status write(std::string_view text);
  /// Writes the frame that was held back until the end of its clip.
  Status write_last(bool cut_short);
  const Context& context_;
  const OutputOptions& options_;
  report::FaceCsv csv_;
  std::optional<report::OpenFaceCsv> openface_;
  std::optional<report::ClipCsv> clip_csv_;  ///< of tracks or segments
  bool silent_ = false;  ///< the format has a file for each clip (clip_outputs.h)
  std::optional<AtomicFile> file_;
  bool broken_ = false;
  bool array_ = false;  ///< JSON as one array, not as lines
  bool any_ = false;    ///< an element was written
  bool live_ = false;   ///< the current clip
  /// CSV: the latest frame of a stored clip, held back because the last row of a clip says whether
  /// the clip was cut short.
  std::optional<pipeline::FrameResult> last_;
};

/// Draws pictures and clips to the files that --annotate asks for.
class AnnotationWriter {
 public:
  AnnotationWriter(const Context& context, const OutputOptions& options)
      : context_(context), options_(options) {}

  bool enabled() const { return !options_.annotate.empty(); }
  /// Several inputs need a folder (made when missing).
  Status open(const InputList& inputs);
  Status picture(const std::string& input, const image::Image& picture,
                 const std::vector<engine::FaceResult>& faces);

  Status begin_clip(const std::string& input, const std::filesystem::path& audio_from,
                    const video::ClipInfo& info);
  Status clip_frame(const pipeline::ClipFrame& frame, const report::ClipTimeline& timeline);
  /// `complete`: else the drawing becomes NAME.part.
  Status end_clip(bool complete);

 private:
  Result<std::filesystem::path> target(const std::string& input, const char* extension);

  const Context& context_;
  const OutputOptions& options_;
  bool folder_ = false;
  std::optional<report::Annotator> annotator_;
  FolderNames names_;
  // The current clip.
  std::filesystem::path clip_path_;
  video::WriterOptions clip_options_;
  video::ClipInfo clip_info_;
  int width_ = 0;
  int height_ = 0;
  std::unique_ptr<video::VideoWriter> writer_;
};

}  // namespace mien::cli
