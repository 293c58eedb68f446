#pragma once

// Checks the files that a run reads and writes: a run that would destroy its own inputs, or write
// two results to one file, is refused before any work.

#include <string>
#include <vector>

#include "cli/inputs.h"
#include "cli/outputs.h"
#include "core/output_guard.h"

namespace mien::cli {

/// Options as given. Empty ones, and those that do not name a file (--labels happy,sad), are
/// ignored.
struct ReadFiles {
  const InputList* inputs = nullptr;
  std::string bundle = {};
  std::string labels = {};
  std::string boxes = {};
  std::string landmarks = {};
};
OutputGuard guard_of(const ReadFiles& files);

/// Checks the outputs of `predict` and `detect`. `report`: the page, may be empty. No file is
/// replaced in a folder that holds inputs, and no drawings go to a folder that is read: they would
/// be inputs of the next run. Errors: kInvalidArgument.
Status check_files(const ReadFiles& files, const OutputOptions& outputs, const std::string& report);

/// For the outputs of `eval`. `data`: FILE.csv or NAME:FOLDER, below which nothing is replaced.
struct EvalFiles {
  std::string data;
  std::vector<std::string> bundles;
  std::vector<std::string> labels;  ///< of all options that may name a label file
  std::string boxes;
  std::string report;
  std::string predictions;
};
Status check_eval_files(const EvalFiles& files);

/// Checks one output that is made from the file `in`. `endings`: allowed ones; empty: any.
Status check_file(const std::string& in, const std::string& option, const std::string& out,
                  const std::vector<std::string_view>& endings);
/// Checks a bundle folder to be written: engine::check_bundle_target, and that it holds no input.
/// `in`: files and folders that are read; empty names are ignored.
Status check_bundle_output(const std::vector<std::string>& in, const std::string& out,
                           bool overwrite);

}  // namespace mien::cli
