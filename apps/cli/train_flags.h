#pragma once

// `mien train`: the one definition of its options, for `mien`, which knows its help, and
// `mien-train`, which carries it out.

#include <string>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {

struct TrainFlags {
  std::string recipe;
  std::string data = ".";
  std::string out;
  std::vector<std::string> set;
  bool deterministic = false;
  bool json = false;
  bool print = false;
};

/// Adds the verb, without a callback. `flags` must outlive the parsing.
CLI::App* add_train_verb(CLI::App& app, TrainFlags& flags);

}  // namespace mien::cli
