#pragma once

#include <string>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {

/// True when `mien export` was asked for another type of weights, not for the bundle of a run.
bool is_bundle_export(const std::vector<std::string>& arguments);
/// Carries it out. `words`: what stands behind the verb.
void export_bundle(Context& context, std::vector<std::string> words);

}  // namespace mien::cli
