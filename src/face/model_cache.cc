#include "face/model_cache.h"

#include <future>
#include <map>
#include <mutex>

#include "core/file.h"

namespace mien::face {
namespace {

class Loading final : public PendingModel {
 public:
  explicit Loading(const std::filesystem::path& path)
      : model_(std::async(std::launch::async | std::launch::deferred,
                          [path] { return LandmarkModel::load(path); })) {}
  Result<std::shared_ptr<const LandmarkModel>> get() const override { return model_.get(); }

 private:
  std::shared_future<Result<std::shared_ptr<const LandmarkModel>>> model_;
};

/// The only shared state of this room: the models in use, so that each worker need not read 100 MB.
/// It owns nothing.
struct Registry {
  std::mutex mutex;
  std::map<std::filesystem::path, std::weak_ptr<const PendingModel>> models;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

Result<std::shared_ptr<const PendingModel>> start_loading(const std::filesystem::path& path) {
  MIEN_RETURN_IF_ERROR(MappedFile::open(path).status());
  std::error_code error;
  std::filesystem::path key = std::filesystem::canonical(path, error);
  if (error) key = path;
  const std::scoped_lock lock(registry().mutex);
  std::weak_ptr<const PendingModel>& entry = registry().models[key];
  if (auto alive = entry.lock()) return alive;
  std::shared_ptr<const PendingModel> started = std::make_shared<Loading>(path);
  entry = started;
  return started;
}

}  // namespace mien::face
