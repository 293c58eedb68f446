#include "cli/convert_detector.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/cli.h"
#include "cli/describe.h"
#include "mien/core/file.h"
#include "mien/core/sha256.h"
#include "mien/engine/detector.h"
#include "mien/report/text.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

std::string detector_card(const engine::DetectorInfo& info, const fs::path& source,
                          const std::string& hash) {
  return fmt::format(
      "# {}\n\n## What it is\n\nA face detector: {}. It gives a box and five points for every "
      "face.\n\n"
      "## Where it comes from\n\nConverted by mien {} from `{}`, sha256 `{}`.\n\n## "
      "Licence\n\n{}\n\n"
      "## What is not known\n\nHow well it finds faces was not measured here, neither in all nor "
      "per group of people.\n\n"
      "## Responsible use\n\n{}\n",
      report::printable(info.name, 200), network_text(info.sizes), MIEN_VERSION,
      report::printable(source.filename().string(), 200), hash,
      info.licence.empty()
          ? "Unknown. The terms of the original weights hold; look them up before use."
          : report::printable(info.licence, 2000),
      responsible_use());
}

// A grey picture shows that the network works; there is no face in it.
Status try_detector(const std::shared_ptr<const engine::DetectorBundle>& bundle) {
  image::Image grey(96, 64);
  std::fill(grey.pixels().begin(), grey.pixels().end(), std::uint8_t{128});
  const auto found = engine::make_network_detector(bundle)->detect(grey.view(), {.scale = 2});
  return found.ok() ? Status() : found.status();
}

}  // namespace

bool is_onnx(const fs::path& path) { return path.extension() == ".onnx"; }

Status convert_detector(const DetectorConversion& wanted) {
  MIEN_RETURN_IF_ERROR(engine::check_bundle_target(wanted.destination, wanted.overwrite));
  MIEN_ASSIGN_OR_RETURN(auto made, engine::detector_from_onnx(wanted.source));
  MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(wanted.source));
  const std::string hash = sha256_hex(map->bytes());
  engine::DetectorInfo& info = made.content.info;
  if (!wanted.name.empty()) info.name = wanted.name;
  info.licence = wanted.licence;
  info.provenance.set("converted_from", wanted.source.filename().string());
  info.provenance.set("sha256", hash);
  made.content.card = detector_card(info, wanted.source, hash);
  MIEN_RETURN_IF_ERROR(
      engine::write_detector(wanted.destination, std::move(made.content), wanted.overwrite));
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::DetectorBundle::load(wanted.destination));
  MIEN_RETURN_IF_ERROR(bundle->verify_hashes());
  MIEN_RETURN_IF_ERROR(try_detector(bundle));
  const engine::DetectorInfo& written = bundle->info();
  if (wanted.json) {
    Json out = Json::object();
    out.set("kind", "convert");
    out.set("source", wanted.source.string());
    out.set("destination", wanted.destination.string());
    out.set("name", written.name);
    out.set("format", "onnx");
    out.set("detector", written.to_json());
    fmt::print("{}\n", out.dump());
    return {};
  }
  Rows rows;
  rows.emplace_back("from", wanted.source.string() + " (onnx)");
  rows.emplace_back("detector", network_text(written.sizes));
  rows.emplace_back("parameters", count_text(network_parameters(written.sizes)));
  fmt::print("{}\n{}wrote {}, read back and tried\n", report::printable(written.name),
             rows_text(rows), report::printable(wanted.destination.string()));
  return {};
}

}  // namespace mien::cli
