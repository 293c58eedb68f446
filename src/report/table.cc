#include "report/table.h"

#include <cmath>
#include <cstdio>

#include "report/explain.h"
#include "report/table_writer.h"

namespace mien::report {
namespace {

std::string position_of(const face::Face& face) {
  if (face.source == face::FaceSource::kWhole) return "whole picture";
  std::string out = "at " + number_cell(face.box.x) + "," + number_cell(face.box.y) + ", " +
                    number_cell(face.box.w) + "x" + number_cell(face.box.h);
  if (face.source == face::FaceSource::kBoxes) out += ", given";
  return out;
}

}  // namespace

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const double capped = std::min(seconds, 3.6e9);
  char buffer[48];
  if (capped < 599.95) {
    const long tenths = std::lround(capped * 10);
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld.%ld", tenths / 600, tenths / 10 % 60,
                  tenths % 10);
    return buffer;
  }
  const long whole = std::lround(capped);
  if (whole < 3600) {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld", whole / 60, whole % 60);
  } else {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  }
  return buffer;
}

std::string now_line(const pipeline::FrameResult& frame, const TableOptions& options) {
  std::string out = instant_text(frame.timestamp_us, frame.clock);
  for (const engine::FaceResult& face : frame.faces) {
    const auto& labels = face.steady ? face.steady->labels : face.labels;
    if (face.face.track < 0 || labels.empty()) continue;
    out += "  #" + std::to_string(face.face.track) + ' ';
    if (face.steady ? face.steady->unknown : face.unknown) {
      out += "unknown";
    } else {
      out += shorten(labels.front().label, 24, options.unicode) + ' ' +
             percent(labels.front().probability);
      const auto& change = face.steady ? face.steady->change : face.change;
      if (!change.empty()) out += ' ' + points(static_cast<double>(change.front()));
    }
    if (out.size() > 4096) break;
  }
  return shorten(out, std::max(options.width, kMinTableWidth), options.unicode);
}

std::string picture_table(const pipeline::FrameResult& picture, const TableOptions& options) {
  TableWriter writer(options);
  const auto faces = static_cast<std::int64_t>(picture.faces.size());
  writer.title(picture.input, std::to_string(picture.width) + "x" + std::to_string(picture.height) +
                                  ", " + counted(faces, "face", "faces"));
  for (std::size_t i = 0; i < picture.faces.size(); ++i) {
    const engine::FaceResult& face = picture.faces[i];
    std::string note = position_of(face.face);
    if (face.intensity) note += ", intensity " + percent(*face.intensity);
    writer.scores(std::to_string(i + 1), track_colour(static_cast<std::int64_t>(i)).ansi, face,
                  note);
    for (const auto& row : explanation(face.labels, face.reasons, writer.options())) {
      writer.line(row);
    }
    writer.values(face.values);
  }
  if (picture.aggregate == engine::Aggregate::kTemporal && faces > 0) {
    writer.line("  read by the temporal model, as a clip that repeats the picture");
  }
  return writer.take();
}

}  // namespace mien::report
