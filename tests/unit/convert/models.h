#pragma once

// Small checkpoints of every kind that `convert` knows, made in memory: random numbers under the
// published names.

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors.h"
#include "core/file.h"
#include "mien/convert/convert.h"
#include "mien/core/rng.h"
#include "support/test_support.h"
#include "text/tiny_vocabulary.h"
#include "text/tokenizer.h"
#include "unit/checkpoint/fake_clip.h"

namespace mien::test {

/// Named tensors in memory that can be written, and read as a checkpoint.
class Weights final : public checkpoint::Checkpoint {
 public:
  /// Random numbers: norms near one, variances above zero, the rest small.
  void set(const std::string& name, const Shape& shape) {
    Tensor out(DType::kF32, shape);
    const bool gain = shape.size() == 1 && name.ends_with("weight");
    const bool variance = name.ends_with("running_var");
    for (float& v : out.f32()) {
      v = static_cast<float>(0.1 * rng_.normal() + (gain ? 1 : 0));
      if (variance) v = 1 + std::abs(v);
    }
    set(name, std::move(out));
  }
  void set(const std::string& name, Tensor tensor) {
    tensors_[name] = tensor.view();
    owned_[name] = std::move(tensor);
  }
  void set_value(const std::string& name, float value) { set(name, Tensor::from_f32({}, {value})); }
  /// Random numbers for every tensor of `layout`, with `prefix` in front of its name.
  void fill(const FakeCheckpoint& layout, const std::string& prefix = "") {
    for (const auto& [name, view] : layout.tensors()) {
      if (view.dtype() != DType::kI64) set(prefix + name, view.shape());
    }
  }
  /// Takes what `from` has under `prefix` under that of `to` too.
  void copy(const Weights& from, const std::string& prefix, const std::string& to) {
    for (const auto& [name, tensor] : from.owned_) {
      if (name.starts_with(prefix)) set(to + name.substr(prefix.size()), tensor.clone());
    }
  }
  void erase(const std::string& name) {
    MIEN_CHECK(tensors_.erase(name) == 1);
    owned_.erase(name);
  }
  void say(const std::string& key, const std::string& value) { metadata_[key] = value; }
  const Tensor& at(const std::string& name) const { return owned_.at(name); }

  /// Writes the tensors as safetensors.
  void write(const std::filesystem::path& path) const {
    checkpoint::NamedTensors all(tensors_.begin(), tensors_.end());
    MIEN_CHECK(checkpoint::write_safetensors(path, all, metadata_).ok());
  }

  const std::map<std::string, TensorView, std::less<>>& tensors() const override {
    return tensors_;
  }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  std::string_view format() const override { return "memory"; }
  void release(const TensorView&) const override {}

