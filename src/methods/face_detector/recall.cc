#include "methods/face_detector/recall.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/detectors/pyramid.h"
#include "methods/face_detector/model.h"
#include "mien/core/check.h"

namespace mien::methods {
namespace {

constexpr float kFoundOverlap = 0.3F;

}  // namespace

std::vector<face::Detection> faces_of(const torch::Tensor& answers, const torch::Tensor& grid,
                                      double least, double overlap) {
  const torch::Tensor sure = (answers.select(1, 0).sigmoid() >= least).nonzero().select(1, 0);
  const FaceAnswers said =
      decode_answers(answers.index_select(0, sure), grid.index_select(0, sure));
  const torch::Tensor rows =
      at::cat({said.scores.sigmoid().unsqueeze(1), said.boxes, said.points}, 1).contiguous();
  std::vector<face::Detection> candidates;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const float* row = rows.data_ptr<float>() + i * rows.size(1);
    face::Detection found{.box = {row[1] - row[3] / 2, row[2] - row[4] / 2, row[3], row[4]},
                          .score = row[0]};
    found.points.emplace();
    for (std::size_t p = 0; p < 5; ++p) (*found.points)[p] = {row[5 + 2 * p], row[6 + 2 * p]};
    candidates.push_back(found);
  }
  return engine::without_overlaps(candidates, overlap);
}

void RecallMeter::add(const std::vector<face::Detection>& found,
                      const std::vector<SceneFace>& truth) {
  ++pictures_;
  faces_ += std::count_if(truth.begin(), truth.end(), [](const SceneFace& f) { return f.sure; });
  std::vector<bool> used(truth.size());
  for (const face::Detection& one : found) {
    std::size_t best = truth.size();
    float most = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const float overlap = image::iou(one.box, truth[i].face.box);
      if (overlap < kFoundOverlap || overlap <= most || used[i]) continue;
      best = i;
      most = overlap;
    }
    const bool right = best < truth.size();
    if (right) used[best] = true;
    if (!right || truth[best].sure) boxes_.push_back({one.score, right});
  }
}

RecallMeter::Figure RecallMeter::at(double alarms) const {
  MIEN_CHECK(faces_ > 0);
  std::vector<Box> sorted = boxes_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Box& a, const Box& b) { return a.score > b.score; });
  const double most = alarms * static_cast<double>(pictures_);
  std::int64_t wrong = 0, right = 0;
  Figure out{.recall = 0, .threshold = 1};
  for (const Box& box : sorted) {
    if (box.right) {
      ++right;
    } else if (static_cast<double>(++wrong) > most) {
      break;
    }
    out.threshold = box.score;
  }
  out.recall = 100.0 * static_cast<double>(right) / static_cast<double>(faces_);
  return out;
}

}  // namespace mien::methods
