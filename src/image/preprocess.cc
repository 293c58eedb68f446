#include "mien/image/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "image/resize_internal.h"

namespace mien::image {
namespace {

using Kind = PreprocessStep::Kind;
using Steps = std::span<const PreprocessStep>;

// A long thin picture would grow without bound when its shorter side is enlarged and nothing crops
// it.
constexpr std::int64_t kMaxPixels = 64'000'000;

struct Size {
  int width = 0;
  int height = 0;
};

// torchvision: longer side = int(size * long / short).
Size shorter_side_to(Size in, int size) {
  const auto longer = [&](int from, int other) {
    return static_cast<int>(std::int64_t{size} * from / other);
  };
  if (in.width <= in.height) return {size, longer(in.height, in.width)};
  return {longer(in.width, in.height), size};
}

Size resized(Size in, const PreprocessStep& step) {
  if (step.kind == Kind::kResizeExact) return {step.size, step.size};
  return shorter_side_to(in, step.size);
}

// One axis of torchvision's centre crop: `count` pixels from `from` go to `to`; the rest is zero.
struct CropAxis {
  int from = 0;
  int to = 0;
  int count = 0;
};

CropAxis crop_axis(int in, int size) {
  if (size > in) return {0, (size - in) / 2, in};
  // Python rounds halves to the even neighbour.
  const int twice = in - size;
  const int half = twice / 2;
  return {twice % 2 != 0 && half % 2 != 0 ? half + 1 : half, 0, size};
}

// The part that a resize has to compute: everything, or what the centre crop after it keeps.
struct Plan {
  Size size;
  Window window;
  std::optional<PreprocessStep> crop;
};

Result<Plan> plan_resize(Size in, Steps steps) {
  Plan plan{resized(in, steps[0]), {}, std::nullopt};
  plan.window = {0, 0, plan.size.width, plan.size.height};
  if (steps.size() > 1 && steps[1].kind == Kind::kCenterCrop) {
    const CropAxis x = crop_axis(plan.size.width, steps[1].size);
    const CropAxis y = crop_axis(plan.size.height, steps[1].size);
    plan.window = {x.from, y.from, x.count, y.count};
    plan.crop = steps[1];
  }
  if (std::int64_t{plan.window.width} * plan.window.height > kMaxPixels) {
    return resource_limit(fmt::format(
        "picture: {}x{} is too thin to be enlarged to {}x{} (expected at most {} pixels)", in.width,
        in.height, plan.size.width, plan.size.height, kMaxPixels));
  }
  return plan;
}

FloatPlanes to_planes(ImageView image, const std::array<std::array<float, 256>, 3>& table) {
  FloatPlanes out{3, image.height, image.width, {}};
  const std::size_t plane =
      static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  out.values.resize(3 * plane);
  float* red = out.values.data();
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* in = image.row(y);
    for (int x = 0; x < image.width; ++x, in += 3, ++red) {
      red[0] = table[0][in[0]];
      red[plane] = table[1][in[1]];
      red[2 * plane] = table[2][in[2]];
    }
  }
  return out;
}

// What torch does with uint8 without antialiasing: compute in float, then clamp and round.
Image resize_u8_plain(ImageView source, const Plan& plan, Filter filter) {
  std::array<std::array<float, 256>, 3> table{};
  for (auto& column : table) {
    for (std::size_t v = 0; v < column.size(); ++v) column[v] = static_cast<float>(v);
  }
  const FloatPlanes planes = resize_f32_window(to_planes(source, table), plan.size.width,
                                               plan.size.height, filter, false, plan.window);
  Image out(planes.width, planes.height);
  const std::size_t plane = planes.values.size() / 3;
  const float* value = planes.values.data();
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < plane; ++i, ++value) {
      const float rounded = std::nearbyint(std::clamp(*value, 0.0F, 255.0F));
      out.pixels()[i * 3 + c] = static_cast<std::uint8_t>(rounded);
    }
  }
  return out;
}

// The picture during the steps: 8-bit until kToFloat, planes of floats after it.
class Worker {
 public:
  explicit Worker(ImageView source) : view_(source) {}

  // Runs the first of `steps`; returns how many were done, because some are fused.
  Result<std::size_t> run(Steps steps) {
    switch (steps[0].kind) {
      case Kind::kResizeShorter:
      case Kind::kResizeExact: return run_resize(steps);
      case Kind::kCenterCrop: center_crop(steps[0].size); return std::size_t{1};
      case Kind::kGrey: grey(); return std::size_t{1};
      case Kind::kToFloat: return to_float(steps);
      case Kind::kNormalize: normalize(steps[0]); return std::size_t{1};
    }
    return internal_error("preprocessing: unknown step");
  }

  const FloatPlanes& planes() const { return planes_; }

 private:
  Size size() const {
    return is_float_ ? Size{planes_.width, planes_.height} : Size{view_.width, view_.height};
  }

