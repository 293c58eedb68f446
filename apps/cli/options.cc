#include "cli/options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "cli/help.h"
#include "mien/engine/detector.h"
#include "mien/engine/find_bundle.h"

namespace mien::cli {

namespace {

constexpr const char* kShippedDetector = "face";

/// "x,y,w,h"
Result<image::Box> parse_region(const std::string& text) {
  const auto wrong = [&] {
    return invalid_argument(
        fmt::format("--region: invalid region '{}' (expected x,y,w,h with w and h above 0)", text));
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
  std::vector<std::string> modes = {"auto", "hog", "both", "whole", "boxes"};
  std::string help =
      "How to find faces: auto, hog (detector only), both (hog and the network of --detector), "
      "whole "
      "(the picture is the face), boxes (from --boxes)";
  if (options.mode == kFacesByData) {
    modes.emplace_back(kFacesByData);
    help += ", data (whole if the pictures are face crops, otherwise auto)";
  }
  begin_group(verb, "Faces");
  verb.add_option("--face", options.mode, help)->check(CLI::IsMember(modes))->capture_default_str();
  verb.add_option("--boxes", options.finder.boxes_file,
                  "Take faces from a CSV with the columns path, x, y, w, h (and frame, for clips); "
                  "implies --face boxes")
      ->type_name("FILE");
  verb.add_option(
          "--detector", options.detector,
          "Find faces with this bundle instead of dlib's HOG filters: a folder, a .tar, or the "
          "name of a shipped one (`mien convert` makes one from YuNet's ONNX file)")
      ->type_name("BUNDLE");
  CLI::Option* upsample =
      verb.add_option(
              "--upsample", options.finder.upsample,
              "Number of times to double a picture before detection (-1: depends on its size)")
          ->check(CLI::Range(-1, 3))
          ->capture_default_str();
  verb.add_option("--min-face", options.finder.min_face,
                  "Size of the smallest face to search for, in pixels (default: 60 in clips up to "
                  "4K, depends on the size of a picture); smaller values take longer")
      ->check(CLI::Range(10.0F, 4000.0F))
      ->excludes(upsample);
  verb.add_flag("--single", options.finder.single,
                "Keep only the largest face; in a clip, as one track from start to end");
  verb.add_option("--region", options.region,
                  "Search only this part of the picture, in pixels or in fractions from 0 to 1")
      ->type_name("X,Y,W,H");
  verb.add_option("--min-score", options.finder.min_score, "Drop detections below this score")
      ->check(CLI::Range(-10.0F, 100.0F))
      ->capture_default_str();
  verb.add_option("--detect-every", options.finder.detect_every,
                  "Clips: search for new faces in every Nth analysed frame, and follow known faces "
                  "in between")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb.add_option("--landmark-model", options.finder.landmark_model,
                  "68-point landmark model of dlib (default: the system's)")
      ->type_name("FILE");
}

Result<face::FinderOptions> finder_options(const FaceOptions& options) {
  face::FinderOptions out = options.finder;
  const bool has_boxes = !out.boxes_file.empty();
  if (has_boxes && options.mode != "boxes" && options.mode != "auto" &&
      options.mode != kFacesByData) {
    return invalid_argument(fmt::format(
        "--boxes: cannot be combined with --face {} (expected --face boxes)", options.mode));
  }
  if (!has_boxes && options.mode == "boxes") {
    return invalid_argument("--face boxes: no file given (expected --boxes FILE)");
  }
  if (!options.region.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.region, parse_region(options.region));
    if (has_boxes || options.mode == "whole") {
      return invalid_argument(
          fmt::format("--region: cannot be combined with {} (expected one of them)",
                      has_boxes ? "--boxes" : "--face whole"));
    }
  }
  const bool both = options.mode == "both";
  if (!options.detector.empty() || both) {
    if (has_boxes || options.mode == "hog" || options.mode == "whole") {
      return invalid_argument(
          fmt::format("--detector: cannot be combined with {} (expected one of them)",
                      has_boxes ? "--boxes" : "--face " + options.mode));
    }
    MIEN_ASSIGN_OR_RETURN(
        const std::filesystem::path path,
        find_model(options.detector.empty() ? kShippedDetector : options.detector));
    MIEN_ASSIGN_OR_RETURN(auto bundle, engine::DetectorBundle::load(path));
    auto network = engine::make_network_detector(std::move(bundle));
    if (both) {
      MIEN_ASSIGN_OR_RETURN(auto hog, face::make_hog_detector());
      network = face::make_joined_detector(std::move(hog), std::move(network));
    }
    out.detector = std::move(network);
  }
  out.mode = has_boxes                 ? face::Mode::kBoxes
             : options.mode == "hog"   ? face::Mode::kHog
             : options.mode == "whole" ? face::Mode::kWhole
                                       : face::Mode::kAuto;
  return out;
}

void add_pace_options(CLI::App& verb, PaceOptions& options) {
  begin_group(verb, "Time");
  verb.add_option("--every", options.every, "Clips: analyse every Nth frame")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb.add_option("--max-fps", options.max_fps,
                  "Clips: analyse at most this many frames per second (0: all)")
      ->check(CLI::Range(0.0, 100000.0))
      ->capture_default_str();
}

void add_model_options(CLI::App& verb, ModelOptions& options) {
  begin_group(verb, "Model");
  verb.add_option(
          "-b,--bundle", options.bundle,
          "Model to use: a bundle folder, a .tar, or the name of a shipped bundle (default: "
          "compact)")
      ->type_name("BUNDLE");
  add_engine_options(verb, options);
}

void add_engine_options(CLI::App& verb, ModelOptions& options) {
  verb.add_option(
          "--precision", options.precision,
          "Arithmetic of the model; auto: int8 for bundles stored in int8, otherwise bf16 if the "
          "CPU supports it")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "int8"}))
      ->capture_default_str();
  verb.add_option(
          "--views", options.views,
          "Number of views of each face to average: 2 adds a mirrored, slightly closer view; 4 "
          "takes both crops, mirrored and not. Time grows with the number")
      ->check(CLI::IsMember({1, 2, 4}))
      ->capture_default_str();
}

