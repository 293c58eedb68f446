#pragma once

// Options that name labelled data, and loading it as a manifest.

#include <string>
#include <vector>

#include "cli/cli.h"
#include "mien/data/manifest.h"

namespace mien::cli {

/// Empty and 0: the default of the data set or manifest.
struct DatasetFlags {
  std::string split;
  std::string unit;
  std::string captions;
  int folds = 0;  ///< parts by subject; 0: not divided
  int fold =
      0;  ///< with `folds` the part, from 0 as in a recipe; otherwise a published fold from 1
  std::string variant;
  std::string label_order;
  std::string caption_lists;
  std::string pictures;
  bool allow_missing = false;
  bool keep_unlabelled = false;
  std::vector<std::string> targets = {};
};
void add_data_options(CLI::App& verb, DatasetFlags& options);
/// --part K/N, and --folds N --fold K (from 0), which it replaced. Call it after add_data_options.
void add_part_option(CLI::App& verb, DatasetFlags& options, const Context& context);

/// Help text of a data source.
inline constexpr const char* kDataHelp =
    "Labelled data: a manifest (CSV with path,label,...; its pictures are beside it, or in a tar "
    "of "
    "the same name), or NAME:FOLDER for a published data set, such as dfew:/data/DFEW "
    "(docs/reference/data.md)";

/// data::names_dataset.
bool is_published(const std::string& source);
/// `source`: a CSV, or NAME:FOLDER with a name of data::dataset_names().
/// Errors: those of data::load_source and subject_part; kInvalidArgument for an option that the
/// source does not support.
Result<data::Manifest> load_data(const std::string& source, const DatasetFlags& options);
/// Subjects of the chosen split that other splits of the manifest contain too: figures on them
/// flatter a model that trained there. Empty without a split, for published data sets, and if the
/// manifest cannot be read.
std::vector<std::string> shared_subjects(const std::string& source, const DatasetFlags& options);

}  // namespace mien::cli
