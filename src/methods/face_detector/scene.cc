#include "methods/face_detector/scene.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "image/resize.h"
#include "methods/face_detector/effects.h"
#include "methods/face_detector/paste.h"
#include "methods/kit/below_data.h"

namespace mien::methods {
namespace {

constexpr float kFaceInBackground = 0.45F;  // the teacher sees one
constexpr int kTries = 8;                   // to find room for a face
constexpr float kMostCovered = 0.15F;       // of a face, by the next one
constexpr float kLeastVisible = 0.6F;       // of a face that surely is found
constexpr int kMostFaces = 4, kMostInCrowd = 20;
constexpr int kPatchSide = 96;
constexpr std::uint64_t kMostPatches = 3;
// Reading a face takes longer than laying it over: a crowd has each of so many several times.
constexpr std::size_t kMostDifferent = 4;

float share_covered(const image::Box& of, const image::Box& by) {
  const float w = std::min(of.x + of.w, by.x + by.w) - std::max(of.x, by.x);
  const float h = std::min(of.y + of.h, by.y + by.h) - std::max(of.y, by.y);
  return w > 0 && h > 0 ? w * h / of.area() : 0;
}

// Composes one picture; all that is drawn comes from one generator.
class Composer {
 public:
  Composer(const SceneOptions& options, const SceneSources& sources, bool validation, Rng& rng)
      : options_(options), sources_(sources), validation_(validation), rng_(rng) {}

  Result<Scene> compose() {
    Scene out;
    out.picture = background(options_.side, 0.25);
    for (std::uint64_t i = rng_.below(kMostPatches + 1); i > 0; --i) add_patch(out.picture);
    const bool crowd = rng_.uniform() < options_.crowd_share;
    const bool empty = rng_.uniform() < options_.empty_share;
    const auto most = static_cast<std::uint64_t>(crowd ? kMostInCrowd : kMostFaces);
    const std::uint64_t count = empty ? 0 : 1 + rng_.below(most);
    for (std::uint64_t i = 0; i < count; ++i) MIEN_RETURN_IF_ERROR(add_face(crowd, out));
    MIEN_ASSIGN_OR_RETURN(const float blurred, apply_effects(options_, rng_, out.picture));
    const auto least = static_cast<float>(options_.smallest) * 0.8F * blurred;
    for (SceneFace& one : out.faces) one.sure = one.sure && one.face.box.h >= least;
    return out;
  }

  Result<Scene> frame() {
    const std::vector<StoredPicture>& frames = sources_.frames;
    MIEN_ASSIGN_OR_RETURN(const image::Image frame, frames[rng_.below(frames.size())].read());
    Scene out;
    out.composed = false;
    out.picture = background(options_.side, 0.25);
    const int shorter = std::min(frame.width(), frame.height());
    Pasting whole;
    // From an eighth of the frame, so that parts of large faces are seen, too, to all of it with
    // something around it.
    const double part_seen = std::exp(rng_.uniform(std::log(0.125), std::log(1.8)));
    whole.placing.scale = static_cast<float>(options_.side / (shorter * part_seen));
    whole.placing.turn = turn(20);
    whole.placing.mirror = rng_.uniform() < 0.5;
    whole.placing.from = {within(frame.width()), within(frame.height())};
    whole.placing.to = {static_cast<float>(options_.side) / 2,
                        static_cast<float>(options_.side) / 2};
    whole.mask = whole_of(frame, 1e-3F);
    whole.colours = draw_colours(false, rng_);
    paste(frame, whole, out.picture);
    MIEN_RETURN_IF_ERROR(apply_effects(options_, rng_, out.picture).status());
    return out;
  }

 private:
  std::size_t part() const { return validation_ ? 1 : 0; }
  float between(double low, double high) { return static_cast<float>(rng_.uniform(low, high)); }
  float within(int size) { return between(0.2, 0.8) * static_cast<float>(size); }

  // Radians; one in two is nearly upright.
  float turn(double most_deg) {
    const double degrees = rng_.uniform() < 0.5 ? rng_.normal() * std::min(6.0, most_deg / 2)
                                                : rng_.uniform(-most_deg, most_deg);
    return static_cast<float>(degrees * std::numbers::pi / 180);
  }

  static PasteMask whole_of(image::ImageView picture, float fade) {
    const float w = static_cast<float>(picture.width) / 2;
    const float h = static_cast<float>(picture.height) / 2;
    return {.ellipse = false, .centre = {w, h}, .half_width = w, .half_height = h, .fade = fade};
  }

