#include "cli/convert_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cli/cli.h"
#include "cli/describe.h"
#include "mien/kernels/ops.h"

namespace mien::cli {
namespace {

using checkpoint::ClipNaming;
using checkpoint::TensorSource;
using kernels::Activation;

constexpr double kUsualLogitScale = 100.0;
constexpr double kSameScale = 0.1;  // half precision stores CLIP's 100 as up to 100.1
constexpr std::size_t kTextBatch = 32;
// EmoCLIP's published settings; those of frames are for evaluation.
constexpr int kTemporalHeads = 8;
constexpr int kTemporalFrames = 32;
constexpr int kTemporalStride = 4;

Status check_hint(const std::optional<std::int64_t>& hint, std::int64_t found, const Hints& hints,
                  const char* what) {
  if (!hint || *hint == found) return {};
  return unsupported(fmt::format("{}: does not belong to these weights: {} is {} (expected {})",
                                 hints.file.string(), what, *hint, found));
}

Status check_hints(const checkpoint::ClipShape& shape, const Hints& hints) {
  MIEN_RETURN_IF_ERROR(check_hint(hints.embed, shape.embed_dim, hints, "embedding width"));
  MIEN_RETURN_IF_ERROR(check_hint(hints.image_size, shape.image_size, hints, "picture size"));
  MIEN_RETURN_IF_ERROR(check_hint(hints.patch, shape.patch, hints, "patch size"));
  MIEN_RETURN_IF_ERROR(check_hint(hints.image.width, shape.vision_width, hints, "image width"));
  MIEN_RETURN_IF_ERROR(check_hint(hints.image.layers, shape.vision_layers, hints, "image layers"));
  MIEN_RETURN_IF_ERROR(check_hint(hints.text.width, shape.text_width, hints, "text width"));
  return check_hint(hints.text.layers, shape.text_layers, hints, "text layers");
}

// What the names alone tell, when neither the user nor a configuration says more.
Activation usual_activation(const Source& source, std::vector<std::string>& notes) {
  if (source.naming == ClipNaming::kHuggingFace) {
    notes.emplace_back("no config.json: took quick_gelu, the usual activation of this layout");
    return Activation::kQuickGelu;
  }
  const bool open_clip = source.naming == ClipNaming::kOpenClip ||
                         source.weights.filename().string().starts_with("open_clip");
  if (open_clip) {
    notes.emplace_back(
        "no open_clip_config.json: took gelu, OpenCLIP's usual activation; for OpenAI's weights "
        "--activation quick_gelu is right");
    return Activation::kGelu;
  }
  if (!is_openai_release(*source.checkpoint)) {
    notes.emplace_back(
        "took quick_gelu, the activation of OpenAI's weights; for weights that OpenCLIP trained "
        "--activation gelu is right");
  }
  return Activation::kQuickGelu;
}

DType target_type(const checkpoint::Checkpoint& checkpoint, const TensorSource& row,
                  std::optional<DType> wanted) {
  if (wanted) return *wanted;
  const DType first = checkpoint.find(row.sources.front())->dtype();
  const bool same = std::all_of(row.sources.begin(), row.sources.end(), [&](const auto& name) {
    return checkpoint.find(name)->dtype() == first;
  });
  const bool half = first == DType::kF16 || first == DType::kBF16;
  return same && half ? first : DType::kF32;
}

bool is_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

Result<Tensor> cast_tensor(Tensor source, DType dtype, const std::string& name) {
  if (dtype == DType::kF32) return source;
  Tensor out(dtype, source.shape());
  const std::span<const float> from = source.f32();
  auto* const to = reinterpret_cast<std::uint16_t*>(out.mutable_bytes().data());
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = dtype == DType::kF16 ? float_to_half(from[i]) : float_to_bf16(from[i]);
    if (dtype == DType::kF16 && std::isfinite(from[i]) && !std::isfinite(half_to_float(to[i]))) {
      return invalid_argument(fmt::format(
          "--dtype: '{}' has {} (expected at most 65504 for f16; bf16 holds it)", name, from[i]));
    }
  }
  return out;
}

void ModelTensors::replace(const std::string& name, Tensor tensor) {
  owned_.push_back(std::move(tensor));
  tensors_.at(name) = owned_.back().view();
}

void ModelTensors::add_view(std::string name, const TensorView& view) {
  order_.push_back(name);
  tensors_.emplace(std::move(name), view);
}

void ModelTensors::add(std::string name, Tensor tensor) {
  owned_.push_back(std::move(tensor));
  add_view(std::move(name), owned_.back().view());
}

Result<engine::Architecture> decide_architecture(const Source& source, const Hints& hints,
                                                 const std::string& activation,
                                                 std::vector<std::string>& notes) {
  const std::string subject = source.weights.string();
  auto inferred = checkpoint::infer_clip_shape(*source.checkpoint, source.naming);
  if (!inferred.ok()) return inferred.status().with_prefix(subject);
  const checkpoint::ClipShape& shape = *inferred;
  MIEN_RETURN_IF_ERROR(check_hints(shape, hints));

  Activation image = Activation::kQuickGelu;
  Activation text = Activation::kQuickGelu;
  if (activation != "auto") {
    image = text = engine::find_activation(activation).value_or(image);
  } else if (hints.image.activation || hints.text.activation) {
    image = hints.image.activation.value_or(image);
    text = hints.text.activation.value_or(text);
  } else {
    image = text = usual_activation(source, notes);
  }
  engine::Architecture out;
  out.embed = static_cast<int>(shape.embed_dim);
  out.image = {.image_size = static_cast<int>(shape.image_size),
               .patch = static_cast<int>(shape.patch),
               .width = static_cast<int>(shape.vision_width),
               .layers = static_cast<int>(shape.vision_layers),
               .heads = static_cast<int>(hints.image.heads.value_or(shape.vision_heads)),
               .mlp = static_cast<int>(shape.vision_mlp),
               .activation = image};
  if (shape.has_text) {
    out.text =
        engine::TextTower{.context = static_cast<int>(shape.context),
                          .vocabulary = static_cast<int>(shape.vocab),
                          .width = static_cast<int>(shape.text_width),
                          .layers = static_cast<int>(shape.text_layers),
                          .heads = static_cast<int>(hints.text.heads.value_or(shape.text_heads)),
                          .mlp = static_cast<int>(shape.text_mlp),
                          .activation = text};
  }
  MIEN_RETURN_IF_ERROR(out.validate(subject));
  return out;
}

std::vector<TensorSource> text_rows(const std::vector<TensorSource>& plan) {
  std::vector<TensorSource> out;
  std::copy_if(plan.begin(), plan.end(), std::back_inserter(out), [](const TensorSource& row) {
    return !row.name.starts_with("visual.") && row.name != "logit_scale";
  });
  return out;
}

Result<std::optional<engine::TemporalTower>> decide_temporal(const Source& source,
                                                             const std::vector<TensorSource>& plan,
                                                             const Hints& hints) {
  if (plan.empty()) return std::optional<engine::TemporalTower>();
  const auto inferred = checkpoint::infer_temporal_shape(*source.checkpoint, plan);
  if (!inferred.ok()) return inferred.status().with_prefix(source.weights.string());
  const auto known =
      hints.bundle ? hints.bundle->architecture.temporal : std::optional<engine::TemporalTower>();
  const int heads = known ? known->heads : kTemporalHeads;
  if (inferred->inner % heads != 0) {
    return unsupported(
        fmt::format("{}: temporal model is {} wide in all heads (expected a multiple "
                    "of {} heads)",
                    source.weights.string(), inferred->inner, heads));
  }
  return std::optional(
      engine::TemporalTower{.width = static_cast<int>(inferred->width),
                            .layers = static_cast<int>(inferred->layers),
                            .heads = heads,
                            .head_width = static_cast<int>(inferred->inner / heads),
                            .mlp = static_cast<int>(inferred->mlp),
                            .positions = static_cast<int>(inferred->positions),
                            .activation = known ? known->activation : Activation::kGeluTanh});
}

video::SamplingSpec make_sampling(const Hints& hints, const engine::Architecture& architecture) {
  if (hints.bundle) return hints.bundle->sampling;
  if (!architecture.temporal) return {};
  return {.rule = video::SamplingRule::kEmoclip,
          .frames = std::min(kTemporalFrames, architecture.temporal->positions - 1),
          .stride = kTemporalStride};
}

Result<double> read_logit_scale(const checkpoint::Checkpoint& checkpoint,
                                const std::vector<TensorSource>& plan,
                                std::vector<std::string>& notes) {
  const auto row =
      std::find_if(plan.begin(), plan.end(), [](const auto& r) { return r.name == "logit_scale"; });
  if (row == plan.end()) {
    notes.emplace_back("no logit_scale: took a factor of 100, CLIP's own");
    return kUsualLogitScale;
  }
  MIEN_ASSIGN_OR_RETURN(const Tensor stored, checkpoint::gather(checkpoint, *row));
  const double scale = stored.size() == 1 ? std::exp(static_cast<double>(stored.f32()[0])) : 0.0;
  if (!std::isfinite(scale) || scale < 1e-3) {
    return corrupt(
        fmt::format("checkpoint: 'logit_scale' gives a factor of {} (expected a number "
                    "above 0.001)",
                    scale));
  }
  if (scale > kUsualLogitScale + kSameScale) {
    notes.push_back(fmt::format(
        "the factor of the cosines is {:.4f}, as trained: above the 100 at which CLIP's own "
        "training stops",
        scale));
  }
  return scale;
}

Status collect_tensors(const Source& source, const std::vector<TensorSource>& plan,
                       std::optional<DType> dtype, ModelTensors& out) {
  const checkpoint::Checkpoint& from = *source.checkpoint;
  for (const TensorSource& row : plan) {
    if (interrupted()) return cancelled("conversion: interrupted, nothing was written");
    const DType target = row.name == "logit_scale" ? DType::kF32 : target_type(from, row, dtype);
    const TensorView& first = *from.find(row.sources.front());
    if (row.sources.size() == 1 && !row.transpose && first.dtype() == target) {
      out.add_view(row.name, first);
      continue;
    }
    MIEN_ASSIGN_OR_RETURN(Tensor gathered, checkpoint::gather(from, row));
    for (const std::string& name : row.sources) from.release(*from.find(name));
    MIEN_ASSIGN_OR_RETURN(Tensor ready, cast_tensor(std::move(gathered), target, row.name));
    out.add(row.name, std::move(ready));
  }
  return {};
}

Result<Tensor> make_label_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                   const engine::Architecture& architecture,
                                   const text::BpeTokenizer& tokenizer,
                                   const std::vector<text::Label>& labels) {
  MIEN_ASSIGN_OR_RETURN(
      const auto encoder,
      engine::TextEncoder::load(std::move(weights), architecture, kernels::Precision::kF32));
  std::vector<std::vector<std::int32_t>> rows;
  for (const std::string& text : all_texts(labels)) {
    MIEN_ASSIGN_OR_RETURN(auto ids, tokenizer.encode_padded(text, encoder->context()));
    rows.push_back(std::move(ids));
  }
  const auto embed = static_cast<std::size_t>(encoder->embed());
  Tensor out(DType::kF32, {static_cast<std::int64_t>(rows.size()), encoder->embed()});
  engine::Session session;
  for (std::size_t done = 0; done < rows.size(); done += kTextBatch) {
    const std::size_t count = std::min(kTextBatch, rows.size() - done);
    MIEN_RETURN_IF_ERROR(encoder->encode(std::span(rows).subspan(done, count),
                                         out.f32().data() + done * embed, session));
  }
  if (!is_finite(out.f32())) {
    return corrupt("checkpoint: the text tower gives numbers that are not finite");
  }
  kernels::l2_normalize_rows(out.f32().data(), out.dim(0), out.dim(1));
  return out;
}

