#pragma once

#include <string>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {

/// True when `mien export` was asked for a reference of faces.
bool is_reference_export(const std::vector<std::string>& arguments);
/// Carries it out. `words`: what stands behind the verb.
void export_reference(Context& context, std::vector<std::string> words);

}  // namespace mien::cli
