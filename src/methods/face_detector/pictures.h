#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/store.h"
#include "mien/image/image.h"

namespace mien::methods {

/// A picture of a folder or a tar.
struct StoredPicture {
  std::shared_ptr<const data::Store> store;
  std::string name;
  std::string group;  ///< pictures of one person or scene; all train, or all validate

  /// Errors: those of Store::read and decode, naming the picture.
  Result<image::Image> read() const;
};

/// Every picture below a folder or in a tar, in the order of their names. A group is the folder
/// that holds them, or (`alone`) each picture. Errors: those of Store; kInvalidArgument when there
/// is none.
Result<std::vector<StoredPicture>> list_pictures(const std::filesystem::path& path, bool alone);

/// The first picture of every sample of a manifest, at most `limit` of them spread evenly (0: all);
/// rows of the split "train" where there is such a split. A group is a subject, else a sequence,
/// else each picture. Errors: those of load_manifest.
Result<std::vector<StoredPicture>> list_crops(const std::filesystem::path& csv, int limit);

/// Whether a group is the one in so many that validates: the same in every run.
bool validates(const StoredPicture& picture, int part);

/// `picture`, made smaller if its longer side is more than `side`.
image::Image at_most(image::Image picture, int side);

}  // namespace mien::methods
