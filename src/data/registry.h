#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/data/manifest.h"

namespace mien::data {

/// Which number a class gets. Names never change, so figures by name agree under every order.
enum class LabelOrder {
  kNative,   ///< the data set's own
  kEmoClip,  ///< EmoCLIP's: anger first for 11 classes, else happiness first
  kPeers,    ///< DFER-CLIP's and Exp-CLIP's: happiness, sadness, neutral, anger, surprise, ...
};

enum class CaptionUse {
  kAuto,     ///< as the data set's users do: MAFW trains with captions and tests without
  kWith,     ///< the lists with captions
  kWithout,  ///< the lists without
};

struct DatasetOptions {
  std::string split = {};    ///< one of DatasetInfo::splits; empty: all
  int fold = 1;              ///< 1..DatasetInfo::folds
  std::string variant = {};  ///< one of DatasetInfo::variants; empty: the first
  LabelOrder order = LabelOrder::kNative;
  CaptionUse captions = CaptionUse::kAuto;
  std::string pictures = {};     ///< folder of the pictures inside the data set; empty: the usual
  bool allow_missing = false;    ///< samples without pictures are told in Manifest::missing
  bool keep_unlabelled = false;  ///< else they are counted in Manifest::unlabelled
  Limits limits = {};
};

/// What the table knows of a data set.
struct DatasetInfo {
  std::string_view name;  ///< "dfew"
  std::string_view title;
  std::vector<std::string_view> splits;    ///< empty: it has none
  std::vector<std::string_view> variants;  ///< the first is the default; empty: there is one form
  int folds = 0;                           ///< 0: it has none
};

/// Names in the order of the table.
std::vector<std::string_view> dataset_names();
/// nullptr when unknown.
const DatasetInfo* find_dataset(std::string_view name);

/// Reads the annotation of data set `name` as it was published; `dir` is its folder (FER2013 and
/// FER+: or the CSV itself). docs/reference/data.md tells the layout of each.
/// Errors: kInvalidArgument for an unknown name, split, variant or fold; kNotFound without an
/// annotation file; kCorrupt naming file and line for a missing column, a label out of range, a
/// sample without pictures; kIo.
Result<Manifest> load_dataset(std::string_view name, const std::filesystem::path& dir,
                              const DatasetOptions& options = {});

/// "native", "emoclip", "peers". Errors: kInvalidArgument.
Result<LabelOrder> parse_label_order(std::string_view text);
/// "auto", "with", "without". Errors: kInvalidArgument.
Result<CaptionUse> parse_caption_use(std::string_view text);

}  // namespace mien::data
