#include "engine/detectors/pyramid.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "mien/core/check.h"

namespace mien::engine {
namespace {

constexpr std::int64_t kStemChannels = 3;

// A step of a network that takes lines from the top to the bottom. A line that is pushed stays as
// it is until the second push after it.
class LineStep {
 public:
  virtual ~LineStep() = default;
  virtual void push(const float* line) = 0;
  virtual void finish() {}  // no more lines come
};

class SeparableStep final : public LineStep {
 public:
  SeparableStep(const SeparableLayer& layer, std::int64_t places, bool relu,
                PyramidScratch& scratch, LineStep& next)
      : layer_(layer), places_(places), relu_(relu), next_(next) {
    const std::int64_t channels = layer.out(), wide = (places + 2) * channels;
    for (float*& line : ring_) line = with_zeros(scratch.take(wide), wide);
    zeros_ = with_zeros(scratch.take(wide), wide);
    for (float*& line : out_) line = scratch.take(places * channels);
  }

  void push(const float* line) override {
    float* to = ring_[static_cast<std::size_t>(lines_ % 3)] + layer_.out();
    layer_.point.run(std::span(&line, 1), places_, 1, false, to);
    ++lines_;
    if (lines_ > 1) emit(lines_ - 2);
  }
  void finish() override {
    if (lines_ > 0) emit(lines_ - 1);
    next_.finish();
  }

 private:
  static float* with_zeros(float* values, std::int64_t count) {
    std::fill_n(values, count, 0.0F);
    return values;
  }
  // The border of the 3 x 3 convolution is zero behind the first one, not in front of it.
  void emit(std::int64_t y) {
    const auto line = [&](std::int64_t i) -> const float* {
      return i < 0 || i >= lines_ ? zeros_ : ring_[static_cast<std::size_t>(i % 3)];
    };
    const std::array<const float*, 3> lines = {line(y - 1), line(y), line(y + 1)};
    float* out = out_[static_cast<std::size_t>(y % 2)];
    layer_.depth.run(lines, places_, relu_, out);
    next_.push(out);
  }

  const SeparableLayer& layer_;
  std::int64_t places_;
  bool relu_;
  LineStep& next_;
  std::int64_t lines_ = 0;
  std::array<float*, 3> ring_{};  // between the two convolutions
  std::array<float*, 2> out_{};
  const float* zeros_ = nullptr;
};

// The largest of 2 x 2 places. Precondition: an even number of lines.
class HalveStep final : public LineStep {
 public:
  HalveStep(std::int64_t places, std::int64_t channels, PyramidScratch& scratch, LineStep& next)
      : places_(places), channels_(channels), next_(next) {
    for (float*& line : out_) line = scratch.take(places * channels);
  }
  void push(const float* line) override {
    if (lines_++ % 2 == 0) {
      above_ = line;
      return;
    }
    float* out = out_[static_cast<std::size_t>(lines_ / 2 % 2)];
    kernels::line_maximum(above_, line, places_, channels_, out);
    next_.push(out);
  }
  void finish() override { next_.finish(); }

 private:
  std::int64_t places_, channels_;
  LineStep& next_;
  std::int64_t lines_ = 0;
  const float* above_ = nullptr;
  std::array<float*, 2> out_{};
};

// Keeps a map, and hands its lines on.
class KeepStep final : public LineStep {
 public:
  KeepStep(std::int64_t height, std::int64_t line, PyramidScratch& scratch, LineStep* next)
      : map_(scratch.take(height * line)), line_(line), next_(next) {}
  void push(const float* line) override {
    float* to = map_ + lines_++ * line_;
    std::copy_n(line, line_, to);
    if (next_ != nullptr) next_->push(to);
  }
  void finish() override {
    if (next_ != nullptr) next_->finish();
  }
  const float* map() const { return map_; }

 private:
  float* map_;
  std::int64_t line_;
  LineStep* next_;
  std::int64_t lines_ = 0;
};

// The steps of a chain, made from its end to its start.
class Chain {
 public:
  explicit Chain(PyramidScratch& scratch) : scratch_(scratch) {}

  const KeepStep& keep(std::int64_t height, std::int64_t line) {
    auto step = std::make_unique<KeepStep>(height, line, scratch_, first_);
    const KeepStep& out = *step;
    add(std::move(step));
    return out;
  }
  void separable(const SeparableLayer& layer, std::int64_t places, bool relu) {
    add(std::make_unique<SeparableStep>(layer, places, relu, scratch_, *first_));
  }
  void halve(std::int64_t places, std::int64_t channels) {
    add(std::make_unique<HalveStep>(places, channels, scratch_, *first_));
  }
  LineStep& first() { return *first_; }

