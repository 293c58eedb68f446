#pragma once

// Which files a run reads and writes: a run that would destroy its own inputs, or write two results
// into one file, is refused before any work.

#include <string>
#include <vector>

#include "cli/inputs.h"
#include "cli/outputs.h"
#include "core/output_guard.h"

namespace mien::cli {

/// Options as they were given; what is empty, or names no file (such as --labels happy,sad), is not
/// read.
struct ReadFiles {
  const InputList* inputs = nullptr;
  std::string bundle = {};
  std::string labels = {};
  std::string boxes = {};
  std::string landmarks = {};
};
OutputGuard guard_of(const ReadFiles& files);

/// The outputs of `predict` and `detect`. `report`: the page, may be empty. In a folder that holds
/// inputs no file is replaced, and a folder that is read gets no drawings, which would be inputs of
/// the next run. Errors: kInvalidArgument.
Status check_files(const ReadFiles& files, const OutputOptions& outputs, const std::string& report);

/// The outputs of `eval`. `data`: FILE.csv or NAME:FOLDER, below which nothing is replaced.
struct EvalFiles {
  std::string data;
  std::vector<std::string> bundles;
  std::vector<std::string> labels;  ///< of all options that may name a label file
  std::string boxes;
  std::string report;
  std::string predictions;
};
Status check_eval_files(const EvalFiles& files);

/// One output that is read from `in`. `endings`: those it may have; empty: any.
Status check_file(const std::string& in, const std::string& option, const std::string& out,
                  const std::vector<std::string_view>& endings);
/// A bundle folder to be written: engine::check_bundle_target, and that no input is in it. `in`:
/// files and folders that are read, empty ones are none.
Status check_bundle_output(const std::vector<std::string>& in, const std::string& out,
                           bool overwrite);

}  // namespace mien::cli
