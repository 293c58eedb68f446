#include "methods/cliper/model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

namespace mien::methods {
namespace {

constexpr std::string_view kGap = "{}";

}  // namespace

Result<PromptIds> prompt_ids(const text::Tokenizer& tokenizer, const std::string& around,
                             int tokens) {
  const std::size_t gap = around.find(kGap);
  if (gap == std::string::npos || around.find(kGap, gap + 1) != std::string::npos) {
    return invalid_argument(fmt::format("template: '{}' (expected a text with one {{}})", around));
  }
  PromptIds out;
  MIEN_ASSIGN_OR_RETURN(out.ids, tokenizer.encode(around.substr(0, gap)));
  MIEN_ASSIGN_OR_RETURN(const auto behind, tokenizer.encode(around.substr(gap + kGap.size())));
  // Placeholder at learned positions: its own vector is never used.
  MIEN_ASSIGN_OR_RETURN(const auto filler, tokenizer.encode("X"));
  MIEN_CHECK(!filler.empty());
  out.first = static_cast<std::int64_t>(out.ids.size());
  out.ids.insert(out.ids.end(), static_cast<std::size_t>(tokens), filler.front());
  out.ids.insert(out.ids.end(), behind.begin(), behind.end());
  return out;
}

Result<PromptLearner> PromptLearner::make(const Towers& towers, const PromptOptions& options,
                                          std::int64_t classes) {
  if (classes < 1 || options.per_class < 1 || options.tokens < 1) {
    return invalid_argument(
        fmt::format("descriptors: {} classes, {} descriptors of {} tokens (expected at least 1 "
                    "of each)",
                    classes, options.per_class, options.tokens));
  }
  MIEN_ASSIGN_OR_RETURN(PromptIds bare,
                        prompt_ids(towers.tokenizer(), options.around, options.tokens));
  PromptLearner out;
  const std::size_t length = bare.ids.size();
  MIEN_ASSIGN_OR_RETURN(
      out.ids_, towers.framed(std::move(bare.ids), fmt::format("{} learned tokens in '{}'",
                                                               options.tokens, options.around)));
  out.first_ = bare.first + (out.ids_.size() > length ? 1 : 0);  // after the start token
  out.vectors_ = torch::randn({classes * options.per_class, options.tokens, towers.token_width()}) *
                 options.init_std;
  return out;
}

torch::Tensor PromptLearner::encode(Towers& towers) const {
  const std::vector<std::int64_t> ids(ids_.begin(), ids_.end());
  const torch::Tensor all = towers.token_vectors(torch::tensor(ids, torch::kInt64));
  const std::int64_t behind = first_ + vectors_.size(1);
  const auto repeated = [&](std::int64_t from, std::int64_t to) {
    return all.narrow(0, from, to - from).expand({vectors_.size(0), to - from, all.size(1)});
  };
  const torch::Tensor rows =
      towers.texts_of(at::cat({repeated(0, first_), vectors_.to(all.scalar_type()),
                               repeated(behind, static_cast<std::int64_t>(ids.size()))},
                              1));
  const torch::Tensor whole =
      rows.scalar_type() == torch::kBFloat16 ? rows.to(torch::kFloat32) : rows;
  return whole / whole.norm(2, -1, true).clamp_min(1e-12);
}

}  // namespace mien::methods
