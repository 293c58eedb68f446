#include "checkpoint/name_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace mien::checkpoint {

namespace {

constexpr std::string_view kPrefixes[] = {"module.", "model.", "clip.", "clip_model.", "backbone."};
constexpr std::size_t kMaxMissingListed = 3;
constexpr std::uint32_t kMaxLayers = 1000;

// One row of a naming: our name and theirs. In block rows, both follow the prefix of the block.
struct MapRow {
  std::string_view ours;
  std::vector<std::string_view> theirs;
  bool transpose = false;
};

struct Tower {
  std::vector<MapRow> head;
  std::string_view our_blocks;
  std::string_view their_blocks;
  std::vector<MapRow> block;
  std::vector<MapRow> tail;
};

struct Naming {
  ClipNaming id = ClipNaming::kUnknown;
  std::string_view image_anchor;   // identifies this naming, together with its prefix
  std::string_view second_anchor;  // must exist too; empty: not needed
  Tower image;
  Tower text;
};

std::vector<MapRow> same_block() {
  std::vector<MapRow> rows;
  for (const std::string_view name :
       {"ln_1.weight", "ln_1.bias", "attn.in_proj_weight", "attn.in_proj_bias",
        "attn.out_proj.weight", "attn.out_proj.bias", "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight",
        "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias"}) {
    rows.push_back({name, {name}});
  }
  return rows;
}

std::vector<MapRow> hugging_face_block() {
  return {
      {"ln_1.weight", {"layer_norm1.weight"}},
      {"ln_1.bias", {"layer_norm1.bias"}},
      {"attn.in_proj_weight",
       {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"}},
      {"attn.in_proj_bias",
       {"self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"}},
      {"attn.out_proj.weight", {"self_attn.out_proj.weight"}},
      {"attn.out_proj.bias", {"self_attn.out_proj.bias"}},
      {"ln_2.weight", {"layer_norm2.weight"}},
      {"ln_2.bias", {"layer_norm2.bias"}},
      {"mlp.c_fc.weight", {"mlp.fc1.weight"}},
      {"mlp.c_fc.bias", {"mlp.fc1.bias"}},
      {"mlp.c_proj.weight", {"mlp.fc2.weight"}},
      {"mlp.c_proj.bias", {"mlp.fc2.bias"}},
  };
}

Tower openai_image() {
  Tower tower;
  for (const std::string_view name :
       {"visual.class_embedding", "visual.positional_embedding", "visual.conv1.weight",
        "visual.ln_pre.weight", "visual.ln_pre.bias"}) {
    tower.head.push_back({name, {name}});
  }
  tower.our_blocks = tower.their_blocks = "visual.transformer.resblocks.";
  tower.block = same_block();
  for (const std::string_view name :
       {"visual.ln_post.weight", "visual.ln_post.bias", "visual.proj"}) {
    tower.tail.push_back({name, {name}});
  }
  return tower;
}

Naming openai() {
  Naming out{ClipNaming::kOpenAi, "visual.conv1.weight", "", openai_image(), {}};
  for (const std::string_view name : {"token_embedding.weight", "positional_embedding"}) {
    out.text.head.push_back({name, {name}});
  }
  out.text.our_blocks = out.text.their_blocks = "transformer.resblocks.";
  out.text.block = same_block();
  for (const std::string_view name :
       {"ln_final.weight", "ln_final.bias", "text_projection", "logit_scale"}) {
    out.text.tail.push_back({name, {name}});
  }
  return out;
}

Naming open_clip() {
  Naming out{ClipNaming::kOpenClip,
             "visual.conv1.weight",
             "text.token_embedding.weight",
             openai_image(),
             {}};
  out.text.head = {{"token_embedding.weight", {"text.token_embedding.weight"}},
                   {"positional_embedding", {"text.positional_embedding"}}};
  out.text.our_blocks = "transformer.resblocks.";
  out.text.their_blocks = "text.transformer.resblocks.";
  out.text.block = same_block();
  out.text.tail = {{"ln_final.weight", {"text.ln_final.weight"}},
                   {"ln_final.bias", {"text.ln_final.bias"}},
                   {"text_projection", {"text.text_projection"}},
                   {"logit_scale", {"logit_scale"}}};
  return out;
}

Naming hugging_face() {
  Naming out;
  out.id = ClipNaming::kHuggingFace;
  out.image_anchor = "vision_model.embeddings.patch_embedding.weight";
  out.image.head = {
      {"visual.class_embedding", {"vision_model.embeddings.class_embedding"}},
      {"visual.positional_embedding", {"vision_model.embeddings.position_embedding.weight"}},
      {"visual.conv1.weight", {"vision_model.embeddings.patch_embedding.weight"}},
      // Spelled so in the published models.
      {"visual.ln_pre.weight", {"vision_model.pre_layrnorm.weight"}},
      {"visual.ln_pre.bias", {"vision_model.pre_layrnorm.bias"}}};
  out.image.our_blocks = "visual.transformer.resblocks.";
  out.image.their_blocks = "vision_model.encoder.layers.";
  out.image.block = hugging_face_block();
  out.image.tail = {{"visual.ln_post.weight", {"vision_model.post_layernorm.weight"}},
                    {"visual.ln_post.bias", {"vision_model.post_layernorm.bias"}},
                    {"visual.proj", {"visual_projection.weight"}, true}};
  out.text.head = {{"token_embedding.weight", {"text_model.embeddings.token_embedding.weight"}},
                   {"positional_embedding", {"text_model.embeddings.position_embedding.weight"}}};
  out.text.our_blocks = "transformer.resblocks.";
  out.text.their_blocks = "text_model.encoder.layers.";
  out.text.block = hugging_face_block();
  out.text.tail = {{"ln_final.weight", {"text_model.final_layer_norm.weight"}},
                   {"ln_final.bias", {"text_model.final_layer_norm.bias"}},
                   {"text_projection", {"text_projection.weight"}, true},
                   {"logit_scale", {"logit_scale"}}};
  return out;
}

// The image tower alone, without `visual.`. `transformer.resblocks.` is then the image tower, but
// the text tower in OpenAI's names: the anchors decide, never that prefix.
Naming bare_image() {
  Naming out;
  out.id = ClipNaming::kBareImage;
  out.image_anchor = "conv1.weight";
  out.second_anchor = "class_embedding";
  out.image.head = {{"visual.class_embedding", {"class_embedding"}},
                    {"visual.positional_embedding", {"positional_embedding"}},
                    {"visual.conv1.weight", {"conv1.weight"}},
                    {"visual.ln_pre.weight", {"ln_pre.weight"}},
                    {"visual.ln_pre.bias", {"ln_pre.bias"}}};
  out.image.our_blocks = "visual.transformer.resblocks.";
  out.image.their_blocks = "transformer.resblocks.";
  out.image.block = same_block();
  out.image.tail = {{"visual.ln_post.weight", {"ln_post.weight"}},
                    {"visual.ln_post.bias", {"ln_post.bias"}},
                    {"visual.proj", {"proj"}}};
  return out;
}

// EmoCLIP's temporal module; we use its names.
Tower temporal_module() {
  Tower tower;
  for (const std::string_view name : {"temporal.cls_token", "temporal.pos_embedding"}) {
    tower.head.push_back({name, {name}});
  }
  tower.our_blocks = tower.their_blocks = "temporal.temporal_transformer.layers.";
  for (const std::string_view name :
       {"0.fn.norm.weight", "0.fn.norm.bias", "0.fn.fn.to_qkv.weight", "0.fn.fn.to_out.0.weight",
        "0.fn.fn.to_out.0.bias", "1.fn.norm.weight", "1.fn.norm.bias", "1.fn.fn.net.0.weight",
        "1.fn.fn.net.0.bias", "1.fn.fn.net.3.weight", "1.fn.fn.net.3.bias"}) {
    tower.block.push_back({name, {name}});
  }
  return tower;
}

// In the order of trial: OpenCLIP's new layout also has OpenAI's anchor.
std::vector<Naming> all_namings() { return {open_clip(), openai(), hugging_face(), bare_image()}; }

bool is_known_prefix(std::string_view text) {
  while (!text.empty()) {
    const auto* const part =
        std::find_if(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
    if (part == std::end(kPrefixes)) return false;
    text.remove_prefix(part->size());
  }
  return true;
}

// The shortest known prefix before the anchor.
std::optional<std::string> find_prefix(const Checkpoint& checkpoint, const Naming& naming) {
  std::optional<std::string> best;
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (!name.ends_with(naming.image_anchor)) continue;
    const std::string prefix = name.substr(0, name.size() - naming.image_anchor.size());
    if (!is_known_prefix(prefix) || (best && best->size() <= prefix.size())) continue;
    if (!naming.second_anchor.empty() &&
        checkpoint.find(prefix + std::string(naming.second_anchor)) == nullptr) {
      continue;
    }
    best = prefix;
  }
  return best;
}

// The prefix of the model that contains a CLIP backbone.
std::string outer_prefix(const std::string& prefix) {
  constexpr std::string_view kPart = "backbone.";
  return prefix.ends_with(kPart) ? prefix.substr(0, prefix.size() - kPart.size()) : prefix;
}

// Largest block number plus one; a gap shows later as missing tensors.
std::uint32_t count_layers(const Checkpoint& checkpoint, const std::string& prefix) {
  std::uint32_t layers = 0;
  const auto& tensors = checkpoint.tensors();
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix);
       ++it) {
    std::uint32_t number = 0;
    const char* const begin = it->first.data() + prefix.size();
    const auto [end, error] = std::from_chars(begin, it->first.data() + it->first.size(), number);
    if (error == std::errc() && end != begin && *end == '.' && number < kMaxLayers) {
      layers = std::max(layers, number + 1);
    }
  }
  return layers;
}

class Planner {
 public:
  Planner(const Checkpoint& checkpoint, std::string prefix)
      : checkpoint_(checkpoint), prefix_(std::move(prefix)) {}

