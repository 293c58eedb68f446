#pragma once

// CLIP checkpoints of any size that take no memory: all tensors are views of one untouched,
// unreserved map, or of small real buffers.

#include <sys/mman.h>

#include <map>
#include <string>

#include "checkpoint/name_map.h"

namespace mien::test {

class FakeCheckpoint final : public checkpoint::Checkpoint {
 public:
  FakeCheckpoint() {
    void* data =
        ::mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MIEN_CHECK(data != MAP_FAILED);
    data_ = static_cast<const std::byte*>(data);
  }
  FakeCheckpoint(const FakeCheckpoint&) = delete;
  FakeCheckpoint& operator=(const FakeCheckpoint&) = delete;
  ~FakeCheckpoint() override { ::munmap(const_cast<std::byte*>(data_), kBytes); }

  void set(const std::string& name, const Shape& shape, DType dtype = DType::kF16) {
    const std::size_t bytes = *element_count(shape) * byte_size(dtype);
    MIEN_CHECK(bytes <= kBytes);
    tensors_[name] = TensorView(dtype, shape, {data_, bytes});
  }
  void set_view(const std::string& name, TensorView view) { tensors_[name] = std::move(view); }
  void erase(const std::string& name) { MIEN_CHECK(tensors_.erase(name) == 1); }

  const std::map<std::string, TensorView, std::less<>>& tensors() const override {
    return tensors_;
  }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  std::string_view format() const override { return "fake"; }
  void release(const TensorView&) const override {}

 private:
  static constexpr std::size_t kBytes = std::size_t{256} << 20;
  const std::byte* data_ = nullptr;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

inline void add_openai_blocks(FakeCheckpoint& out, const std::string& prefix, std::int64_t layers,
                              std::int64_t width, std::int64_t mlp) {
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string block = prefix + std::to_string(i) + ".";
    for (const char* norm : {"ln_1", "ln_2"}) {
      out.set(block + norm + ".weight", {width});
      out.set(block + norm + ".bias", {width});
    }
    out.set(block + "attn.in_proj_weight", {3 * width, width});
    out.set(block + "attn.in_proj_bias", {3 * width});
    out.set(block + "attn.out_proj.weight", {width, width});
    out.set(block + "attn.out_proj.bias", {width});
    out.set(block + "mlp.c_fc.weight", {mlp, width});
    out.set(block + "mlp.c_fc.bias", {mlp});
    out.set(block + "mlp.c_proj.weight", {width, mlp});
    out.set(block + "mlp.c_proj.bias", {width});
  }
}

inline void add_openai_image(FakeCheckpoint& out, const std::string& prefix,
                             const checkpoint::ClipShape& s) {
  const std::int64_t grid = s.image_size / s.patch;
  out.set(prefix + "visual.class_embedding", {s.vision_width});
  out.set(prefix + "visual.positional_embedding", {grid * grid + 1, s.vision_width});
  out.set(prefix + "visual.conv1.weight", {s.vision_width, 3, s.patch, s.patch});
  for (const char* norm : {"visual.ln_pre", "visual.ln_post"}) {
    out.set(prefix + norm + ".weight", {s.vision_width});
    out.set(prefix + norm + ".bias", {s.vision_width});
  }
  add_openai_blocks(out, prefix + "visual.transformer.resblocks.", s.vision_layers, s.vision_width,
                    s.vision_mlp);
  out.set(prefix + "visual.proj", {s.vision_width, s.embed_dim});
}

/// `text`: prefix of the names of the text tower ("" for OpenAI, "text." for OpenCLIP).
inline void add_openai_text(FakeCheckpoint& out, const std::string& prefix, const std::string& text,
                            const checkpoint::ClipShape& s) {
  out.set(prefix + text + "token_embedding.weight", {s.vocab, s.text_width});
  out.set(prefix + text + "positional_embedding", {s.context, s.text_width});
  add_openai_blocks(out, prefix + text + "transformer.resblocks.", s.text_layers, s.text_width,
                    s.text_mlp);
  out.set(prefix + text + "ln_final.weight", {s.text_width});
  out.set(prefix + text + "ln_final.bias", {s.text_width});
  out.set(prefix + text + "text_projection", {s.text_width, s.embed_dim});
  out.set(prefix + "logit_scale", {});
}

inline void add_hugging_face_tower(FakeCheckpoint& out, const std::string& layers_prefix,
                                   std::int64_t layers, std::int64_t width, std::int64_t mlp) {
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string block = layers_prefix + std::to_string(i) + ".";
    for (const char* norm : {"layer_norm1", "layer_norm2"}) {
      out.set(block + norm + ".weight", {width});
      out.set(block + norm + ".bias", {width});
    }
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      out.set(block + "self_attn." + part + ".weight", {width, width});
      out.set(block + "self_attn." + part + ".bias", {width});
    }
    out.set(block + "mlp.fc1.weight", {mlp, width});
    out.set(block + "mlp.fc1.bias", {mlp});
    out.set(block + "mlp.fc2.weight", {width, mlp});
    out.set(block + "mlp.fc2.bias", {width});
  }
}

