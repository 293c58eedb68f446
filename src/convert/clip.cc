#include "convert/clip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "convert/exp_clip.h"
#include "convert/labels.h"
#include "convert/left_out.h"
#include "convert/plan.h"
#include "convert/regression.h"
#include "convert/text_tower.h"

namespace mien::convert {
namespace {

using checkpoint::ClipNaming;
using checkpoint::TensorSource;
using kernels::Activation;

constexpr double kUsualLogitScale = 100.0;
constexpr double kSameScale = 0.1;  // half precision stores CLIP's 100 as up to 100.1
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

// Archives of OpenAI, which OpenCLIP never writes.
bool is_openai_release(const checkpoint::Checkpoint& weights) {
  return weights.format() == "torchscript" || weights.find("input_resolution") != nullptr;
}

// The activation that the tensor names suggest, if neither the user nor a configuration names one.
Activation usual_activation(const Source& source, ClipNaming naming,
                            std::vector<std::string>& notes) {
  if (naming == ClipNaming::kHuggingFace) {
    notes.emplace_back("no config.json: assumed quick_gelu, the usual activation of this layout");
    return Activation::kQuickGelu;
  }
  const bool open_clip = naming == ClipNaming::kOpenClip ||
                         source.weights.filename().string().starts_with("open_clip");
  if (open_clip) {
    notes.emplace_back(
        "no open_clip_config.json: assumed gelu, OpenCLIP's usual activation; for OpenAI's weights "
        "--activation quick_gelu is right");
    return Activation::kGelu;
  }
  if (!is_openai_release(*source.checkpoint)) {
    notes.emplace_back(
        "assumed quick_gelu, the activation of OpenAI's weights; for weights that OpenCLIP trained "
        "--activation gelu is right");
  }
  return Activation::kQuickGelu;
}

}  // namespace

Result<engine::Architecture> clip_architecture(const Source& source, ClipNaming naming,
                                               const Hints& hints,
                                               std::optional<Activation> activation,
                                               std::vector<std::string>& notes) {
  const std::string subject = source.weights.string();
  auto inferred = checkpoint::infer_clip_shape(*source.checkpoint, naming);
  if (!inferred.ok()) return inferred.status().with_prefix(subject);
  const checkpoint::ClipShape& shape = *inferred;
  MIEN_RETURN_IF_ERROR(check_hints(shape, hints));

  Activation image = Activation::kQuickGelu;
  Activation text = Activation::kQuickGelu;
  if (activation) {
    image = text = *activation;
  } else if (hints.image.activation || hints.text.activation) {
    image = hints.image.activation.value_or(image);
    text = hints.text.activation.value_or(text);
  } else {
    image = text = usual_activation(source, naming, notes);
  }
  engine::Architecture out;
  out.embed = static_cast<int>(shape.embed_dim);
  out.image =
      engine::VitSizes{.image_size = static_cast<int>(shape.image_size),
                       .patch = static_cast<int>(shape.patch),
                       .width = static_cast<int>(shape.vision_width),
                       .layers = static_cast<int>(shape.vision_layers),
                       .heads = static_cast<int>(hints.image.heads.value_or(shape.vision_heads)),
                       .mlp = static_cast<int>(shape.vision_mlp),
                       .activation = image};
  if (shape.has_text) {
    out.text = engine::ClipTextSizes{
        .context = static_cast<int>(shape.context),
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

Result<std::optional<engine::TemporalTower>> temporal_tower(const Source& source,
                                                            const std::vector<TensorSource>& rows) {
  if (rows.empty()) return std::optional<engine::TemporalTower>();
  const auto inferred = checkpoint::infer_temporal_shape(*source.checkpoint, rows);
  if (!inferred.ok()) return inferred.status().with_prefix(source.weights.string());
  if (inferred->inner % kTemporalHeads != 0) {
    return unsupported(fmt::format(
        "{}: the heads of the temporal model are {} wide together (expected a multiple of {})",
        source.weights.string(), inferred->inner, kTemporalHeads));
  }
  return std::optional<engine::TemporalTower>(engine::TemporalTransformerSizes{
      .width = static_cast<int>(inferred->width),
      .layers = static_cast<int>(inferred->layers),
      .heads = kTemporalHeads,
      .head_width = static_cast<int>(inferred->inner / kTemporalHeads),
      .mlp = static_cast<int>(inferred->mlp),
      .positions = static_cast<int>(inferred->positions),
      .activation = Activation::kGeluTanh});
}

Result<double> read_logit_scale(const checkpoint::Checkpoint& weights,
                                const std::vector<TensorSource>& rows,
                                std::vector<std::string>& notes) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [](const auto& r) { return r.name == "logit_scale"; });
  if (row == rows.end()) {
    notes.emplace_back("no logit_scale: assumed a factor of 100, as in CLIP");
    return kUsualLogitScale;
  }
  MIEN_ASSIGN_OR_RETURN(const Tensor stored, checkpoint::gather(weights, *row));
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

image::PreprocessSpec preprocess_of(Preprocess name, int side) {
  MIEN_CHECK(name != Preprocess::kAuto);
  if (name == Preprocess::kEmoclip) return image::PreprocessSpec::normalized_first(side);
  if (name == Preprocess::kDferClip) return image::PreprocessSpec::stretched(side);
  return image::PreprocessSpec::clip(side);
}

namespace {

// CLIP's recipe with the filter, mean and deviation of a configuration.
image::PreprocessSpec configured_preprocess(const PixelHints& pixels, int side) {
  image::PreprocessSpec out = image::PreprocessSpec::clip(side);
  using StepKind = image::PreprocessStep::Kind;
  for (image::PreprocessStep& step : out.steps) {
    if (step.kind == StepKind::kNormalize) {
      step.mean = pixels.mean.value_or(step.mean);
      step.std = pixels.std.value_or(step.std);
    }
    if (step.kind == StepKind::kResizeShorter) {
      step.filter = pixels.filter;
      if (pixels.exact) step.kind = StepKind::kResizeExact;
    }
  }
  return out;
}

// Frame sampling: as in EmoCLIP's evaluation if there is a temporal model, otherwise as in CLIP.
void fill_reading(const Hints& hints, Preprocess preprocess, engine::BundleInfo& info) {
  const int side = info.architecture.image_size();
  const auto& temporal = info.architecture.temporal;
  info.method = temporal ? "emoclip" : "clip";
  info.preprocess = preprocess != Preprocess::kAuto ? preprocess_of(preprocess, side)
                    : temporal                      ? image::PreprocessSpec::normalized_first(side)
                                                    : configured_preprocess(hints.pixels, side);
  if (!temporal) return;
  info.sampling = {.rule = video::SamplingRule::kStridedWindow,
                   .frames = std::min(kTemporalFrames, max_frames_of(*temporal)),
                   .stride = kTemporalStride};
}

}  // namespace

Result<Plan> plan_clip_towers(const Source& source, const ClipNames& names,
                              const Options& options) {
  const std::string subject = source.weights.string();
  const checkpoint::Checkpoint& weights = *source.checkpoint;
  Plan out;
  MIEN_ASSIGN_OR_RETURN(const Hints hints, read_hints(source, names.naming, options.limits));
  engine::BundleInfo& info = out.info;
  MIEN_ASSIGN_OR_RETURN(info.architecture, clip_architecture(source, names.naming, hints,
                                                             options.activation, out.notes));
  MIEN_ASSIGN_OR_RETURN(info.architecture.temporal, temporal_tower(source, names.temporal));
  MIEN_ASSIGN_OR_RETURN(auto head, find_regression(weights, names.naming, info.architecture.embed,
                                                   options.targets, out.notes));
  out.model = {source, names.towers};
  std::vector<TensorSource>& rows = out.model.rows;
  rows.insert(rows.end(), names.temporal.begin(), names.temporal.end());
  if (head) {
    info.architecture.regression = head->sizes;
    info.targets = std::move(head->targets);
    rows.insert(rows.end(), head->rows.begin(), head->rows.end());
  }
  MIEN_RETURN_IF_ERROR(info.architecture.validate(subject));
  auto scale = read_logit_scale(weights, names.towers, out.notes);
  if (!scale.ok()) return scale.status().with_prefix(subject);
  info.logit_scale = *scale;
  out.left_out = find_left_out(weights, rows);
  const Status whole =
      check_left_out(weights, out.left_out, options.leave_out, info.architecture.image_size());
  if (!whole.ok()) return whole.with_prefix(subject);
  fill_reading(hints, options.preprocess, info);
  out.config = hints.file;
  out.naming = checkpoint::to_string(names.naming);
  return out;
}

Result<Plan> plan_clip(const Source& source, const ClipNames& names, const Options& options) {
  MIEN_ASSIGN_OR_RETURN(Plan out, plan_clip_towers(source, names, options));
  MIEN_ASSIGN_OR_RETURN(text::LabelSet labels, options.projection.empty()
                                                   ? plain_labels(options)
                                                   : exp_clip_labels(options));
  out.info.labels = std::move(labels.labels);
  MIEN_ASSIGN_OR_RETURN(out, with_words(std::move(out), options));
  return with_projection(std::move(out), options);
}

}  // namespace mien::convert