  void hold(Image image) {
    image_ = std::move(image);
    view_ = image_.view();
  }

  Result<std::size_t> run_resize(Steps steps) {
    MIEN_ASSIGN_OR_RETURN(const Plan plan, plan_resize(size(), steps));
    const PreprocessStep& step = steps[0];
    const auto [width, height] = plan.size;
    if (is_float_) {
      // torchvision does not touch a picture of the right size.
      const bool same = width == planes_.width && height == planes_.height;
      if (same) return std::size_t{1};
      planes_ = resize_f32_window(planes_, width, height, step.filter, step.antialias, plan.window);
    } else if (step.antialias || step.filter == Filter::kNearest) {
      hold(resize_u8_window(view_, width, height, step.filter, plan.window));
    } else {
      hold(resize_u8_plain(view_, plan, step.filter));
    }
    if (!plan.crop) return std::size_t{1};
    // Pixels outside the window are padding.
    center_crop(plan.crop->size);
    return std::size_t{2};
  }

  void center_crop(int to) {
    const auto [width, height] = size();
    if (width == to && height == to) return;
    const CropAxis x = crop_axis(width, to);
    const CropAxis y = crop_axis(height, to);
    if (is_float_) {
      crop_planes(x, y, to);
      return;
    }
    Image out(to, to);
    for (int row = 0; row < y.count; ++row) {
      std::copy_n(view_.row(y.from + row) + std::ptrdiff_t{3} * x.from, std::ptrdiff_t{3} * x.count,
                  out.row(y.to + row) + std::ptrdiff_t{3} * x.to);
    }
    hold(std::move(out));
  }

  void crop_planes(const CropAxis& x, const CropAxis& y, int to) {
    FloatPlanes out{3, to, to, {}};
    const auto side = static_cast<std::ptrdiff_t>(to);
    out.values.resize(static_cast<std::size_t>(3 * side * side));
    for (int c = 0; c < 3; ++c) {
      for (int row = 0; row < y.count; ++row) {
        const float* from = planes_.values.data() +
                            (std::ptrdiff_t{c} * planes_.height + y.from + row) * planes_.width +
                            x.from;
        std::copy_n(from, x.count, out.values.data() + (c * side + y.to + row) * side + x.to);
      }
    }
    planes_ = std::move(out);
  }

  // ITU-R 601 luma in Pillow's fixed point.
  void grey() {
    Image out(view_.width, view_.height);
    for (int y = 0; y < view_.height; ++y) {
      const std::uint8_t* in = view_.row(y);
      std::uint8_t* to = out.row(y);
      for (int x = 0; x < view_.width; ++x, in += 3, to += 3) {
        const std::uint32_t luma = in[0] * 19595U + in[1] * 38470U + in[2] * 7471U + 0x8000U;
        to[0] = to[1] = to[2] = static_cast<std::uint8_t>(luma >> 16);
      }
    }
    hold(std::move(out));
  }

  // A pixel has 256 values per channel, so the normalisations that follow are applied to a table.
  std::size_t to_float(Steps steps) {
    std::array<std::array<float, 256>, 3> table{};
    for (auto& column : table) {
      for (std::size_t v = 0; v < column.size(); ++v) column[v] = static_cast<float>(v) / 255.0F;
    }
    std::size_t done = 1;
    for (; done < steps.size() && steps[done].kind == Kind::kNormalize; ++done) {
      for (std::size_t c = 0; c < 3; ++c) {
        for (float& v : table[c]) v = (v - steps[done].mean[c]) / steps[done].std[c];
      }
    }
    planes_ = to_planes(view_, table);
    is_float_ = true;
    return done;
  }

  void normalize(const PreprocessStep& step) {
    const std::size_t plane = planes_.values.size() / 3;
    for (std::size_t c = 0; c < 3; ++c) {
      for (float& v : std::span(planes_.values).subspan(c * plane, plane)) {
        v = (v - step.mean[c]) / step.std[c];
      }
    }
  }

  bool is_float_ = false;
  ImageView view_;
  Image image_;
  FloatPlanes planes_;
};

}  // namespace

Status preprocess(ImageView source, const PreprocessSpec& spec, std::span<float> out) {
  MIEN_RETURN_IF_ERROR(spec.validate());
  const auto side = static_cast<std::size_t>(spec.output_size());
  MIEN_CHECK(out.size() == 3 * side * side);
  if (source.empty()) {
    return invalid_argument(
        fmt::format("picture: {}x{} (expected pixels)", source.width, source.height));
  }
  Worker worker(source);
  for (Steps left(spec.steps); !left.empty();) {
    MIEN_ASSIGN_OR_RETURN(const std::size_t done, worker.run(left));
    left = left.subspan(done);
  }
  MIEN_CHECK(worker.planes().values.size() == out.size());
  std::copy(worker.planes().values.begin(), worker.planes().values.end(), out.begin());
  return {};
}

}  // namespace mien::image
