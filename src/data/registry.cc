#include "data/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/readers.h"
#include "data/store.h"
#include "mien/text/prompts.h"

namespace mien::data {
namespace {

struct Entry {
  DatasetInfo info;
  Result<Manifest> (*read)(const DatasetFiles& files, const DatasetOptions& options);
};

const std::vector<Entry>& table() {
  static const std::vector<Entry> entries = {
      {{"dfew", "DFEW", {"train", "test"}, {}, 5}, read_dfew},
      {{"ferv39k", "FERV39k", {"train", "test"}, {}, 0}, read_ferv39k},
      {{"mafw", "MAFW", {"train", "test", "val"}, {"single", "compound", "hesp"}, 5}, read_mafw},
      {{"afew", "AFEW", {"train", "val"}, {}, 0}, read_afew},
      {{"fer2013", "FER2013", {"train", "val", "test"}, {}, 0}, read_fer2013},
      {{"ferplus", "FER+", {"train", "val", "test"}, {"majority", "plurality"}, 0}, read_ferplus},
      {{"ckplus", "CK+", {}, {"sequence", "apex", "apex-neutral"}, 0}, read_ckplus},
      {{"rafdb", "RAF-DB", {"train", "test"}, {}, 0}, read_rafdb},
      {{"affectnet", "AffectNet", {"train", "val"}, {"8", "7"}, 0}, read_affectnet},
  };
  return entries;
}

const Entry* find_entry(std::string_view name) {
  const auto it = std::find_if(table().begin(), table().end(),
                               [&](const Entry& entry) { return entry.info.name == name; });
  return it == table().end() ? nullptr : &*it;
}

Status check_choice(const DatasetInfo& info, std::string_view what, std::string_view value,
                    const std::vector<std::string_view>& choices) {
  if (value.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
  if (choices.empty()) {
    return invalid_argument(fmt::format("{}: has no {}s (got '{}')", info.name, what, value));
  }
  return invalid_argument(fmt::format("{}: has no {} '{}' (expected {})", info.name, what, value,
                                      fmt::join(choices, ", ")));
}

Status check_options(const DatasetInfo& info, const DatasetOptions& options) {
  MIEN_RETURN_IF_ERROR(check_choice(info, "split", options.split, info.splits));
  MIEN_RETURN_IF_ERROR(check_choice(info, "variant", options.variant, info.variants));
  if (options.fold >= 1 && options.fold <= std::max(info.folds, 1)) return {};
  if (info.folds == 0) {
    return invalid_argument(fmt::format("{}: has no folds (got {})", info.name, options.fold));
  }
  return invalid_argument(
      fmt::format("{}: has no fold {} (expected 1..{})", info.name, options.fold, info.folds));
}

std::vector<std::string> ordered(const std::vector<std::string>& classes, LabelOrder order) {
  if (order == LabelOrder::kNative || (order == LabelOrder::kEmoClip && classes.size() > 8)) {
    return classes;  // MAFW's own order is EmoCLIP's
  }
  std::vector<std::string> out = clip_classes();
  for (const std::string_view more : {"contempt", "anxiety", "helplessness", "disappointment"}) {
    out.emplace_back(more);
  }
  std::erase_if(out, [&](const std::string& name) {
    return std::find(classes.begin(), classes.end(), name) == classes.end();
  });
  return out;
}

void reorder(Manifest& manifest, LabelOrder order) {
  const std::vector<std::string> wanted = ordered(manifest.classes, order);
  if (wanted == manifest.classes) return;
  std::vector<std::size_t> position;
  for (const std::string& name : manifest.classes) {
    position.push_back(
        static_cast<std::size_t>(std::find(wanted.begin(), wanted.end(), name) - wanted.begin()));
  }
  for (Sample& sample : manifest.samples) {
    for (int& label : sample.labels) {
      label = static_cast<int>(position[static_cast<std::size_t>(label)]);
    }
    const std::vector<float> soft = sample.soft;
    for (std::size_t c = 0; c < soft.size(); ++c) sample.soft[position[c]] = soft[c];
  }
  manifest.classes = wanted;
}

}  // namespace

std::vector<std::string_view> dataset_names() {
  std::vector<std::string_view> out;
  for (const Entry& entry : table()) out.push_back(entry.info.name);
  return out;
}

const DatasetInfo* find_dataset(std::string_view name) {
  const Entry* entry = find_entry(name);
  return entry == nullptr ? nullptr : &entry->info;
}

Result<Manifest> load_dataset(std::string_view name, const std::filesystem::path& dir,
                              const DatasetOptions& options) {
  const Entry* entry = find_entry(name);
  if (entry == nullptr) {
    return invalid_argument(fmt::format("data set '{}': unknown (expected {})", name,
                                        fmt::join(dataset_names(), ", ")));
  }
  MIEN_RETURN_IF_ERROR(check_options(entry->info, options));
  DatasetOptions filled = options;
  if (filled.variant.empty() && !entry->info.variants.empty()) {
    filled.variant = entry->info.variants.front();
  }
  std::error_code error;
  const bool one_file = name == "fer2013" || name == "ferplus";
  if (!one_file && dir.extension() != ".tar" && std::filesystem::is_regular_file(dir, error)) {
    return invalid_argument(
        fmt::format("{}: is a file (expected the folder of {})", dir.generic_string(), name));
  }
  MIEN_ASSIGN_OR_RETURN(const DatasetFiles files, DatasetFiles::open(dir, options.limits));
  MIEN_ASSIGN_OR_RETURN(Manifest out, entry->read(files, filled));
  if (!options.keep_unlabelled) {
    out.unlabelled += static_cast<std::int64_t>(
        std::erase_if(out.samples, [](const Sample& sample) { return sample.labels.empty(); }));
  }
  if (out.samples.empty() && out.missing.empty()) {
    return invalid_argument(fmt::format(
        "{}: no sample with a label{}", dir.generic_string(),
        options.split.empty() ? std::string() : fmt::format(" in split '{}'", options.split)));
  }
  reorder(out, options.order);
  if (!out.store) out.store = files.store();
  return out;
}

Result<LabelOrder> parse_label_order(std::string_view text) {
  if (text == "native") return LabelOrder::kNative;
  if (text == "emoclip") return LabelOrder::kEmoClip;
  if (text == "peers") return LabelOrder::kPeers;
  return invalid_argument(
      fmt::format("label order '{}' (expected native, emoclip or peers)", text));
}

Result<CaptionUse> parse_caption_use(std::string_view text) {
  if (text == "auto") return CaptionUse::kAuto;
  if (text == "with") return CaptionUse::kWith;
  if (text == "without") return CaptionUse::kWithout;
  return invalid_argument(fmt::format("captions '{}' (expected auto, with or without)", text));
}

}  // namespace mien::data
