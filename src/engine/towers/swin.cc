// Swin transformers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"
#include "kernels/convolution.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

using kernels::Linear;
using kernels::Precision;

constexpr float kHeadEps = 2e-5F;
constexpr float kHidden = -100.0F;  // added to the scores of tokens that are not neighbours
// Rows of the first stage in one pass: the last stages need several pictures to use their weights
// more than once.
constexpr std::int64_t kSwinRowsPerPass = 12'600;

constexpr int kMaxWindow = 32;
constexpr int kMaxMlpRatio = 16;
// The engine spreads the table of biases over all pairs of a window's tokens: values of all blocks.
constexpr std::int64_t kMaxBiasValues = std::int64_t{1} << 26;
constexpr std::int64_t kMaxActivations = std::int64_t{1} << 27;  // of the first stage

std::int64_t bias_values(const SwinSizes& sizes) {
  const std::int64_t tokens = std::int64_t{sizes.window} * sizes.window;
  std::int64_t heads = 0;
  for (std::size_t s = 0; s < sizes.depths.size(); ++s) {
    heads += std::int64_t{sizes.depths[s]} * sizes.heads[s];
  }
  return 4 * heads * tokens * ((tokens + 15) / 16 * 16);
}

bool stage_fits(const SwinSizes& sizes, std::size_t stage) {
  const int grid = sizes.image_size / sizes.patch;
  const int side = grid >> stage;
  const std::int64_t width = std::int64_t{sizes.width} << stage;
  const int heads = sizes.heads[stage];
  return sizes.depths[stage] >= 1 && heads >= 1 && side << stage == grid && side > 0 &&
         side % sizes.window == 0 && width <= kMaxWidth && width % heads == 0 &&
         width / heads % 16 == 0;
}