  // A square part of a background, from `least` to `most` of its shorter side.
  image::Image background(int side, double least, double most = 1) {
    const auto& all = sources_.backgrounds[part()];
    const image::Image& picture = all[rng_.below(all.size())];
    const int shorter = std::min(picture.width(), picture.height());
    const double share = std::exp(rng_.uniform(std::log(least), std::log(most)));
    const int from = std::max(1, static_cast<int>(shorter * share));
    const auto room = [&](int size) {
      return static_cast<float>(rng_.below(static_cast<std::uint64_t>(size - from + 1)));
    };
    const float x = room(picture.width()), y = room(picture.height());
    const auto cut = static_cast<float>(from);
    return image::resize_u8(image::crop(picture, {x, y, cut, cut}), side, side,
                            image::Filter::kBilinear);
  }

  float log_size(double smallest, double largest) {
    return static_cast<float>(std::exp(rng_.uniform(std::log(smallest), std::log(largest))));
  }

  float fade() { return rng_.uniform() < 0.25 ? 0.02F : between(0.05, 0.6); }

  // What is laid over the background with the same borders as faces, but is none, so that a
  // border says nothing.
  void add_patch(image::Image& canvas) {
    const image::Image patch = background(kPatchSide, 0.1, 0.5);
    Pasting pasting;
    pasting.mask = whole_of(patch, fade());
    pasting.mask.ellipse = rng_.uniform() < 0.7;
    pasting.mask.half_width *= between(0.5, 1);
    pasting.mask.half_height *= between(0.6, 1);
    pasting.placing = {.from = pasting.mask.centre,
                       .to = {between(0, canvas.width()), between(0, canvas.height())},
                       .scale = log_size(2 * options_.smallest, options_.side) / kPatchSide,
                       .turn = turn(options_.turn_deg),
                       .mirror = false};
    pasting.colours = draw_colours(rng_.uniform() < 0.5, rng_);
    paste(patch, pasting, canvas);
  }

  Pasting draw_pasting(const image::Image& picture, const face::Detection& face, bool crowd,
                       const image::Image& canvas) {
    const double largest =
        std::min(options_.largest, crowd ? options_.side / 8.0 : kLargestShare * options_.side);
    Pasting out;
    out.placing.scale =
        log_size(options_.smallest, std::max(options_.smallest, largest)) / face.box.h;
    out.placing.turn = turn(options_.turn_deg);
    out.placing.mirror = rng_.uniform() < 0.5;
    out.placing.from = {face.box.x + face.box.w / 2, face.box.y + face.box.h / 2};
    out.placing.to = {between(0, canvas.width()), between(0, canvas.height())};
    const double kind = rng_.uniform();
    if (kind < 0.35) {
      out.mask = whole_of(picture, fade());
    } else {
      const float more = between(1.2, 2.4);
      out.mask = {
          .ellipse = kind < 0.85,
          .centre = {out.placing.from.x, out.placing.from.y - face.box.h * between(-0.05, 0.15)},
          .half_width = face.box.w / 2 * more * between(1, 1.2),
          .half_height = face.box.h / 2 * more,
          .fade = fade()};
    }
    out.colours = draw_colours(is_grey(picture), rng_);
    if (rng_.uniform() < 0.5) out.light = {between(-0.4, 0.4), between(-0.3, 0.3)};
    return out;
  }

  bool has_room(const Pasting& pasting, const Scene& scene) const {
    const image::Box bounds = pasted_bounds(pasting);
    return std::none_of(scene.faces.begin(), scene.faces.end(), [&](const SceneFace& other) {
      return share_covered(other.face.box, bounds) > kMostCovered;
    });
  }

  Status add_face(bool crowd, Scene& scene) {
    if (read_.size() < kMostDifferent) {
      const FaceBank::Face& drawn = sources_.bank->draw(validation_, rng_);
      MIEN_ASSIGN_OR_RETURN(image::Image picture, drawn.picture.read());
      read_.push_back({&drawn, std::move(picture)});
    }
    const std::size_t at_read =
        read_.size() < kMostDifferent ? read_.size() - 1 : rng_.below(read_.size());
    const FaceBank::Face& face = *read_[at_read].face;
    const image::Image& picture = read_[at_read].picture;
    std::optional<Pasting> pasting;
    for (int i = 0; i < kTries && !pasting; ++i) {
      const Pasting tried = draw_pasting(picture, face.found, crowd, scene.picture);
      if (has_room(tried, scene)) pasting = tried;
    }
    if (!pasting) return {};
    paste(picture, *pasting, scene.picture);
    const face::Detection at = placed(face.found, pasting->placing);
    if (rng_.uniform() < options_.hidden_share) hide(*pasting, face.found, scene.picture);
    const auto side = static_cast<float>(options_.side);
    scene.faces.push_back(
        {.face = at, .sure = share_covered(at.box, {0, 0, side, side}) >= kLeastVisible});
    return {};
  }

