// Swin transformers in the engine.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "engine/image_towers.h"
#include "kernels/convolution.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

using kernels::Linear;
using kernels::Precision;

constexpr float kHeadEps = 2e-5F;
constexpr float kHidden = -100.0F;  // added to the scores of tokens that are no neighbours
// Rows of the first stage in one pass: the last stages need several pictures to use their weights
// more than once.
constexpr std::int64_t kSwinRowsPerPass = 12'600;

struct SwinBlock {
  Norm norm1, norm2;
  Linear qkv, proj, fc1, fc2;
  std::vector<float> bias;  // tables of kernels::AttentionArgs: 1, or 4 with a shift
  bool shifted = false;
};

struct Merge {
  Norm norm;
  Linear reduction;
};

// What the blocks of a stage share. Rows of a picture are numbered row by row of its grid.
struct Stage {
  std::int64_t side = 0, width = 0, heads = 0;
  std::vector<SwinBlock> blocks;
  std::vector<std::int32_t> places;          // in the order of the windows
  std::vector<std::int32_t> shifted_places;  // of the shifted windows
  std::vector<std::int32_t> bias_of;         // table of every shifted window
};

struct SwinImage final : ImageEncoder::Impl {
  Precision precision = Precision::kF32;
  std::int64_t window = 0;
  Linear patches;  // float32: the first layer sees raw pixels
  Norm patch_norm, last_norm;
  std::vector<Stage> stages;
  std::vector<Merge> merges;
  Linear feature_in, feature_out;  // empty: the mean is the embedding

  Status encode_pass(const float* pixels, std::int64_t count, float* out,
                     Session::Impl& session) const override;
  Status attend(const Stage& stage, const SwinBlock& block, std::int64_t count,
                Session::Impl& session) const;
  Status feed_forward(const Stage& stage, const SwinBlock& block, std::int64_t count,
                      Session::Impl& session) const;
  Status merge(const Stage& stage, const Merge& part, std::int64_t count,
               Session::Impl& session) const;
};

float* floats(kernels::Buffer& buffer, std::int64_t count) {
  return buffer.reserve_as<float>(static_cast<std::size_t>(count));
}

void normalise(const Norm& norm, const float* x, std::int64_t rows, std::int64_t width,
               const std::vector<std::int32_t>* places, void* out, Precision output) {
  kernels::layer_norm({.x = x,
                       .rows = rows,
                       .width = width,
                       .gain = norm.gain.data(),
                       .bias = norm.bias.data(),
                       .places = places == nullptr ? nullptr : places->data(),
                       .period = places == nullptr ? 0 : std::ssize(*places),
                       .out = out,
                       .output = output});
}

// The windows' rows are gathered by the norm in front of the attention, and added back behind it.
Status SwinImage::attend(const Stage& stage, const SwinBlock& block, std::int64_t count,
                         Session::Impl& session) const {
  const std::int64_t rows = count * stage.side * stage.side, width = stage.width;
  const auto& places = block.shifted ? stage.shifted_places : stage.places;
  float* x = floats(session.stream, 0);
  void* normed = reserve_rows(session.normed, precision, rows, width);
  const Precision asked = kernels::attention_input(precision);
  const Precision between = between_layers(precision);
  normalise(block.norm1, x, rows, width, &places, normed, precision);
  void* qkv = reserve_rows(session.qkv, asked, rows, 3 * width);
  MIEN_RETURN_IF_ERROR(block.qkv.run(normed, rows, qkv, session.workspace));
  void* attended = reserve_rows(session.attended, between, rows, width);
  kernels::attention({.qkv = qkv,
                      .input = asked,
                      .batch = rows / (window * window),
                      .tokens = window * window,
                      .heads = stage.heads,
                      .head_width = width / stage.heads,
                      .bias = block.bias.data(),
                      .bias_of = block.shifted ? stage.bias_of.data() : nullptr,
                      .bias_period = std::ssize(stage.bias_of),
                      .out = attended,
                      .output = between},
                     session.workspace);
  float* change = floats(session.hidden, rows * width);
  const void* from = layer_input(attended, rows, block.proj, precision, session.normed);
  MIEN_RETURN_IF_ERROR(block.proj.run(from, rows, change, session.workspace));
  kernels::add_rows_to(change, rows, width, places.data(), std::ssize(places), x);
  return {};
}

