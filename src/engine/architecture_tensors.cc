// The tensors that belong to sizes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/stored_precision.h"
#include "engine/towers/table.h"
#include "mien/engine/architecture.h"

namespace mien::engine {
namespace {

bool is_floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF64;
}

// Names of the published downstream model; the probe's are those of its first layer.
void add_regression(std::vector<ExpectedTensor>& out, const RegressionHead& head, int embed) {
  const auto linear = [&](const char* name, std::int64_t from, std::int64_t to) {
    out.push_back({fmt::format("{}.weight", name), {to, from}});
    out.push_back({fmt::format("{}.bias", name), {to}});
  };
  linear("mlp.0", embed, head.hidden > 0 ? head.hidden : head.targets);
  if (head.hidden > 0) linear("mlp.2", head.hidden, head.targets);
}

}  // namespace

std::uint64_t Architecture::parameter_count() const {
  std::uint64_t total = 1;  // logit_scale
  for (const ExpectedTensor& tensor : expected_tensors(*this)) {
    total += element_count(tensor.shape).value_or(0);
  }
  return total;
}

std::vector<ExpectedTensor> expected_tensors(const Architecture& a) {
  std::vector<ExpectedTensor> out;
  const auto add = [&](const auto& kind, const auto& sizes) {
    kind.add_tensors(sizes, a.embed, out);
  };
  with_kind(a.image, add);
  if (a.text) with_kind(*a.text, add);
  if (a.temporal) with_kind(*a.temporal, add);
  if (a.neutral) add_neutral(out, *a.neutral, a.embed);
  add_prompt(out, a);
  add_reciprocal(out, a);
  if (a.regression) add_regression(out, *a.regression, a.embed);
  return out;
}

bool takes_int8(std::string_view tensor) {
  bool out = false;
  const auto ask = [&](const auto& kind) {
    out = out || (kind.takes_int8 != nullptr && kind.takes_int8(tensor));
  };
  for_each_kind(kImageKinds, ask);
  for_each_kind(kTextKinds, ask);
  return out;
}

namespace {

// Scales of an I8 weight: one F32 per output, finite and above zero.
Status check_scales(const checkpoint::Checkpoint& weights, const ExpectedTensor& weight,
                    std::string_view subject) {
  const std::string name = weight.name + kScaleSuffix;
  const TensorView* scales = weights.find(name);
  const Shape shape = {weight.shape.front()};
  if (scales == nullptr) {
    return corrupt(fmt::format("{}: '{}' is missing (expected F32 {}, as '{}' is I8)", subject,
                               name, mien::to_string(shape), weight.name));
  }
  if (scales->dtype() != DType::kF32 || scales->shape() != shape) {
    return corrupt(fmt::format("{}: '{}' is {} {} (expected F32 {})", subject, name,
                               mien::to_string(scales->dtype()), mien::to_string(scales->shape()),
                               mien::to_string(shape)));
  }
  std::vector<float> values(scales->size());
  MIEN_RETURN_IF_ERROR(copy_to_f32(*scales, values));
  const auto usable = [](float value) { return std::isfinite(value) && value > 0; };
  if (!std::all_of(values.begin(), values.end(), usable)) {
    return corrupt(
        fmt::format("{}: '{}' has a scale that is not a positive number", subject, name));
  }
  return {};
}

}  // namespace

Status check_tensors(const checkpoint::Checkpoint& weights, const Architecture& architecture,
                     std::string_view subject) {
  std::set<std::string, std::less<>> known = {"logit_scale"};
  for (const ExpectedTensor& expected : expected_tensors(architecture)) {
    const TensorView* found = weights.find(expected.name);
    if (found == nullptr) {
      return corrupt(fmt::format("{}: '{}' is missing (expected shape {})", subject, expected.name,
                                 mien::to_string(expected.shape)));
    }
    if (found->shape() != expected.shape) {
      return corrupt(fmt::format("{}: '{}' has shape {} (expected {})", subject, expected.name,
                                 mien::to_string(found->shape()), mien::to_string(expected.shape)));
    }
    if (expected.quantised && found->dtype() != DType::kI8) {
      return unsupported(fmt::format("{}: '{}' has type {} (expected I8)", subject, expected.name,
                                     mien::to_string(found->dtype())));
    }
    const bool stored_int8 =
        !expected.quantised && found->dtype() == DType::kI8 && takes_int8(expected.name);
    if (stored_int8) {
      MIEN_RETURN_IF_ERROR(check_scales(weights, expected, subject));
      known.insert(expected.name + kScaleSuffix);
    }
    if (!expected.quantised && !stored_int8 && !is_floating(found->dtype())) {
      return unsupported(fmt::format("{}: '{}' has type {} (expected F32, F16, BF16 or F64)",
                                     subject, expected.name, mien::to_string(found->dtype())));
    }
    known.insert(expected.name);
  }
  for (const auto& [name, view] : weights.tensors()) {
    if (!known.contains(name)) {
      return corrupt(fmt::format("{}: '{}' does not belong to this architecture", subject, name));
    }
  }
  return {};
}

}  // namespace mien::engine
