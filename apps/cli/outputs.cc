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
#include "report/table.h"

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

constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kEndings{
    {{".json", "json"},
     {".jsonl", "jsonl"},
     {".ndjson", "jsonl"},
     {".csv", "csv"},
     {".txt", "table"},
     {".log", "table"},
     {".srt", "srt"},
     {".vtt", "vtt"},
     {".eaf", "eaf"},
     {".sqlite", "sqlite"},
     {".sqlite3", "sqlite"},
     {".db", "sqlite"},
     {"", "table"}}};

// Files of other programs, which no format of ours fits.
constexpr std::array<std::string_view, 14> kForeign{".xlsx", ".xls", ".ods", ".parquet", ".html",
                                                    ".htm",  ".pdf", ".png", ".jpg",     ".jpeg",
                                                    ".mp4",  ".mkv", ".mov", ".zip"};

// Nothing for an unknown ending.
std::string_view format_of_file(const std::string& file) {
  const std::string wanted = extension_of(file);
  for (const auto& [ending, format] : kEndings) {
    if (wanted == ending) return format;
  }
  return {};
}

// Names of pipes, devices and folders may end as they like.
bool is_file_or_new(const fs::path& path) {
  std::error_code error;
  const auto type = fs::status(path, error).type();
  return type == fs::file_type::regular || type == fs::file_type::not_found;
}

Status check_output_ending(const OutputOptions& options) {
  if (options.file.empty() || !is_file_or_new(options.file)) return {};
  const std::string ending = extension_of(options.file);
  const bool foreign = std::find(kForeign.begin(), kForeign.end(), ending) != kForeign.end();
  if (!foreign && (!options.format.empty() || !format_of_file(options.file).empty())) return {};
  return invalid_argument(fmt::format(
      "-o {}: no format has the ending '{}' (expected .json, .jsonl, .csv, .txt, .srt, "
      ".vtt, .eaf or .sqlite{})",
      options.file, ending,
      foreign ? ending.starts_with(".xls") || ending == ".ods" ? "; spreadsheets open .csv" : ""
              : ", or --format for another name"));
}

fs::path normal_absolute(const fs::path& path) {
  std::error_code error;
  const fs::path out = fs::absolute(path, error).lexically_normal();
  return error ? path.lexically_normal() : out;
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
  MIEN_RETURN_IF_ERROR(check_output_ending(options));
  const std::string_view flag = options.json ? "json" : options.csv ? "csv" : "";
  if (!flag.empty() && !options.format.empty() && options.format != flag) {
    return invalid_argument(fmt::format(
        "--{} and --format {}: exclude each other (expected one of them)", flag, options.format));
  }
  if (options.format.empty()) {
    options.format = !flag.empty() ? flag : format_of_file(options.file);
  }
  if (options.format.empty()) options.format = "table";  // of a pipe with an ending of its own
  options.json_lines = options.format == "jsonl" || extension_of(options.file) != ".json";
  if (options.format == "jsonl") options.format = "json";
  if (options.format != "sqlite" && format_of_file(options.file) == "sqlite") {
    return invalid_argument(
        fmt::format("--format {}: does not go with -o {} (expected --format sqlite)",
                    options.format, options.file));
  }
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end()) {
    return invalid_argument(fmt::format("--format: unsupported format '{}' (expected {})",
                                        options.format, fmt::join(formats, ", ")));
  }
  options.json = options.format == "json";
  options.csv = options.format == "csv";
  return {};
}

Status check_ending(std::string_view option, const std::string& file,
                    const std::vector<std::string_view>& endings) {
  const std::string ending = extension_of(file);
  if (ending.empty() || !is_file_or_new(file) ||
      std::find(endings.begin(), endings.end(), ending) != endings.end()) {
    return {};
  }
  return invalid_argument(fmt::format("{} {}: wrong ending '{}' (expected {})", option, file,
                                      ending, fmt::join(endings, " or ")));
}

bool is_output_folder(const std::string& target, bool several) {
  std::error_code error;
  return several || fs::is_directory(target, error) || target.ends_with('/');
}

FolderNames::FolderNames(const InputList& inputs) {
  bool first = true;
  for (const Input& input : inputs.inputs) {
    if (input.kind != Input::Kind::kFile && input.kind != Input::Kind::kFrames) continue;
    const fs::path folder = normal_absolute(
        input.folder.empty() ? normal_absolute(input.name).parent_path() : fs::path(input.folder));
    if (first) {
      root_ = folder;
    } else {
      fs::path common;
      for (auto a = root_.begin(), b = folder.begin();
           a != root_.end() && b != folder.end() && *a == *b; ++a, ++b) {
        common /= *a;
      }
      root_ = common;
    }
    first = false;
  }
}

fs::path FolderNames::name(const fs::path& folder, const std::string& input,
                           const std::string& extension) {
  const std::string stem = input == "-" ? "stdin" : fs::path(input).stem().string();
  fs::path place = folder;
  if (!root_.empty() && input != "-") {
    const fs::path inside = normal_absolute(input).lexically_relative(root_).parent_path();
    if (!inside.empty() && *inside.begin() != "..") place /= inside;
  }
  fs::path out = place / (stem + extension);
  for (int number = 2; !used_.insert(out).second; ++number) {
    out = place / fmt::format("{}-{}{}", stem, number, extension);
  }
  return out;
}

Result<fs::path> FolderNames::make(const fs::path& folder, const std::string& input,
                                   const std::string& extension) {
  fs::path out = name(folder, input, extension);
  std::error_code error;
  fs::create_directories(out.parent_path(), error);
  if (!error) return out;
  return io_error(
      fmt::format("{}: cannot be made ({})", out.parent_path().string(), error.message()));
}

