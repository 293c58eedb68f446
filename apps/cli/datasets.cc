#include "cli/datasets.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <utility>
#include <vector>

#include "mien/data/registry.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;
using Given = std::vector<std::pair<const char*, bool>>;

Status refuse(const Given& options, std::string_view source, std::string_view expected) {
  for (const auto& [name, given] : options) {
    if (!given) continue;
    return invalid_argument(
        fmt::format("{}: does not go with {} (expected {})", name, source, expected));
  }
  return {};
}

Result<data::Manifest> load_published(const std::string& name, const fs::path& folder,
                                      const DataOptions& options) {
  MIEN_RETURN_IF_ERROR(
      refuse({{"--unit", !options.unit.empty()}, {"--captions", !options.captions.empty()}},
             fmt::format("{}:{}", name, folder.string()), "a CSV manifest"));
  data::DatasetOptions out{.split = options.split,
                           .fold = options.fold == 0 ? 1 : options.fold,
                           .variant = options.variant,
                           .pictures = options.pictures,
                           .allow_missing = options.allow_missing,
                           .keep_unlabelled = options.keep_unlabelled};
  if (!options.label_order.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.order, data::parse_label_order(options.label_order));
  }
  if (!options.caption_lists.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.captions, data::parse_caption_use(options.caption_lists));
  }
  return data::load_dataset(name, folder, out);
}

Result<data::Manifest> load_csv(const fs::path& path, const DataOptions& options) {
  MIEN_RETURN_IF_ERROR(refuse({{"--fold", options.fold != 0},
                               {"--variant", !options.variant.empty()},
                               {"--label-order", !options.label_order.empty()},
                               {"--caption-lists", !options.caption_lists.empty()},
                               {"--pictures", !options.pictures.empty()},
                               {"--allow-missing", options.allow_missing}},
                              path.string(), "NAME:FOLDER of a published data set"));
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return invalid_argument(fmt::format("{}: is a folder (expected a CSV, or NAME:{} with NAME {})",
                                        path.string(), path.string(),
                                        fmt::join(data::dataset_names(), ", ")));
  }
  using Unit = data::ManifestOptions::Unit;
  return data::load_manifest(path, {.split = options.split,
                                    .unit = options.unit == "frame"      ? Unit::kFrame
                                            : options.unit == "sequence" ? Unit::kSequence
                                                                         : Unit::kAuto,
                                    .keep_unlabelled = options.keep_unlabelled,
                                    .captions = options.captions});
}

}  // namespace

void add_data_options(CLI::App& verb, DataOptions& options) {
  verb.add_option("--split", options.split, "Only this split: train, val, test, ...");
  verb.add_option("--unit", options.unit,
                  "CSV: what a sample is: frame, sequence (rows of one sequence are a clip), auto")
      ->check(CLI::IsMember({"auto", "frame", "sequence"}));
  verb.add_option("--captions", options.captions,
                  "CSV: captions by path or sequence, in another CSV");
  verb.add_option("--fold", options.fold, "NAME:FOLDER: the fold (default 1)")
      ->check(CLI::Range(1, 1000));
  verb.add_option("--variant", options.variant,
                  "NAME:FOLDER: form of the data set, such as single or compound");
  verb.add_option("--label-order", options.label_order,
                  "NAME:FOLDER: native (default), emoclip or peers");
  verb.add_option("--caption-lists", options.caption_lists,
                  "NAME:FOLDER: the lists with captions or without (default: auto)")
      ->check(CLI::IsMember({"auto", "with", "without"}));
  verb.add_option("--pictures", options.pictures,
                  "NAME:FOLDER: folder of the pictures inside it, when it has another name");
}

bool is_published(const std::string& source) {
  const std::size_t colon = source.find(':');
  if (colon == std::string::npos) return false;
  std::error_code error;
  return data::find_dataset(source.substr(0, colon)) != nullptr || !fs::exists(source, error);
}

Result<data::Manifest> load_data(const std::string& source, const DataOptions& options) {
  if (!is_published(source)) return load_csv(source, options);
  const std::size_t colon = source.find(':');
  return load_published(source.substr(0, colon), source.substr(colon + 1), options);
}

}  // namespace mien::cli
