#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "data/registry.h"
#include "mien/core/status.h"
#include "mien/data/manifest.h"

namespace mien::data {

/// How samples are read from a data source. Each kind of source has its own options; captions and
/// targets of `manifest` apply to both.
struct SourceOptions {
  ManifestOptions manifest;
  DatasetOptions dataset;
};

/// True for NAME:FOLDER, a published data set; a file below `folder` whose name has a colon is a
/// manifest all the same.
bool names_dataset(std::string_view source, const std::filesystem::path& folder = {});

/// Reads a manifest (CSV), or NAME:FOLDER with a name of dataset_names(). Relative names are below
/// `folder`. Errors: those of load_manifest, load_dataset and add_captions; kInvalidArgument for a
/// folder without a name, and for targets of a published data set, which has none.
Result<Manifest> load_source(const std::string& source, const SourceOptions& options,
                             const std::filesystem::path& folder = {});

/// "auto" (or nothing), "frame", "sequence". Errors: kInvalidArgument.
Result<ManifestOptions::Unit> parse_unit(std::string_view text);

}  // namespace mien::data
