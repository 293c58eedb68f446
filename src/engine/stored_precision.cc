#include "engine/stored_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/towers/table.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"

namespace mien::engine {
namespace {

using kernels::Precision;

DType stored_type(Precision precision) {
  switch (precision) {
    case Precision::kF32: return DType::kF32;
    case Precision::kBf16: return DType::kBF16;
    case Precision::kInt8: return DType::kI8;
  }
  return DType::kF32;
}

// An I8 weight with its scales, or any floating one, in float32.
Result<Tensor> as_floats(const checkpoint::Checkpoint& weights, const std::string& name,
                         const TensorView& view) {
  if (view.dtype() != DType::kI8) return to_f32(view);
  const TensorView* scales = weights.find(name + kScaleSuffix);
  MIEN_CHECK(scales != nullptr);
  std::vector<float> each(scales->size());
  MIEN_RETURN_IF_ERROR(copy_to_f32(*scales, each));
  Tensor out(DType::kF32, view.shape());
  const auto* steps = reinterpret_cast<const std::int8_t*>(view.bytes().data());
  const std::size_t width = view.size() / each.size();
  for (std::size_t i = 0; i < view.size(); ++i) {
    out.f32()[i] = static_cast<float>(steps[i]) * each[i / width];
  }
  return out;
}

Tensor to_bf16(const Tensor& wide) {
  Tensor out(DType::kBF16, wide.shape());
  auto* to = reinterpret_cast<std::uint16_t*>(out.mutable_bytes().data());
  std::transform(wide.f32().begin(), wide.f32().end(), to, float_to_bf16);
  return out;
}

Tensor to_int8(const Tensor& wide, std::span<const float> scales) {
  Tensor out(DType::kI8, wide.shape());
  auto* to = reinterpret_cast<std::int8_t*>(out.mutable_bytes().data());
  const std::size_t width = wide.size() / scales.size();
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const float step = std::nearbyint(wide.f32()[i] / scales[i / width]);
    to[i] = static_cast<std::int8_t>(std::isnan(step) ? 0.0F : std::clamp(step, -127.0F, 127.0F));
  }
  return out;
}

Result<std::vector<float>> embeddings(const Bundle& bundle, std::span<const float> pixels,
                                      std::int64_t count) {
  MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle.image_encoder());
  std::vector<float> out(static_cast<std::size_t>(count * encoder->embed()));
  Session session;
  MIEN_RETURN_IF_ERROR(encoder->encode(pixels.data(), count, out.data(), session));
  return out;
}

// "ViT, Swin transformer, CLIP's text tower".
std::string names_with_int8() {
  std::string out;
  const auto add = [&](const auto& kind) {
    if (kind.takes_int8 != nullptr) out.append(out.empty() ? "" : ", ").append(kind.name);
  };
  for_each_kind(kImageKinds, add);
  for_each_kind(kTextKinds, add);
  return out;
}

double exact_dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

// Empty when the bundle has no labels, or no way to embed them.
Result<std::vector<float>> text_features(const Bundle& bundle) {
  if (bundle.info().labels.empty()) return std::vector<float>();
  if (const TensorView* stored = bundle.label_features()) {
    std::vector<float> out(stored->size());
    MIEN_RETURN_IF_ERROR(copy_to_f32(*stored, out));
    return out;
  }
  if (!bundle.has_text_tower()) return std::vector<float>();
  Session session;
  MIEN_ASSIGN_OR_RETURN(const Tensor features,
                        encode_label_features(bundle, bundle.info().labels, session));
  return std::vector<float>(features.f32().begin(), features.f32().end());
}

std::size_t nearest(std::span<const float> features, std::span<const float> embedding) {
  std::size_t best = 0;
  double most = -2e30;
  for (std::size_t t = 0; t < features.size() / embedding.size(); ++t) {
    const double now =
        exact_dot(features.subspan(t * embedding.size(), embedding.size()), embedding);
    if (now > most) {
      most = now;
      best = t;
    }
  }
  return best;
}

}  // namespace

