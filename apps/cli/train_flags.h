#pragma once

// The options of `train` and `export RUN`: mien-train carries them out, and `mien` knows its help.

#include <string>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {

inline constexpr const char* kTrainVerb = "Train a method by a recipe";
inline constexpr const char* kExportVerb = "Write the bundle of a training run";

struct TrainFlags {
  std::string recipe;
  std::string data = ".";
  std::string out;
  std::vector<std::string> set;
  bool deterministic = false;
  bool json = false;
  bool print = false;
};
void add_train_flags(CLI::App& verb, TrainFlags& flags);

struct ExportFlags {
  std::string run;
  std::string out;
  std::string data;
  bool last = false;
  bool overwrite = false;
};
void add_export_flags(CLI::App& verb, ExportFlags& flags);

}  // namespace mien::cli
