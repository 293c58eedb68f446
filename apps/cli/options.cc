#include "cli/options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "mien/engine/detector.h"
#include "mien/engine/find_bundle.h"

namespace mien::cli {

namespace {

/// "x,y,w,h"
Result<image::Box> parse_region(const std::string& text) {
  const auto wrong = [&] {
    return invalid_argument(fmt::format(
        "--region: '{}' is not understood (expected x,y,w,h with w and h above 0)", text));
  };
  std::array<float, 4> value{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i > 0 && (at == end || *at++ != ',')) return wrong();
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, value[i]);
    if (error != std::errc() || !(std::abs(value[i]) <= 1e6F)) return wrong();
    at = next;
  }
  if (at != end || !(value[2] > 0 && value[3] > 0)) return wrong();
  return image::Box{value[0], value[1], value[2], value[3]};
}

}  // namespace

void add_face_options(CLI::App& verb, FaceOptions& options) {
  std::vector<std::string> modes = {"auto", "hog", "whole", "boxes"};
  std::string help =
      "How faces are found: auto, hog (detector only), whole (the picture is the face), boxes "
      "(--boxes)";
  if (options.mode == kFacesByData) {
    modes.emplace_back(kFacesByData);
    help += ", data (whole when the pictures are face crops, else auto)";
  }
  verb.add_option("--face", options.mode, help)->check(CLI::IsMember(modes))->capture_default_str();
  verb.add_option(
      "--boxes", options.finder.boxes_file,
      "CSV with the columns path, x, y, w, h (and frame, for clips); implies --face boxes");
  verb.add_option(
      "--detector", options.detector,
      "A bundle that finds faces, instead of dlib's HOG filters (mien convert makes one "
      "from YuNet's ONNX file)");
  CLI::Option* upsample =
      verb.add_option("--upsample", options.finder.upsample,
                      "Times a picture is doubled before detection (-1: by its size)")
          ->check(CLI::Range(-1, 3))
          ->capture_default_str();
  verb.add_option("--min-face", options.finder.min_face,
                  "Search for faces of so many pixels and more (default: 60 in clips up to 4K, by "
                  "its size in a picture); smaller ones take longer")
      ->check(CLI::Range(10.0F, 4000.0F))
      ->excludes(upsample);
  verb.add_flag("--single", options.finder.single,
                "Only the largest face; in a clip it is one track from start to end");
  verb.add_option(
      "--region", options.region,
      "Look for faces in this part only: x,y,w,h in pixels, or from 0 to 1 as shares of "
      "the picture");
  verb.add_option("--min-score", options.finder.min_score, "Drop detections below this score")
      ->check(CLI::Range(-10.0F, 100.0F))
      ->capture_default_str();
  verb.add_option("--detect-every", options.finder.detect_every,
                  "Clips: search for new faces in every n-th analysed frame, and follow the known "
                  "ones between")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb.add_option("--landmark-model", options.finder.landmark_model,
                  "68-point model of dlib (default: the system's)");
}

Result<face::FinderOptions> finder_options(const FaceOptions& options) {
  face::FinderOptions out = options.finder;
  const bool has_boxes = !out.boxes_file.empty();
  if (has_boxes && options.mode != "boxes" && options.mode != "auto" &&
      options.mode != kFacesByData) {
    return invalid_argument(
        fmt::format("--boxes: does not go with --face {} (expected --face boxes)", options.mode));
  }
  if (!has_boxes && options.mode == "boxes") {
    return invalid_argument("--face boxes: needs a file (expected --boxes FILE)");
  }
  if (!options.region.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.region, parse_region(options.region));
    if (has_boxes || options.mode == "whole") {
      return invalid_argument(fmt::format("--region: does not go with {} (expected one of them)",
                                          has_boxes ? "--boxes" : "--face whole"));
    }
  }
  if (!options.detector.empty()) {
    if (has_boxes || options.mode == "hog" || options.mode == "whole") {
      return invalid_argument(fmt::format("--detector: does not go with {} (expected one of them)",
                                          has_boxes ? "--boxes" : "--face " + options.mode));
    }
    MIEN_ASSIGN_OR_RETURN(auto bundle, engine::DetectorBundle::load(options.detector));
    out.detector = engine::make_network_detector(std::move(bundle));
  }
  out.mode = has_boxes                 ? face::Mode::kBoxes
             : options.mode == "hog"   ? face::Mode::kHog
             : options.mode == "whole" ? face::Mode::kWhole
                                       : face::Mode::kAuto;
  return out;
}