Result<std::filesystem::path> find_model(const std::string& name_or_path) {
  std::vector<std::filesystem::path> first;
  const char* folder = std::getenv("MIEN_MODELS");
  if (folder != nullptr && *folder != '\0') first.emplace_back(folder);
  return engine::find_bundle(name_or_path, first);
}

engine::BundleOptions bundle_options(const ModelOptions& options) {
  engine::BundleOptions out;
  out.limits = options.limits;
  out.many_pictures = options.many_pictures;
  out.views = options.views;
  out.precision = engine::find_precision(options.precision).value_or(out.precision);
  return out;
}

Result<std::shared_ptr<const engine::Bundle>> load_bundle(const ModelOptions& options) {
  const std::string wanted =
      options.bundle.empty() ? std::string(engine::kDefaultBundle) : options.bundle;
  MIEN_ASSIGN_OR_RETURN(const std::filesystem::path path, find_model(wanted));
  return engine::Bundle::load(path, bundle_options(options));
}

void tell_precision(const Context& context, const ModelOptions& options,
                    const engine::Bundle& bundle) {
  const kernels::Precision runs = bundle.image_precision();
  if (options.precision == "bf16" && bundle.precision() == kernels::Precision::kF32) {
    context.report(fmt::format("{}: runs in fp32, because this CPU has no bf16 (expected AVX-512)",
                               bundle.info().name));
    return;
  }
  if (options.precision != "int8" || runs == kernels::Precision::kInt8) return;
  context.report(fmt::format("{}: image tower has no int8 form; it runs in {}", bundle.info().name,
                             engine::to_string(runs)));
}

Status tell_words(const Context& context, const engine::Bundle& bundle,
                  const text::LabelSet& labels) {
  MIEN_ASSIGN_OR_RETURN(const auto notes, engine::label_notes(bundle, labels));
  for (const std::string& note : notes) context.report("labels: " + note);
  return {};
}

Result<std::optional<engine::Reduce>> parse_reduce(const std::string& text) {
  if (text == "auto") return std::optional<engine::Reduce>();
  if (const auto reduce = engine::find_reduce(text)) return reduce;
  return invalid_argument(
      fmt::format("--reduce: unknown value '{}' (expected auto, mean, mean-cosine or max)", text));
}

Result<engine::Compound> parse_compound(const std::string& text) {
  if (text == "unit-mean") return engine::Compound::kUnitMean;
  if (text == "raw-mean") return engine::Compound::kRawMean;
  return invalid_argument(
      fmt::format("--compound: unknown value '{}' (expected unit-mean or raw-mean)", text));
}

}  // namespace mien::cli
