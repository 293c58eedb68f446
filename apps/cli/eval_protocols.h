#pragma once

// Protocols of `eval` beyond one closed-set run: folds, open set, spoiled pictures, groups.

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
  bool shared_classes = false;           ///< leave out samples of classes that no label has
  std::string group_by;                  ///< a column, or empty
  std::vector<std::string> known;        ///< open-set: the known classes
  std::string splits;                    ///< open-set: a list of HESP
  std::string outliers;                  ///< open-set: words, as --labels; or "expressions"
  std::vector<std::string> corruptions;  ///< robustness; empty: all
};
void add_protocol_options(CLI::App& verb, ProtocolOptions& options);

/// What all protocols share.
struct ProtocolRun {
  std::shared_ptr<const engine::Bundle> bundle;
  const data::Manifest& manifest;
  text::LabelSet labels;
  eval::RunOptions options = {};
  bool json = false;
  int resamples = 1000;
  std::string page = {};     ///< file of --report; empty: none
  report::Facts facts = {};  ///< what the page tells first
  DataNotes notes = {};
};
/// One pass over the data per split: all splits are read off one run.
void run_open_set(Context& context, const ProtocolOptions& options, const ProtocolRun& run);
/// The data as it is, then spoiled in every way at five levels.
void run_robustness(Context& context, const ProtocolOptions& options, const ProtocolRun& run);

/// What the protocols that read several bundles share.
struct BundlesRun {
  std::string source;
  DatasetFlags data;
  std::vector<std::string> bundles;
  std::function<Result<data::Manifest>(const DatasetFlags&)> read;
  std::function<Result<std::shared_ptr<const engine::Bundle>>(const std::string&)> load;
  std::function<Result<text::LabelSet>(const engine::Bundle&, const data::Manifest&)> labels;
  std::string unseen;  ///< leave-one-out: labels that name the class left out; empty: `labels` do
  FaceOptions faces;
  eval::RunOptions options;
  bool json = false;
  int resamples = 1000;
  std::string page = {};
};
/// The mean over all folds of a published data set, with one bundle or one per fold.
void run_folds(Context& context, const BundlesRun& run);
/// One bundle per class that its training left out, each asked about the samples of all classes.
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
