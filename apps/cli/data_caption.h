#pragma once

#include "cli/cli.h"

namespace mien::cli {

/// `mien data caption`: sentences about pictures from votes and from the shape of the face.
void add_data_caption(CLI::App& verb, Context& context);

}  // namespace mien::cli
