#include <fmt/format.h>

#include <algorithm>

#include "core/file.h"
#include "core/sha256.h"
#include "core/utf8.h"
#include "engine/describe.h"
#include "mien/convert/convert.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;

std::string detector_card(const engine::DetectorInfo& info, const fs::path& source,
                          const std::string& hash, const std::string& notice) {
  return fmt::format(
      "# {}\n\n## What it is\n\nA face detector: {}. It gives a box and five points for every "
      "face.\n\n"
      "## Where it comes from\n\nConverted by mien {} from `{}`, sha256 `{}`.\n\n## "
      "Licence\n\n{}\n\n"
      "## What is not known\n\nHow well it finds faces was not measured here, neither in all nor "
      "per group of people.\n"
      "{}",
      escape_controls(info.name, 200), engine::tower_text(info.sizes), MIEN_VERSION,
      escape_controls(source.filename().string(), 200), hash,
      info.licence.empty()
          ? "Unknown. The terms of the original weights apply; look them up before use."
          : escape_controls(info.licence, 2000),
      notice.empty() ? "" : fmt::format("\n## Responsible use\n\n{}\n", notice));
}

// A grey picture is enough to show that the network works; it has no face.
Status try_detector(const std::shared_ptr<const engine::DetectorBundle>& bundle) {
  image::Image grey(96, 64);
  std::fill(grey.pixels().begin(), grey.pixels().end(), std::uint8_t{128});
  const auto found = engine::make_network_detector(bundle)->detect(grey.view(), {.scale = 2});
  return found.ok() ? Status() : found.status();
}

}  // namespace

bool is_detector(const fs::path& source) { return source.extension() == ".onnx"; }

Result<std::shared_ptr<const engine::DetectorBundle>> detector_to_bundle(
    const fs::path& source, const fs::path& destination, const DetectorOptions& options) {
  MIEN_RETURN_IF_ERROR(check_destination(destination, options.overwrite));
  MIEN_ASSIGN_OR_RETURN(auto made, engine::detector_from_onnx(source, options.limits));
  MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(source));
  const std::string hash = sha256_hex(map->bytes());
  engine::DetectorInfo& info = made.content.info;
  if (!options.name.empty()) info.name = options.name;
  info.licence = options.licence;
  info.provenance.set("converted_from", source.filename().string());
  info.provenance.set("sha256", hash);
  made.content.card = detector_card(info, source, hash, options.notice);
  MIEN_RETURN_IF_ERROR(
      engine::write_detector(destination, std::move(made.content), options.overwrite));
  MIEN_ASSIGN_OR_RETURN(auto bundle, engine::DetectorBundle::load(destination, options.limits));
  MIEN_RETURN_IF_ERROR(bundle->verify_hashes());
  MIEN_RETURN_IF_ERROR(try_detector(bundle));
  return bundle;
}

}  // namespace mien::convert
