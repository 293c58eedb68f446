#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "mien/checkpoint/checkpoint.h"

namespace mien::checkpoint {

/// What a reader fills in; make_checkpoint turns it into a Checkpoint.
struct Parts {
  std::string_view format;  ///< string literal
  std::map<std::string, TensorView, std::less<>> tensors;
  std::map<std::string, std::string> metadata;
  std::vector<Tensor> owned;               ///< bytes that are not in the file as such
  std::shared_ptr<const MappedFile> file;  ///< what the other views point into
  std::vector<std::shared_ptr<const Checkpoint>> shards;  ///< or these
};

std::shared_ptr<const Checkpoint> make_checkpoint(Parts parts);

/// Maps a file of at most limits.max_file_bytes.
Result<std::shared_ptr<const MappedFile>> map_checkpoint(const std::filesystem::path& path,
                                                         const Limits& limits);

Result<Parts> read_safetensors(std::span<const std::byte> bytes, std::string_view subject,
                               const Limits& limits);
Result<Parts> read_torch(std::span<const std::byte> bytes, std::string_view subject,
                         const Limits& limits, std::vector<std::string>* skipped);
Result<Parts> read_torch_zip(std::span<const std::byte> bytes, std::string_view subject,
                             const Limits& limits, std::vector<std::string>* skipped);
Result<Parts> read_torch_legacy(std::span<const std::byte> bytes, std::string_view subject,
                                const Limits& limits, std::vector<std::string>* skipped);
Result<Parts> read_shards(const std::filesystem::path& index, const Limits& limits,
                          std::vector<std::string>* skipped);

/// True when the bytes start like a file that read_torch can read, or at least name.
bool looks_like_torch(std::span<const std::byte> bytes);
bool looks_like_safetensors(std::span<const std::byte> bytes);

/// Bounds what is copied out of a file (inflated entries, strided tensors) by the file's size.
class CopyBudget {
 public:
  CopyBudget(std::uint64_t file_bytes, const Limits& limits)
      : left_(std::min(limits.max_file_bytes, kFloor + 4 * file_bytes)) {}
  Status take(std::uint64_t bytes, std::string_view subject);

 private:
  static constexpr std::uint64_t kFloor = std::uint64_t{64} << 20;
  std::uint64_t left_;
};

}  // namespace mien::checkpoint
