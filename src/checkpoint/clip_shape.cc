#include <fmt/format.h>

#include <map>

#include "checkpoint/name_map.h"

namespace mien::checkpoint {

namespace {

constexpr std::int64_t kHeadWidth = 64;
constexpr std::int64_t kMaxSize = 1 << 20;  // of any axis; keeps products far from overflow

using Shapes = std::map<std::string, Shape, std::less<>>;

Status mismatch(std::string_view name, const Shape& got, std::string_view expected) {
  return corrupt(
      fmt::format("checkpoint: '{}' has shape {} (expected {})", name, to_string(got), expected));
}

Result<Shapes> all_shapes(const Checkpoint& checkpoint, const std::vector<TensorSource>& plan) {
  Shapes out;
  for (const TensorSource& row : plan) {
    MIEN_ASSIGN_OR_RETURN(Shape shape, gathered_shape(checkpoint, row));
    for (const std::int64_t size : shape) {
      if (size < 1 || size > kMaxSize) {
        return mismatch(row.name, shape, fmt::format("sizes from 1 to {}", kMaxSize));
      }
    }
    out.emplace(row.name, std::move(shape));
  }
  return out;
}

// The tensors do not tell the number of heads; these follow the published models.
Result<std::int64_t> heads_of(std::int64_t width, bool vision) {
  if (vision && (width == 1280 || width == 1408 || width == 1664)) return std::int64_t{16};
  if (width % kHeadWidth != 0) {
    return unsupported(fmt::format("checkpoint: {} tower is {} wide (expected a multiple of {})",
                                   vision ? "image" : "text", width, kHeadWidth));
  }
  return width / kHeadWidth;
}

std::int64_t count_blocks(const Shapes& shapes, std::string_view prefix) {
  std::int64_t count = 0;
  while (shapes.contains(fmt::format("{}{}.ln_1.weight", prefix, count))) ++count;
  return count;
}

class Checker {
 public:
  explicit Checker(const Shapes& shapes) : shapes_(shapes) {}

  void expect(const std::string& name, const Shape& expected) {
    const auto found = shapes_.find(name);
    MIEN_CHECK(found != shapes_.end());
    if (status.ok() && found->second != expected) {
      status = mismatch(name, found->second, to_string(expected));
    }
  }
  void expect_norm(const std::string& name, std::int64_t width) {
    expect(name + ".weight", {width});
    expect(name + ".bias", {width});
  }
  void expect_blocks(const std::string& prefix, std::int64_t layers, std::int64_t width,
                     std::int64_t mlp) {
    for (std::int64_t i = 0; i < layers; ++i) {
      const std::string block = fmt::format("{}{}.", prefix, i);
      expect_norm(block + "ln_1", width);
      expect(block + "attn.in_proj_weight", {3 * width, width});
      expect(block + "attn.in_proj_bias", {3 * width});
      expect(block + "attn.out_proj.weight", {width, width});
      expect(block + "attn.out_proj.bias", {width});
      expect_norm(block + "ln_2", width);
      expect(block + "mlp.c_fc.weight", {mlp, width});
      expect(block + "mlp.c_fc.bias", {mlp});
      expect(block + "mlp.c_proj.weight", {width, mlp});
      expect(block + "mlp.c_proj.bias", {width});
    }
  }

  Status status;

