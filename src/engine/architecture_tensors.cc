// The tensors that belong to sizes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/stored_precision.h"
#include "mien/engine/architecture.h"

namespace mien::engine {
namespace {

void add_blocks(std::vector<ExpectedTensor>& out, const std::string& prefix, int layers,
                std::int64_t width, std::int64_t mlp) {
  for (int i = 0; i < layers; ++i) {
    const std::string block = fmt::format("{}transformer.resblocks.{}.", prefix, i);
    const auto add = [&](const char* name, Shape shape) {
      out.push_back({block + name, std::move(shape)});
    };
    add("ln_1.weight", {width});
    add("ln_1.bias", {width});
    add("attn.in_proj_weight", {3 * width, width});
    add("attn.in_proj_bias", {3 * width});
    add("attn.out_proj.weight", {width, width});
    add("attn.out_proj.bias", {width});
    add("ln_2.weight", {width});
    add("ln_2.bias", {width});
    add("mlp.c_fc.weight", {mlp, width});
    add("mlp.c_fc.bias", {mlp});
    add("mlp.c_proj.weight", {width, mlp});
    add("mlp.c_proj.bias", {width});
  }
}

bool is_floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF64;
}

void add_temporal(std::vector<ExpectedTensor>& out, const TemporalTower& tower) {
  const std::int64_t width = tower.width;
  if (tower.hidden > 0) {
    out.push_back({"temporal.score.0.weight", {tower.hidden, 3 * width}});
    out.push_back({"temporal.score.0.bias", {tower.hidden}});
    out.push_back({"temporal.score.2.weight", {1, tower.hidden}});
    return;
  }
  const std::int64_t inner = std::int64_t{tower.heads} * tower.head_width;
  out.push_back({"temporal.cls_token", {1, 1, width}});
  out.push_back({"temporal.pos_embedding", {1, tower.positions, width}});
  for (int i = 0; i < tower.layers; ++i) {
    const std::string block = fmt::format("temporal.temporal_transformer.layers.{}.", i);
    const auto add = [&](const char* name, Shape shape) {
      out.push_back({block + name, std::move(shape)});
    };
    add("0.fn.norm.weight", {width});
    add("0.fn.norm.bias", {width});
    add("0.fn.fn.to_qkv.weight", {3 * inner, width});
    add("0.fn.fn.to_out.0.weight", {width, inner});
    add("0.fn.fn.to_out.0.bias", {width});
    add("1.fn.norm.weight", {width});
    add("1.fn.norm.bias", {width});
    add("1.fn.fn.net.0.weight", {tower.mlp, width});
    add("1.fn.fn.net.0.bias", {tower.mlp});
    add("1.fn.fn.net.3.weight", {width, tower.mlp});
    add("1.fn.fn.net.3.bias", {width});
  }
}

void add_residual(std::vector<ExpectedTensor>& out, const ResidualSizes& sizes, int embed) {
  const auto conv = [&](const std::string& name, std::int64_t from, std::int64_t to, int kernel) {
    out.push_back({name + ".weight", {to, from, kernel, kernel}});
  };
  const auto norm = [&](const std::string& name, std::int64_t width) {
    for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
      out.push_back({fmt::format("{}.{}", name, part), {width}});
    }
  };
  conv("visual.conv1", sizes.channels, sizes.stem_width, sizes.stem_kernel);
  norm("visual.bn1", sizes.stem_width);
  std::int64_t in = sizes.stem_width;
  for (std::size_t stage = 0; stage < sizes.widths.size(); ++stage) {
    const std::int64_t width = sizes.widths[stage];
    for (int i = 0; i < sizes.blocks[stage]; ++i) {
      const std::string block = fmt::format("visual.layer{}.{}.", stage + 1, i);
      conv(block + "conv1", in, width, 3);
      norm(block + "bn1", width);
      conv(block + "conv2", width, width, 3);
      norm(block + "bn2", width);
      if (residual_stride(sizes, stage, i) != 1 || in != width) {
        conv(block + "downsample.0", in, width, 1);
        norm(block + "downsample.1", width);
      }
      in = width;
    }
  }
  if (sizes.projection) out.push_back({"visual.proj", {in, embed}});
}

