#include "checkpoint/torch_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "checkpoint/torch_flatten.h"
#include "core/checked.h"

namespace mien::checkpoint {
namespace {

// Number of elements from the first to the last that the strides reach; nullopt on overflow.
// Precondition: no size is zero.
std::optional<std::uint64_t> extent(const TorchTensor& tensor) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto step = checked_mul<std::uint64_t>(static_cast<std::uint64_t>(tensor.shape[i] - 1),
                                                 static_cast<std::uint64_t>(tensor.strides[i]));
    const auto sum = step ? checked_add<std::uint64_t>(last, *step) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  return checked_add<std::uint64_t>(last, 1);
}

// Precondition: the shape's product does not overflow.
bool is_contiguous(const TorchTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

// Walks all indices in row-major order. Precondition: everything lies inside `from`, no size is
// zero.
void copy_strided(const TorchTensor& tensor, std::span<const std::byte> from,
                  std::span<std::byte> to) {
  const std::size_t width = byte_size(tensor.dtype);
  const std::size_t rank = tensor.shape.size();
  std::vector<std::int64_t> index(rank, 0);
  std::size_t offset = 0;
  for (std::size_t at = 0; at < to.size(); at += width) {
    std::memcpy(to.data() + at, from.data() + offset * width, width);
    for (std::size_t axis = rank; axis-- > 0;) {
      offset += static_cast<std::size_t>(tensor.strides[axis]);
      if (++index[axis] < tensor.shape[axis]) break;
      offset -= static_cast<std::size_t>(tensor.strides[axis] * tensor.shape[axis]);
      index[axis] = 0;
    }
  }
}

void swap_bytes(std::span<std::byte> bytes, std::size_t width) {
  for (std::size_t at = 0; at + width <= bytes.size(); at += width) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + width));
  }
}

class Collector {
 public:
  Collector(const CollectOptions& options, const StorageLookup& lookup, CopyBudget& budget,
            Parts& parts)
      : options_(options), lookup_(lookup), budget_(budget), parts_(parts) {}

  Result<TensorView> view(const TorchTensor& tensor, const std::string& what) {
    const std::size_t width = byte_size(tensor.dtype);
    const auto count = element_count(tensor.shape);
    const auto bytes = count ? checked_mul<std::uint64_t>(*count, width) : std::nullopt;
    if (!bytes) {
      return corrupt(fmt::format("{} has an overflowing shape {}", what, to_string(tensor.shape)));
    }
    if (*count == 0) return TensorView(tensor.dtype, tensor.shape, {});
    const auto reach = extent(tensor);
    const TorchStorage& storage = tensor.storage;
    if (!reach || tensor.offset > storage.view_count ||
        *reach > storage.view_count - tensor.offset) {
      return corrupt(
          fmt::format("{} of shape {} at offset {} reaches beyond its storage of {} "
                      "elements",
                      what, to_string(tensor.shape), tensor.offset, storage.view_count));
    }
    MIEN_ASSIGN_OR_RETURN(const auto all, lookup_(storage));
    // The look-up guarantees all `count` elements, so this start does not overflow.
    const auto from =
        checked_subspan(all, (storage.view_offset + tensor.offset) * width, *reach * width);
    if (!from) return corrupt(what + " reaches beyond the bytes of its storage");
    const bool swap = options_.big_endian && width > 1;
    if (is_contiguous(tensor) && !swap) return TensorView(tensor.dtype, tensor.shape, *from);
    MIEN_RETURN_IF_ERROR(budget_.take(*bytes, what));
    Tensor copy(tensor.dtype, tensor.shape);
    copy_strided(tensor, *from, copy.mutable_bytes());
    if (swap) swap_bytes(copy.mutable_bytes(), width);
    const TensorView out = copy.view();
    parts_.owned.push_back(std::move(copy));
    return out;
  }

 private:
  const CollectOptions& options_;
  const StorageLookup& lookup_;
  CopyBudget& budget_;
  Parts& parts_;
};

}  // namespace

Status collect_tensors(const PickleGraph& graph, const CollectOptions& options,
                       const StorageLookup& lookup, std::string_view subject, const Limits& limits,
                       CopyBudget& budget, std::vector<std::string>* skipped, Parts& parts) {
  MIEN_ASSIGN_OR_RETURN(const auto named,
                        name_tensors(graph, options.script, subject, limits, skipped));
  Collector collector(options, lookup, budget, parts);
  for (const auto& [name, id] : named) {
    const std::string what = fmt::format("{}: '{}'", subject, printable(name));
    MIEN_ASSIGN_OR_RETURN(const TorchTensor tensor, read_tensor(graph, id, what, limits));
    MIEN_ASSIGN_OR_RETURN(TensorView view, collector.view(tensor, what));
    if (!parts.tensors.emplace(name, std::move(view)).second) {
      return corrupt(what + " is a duplicate");
    }
  }
  return {};
}

}  // namespace mien::checkpoint