 private:
  const Shapes& shapes_;
};

Result<std::int64_t> size_at(const Shapes& shapes, std::string_view name, std::size_t rank,
                             std::size_t axis) {
  const Shape& shape = shapes.find(name)->second;
  if (shape.size() != rank) return mismatch(name, shape, fmt::format("{} dimensions", rank));
  return shape[axis];
}

Status infer_image(const Shapes& shapes, ClipShape& out) {
  const std::string blocks = "visual.transformer.resblocks.";
  MIEN_ASSIGN_OR_RETURN(out.vision_width, size_at(shapes, "visual.conv1.weight", 4, 0));
  MIEN_ASSIGN_OR_RETURN(out.patch, size_at(shapes, "visual.conv1.weight", 4, 3));
  MIEN_ASSIGN_OR_RETURN(out.embed_dim, size_at(shapes, "visual.proj", 2, 1));
  MIEN_ASSIGN_OR_RETURN(out.vision_mlp, size_at(shapes, blocks + "0.mlp.c_fc.weight", 2, 0));
  MIEN_ASSIGN_OR_RETURN(out.vision_heads, heads_of(out.vision_width, true));
  MIEN_ASSIGN_OR_RETURN(const std::int64_t tokens,
                        size_at(shapes, "visual.positional_embedding", 2, 0));
  out.vision_layers = count_blocks(shapes, blocks);
  std::int64_t grid = 1;
  while ((grid + 1) * (grid + 1) + 1 <= tokens) ++grid;
  if (grid * grid + 1 != tokens) {
    return mismatch("visual.positional_embedding", {tokens, out.vision_width},
                    "a square number of patches plus one row");
  }
  out.image_size = grid * out.patch;
  Checker checker(shapes);
  checker.expect("visual.class_embedding", {out.vision_width});
  checker.expect("visual.positional_embedding", {tokens, out.vision_width});
  checker.expect("visual.conv1.weight", {out.vision_width, 3, out.patch, out.patch});
  checker.expect_norm("visual.ln_pre", out.vision_width);
  checker.expect_blocks(blocks, out.vision_layers, out.vision_width, out.vision_mlp);
  checker.expect_norm("visual.ln_post", out.vision_width);
  checker.expect("visual.proj", {out.vision_width, out.embed_dim});
  return checker.status;
}

Status infer_text(const Shapes& shapes, ClipShape& out) {
  const std::string blocks = "transformer.resblocks.";
  MIEN_ASSIGN_OR_RETURN(out.vocab, size_at(shapes, "token_embedding.weight", 2, 0));
  MIEN_ASSIGN_OR_RETURN(out.text_width, size_at(shapes, "token_embedding.weight", 2, 1));
  MIEN_ASSIGN_OR_RETURN(out.context, size_at(shapes, "positional_embedding", 2, 0));
  MIEN_ASSIGN_OR_RETURN(out.text_mlp, size_at(shapes, blocks + "0.mlp.c_fc.weight", 2, 0));
  MIEN_ASSIGN_OR_RETURN(out.text_heads, heads_of(out.text_width, false));
  out.text_layers = count_blocks(shapes, blocks);
  Checker checker(shapes);
  checker.expect("positional_embedding", {out.context, out.text_width});
  checker.expect_blocks(blocks, out.text_layers, out.text_width, out.text_mlp);
  checker.expect_norm("ln_final", out.text_width);
  checker.expect("text_projection", {out.text_width, out.embed_dim});
  const Shape& scale = shapes.find("logit_scale")->second;
  if (!scale.empty() && scale != Shape{1}) checker.expect("logit_scale", {});
  return checker.status;
}

}  // namespace

Result<ClipShape> infer_clip_shape(const Checkpoint& checkpoint, ClipNaming naming) {
  MIEN_ASSIGN_OR_RETURN(const auto plan, map_clip_names(checkpoint, naming));
  MIEN_ASSIGN_OR_RETURN(const Shapes shapes, all_shapes(checkpoint, plan));
  ClipShape out;
  MIEN_RETURN_IF_ERROR(infer_image(shapes, out));
  out.has_text = shapes.contains("token_embedding.weight");
  if (out.has_text) MIEN_RETURN_IF_ERROR(infer_text(shapes, out));
  return out;
}

Result<RegressionShape> infer_regression_shape(const Checkpoint& checkpoint,
                                               const std::vector<TensorSource>& plan,
                                               std::int64_t width) {
  MIEN_ASSIGN_OR_RETURN(const Shapes shapes, all_shapes(checkpoint, plan));
  RegressionShape out;
  MIEN_ASSIGN_OR_RETURN(out.targets, size_at(shapes, "mlp.0.weight", 2, 0));
  Checker checker(shapes);
  checker.expect("mlp.0.weight", {out.targets, width});
  checker.expect("mlp.0.bias", {out.targets});
  if (shapes.contains("mlp.2.weight")) {
    out.hidden = out.targets;
    MIEN_ASSIGN_OR_RETURN(out.targets, size_at(shapes, "mlp.2.weight", 2, 0));
    checker.expect("mlp.2.weight", {out.targets, out.hidden});
    checker.expect("mlp.2.bias", {out.targets});
  }
  MIEN_RETURN_IF_ERROR(checker.status);
  return out;
}

Result<TemporalShape> infer_temporal_shape(const Checkpoint& checkpoint,
                                           const std::vector<TensorSource>& plan) {
  MIEN_ASSIGN_OR_RETURN(const Shapes shapes, all_shapes(checkpoint, plan));
  const std::string blocks = "temporal.temporal_transformer.layers.";
  TemporalShape out;
  MIEN_ASSIGN_OR_RETURN(out.width, size_at(shapes, "temporal.pos_embedding", 3, 2));
  MIEN_ASSIGN_OR_RETURN(out.positions, size_at(shapes, "temporal.pos_embedding", 3, 1));
  MIEN_ASSIGN_OR_RETURN(out.inner, size_at(shapes, blocks + "0.0.fn.fn.to_out.0.weight", 2, 1));
  MIEN_ASSIGN_OR_RETURN(out.mlp, size_at(shapes, blocks + "0.1.fn.fn.net.0.weight", 2, 0));
  Checker checker(shapes);
  checker.expect("temporal.cls_token", {1, 1, out.width});
  checker.expect("temporal.pos_embedding", {1, out.positions, out.width});
  while (shapes.contains(fmt::format("{}{}.0.fn.norm.weight", blocks, out.layers))) {
    const std::string block = fmt::format("{}{}.", blocks, out.layers++);
    checker.expect_norm(block + "0.fn.norm", out.width);
    checker.expect(block + "0.fn.fn.to_qkv.weight", {3 * out.inner, out.width});
    checker.expect(block + "0.fn.fn.to_out.0.weight", {out.width, out.inner});
    checker.expect(block + "0.fn.fn.to_out.0.bias", {out.width});
    checker.expect_norm(block + "1.fn.norm", out.width);
    checker.expect(block + "1.fn.fn.net.0.weight", {out.mlp, out.width});
    checker.expect(block + "1.fn.fn.net.0.bias", {out.mlp});
    checker.expect(block + "1.fn.fn.net.3.weight", {out.width, out.mlp});
    checker.expect(block + "1.fn.fn.net.3.bias", {out.width});
  }
  MIEN_RETURN_IF_ERROR(checker.status);
  return out;
}

}  // namespace mien::checkpoint
