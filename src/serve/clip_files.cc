#include "serve/clip_files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "mien/report/elan.h"
#include "mien/report/json_lines.h"
#include "mien/report/subtitles.h"

namespace mien::serve {

ClipFiles::ClipFiles(std::filesystem::path folder, const std::vector<std::string>& labels,
                     const std::vector<std::string>& targets, ClipFacts facts)
    : folder_(std::move(folder)),
      labels_(labels),
      facts_(std::move(facts)),
      csv_(labels, targets),
      openface_(labels),
      page_(labels, {}) {}

std::filesystem::path ClipFiles::file_of(const std::filesystem::path& folder,
                                         std::string_view format) {
  return folder / ("result." + std::string(format));
}

std::string_view ClipFiles::media_type_of(std::string_view format) {
  if (format == "json") return "application/x-ndjson";
  if (format == "srt") return "application/x-subrip; charset=utf-8";
  if (format == "vtt") return "text/vtt; charset=utf-8";
  if (format == "eaf") return "application/xml";
  if (format == "html") return "text/html; charset=utf-8";
  return "text/csv; charset=utf-8";
}

Status ClipFiles::open() {
  MIEN_ASSIGN_OR_RETURN(json_file_, AtomicFile::create(file_of(folder_, "json")));
  MIEN_ASSIGN_OR_RETURN(csv_file_, AtomicFile::create(file_of(folder_, "csv")));
  MIEN_ASSIGN_OR_RETURN(openface_file_, AtomicFile::create(file_of(folder_, "openface")));
  MIEN_RETURN_IF_ERROR(csv_file_->write(csv_.header()));
  return openface_file_->write(openface_.header());
}

Status ClipFiles::frame(const pipeline::FrameResult& frame) {
  if (last_) MIEN_RETURN_IF_ERROR(csv_file_->write(csv_.rows(*last_)));
  last_ = frame;
  MIEN_RETURN_IF_ERROR(json_file_->write(report::json_line(report::to_json(frame))));
  MIEN_RETURN_IF_ERROR(openface_file_->write(openface_.rows(frame)));
  return page_.clip_frame(frame, nullptr);
}

Status ClipFiles::finish(const pipeline::ClipResult& clip) {
  if (last_) {
    MIEN_RETURN_IF_ERROR(csv_file_->write(csv_.rows(*last_, clip.summary.cut_short.has_value())));
  }
  for (const pipeline::TrackResult& track : clip.tracks) {
    MIEN_RETURN_IF_ERROR(json_file_->write(report::json_line(report::to_json(track))));
  }
  MIEN_RETURN_IF_ERROR(json_file_->write(report::json_line(report::to_json(clip.summary))));
  for (auto* file : {&json_file_, &csv_file_, &openface_file_}) {
    MIEN_RETURN_IF_ERROR((*file)->commit());
  }
  page_.clip(clip, clip.segments);
  report::ElanOptions elan;
  elan.annotator = facts_.program;
  elan.date = fmt::format("{:%Y-%m-%dT%H:%M:%S}+00:00", fmt::gmtime(std::time(nullptr)));
  using report::SubtitleFormat;
  MIEN_RETURN_IF_ERROR(write_file_atomically(
      file_of(folder_, "srt"), report::subtitles(clip.segments, SubtitleFormat::kSrt)));
  MIEN_RETURN_IF_ERROR(
      write_file_atomically(file_of(folder_, "vtt"),
                            report::subtitles(clip.segments, SubtitleFormat::kVtt, facts_.notice)));
  MIEN_RETURN_IF_ERROR(
      write_file_atomically(file_of(folder_, "eaf"), report::elan_document(clip.segments, elan)));
  return write_file_atomically(file_of(folder_, "html"),
                               page_.html({{"bundle", facts_.bundle},
                                           {"bundle hash", facts_.bundle_hash},
                                           {"labels", fmt::format("{}", fmt::join(labels_, ", "))},
                                           {"program", facts_.program}},
                                          facts_.notice));
}

}  // namespace mien::serve
