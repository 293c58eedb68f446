#pragma once

// Shared by the protocols of `mien eval`.

#include <cstdint>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/datasets.h"
#include "cli/eval_notes.h"
#include "cli/eval_page.h"
#include "cli/eval_protocols.h"
#include "cli/options.h"
#include "mien/eval/run.h"
#include "report/evaluation.h"

namespace mien::cli {

struct EvalOptions {
  ModelOptions model;
  std::vector<std::string> bundles;
  std::string source;
  DatasetFlags data;
  std::string protocol = "zero-shot";
  std::string labels;
  std::string unseen;      ///< leave-one-out: labels that describe the left-out class
  std::string compound;    ///< empty: samples of several labels are left out
  std::string average_by;  ///< regression: a column; empty: every sample counts
  EvalPageOptions page;
  ProtocolOptions protocols;
  std::string predictions;
  bool json = false;
  bool with_samples = false;
  std::vector<std::string> left_out = {};  ///< --shared-classes: classes that no label covers
  std::int64_t samples_left_out = 0;       ///< and their samples
  std::vector<std::string> shared_subjects = {};  ///< that the split shares with others
  FaceOptions faces;
  DataNotes notes = {};
  double max_bad_share = 0.01;
  int resamples = 1000;
};

/// Errors: kInvalidArgument for an option that the protocol does not support.
Status check_protocol_fit(const EvalOptions& options);
/// The part of the data: ", split val, part 1 of 5", or nothing.
std::string part_text(const DatasetFlags& data);
/// The first keys of every result: "bundle", "data", "split", "folds", "fold", "protocol", "faces",
/// ...
Json result_start(const EvalOptions& options, const std::string& bundle, const std::string& data);
/// The one bundle that a protocol measures. Errors: kInvalidArgument for several.
Result<std::shared_ptr<const engine::Bundle>> load_one_bundle(const EvalOptions& options);

/// `--protocol regression`.
void run_regression_protocol(Context& context, EvalOptions options, eval::RunOptions run_options);

}  // namespace mien::cli
