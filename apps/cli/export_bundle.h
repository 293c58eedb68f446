#pragma once

#include "cli/cli.h"
#include "cli/export_flags.h"

namespace mien::cli {

/// `mien export --precision TYPE BUNDLE OUT`. Sets the exit code.
void export_bundle(Context& context, const ExportFlags& flags);

}  // namespace mien::cli
