#include "cli/datasets.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "data/source.h"
#include "data/views.h"

namespace mien::cli {
namespace {

using Given = std::vector<std::pair<const char*, bool>>;

Status refuse(const Given& options, std::string_view source, std::string_view expected) {
  for (const auto& [name, given] : options) {
    if (!given) continue;
    return invalid_argument(
        fmt::format("{}: does not go with {} (expected {})", name, source, expected));
  }
  return {};
}

Status refuse_others(const std::string& source, const DatasetFlags& options) {
  if (is_published(source)) {
    return refuse({{"--unit", !options.unit.empty()}}, source, "a CSV manifest");
  }
  return refuse({{"--fold", options.fold != 0 && options.folds == 0},
                 {"--variant", !options.variant.empty()},
                 {"--label-order", !options.label_order.empty()},
                 {"--caption-lists", !options.caption_lists.empty()},
                 {"--pictures", !options.pictures.empty()},
                 {"--allow-missing", options.allow_missing}},
                source, "NAME:FOLDER of a published data set");
}

Result<data::SourceOptions> source_options(const DatasetFlags& options) {
  data::SourceOptions out;
  out.manifest.split = out.dataset.split = options.split;
  out.manifest.keep_unlabelled = out.dataset.keep_unlabelled = options.keep_unlabelled;
  MIEN_ASSIGN_OR_RETURN(out.manifest.unit, data::parse_unit(options.unit));
  out.manifest.captions = options.captions;
  out.manifest.targets = options.targets;
  out.dataset.fold = options.fold == 0 || options.folds > 0 ? 1 : options.fold;
  out.dataset.variant = options.variant;
  out.dataset.pictures = options.pictures;
  out.dataset.allow_missing = options.allow_missing;
  if (!options.label_order.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.dataset.order, data::parse_label_order(options.label_order));
  }
  if (!options.caption_lists.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.dataset.captions, data::parse_caption_use(options.caption_lists));
  }
  return out;
}

}  // namespace

void add_data_options(CLI::App& verb, DatasetFlags& options) {
  verb.add_option("--split", options.split, "Only this split: train, val, test, ...");
  verb.add_option("--unit", options.unit,
                  "CSV: what a sample is: frame, sequence (rows of one sequence are a clip), auto")
      ->check(CLI::IsMember({"auto", "frame", "sequence"}));
  verb.add_option("--captions", options.captions, "Captions by path or sequence, in a CSV");
  verb.add_option("--fold", options.fold,
                  "NAME:FOLDER: the published fold (default 1); with --folds: the part, from 0")
      ->check(CLI::Range(0, 1000));
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

void add_fold_options(CLI::App& verb, DatasetFlags& options) {
  verb.add_option("--folds", options.folds,
                  "Only one of so many parts by subject: --fold, from 0, as data.folds and "
                  "data.fold of a recipe")
      ->check(CLI::Range(2, 1000));
}

bool is_published(const std::string& source) { return data::names_dataset(source); }

Result<data::Manifest> load_data(const std::string& source, const DatasetFlags& options) {
  MIEN_RETURN_IF_ERROR(refuse_others(source, options));
  MIEN_ASSIGN_OR_RETURN(data::SourceOptions reading, source_options(options));
  if (options.folds == 0) return data::load_source(source, reading);
  // The parts of a split are told by the whole manifest, as in training.
  reading.manifest.split.clear();
  MIEN_ASSIGN_OR_RETURN(data::Manifest whole, data::load_source(source, reading));
  const data::View all = data::all_of(whole);
  const data::View view = options.split.empty() ? all : data::of_split(whole, all, options.split);
  MIEN_ASSIGN_OR_RETURN(const data::TwoViews parts,
                        data::subject_part(whole, view, options.folds, options.fold));
  return data::only(std::move(whole), parts.test);
}

std::vector<std::string> shared_subjects(const std::string& source, const DatasetFlags& options) {
  DatasetFlags whole = options;
  whole.split.clear();
  whole.folds = whole.fold = 0;
  if (options.split.empty() || is_published(source)) return {};
  const auto manifest = load_data(source, whole);
  if (!manifest.ok()) return {};
  std::set<std::string> here, elsewhere;
  for (const data::Sample& sample : manifest->samples) {
    if (!sample.subject.empty()) {
      (sample.split == options.split ? here : elsewhere).insert(sample.subject);
    }
  }
  std::vector<std::string> out;
  std::set_intersection(here.begin(), here.end(), elsewhere.begin(), elsewhere.end(),
                        std::back_inserter(out));
  return out;
}

}  // namespace mien::cli
