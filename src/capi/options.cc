#include "capi/options.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include "capi/calls.h"
#include "mien/engine/detector.h"
#include "mien/engine/label_scorer.h"
#include "mien/pipeline/baseline.h"

namespace mien::capi {
namespace {

// `first` is the size of the struct in the first version of the library.
template <class Options>
Result<Options> completed(const Options* given, void (*init)(Options*), std::size_t first,
                          std::string_view name) {
  Options out;
  init(&out);
  if (given == nullptr) return out;
  if (given->size < first || given->size > sizeof(Options)) {
    return invalid_argument(fmt::format("{}: size is {} (expected {} to {}; call {}_init first)",
                                        name, given->size, first, sizeof(Options), name));
  }
  std::memcpy(&out, given, given->size);
  return out;
}

std::string_view word_or(const char* word, std::string_view otherwise) {
  return word == nullptr || *word == '\0' ? otherwise : std::string_view(word);
}

Status check_range(std::string_view name, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return invalid_argument(
      fmt::format("{}: {} is out of range (expected {} to {})", name, value, least, most));
}

Result<engine::UnknownChoice> unknown_of(std::string_view word) {
  using Mode = engine::UnknownChoice::Mode;
  if (word == "off") return engine::UnknownChoice{Mode::kOff, 0};
  if (word == "auto") return engine::UnknownChoice{Mode::kAuto, 0};
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value)) {
    return invalid_argument(
        fmt::format("unknown: invalid value '{}' (expected off, auto or a number)", word));
  }
  return engine::UnknownChoice{Mode::kValue, value};
}

}  // namespace

Result<mien_bundle_options> complete(const mien_bundle_options* given) {
  return completed(given, mien_bundle_options_init, sizeof(mien_bundle_options),
                   "mien_bundle_options");
}
Result<mien_face_options> complete(const mien_face_options* given) {
  return completed(given, mien_face_options_init, sizeof(mien_face_options), "mien_face_options");
}
Result<mien_recognizer_options> complete(const mien_recognizer_options* given) {
  return completed(given, mien_recognizer_options_init, sizeof(mien_recognizer_options),
                   "mien_recognizer_options");
}
Result<mien_clip_options> complete(const mien_clip_options* given) {
  return completed(given, mien_clip_options_init, sizeof(mien_clip_options), "mien_clip_options");
}

Result<face::FinderOptions> finder_options(const mien_face_options* given) {
  MIEN_ASSIGN_OR_RETURN(const mien_face_options options, complete(given));
  face::FinderOptions out;
  switch (options.mode) {
    case MIEN_FACES_AUTO: out.mode = face::Mode::kAuto; break;
    case MIEN_FACES_HOG: out.mode = face::Mode::kHog; break;
    case MIEN_FACES_WHOLE: out.mode = face::Mode::kWhole; break;
    default:
      return invalid_argument(
          fmt::format("faces: mode is {} (expected a MIEN_FACES_ value)", options.mode));
  }
  MIEN_RETURN_IF_ERROR(check_range("upsample", options.upsample, -1, 4));
  MIEN_RETURN_IF_ERROR(check_range("min_face", options.min_face, 0, 4000));
  MIEN_RETURN_IF_ERROR(check_range("min_score", options.min_score, -10, 100));
  MIEN_RETURN_IF_ERROR(check_range("detect_every", options.detect_every, 1, 1000));
  out.upsample = options.upsample;
  out.min_face = options.min_face;
  out.min_score = options.min_score;
  out.detect_every = options.detect_every;
  out.single = options.single != 0;
  out.landmarks = options.landmarks != 0;
  out.landmark_model = word_or(options.landmark_model, "");
  const mien_box& region = options.region;
  if (!(region.w == 0 && region.h == 0)) {
    out.region = image::Box{region.x, region.y, region.w, region.h};
  }
  const std::string_view detector = word_or(options.detector, "");
  if (!detector.empty()) {
    if (out.mode != face::Mode::kAuto) {
      return invalid_argument("detector: cannot be combined with another mode of faces than auto");
    }
    MIEN_ASSIGN_OR_RETURN(auto bundle, engine::DetectorBundle::load(detector));
    out.detector = engine::make_network_detector(std::move(bundle));
  }
  return out;
}