  // Something dark over the eyes, something over the mouth, or a patch from one side.
  void hide(const Pasting& face_pasting, const face::Detection& face, image::Image& canvas) {
    const float w = face.box.w * face_pasting.placing.scale;
    const float h = face.box.h * face_pasting.placing.scale;
    image::Image thing = background(16, 0.03, 0.12);
    image::Point local;
    Pasting pasting;
    pasting.mask = whole_of(thing, between(0.02, 0.3));
    pasting.colours = draw_colours(false, rng_);
    const double kind = rng_.uniform();
    if (kind < 0.3) {
      const auto dark = static_cast<std::uint8_t>(rng_.below(60));
      std::fill(thing.pixels().begin(), thing.pixels().end(), dark);
      for (auto& table : pasting.colours) {
        for (std::size_t v = 0; v < 256; ++v) table[v] = static_cast<std::uint8_t>(v);
      }
      local = {0, -0.13F * h};
      pasting.mask.half_height = 8 * 0.18F * h / w;
      pasting.placing.scale = w / 16;
    } else if (kind < 0.6) {
      local = {0, between(0.2, 0.35) * h};
      pasting.mask.half_height = 8 * between(0.3, 0.5) * h / w;
      pasting.placing.scale = w / 16 * between(0.9, 1.2);
    } else {
      const float sign = rng_.uniform() < 0.5 ? -1.0F : 1.0F;
      local = {sign * between(0.35, 0.6) * w, between(-0.4, 0.4) * h};
      pasting.mask.half_height = 8 * between(0.6, 2);
      pasting.placing.scale = w / 16 * between(0.4, 0.9);
    }
    pasting.mask.ellipse = rng_.uniform() < 0.4;
    const float c = std::cos(face_pasting.placing.turn), s = std::sin(face_pasting.placing.turn);
    const image::Point middle = face_pasting.placing.to;
    pasting.placing.from = pasting.mask.centre;
    pasting.placing.to = {middle.x + c * local.x - s * local.y,
                          middle.y + s * local.x + c * local.y};
    pasting.placing.turn = face_pasting.placing.turn + between(-0.15, 0.15);
    paste(thing, pasting, canvas);
  }

  const SceneOptions& options_;
  const SceneSources& sources_;
  bool validation_;
  Rng& rng_;
  struct ReadFace {
    const FaceBank::Face* face;
    image::Image picture;
  };
  std::vector<ReadFace> read_;
};

}  // namespace

Result<SceneSources> load_scene_sources(const FaceDataOptions& options,
                                        std::shared_ptr<const FaceBank> bank,
                                        const engine::DetectorBundle& teacher,
                                        const MethodContext& context) {
  SceneSources out;
  out.bank = std::move(bank);
  std::vector<StoredPicture> all;
  for (const std::string& name : options.backgrounds) {
    MIEN_ASSIGN_OR_RETURN(const auto some, list_pictures(below_data(context.data, name), true));
    all.insert(all.end(), some.begin(), some.end());
  }
  const auto total = static_cast<std::int64_t>(all.size());
  for (std::int64_t i = 0; i < total; ++i) {
    if (context.cancel != nullptr && *context.cancel) return cancelled("backgrounds: stopped");
    if (context.progress) context.progress("backgrounds", i, total);
    const StoredPicture& one = all[static_cast<std::size_t>(i)];
    auto read = one.read();
    if (!read.ok()) continue;  // packages have pictures beyond our limits, too
    image::Image picture = at_most(std::move(*read), options.background_side);
    if (std::min(picture.width(), picture.height()) < 16) continue;
    const image::Image half = at_most(picture, options.background_side / 2);
    if (!ask_teacher(teacher, picture, kFaceInBackground).empty() ||
        !ask_teacher(teacher, half, kFaceInBackground).empty()) {
      continue;
    }
    out.backgrounds[validates(one, options.val_part) ? 1 : 0].push_back(std::move(picture));
  }
  for (const auto& part : out.backgrounds) {
    if (!part.empty()) continue;
    return invalid_argument(
        fmt::format("faces.backgrounds: too few pictures without a face among {} (expected some to "
                    "train and some "
                    "to validate)",
                    total));
  }
  for (const std::string& name : options.frames) {
    MIEN_ASSIGN_OR_RETURN(const auto some, list_pictures(below_data(context.data, name), true));
    out.frames.insert(out.frames.end(), some.begin(), some.end());
  }
  return out;
}

Result<Scene> compose_scene(const SceneOptions& options, const SceneSources& sources,
                            bool validation, Rng& rng) {
  return Composer(options, sources, validation, rng).compose();
}

Result<Scene> frame_scene(const SceneOptions& options, const SceneSources& sources, Rng& rng) {
  return Composer(options, sources, false, rng).frame();
}

Result<Scene> make_scene(const SceneOptions& options, const SceneSources& sources, Rng& rng) {
  const bool frame = rng.uniform() < options.frame_share;
  return frame && !sources.frames.empty() ? frame_scene(options, sources, rng)
                                          : compose_scene(options, sources, false, rng);
}

}  // namespace mien::methods
