#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "methods/kit/training_data.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

/// CARD.md of a trained bundle. Every card ends with the limits of use.
struct Card {
  std::string about;               ///< first paragraph: the method, and what it started from
  std::vector<std::string> facts;  ///< one bullet each

  /// `name`: of the bundle.
  std::string text(std::string_view name) const;
};

/// What the bundle was trained on. `samples`: the noun for them, for example "clips".
std::string data_fact(const TrainingData& data, std::string_view samples = "samples");
/// Whether probabilities and the unknown threshold were fitted.
std::string calibration_fact(const engine::BundleInfo& info);

/// Adds the training data to a bundle's provenance.
void note_data(const TrainingData& data, Json& provenance);
/// Adds the class that did not train, if there is one.
void note_left_out(const DataOptions& options, Json& provenance);

}  // namespace mien::methods
