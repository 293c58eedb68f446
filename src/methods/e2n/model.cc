// The towers of E2N-FER: the trainable image tower and the frozen texts.
#include "methods/e2n/model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <optional>

#include "methods/compact/image_options.h"
#include "nn/load.h"
#include "text/tokenizer.h"

namespace mien::methods {
namespace {

constexpr std::string_view kPrefix = "visual.";
constexpr std::string_view kPatches = "patch_embed.proj.weight";

bool is_head(std::string_view name) { return name == "proj" || name.starts_with("feature."); }

// A square of k x k pixels where there was one: the same response to a picture scaled by k.
std::optional<torch::Tensor> summed_patches(const torch::Tensor& from, const torch::Tensor& like) {
  if (from.dim() != 4 || from.size(0) != like.size(0) || from.size(1) != like.size(1) ||
      from.size(2) % like.size(2) != 0 || from.size(2) != from.size(3)) {
    return std::nullopt;
  }
  const std::int64_t k = from.size(2) / like.size(2), side = like.size(2);
  return from.reshape({from.size(0), from.size(1), side, k, side, k}).sum({3, 5});
}

}  // namespace

Status load_e2n_tower(const nn::ImageTowerModule& tower, const checkpoint::Checkpoint& weights) {
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;
  for (const auto& [name, tensor] : tower.published()) {
    const std::string full = std::string(kPrefix) + name;
    const TensorView* view = weights.find(full);
    if (view == nullptr) {
      if (is_head(name)) continue;
      return corrupt(
          fmt::format("'{}': is missing (expected an image tower as the recipe's)", full));
    }
    auto value = nn::to_torch(*view);
    if (!value.ok()) return value.status().with_prefix(full);
    torch::Tensor from = std::move(*value);
    if (from.sizes() != tensor.sizes() && name == kPatches) {
      from = summed_patches(from, tensor).value_or(from);
    }
    if (from.sizes() != tensor.sizes()) {
      if (is_head(name)) continue;
      const Shape wanted(tensor.sizes().begin(), tensor.sizes().end());
      return corrupt(fmt::format("'{}': has shape {} (expected {}, as the recipe says)", full,
                                 mien::to_string(view->shape()), mien::to_string(wanted)));
    }
    copies.emplace_back(tensor, from);
  }
  const at::NoGradGuard copying;
  for (auto& [to, from] : copies) to.copy_(from);
  return {};
}

Result<E2nTeacher> read_e2n_teacher(const std::filesystem::path& path, const std::string& pattern,
                                    const std::vector<std::string>& classes) {
  E2nTeacher out;
  MIEN_ASSIGN_OR_RETURN(out.bundle, engine::Bundle::load(path));
  MIEN_ASSIGN_OR_RETURN(const auto encoder, out.bundle->text_encoder());
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, out.bundle->tokenizer());
  std::vector<std::vector<std::int32_t>> rows;
  for (const std::string& name : classes) {
    out.prompts.push_back(e2n_prompt(pattern, name));
    MIEN_ASSIGN_OR_RETURN(rows.emplace_back(),
                          tokenizer->encode_padded(out.prompts.back(), encoder->context()));
  }
  out.texts = torch::empty({static_cast<std::int64_t>(rows.size()), encoder->embed()});
  engine::Session session;
  MIEN_RETURN_IF_ERROR(encoder->encode(rows, out.texts.data_ptr<float>(), session));
  out.scale = out.bundle->info().logit_scale;
  return out;
}

image::PreprocessSpec e2n_preprocess(int side, int channels) {
  if (channels == 1) return compact_preprocess(side);
  return image::PreprocessSpec::imagenet(side);
}

}  // namespace mien::methods