Result<StoredTensors> store_as(const checkpoint::Checkpoint& weights, Precision precision) {
  StoredTensors out;
  const DType wanted = stored_type(precision);
  int suited = 0;
  out.owned.reserve(2 * weights.tensors().size());  // views stay where they are
  const auto keep = [&](const std::string& name, Tensor tensor) {
    out.owned.push_back(std::move(tensor));
    out.tensors.emplace_back(name, out.owned.back().view());
  };
  for (const auto& [name, view] : weights.tensors()) {
    const bool scales = name.ends_with(kScaleSuffix) &&
                        takes_int8(std::string_view(name).substr(0, name.rfind('.')));
    if (scales) continue;  // written anew beside their weight
    if (!takes_int8(name)) {
      out.tensors.emplace_back(name, view);
      continue;
    }
    ++suited;
    if (view.dtype() == wanted) {
      out.tensors.emplace_back(name, view);
      if (wanted == DType::kI8) {
        out.tensors.emplace_back(name + kScaleSuffix, *weights.find(name + kScaleSuffix));
      }
      continue;
    }
    ++out.changed;
    MIEN_ASSIGN_OR_RETURN(Tensor wide, as_floats(weights, name, view));
    if (precision == Precision::kF32) {
      keep(name, std::move(wide));
    } else if (precision == Precision::kBf16) {
      keep(name, to_bf16(wide));
    } else {
      const auto each = kernels::int8_scales(wide.f32(), wide.dim(0));
      keep(name, to_int8(wide, each));
      keep(name + kScaleSuffix, Tensor::from_f32({wide.dim(0)}, each));
    }
  }
  if (suited == 0) {
    return unsupported("weights: none to store in another type (expected the blocks of a " +
                       names_with_int8() + ")");
  }
  return out;
}

Result<Agreement> compare_precision(const Bundle& truth, const Bundle& other,
                                    std::span<const float> pixels) {
  const Architecture& sizes = truth.info().architecture;
  const std::int64_t side = sizes.image_size();
  const std::int64_t count = std::ssize(pixels) / (3 * side * side);
  if (other.info().architecture.embed != sizes.embed ||
      other.info().architecture.image_size() != side) {
    return invalid_argument("bundles: have other sizes (expected two forms of one)");
  }
  MIEN_ASSIGN_OR_RETURN(const auto want, embeddings(truth, pixels, count));
  MIEN_ASSIGN_OR_RETURN(const auto got, embeddings(other, pixels, count));
  MIEN_ASSIGN_OR_RETURN(const auto true_texts, text_features(truth));
  MIEN_ASSIGN_OR_RETURN(const auto texts, text_features(other));
  Agreement out{.pictures = count, .mean_cosine = 0};
  const auto embed = static_cast<std::size_t>(sizes.embed);
  std::int64_t same = 0;
  for (std::size_t n = 0; n < static_cast<std::size_t>(count); ++n) {
    const auto a = std::span(want).subspan(n * embed, embed);
    const auto b = std::span(got).subspan(n * embed, embed);
    const double cosine = exact_dot(a, b) / std::sqrt(exact_dot(a, a) * exact_dot(b, b));
    out.least_cosine = cosine < out.least_cosine || std::isnan(cosine) ? cosine : out.least_cosine;
    out.mean_cosine += cosine / static_cast<double>(count);
    if (true_texts.empty() || nearest(true_texts, a) == nearest(texts, b)) ++same;
  }
  if (count > 0) out.same_first = static_cast<double>(same) / static_cast<double>(count);
  return out;
}

bool keeps_rule(const Agreement& agreement, Precision precision) {
  const double least = precision == Precision::kInt8   ? 0.99
                       : precision == Precision::kBf16 ? 0.9995
                                                       : 0.999999;
  return agreement.least_cosine >= least && agreement.same_first >= 0.99;
}

}  // namespace mien::engine
