#pragma once

#include <filesystem>
#include <memory>

#include "face/landmarks.h"
#include "mien/core/status.h"

namespace mien::face {

/// A landmark model that is read in the background. All users of one path share one model. Threads:
/// safe from several threads.
class PendingModel {
 public:
  virtual ~PendingModel() = default;
  /// Waits until the model is loaded. Errors: as LandmarkModel::load.
  virtual Result<std::shared_ptr<const LandmarkModel>> get() const = 0;
};

/// Starts reading and returns at once. Errors: kNotFound, kIo when the file cannot be opened.
Result<std::shared_ptr<const PendingModel>> start_loading(const std::filesystem::path& path);

}  // namespace mien::face
