#pragma once

#include "cli/cli.h"

namespace mien::cli {

/// `mien data export`: results of a batch as CSV.
void add_data_export(CLI::App& data, Context& context);

}  // namespace mien::cli