  bool has_any(const Tower& tower) const {
    const bool blocks = count_layers(checkpoint_, prefix_ + std::string(tower.their_blocks)) > 0;
    const auto present = [&](const MapRow& row) {
      return row.ours != "logit_scale" &&
             checkpoint_.find(prefix_ + std::string(row.theirs.front())) != nullptr;
    };
    return blocks || std::any_of(tower.head.begin(), tower.head.end(), present) ||
           std::any_of(tower.tail.begin(), tower.tail.end(), present);
  }

  void add(const Tower& tower) {
    for (const MapRow& row : tower.head) add_row(row, "", "");
    const std::uint32_t layers =
        count_layers(checkpoint_, prefix_ + std::string(tower.their_blocks));
    for (std::uint32_t i = 0; i < std::max(layers, 1U); ++i) {
      for (const MapRow& row : tower.block) {
        add_row(row, fmt::format("{}{}.", tower.our_blocks, i),
                fmt::format("{}{}.", tower.their_blocks, i));
      }
    }
    for (const MapRow& row : tower.tail) add_row(row, "", "");
  }

  // A model around the backbone trains its own scale; that of the backbone is then unused.
  void take_outer_scale() {
    const std::string outer = outer_prefix(prefix_) + "logit_scale";
    if (outer_prefix(prefix_) == prefix_ || checkpoint_.find(outer) == nullptr) return;
    for (TensorSource& row : plan) {
      if (row.name != "logit_scale") continue;
      row.sources = {outer};
      std::erase(missing, prefix_ + "logit_scale");
      return;
    }
    plan.push_back({"logit_scale", {outer}, false});
  }

