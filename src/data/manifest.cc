#include "mien/data/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "core/file.h"
#include "data/manifest_rows.h"
#include "data/video_store.h"

namespace mien::data {
namespace {

namespace fs = std::filesystem;
using Unit = ManifestOptions::Unit;

// The classes of the manifest: the given ones, or those that occur.
Result<std::vector<std::string>> class_names(const std::vector<Row>& rows,
                                             const ManifestOptions& options,
                                             std::string_view subject) {
  std::set<std::string> seen;
  for (const Row& row : rows) {
    for (const std::string& part : row.label_parts) {
      seen.insert(part);
      if (!options.classes.empty() && std::find(options.classes.begin(), options.classes.end(),
                                                part) == options.classes.end()) {
        return corrupt(fmt::format("{}:{}: label '{}' (expected one of {})", subject, row.line,
                                   part, fmt::join(options.classes, ", ")));
      }
    }
  }
  if (!options.classes.empty()) return options.classes;
  return std::vector<std::string>(seen.begin(), seen.end());
}

Sample make_sample(std::vector<const Row*> rows, const std::vector<std::string>& classes,
                   bool sequence) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row* a, const Row* b) { return a->frame < b->frame; });
  const Row& first = *rows.front();
  Sample out{.id = sequence ? first.sequence : first.path};
  for (const Row* row : rows) out.frames.push_back(row->path);
  for (const std::string& part : first.label_parts) {
    out.labels.push_back(
        static_cast<int>(std::find(classes.begin(), classes.end(), part) - classes.begin()));
  }
  out.soft = soft_labels(first, classes);
  out.targets = first.targets;
  out.caption = first.caption;
  out.subject = first.subject;
  out.split = first.split;
  out.extra = first.extra;
  if (!first.sequence.empty() && !sequence) out.extra.emplace("sequence", first.sequence);
  return out;
}

Result<std::vector<Sample>> group(const std::vector<Row>& rows,
                                  const std::vector<std::string>& classes,
                                  const ManifestOptions& options, std::string_view subject) {
  std::map<std::pair<std::string, std::string>, std::vector<const Row*>> sequences;
  for (const Row& row : rows) {
    if (!row.sequence.empty()) sequences[{row.split, row.sequence}].push_back(&row);
  }
  std::set<const Row*> taken;
  std::vector<Sample> out;
  for (const Row& row : rows) {
    if (options.unit == Unit::kFrame || row.sequence.empty()) {
      out.push_back(make_sample({&row}, classes, false));
      continue;
    }
    const auto& members = sequences[{row.split, row.sequence}];
    const auto other = std::find_if(members.begin(), members.end(), [&](const Row* member) {
      return member->label_parts != members.front()->label_parts;
    });
    if (other != members.end()) {
      if (options.unit == Unit::kSequence) {
        return corrupt(fmt::format("{}:{}: label differs within sequence '{}'", subject,
                                   (*other)->line, row.sequence));
      }
      out.push_back(make_sample({&row}, classes, false));
    } else if (taken.insert(members.front()).second) {
      out.push_back(make_sample(members, classes, true));
    }
  }
  return out;
}

// A path may name a folder: its files are the frames of a clip, sorted as plain strings.
Status open_folders(Manifest& manifest) {
  for (Sample& sample : manifest.samples) {
    if (sample.frames.size() != 1 || manifest.store->contains(sample.frames.front())) continue;
    std::string folder = sample.frames.front();
    while (folder.ends_with('/')) folder.pop_back();
    MIEN_ASSIGN_OR_RETURN(auto files, manifest.store->list(folder));
    if (!files.empty()) sample.frames = std::move(files);
  }
  return {};
}

// A path may name a video: its frames are those of a clip.
void open_videos(Manifest& manifest, const Limits& limits) {
  std::shared_ptr<const VideoStore> videos;
  for (Sample& sample : manifest.samples) {
    const std::string name = sample.frames.front();
    if (sample.frames.size() != 1 || !video::has_video_extension(name)) continue;
    if (!manifest.store->contains(name)) continue;  // reported when it is read, as for pictures
    if (!videos) videos = std::make_shared<VideoStore>(manifest.store, limits);
    const auto frames = videos->frames(name);
    // A broken video is also reported when it is read.
    if (frames.ok() && !frames->empty()) sample.frames = *frames;
  }
  if (videos) manifest.store = videos;
}

}  // namespace

Result<std::shared_ptr<const Store>> open_store_beside(const fs::path& csv, const Limits& limits) {
  fs::path tar = csv;
  tar.replace_extension(".tar");
  std::error_code error;
  if (fs::is_regular_file(tar, error)) return Store::open(tar, limits);
  return Store::open(csv.has_parent_path() ? csv.parent_path() : fs::path("."), limits);
}

std::string cell_of(const Sample& sample, std::string_view column) {
  if (column == "subject") return sample.subject;
  if (column == "split") return sample.split;
  if (column == "caption") return sample.caption;
  const auto it = sample.extra.find(std::string(column));
  if (it != sample.extra.end()) return it->second;
  // A clip has the name of its sequence.
  return column == "sequence" && sample.frames.size() > 1 ? sample.id : std::string();
}

Result<Manifest> load_manifest(const fs::path& csv, const ManifestOptions& options) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
  const std::string subject = csv.string();
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(csv, kMaxBytes));
  MIEN_ASSIGN_OR_RETURN(std::vector<Row> rows, read_rows(text, subject, options));
  if (!options.captions.empty()) MIEN_RETURN_IF_ERROR(add_captions(rows, options));
  if (rows.empty()) {
    return invalid_argument(options.split.empty() ? fmt::format("{}: has no row", subject)
                                                  : fmt::format("{}: has no row of split '{}'",
                                                                subject, options.split));
  }
  Manifest out{.name = csv.stem().string()};
  MIEN_ASSIGN_OR_RETURN(out.classes, class_names(rows, options, subject));
  MIEN_ASSIGN_OR_RETURN(out.samples, group(rows, out.classes, options, subject));
  out.target_names = options.targets;
  const bool regression = !options.targets.empty();
  if (regression || !options.keep_unlabelled) {
    out.unlabelled =
        static_cast<std::int64_t>(std::erase_if(out.samples, [&](const Sample& sample) {
          return regression ? sample.targets.empty() : sample.labels.empty();
        }));
  }
  if (out.samples.empty()) {
    return invalid_argument(fmt::format("{}: no row has {} (expected at least one)", subject,
                                        regression ? "all targets" : "a label"));
  }
  MIEN_ASSIGN_OR_RETURN(out.store, open_store_beside(csv, options.limits));
  MIEN_RETURN_IF_ERROR(open_folders(out));
  open_videos(out, options.limits);
  return out;
}

}  // namespace mien::data