void keep_part(const Context& context, const std::string& name, AtomicFile& file) {
  const bool stream = file.temporary_path().empty();
  const auto part = file.keep_part();
  if (!part.ok()) return context.report(part.status().message());
  if (!part->empty()) {
    context.report(fmt::format("{}: not complete, so it is not written; what was done is in {}",
                               name, part->string()));
  } else if (!stream) {
    context.report(fmt::format("{}: not written, for nothing was done", name));
  }
}

void add_output_options(CLI::App& verb, OutputOptions& options) {
  verb.add_flag("--json", options.json,
                "Write JSON lines, or an array with -o FILE.json (docs/reference/outputs.md)");
  verb.add_flag("--csv", options.csv, "Write CSV, one row per face and frame");
  verb.add_option("--format", options.format,
                  "What to write: table, json, jsonl, csv, ... (docs/reference/outputs.md; "
                  "default: by the ending of "
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
    : context_(context), options_(options), csv_(labels, targets, options.extras) {
  using TableRows = report::ClipCsv::Rows;
  if (options.format == "tracks") {
    clip_csv_.emplace(TableRows::kTracks, labels, options.extras);
  }
  if (options.format == "segments") {
    clip_csv_.emplace(TableRows::kSegments, labels, options.extras);
  }
  if (options.format == "openface") openface_.emplace(std::move(labels));
}

Status ResultWriter::open() {
  silent_ = is_clip_format(options_.format);
  if (silent_) return {};
  if (!options_.file.empty()) {
    MIEN_ASSIGN_OR_RETURN(file_, AtomicFile::create(options_.file));
  }
  array_ = file_ && options_.json && !options_.json_lines;
  if (openface_) return write(openface_->header());
  if (clip_csv_) return write(clip_csv_->header());
  return options_.csv ? write(csv_.header()) : Status();
}

Status ResultWriter::write(std::string_view text) {
  std::string element;
  if (array_) {  // what comes is a line with one object
    element = any_ ? ",\n" : "[\n";
    element += text.substr(0, text.find_last_not_of('\n') + 1);
    text = element;
  }
  any_ = true;
  if (file_) {
    Status status = file_->write(text);
    broken_ = broken_ || !status.ok();
    return status;
  }
  Progress::clear_line();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    broken_ = true;
    return io_error("standard output: cannot be written");
  }
  return {};
}

Status ResultWriter::frame(const pipeline::FrameResult& frame) {
  if (options_.json) return write(report::json_line(report::to_json(frame)));
  if (options_.csv) {
    MIEN_RETURN_IF_ERROR(write_last(false));
    if (!frame.is_clip || live_) return write(csv_.rows(frame));
    last_ = frame;
    return {};
  }
  if (openface_) return write(openface_->rows(frame));
  if (clip_csv_ && !frame.is_clip) {
    return invalid_argument(fmt::format("{}: is a picture (expected a clip for --format {})",
                                        frame.input, options_.format));
  }
  return frame.is_clip || silent_
             ? Status()
             : write(report::picture_table(frame, table_options(context_, options_)));
}

Status ResultWriter::write_last(bool cut_short) {
  if (!last_) return {};
  const std::string rows = csv_.rows(*last_, cut_short);
  last_.reset();
  return write(rows);
}

Status ResultWriter::clip(const pipeline::ClipResult& clip) {
  if (options_.csv) return write_last(clip.summary.cut_short.has_value());
  if (openface_ || silent_) return {};
  if (clip_csv_) {
    std::string rows;
    for (const pipeline::TrackResult& track : clip.tracks)
      rows += clip_csv_->rows(track, clip.summary);
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
  MIEN_RETURN_IF_ERROR(write_last(false));
  return options_.json ? write(report::json_line(report::error_to_json(input, status))) : Status();
}

Status ResultWriter::finish(bool complete) {
  if (!broken_) (void)write_last(false);
  if (!file_) return {};
  if (array_) {
    const Status closed = file_->write(any_ ? "\n]\n" : "[]\n");
    if (!closed.ok() && !broken_) {
      broken_ = true;
      context_.report(closed.message());
    }
  }
  if (complete && !broken_) return file_->commit();
  keep_part(context_, options_.file, *file_);  // why was told when it happened
  return {};
}

Status AnnotationWriter::open(const InputList& inputs) {
  if (!enabled()) return {};
  names_ = FolderNames(inputs);
  const std::string& asked = options_.annotate;
  const bool names_file = has_extension(asked, ".png") || has_extension(asked, ".mp4");
  std::error_code error;
  folder_ = is_output_folder(asked, inputs.several);
  if (folder_ && names_file && !fs::is_directory(asked, error)) {
    return invalid_argument(
        fmt::format("--annotate {}: names one file (expected a folder for several inputs)", asked));
  }
  if (!folder_ && !names_file && is_file_or_new(asked)) {
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
    return names_.make(asked, input, extension);
  }
  if (!has_extension(asked, extension) && is_file_or_new(asked)) {
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
  MIEN_RETURN_IF_ERROR(annotator_->draw_frame(
      drawn, faces, timeline, {frame.result.timestamp_us, duration_us, frame.result.clock}));
  return writer_->write(drawn, frame.result.timestamp_us);
}

Status AnnotationWriter::end_clip(bool complete) {
  if (!writer_) return {};
  const auto writer = std::move(writer_);
  if (complete) return writer->finish();
  MIEN_ASSIGN_OR_RETURN(const fs::path part, writer->keep_part());
  if (!part.empty()) {
    context_.report(fmt::format("{}: not complete, so it is not written; what was done is in {}",
                                clip_path_.string(), part.string()));
  }
  return {};
}

}  // namespace mien::cli
