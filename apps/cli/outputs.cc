#include "cli/outputs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "cli/clip_outputs.h"
#include "cli/progress.h"
#include "mien/image/decode.h"
#include "mien/report/json_lines.h"
#include "mien/report/table.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

report::TableOptions table_options(const Context& context, const OutputOptions& options) {
  return {.width = terminal_width(stdout),
          .top = options.top,
          .unicode = locale_is_utf8(),
          .colour = options.file.empty() && context.color_for(stdout)};
}

bool has_extension(const fs::path& path, std::string_view wanted) {
  return extension_of(path) == wanted;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kEndings{
    {{".json", "json"},
     {".jsonl", "json"},
     {".ndjson", "json"},
     {".csv", "csv"},
     {".srt", "srt"},
     {".vtt", "vtt"},
     {".eaf", "eaf"},
     {".sqlite", "sqlite"},
     {".sqlite3", "sqlite"},
     {".db", "sqlite"}}};

std::string_view format_of_file(const std::string& file) {
  for (const auto& [ending, format] : kEndings) {
    if (extension_of(file) == ending) return format;
  }
  return "table";
}

}  // namespace

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

Status choose_format(OutputOptions& options, const std::vector<std::string_view>& formats) {
  if (options.json && options.csv) {
    return invalid_argument("--json and --csv: exclude each other (expected one of them)");
  }
  const std::string_view flag = options.json ? "json" : options.csv ? "csv" : "";
  if (!flag.empty() && !options.format.empty() && options.format != flag) {
    return invalid_argument(fmt::format(
        "--{} and --format {}: exclude each other (expected one of them)", flag, options.format));
  }
  if (options.format.empty()) {
    options.format = !flag.empty() ? flag : format_of_file(options.file);
  }
  if (options.format != "sqlite" && format_of_file(options.file) == "sqlite") {
    return invalid_argument(
        fmt::format("--format {}: does not go with -o {} (expected --format sqlite)",
                    options.format, options.file));
  }
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end()) {
    return invalid_argument(fmt::format("--format: '{}' is no format of this verb (expected {})",
                                        options.format, fmt::join(formats, ", ")));
  }
  options.json = options.format == "json";
  options.csv = options.format == "csv";
  return {};
}

fs::path FolderNames::name(const fs::path& folder, const std::string& input,
                           const std::string& extension) {
  const std::string stem = input == "-" ? "stdin" : fs::path(input).stem().string();
  fs::path out = folder / (stem + extension);
  for (int number = 2; !used_.insert(out).second; ++number) {
    out = folder / fmt::format("{}-{}{}", stem, number, extension);
  }
  return out;
}

void add_output_options(CLI::App& verb, OutputOptions& options) {
  verb.add_flag("--json", options.json, "Write JSON lines (docs/outputs.md)");
  verb.add_flag("--csv", options.csv, "Write CSV, one row per face and frame");
  verb.add_option(
      "--format", options.format,
      "What to write: table, json, csv, ... (docs/outputs.md; default: by the ending of "
      "-o, else table)");
  verb.add_option("-o,--output,--out", options.file,
                  "Write to this file; it appears only when complete");
  verb.add_option(
      "--annotate", options.annotate,
      "Draw the results: OUT.png for a picture, OUT.mp4 for a clip, a folder for several inputs");
  verb.add_option("--top", options.top, "Labels told per face")
      ->check(CLI::Range(1, 10))
      ->capture_default_str();
}

bool wants_landmarks(const OutputOptions& outputs, const FaceOptions& faces) {
  return outputs.json || !faces.finder.landmark_model.empty();
}

ResultWriter::ResultWriter(const Context& context, const OutputOptions& options,
                           std::vector<std::string> labels, const std::vector<std::string>& targets)
    : context_(context), options_(options), csv_(labels, targets, options.changes) {
  using Rows = report::ClipCsv::Rows;
  if (options.format == "tracks") {
    clip_csv_.emplace(Rows::kTracks, labels, options.changes);
  }
  if (options.format == "segments") {
    clip_csv_.emplace(Rows::kSegments, labels, options.changes);
  }
  if (options.format == "openface") openface_.emplace(std::move(labels));
}

Status ResultWriter::open() {
  silent_ = is_clip_format(options_.format);
  if (silent_) return {};
  if (!options_.file.empty()) {
    MIEN_ASSIGN_OR_RETURN(file_, AtomicFile::create(options_.file));
  }
  if (openface_) return write(openface_->header());
  if (clip_csv_) return write(clip_csv_->header());
  return options_.csv ? write(csv_.header()) : Status();
}

Status ResultWriter::write(std::string_view text) {
  if (file_) return file_->write(text);
  Progress::clear_line();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return io_error("standard output: cannot be written");
  }
  return {};
}

Status ResultWriter::frame(const pipeline::FrameResult& frame) {
  if (options_.json) return write(report::json_line(report::to_json(frame)));
  if (options_.csv) return write(csv_.rows(frame));
  if (openface_) return write(openface_->rows(frame));
  if (clip_csv_ && !frame.is_clip) {
    return invalid_argument(fmt::format("{}: is a picture (expected a clip for --format {})",
                                        frame.input, options_.format));
  }
  return frame.is_clip || silent_
             ? Status()
             : write(report::picture_table(frame, table_options(context_, options_)));
}