Status SwinImage::feed_forward(const Stage& stage, const SwinBlock& block, std::int64_t count,
                               Session::Impl& session) const {
  const std::int64_t rows = count * stage.side * stage.side, width = stage.width;
  float* x = floats(session.stream, 0);
  void* normed = reserve_rows(session.normed, precision, rows, width);
  normalise(block.norm2, x, rows, width, nullptr, normed, precision);
  void* hidden = reserve_rows(session.hidden, between_layers(precision), rows, block.fc1.out());
  MIEN_RETURN_IF_ERROR(block.fc1.run(normed, rows, hidden, session.workspace));
  const void* from = layer_input(hidden, rows, block.fc2, precision, session.normed);
  return block.fc2.run(from, rows, x, session.workspace);
}

// Four neighbours become one row: left above, left below, right above, right below.
Status SwinImage::merge(const Stage& stage, const Merge& part, std::int64_t count,
                        Session::Impl& session) const {
  const std::int64_t side = stage.side, half = side / 2, width = stage.width;
  const std::int64_t rows = count * half * half;
  float* x = floats(session.stream, 0);
  float* four = floats(session.hidden, rows * 4 * width);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t n = row / (half * half);
    const std::int64_t y = 2 * (row / half % half), z = 2 * (row % half);
    for (std::int64_t k = 0; k < 4; ++k) {
      const float* from = x + ((n * side + y + k % 2) * side + z + k / 2) * width;
      std::memcpy(four + (row * 4 + k) * width, from,
                  static_cast<std::size_t>(width) * sizeof(float));
    }
  }
  const Precision type = without_int8(precision);
  void* normed = reserve_rows(session.normed, type, rows, 4 * width);
  normalise(part.norm, four, rows, 4 * width, nullptr, normed, type);
  return part.reduction.run(normed, rows, x, session.workspace);
}

Status SwinImage::encode_pass(const float* pixels, std::int64_t count, float* out,
                              Session::Impl& session) const {
  const std::int64_t patch = tower.swin->patch;
  const Stage& first = stages.front();
  const std::int64_t rows = count * first.side * first.side;
  float* squares = floats(session.input, rows * 3 * patch * patch);
  float* embedded = floats(session.hidden, rows * first.width);
  float* x = floats(session.stream, rows * first.width);
  gather_patches(pixels, count, tower.image_size, patch, squares);
  MIEN_RETURN_IF_ERROR(patches.run(squares, rows, embedded, session.workspace));
  normalise(patch_norm, embedded, rows, first.width, nullptr, x, Precision::kF32);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    for (const SwinBlock& block : stages[s].blocks) {
      MIEN_RETURN_IF_ERROR(attend(stages[s], block, count, session));
      MIEN_RETURN_IF_ERROR(feed_forward(stages[s], block, count, session));
    }
    if (s < merges.size()) MIEN_RETURN_IF_ERROR(merge(stages[s], merges[s], count, session));
  }
  const Stage& last = stages.back();
  const std::int64_t area = last.side * last.side;
  float* normed = floats(session.normed, count * area * last.width);
  normalise(last_norm, x, count * area, last.width, nullptr, normed, Precision::kF32);
  const bool head = feature_out.out() > 0;
  float* means = head ? floats(session.pooled, count * last.width) : out;
  kernels::mean_of_rows(normed, Precision::kF32, count, area, last.width, means);
  if (!head) return {};
  float* inner = floats(session.attended, count * last.width);
  MIEN_RETURN_IF_ERROR(feature_in.run(means, count, inner, session.workspace));
  return feature_out.run(inner, count, out, session.workspace);
}