inline void add_hugging_face(FakeCheckpoint& out, const checkpoint::ClipShape& s) {
  const std::int64_t grid = s.image_size / s.patch;
  out.set("vision_model.embeddings.class_embedding", {s.vision_width});
  out.set("vision_model.embeddings.patch_embedding.weight", {s.vision_width, 3, s.patch, s.patch});
  out.set("vision_model.embeddings.position_embedding.weight", {grid * grid + 1, s.vision_width});
  out.set("vision_model.embeddings.position_ids", {1, grid * grid + 1}, DType::kI64);
  for (const char* norm : {"vision_model.pre_layrnorm", "vision_model.post_layernorm"}) {
    out.set(std::string(norm) + ".weight", {s.vision_width});
    out.set(std::string(norm) + ".bias", {s.vision_width});
  }
  add_hugging_face_tower(out, "vision_model.encoder.layers.", s.vision_layers, s.vision_width,
                         s.vision_mlp);
  out.set("visual_projection.weight", {s.embed_dim, s.vision_width});
  out.set("text_model.embeddings.token_embedding.weight", {s.vocab, s.text_width});
  out.set("text_model.embeddings.position_embedding.weight", {s.context, s.text_width});
  out.set("text_model.embeddings.position_ids", {1, s.context}, DType::kI64);
  add_hugging_face_tower(out, "text_model.encoder.layers.", s.text_layers, s.text_width,
                         s.text_mlp);
  out.set("text_model.final_layer_norm.weight", {s.text_width});
  out.set("text_model.final_layer_norm.bias", {s.text_width});
  out.set("text_projection.weight", {s.embed_dim, s.text_width});
  out.set("logit_scale", {});
}

/// EmoCLIP's temporal module with two blocks, 64 wide in all heads, an MLP of 48, 40 positions.
inline void add_temporal(FakeCheckpoint& out, const std::string& prefix, std::int64_t width) {
  out.set(prefix + "temporal.cls_token", {1, 1, width});
  out.set(prefix + "temporal.pos_embedding", {1, 40, width});
  for (const char* layer : {"0.", "1."}) {
    const std::string block = prefix + "temporal.temporal_transformer.layers." + layer;
    for (const char* norm : {"0.fn.norm", "1.fn.norm"}) {
      out.set(block + norm + ".weight", {width});
      out.set(block + norm + ".bias", {width});
    }
    out.set(block + "0.fn.fn.to_qkv.weight", {192, width});
    out.set(block + "0.fn.fn.to_out.0.weight", {width, 64});
    out.set(block + "0.fn.fn.to_out.0.bias", {width});
    out.set(block + "1.fn.fn.net.0.weight", {48, width});
    out.set(block + "1.fn.fn.net.0.bias", {48});
    out.set(block + "1.fn.fn.net.3.weight", {width, 48});
    out.set(block + "1.fn.fn.net.3.bias", {width});
  }
}

/// The published sizes.
inline checkpoint::ClipShape clip_shape(std::int64_t image, std::int64_t patch, bool large) {
  checkpoint::ClipShape s;
  s.image_size = image;
  s.patch = patch;
  s.vision_width = large ? 1024 : 768;
  s.vision_layers = large ? 24 : 12;
  s.vision_heads = large ? 16 : 12;
  s.vision_mlp = 4 * s.vision_width;
  s.text_width = large ? 768 : 512;
  s.text_layers = 12;
  s.text_heads = large ? 12 : 8;
  s.text_mlp = 4 * s.text_width;
  s.context = 77;
  s.vocab = 49408;
  s.embed_dim = s.text_width;
  s.has_text = true;
  return s;
}

inline checkpoint::ClipShape tiny_clip() {
  checkpoint::ClipShape s;
  s.image_size = 8;
  s.patch = 4;
  s.vision_width = 64;
  s.vision_layers = 2;
  s.vision_heads = 1;
  s.vision_mlp = 96;
  s.text_width = 128;
  s.text_layers = 11;  // two digits, so that text order and number order differ
  s.text_heads = 2;
  s.text_mlp = 160;
  s.context = 7;
  s.vocab = 11;
  s.embed_dim = 32;
  s.has_text = true;
  return s;
}

}  // namespace mien::test
