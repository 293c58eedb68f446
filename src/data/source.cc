#include "data/source.h"

#include <fmt/format.h>

#include "data/captions.h"

namespace mien::data {

namespace fs = std::filesystem;

bool names_dataset(std::string_view source, const fs::path& folder) {
  const std::size_t colon = source.find(':');
  if (colon == std::string_view::npos) return false;
  std::error_code error;
  return find_dataset(source.substr(0, colon)) != nullptr || !fs::exists(folder / source, error);
}

Result<Manifest> load_source(const std::string& source, const SourceOptions& options,
                             const fs::path& folder) {
  const fs::path whole = folder / source;
  if (!names_dataset(source, folder)) {
    std::error_code error;
    if (fs::is_directory(whole, error)) {
      return invalid_argument(
          fmt::format("{}: is a folder (expected a CSV, or NAME:{} with NAME {})", whole.string(),
                      source, fmt::join(dataset_names(), ", ")));
    }
    return load_manifest(whole, options.manifest);
  }
  const std::size_t colon = source.find(':');
  const std::string name = source.substr(0, colon);
  if (!options.manifest.targets.empty()) {
    return invalid_argument(
        fmt::format("{}: has no column '{}' (expected a CSV manifest for a regression)", source,
                    options.manifest.targets.front()));
  }
  MIEN_ASSIGN_OR_RETURN(Manifest out,
                        load_dataset(name, folder / source.substr(colon + 1), options.dataset));
  if (!options.manifest.captions.empty()) {
    MIEN_RETURN_IF_ERROR(
        add_captions(out, options.manifest.captions, options.manifest.limits).status());
  }
  return out;
}

Result<ManifestOptions::Unit> parse_unit(std::string_view text) {
  using Unit = ManifestOptions::Unit;
  if (text.empty() || text == "auto") return Unit::kAuto;
  if (text == "frame") return Unit::kFrame;
  if (text == "sequence") return Unit::kSequence;
  return invalid_argument(fmt::format("unit: '{}' (expected auto, frame or sequence)", text));
}

}  // namespace mien::data
