#include "methods/kit/context_learner.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <numeric>

#include "methods/kit/nearest_words.h"
#include "text/tokenizer.h"

namespace mien::methods {
namespace {

using Ids = std::vector<std::int32_t>;

// The number of learned tokens before the text.
std::size_t tokens_before(const ContextOptions& options) {
  const auto tokens = static_cast<std::size_t>(options.tokens);
  if (options.place == "front") return 0;
  return options.place == "middle" ? tokens / 2 : tokens;
}

struct PromptRow {
  Ids ids;
  std::vector<std::int64_t> places;
};

Result<PromptRow> make_row(const Towers& towers, const ContextOptions& options,
                           const std::string& text) {
  MIEN_ASSIGN_OR_RETURN(const Ids written, towers.tokenizer().encode(text));
  MIEN_ASSIGN_OR_RETURN(const Ids filler, towers.tokenizer().encode("X"));
  MIEN_CHECK(!filler.empty());
  const auto tokens = static_cast<std::size_t>(options.tokens);
  const std::size_t before = tokens_before(options);
  Ids bare(before, filler.front());
  bare.insert(bare.end(), written.begin(), written.end());
  bare.insert(bare.end(), tokens - before, filler.front());
  const std::size_t length = bare.size();
  PromptRow out;
  MIEN_ASSIGN_OR_RETURN(
      out.ids, towers.framed(std::move(bare),
                             fmt::format("{} learned tokens and '{}'", options.tokens, text)));
  const std::size_t start = out.ids.size() > length ? 1 : 0;
  for (std::size_t t = 0; t < tokens; ++t) {
    out.places.push_back(static_cast<std::int64_t>(start + t + (t < before ? 0 : written.size())));
  }
  return out;
}

}  // namespace

void ContextOptions::register_options(OptionSet& set) {
  set.add("tokens", tokens, "M: learned tokens of a class", {1, 1000});
  set.add("place", place, "Position of the text: after, before or between the learned tokens",
          {"end", "front", "middle"});
  set.add("shared", shared, "One context for all classes instead of one each");
  set.add("init_std", init_std, "Initial standard deviation of learned tokens", {0, 10});
}

Result<ContextLearner> ContextLearner::make(const Towers& towers, const ContextOptions& options,
                                            const std::vector<std::string>& texts) {
  if (texts.empty() || options.tokens < 1) {
    return invalid_argument(fmt::format("contexts: {} tokens, {} texts (expected at least 1 each)",
                                        options.tokens, texts.size()));
  }
  std::vector<PromptRow> rows;
  std::size_t longest = 0;
  for (const std::string& text : texts) {
    MIEN_ASSIGN_OR_RETURN(rows.emplace_back(), make_row(towers, options, text));
    longest = std::max(longest, rows.back().ids.size());
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  ContextLearner out;
  out.ids_ = torch::zeros({count, static_cast<std::int64_t>(longest)}, torch::kInt64);
  out.lengths_ = torch::empty({count}, torch::kInt64);
  out.places_ = torch::empty({count, options.tokens}, torch::kInt64);
  auto* id = out.ids_.data_ptr<std::int64_t>();
  auto* length = out.lengths_.data_ptr<std::int64_t>();
  auto* place = out.places_.data_ptr<std::int64_t>();
  for (const PromptRow& row : rows) {
    std::copy(row.ids.begin(), row.ids.end(), id);
    id += longest;
    *length++ = static_cast<std::int64_t>(row.ids.size());
    place = std::copy(row.places.begin(), row.places.end(), place);
  }
  out.vectors_ = torch::randn({options.shared ? 1 : count, options.tokens, towers.token_width()}) *
                 options.init_std;
  return out;
}

torch::Tensor ContextLearner::encode(Towers& towers) const {
  const std::int64_t count = ids_.size(0);
  const torch::Tensor used =
      torch::arange(ids_.size(1), torch::kInt64).unsqueeze(0).lt(lengths_.unsqueeze(1));
  const torch::Tensor written = towers.token_vectors(ids_);
  const torch::Tensor context =
      vectors_.to(written.scalar_type()).expand({count, vectors_.size(1), vectors_.size(2)});
  const torch::Tensor rows = torch::arange(count, torch::kInt64).unsqueeze(1).expand_as(places_);
  const torch::Tensor all = at::index_put(written * used.unsqueeze(2), {rows, places_}, context);
  const torch::Tensor out = towers.texts_of(all, lengths_).to(torch::kFloat32);
  return out / out.norm(2, -1, true).clamp_min(1e-12);
}

std::vector<engine::LearnedText> ContextLearner::nearest(const Towers& towers, int count) const {
  std::vector<engine::LearnedText> out = nearest_words(towers, vectors_, count);
  out.resize(static_cast<std::size_t>(ids_.size(0)), engine::LearnedText(out.front()));
  return out;
}

}  // namespace mien::methods
