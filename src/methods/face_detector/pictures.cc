#include "methods/face_detector/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/file.h"
#include "core/tar.h"
#include "data/views.h"
#include "image/resize.h"
#include "mien/data/manifest.h"
#include "mien/image/decode.h"

namespace mien::methods {
namespace {

constexpr int kMostFolders = 8;  // inside each other: a link may lead back up

Status list_below(const data::Store& store, const std::string& folder, int depth,
                  std::vector<std::string>& out) {
  if (depth > kMostFolders) return {};
  MIEN_ASSIGN_OR_RETURN(const auto files, store.list(folder));
  out.insert(out.end(), files.begin(), files.end());
  MIEN_ASSIGN_OR_RETURN(const auto folders, store.list_folders(folder));
  for (const std::string& inner : folders) {
    MIEN_RETURN_IF_ERROR(list_below(store, inner, depth + 1, out));
  }
  return {};
}

// A store lists what is below a folder; the top of a tar has no name.
Result<std::vector<std::string>> names_in(const std::filesystem::path& path,
                                          const data::Store& store) {
  std::vector<std::string> out;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    MIEN_RETURN_IF_ERROR(list_below(store, ".", 0, out));
  } else {
    MIEN_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path));
    MIEN_ASSIGN_OR_RETURN(const auto entries, parse_tar(file->bytes(), path.string()));
    for (const TarEntry& entry : entries) {
      const bool dotted = entry.name.starts_with("./");
      out.push_back(dotted ? entry.name.substr(2) : entry.name);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t hash_of(std::string_view text) {  // FNV-1a
  std::uint64_t out = 14695981039346656037ULL;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return out ^ (out >> 29);
}

}  // namespace

Result<image::Image> StoredPicture::read() const {
  MIEN_ASSIGN_OR_RETURN(const auto bytes, store->read(name));
  auto picture = image::decode(bytes);
  if (!picture.ok()) return picture.status().with_prefix(name);
  return picture;
}

Result<std::vector<StoredPicture>> list_pictures(const std::filesystem::path& path, bool alone) {
  MIEN_ASSIGN_OR_RETURN(const auto store, data::Store::open(path));
  MIEN_ASSIGN_OR_RETURN(const auto names, names_in(path, *store));
  std::vector<StoredPicture> out;
  for (const std::string& name : names) {
    if (!image::has_image_extension(name)) continue;
    const std::size_t slash = name.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : name.substr(0, slash);
    out.push_back({.store = store, .name = name, .group = alone ? name : folder});
  }
  if (out.empty()) return invalid_argument(path.string() + ": has no pictures");
  return out;
}

Result<std::vector<StoredPicture>> list_crops(const std::filesystem::path& csv, int limit) {
  MIEN_ASSIGN_OR_RETURN(const data::Manifest manifest,
                        data::load_manifest(csv, {.unit = data::ManifestOptions::Unit::kFrame,
                                                  .keep_unlabelled = true}));
  data::View view = data::of_split(manifest, data::all_of(manifest), "train");
  if (view.empty()) view = data::all_of(manifest);
  const std::size_t count =
      limit > 0 ? std::min(view.size(), static_cast<std::size_t>(limit)) : view.size();
  std::vector<StoredPicture> out;
  for (std::size_t i = 0; i < count; ++i) {
    const data::Sample& sample =
        manifest.samples[static_cast<std::size_t>(view[i * view.size() / count])];
    if (sample.frames.empty()) continue;
    StoredPicture picture{
        .store = manifest.store, .name = sample.frames.front(), .group = sample.subject};
    if (picture.group.empty()) picture.group = data::cell_of(sample, "sequence");
    if (picture.group.empty()) picture.group = sample.id;
    out.push_back(std::move(picture));
  }
  return out;
}

bool validates(const StoredPicture& picture, int part) {
  return hash_of(picture.group) % static_cast<std::uint64_t>(part) == 0;
}

image::Image at_most(image::Image picture, int side) {
  const int longer = std::max(picture.width(), picture.height());
  if (longer <= side) return picture;
  const auto scaled = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(length) * side / longer)));
  };
  return image::resize_u8(picture, scaled(picture.width()), scaled(picture.height()),
                          image::Filter::kBilinear);
}

}  // namespace mien::methods
