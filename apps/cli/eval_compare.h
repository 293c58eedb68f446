#pragma once

#include "cli/cli.h"

namespace mien::cli {

/// `mien eval compare A B`: two evaluations of the same samples. Returns the command, so that
/// `eval` can see whether it was given.
CLI::App* add_eval_compare(CLI::App& eval, Context& context);

}  // namespace mien::cli
