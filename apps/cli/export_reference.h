#pragma once

#include "cli/cli.h"
#include "cli/export_flags.h"

namespace mien::cli {

/// `mien export --reference DATA BUNDLE OUT`. Sets the exit code.
void export_reference(Context& context, const ExportFlags& flags);

}  // namespace mien::cli
