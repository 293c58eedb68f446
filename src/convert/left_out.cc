#include "convert/left_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mien/engine/bundle.h"

namespace mien::convert {
namespace {

constexpr std::size_t kListedTensors = 3;
constexpr std::int64_t kColours = 3;

bool has_any_ending(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

// The scale of a frozen backbone, a bias that is the same for all labels, and what has a note of
// its own: a regression head that does not fit.
bool changes_nothing(std::string_view name) {
  return has_any_ending(name, {"logit_scale", "logit_bias"}) || name.starts_with("mlp.") ||
         name.starts_with("module.mlp.");
}

// Whole pictures, one per class: [classes, 3, size, size]. A convolution's kernels are smaller.
bool is_pictures(const TensorView& view, std::int64_t image_size) {
  return view.rank() == 4 && view.dim(1) == kColours && view.dim(2) == view.dim(3) &&
         view.dim(2) == image_size;
}

// A square of pixels to add to the picture.
bool is_patch(const TensorView& view, std::int64_t image_size) {
  return view.rank() == 3 && view.dim(0) == kColours && view.dim(1) == view.dim(2) &&
         view.dim(1) > 1 && view.dim(1) <= image_size;
}

std::string listed_tensors(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kListedTensors); ++i) {
    out += fmt::format("{}'{}'", i == 0 ? "" : ", ", names[i]);
  }
  return names.size() > kListedTensors ? out + ", ..." : out;
}

bool starts_with_any(std::string_view name, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& beginning) {
    return !beginning.empty() && name.starts_with(beginning);
  });
}

}  // namespace

std::vector<std::string> find_left_out(const checkpoint::Checkpoint& weights,
                                       const std::vector<checkpoint::TensorSource>& rows) {
  std::set<std::string_view> used;
  for (const checkpoint::TensorSource& row : rows) {
    used.insert(row.sources.begin(), row.sources.end());
  }
  std::vector<std::string> out;
  for (const auto& [name, view] : weights.tensors()) {
    const bool buffer =
        has_any_ending(name, {"position_ids", "attn_mask", "input_resolution", "context_length",
                              "vocab_size", "num_batches_tracked", "relative_position_index"});
    if (!buffer && name != engine::Bundle::kLabelFeatures && !used.contains(name)) {
      out.push_back(name);
    }
  }
  return out;
}

Status check_not_hesp(const checkpoint::Checkpoint& weights, std::int64_t image_size) {
  std::string pictures, patch;
  for (const auto& [name, view] : weights.tensors()) {
    std::string* const kind = is_pictures(view, image_size) ? &pictures
                              : is_patch(view, image_size)  ? &patch
                                                            : nullptr;
    if (kind != nullptr) *kind = fmt::format("'{}' {}", name, to_string(view.shape()));
  }
  if (pictures.empty()) return {};
  return unsupported(fmt::format(
      "checkpoint: a model of HESP, with negative pictures in {}{}; the position of its patch (it "
      "follows from a random layer) and the names of its classes in their order are missing "
      "(expected a bundle of `mien train recipes/hesp/...`, or --leave-out with the names of its "
      "learned tensors for the CLIP inside alone)",
      pictures, patch.empty() ? "" : " and a patch of pixels in " + patch));
}

Status check_left_out(const checkpoint::Checkpoint& weights, const std::vector<std::string>& names,
                      const std::vector<std::string>& allowed, std::int64_t image_size) {
  std::vector<std::string> wrong;
  std::copy_if(names.begin(), names.end(), std::back_inserter(wrong), [&](const std::string& name) {
    return !changes_nothing(name) && !starts_with_any(name, allowed);
  });
  if (wrong.empty()) return {};
  MIEN_RETURN_IF_ERROR(check_not_hesp(weights, image_size));
  return unsupported(fmt::format(
      "checkpoint: {} {} not part of CLIP's towers and may change the answers: {} (expected a "
      "plain CLIP or a supported method; --leave-out with prefixes of their names leaves "
      "them out)",
      wrong.size(), wrong.size() == 1 ? "tensor is" : "tensors are", listed_tensors(wrong)));
}

}  // namespace mien::convert
