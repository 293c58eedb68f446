#include "methods/kit/classifier_method.h"

#include <ATen/ATen.h>

#include "methods/kit/figures.h"
#include "methods/kit/unknown_rule.h"

namespace mien::methods {

Result<ClassifierMethod::Scored> ClassifierMethod::score_validation() {
  MIEN_RETURN_IF_ERROR(begin_scores());
  Scored out;
  std::vector<torch::Tensor> rows;
  MIEN_RETURN_IF_ERROR(read_validation(score_batch(), [&](const Items& items) -> Status {
    for (const ClipItem& item : items) {
      const auto place = static_cast<std::size_t>(item.place);
      out.truth.push_back(data_.val->samples[place].labels.front());
    }
    rows.push_back(score_items(items));
    return {};
  }));
  out.logits = at::cat(rows);
  return out;
}

Result<NamedValues> ClassifierMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const Scored scored, score_validation());
  const torch::Tensor best = scored.logits.argmax(1);
  const auto* said = best.data_ptr<std::int64_t>();
  return class_figures(data_.val->classes.size(), scored.truth, {said, said + best.numel()});
}

Result<torch::Tensor> ClassifierMethod::validation_logits() {
  MIEN_ASSIGN_OR_RETURN(Scored scored, score_validation());
  return std::move(scored.logits);
}

Status ClassifierMethod::calibrate(engine::BundleInfo& info) {
  if (data_.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const Scored scored, score_validation());
  return methods::calibrate(scored.logits, scored.truth, run_.accept, data_.val->name, info);
}

void ClassifierMethod::add_train_war(const torch::Tensor& logits, const torch::Tensor& labels,
                                     StepOutput& out) {
  const torch::Tensor right = logits.argmax(1).eq(labels);
  out.values.emplace_back("train_war", 100 * right.to(torch::kFloat64).mean().item<double>());
}

}  // namespace mien::methods