 private:
  Rng rng_{3};
  std::map<std::string, Tensor> owned_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

inline std::shared_ptr<const text::BpeTokenizer> tiny_tokenizer() {
  const std::string_view merges = text::tiny_merges_text();
  auto made = text::parse_bpe_merges(std::as_bytes(std::span(merges)));
  MIEN_CHECK(made.ok());
  return std::move(made).value();
}

/// The vocabulary as a file at `folder`.
inline void write_vocabulary(const std::filesystem::path& folder) {
  MIEN_CHECK(write_file_atomically(folder / "tokenizer.txt", text::tiny_merges_text()).ok());
}

/// The sizes of all models here: pictures of 8 pixels, embeddings of width 32.
inline checkpoint::ClipShape small_clip() {
  checkpoint::ClipShape s = tiny_clip();
  s.text_layers = 1;
  s.context = 24;
  s.vocab = tiny_tokenizer()->vocabulary_size();
  return s;
}

inline void set_scale(Weights& out, const std::string& name, double factor) {
  out.set_value(name, static_cast<float>(std::log(factor)));
}

/// OpenAI's names, below `prefix`.
inline Weights clip_weights(const std::string& prefix = "") {
  FakeCheckpoint layout;
  add_openai_image(layout, prefix, small_clip());
  add_openai_text(layout, prefix, "", small_clip());
  Weights out;
  out.fill(layout);
  set_scale(out, prefix + "logit_scale", 100);
  return out;
}

inline Weights hugging_face_weights() {
  FakeCheckpoint layout;
  add_hugging_face(layout, small_clip());
  Weights out;
  out.fill(layout);
  set_scale(out, "logit_scale", 100);
  return out;
}

/// EmoCLIP's temporal module with heads of 16, the smallest that the engine runs.
inline Weights temporal_weights() {
  const std::int64_t embed = small_clip().embed_dim;
  FakeCheckpoint layout;
  add_temporal(layout, "", embed);
  for (const char* layer : {"0", "1"}) {
    const std::string attention =
        std::string("temporal.temporal_transformer.layers.") + layer + ".0.fn.fn.";
    layout.set(attention + "to_qkv.weight", {3 * 128, embed});
    layout.set(attention + "to_out.0.weight", {embed, 128});
  }
  Weights out;
  out.fill(layout);
  return out;
}

/// The whole map of EmoCLIP: CLIP below `backbone.` with a scale of its own, and the temporal
/// model.
inline Weights emoclip_weights() {
  Weights out = clip_weights("backbone.");
  out.copy(temporal_weights(), "", "");
  set_scale(out, "logit_scale", 60);
  return out;
}

/// EmoCLIP's downstream layout: the image tower alone, the temporal model and a head of `targets`.
inline Weights downstream_weights(std::int64_t targets) {
  const Weights whole = emoclip_weights();
  const std::int64_t embed = small_clip().embed_dim;
  Weights out;
  out.copy(whole, "backbone.visual.", "backbone.");
  out.copy(whole, "temporal.", "temporal.");
  out.set("mlp.0.weight", {12, embed});
  out.set("mlp.0.bias", {12});
  out.set("mlp.2.weight", {targets, 12});
  out.set("mlp.2.bias", {targets});
  return out;
}

/// DFER-CLIP of two classes with the texts "a b." and "c.", four learned tokens each.
inline Weights dfer_clip_weights(const std::vector<std::string>& texts = {"a b.", "c."}) {
  const checkpoint::ClipShape s = small_clip();
  const Weights clip = clip_weights();
  Weights out;
  out.copy(clip, "visual.", "image_encoder.");
  for (const auto& [name, view] : clip.tensors()) {
    // Neither is trained, so that only the second CLIP of the file has them.
    const bool frozen = name == "token_embedding.weight" || name == "logit_scale";
    if (name.starts_with("visual.")) continue;
    out.set((frozen ? "clip_model_." : "text_encoder.") + name, clip.at(name).clone());
  }
  out.copy(temporal_weights(), "temporal.", "temporal_net.");
  const auto classes = static_cast<std::int64_t>(texts.size());
  constexpr std::int64_t kTokens = 4;
  const std::int64_t rest = s.context - 1 - kTokens;
  out.set("prompt_learner.ctx", {classes, kTokens, s.text_width});
  out.set("prompt_learner.token_prefix", {classes, 1, s.text_width});
  // Behind the learned tokens: the vectors of the text, of the end token, and of zeros.
  const auto tokenizer = tiny_tokenizer();
  Tensor suffix(DType::kF32, {classes, rest, s.text_width});
  const std::span<const float> table = clip.at("token_embedding.weight").f32();
  const auto width = static_cast<std::size_t>(s.text_width);
  for (std::size_t c = 0; c < texts.size(); ++c) {
    std::vector<std::int32_t> ids = *tokenizer->encode(texts[c]);
    ids.push_back(tokenizer->end_token());
    ids.resize(static_cast<std::size_t>(rest), 0);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto row = table.subspan(static_cast<std::size_t>(ids[i]) * width, width);
      std::copy(row.begin(), row.end(),
                suffix.f32().begin() + static_cast<std::ptrdiff_t>((c * ids.size() + i) * width));
    }
  }
  out.set("prompt_learner.token_suffix", std::move(suffix));
  return out;
}

/// A Swin of two stages under Microsoft's names, with the feature head that SwinFace adds.
inline Weights swin_weights() {
  constexpr std::int64_t kWidth = 32;
  Weights out;
  const auto pair = [&](const std::string& name, const Shape& shape) {
    out.set(name + ".weight", shape);
    out.set(name + ".bias", {shape.front()});
  };
  const auto batch_norm = [&](const std::string& name, std::int64_t width) {
    pair(name, {width});
    out.set(name + ".running_mean", {width});
    out.set(name + ".running_var", {width});
  };
  pair("patch_embed.proj", {kWidth, 3, 2, 2});
  pair("patch_embed.norm", {kWidth});
  for (int stage = 0; stage < 2; ++stage) {
    const std::string block = "layers." + std::to_string(stage) + ".blocks.0.";
    const std::int64_t wide = kWidth << stage;
    pair(block + "norm1", {wide});
    out.set(block + "attn.relative_position_bias_table", {9, std::int64_t{1} << stage});
    pair(block + "attn.qkv", {3 * wide, wide});
    pair(block + "attn.proj", {wide, wide});
    pair(block + "norm2", {wide});
    pair(block + "mlp.fc1", {4 * wide, wide});
    pair(block + "mlp.fc2", {wide, 4 * wide});
  }
  pair("layers.0.downsample.norm", {4 * kWidth});
  out.set("layers.0.downsample.reduction.weight", {2 * kWidth, 4 * kWidth});
  pair("norm", {2 * kWidth});
  out.set("feature.0.weight", {2 * kWidth, 2 * kWidth});
  batch_norm("feature.1", 2 * kWidth);
  out.set("feature.2.weight", {small_clip().embed_dim, 2 * kWidth});
  batch_norm("feature.3", small_clip().embed_dim);
  return out;
}

/// The same tower with the transformation network of KE2NT beside it.
inline Weights ke2nt_weights() {
  const std::int64_t embed = small_clip().embed_dim;
  Weights out = swin_weights();
  out.set("MLP.fc1.weight", {8, embed});
  out.set("MLP.fc1.bias", {8});
  out.set("MLP.fc2.weight", {embed, 8});
  out.set("MLP.fc2.bias", {embed});
  return out;
}

inline bool has_note(const std::vector<std::string>& notes, std::string_view part) {
  for (const std::string& note : notes) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace mien::test
