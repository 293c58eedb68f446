#include "cli/datasets.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "cli/help.h"
#include "data/source.h"
#include "data/views.h"

namespace mien::cli {
namespace {

using Given = std::vector<std::pair<const char*, bool>>;

Status refuse(const Given& options, std::string_view source, std::string_view expected) {
  for (const auto& [name, given] : options) {
    if (!given) continue;
    return invalid_argument(
        fmt::format("{}: does not apply to {} (expected {})", name, source, expected));
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

// "2/5" as the part 1 (from 0) of 5.
bool parse_part(std::string_view text, DatasetFlags& options) {
  const char* const end = text.data() + text.size();
  int part = 0, parts = 0;
  const auto [slash, error] = std::from_chars(text.data(), end, part);
  if (error != std::errc() || slash == end || *slash != '/') return false;
  const auto [rest, more] = std::from_chars(slash + 1, end, parts);
  if (more != std::errc() || rest != end || parts < 2 || parts > 1000) return false;
  if (part < 1 || part > parts) return false;
  options.folds = parts;
  options.fold = part - 1;
  return true;
}

}  // namespace

void add_data_options(CLI::App& verb, DatasetFlags& options) {
  begin_group(verb, "Data");
  verb.add_option("--split", options.split, "Take only this split: train, val, test, ...");
  verb.add_option(
          "--unit", options.unit,
          "What one sample of a CSV is: a frame, a sequence (its rows form a clip), or auto")
      ->check(CLI::IsMember({"auto", "frame", "sequence"}));
  verb.add_option("--captions", options.captions, "CSV with captions by path or sequence")
      ->type_name("FILE");
  begin_group(verb, "Published data sets (NAME:FOLDER)");
  verb.add_option("--fold", options.fold, "Published fold to take, from 1 (default: 1)")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--variant", options.variant,
                  "Variant of the data set, such as single or compound");
  verb.add_option("--label-order", options.label_order,
                  "Order of the classes: native (default), emoclip or peers");
  verb.add_option("--caption-lists", options.caption_lists,
                  "Use the lists with or without captions (default: auto)")
      ->check(CLI::IsMember({"auto", "with", "without"}));
  verb.add_option("--pictures", options.pictures,
                  "Folder of the pictures inside FOLDER, if it is not named as published");
}

void add_part_option(CLI::App& verb, DatasetFlags& options, const Context& context) {
  begin_group(verb, "Data");
  CLI::Option* part =
      verb.add_option_function<std::string>(
              "--part",
              [&options](const std::string& text) {
                if (parse_part(text, options)) return;
                throw CLI::ValidationError(
                    "--part",
                    fmt::format("invalid part '{}' (expected K/N with K from 1 to N, such "
                                "as 1/5)",
                                text));
              },
              "Take only part K of N, divided by subject: what training with data.folds N and "
              "data.fold K-1 held out")
          ->type_name("K/N")
          ->excludes(verb.get_option("--fold"));
  begin_group(verb, kOldSpellings);
  verb.add_option_function<int>("--folds",
                                [&options, &context](int folds) {
                                  options.folds = folds;
                                  context.renamed("--folds N --fold K",
                                                  "--part K/N, where K counts from 1");
                                })
      ->check(CLI::Range(2, 1000))
      ->excludes(part);
}

bool is_published(const std::string& source) { return data::names_dataset(source); }

Result<data::Manifest> load_data(const std::string& source, const DatasetFlags& options) {
  MIEN_RETURN_IF_ERROR(refuse_others(source, options));
  MIEN_ASSIGN_OR_RETURN(data::SourceOptions reading, source_options(options));
  if (options.folds == 0) return data::load_source(source, reading);
  // The whole manifest decides which subjects are in which part, as in training.
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
