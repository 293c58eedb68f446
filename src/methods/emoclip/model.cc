#include "methods/emoclip/model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "loss/unit_rows.h"
#include "methods/kit/named_tensors.h"
#include "methods/kit/temporal.h"
#include "methods/kit/tower_table.h"
#include "nn/load.h"
#include "text/tiny_vocabulary.h"

namespace mien::methods {
namespace {

constexpr double kClipStartFactor = 1.0 / 0.07;  // CLIP's logit scale before training

// The published module has heads and MLP the other way round than their names say, and its weights
// load only so.
engine::TemporalTransformerSizes temporal_tower(const EmoclipOptions& options, int width) {
  const bool published = options.temporal == "emoclip";
  return {.width = width,
          .layers = options.temporal_layers,
          .heads = published ? 8 : std::max(1, width / 64),
          .head_width = published ? 4 * width : 64,
          .mlp = published ? width : 4 * width,
          .positions = 1024};
}

Result<std::shared_ptr<const text::BpeTokenizer>> vocabulary(const std::string& name) {
  if (name != "tiny") return text::load_bpe(name);
  const std::string_view merges = text::tiny_merges_text();
  return text::parse_bpe_merges(std::as_bytes(std::span(merges.data(), merges.size())));
}

engine::Architecture random_architecture(const TowerOptions& tower, int vocabulary) {
  engine::Architecture out;
  out.embed = tower.embed;
  out.image = engine::VitSizes{.image_size = tower.image_size,
                               .patch = tower.patch,
                               .width = tower.width,
                               .layers = tower.layers,
                               .heads = tower.heads,
                               .mlp = 4 * tower.width};
  out.text = engine::ClipTextSizes{.context = 77,
                                   .vocabulary = vocabulary,
                                   .width = tower.text_width,
                                   .layers = tower.text_layers,
                                   .heads = tower.text_heads,
                                   .mlp = 4 * tower.text_width};
  return out;
}

}  // namespace

Result<EmoclipModel> make_emoclip_model(const EmoclipOptions& options, std::uint64_t seed,
                                        const LogSink& log) {
  MIEN_RETURN_IF_ERROR(options.validate());
  EmoclipModel out;
  std::shared_ptr<const engine::Bundle> bundle;
  double factor = kClipStartFactor;
  if (options.init.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.tokenizer, vocabulary(options.tower.vocabulary));
    out.architecture = random_architecture(options.tower, out.tokenizer->vocabulary_size());
  } else {
    MIEN_ASSIGN_OR_RETURN(bundle, engine::Bundle::load(options.init));
    const engine::Architecture& sizes = bundle->info().architecture;
    if (!sizes.text || !std::holds_alternative<engine::ClipTextSizes>(*sizes.text) ||
        !std::holds_alternative<engine::VitSizes>(sizes.image)) {
      return unsupported(options.init +
                         ": has not both towers of a CLIP (expected a bundle with a vision "
                         "transformer and a text tower over byte pairs)");
    }
    MIEN_ASSIGN_OR_RETURN(out.tokenizer, bundle->tokenizer());
    out.architecture = bundle->info().architecture;
    factor = bundle->info().logit_scale;
  }
  out.architecture.temporal.reset();
  std::optional<engine::TemporalTransformerSizes> temporal;
  if (options.temporal != "none") {
    temporal = temporal_tower(options, out.architecture.embed);
    out.architecture.temporal = *temporal;
  }
  MIEN_RETURN_IF_ERROR(out.architecture.validate("emoclip"));
  torch::manual_seed(seed);
  out.clip = nn::Clip(clip_options(std::get<engine::VitSizes>(out.architecture.image),
                                   std::get<engine::ClipTextSizes>(*out.architecture.text),
                                   out.architecture.embed));
  if (bundle) {
    MIEN_RETURN_IF_ERROR(
        nn::load_by_name(out.clip->published(), bundle->weights(), {.strict = false})
            .with_prefix(options.init));
  }
  if (temporal) {
    out.temporal = make_temporal(*temporal);
    if (bundle) {
      MIEN_RETURN_IF_ERROR(load_temporal(*out.temporal, *temporal, *bundle, options.init, log));
    }
  }
  out.tau = torch::full({}, std::log(factor), torch::kFloat32);
  out.groups(options);
  if (bundle && !out.trains_visual) {
    MIEN_ASSIGN_OR_RETURN(out.packed, bundle->image_encoder());
  }
  return out;
}

torch::Tensor EmoclipModel::frames(const torch::Tensor& pixels) {
  if (packed && !trains_visual) {
    return packed_images(*packed, pixels.flatten(0, 1), session)
        .view({pixels.size(0), pixels.size(1), -1});
  }
  const c10::AutoGradMode mode(trains_visual && at::GradMode::is_enabled());
  return clip->encode_image(pixels.flatten(0, 1)).view({pixels.size(0), pixels.size(1), -1});
}

torch::Tensor EmoclipModel::clips(const torch::Tensor& frames) {
  return loss::unit_rows(temporal ? temporal->forward(frames) : frames.mean(1));
}

torch::Tensor EmoclipModel::texts(const torch::Tensor& tokens) {
  const c10::AutoGradMode mode(trains_text && at::GradMode::is_enabled());
  return loss::unit_rows(clip->encode_text(tokens));
}

NamedTorchTensors EmoclipModel::named() const {
  NamedTorchTensors out = clip->published();
  if (temporal) append(out, "temporal.", nn::named_parameters(*temporal));
  out.emplace_back("logit_scale", tau);
  return out;
}

std::vector<ParameterGroup> EmoclipModel::groups(const EmoclipOptions& options) {
  const bool all = options.trains == "all";
  trains_visual = all || options.trains == "visual" || options.trains == "both";
  trains_text = all || options.trains == "text" || options.trains == "both";
  ParameterGroup own{.name = "temporal", .parameters = {}};
  ParameterGroup backbone{
      .name = "backbone", .parameters = {}, .lr_factor = all ? 1.0 : options.backbone_lr_factor};
  for (const auto& [name, tensor] : named()) {
    const bool is_own = name == "logit_scale" || name.starts_with("temporal.");
    const bool is_text_block = name.starts_with("transformer.");
    const bool trains =
        is_own || all ||
        (name.starts_with("visual.") ? trains_visual : trains_text && is_text_block);
    torch::Tensor(tensor).set_requires_grad(trains);
    if (trains) (is_own ? own : backbone).parameters.emplace_back(name, tensor);
  }
  std::vector<ParameterGroup> out;
  out.push_back(std::move(own));
  if (!backbone.parameters.empty()) out.push_back(std::move(backbone));
  return out;
}

}  // namespace mien::methods