Result<std::vector<float>> try_image_tower(const engine::ImageEncoder& encoder) {
  const auto side = static_cast<std::size_t>(encoder.image_size());
  std::vector<float> pixels(3 * side * side);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<float>(i % 251) / 125.0F - 1.0F;
  }
  std::vector<float> out(static_cast<std::size_t>(encoder.embed()));
  engine::Session session;
  MIEN_RETURN_IF_ERROR(encoder.encode(pixels.data(), 1, out.data(), session));
  if (!is_finite(out)) {
    return corrupt("checkpoint: the image tower gives numbers that are not finite");
  }
  return out;
}

Result<std::vector<float>> try_temporal_model(const engine::TemporalEncoder& encoder, int embed) {
  const int frames = std::min(2, encoder.max_frames());
  std::vector<float> rows(static_cast<std::size_t>(frames) * static_cast<std::size_t>(embed));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<float>(i % 17) / 8.0F - 1.0F;
  }
  std::vector<float> out(static_cast<std::size_t>(embed));
  engine::Session session;
  MIEN_RETURN_IF_ERROR(encoder.encode(rows.data(), 1, frames, out.data(), session));
  if (!is_finite(out)) {
    return corrupt("checkpoint: the temporal model gives numbers that are not finite");
  }
  return out;
}

image::PreprocessSpec make_preprocess(const std::string& name, const Hints& hints,
                                      const engine::Architecture& architecture) {
  const int size = architecture.image.image_size;
  if (name == "emoclip") return image::PreprocessSpec::emoclip(size);
  if (name == "dfer_clip") return image::PreprocessSpec::dfer_clip(size);
  if (name == "auto" && hints.bundle) return hints.bundle->preprocess;
  if (name == "auto" && architecture.temporal) return image::PreprocessSpec::emoclip(size);
  image::PreprocessSpec out = image::PreprocessSpec::clip(size);
  if (name == "clip") return out;
  using StepKind = image::PreprocessStep::Kind;
  for (image::PreprocessStep& step : out.steps) {
    if (step.kind == StepKind::kNormalize) {
      step.mean = hints.pixels.mean.value_or(step.mean);
      step.std = hints.pixels.std.value_or(step.std);
    }
    if (step.kind == StepKind::kResizeShorter) {
      step.filter = hints.pixels.filter;
      if (hints.pixels.exact) step.kind = StepKind::kResizeExact;
    }
  }
  return out;
}

}  // namespace mien::cli
