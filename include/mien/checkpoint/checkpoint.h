#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/tensor/tensor.h"

namespace mien::checkpoint {

/// Named tensors of a file. Views point into the mapped file, or into buffers that this object
/// owns; their bytes are those of the file and may be unaligned (read with to_f32 or copy_to_f32).
/// Threads: const member functions are safe from several threads. Views live as long as the object.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  /// All tensors, sorted by name.
  virtual const std::map<std::string, TensorView, std::less<>>& tensors() const = 0;
  /// Free-form metadata of the file (safetensors `__metadata__`), possibly empty.
  virtual const std::map<std::string, std::string>& metadata() const = 0;
  /// "safetensors", "torch-zip", "torch-legacy", "torchscript", "safetensors-shards",
  /// "torch-shards".
  virtual std::string_view format() const = 0;
  /// Hints that the pages of `part` are no longer needed.
  virtual void release(const TensorView& part) const = 0;
  /// Copies the bytes of a tensor that is needed only once. Where it lies in a mapped file the
  /// bytes are read rather than mapped, so that its pages do not stay in memory. Precondition:
  /// out.size() == part.bytes().size(). Errors: kIo.
  virtual Status read(const TensorView& part, std::span<std::byte> out) const;

  /// The tensor of that name, or nullptr. Owned by this object.
  const TensorView* find(std::string_view name) const;
};

/// Tensors to write, in order; the views outlive the list.
using NamedTensors = std::vector<std::pair<std::string, TensorView>>;

/// Opens any supported weights file, recognised by its content: safetensors, PyTorch zip
/// (`torch.save`), legacy PyTorch, TorchScript archive, or a shard index (`*.index.json`). Executes
/// nothing: in a pickle only opcodes that build tensors are accepted; entries that hold other
/// objects are skipped when the rest is readable, and reported through `skipped`. Errors:
/// kNotFound, kIo, kCorrupt, kUnsupported, kResourceLimit.
Result<std::shared_ptr<const Checkpoint>> open_checkpoint(
    const std::filesystem::path& path, const Limits& limits = {},
    std::vector<std::string>* skipped = nullptr);

}  // namespace mien::checkpoint
