#pragma once

#include <cstdint>

#include "methods/kit/training_data.h"
#include "mien/data/views.h"

namespace mien::methods {

/// The samples of an epoch in their order, and the seed of whatever is drawn for them; the same for
/// the same (seed, stage, epoch).
struct EpochOrder {
  data::View view;
  std::uint64_t seed = 0;
};
/// `balance`: rare classes come as often as frequent ones.
EpochOrder epoch_order(const TrainingData& data, bool balance, std::uint64_t seed, int stage,
                       int epoch);
/// Samples of an epoch.
std::int64_t epoch_size(const TrainingData& data, bool balance);

}  // namespace mien::methods
