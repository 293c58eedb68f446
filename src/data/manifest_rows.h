#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mien/data/manifest.h"

namespace mien::data {

/// One line of a manifest, split into its cells.
struct Row {
  std::int64_t line = 0;
  std::string path = {};
  std::vector<std::string> label_parts = {};  // several: compound
  std::string subject = {};
  std::string sequence = {};
  std::string split = {};
  std::string caption = {};
  double frame = 0;
  std::vector<double> targets = {};
  std::map<std::string, std::string> extra = {};
};

/// The rows of options.split. Errors: as load_manifest.
Result<std::vector<Row>> read_rows(std::string_view text, std::string_view subject,
                                   const ManifestOptions& options);

/// The captions of a CSV, by path or by sequence.
struct CaptionTable {
  bool by_path = false;
  std::map<std::string, std::string> captions = {};
};
/// Errors: those of the file; kCorrupt without a `caption` and a `path` or `sequence` column.
Result<CaptionTable> read_captions(const std::filesystem::path& csv, const Limits& limits);

/// Fills the captions from options.captions. Errors: those of read_captions.
Status add_captions(std::vector<Row>& rows, const ManifestOptions& options);

/// FER+ votes (columns fp_*) over `classes`: votes for "unknown" and "no face" are dropped, the
/// rest sums to 1. Empty without votes for one of the classes.
std::vector<float> soft_labels(const Row& row, const std::vector<std::string>& classes);

}  // namespace mien::data
