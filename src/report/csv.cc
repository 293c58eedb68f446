#include "mien/report/csv.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/utf8.h"
#include "report/names.h"

namespace mien::report {
namespace {

std::string number(double value, int digits) {
  if (!std::isfinite(value)) return {};
  char buffer[400];  // the largest double has 309 digits before the point
  const int n = std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  std::string out(buffer, static_cast<std::size_t>(n));
  if (out.find_first_not_of("-0.") == std::string::npos && out.front() == '-') out.erase(0, 1);
  return out;
}

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : to_code_points(text)) append_utf8(out, c == 0 ? char32_t{0xFFFD} : c);
  return out;
}

}  // namespace

std::string csv_text(std::string_view text) {
  std::string value = clean(text);
  const bool formula =
      !value.empty() && std::string_view("=+-@\t\r").find(value.front()) != std::string_view::npos;
  if (formula) value.insert(value.begin(), '\'');
  const bool plain = value.find_first_of(",\"\r\n") == std::string::npos &&
                     (value.empty() || (value.front() != ' ' && value.back() != ' '));
  if (plain) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

FaceCsv::FaceCsv(const std::vector<std::string>& labels, const std::vector<std::string>& targets,
                 const CsvExtras& extras)
    : targets_(targets), extras_(extras) {
  for (const std::string& label : labels) {
    if (column_.emplace(label, labels_.size()).second) labels_.push_back(label);
  }
}

std::string FaceCsv::header() const {
  std::string out = "input,frame,face_id,timestamp,confidence,success,source,x,y,w,h,top,unknown";
  for (const char* prefix : {"p_", "c_"}) {
    for (const std::string& label : labels_) out += ',' + csv_text(prefix + label);
  }
  for (const std::string& target : targets_) out += ',' + csv_text("v_" + target);
  if (!labels_.empty()) out += ",steady";
  for (const std::string& label : labels_) {
    if (extras_.changes) out += ',' + csv_text("d_" + label);
  }
  out += extras_.clock ? ",cut_short,clock" : ",cut_short";
  return out + '\n';
}

std::string FaceCsv::end_cells(const pipeline::FrameResult& frame, bool cut_short) const {
  std::string out = !frame.is_clip ? "," : cut_short ? ",1" : ",0";
  if (!extras_.clock) return out;
  return out + ',' + (frame.clock ? to_iso(frame.clock->after(frame.timestamp_us)) : "");
}

std::string FaceCsv::rows(const pipeline::FrameResult& frame, bool cut_short) const {
  const std::string end = end_cells(frame, cut_short) + '\n';
  if (frame.faces.empty()) {
    const std::string start = csv_text(frame.input) + ',' + std::to_string(frame.frame) + ",," +
                              number(static_cast<double>(frame.timestamp_us) / 1e6, 6) + ",,0";
    const std::size_t empty = 7 + 2 * labels_.size() + targets_.size() + (labels_.empty() ? 0 : 1) +
                              (extras_.changes ? labels_.size() : 0);
    return start + std::string(empty, ',') + end;
  }
  std::string out;
  for (std::size_t i = 0; i < frame.faces.size(); ++i) out += row(frame, i) + end;
  return out;
}

std::string FaceCsv::row(const pipeline::FrameResult& frame, std::size_t index) const {
  const engine::FaceResult& result = frame.faces[index];
  const face::Face& face = result.face;
  const bool scored = !result.labels.empty();
  std::string out = csv_text(frame.input);
  const auto cell = [&out](std::string_view text) { (out += ',') += text; };
  cell(std::to_string(frame.frame));
  cell(std::to_string(face.track >= 0 ? face.track : static_cast<std::int64_t>(index)));
  cell(number(static_cast<double>(frame.timestamp_us) / 1e6, 6));
  cell(number(face.score, 4));
  cell("1");
  cell(source_name(face.source));
  for (const float v : {face.box.x, face.box.y, face.box.w, face.box.h}) cell(number(v, 1));
  cell(scored ? csv_text(result.top()) : "");
  cell(!scored ? "" : result.unknown ? "1" : "0");

  std::vector<std::string> cells(2 * labels_.size());
  for (const engine::LabelScore& score : result.labels) {
    const auto it = column_.find(score.label);
    if (it == column_.end()) continue;
    cells[it->second] = number(score.probability, 4);
    cells[labels_.size() + it->second] = number(score.cosine, 4);
  }
  cells.resize(cells.size() + targets_.size());
  for (std::size_t t = 0; t < std::min(targets_.size(), result.values.size()); ++t) {
    cells[2 * labels_.size() + t] = number(static_cast<double>(result.values[t].value), 6);
  }
  for (const std::string& value : cells) cell(value);
  if (!labels_.empty()) cell(result.steady ? csv_text(result.steady->top()) : "");
  if (extras_.changes) {
    std::vector<std::string> changes(labels_.size());
    for (std::size_t i = 0; i < std::min(result.labels.size(), result.change.size()); ++i) {
      const auto it = column_.find(result.labels[i].label);
      if (it != column_.end()) changes[it->second] = number(result.change[i], 4);
    }
    for (const std::string& value : changes) cell(value);
  }
  return out;
}

}  // namespace mien::report
