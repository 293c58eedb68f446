#include "methods/kit/common_training.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace mien::methods {

Status CommonTraining::check_init(std::string_view group) const {
  if (!init.empty()) return {};
  return invalid_argument(
      fmt::format("{}.init: is empty (expected a bundle with both towers)", group));
}

void CommonTraining::add_init(OptionSet& set) {
  set.add("init", init, "Bundle to take both towers from, below --data");
}

void CommonTraining::add_length(OptionSet& set, std::string_view samples) {
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, fmt::format("{} per step and process", samples), {1, 65536});
  set.add("frames", frames, "Frames per clip", {1, 4096});
}

void CommonTraining::add_select(OptionSet& set, std::string_view first) {
  std::vector<std::string_view> choices = {"last", "war", "uar"};
  if (!first.empty()) choices.insert(choices.begin() + 1, first);
  set.add("select", select, "Epoch to keep: the last, or the best on the validation part",
          std::move(choices));
}

void CommonTraining::add_accept(OptionSet& set, std::string_view part) {
  set.add("accept", accept, fmt::format("Share of the {} that must not be unknown", part),
          {0.5, 1});
}

void CommonTraining::add_bundle(OptionSet& set) {
  set.add("name", name, "Name of the bundle; empty: the name of the data");
  set.add("licence", licence, "Licence of the bundle");
}

}  // namespace mien::methods