Status ResultWriter::clip(const pipeline::ClipResult& clip) {
  if (options_.csv || openface_ || silent_) return {};
  if (clip_csv_) {
    std::string rows;
    for (const pipeline::TrackResult& track : clip.tracks) rows += clip_csv_->rows(track);
    return write(rows);
  }
  if (!options_.json) {
    return write(report::clip_table(clip.summary, clip.tracks, table_options(context_, options_)));
  }
  for (const pipeline::TrackResult& track : clip.tracks) {
    MIEN_RETURN_IF_ERROR(write(report::json_line(report::to_json(track))));
  }
  return write(report::json_line(report::to_json(clip.summary)));
}

Status ResultWriter::error(const std::string& input, const Status& status) {
  return options_.json ? write(report::json_line(report::error_to_json(input, status))) : Status();
}

Status ResultWriter::finish() { return file_ ? file_->commit() : Status(); }

Status AnnotationWriter::open(bool several) {
  if (!enabled()) return {};
  const std::string& asked = options_.annotate;
  const bool names_file = has_extension(asked, ".png") || has_extension(asked, ".mp4");
  std::error_code error;
  folder_ = several || fs::is_directory(asked, error) || asked.ends_with('/');
  if (folder_ && names_file && !fs::is_directory(asked, error)) {
    return invalid_argument(
        fmt::format("--annotate {}: names one file (expected a folder for several inputs)", asked));
  }
  if (!folder_ && !names_file) {
    return invalid_argument(fmt::format(
        "--annotate {}: wrong ending (expected .png for a picture, .mp4 for a clip)", asked));
  }
  if (folder_) {
    fs::create_directories(options_.annotate, error);
    if (error || !fs::is_directory(options_.annotate)) {
      return io_error(fmt::format("{}: cannot be made (expected a folder for several inputs)",
                                  options_.annotate));
    }
  }
  MIEN_ASSIGN_OR_RETURN(annotator_, report::Annotator::create({.top_labels = options_.top}));
  return {};
}

Result<fs::path> AnnotationWriter::target(const std::string& input, const char* extension) {
  const fs::path asked = options_.annotate;
  if (folder_) {
    return names_.name(asked, input, extension);
  }
  if (!has_extension(asked, extension)) {
    return invalid_argument(fmt::format("--annotate {}: wrong ending for {} (expected {})",
                                        asked.string(), input, extension));
  }
  return asked;
}

Status AnnotationWriter::picture(const std::string& input, const image::Image& picture,
                                 const std::vector<engine::FaceResult>& faces) {
  if (!enabled()) return {};
  MIEN_ASSIGN_OR_RETURN(const fs::path path, target(input, ".png"));
  image::Image drawn = picture;
  MIEN_RETURN_IF_ERROR(annotator_->draw(drawn, faces));
  MIEN_ASSIGN_OR_RETURN(const auto bytes, image::encode_png(drawn));
  return write_file_atomically(
      path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Status AnnotationWriter::begin_clip(const std::string& input, const fs::path& audio_from,
                                    const video::ClipInfo& info) {
  if (!enabled()) return {};
  MIEN_ASSIGN_OR_RETURN(clip_path_, target(input, ".mp4"));
  clip_info_ = info;
  clip_options_ = {};
  clip_options_.fps = info.fps > 0 ? info.fps : 25.0;
  clip_options_.audio_from = info.has_audio ? audio_from : fs::path();
  clip_options_.start_us = info.part ? static_cast<std::int64_t>(info.start * 1e6) : 0;
  writer_.reset();
  return {};
}

Status AnnotationWriter::clip_frame(const pipeline::ClipFrame& frame,
                                    const report::ClipTimeline& timeline) {
  if (!enabled()) return {};
  MIEN_CHECK(frame.image != nullptr);
  if (!writer_) {
    width_ = frame.image->width();
    height_ = frame.image->height();
    const auto size = annotator_->clip_size(width_, height_);
    clip_options_.width = size.width;
    clip_options_.height = size.height;
    MIEN_ASSIGN_OR_RETURN(writer_, video::open_writer(clip_path_, clip_options_));
  }
  image::Image drawn = *frame.image;
  if (drawn.width() != width_ || drawn.height() != height_) {
    drawn =
        image::crop(*frame.image, {0, 0, static_cast<float>(width_), static_cast<float>(height_)});
  }
  const auto duration_us = static_cast<std::int64_t>((clip_info_.start + clip_info_.seconds) * 1e6);
  // What is written beside a face is the answer of its stretch of time, as in every other output.
  std::vector<engine::FaceResult> faces = frame.result.faces;
  for (engine::FaceResult& face : faces) {
    if (!face.steady) continue;
    face.labels = face.steady->labels;
    face.unknown = face.steady->unknown;
    face.change = face.steady->change;
  }
  MIEN_RETURN_IF_ERROR(
      annotator_->draw_frame(drawn, faces, timeline, frame.result.timestamp_us, duration_us));
  return writer_->write(drawn, frame.result.timestamp_us);
}

Status AnnotationWriter::end_clip(bool keep) {
  if (!writer_) return {};
  const auto writer = std::move(writer_);
  return keep ? writer->finish() : Status();
}

}  // namespace mien::cli