Result<SwinSizes> parse_swin(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json,
                                           {"type", "image_size", "patch", "width", "depths",
                                            "heads", "window", "mlp_ratio", "feature_head"},
                                           subject));
  SwinSizes sizes;
  MIEN_ASSIGN_OR_RETURN(sizes.image_size, read_size(json, "image_size", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.patch, read_size(json, "patch", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.width, read_size(json, "width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.depths, read_sizes(json, "depths", kMaxLayers, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.heads, read_sizes(json, "heads", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.window, read_size(json, "window", kMaxWindow, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.mlp_ratio, read_size(json, "mlp_ratio", kMaxMlpRatio, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.feature_head, json_bool(json, "feature_head", subject));
  return sizes;
}

void write_swin(const SwinSizes& sizes, Json& out) {
  out.set("image_size", sizes.image_size);
  out.set("patch", sizes.patch);
  out.set("width", sizes.width);
  out.set("depths", sizes_json(sizes.depths));
  out.set("heads", sizes_json(sizes.heads));
  out.set("window", sizes.window);
  out.set("mlp_ratio", sizes.mlp_ratio);
  out.set("feature_head", sizes.feature_head);
}

Status check_swin(const SwinSizes& sizes, int embed, std::string_view subject) {
  const std::size_t stages = sizes.depths.size();
  if (stages < 1 || stages > kMaxStages || sizes.heads.size() != stages || sizes.patch < 1 ||
      sizes.window < 1 || sizes.window > kMaxWindow || sizes.image_size % sizes.patch != 0) {
    return corrupt(fmt::format(
        "{}: {} depths, {} heads, window {}, image size {} in patches of {} (expected as many "
        "depths as heads, a window up to {}, a multiple of the patch)",
        subject, stages, sizes.heads.size(), sizes.window, sizes.image_size, sizes.patch,
        kMaxWindow));
  }
  const std::int64_t grid = sizes.image_size / sizes.patch;
  for (std::size_t stage = 0; stage < stages; ++stage) {
    if (!stage_fits(sizes, stage)) {
      return corrupt(fmt::format(
          "{}: stage {} of width {} with {} heads on a grid of {} (expected a grid that is a "
          "multiple of the window {}, a head width that is a multiple of 16, a width up to {})",
          subject, stage + 1, std::int64_t{sizes.width} << stage, sizes.heads[stage],
          static_cast<double>(grid) / static_cast<double>(1 << stage), sizes.window, kMaxWidth));
    }
  }
  if (!sizes.feature_head && sizes.last_width() != embed) {
    return corrupt(fmt::format("{}: last width {} without a feature head (expected {}, as embed)",
                               subject, sizes.last_width(), embed));
  }
  if (bias_values(sizes) > kMaxBiasValues || grid * grid * sizes.width > kMaxActivations) {
    return corrupt(fmt::format(
        "{}: window {} with {} blocks on a grid of {} is too large (expected at most {} biases "
        "and {} values in the first stage)",
        subject, sizes.window, stages, grid, kMaxBiasValues, kMaxActivations));
  }
  return {};
}

void add_swin(const SwinSizes& sizes, int embed, std::vector<ExpectedTensor>& out) {
  const auto add = [&](const std::string& name, Shape shape) {
    out.push_back({"visual." + name, std::move(shape)});
  };
  const auto norm = [&](const std::string& name, std::int64_t width) {
    add(name + ".weight", {width});
    add(name + ".bias", {width});
  };
  const auto linear = [&](const std::string& name, std::int64_t from, std::int64_t to) {
    add(name + ".weight", {to, from});
    add(name + ".bias", {to});
  };
  add("patch_embed.proj.weight", {sizes.width, 3, sizes.patch, sizes.patch});
  add("patch_embed.proj.bias", {sizes.width});
  norm("patch_embed.norm", sizes.width);
  const std::int64_t offsets = std::int64_t{2} * sizes.window - 1;
  for (std::size_t stage = 0; stage < sizes.depths.size(); ++stage) {
    const std::int64_t width = std::int64_t{sizes.width} << stage;
    for (int i = 0; i < sizes.depths[stage]; ++i) {
      const std::string block = fmt::format("layers.{}.blocks.{}.", stage, i);
      norm(block + "norm1", width);
      add(block + "attn.relative_position_bias_table", {offsets * offsets, sizes.heads[stage]});
      linear(block + "attn.qkv", width, 3 * width);
      linear(block + "attn.proj", width, width);
      norm(block + "norm2", width);
      linear(block + "mlp.fc1", width, sizes.mlp_ratio * width);
      linear(block + "mlp.fc2", sizes.mlp_ratio * width, width);
    }
    if (stage + 1 == sizes.depths.size()) break;
    const std::string merge = fmt::format("layers.{}.downsample.", stage);
    norm(merge + "norm", 4 * width);
    add(merge + "reduction.weight", {2 * width, 4 * width});
  }
  const std::int64_t last = sizes.last_width();
  norm("norm", last);
  if (!sizes.feature_head) return;
  const auto batch_norm = [&](const std::string& name, std::int64_t width) {
    norm(name, width);
    add(name + ".running_mean", {width});
    add(name + ".running_var", {width});
  };
  add("feature.0.weight", {last, last});
  batch_norm("feature.1", last);
  add("feature.2.weight", {embed, last});
  batch_norm("feature.3", embed);
}

std::string describe_swin(const SwinSizes& sizes) {
  return fmt::format(
      "Swin transformer: {} px, patch {}, width {}, blocks {}, heads {}, window {}{}",
      sizes.image_size, sizes.patch, sizes.width, fmt::join(sizes.depths, " "),
      fmt::join(sizes.heads, " "), sizes.window, sizes.feature_head ? ", feature head" : "");
}

double swin_operations(const SwinSizes& sizes, int /*embed*/) {
  const auto square = [](double x) { return x * x; };
  double side = sizes.image_size / sizes.patch, width = sizes.width;
  double sum = square(side) * 3 * square(sizes.patch) * width;
  for (std::size_t stage = 0; stage < sizes.depths.size(); ++stage) {
    const double linear = (4 + 2 * sizes.mlp_ratio) * square(width);
    const double attention = 2 * square(sizes.window) * width;
    sum += sizes.depths[stage] * square(side) * (linear + attention);
    if (stage + 1 == sizes.depths.size()) break;
    side /= 2;
    sum += square(side) * 8 * square(width);
    width *= 2;
  }
  return 2 * sum;
}

bool is_swin_block_weight(std::string_view tensor) {
  return tensor.starts_with("visual.layers.") && tensor.find(".blocks.") != tensor.npos &&
         ends_with_any(tensor, {".attn.qkv.weight", ".attn.proj.weight", ".mlp.fc1.weight",
                                ".mlp.fc2.weight"});
}

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
  SwinSizes sizes;
  Precision precision = Precision::kF32;
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
  const std::int64_t window = sizes.window;
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
  const std::int64_t patch = sizes.patch;
  const Stage& first = stages.front();
  const std::int64_t rows = count * first.side * first.side;
  float* squares = floats(session.input, rows * 3 * patch * patch);
  float* embedded = floats(session.hidden, rows * first.width);
  float* x = floats(session.stream, rows * first.width);
  gather_patches(pixels, count, sizes.image_size, patch, squares);
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

Result<Stage> load_stage(const checkpoint::Checkpoint& weights, const SwinSizes& sizes,
                         std::size_t number, Precision precision) {
  Stage out;
  out.side = sizes.image_size / sizes.patch >> number;
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

Result<std::unique_ptr<ImageEncoder::Impl>> load_swin(const checkpoint::Checkpoint& weights,
                                                      const SwinSizes& sizes,
                                                      const ImageEncoderOptions& options) {
  const Precision precision = options.precision;
  auto impl = std::make_unique<SwinImage>();
  impl->precision = precision;
  impl->sizes = sizes;
  const TensorView* conv = weights.find("visual.patch_embed.proj.weight");
  const TensorView* conv_bias = weights.find("visual.patch_embed.proj.bias");
  MIEN_CHECK(conv != nullptr && conv_bias != nullptr);
  const TensorView flat(conv->dtype(), {sizes.width, std::int64_t{3} * sizes.patch * sizes.patch},
                        conv->bytes());
  MIEN_ASSIGN_OR_RETURN(impl->patches, Linear::pack(flat, conv_bias, {}));
  MIEN_ASSIGN_OR_RETURN(impl->patch_norm, load_norm(weights, "visual.patch_embed.norm"));
  for (std::size_t s = 0; s < sizes.depths.size(); ++s) {
    MIEN_ASSIGN_OR_RETURN(impl->stages.emplace_back(), load_stage(weights, sizes, s, precision));
    if (s + 1 == sizes.depths.size()) break;
    const std::string name = "visual.layers." + std::to_string(s) + ".downsample.";
    Merge& part = impl->merges.emplace_back();
    MIEN_ASSIGN_OR_RETURN(part.norm, load_norm(weights, name + "norm"));
    MIEN_ASSIGN_OR_RETURN(part.reduction, load_linear(weights, name + "reduction.weight", "",
                                                      {.input = without_int8(precision)}));
  }
  MIEN_ASSIGN_OR_RETURN(impl->last_norm, load_norm(weights, "visual.norm"));
  if (sizes.feature_head) {
    MIEN_ASSIGN_OR_RETURN(impl->feature_in, load_folded(weights, "visual.feature.0.weight",
                                                        "visual.feature.1", kHeadEps));
    MIEN_ASSIGN_OR_RETURN(impl->feature_out, load_folded(weights, "visual.feature.2.weight",
                                                         "visual.feature.3", kHeadEps));
  }
  const std::int64_t side = impl->stages.front().side;
  impl->per_pass = std::max<std::int64_t>(1, kSwinRowsPerPass / (side * side));
  return std::unique_ptr<ImageEncoder::Impl>(std::move(impl));
}

}  // namespace

constinit const ImageKind<SwinSizes> kSwinKind = {
    .type = "swin",
    .name = "Swin transformer",
    .parse = parse_swin,
    .write = write_swin,
    .check = check_swin,
    .add_tensors = add_swin,
    .load = load_swin,
    .model_name = [](const SwinSizes&) -> std::string { return "Swin transformer"; },
    .describe = describe_swin,
    .operations = swin_operations,
    .has_projection = [](const SwinSizes&) { return false; },
    .takes_int8 = is_swin_block_weight,
};

}  // namespace mien::engine