void add_words(std::vector<ExpectedTensor>& out, const TextTower& tower, int embed) {
  const std::int64_t width = tower.width;
  out.push_back({"words.table", {tower.vocabulary, tower.word_width}, true});
  out.push_back({"words.scale", {tower.vocabulary}});
  out.push_back({"words.input.weight", {width, tower.word_width}});
  out.push_back({"words.input.bias", {width}});
  out.push_back({"words.class_embedding", {width}});
  out.push_back({"words.positional_embedding", {tower.context + 1, width}});
  out.push_back({"words.ln_final.weight", {width}});
  out.push_back({"words.ln_final.bias", {width}});
  out.push_back({"words.projection", {width, embed}});
  out.push_back({"words.bag", {tower.word_width, embed}});
  add_blocks(out, "words.", tower.layers, width, tower.mlp);
}

void add_vit(std::vector<ExpectedTensor>& out, const Architecture& a) {
  const std::int64_t width = a.image.width;
  out.push_back({"visual.conv1.weight", {width, 3, a.image.patch, a.image.patch}});
  out.push_back({"visual.class_embedding", {width}});
  out.push_back({"visual.positional_embedding", {a.image.tokens(), width}});
  for (const char* norm : {"visual.ln_pre", "visual.ln_post"}) {
    out.push_back({std::string(norm) + ".weight", {width}});
    out.push_back({std::string(norm) + ".bias", {width}});
  }
  out.push_back({"visual.proj", {width, a.embed}});
  add_blocks(out, "visual.", a.image.layers, width, a.image.mlp);
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

int residual_stride(const ResidualSizes& sizes, std::size_t stage, int block) {
  if (block > 0) return 1;
  return stage == 0 ? sizes.first_stride : 2;
}

std::vector<ExpectedTensor> expected_tensors(const Architecture& a) {
  std::vector<ExpectedTensor> out;
  if (a.image.residual) {
    add_residual(out, *a.image.residual, a.embed);
  } else if (a.image.swin) {
    add_swin(out, *a.image.swin, a.embed);
  } else {
    add_vit(out, a);
  }
  if (a.text && a.text->word_width > 0) {
    add_words(out, *a.text, a.embed);
  } else if (a.text) {
    const std::int64_t text_width = a.text->width;
    out.push_back({"token_embedding.weight", {a.text->vocabulary, text_width}});
    out.push_back({"positional_embedding", {a.text->context, text_width}});
    out.push_back({"ln_final.weight", {text_width}});
    out.push_back({"ln_final.bias", {text_width}});
    out.push_back({"text_projection", {text_width, a.embed}});
    add_blocks(out, "", a.text->layers, text_width, a.text->mlp);
  }
  if (a.temporal) add_temporal(out, *a.temporal);
  if (a.neutral) add_neutral(out, *a.neutral, a.embed);
  add_prompt(out, a);
  add_reciprocal(out, a);
  if (a.regression) add_regression(out, *a.regression, a.embed);
  return out;
}

bool takes_int8(std::string_view tensor) {
  const bool vit = tensor.starts_with("visual.transformer.resblocks.") ||
                   tensor.starts_with("transformer.resblocks.");
  const bool swin = tensor.starts_with("visual.layers.") && tensor.find(".blocks.") != tensor.npos;
  const auto ends = [&](std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return tensor.ends_with(name); });
  };
  return (vit && ends({".attn.in_proj_weight", ".attn.out_proj.weight", ".mlp.c_fc.weight",
                       ".mlp.c_proj.weight"})) ||
         (swin &&
          ends({".attn.qkv.weight", ".attn.proj.weight", ".mlp.fc1.weight", ".mlp.fc2.weight"}));
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
    return corrupt(fmt::format("{}: '{}' has a scale that is no number above zero", subject, name));
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
