#include "methods/kit/epoch_order.h"

#include <utility>

namespace mien::methods {

EpochOrder epoch_order(const TrainingData& data, bool balance, std::uint64_t seed, int stage,
                       int epoch) {
  EpochOrder out;
  out.seed = seed * 1'000'003ULL + static_cast<std::uint64_t>(stage) * 10'007ULL +
             static_cast<std::uint64_t>(epoch);
  Rng rng(out.seed);
  data::View view = balance ? data::balanced(*data.train, data.train_view, rng) : data.train_view;
  out.view = data::shuffled(std::move(view), rng);
  return out;
}

std::int64_t epoch_size(const TrainingData& data, bool balance) {
  if (!balance) return static_cast<std::int64_t>(data.train_view.size());
  Rng rng(1);
  return static_cast<std::int64_t>(data::balanced(*data.train, data.train_view, rng).size());
}

}  // namespace mien::methods