// Row of the grid, in the order of the windows, when all are moved by `shift`.
std::vector<std::int32_t> window_places(std::int64_t side, std::int64_t window,
                                        std::int64_t shift) {
  std::vector<std::int32_t> out;
  for (std::int64_t at = 0; at < side * side; ++at) {
    const std::int64_t token = at % (window * window), grid = side / window;
    const std::int64_t y = at / (window * window) / grid * window + token / window;
    const std::int64_t x = at / (window * window) % grid * window + token % window;
    out.push_back(static_cast<std::int32_t>((y + shift) % side * side + (x + shift) % side));
  }
  return out;
}

// 0 inside, plus 1 in the last column of windows, plus 2 in the last row: there a shift brings
// opposite borders together.
std::vector<std::int32_t> window_kinds(std::int64_t grid) {
  std::vector<std::int32_t> out;
  for (std::int64_t y = 0; y < grid; ++y) {
    for (std::int64_t x = 0; x < grid; ++x) {
      out.push_back((y + 1 == grid ? 2 : 0) + (x + 1 == grid ? 1 : 0));
    }
  }
  return out;
}

// The tables of kernels::AttentionArgs. Shape: table [(2 window - 1)^2, heads].
std::vector<float> spread_bias(const std::vector<float>& table, std::int64_t window,
                               std::int64_t heads, std::int64_t shift) {
  const std::int64_t tokens = window * window, padded = (tokens + 15) / 16 * 16;
  const std::int64_t kinds = shift > 0 ? 4 : 1;
  std::vector<float> out(static_cast<std::size_t>(kinds * heads * tokens * padded));
  for (std::int64_t kind = 0; kind < kinds; ++kind) {
    for (std::int64_t i = 0; i < tokens; ++i) {
      for (std::int64_t j = 0; j < tokens; ++j) {
        const std::int64_t down = i / window - j / window, right = i % window - j % window;
        const auto beyond = [&](std::int64_t place) { return place >= window - shift; };
        const bool apart = (kind / 2 == 1 && beyond(i / window) != beyond(j / window)) ||
                           (kind % 2 == 1 && beyond(i % window) != beyond(j % window));
        const std::int64_t row = (down + window - 1) * (2 * window - 1) + right + window - 1;
        for (std::int64_t h = 0; h < heads; ++h) {
          out[static_cast<std::size_t>(((kind * heads + h) * tokens + i) * padded + j)] =
              table[static_cast<std::size_t>(row * heads + h)] + (apart ? kHidden : 0.0F);
        }
      }
    }
  }
  return out;
}

Result<SwinBlock> load_block(const checkpoint::Checkpoint& weights, const std::string& name,
                             const Stage& stage, std::int64_t window, bool shifted,
                             Precision precision) {
  SwinBlock out;
  out.shifted = shifted;
  MIEN_ASSIGN_OR_RETURN(out.norm1, load_norm(weights, name + "norm1"));
  MIEN_ASSIGN_OR_RETURN(out.norm2, load_norm(weights, name + "norm2"));
  MIEN_ASSIGN_OR_RETURN(const auto table,
                        load_vector(weights, name + "attn.relative_position_bias_table"));
  out.bias = spread_bias(table, window, stage.heads, shifted ? window / 2 : 0);
  MIEN_ASSIGN_OR_RETURN(
      out.qkv, load_linear(weights, name + "attn.qkv",
                           {.input = precision, .output = kernels::attention_input(precision)}));
  MIEN_ASSIGN_OR_RETURN(out.proj, load_linear(weights, name + "attn.proj", {.input = precision}));
  MIEN_ASSIGN_OR_RETURN(out.fc1, load_linear(weights, name + "mlp.fc1",
                                             {.activation = kernels::Activation::kGelu,
                                              .input = precision,
                                              .output = between_layers(precision)}));
  MIEN_ASSIGN_OR_RETURN(
      out.fc2, load_linear(weights, name + "mlp.fc2", {.accumulate = true, .input = precision}));
  return out;
}

