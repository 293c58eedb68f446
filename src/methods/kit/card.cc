#include "methods/kit/card.h"

#include <fmt/format.h>

namespace mien::methods {
namespace {

constexpr std::string_view kCardEnd =
    "\nmien describes how a face looks, not what a person feels. Inferring emotions at work and in "
    "education is\nprohibited in the EU; results differ between groups of people.\n";

}  // namespace

std::string Card::text(std::string_view name) const {
  std::string out = fmt::format("# {}\n\n{}\n\n", name, about);
  for (const std::string& fact : facts) out += fmt::format("- {}\n", fact);
  return out.append(kCardEnd);
}

std::string data_fact(const TrainingData& data, std::string_view samples) {
  return fmt::format("Training data: {}, {} {}. The weights inherit the terms of this data.",
                     data.train->name, data.train_view.size(), samples);
}

std::string calibration_fact(const engine::BundleInfo& info) {
  return info.unknown.threshold
             ? "Probabilities and the threshold for \"unknown\" were fitted on the validation part."
             : "Not calibrated: probabilities rank the labels.";
}

void note_data(const TrainingData& data, Json& provenance) {
  provenance.set("training_data", data.train->name);
  provenance.set("training_samples", data.train_view.size());
}

void note_left_out(const DataOptions& options, Json& provenance) {
  if (!options.leave_out.empty()) provenance.set("left_out", options.leave_out);
}

}  // namespace mien::methods