  // The plan, or the tensors it lacks.
  Result<std::vector<TensorSource>> take(std::string_view what) {
    if (missing.empty()) return std::move(plan);
    std::string names;
    for (std::size_t i = 0; i < std::min(missing.size(), kMaxMissingListed); ++i) {
      names += fmt::format("{}'{}'", i == 0 ? "" : ", ", missing[i]);
    }
    return unsupported(fmt::format("checkpoint: {} of {} {} are missing: {}{}", missing.size(),
                                   plan.size(), what, names,
                                   missing.size() > kMaxMissingListed ? ", ..." : ""));
  }

  std::vector<TensorSource> plan;
  std::vector<std::string> missing;

 private:
  void add_row(const MapRow& row, const std::string& ours, const std::string& theirs) {
    TensorSource out{ours + std::string(row.ours), {}, row.transpose};
    for (const std::string_view source : row.theirs) {
      out.sources.push_back(prefix_ + theirs + std::string(source));
      if (checkpoint_.find(out.sources.back()) == nullptr) missing.push_back(out.sources.back());
    }
    plan.push_back(std::move(out));
  }

  const Checkpoint& checkpoint_;
  std::string prefix_;
};

Status unknown_naming(const Checkpoint& checkpoint) {
  std::string seen;
  std::size_t listed = 0;
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (listed++ == kMaxMissingListed) break;
    seen += fmt::format("{}'{}'", seen.empty() ? "" : ", ", name);
  }
  return unsupported(
      fmt::format("checkpoint: no known CLIP naming (expected 'visual.conv1.weight' or "
                  "'vision_model.embeddings.patch_embedding.weight', got {} tensors{}{})",
                  checkpoint.tensors().size(), seen.empty() ? "" : " such as ", seen));
}

}  // namespace

std::string_view to_string(ClipNaming naming) {
  switch (naming) {
    case ClipNaming::kOpenAi: return "openai";
    case ClipNaming::kHuggingFace: return "huggingface";
    case ClipNaming::kOpenClip: return "openclip";
    case ClipNaming::kBareImage: return "bare_image";
    case ClipNaming::kUnknown: break;
  }
  return "unknown";
}

ClipNaming detect_clip_naming(const Checkpoint& checkpoint) {
  for (const Naming& naming : all_namings()) {
    if (find_prefix(checkpoint, naming)) return naming.id;
  }
  return ClipNaming::kUnknown;
}

Result<std::vector<TensorSource>> map_clip_names(const Checkpoint& checkpoint, ClipNaming naming) {
  for (const Naming& candidate : all_namings()) {
    if (candidate.id != naming) continue;
    auto prefix = find_prefix(checkpoint, candidate);
    if (!prefix) break;
    Planner planner(checkpoint, std::move(*prefix));
    planner.add(candidate.image);
    if (planner.has_any(candidate.text)) planner.add(candidate.text);
    planner.take_outer_scale();
    return planner.take(fmt::format("CLIP tensors ({} naming)", to_string(naming)));
  }
  return unknown_naming(checkpoint);
}