void add_pace_options(CLI::App& verb, PaceOptions& options) {
  verb.add_option("--every", options.every, "Clips: analyse every n-th frame")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb.add_option("--max-fps", options.max_fps,
                  "Clips: analyse at most so many frames per second (0: all)")
      ->check(CLI::Range(0.0, 100000.0))
      ->capture_default_str();
}

void add_model_options(CLI::App& verb, ModelOptions& options) {
  verb.add_option(
      "-b,--bundle", options.bundle,
      "The model: a bundle folder or .tar (made by `mien convert`), or the name of a shipped "
      "one (default: compact)");
  add_engine_options(verb, options);
}

void add_engine_options(CLI::App& verb, ModelOptions& options) {
  verb.add_option(
          "--precision", options.precision,
          "Arithmetic of the model: fp32, bf16, int8, or auto (int8 for bundles stored so by "
          "`mien export`, else bf16 where the CPU multiplies it)")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "int8"}))
      ->capture_default_str();
  verb.add_option(
          "--views", options.views,
          "Look at every face so many times and average: 2 (as it is, and mirrored a little "
          "nearer) or 4 (both, mirrored and not); so many times the work")
      ->check(CLI::IsMember({1, 2, 4}))
      ->capture_default_str();
}

Result<std::filesystem::path> find_model(const std::string& name_or_path) {
  std::vector<std::filesystem::path> first;
  const char* folder = std::getenv("MIEN_MODELS");
  if (folder != nullptr && *folder != '\0') first.emplace_back(folder);
  return engine::find_bundle(name_or_path, first);
}

Result<std::shared_ptr<const engine::Bundle>> load_bundle(const ModelOptions& options) {
  const std::string wanted =
      options.bundle.empty() ? std::string(engine::kDefaultBundle) : options.bundle;
  MIEN_ASSIGN_OR_RETURN(const std::filesystem::path path, find_model(wanted));
  engine::BundleOptions bundle;
  bundle.limits = options.limits;
  bundle.many_pictures = options.many_pictures;
  bundle.views = options.views;
  bundle.precision = engine::find_precision(options.precision).value_or(bundle.precision);
  return engine::Bundle::load(path, bundle);
}

void tell_precision(const Context& context, const ModelOptions& options,
                    const engine::Bundle& bundle) {
  const kernels::Precision runs = bundle.image_precision();
  if (options.precision == "bf16" && bundle.precision() == kernels::Precision::kF32) {
    context.report(fmt::format("{}: runs in fp32, as this CPU has no bf16 (expected AVX-512)",
                               bundle.info().name));
    return;
  }
  if (options.precision != "int8" || runs == kernels::Precision::kInt8) return;
  context.report(fmt::format("{}: its image tower has no int8 form, and runs in {}",
                             bundle.info().name, engine::to_string(runs)));
}

Status tell_words(const Context& context, const engine::Bundle& bundle,
                  const text::LabelSet& labels) {
  MIEN_ASSIGN_OR_RETURN(const auto notes, engine::label_notes(bundle, labels));
  for (const std::string& note : notes) context.report("labels: " + note);
  return {};
}

Result<engine::UnknownChoice> parse_unknown(const std::string& text) {
  using Mode = engine::UnknownChoice::Mode;
  if (text == "off") return engine::UnknownChoice{Mode::kOff, 0};
  if (text == "auto") return engine::UnknownChoice{Mode::kAuto, 0};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return invalid_argument(
        fmt::format("--unknown: '{}' is not understood (expected off, auto or a number)", text));
  }
  return engine::UnknownChoice{Mode::kValue, value};
}

Result<std::optional<engine::Reduce>> parse_reduce(const std::string& text) {
  if (text == "auto") return std::optional<engine::Reduce>();
  if (const auto reduce = engine::find_reduce(text)) return reduce;
  return invalid_argument(
      fmt::format("--reduce: '{}' is unknown (expected auto, mean, mean-cosine or max)", text));
}

Result<engine::Compound> parse_compound(const std::string& text) {
  if (text == "unit-mean") return engine::Compound::kUnitMean;
  if (text == "raw-mean") return engine::Compound::kRawMean;
  return invalid_argument(
      fmt::format("--compound: '{}' is unknown (expected unit-mean or raw-mean)", text));
}

}  // namespace mien::cli
