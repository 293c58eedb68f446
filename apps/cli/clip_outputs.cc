#include "cli/clip_outputs.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <ctime>

#include "cli/help.h"
#include "cli/progress.h"
#include "core/file.h"
#include "mien/report/elan.h"
#include "mien/report/subtitles.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

std::string elan(const pipeline::ClipResult& clip, const fs::path& media, const fs::path& target) {
  report::ElanOptions options;
  if (clip.summary.clock) options.clock = to_iso(*clip.summary.clock);
  options.annotator = "mien " MIEN_VERSION;
  options.date = fmt::format("{:%Y-%m-%dT%H:%M:%S}+00:00", fmt::gmtime(std::time(nullptr)));
  if (!media.empty()) {
    std::error_code error;
    const fs::path absolute = fs::absolute(media, error).lexically_normal();
    options.media_url = report::file_url(absolute.string());
    options.mime_type = report::media_type_of(media.string());
    if (!target.empty()) {
      const fs::path folder = fs::absolute(target, error).lexically_normal().parent_path();
      options.relative_media = report::relative_url(absolute.lexically_relative(folder).string());
    }
  }
  return report::elan_document(clip.segments, options);
}

}  // namespace

bool is_clip_format(std::string_view format) {
  return format == "srt" || format == "vtt" || format == "eaf";
}

void add_clip_output_options(CLI::App& verb, ClipOutputOptions& options) {
  begin_group(verb, "Output");
  verb.add_option("--report", options.report,
                  "Write a self-contained HTML page with a timeline of each face")
      ->type_name("FILE");
  verb.add_flag("--with-images", options.with_images,
                "Include thumbnails of pictures and faces in --report");
  begin_group(verb, "Time");
  verb.add_option("--smooth", options.smooth,
                  "Clips: smooth answers over this many seconds, in every output (0: no smoothing)")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
}

ClipOutputs::ClipOutputs(const Context& context, const OutputOptions& outputs,
                         const ClipOutputOptions& options, std::vector<std::string> labels)
    : context_(context), outputs_(outputs), options_(options), labels_(std::move(labels)) {}

Status ClipOutputs::open(const InputList& inputs) {
  if (options_.with_images && options_.report.empty()) {
    return invalid_argument("--with-images: no page to add them to (expected --report OUT.html)");
  }
  if (!options_.report.empty()) {
    // Report a page that cannot be written before the work, not after it.
    MIEN_RETURN_IF_ERROR(AtomicFile::check(options_.report));
    page_.emplace(labels_, report::PredictionPageOptions{.images = options_.with_images,
                                                         .top = outputs_.top});
  }
  if (!is_clip_format(outputs_.format)) return {};
  std::error_code error;
  const std::string& asked = outputs_.file;
  folder_ = is_output_folder(asked, inputs.several);
  names_ = FolderNames(inputs);
  if (!folder_) return asked.empty() ? Status() : AtomicFile::check(asked);
  const bool names_file = extension_of(asked) == "." + outputs_.format;
  if (asked.empty() || (names_file && !fs::is_directory(asked, error))) {
    return invalid_argument(
        fmt::format("-o {}: several inputs need a folder (expected "
                    "--format {} -o FOLDER)",
                    asked, outputs_.format));
  }
  fs::create_directories(asked, error);
  if (error || !fs::is_directory(asked)) {
    return io_error(
        fmt::format("{}: cannot be created (expected a folder for several inputs)", asked));
  }
  return {};
}

Status ClipOutputs::picture(const pipeline::FrameResult& frame, const image::Image& picture) {
  if (page_) MIEN_RETURN_IF_ERROR(page_->picture(frame, &picture));
  if (!is_clip_format(outputs_.format)) return {};
  return invalid_argument(fmt::format("{}: is a picture (expected a clip for --format {})",
                                      frame.input, outputs_.format));
}

void ClipOutputs::begin_clip(const std::string& name, const fs::path& path) {
  // A player cannot open a folder of frames, so the document does not link to it.
  media_ = path.empty() || name == "-" ? fs::path() : path;
}

Status ClipOutputs::frame(const pipeline::ClipFrame& frame) {
  return page_ && frame.analysed ? page_->clip_frame(frame.result, frame.image) : Status();
}

Status ClipOutputs::end_clip(const pipeline::ClipResult& clip) {
  if (page_) page_->clip(clip, clip.segments);
  return is_clip_format(outputs_.format) ? write_clip(clip) : Status();
}

Status ClipOutputs::write_clip(const pipeline::ClipResult& clip) {
  fs::path target = outputs_.file;
  if (folder_) {
    MIEN_ASSIGN_OR_RETURN(target,
                          names_.make(outputs_.file, clip.summary.input, "." + outputs_.format));
  }
  const std::string content =
      outputs_.format == "eaf"
          ? elan(clip, media_, target)
          : report::subtitles(clip.segments,
                              outputs_.format == "srt" ? report::SubtitleFormat::kSrt
                                                       : report::SubtitleFormat::kVtt,
                              responsible_use());
  if (!target.empty()) return write_file_atomically(target, content);
  Progress::clear_line();
  if (std::fwrite(content.data(), 1, content.size(), stdout) != content.size() ||
      std::fflush(stdout) != 0) {
    return io_error("standard output: cannot be written");
  }
  return {};
}

void ClipOutputs::failed(const std::string& name, const Status& status) {
  if (page_) page_->failed(name, status);
}

Status ClipOutputs::finish(bool complete, const std::function<Facts()>& facts) {
  if (!page_) return {};
  MIEN_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(options_.report));
  MIEN_RETURN_IF_ERROR(file.write(page_->html(facts(), responsible_use())));
  if (complete) return file.commit();
  keep_part(context_, options_.report, file);
  return {};
}

}  // namespace mien::cli