 private:
  void add(std::unique_ptr<LineStep> step) {
    first_ = step.get();
    steps_.push_back(std::move(step));
  }
  PyramidScratch& scratch_;
  std::vector<std::unique_ptr<LineStep>> steps_;
  LineStep* first_ = nullptr;
};

// Lines of a picture as numbers, with a border of zeros, for a convolution that needs some of them
// at a time.
class PictureLines {
 public:
  PictureLines(image::ImageView picture, std::int64_t width, int kernel, PyramidScratch& scratch)
      : picture_(picture), border_(kernel / 2) {
    const std::int64_t values = (width + 2 * border_) * kStemChannels;
    for (int i = 0; i < kernel; ++i) {
      lines_.push_back(scratch.take(values));
      std::fill_n(lines_.back(), values, 0.0F);
    }
    zeros_ = scratch.take(values);
    std::fill_n(zeros_, values, 0.0F);
    held_.assign(static_cast<std::size_t>(kernel), -1);
  }
  const float* at(std::int64_t y) {
    if (y < 0 || y >= picture_.height) return zeros_;
    const auto slot = static_cast<std::size_t>(y) % lines_.size();
    if (held_[slot] != y) {
      const std::uint8_t* from = picture_.row(static_cast<int>(y));
      float* to = lines_[slot] + border_ * kStemChannels;
      for (std::int64_t i = 0; i < picture_.width * kStemChannels; ++i) to[i] = from[i];
      held_[slot] = y;
    }
    return lines_[slot];
  }

 private:
  image::ImageView picture_;
  std::int64_t border_;
  std::vector<float*> lines_;
  std::vector<std::int64_t> held_;
  float* zeros_ = nullptr;
};

// A layer that knows which tensors it is made of.
class Loader {
 public:
  explicit Loader(const checkpoint::Checkpoint& weights) : weights_(weights) {}

  TensorView view(const std::string& name) const {
    const TensorView* found = weights_.find(name);
    MIEN_CHECK(found != nullptr);
    return *found;
  }
  Result<SeparableLayer> separable(const std::string& name) const {
    SeparableLayer out;
    const TensorView point = view(name + ".point.weight");
    MIEN_ASSIGN_OR_RETURN(out.point,
                          kernels::LineConvolution::pack(point, view(name + ".point.bias"),
                                                         kernels::padded_channels(point.dim(1))));
    MIEN_ASSIGN_OR_RETURN(out.depth, kernels::LineDepthwiseConvolution::pack(
                                         view(name + ".depth.weight"), view(name + ".depth.bias")));
    return out;
  }
  // Of a picture in RGB, whatever order the network was trained with.
  Result<kernels::LineConvolution> stem(bool bgr) const {
    const TensorView weight = view("stem.weight");
    std::vector<float> values(weight.size());
    MIEN_RETURN_IF_ERROR(copy_to_f32(weight, values));
    const std::int64_t area = weight.dim(2) * weight.dim(3);
    for (std::int64_t o = 0; bgr && o < weight.dim(0); ++o) {
      float* blue = values.data() + o * kStemChannels * area;
      std::swap_ranges(blue, blue + area, blue + 2 * area);
    }
    return kernels::LineConvolution::pack(
        TensorView(DType::kF32, weight.shape(), std::as_bytes(std::span(values))),
        view("stem.bias"), kStemChannels);
  }

