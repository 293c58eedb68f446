#include "methods/kit/nearest_words.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>

namespace mien::methods {
namespace {

constexpr std::int64_t kRowsAtOnce = 16;

}  // namespace

std::vector<engine::LearnedText> nearest_words(const Towers& towers, const torch::Tensor& vectors,
                                               int count) {
  const at::NoGradGuard no_grad;
  const Towers::Vocabulary vocabulary = towers.vocabulary();
  const std::int64_t tokens = vectors.size(1);
  const torch::Tensor rows = vectors.detach().flatten(0, 1);
  const std::int64_t kept = std::min<std::int64_t>(count, vocabulary.vectors.size(0));
  std::vector<engine::LearnedText> out(static_cast<std::size_t>(vectors.size(0)));
  for (std::int64_t first = 0; first < rows.size(0); first += kRowsAtOnce) {
    const std::int64_t some = std::min(kRowsAtOnce, rows.size(0) - first);
    // Differences, not the product form, which loses digits where they are small.
    const auto [distances, places] =
        at::cdist(rows.narrow(0, first, some), vocabulary.vectors, 2.0, 2)
            .topk(kept, 1, false, true);
    for (std::int64_t r = 0; r < some; ++r) {
      std::vector<engine::NearWord> words;
      for (std::int64_t i = 0; i < kept; ++i) {
        words.push_back(
            {vocabulary.words[static_cast<std::size_t>(places[r][i].item<std::int64_t>())],
             distances[r][i].item<double>()});
      }
      out[static_cast<std::size_t>((first + r) / tokens)].tokens.push_back(std::move(words));
    }
  }
  return out;
}

}  // namespace mien::methods