Result<Stage> load_stage(const checkpoint::Checkpoint& weights, const ImageTower& tower,
                         std::size_t number, Precision precision) {
  const SwinSizes& sizes = *tower.swin;
  Stage out;
  out.side = tower.image_size / sizes.patch >> number;
  out.width = sizes.width << number;
  out.heads = sizes.heads[number];
  const std::int64_t window = sizes.window;
  out.places = window_places(out.side, window, 0);
  out.shifted_places = window_places(out.side, window, window / 2);
  out.bias_of = window_kinds(out.side / window);
  for (int i = 0; i < sizes.depths[number]; ++i) {
    // A single window sees everything already.
    const bool shifted = i % 2 == 1 && out.side > window && window > 1;
    const std::string name =
        "visual.layers." + std::to_string(number) + ".blocks." + std::to_string(i) + ".";
    MIEN_ASSIGN_OR_RETURN(out.blocks.emplace_back(),
                          load_block(weights, name, out, window, shifted, precision));
  }
  return out;
}

// A linear layer without bias with the batch norm behind it.
Result<Linear> load_folded(const checkpoint::Checkpoint& weights, const std::string& linear,
                           const std::string& norm) {
  const TensorView* view = weights.find(linear);
  MIEN_CHECK(view != nullptr && view->rank() == 2);
  MIEN_ASSIGN_OR_RETURN(auto values, load_vector(weights, linear));
  MIEN_ASSIGN_OR_RETURN(const auto affine, load_batch_norm(weights, norm, kHeadEps));
  const std::size_t row = values.size() / affine.factor.size();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= affine.factor[i / row];
  const auto view_of = [](const Shape& shape, const std::vector<float>& of) {
    return TensorView(DType::kF32, shape, std::as_bytes(std::span(of)));
  };
  const TensorView bias = view_of({view->dim(0)}, affine.shift);
  return Linear::pack(view_of(view->shape(), values), &bias, {});
}

}  // namespace

Result<std::unique_ptr<ImageEncoder::Impl>> load_swin(const checkpoint::Checkpoint& weights,
                                                      const Architecture& architecture,
                                                      Precision precision) {
  const SwinSizes& sizes = *architecture.image.swin;
  auto impl = std::make_unique<SwinImage>();
  impl->precision = precision;
  impl->window = sizes.window;
  const TensorView* conv = weights.find("visual.patch_embed.proj.weight");
  const TensorView* conv_bias = weights.find("visual.patch_embed.proj.bias");
  MIEN_CHECK(conv != nullptr && conv_bias != nullptr);
  const TensorView flat(conv->dtype(), {sizes.width, std::int64_t{3} * sizes.patch * sizes.patch},
                        conv->bytes());
  MIEN_ASSIGN_OR_RETURN(impl->patches, Linear::pack(flat, conv_bias, {}));
  MIEN_ASSIGN_OR_RETURN(impl->patch_norm, load_norm(weights, "visual.patch_embed.norm"));
  for (std::size_t s = 0; s < sizes.depths.size(); ++s) {
    MIEN_ASSIGN_OR_RETURN(impl->stages.emplace_back(),
                          load_stage(weights, architecture.image, s, precision));
    if (s + 1 == sizes.depths.size()) break;
    const std::string name = "visual.layers." + std::to_string(s) + ".downsample.";
    Merge& part = impl->merges.emplace_back();
    MIEN_ASSIGN_OR_RETURN(part.norm, load_norm(weights, name + "norm"));
    MIEN_ASSIGN_OR_RETURN(part.reduction, load_linear(weights, name + "reduction.weight", "",
                                                      {.input = without_int8(precision)}));
  }
  MIEN_ASSIGN_OR_RETURN(impl->last_norm, load_norm(weights, "visual.norm"));
  if (sizes.feature_head) {
    MIEN_ASSIGN_OR_RETURN(impl->feature_in,
                          load_folded(weights, "visual.feature.0.weight", "visual.feature.1"));
    MIEN_ASSIGN_OR_RETURN(impl->feature_out,
                          load_folded(weights, "visual.feature.2.weight", "visual.feature.3"));
  }
  const std::int64_t side = impl->stages.front().side;
  impl->per_pass = std::max<std::int64_t>(1, kSwinRowsPerPass / (side * side));
  return std::unique_ptr<ImageEncoder::Impl>(std::move(impl));
}

}  // namespace mien::engine