Result<pipeline::RecognizerOptions> recognizer_options(const mien_recognizer_options& given) {
  pipeline::RecognizerOptions out;
  MIEN_ASSIGN_OR_RETURN(out.finder, finder_options(given.faces));
  MIEN_ASSIGN_OR_RETURN(out.scorer.unknown, unknown_of(word_or(given.unknown, "auto")));
  const std::string_view reduce = word_or(given.reduce, "auto");
  if (reduce != "auto") {
    out.scorer.reduce = engine::find_reduce(reduce);
    if (!out.scorer.reduce) {
      return invalid_argument(fmt::format(
          "reduce: unknown value '{}' (expected auto, mean, mean-cosine or max)", reduce));
    }
  }
  if (given.baseline != nullptr && *given.baseline != '\0') {
    auto baseline = pipeline::parse_baseline(given.baseline);
    if (!baseline.ok()) return baseline.status().with_prefix("baseline");
    out.baseline = *baseline;
  }
  MIEN_RETURN_IF_ERROR(check_range("smooth_seconds", given.smooth_seconds, 0, 3600));
  MIEN_RETURN_IF_ERROR(check_range("max_fps", given.max_fps, 0, 100'000));
  MIEN_RETURN_IF_ERROR(check_range("every", given.every, 1, 100'000));
  MIEN_RETURN_IF_ERROR(check_range("batch", given.batch, 1, 1024));
  MIEN_RETURN_IF_ERROR(check_range("threads", given.threads, 0, 1024));
  out.scorer.explain = given.explain != 0;
  out.scores = given.scores != 0;
  out.embeddings = given.embeddings != 0;
  out.frame_values = true;
  out.smooth_seconds = given.smooth_seconds;
  out.max_fps = given.max_fps;
  out.every = given.every;
  out.batch = given.batch;
  return out;
}

Result<engine::BundleOptions> bundle_options(const mien_bundle_options& given) {
  engine::BundleOptions out;
  const std::string_view precision = word_or(given.precision, "fp32");
  const auto choice = engine::find_precision(precision);
  if (!choice) {
    return invalid_argument(fmt::format(
        "precision: unknown value '{}' (expected auto, fp32, bf16 or int8)", precision));
  }
  if (given.views != 1 && given.views != 2 && given.views != 4) {
    return invalid_argument(fmt::format("views: {} (expected 1, 2 or 4)", given.views));
  }
  out.precision = *choice;
  out.views = given.views;
  out.many_pictures = given.many_pictures != 0;
  return out;
}

namespace {

struct PixelLayout {
  int channels = 3;
  int red = 0;
  int green = 1;
  int blue = 2;
};

Result<PixelLayout> layout_of(std::int32_t format) {
  switch (format) {
    case MIEN_RGB: return PixelLayout{3, 0, 1, 2};
    case MIEN_BGR: return PixelLayout{3, 2, 1, 0};
    case MIEN_RGBA: return PixelLayout{4, 0, 1, 2};
    case MIEN_BGRA: return PixelLayout{4, 2, 1, 0};
    case MIEN_GREY: return PixelLayout{1, 0, 0, 0};
    default: break;
  }
  return invalid_argument(
      fmt::format("pixels: format is {} (expected MIEN_RGB or another of these values)", format));
}

}  // namespace

Result<image::ImageView> view_of(const mien_pixels* pixels, image::Image& copy) {
  MIEN_RETURN_IF_ERROR(check_pointer(pixels, "pixels", "a picture"));
  MIEN_RETURN_IF_ERROR(check_pointer(pixels->data, "pixels: data", "pixels"));
  MIEN_ASSIGN_OR_RETURN(const PixelLayout layout, layout_of(pixels->format));
  const int width = pixels->width, height = pixels->height;
  constexpr int kMost = 16'384;
  if (width < 1 || height < 1 || width > kMost || height > kMost) {
    return invalid_argument(
        fmt::format("pixels: size is {}x{} (expected sides of 1 to {})", width, height, kMost));
  }
  if (static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height) >
      Limits().max_pixels) {
    return resource_limit(fmt::format("pixels: {}x{} is too large (expected at most {} pixels)",
                                      width, height, Limits().max_pixels));
  }
  const std::ptrdiff_t row = std::ptrdiff_t{width} * layout.channels;
  const std::ptrdiff_t stride = pixels->stride == 0 ? row : pixels->stride;
  if (stride < row || stride > std::numeric_limits<std::int32_t>::max()) {
    return invalid_argument(
        fmt::format("pixels: stride is {} bytes (expected 0, or at least {})", stride, row));
  }
  const auto needed = static_cast<std::uint64_t>(stride) * static_cast<std::uint64_t>(height - 1) +
                      static_cast<std::uint64_t>(row);
  if (pixels->bytes < needed) {
    return invalid_argument(
        fmt::format("pixels: memory has {} bytes (expected at least {})", pixels->bytes, needed));
  }
  if (pixels->format == MIEN_RGB) return image::ImageView{pixels->data, width, height, stride};
  copy = image::Image(width, height);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* from = pixels->data + y * stride;
    std::uint8_t* to = copy.row(y);
    for (int x = 0; x < width; ++x, from += layout.channels, to += 3) {
      to[0] = from[layout.red];
      to[1] = from[layout.green];
      to[2] = from[layout.blue];
    }
  }
  return copy.view();
}

}  // namespace mien::capi

extern "C" {

void mien_bundle_options_init(mien_bundle_options* options) {
  if (options == nullptr) return;
  *options = {};
  options->size = sizeof *options;
  options->views = 1;
}

void mien_face_options_init(mien_face_options* options) {
  if (options == nullptr) return;
  const mien::face::FinderOptions defaults;
  *options = {};
  options->size = sizeof *options;
  options->mode = MIEN_FACES_AUTO;
  options->upsample = defaults.upsample;
  options->min_score = defaults.min_score;
  options->detect_every = defaults.detect_every;
}

void mien_recognizer_options_init(mien_recognizer_options* options) {
  if (options == nullptr) return;
  const mien::pipeline::RecognizerOptions defaults;
  *options = {};
  options->size = sizeof *options;
  options->scores = 1;
  options->smooth_seconds = defaults.smooth_seconds;
  options->every = defaults.every;
  options->batch = defaults.batch;
}

void mien_clip_options_init(mien_clip_options* options) {
  if (options == nullptr) return;
  *options = {};
  options->size = sizeof *options;
  options->to_us = INT64_MAX;
  options->folder_fps = mien::video::OpenOptions().folder_fps;
}

}  // extern "C"
