#pragma once

#include "cli/cli.h"

namespace mien::cli {

/// `mien data export`: the results of `predict -o FILE.sqlite` as CSV.
void add_data_export(CLI::App& data, Context& context);

}  // namespace mien::cli
