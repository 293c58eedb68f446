// Residual networks of basic blocks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"
#include "kernels/convolution.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

using kernels::Convolution;
using kernels::ConvolutionOptions;
using kernels::PictureLayout;
using kernels::Precision;

constexpr float kEps = 1e-5F;
// Activations of one pass: about what the second cache level holds twice over.
constexpr std::int64_t kValuesPerPass = std::int64_t{1} << 21;

// Stride of the first convolution of a block.
int stride_of(const ResidualSizes& sizes, std::size_t stage, int block) {
  if (block > 0) return 1;
  return stage == 0 ? sizes.first_stride : 2;
}

Result<ResidualSizes> parse_residual(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json,
      {"type", "image_size", "channels", "stem_kernel", "stem_stride", "stem_width", "stem_pool",
       "first_stride", "widths", "blocks", "projection"},
      subject));
  ResidualSizes sizes;
  MIEN_ASSIGN_OR_RETURN(sizes.image_size, read_size(json, "image_size", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.channels, read_size(json, "channels", 3, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_kernel, read_size(json, "stem_kernel", 15, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_stride, read_size(json, "stem_stride", 4, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_width, read_size(json, "stem_width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_pool, json_bool(json, "stem_pool", subject));
  MIEN_ASSIGN_OR_RETURN(sizes.first_stride, read_size(json, "first_stride", 4, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.widths, read_sizes(json, "widths", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.blocks, read_sizes(json, "blocks", kMaxLayers, subject));
  if (json.find("projection") != nullptr) {
    MIEN_ASSIGN_OR_RETURN(sizes.projection, json_bool(json, "projection", subject));
  }
  return sizes;
}

void write_residual(const ResidualSizes& sizes, Json& out) {
  out.set("image_size", sizes.image_size);
  out.set("channels", sizes.channels);
  out.set("stem_kernel", sizes.stem_kernel);
  out.set("stem_stride", sizes.stem_stride);
  out.set("stem_width", sizes.stem_width);
  out.set("stem_pool", sizes.stem_pool);
  out.set("first_stride", sizes.first_stride);
  out.set("widths", sizes_json(sizes.widths));
  out.set("blocks", sizes_json(sizes.blocks));
  if (!sizes.projection) out.set("projection", false);
}

Status check_residual(const ResidualSizes& sizes, int embed, std::string_view subject) {
  const bool shape = sizes.widths.size() == sizes.blocks.size() && !sizes.widths.empty() &&
                     (sizes.channels == 1 || sizes.channels == 3) && sizes.stem_kernel % 2 == 1;
  if (!shape) {
    return corrupt(fmt::format(
        "{}: {} widths, {} blocks, {} channels, stem kernel {} (expected as many widths as blocks, "
        "1 or 3 channels, an odd kernel)",
        subject, sizes.widths.size(), sizes.blocks.size(), sizes.channels, sizes.stem_kernel));
  }
  for (const int width : sizes.widths) {
    if (width < 1 || width > kMaxWidth) {
      return corrupt(fmt::format("{}: width {} (expected 1..{})", subject, width, kMaxWidth));
    }
  }
  if (!sizes.projection && sizes.widths.back() != embed) {
    return corrupt(fmt::format("{}: last width {} without a projection (expected {}, as embed)",
                               subject, sizes.widths.back(), embed));
  }
  return {};
}

void add_residual(const ResidualSizes& sizes, int embed, std::vector<ExpectedTensor>& out) {
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
      if (stride_of(sizes, stage, i) != 1 || in != width) {
        conv(block + "downsample.0", in, width, 1);
        norm(block + "downsample.1", width);
      }
      in = width;
    }
  }
  if (sizes.projection) out.push_back({"visual.proj", {in, embed}});
}

std::string describe_residual(const ResidualSizes& sizes) {
  return fmt::format("residual network: {} px, {}, widths {}, blocks {}", sizes.image_size,
                     sizes.channels == 1 ? "grey" : "colour", fmt::join(sizes.widths, " "),
                     fmt::join(sizes.blocks, " "));
}

double residual_operations(const ResidualSizes& sizes, int /*embed*/) {
  const auto square = [](double x) { return x * x; };
  int side = (sizes.image_size - 1) / sizes.stem_stride + 1;
  double sum = square(side * sizes.stem_kernel) * sizes.channels * sizes.stem_width;
  if (sizes.stem_pool) side = (side + 1) / 2;
  double in = sizes.stem_width;
  for (std::size_t stage = 0; stage < sizes.widths.size(); ++stage) {
    const double width = sizes.widths[stage];
    for (int i = 0; i < sizes.blocks[stage]; ++i) {
      const int stride = stride_of(sizes, stage, i);
      side = (side - 1) / stride + 1;
      sum += square(side) * 9 * (in * width + square(width));
      if (stride != 1 || in != width) sum += square(side) * in * width;
      in = width;
    }
  }
  return 2 * sum;
}

// Loads layers with the batch norms behind them, packed side by side.
struct Layers {
  const checkpoint::Checkpoint& weights;
  kernels::Buffer raw = {};  // as in the file
  std::shared_ptr<kernels::Shelf> shelf = std::make_shared<kernels::Shelf>();

  Result<Convolution> load(const std::string& conv, const std::string& norm,
                           const ConvolutionOptions& options) {
    const TensorView* view = weights.find(conv + ".weight");
    MIEN_CHECK(view != nullptr);
    MIEN_ASSIGN_OR_RETURN(auto affine, load_batch_norm(weights, norm, kEps));
    constexpr std::size_t kLeast = std::size_t{4} << 20;  // grows seldom, lies on large pages
    const std::size_t size = view->bytes().size();
    const std::span bytes(raw.reserve_as<std::byte>(std::max(size, kLeast)), size);
    MIEN_RETURN_IF_ERROR(weights.read(*view, bytes));
    auto packed = Convolution::pack({.weight = TensorView(view->dtype(), view->shape(), bytes),
                                     .factor = std::move(affine.factor),
                                     .bias = std::move(affine.shift)},
                                    options, shelf);
    if (!packed.ok()) return packed.status().with_prefix(conv);
    return packed;
  }
};

struct ResidualBlock {
  Convolution first, second;
  Convolution shortcut;  // empty: the input itself
};

// Activations between convolutions are [count, height, width, channels] in the precision of the
// weights; or float32 in blocks of 16 channels, where that is faster.
struct ResidualImage final : ImageEncoder::Impl {
  ResidualSizes sizes;
  Precision precision = Precision::kF32;
  PictureLayout layout = PictureLayout::kChannelsLast;
  Convolution stem;
  std::vector<ResidualBlock> blocks;
  kernels::Linear projection;  // empty: the means are the embedding

  Status encode_pass(const float* pixels, std::int64_t count, float* out,
                     Session::Impl& session) const override;
  Status first_map(const float* pixels, std::vector<float>& out,
                   Session::Impl& session) const override;
  void* reserve(kernels::Buffer& buffer, std::int64_t values) const {
    return buffer.reserve(static_cast<std::size_t>(values) *
                          (precision == Precision::kF32 ? sizeof(float) : sizeof(std::uint16_t)));
  }
  const float* input_of(const float* pixels, std::int64_t count, Session::Impl& session) const;
  // Pooling works on every channel by itself: blocks are pictures of 16 channels.
  std::int64_t pictures(std::int64_t count, std::int64_t channels) const {
    return layout == PictureLayout::kBlocks ? count * channels / 16 : count;
  }
  std::int64_t together(std::int64_t channels) const {
    return layout == PictureLayout::kBlocks ? 16 : channels;
  }
  Status run_block(const ResidualBlock& block, std::int64_t count, std::int64_t& side,
                   kernels::Buffer*& now, kernels::Buffer*& spare, Session::Impl& session) const;
};

// [count, 3, S, S] -> [count, S, S, channels], or [count, channels, S, S] in front of blocks.
const float* ResidualImage::input_of(const float* pixels, std::int64_t count,
                                     Session::Impl& session) const {
  const std::int64_t area = std::int64_t{sizes.image_size} * sizes.image_size;
  const std::int64_t channels = sizes.channels;
  if (layout == PictureLayout::kBlocks && channels == 3) return pixels;
  auto* to = session.input.reserve_as<float>(static_cast<std::size_t>(count * area * channels));
  for (std::int64_t n = 0; n < count; ++n) {
    if (layout == PictureLayout::kBlocks) {
      std::copy_n(pixels + n * 3 * area, channels * area, to + n * channels * area);
      continue;
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* from = pixels + (n * 3 + c) * area;
      for (std::int64_t i = 0; i < area; ++i) to[(n * area + i) * channels + c] = from[i];
    }
  }
  return to;
}

Status ResidualImage::first_map(const float* pixels, std::vector<float>& out,
                                Session::Impl& session) const {
  const std::int64_t side = sizes.image_size, after = stem.out_size(side);
  const float* input = input_of(pixels, 1, session);
  const std::int64_t area = after * after, channels = stem.out();
  auto* made = session.hidden.reserve_as<float>(static_cast<std::size_t>(area * channels));
  MIEN_RETURN_IF_ERROR(stem.run(input, 1, side, side, made, session.workspace));
  const std::int64_t width = together(channels);  // channels that lie together
  out.resize(static_cast<std::size_t>(area * channels));
  for (std::int64_t first = 0; first < channels; first += width) {
    for (std::int64_t i = 0; i < area; ++i) {
      std::copy_n(made + first * area + i * width, width, out.data() + i * channels + first);
    }
  }
  return {};
}

// `now` holds the input, and the output afterwards.
Status ResidualImage::run_block(const ResidualBlock& block, std::int64_t count, std::int64_t& side,
                                kernels::Buffer*& now, kernels::Buffer*& spare,
                                Session::Impl& session) const {
  const std::int64_t after = block.first.out_size(side);
  const std::int64_t values = count * after * after * block.second.out();
  void* x = now->reserve(0);
  void* inner = reserve(session.hidden, values);
  MIEN_RETURN_IF_ERROR(block.first.run(x, count, side, side, inner, session.workspace));
  void* rest = x;
  if (block.shortcut.out() > 0) {
    rest = reserve(*spare, values);
    MIEN_RETURN_IF_ERROR(block.shortcut.run(x, count, side, side, rest, session.workspace));
    std::swap(now, spare);
  }
  side = after;
  return block.second.run(inner, count, side, side, rest, session.workspace);
}

Status ResidualImage::encode_pass(const float* pixels, std::int64_t count, float* out,
                                  Session::Impl& session) const {
  std::int64_t side = sizes.image_size;
  const float* input = input_of(pixels, count, session);
  kernels::Buffer* now = &session.stream;
  kernels::Buffer* spare = &session.normed;
  const std::int64_t after = stem.out_size(side);
  const std::int64_t values = count * after * after * stem.out();
  void* x = reserve(*now, values);
  if (precision == Precision::kF32) {
    MIEN_RETURN_IF_ERROR(stem.run(input, count, side, side, x, session.workspace));
  } else {
    auto* wide = session.hidden.reserve_as<float>(static_cast<std::size_t>(values));
    MIEN_RETURN_IF_ERROR(stem.run(input, count, side, side, wide, session.workspace));
    kernels::to_bf16(wide, values, static_cast<std::uint16_t*>(x));
  }
  side = after;
  if (sizes.stem_pool) {
    const std::int64_t half = (side + 1) / 2;
    void* pooled = reserve(*spare, count * half * half * stem.out());
    kernels::max_pool_3x3(x, precision, pictures(count, stem.out()), side, together(stem.out()),
                          pooled);
    side = half;
    std::swap(now, spare);
  }
  for (const ResidualBlock& block : blocks) {
    MIEN_RETURN_IF_ERROR(run_block(block, count, side, now, spare, session));
  }
  const std::int64_t channels = blocks.back().second.out();
  const bool projects = projection.out() > 0;
  float* means =
      projects ? session.pooled.reserve_as<float>(static_cast<std::size_t>(count * channels)) : out;
  kernels::mean_of_rows(now->reserve(0), precision, pictures(count, channels), side * side,
                        together(channels), means);
  return projects ? projection.run(means, count, out, session.workspace) : Status();
}

// Blocks need whole ones in every layer.
PictureLayout layout_for(const ResidualSizes& sizes, Precision precision) {
  bool whole = sizes.stem_width % 16 == 0;
  for (const int width : sizes.widths) whole = whole && width % 16 == 0;
  return whole && precision == Precision::kF32 && kernels::has_block_convolution()
             ? PictureLayout::kBlocks
             : PictureLayout::kChannelsLast;
}

Result<std::unique_ptr<ImageEncoder::Impl>> load_residual(const checkpoint::Checkpoint& weights,
                                                          const ResidualSizes& sizes,
                                                          const ImageEncoderOptions& options) {
  const Precision precision = without_int8(options.precision);
  auto impl = std::make_unique<ResidualImage>();
  impl->precision = precision;
  impl->sizes = sizes;
  Layers layers{weights};
  // The first layer sees raw pixels in fp32.
  const PictureLayout layout = impl->layout =
      options.many_pictures ? layout_for(sizes, precision) : PictureLayout::kChannelsLast;
  const bool blocks = layout == PictureLayout::kBlocks;
  MIEN_ASSIGN_OR_RETURN(impl->stem, layers.load("visual.conv1", "visual.bn1",
                                                {.stride = sizes.stem_stride,
                                                 .padding = sizes.stem_kernel / 2,
                                                 .relu = true,
                                                 .from = blocks ? PictureLayout::kPlanes : layout,
                                                 .to = layout}));
  for (std::size_t stage = 0; stage < sizes.widths.size(); ++stage) {
    for (int i = 0; i < sizes.blocks[stage]; ++i) {
      const std::string name =
          "visual.layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
      ConvolutionOptions layer = {.stride = stride_of(sizes, stage, i),
                                  .padding = 1,
                                  .relu = true,
                                  .input = precision,
                                  .output = precision,
                                  .from = layout,
                                  .to = layout};
      ResidualBlock block;
      MIEN_ASSIGN_OR_RETURN(block.first, layers.load(name + "conv1", name + "bn1", layer));
      if (weights.find(name + "downsample.0.weight") != nullptr) {
        ConvolutionOptions shortcut = layer;
        shortcut.padding = 0;
        shortcut.relu = false;
        MIEN_ASSIGN_OR_RETURN(block.shortcut,
                              layers.load(name + "downsample.0", name + "downsample.1", shortcut));
      }
      layer.stride = 1;
      layer.accumulate = true;
      MIEN_ASSIGN_OR_RETURN(block.second, layers.load(name + "conv2", name + "bn2", layer));
      impl->blocks.push_back(std::move(block));
    }
  }
  layers.shelf->clear_bench();
  if (sizes.projection) {
    const TensorView* proj = weights.find("visual.proj");
    MIEN_CHECK(proj != nullptr);
    MIEN_ASSIGN_OR_RETURN(impl->projection,
                          kernels::Linear::pack(*proj, nullptr, {.weight_is_in_out = true}));
  }
  const std::int64_t side = impl->stem.out_size(sizes.image_size);
  impl->per_pass =
      std::max<std::int64_t>(1, kValuesPerPass / (side * side * std::max(1, sizes.stem_width)));
  return std::unique_ptr<ImageEncoder::Impl>(std::move(impl));
}

}  // namespace

constinit const ImageKind<ResidualSizes> kResidualKind = {
    .type = "residual",
    .name = "residual network",
    .parse = parse_residual,
    .write = write_residual,
    .check = check_residual,
    .add_tensors = add_residual,
    .load = load_residual,
    .model_name = [](const ResidualSizes&) -> std::string { return "residual network"; },
    .describe = describe_residual,
    .operations = residual_operations,
    .has_projection = [](const ResidualSizes& sizes) { return sizes.projection; },
    .channels = [](const ResidualSizes& sizes) { return sizes.channels; },
    .map_channels = [](const ResidualSizes& sizes) { return sizes.stem_width; },
};

}  // namespace mien::engine
