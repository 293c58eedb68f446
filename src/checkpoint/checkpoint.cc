#include "mien/checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "checkpoint/parts.h"

namespace mien::checkpoint {
namespace {

bool lies_within(std::span<const std::byte> part, std::span<const std::byte> whole) {
  const std::less_equal<> before;
  return !part.empty() && before(whole.data(), part.data()) &&
         before(part.data() + part.size(), whole.data() + whole.size());
}

class LoadedCheckpoint final : public Checkpoint {
 public:
  explicit LoadedCheckpoint(Parts parts) : parts_(std::move(parts)) {}

  const std::map<std::string, TensorView, std::less<>>& tensors() const override {
    return parts_.tensors;
  }
  const std::map<std::string, std::string>& metadata() const override { return parts_.metadata; }
  std::string_view format() const override { return parts_.format; }
  void release(const TensorView& part) const override {
    // Only pages of a file map can be read again; releasing those of our own memory would lose
    // data.
    if (parts_.file && lies_within(part.bytes(), parts_.file->bytes())) {
      parts_.file->release(part.bytes());
    }
    for (const auto& shard : parts_.shards) shard->release(part);
  }
  Status read(const TensorView& part, std::span<std::byte> out) const override {
    if (parts_.file && lies_within(part.bytes(), parts_.file->bytes())) {
      return parts_.file->read(part.bytes(), out);
    }
    return Checkpoint::read(part, out);
  }

 private:
  Parts parts_;
};

}  // namespace

Status Checkpoint::read(const TensorView& part, std::span<std::byte> out) const {
  MIEN_CHECK(part.bytes().size() == out.size());
  std::copy(part.bytes().begin(), part.bytes().end(), out.begin());
  return {};
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto found = tensors().find(name);
  return found == tensors().end() ? nullptr : &found->second;
}

std::shared_ptr<const Checkpoint> make_checkpoint(Parts parts) {
  return std::make_shared<const LoadedCheckpoint>(std::move(parts));
}

Result<std::shared_ptr<const MappedFile>> map_checkpoint(const std::filesystem::path& path,
                                                         const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(auto file, MappedFile::open(path));
  if (file->bytes().size() > limits.max_file_bytes) {
    return resource_limit(fmt::format("{}: file is too large (expected at most {} bytes, got {})",
                                      path.string(), limits.max_file_bytes, file->bytes().size()));
  }
  return file;
}

Status CopyBudget::take(std::uint64_t bytes, std::string_view subject) {
  if (bytes > left_) {
    return resource_limit(
        fmt::format("{}: unpacks to far more than the file's size (expected at most {} more bytes, "
                    "got {})",
                    subject, left_, bytes));
  }
  left_ -= bytes;
  return {};
}

Result<std::shared_ptr<const Checkpoint>> open_checkpoint(const std::filesystem::path& path,
                                                          const Limits& limits,
                                                          std::vector<std::string>* skipped) {
  if (path.extension() == ".json") {
    MIEN_ASSIGN_OR_RETURN(Parts parts, read_shards(path, limits, skipped));
    return make_checkpoint(std::move(parts));
  }
  MIEN_ASSIGN_OR_RETURN(auto file, map_checkpoint(path, limits));
  const auto bytes = file->bytes();
  const std::string subject = path.string();
  if (bytes.empty()) return corrupt(subject + ": file is empty (expected model weights)");
  const auto read = [&]() -> Result<Parts> {
    if (looks_like_torch(bytes)) return read_torch(bytes, subject, limits, skipped);
    if (looks_like_safetensors(bytes) || path.extension() == ".safetensors") {
      return read_safetensors(bytes, subject, limits);
    }
    return unsupported(subject +
                       ": not a weights file (expected safetensors, a torch.save file, a "
                       "TorchScript archive or a *.index.json)");
  };
  MIEN_ASSIGN_OR_RETURN(Parts parts, read());
  file->release(bytes);  // checksums have touched every page
  parts.file = std::move(file);
  return make_checkpoint(std::move(parts));
}

}  // namespace mien::checkpoint
