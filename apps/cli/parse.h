#pragma once

// The command line of both programs: help in every spelling, and problems in one form.

#include <string>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {

/// The words of a command line as CLI11 knows them: `help VERB` is `VERB --help`, `help` alone
/// `--help`, and `version` `--version`.
std::vector<std::string> spelled_out(std::vector<std::string> words);

/// Whether help is asked for.
bool asks_for_help(const std::vector<std::string>& words);

/// Parses `words` and runs what they ask for. A problem is one line, "mien: VERB: what is wrong",
/// and the exit code kExitUsage; otherwise that of `context`.
int run_app(CLI::App& app, std::vector<std::string> words, Context& context);

}  // namespace mien::cli
