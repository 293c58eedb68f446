#pragma once

// The page of `eval --report`.

#include <string>
#include <utility>
#include <vector>

#include "cli/cli.h"
#include "mien/data/manifest.h"
#include "mien/eval/run.h"

namespace mien::cli {

struct EvalPageOptions {
  std::string file;
  bool with_images = false;
  int mistakes = 24;  ///< that are told
};
void add_eval_page_options(CLI::App& verb, EvalPageOptions& options);
/// Errors: kInvalidArgument for options that need a page.
Status check_page_options(const EvalPageOptions& options);

/// `facts`: what the page tells first; the command, the hash of the data and the program follow.
Status write_eval_page(const Context& context, const EvalPageOptions& options,
                       const data::Manifest& manifest, const eval::RunResult& result,
                       const eval::ClosedSetReport& report,
                       std::vector<std::pair<std::string, std::string>> facts);

}  // namespace mien::cli