 private:
  const checkpoint::Checkpoint& weights_;
};

}  // namespace

float* PyramidScratch::take(std::int64_t values) {
  if (taken == buffers.size()) buffers.emplace_back();
  return buffers[taken++].reserve_as<float>(static_cast<std::size_t>(values));
}

Result<std::shared_ptr<const Pyramid>> Pyramid::load(const checkpoint::Checkpoint& weights,
                                                     const PyramidSizes& sizes) {
  const Loader loader(weights);
  const auto made = std::make_shared<Pyramid>();
  made->sizes_ = sizes;
  MIEN_ASSIGN_OR_RETURN(made->stem_, loader.stem(sizes.bgr));
  for (std::size_t s = 0; s < sizes.stages.size(); ++s) {
    Stage stage;
    stage.halve = sizes.stages[s].halve;
    for (std::size_t i = 0; i < sizes.stages[s].widths.size(); ++i) {
      MIEN_ASSIGN_OR_RETURN(auto layer, loader.separable(fmt::format("stages.{}.{}", s, i)));
      stage.layers.push_back(std::move(layer));
    }
    made->stages_.push_back(std::move(stage));
  }
  for (int l = 0; l < sizes.levels; ++l) {
    Level level;
    MIEN_ASSIGN_OR_RETURN(level.lateral, loader.separable(fmt::format("lateral.{}", l)));
    for (int i = 0; i < sizes.shared; ++i) {
      MIEN_ASSIGN_OR_RETURN(auto layer, loader.separable(fmt::format("shared.{}.{}", l, i)));
      level.shared.push_back(std::move(layer));
    }
    MIEN_ASSIGN_OR_RETURN(level.answers, loader.separable(fmt::format("answers.{}", l)));
    made->levels_.push_back(std::move(level));
  }
  return std::shared_ptr<const Pyramid>(made);
}

std::vector<PyramidMap> Pyramid::run(image::ImageView picture, PyramidScratch& scratch) const {
  scratch.taken = 0;
  const int coarsest = sizes_.stride(sizes_.levels - 1);
  const auto whole = [&](std::int64_t size) { return (size + coarsest - 1) / coarsest * coarsest; };
  const std::int64_t height = whole(picture.height), width = whole(picture.width);
  const std::int64_t channels = kernels::padded_channels(sizes_.width());
  const auto rows = [&](int level) { return height / sizes_.stride(level); };
  const auto places = [&](int level) { return width / sizes_.stride(level); };

  // The backbone, from its last layer to its first.
  Chain backbone(scratch);
  std::vector<const KeepStep*> maps(static_cast<std::size_t>(sizes_.levels));
  int level = sizes_.levels;
  std::int64_t step = coarsest;
  for (std::size_t s = stages_.size(); s-- > 0;) {
    const std::int64_t line = width / step;
    if (level > 0) {
      maps[static_cast<std::size_t>(--level)] = &backbone.keep(height / step, line * channels);
    }
    const auto& layers = stages_[s].layers;
    for (std::size_t i = layers.size(); i-- > 0;) backbone.separable(layers[i], line, true);
    if (!stages_[s].halve) continue;
    backbone.halve(line, s > 0 ? stages_[s - 1].layers.back().out() : stem_.out());
    step /= 2;
  }
  PictureLines lines(picture, width, sizes_.stem_kernel, scratch);
  const std::int64_t stem_width = width / sizes_.stem_stride;
  std::array<float*, 2> stem_out{};
  for (float*& line : stem_out) line = scratch.take(stem_width * stem_.out());
  std::vector<const float*> below(static_cast<std::size_t>(sizes_.stem_kernel));
  for (std::int64_t y = 0; y < height / sizes_.stem_stride; ++y) {
    for (int t = 0; t < sizes_.stem_kernel; ++t) {
      below[static_cast<std::size_t>(t)] =
          lines.at(y * sizes_.stem_stride - sizes_.stem_kernel / 2 + t);
    }
    float* out = stem_out[static_cast<std::size_t>(y % 2)];
    stem_.run(below, stem_width, sizes_.stem_stride, true, out);
    backbone.first().push(out);
  }
  backbone.first().finish();

  // The pyramid, from the coarsest level to the finest, and the answers of each level.
  std::vector<PyramidMap> out(static_cast<std::size_t>(sizes_.levels));
  const float* coarser = nullptr;
  for (int l = sizes_.levels; l-- > 0;) {
    const Level& layers = levels_[static_cast<std::size_t>(l)];
    const std::int64_t line = places(l) * channels;
    Chain chain(scratch);
    const KeepStep& answers = chain.keep(rows(l), places(l) * kAnswers);
    chain.separable(layers.answers, places(l), false);
    for (std::size_t i = layers.shared.size(); i-- > 0;)
      chain.separable(layers.shared[i], places(l), true);
    const KeepStep& merged = chain.keep(rows(l), line);
    chain.separable(layers.lateral, places(l), true);
    float* sum = coarser != nullptr ? scratch.take(line) : nullptr;
    for (std::int64_t y = 0; y < rows(l); ++y) {
      const float* here = maps[static_cast<std::size_t>(l)]->map() + y * line;
      if (coarser != nullptr) {
        const float* above = coarser + y / 2 * (line / 2);
        for (std::int64_t x = 0; x < places(l); ++x) {
          for (std::int64_t c = 0; c < channels; ++c) {
            sum[x * channels + c] = here[x * channels + c] + above[x / 2 * channels + c];
          }
        }
        here = sum;
      }
      chain.first().push(here);
    }
    chain.first().finish();
    coarser = merged.map();
    out[static_cast<std::size_t>(l)] = {answers.map(), rows(l), places(l), sizes_.stride(l)};
  }
  return out;
}

}  // namespace mien::engine
