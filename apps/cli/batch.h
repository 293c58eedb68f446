#pragma once

// `predict -o results.sqlite`: many files, resumable.

#include <memory>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "jobs/results_file.h"
#include "mien/engine/bundle.h"
#include "mien/pipeline/recognizer.h"
#include "mien/text/labels.h"

namespace mien::cli {

struct BatchOptions {
  int jobs = 1;
  bool retry_failed = false;
};
void add_batch_options(CLI::App& verb, BatchOptions& options);

struct Batch {
  std::string results;
  BatchOptions options;
  InputOptions inputs;
  InputList list;
  std::shared_ptr<const engine::Bundle> bundle;
  text::LabelSet labels;
  pipeline::RecognizerOptions recognizer;
  ModelOptions model;
};
/// Reads every input into the results file and sets the exit code.
void run_batch(Context& context, const Batch& batch);

}  // namespace mien::cli
