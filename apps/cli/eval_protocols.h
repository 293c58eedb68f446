#pragma once

// Protocols of `eval` beyond one closed-set run: folds, open set, corrupted pictures, groups.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/datasets.h"
#include "cli/eval_notes.h"
#include "eval/groups.h"
#include "mien/engine/bundle.h"
#include "mien/eval/run.h"
#include "mien/text/labels.h"
#include "report/evaluation.h"

namespace mien::cli {

struct ProtocolOptions {
  std::string prompts;                   ///< P1 ... P5, or empty
  bool shared_classes = false;           ///< leave out samples of classes that no label covers
  std::string group_by;                  ///< a column, or empty
  std::vector<std::string> known;        ///< open-set: the known classes
  std::string splits;                    ///< open-set: a list of HESP
  std::string outliers;                  ///< open-set: words, as --labels; or "expressions"
  std::vector<std::string> corruptions;  ///< robustness; empty: all
};
void add_protocol_options(CLI::App& verb, ProtocolOptions& options);

/// One bundle on one data set: shared by all protocols.
struct ProtocolRun {
  std::shared_ptr<const engine::Bundle> bundle;
  const data::Manifest& manifest;
  text::LabelSet labels;
  eval::RunOptions options = {};
  bool json = false;
  int resamples = 1000;
  std::string page = {};     ///< file of --report; empty: none
  report::Facts facts = {};  ///< at the top of the page
  DataNotes notes = {};
};
/// All splits are computed from one pass over the data.
void run_open_set(Context& context, const ProtocolOptions& options, const ProtocolRun& run);
/// Measures the original data, then each corruption at five levels.
void run_robustness(Context& context, const ProtocolOptions& options, const ProtocolRun& run);

/// Several bundles on one data set: k-fold and leave-one-out.
struct BundlesRun {
  std::string source;
  DatasetFlags data;
  std::vector<std::string> bundles;
  std::function<Result<data::Manifest>(const DatasetFlags&)> read;
  std::function<Result<std::shared_ptr<const engine::Bundle>>(const std::string&)> load;
  std::function<Result<text::LabelSet>(const engine::Bundle&, const data::Manifest&)> labels;
  std::string unseen;  ///< leave-one-out: labels that describe the left-out class; empty: `labels`
  FaceOptions faces;
  eval::RunOptions options;
  bool json = false;
  int resamples = 1000;
  std::string page = {};
};
/// Mean over all folds of a published data set, with one bundle or one per fold.
void run_folds(Context& context, const BundlesRun& run);
/// One bundle per left-out class, each measured on the samples of all classes.
void run_left_out(Context& context, BundlesRun run);

/// The words of --outliers; none for an empty text. Errors: those of load_labels.
Result<text::LabelSet> outlier_words(const std::string& outliers);

/// One pass over the data, with its progress on a terminal.
Result<eval::RunResult> run_with_progress(const ProtocolRun& run, eval::RunOptions options);
/// Names the samples that could not be read, and sets the exit code.
void tell_unreadable(Context& context, const eval::RunResult& result);

/// The groups of --group-by. Errors: those of group_of_samples and group_report.
Result<eval::GroupReport> groups_of(const ProtocolOptions& options, const data::Manifest& manifest,
                                    const eval::RunResult& result, int resamples);
void print_groups(const eval::GroupReport& report);

}  // namespace mien::cli
