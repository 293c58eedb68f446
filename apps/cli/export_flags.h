#pragma once

// `mien export`: the one definition of its options, for `mien` and `mien-train`.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {

/// `export SOURCE OUT`: with --precision or --reference SOURCE is a bundle, otherwise the folder of
/// a training run.
struct ExportFlags {
  std::string source;
  std::string out;
  bool overwrite = false;

  std::string precision;           ///< empty: not asked for
  std::vector<std::string> check;  ///< pictures and folders; empty: made-up pictures
  bool force = false;              ///< write even if too far from fp32

  std::string reference;  ///< labelled data; empty: not asked for
  std::string split = "train";
  std::string val_split = "val";
  std::int64_t faces = 72;
  double accept = 0.95;
  std::uint64_t seed = 1;

  std::string data;   ///< data folder of a run; empty: as the run recorded it
  bool last = false;  ///< the last checkpoint, not the best epoch
};

/// Adds the verb; `run` carries it out.
void add_export_verb(CLI::App& app, std::function<void(const ExportFlags&)> run);

}  // namespace mien::cli
