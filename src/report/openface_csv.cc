#include "mien/report/openface_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mien/report/csv.h"

namespace mien::report {
namespace {

double finite(double value) { return std::isfinite(value) ? value : 0.0; }

// OpenFace's confidence is in 0..1. A detector's score has no upper limit, so it is clamped to 1;
// given faces have 1 too.
double confidence(const face::Face& face) {
  if (face.source != face::FaceSource::kDetected) return 1.0;
  return std::clamp(finite(static_cast<double>(face.score)), 0.0, 1.0);
}

}  // namespace

OpenFaceCsv::OpenFaceCsv(std::vector<std::string> labels) {
  for (std::string& label : labels) {
    if (std::find(labels_.begin(), labels_.end(), label) == labels_.end()) {
      labels_.push_back(std::move(label));
    }
  }
}

std::string OpenFaceCsv::header() const {
  std::string out = "frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h";
  for (const char* ending : {"_p", "_c"}) {
    for (const std::string& label : labels_) out += ',' + csv_text(label + ending);
  }
  return out + ",unknown,input\n";
}

std::string OpenFaceCsv::rows(const pipeline::FrameResult& frame) const {
  const double seconds = static_cast<double>(frame.timestamp_us) / 1e6;
  std::string out;
  if (frame.faces.empty()) {
    out = fmt::format("{},0,{:.3f},0,0,0,0,0,0", frame.frame + 1, seconds);
    for (std::size_t i = 0; i < 2 * labels_.size(); ++i) out += ",0";
    return out + ",0," + csv_text(frame.input) + '\n';
  }
  for (std::size_t i = 0; i < frame.faces.size(); ++i) {
    const engine::FaceResult& result = frame.faces[i];
    const image::Box& box = result.face.box;
    const std::int64_t id =
        result.face.track >= 0 ? result.face.track : static_cast<std::int64_t>(i);
    out +=
        fmt::format("{},{},{:.3f},{:.2f},1", frame.frame + 1, id, seconds, confidence(result.face));
    for (const float v : {box.x, box.y, box.w, box.h}) {
      out += fmt::format(",{:.1f}", finite(static_cast<double>(v)));
    }
    // In clips, presence is that of the smoothed segments, as in every other output.
    const bool unknown = result.steady ? result.steady->unknown : result.unknown;
    const std::string top = result.steady ? result.steady->top() : result.top();
    std::string leads;
    for (const std::string& label : labels_) {
      const auto it =
          std::find_if(result.labels.begin(), result.labels.end(),
                       [&](const engine::LabelScore& score) { return score.label == label; });
      out += it == result.labels.end()
                 ? std::string(",0")
                 : fmt::format(",{:.4f}", finite(static_cast<double>(it->probability)));
      const bool leading = !unknown && it != result.labels.end() && label == top;
      leads += leading ? ",1" : ",0";
    }
    out += leads + (unknown ? ",1," : ",0,") + csv_text(frame.input) + '\n';
  }
  return out;
}

}  // namespace mien::report
