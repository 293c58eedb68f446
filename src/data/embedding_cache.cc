#include "data/embedding_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "checkpoint/safetensors.h"
#include "core/sha256.h"

namespace mien::data {
namespace {

constexpr const char* kTensor = "embeddings";

bool fits(const checkpoint::Checkpoint& file, const std::string& key, const Shape& shape) {
  const TensorView* view = file.find(kTensor);
  const auto found = file.metadata().find("key");
  return view != nullptr && view->dtype() == DType::kF32 && view->shape() == shape &&
         found != file.metadata().end() && found->second == key;
}

}  // namespace

Result<std::shared_ptr<const EmbeddingCache>> EmbeddingCache::open(
    const EmbeddingCacheOptions& options, const Fill& fill) {
  MIEN_CHECK(options.rows > 0 && options.width > 0 && options.rows_per_file > 0);
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) return io_error(options.folder.string() + ": cannot be created: " + error.message());
  auto out = std::shared_ptr<EmbeddingCache>(new EmbeddingCache());
  out->rows_ = options.rows;
  out->width_ = options.width;
  out->rows_per_file_ = options.rows_per_file;
  const std::string short_key = sha256_hex(std::as_bytes(std::span(options.key))).substr(0, 16);
  for (std::int64_t first = 0; first < options.rows; first += options.rows_per_file) {
    if (options.cancel != nullptr && *options.cancel) return cancelled("embeddings: cancelled");
    const std::int64_t count = std::min(options.rows_per_file, options.rows - first);
    const Shape shape = {count, options.width};
    const auto path = options.folder /
                      fmt::format("{}-{:05}.safetensors", short_key, first / options.rows_per_file);
    auto file = checkpoint::open_safetensors(path);
    if (!file.ok() || !fits(**file, options.key, shape)) {
      Tensor rows(DType::kF32, shape);
      MIEN_RETURN_IF_ERROR(fill(first, count, rows.f32()));
      MIEN_RETURN_IF_ERROR(
          checkpoint::write_safetensors(path, {{kTensor, rows}}, {{"key", options.key}}));
      file = checkpoint::open_safetensors(path);
      if (!file.ok()) return file.status();
    }
    out->files_.push_back(*file);
    if (options.progress) options.progress(first + count);
  }
  return std::shared_ptr<const EmbeddingCache>(out);
}

void EmbeddingCache::copy_row(std::int64_t row, std::span<float> out) const {
  MIEN_CHECK(row >= 0 && row < rows_ && out.size() == static_cast<std::size_t>(width_));
  const auto& file = files_[static_cast<std::size_t>(row / rows_per_file_)];
  const auto bytes = file->find(kTensor)->bytes();
  std::memcpy(out.data(),
              bytes.data() + static_cast<std::size_t>(row % rows_per_file_) * out.size_bytes(),
              out.size_bytes());
}

}  // namespace mien::data
