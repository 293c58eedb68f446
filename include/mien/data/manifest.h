#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::data {

class Store;

/// One picture or clip of a data set.
struct Sample {
  std::string id;                        ///< unique: the path, or the name of the sequence
  std::vector<std::string> frames = {};  ///< names in the store, in time order; one for a picture
  std::vector<int> labels = {};      ///< indices in Manifest::classes; none: unlabelled; several:
                                     ///< compound
  std::vector<float> soft = {};      ///< votes as a distribution over the classes, or empty
  std::vector<double> targets = {};  ///< regression targets, or empty
  std::string caption = {};
  std::string subject = {};
  std::string split = {};
  std::map<std::string, std::string> extra = {};  ///< all other columns
};

/// The value of a sample in a column of its manifest (subject, split, sequence, caption, or any
/// other that is kept); empty when it has none.
std::string cell_of(const Sample& sample, std::string_view column);

/// A data set: its samples, and where their pictures are.
struct Manifest {
  std::string name;
  std::vector<std::string> classes = {};
  std::vector<std::string> target_names = {};
  std::vector<Sample> samples = {};
  std::shared_ptr<const Store> store = {};
  std::int64_t unlabelled = 0;  ///< samples left out because they lack a label, or targets
  std::vector<std::string> missing = {};  ///< samples left out because their pictures are missing
  std::vector<std::string> notes = {};    ///< decisions of the reader, for people
};

/// How a manifest is read.
struct ManifestOptions {
  /// What one sample is.
  enum class Unit {
    kAuto,      ///< a sequence if its rows agree on the label, otherwise each row
    kFrame,     ///< every row is a picture
    kSequence,  ///< rows of one sequence are a clip and must agree on the label
  };
  /// The classes in order; empty: those that occur, sorted. Compound labels are `a+b`.
  std::vector<std::string> classes = {};
  std::string split = {};  ///< only rows of this split; empty: all
  Unit unit = Unit::kAuto;
  bool keep_unlabelled = false;
  /// Columns that are regression targets. Rows that lack one are left out and counted, and no
  /// labels are needed.
  std::vector<std::string> targets = {};
  /// A CSV with `path` or `sequence` and `caption` (or `caption_en`); empty: the `caption` column.
  std::filesystem::path captions = {};
  Limits limits = {};
};

/// The pictures of a manifest: the tar with the same base name, or the folder that holds it.
/// Errors: those of Store::open.
Result<std::shared_ptr<const Store>> open_store_beside(const std::filesystem::path& csv,
                                                       const Limits& limits = {});

/// Reads a manifest: a CSV with at least `path` and `label`, and any of subject, sequence, split,
/// frame, caption, fp_* (votes) and more. Its pictures are beside it: in the tar of the same base
/// name, or in the folder that holds it. A path is a picture or a clip: a folder whose files are
/// its frames, or a video file. Errors: those of parse_csv and Store::open; kCorrupt naming file
/// and line for a missing column, an empty path, a label outside `classes`, a frame or target that
/// is not a number; kInvalidArgument when no sample is left, or a split does not occur.
Result<Manifest> load_manifest(const std::filesystem::path& csv,
                               const ManifestOptions& options = {});

}  // namespace mien::data
