#pragma once

// `--data` and its like: from what the user names to a manifest.

#include <string>
#include <vector>

#include "cli/cli.h"
#include "mien/data/manifest.h"

namespace mien::cli {

/// Empty and 0: as the data set or the manifest has it.
struct DatasetFlags {
  std::string split;
  std::string unit;
  std::string captions;
  int folds = 0;
  int fold = 0;
  std::string variant;
  std::string label_order;
  std::string caption_lists;
  std::string pictures;
  bool allow_missing = false;
  bool keep_unlabelled = false;
  std::vector<std::string> targets = {};
};
void add_data_options(CLI::App& verb, DatasetFlags& options);
void add_fold_options(CLI::App& verb, DatasetFlags& options);

/// How help texts call a source.
inline constexpr const char* kDataHelp =
    "A manifest (CSV with path,label,...; its pictures lie beside it, or in the tar of the same "
    "name), or NAME:FOLDER for a published data set, such as dfew:/data/DFEW "
    "(docs/reference/data.md)";

/// data::names_dataset.
bool is_published(const std::string& source);
/// `source`: a CSV, or NAME:FOLDER with a name of data::dataset_names().
/// Errors: those of data::load_source and subject_part; kInvalidArgument for an option that does
/// not go with the source.
Result<data::Manifest> load_data(const std::string& source, const DatasetFlags& options);
/// The subjects of the chosen split of a manifest that its other splits have too: figures about
/// them flatter a model that trained there. Empty without a split, for published data sets, and
/// when the manifest cannot be read.
std::vector<std::string> shared_subjects(const std::string& source, const DatasetFlags& options);

}  // namespace mien::cli
