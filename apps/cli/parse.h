#pragma once

// Parsing the command lines of `mien` and `mien-train`: help in every spelling, one form of errors.

#include <string>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {

/// Rewrites a command line for CLI11: `help VERB` becomes `VERB --help`, `help` alone `--help`, and
/// `version` `--version`.
std::vector<std::string> spelled_out(std::vector<std::string> words);

/// Parses `words` and runs the verb. A parse error is one line, "mien: VERB: problem", and
/// kExitUsage; otherwise returns the exit code of `context`.
int run_app(CLI::App& app, std::vector<std::string> words, Context& context);

}  // namespace mien::cli