namespace {

// The plan of a part beside the CLIP backbone with its own names.
Result<std::vector<TensorSource>> map_beside(const Checkpoint& checkpoint, ClipNaming naming,
                                             const std::vector<Tower>& parts,
                                             std::string_view what) {
  for (const Naming& candidate : all_namings()) {
    if (candidate.id != naming) continue;
    const auto prefix = find_prefix(checkpoint, candidate);
    if (!prefix) break;
    Planner planner(checkpoint, outer_prefix(*prefix));
    for (const Tower& part : parts) {
      if (planner.has_any(part)) planner.add(part);
    }
    return planner.take(what);
  }
  return unknown_naming(checkpoint);
}

Tower linear_layer(std::string_view weight, std::string_view bias) {
  Tower out;
  out.head = {{weight, {weight}}, {bias, {bias}}};
  return out;
}

}  // namespace

Result<std::vector<TensorSource>> map_temporal_names(const Checkpoint& checkpoint,
                                                     ClipNaming naming) {
  return map_beside(checkpoint, naming, {temporal_module()}, "tensors of the temporal model");
}

Result<std::vector<TensorSource>> map_regression_names(const Checkpoint& checkpoint,
                                                       ClipNaming naming) {
  const Tower first = linear_layer("mlp.0.weight", "mlp.0.bias");
  const Tower second = linear_layer("mlp.2.weight", "mlp.2.bias");
  MIEN_ASSIGN_OR_RETURN(
      auto plan, map_beside(checkpoint, naming, {first, second}, "tensors of the regression head"));
  if (plan.size() == 2 && plan.front().name.starts_with("mlp.2")) {
    return unsupported(
        "checkpoint: the regression head has 'mlp.2.weight' only (expected "
        "'mlp.0.weight' too)");
  }
  return plan;
}

Result<Shape> gathered_shape(const Checkpoint& checkpoint, const TensorSource& row) {
  MIEN_CHECK(!row.sources.empty());
  Shape out;
  for (std::size_t i = 0; i < row.sources.size(); ++i) {
    const std::string& name = row.sources[i];
    const TensorView* view = checkpoint.find(name);
    if (view == nullptr) return not_found(fmt::format("checkpoint: no tensor '{}'", name));
    if (i == 0) {
      out = view->shape();
      continue;
    }
    const bool fits = !out.empty() && view->rank() == out.size() &&
                      std::equal(out.begin() + 1, out.end(), view->shape().begin() + 1);
    if (!fits) {
      return corrupt(
          fmt::format("checkpoint: '{}' has shape {} (expected {} except for its first size)", name,
                      to_string(view->shape()), to_string(out)));
    }
    // Tensors without elements can have any sizes.
    if (__builtin_add_overflow(out[0], view->dim(0), &out[0])) {
      return corrupt(fmt::format("checkpoint: '{}' has an overflowing shape", row.name));
    }
  }
  if (row.transpose) {
    if (out.size() != 2) {
      return corrupt(fmt::format("checkpoint: '{}' has shape {} (expected two dimensions)",
                                 row.sources.front(), to_string(out)));
    }
    std::swap(out[0], out[1]);
  }
  return out;
}

Result<Tensor> gather(const Checkpoint& checkpoint, const TensorSource& row) {
  MIEN_ASSIGN_OR_RETURN(Shape shape, gathered_shape(checkpoint, row));
  Shape as_stored = shape;
  if (row.transpose) std::swap(as_stored[0], as_stored[1]);
  // Rows without elements can have sizes whose sum overflows.
  if (!element_count(as_stored)) {
    return corrupt(fmt::format("checkpoint: '{}' has an overflowing shape", row.name));
  }
  Tensor joined(DType::kF32, as_stored);
  std::span<float> rest = joined.f32();
  for (const std::string& name : row.sources) {
    const TensorView& view = *checkpoint.find(name);
    if (Status s = copy_to_f32(view, rest.first(view.size())); !s.ok()) {
      return s.with_prefix(fmt::format("checkpoint: '{}'", name));
    }
    rest = rest.subspan(view.size());
  }
  if (!row.transpose) return joined;
  Tensor out(DType::kF32, std::move(shape));
  const auto rows = static_cast<std::size_t>(as_stored[0]);
  const auto columns = static_cast<std::size_t>(as_stored[1]);
  const std::span<const float> from = joined.f32();
  const std::span<float> to = out.f32();
  for (std::size_t r = 0; r < rows && !from.empty(); ++r) {
    for (std::size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
  return out;
}

}  // namespace mien::checkpoint
