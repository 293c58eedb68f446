#include "mien/face/finder.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "face/box_check.h"
#include "face/boxes_file.h"
#include "face/landmarks.h"
#include "face/model_cache.h"
#include "face/whole.h"
#include "mien/face/tracker.h"

namespace mien::face {
namespace {

constexpr int kMostDoublings = 4;
constexpr double kLargestSearch =
    6e6;  // most pixels of a picture as searched, when we choose the scale
constexpr float kKeepBelow = 0.4F;
constexpr float kLeastMinFace = 10;
constexpr float kMostMinFace = 4000;
constexpr float kLarger = 1.5F;  // in area: then another face becomes the single one
constexpr std::int64_t kSinglePatienceUs = 1'000'000;

double pixels_of(image::ImageView picture) {
  return static_cast<double>(picture.width) * picture.height;
}

/// Whether the size of a picture decides how it is searched.
bool by_size(const FinderOptions& options) { return options.upsample < 0 && options.min_face <= 0; }

/// Doubled, unless the picture is large: then enlarged up to the cap; huge pictures shrink.
float picture_scale(image::ImageView picture, const FinderOptions& options, float detector_face) {
  if (options.min_face > 0) return detector_face / options.min_face;
  if (options.upsample >= 0) return static_cast<float>(1 << options.upsample);
  return static_cast<float>(std::min(2.0, std::sqrt(kLargestSearch / pixels_of(picture))));
}

image::Box whole_box(image::ImageView picture) {
  return {0, 0, static_cast<float>(picture.width), static_cast<float>(picture.height)};
}

TrackerOptions tracker_options(const FinderOptions& options, const FaceDetector* detector) {
  TrackerOptions out{.detect_every = options.detect_every,
                     .min_score = options.min_score,
                     .keep_score = options.min_score - kKeepBelow,
                     .scale = options.upsample < 0 ? 0 : static_cast<float>(1 << options.upsample),
                     .min_face = options.min_face};
  if (detector != nullptr) out.detector_face = detector->smallest_face();
  return out;
}

/// Landmarks expect a square as the detector draws it, whoever gave the box.
image::Box squared(const image::Box& box) {
  const float side = std::sqrt(box.area());
  return {box.x + (box.w - side) / 2, box.y + (box.h - side) / 2, side, side};
}

using Landmarks = std::shared_ptr<const PendingModel>;  // null: none wanted

Status place_landmarks(const Landmarks& landmarks, image::ImageView picture,
                       std::vector<Face>& faces) {
  if (!landmarks || faces.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const std::shared_ptr<const LandmarkModel> model, landmarks->get());
  for (Face& face : faces) {
    face.landmarks68 =
        model->predict(picture, face.source == FaceSource::kBoxes ? squared(face.box) : face.box);
    // Points of a detector stay: they come with the box, also in profile.
    if (face.landmarks68.size() == 68 && !face.landmarks5) {
      face.landmarks5 = five_points(face.landmarks68);
    }
  }
  return {};
}

/// `inner`: the box that the detector would draw, for the landmarks.
Result<std::vector<Face>> one_whole(const Landmarks& landmarks, image::ImageView picture,
                                    std::optional<image::Box> inner) {
  std::vector<Face> faces(1);
  faces[0].box = inner.value_or(image::Box{});
  if (inner) MIEN_RETURN_IF_ERROR(place_landmarks(landmarks, picture, faces));
  faces[0].box = whole_box(picture);
  faces[0].source = FaceSource::kWhole;
  return faces;
}

/// The whole picture as one face.
Result<std::vector<Face>> whole_face(const Landmarks& landmarks, image::ImageView picture,
                                     FaceDetector* detector, float min_score) {
  std::optional<image::Box> inner;
  if (landmarks && detector != nullptr) {
    MIEN_ASSIGN_OR_RETURN(const auto crop, find_whole(picture, *detector, min_score));
    if (crop) inner = squared(crop->box);
  }
  return one_whole(landmarks, picture, inner);
}

class Worker final : public FrameWorker {
 public:
  Worker(const FinderOptions& options, std::unique_ptr<FaceDetector> detector, Landmarks landmarks)
      : options_(options),
        detector_(std::move(detector)),
        landmarks_(std::move(landmarks)),
        tracker_(tracker_options(options, detector_.get())) {}

  Result<std::optional<std::vector<Detection>>> search(image::ImageView frame,
                                                       const FramePlan& plan) override {
    if (detector_ == nullptr || frame.empty()) return std::optional<std::vector<Detection>>();
    MIEN_ASSIGN_OR_RETURN(const SearchArea part,
                          part_of(frame.width, frame.height, options_.region));
    const image::ImageView view = part.view(frame);
    if (view.empty()) return std::optional<std::vector<Detection>>();
    MIEN_ASSIGN_OR_RETURN(
        auto found,
        detector_->detect(view, tracker_.whole_search(view.width, view.height, plan.search_fine)));
    return std::optional(std::move(found));
  }

  Status complete(image::ImageView frame, std::vector<Face>& faces) override {
    if (options_.mode != Mode::kWhole) return place_landmarks(landmarks_, frame, faces);
    if (!landmarks_ || faces.size() != 1) return {};
    MIEN_ASSIGN_OR_RETURN(auto now,
                          whole_face(landmarks_, frame, detector_.get(), options_.min_score));
    now[0].track = faces[0].track;
    faces = std::move(now);
    return {};
  }

 private:
  FinderOptions options_;
  std::unique_ptr<FaceDetector> detector_;  // null: it cannot be cloned, or none is needed
  Landmarks landmarks_;
  Tracker tracker_;  // only for its rules
};

class Finder final : public FaceFinder {
 public:
  Finder(const FinderOptions& options, std::unique_ptr<FaceDetector> detector, Landmarks landmarks,
         BoxesFile boxes)
      : options_(options),
        detector_(std::move(detector)),
        landmarks_(std::move(landmarks)),
        boxes_(std::move(boxes)),
        tracker_(tracker_options(options, detector_.get())) {}

  Result<std::vector<Face>> find(image::ImageView picture, const std::string& name) override {
    return find_in(picture, picture.width, picture.height, name);
  }
  Result<std::vector<Face>> find_reduced(const image::Reduced& picture,
                                         const std::string& name) override {
    return find_in(picture.image, picture.width, picture.height, name);
  }

  Result<std::vector<Face>> track(image::ImageView frame, std::int64_t frame_index,
                                  std::int64_t timestamp_us, const std::string& name) override {
    MIEN_ASSIGN_OR_RETURN(std::vector<Face> faces,
                          follow(frame, frame_index, timestamp_us, name,
                                 plan(frame, frame_index, timestamp_us), std::nullopt));
    if (options_.mode == Mode::kWhole && landmarks_ && !faces.empty()) {
      MIEN_ASSIGN_OR_RETURN(faces,
                            whole_face(landmarks_, frame, detector_.get(), options_.min_score));
      faces[0].track = 0;
      return faces;
    }
    MIEN_RETURN_IF_ERROR(place_landmarks(landmarks_, frame, faces));
    return faces;
  }

  FramePlan plan(image::ImageView frame, std::int64_t frame_index,
                 std::int64_t timestamp_us) override {
    const auto part = part_of(frame.width, frame.height, options_.region);
    if (!searches() || !part.ok()) return {};  // follow() reports a region outside the frame
    return tracker_.plan(part->view(frame), frame_index, timestamp_us);
  }

  float smallest_face(int width, int height) const override {
    if (!searches() || detector_ == nullptr) return 0;
    const auto part = part_of(width, height, options_.region);
    if (!part.ok()) return 0;
    return detector_->smallest_face() /
           tracker_.whole_search(part->width, part->height, true).scale;
  }

  Result<std::vector<Face>> follow(image::ImageView frame, std::int64_t frame_index,
                                   std::int64_t timestamp_us, const std::string& name,
                                   const FramePlan& plan,
                                   const std::optional<std::vector<Detection>>& found) override {
    if (frame.empty()) return std::vector<Face>{};
    if (options_.mode == Mode::kWhole) {
      MIEN_ASSIGN_OR_RETURN(std::vector<Face> faces, one_whole(landmarks_, frame, std::nullopt));
      faces[0].track = 0;
      return faces;
    }
    std::vector<Face> faces;
    if (options_.mode == Mode::kBoxes) {
      MIEN_ASSIGN_OR_RETURN(const std::vector<image::Box> boxes,
                            boxes_.find(name, frame_index, frame.width, frame.height));
      faces = follow_given(frame, timestamp_us, boxes);
    } else {
      MIEN_ASSIGN_OR_RETURN(const SearchArea part,
                            part_of(frame.width, frame.height, options_.region));
      MIEN_ASSIGN_OR_RETURN(
          std::vector<TrackedFace> tracked,
          tracker_.track(part.view(frame), timestamp_us, plan, found, *detector_));
      for (const TrackedFace& one : tracked) {
        Detection now{one.box, one.score, one.points};
        part.shift(now);
        if (add(faces, frame, now, FaceSource::kDetected)) faces.back().track = one.track;
      }
    }
    if (options_.single) keep_single(faces, timestamp_us);
    return faces;
  }

  Result<std::vector<Face>> place(image::ImageView picture,
                                  std::span<const image::Box> boxes) override {
    MIEN_RETURN_IF_ERROR(check_given(picture, boxes));
    std::vector<Face> faces;
    for (const image::Box& box : boxes) add(faces, picture, {box, 0}, FaceSource::kBoxes);
    MIEN_RETURN_IF_ERROR(place_landmarks(landmarks_, picture, faces));
    return faces;
  }

  Result<std::vector<Face>> track(image::ImageView frame, std::int64_t timestamp_us,
                                  std::span<const image::Box> boxes) override {
    MIEN_RETURN_IF_ERROR(check_given(frame, boxes));
    std::vector<Face> faces = follow_given(frame, timestamp_us, boxes);
    MIEN_RETURN_IF_ERROR(place_landmarks(landmarks_, frame, faces));
    return faces;
  }

  std::unique_ptr<FrameWorker> make_worker() const override {
    return std::make_unique<Worker>(options_, detector_ ? detector_->clone() : nullptr, landmarks_);
  }

  void reset() override {
    tracker_.reset();
    single_ = -1;
  }

 private:
  /// `width` and `height` are those of the file, whose pixels all options refer to.
  Result<std::vector<Face>> find_in(image::ImageView picture, int width, int height,
                                    const std::string& name) {
    if (picture.empty()) return std::vector<Face>{};
    const float x = static_cast<float>(picture.width) / static_cast<float>(width);
    const float y = static_cast<float>(picture.height) / static_cast<float>(height);
    std::optional<image::Box> region = options_.region;
    if (region && !is_fraction(*region)) region = scaled(*region, x, y);
    std::vector<Face> faces;
    if (options_.mode == Mode::kWhole) {
      return whole_face(landmarks_, picture, detector_.get(), options_.min_score);
    }
    if (options_.mode == Mode::kBoxes) {
      MIEN_ASSIGN_OR_RETURN(const std::vector<image::Box> boxes,
                            boxes_.find(name, std::nullopt, width, height));
      for (const image::Box& box : boxes) {
        add(faces, picture, {scaled(box, x, y), 0}, FaceSource::kBoxes);
      }
    } else {
      MIEN_ASSIGN_OR_RETURN(const SearchArea part, part_of(picture.width, picture.height, region));
      const image::ImageView view = part.view(picture);
      if (view.empty()) return faces;  // a region smaller than a pixel
      MIEN_ASSIGN_OR_RETURN(std::vector<Detection> found, search(view, x));
      if (found.empty() && options_.mode == Mode::kAuto) {
        MIEN_ASSIGN_OR_RETURN(const auto crop, find_whole(view, *detector_, options_.min_score));
        if (crop && !options_.region) return one_whole(landmarks_, picture, squared(crop->box));
        if (crop) found.push_back({squared(crop->box), crop->score});
      }
      if (found.empty() && options_.mode == Mode::kAuto) {
        MIEN_ASSIGN_OR_RETURN(found, search_harder(view));
      }
      for (Detection& one : found) {
        part.shift(one);
        add(faces, picture, one, FaceSource::kDetected);
      }
    }
    std::stable_sort(faces.begin(), faces.end(),
                     [](const Face& a, const Face& b) { return a.box.area() > b.box.area(); });
    if (options_.single && faces.size() > 1) faces.resize(1);
    MIEN_RETURN_IF_ERROR(place_landmarks(landmarks_, picture, faces));
    return faces;
  }

  static Status check_given(image::ImageView picture, std::span<const image::Box> boxes) {
    std::size_t number = 0;
    for (const image::Box& box : boxes) {
      const std::string subject = "boxes:" + std::to_string(number++) + ": box";
      if (is_fraction(box)) {
        return invalid_argument(subject + ": " + to_text(box) +
                                " is 1 pixel or less (expected x,y,w,h in pixels)");
      }
      MIEN_RETURN_IF_ERROR(check_inside(box, picture.width, picture.height, subject));
    }
    return {};
  }

  std::vector<Face> follow_given(image::ImageView frame, std::int64_t timestamp_us,
                                 std::span<const image::Box> boxes) {
    std::vector<Detection> given;
    for (const image::Box& box : boxes) given.push_back({box, 0});
    std::vector<Face> faces;
    for (const TrackedFace& one : tracker_.assign(given, timestamp_us, frame)) {
      if (add(faces, frame, {one.box, one.score}, FaceSource::kBoxes))
        faces.back().track = one.track;
    }
    return faces;
  }

  bool searches() const { return options_.mode == Mode::kAuto || options_.mode == Mode::kHog; }

  /// The chosen face stays as long as it is present and no other is much larger. During a short
  /// absence no face is reported, so that nobody else gets into the track.
  void keep_single(std::vector<Face>& faces, std::int64_t timestamp_us) {
    if (faces.empty()) return;
    const auto largest =
        std::max_element(faces.begin(), faces.end(),
                         [](const Face& a, const Face& b) { return a.box.area() < b.box.area(); });
    auto chosen = std::find_if(faces.begin(), faces.end(),
                               [&](const Face& face) { return face.track == single_; });
    if (chosen == faces.end()) {
      if (single_ >= 0 && timestamp_us - single_us_ < kSinglePatienceUs &&
          timestamp_us >= single_us_) {
        faces.clear();
        return;
      }
      chosen = largest;
    } else if (largest->box.area() > kLarger * chosen->box.area()) {
      chosen = largest;
    }
    single_ = chosen->track;
    single_us_ = timestamp_us;
    Face kept = std::move(*chosen);
    kept.track = 0;
    faces.clear();
    faces.push_back(std::move(kept));
  }

  /// A box outside the picture is not a face of it.
  static bool add(std::vector<Face>& faces, image::ImageView picture, const Detection& found,
                  FaceSource source) {
    const image::Box whole = whole_box(picture);
    const image::Box& box = found.box;
    if (box.x >= whole.w || box.y >= whole.h || box.x + box.w <= 0 || box.y + box.h <= 0) {
      return false;
    }
    Face face;
    face.box = box;
    face.score = found.score;
    face.source = source;
    face.landmarks5 = found.points;
    faces.push_back(std::move(face));
    return true;
  }

  /// `reduced`: size of the picture relative to its file.
  Result<std::vector<Detection>> search(image::ImageView picture, float reduced) {
    float scale = picture_scale(picture, options_, detector_->smallest_face());
    if (!by_size(options_)) scale /= reduced;
    return detector_->detect(picture, {.scale = scale, .min_score = options_.min_score});
  }

  /// Small pictures can be doubled once more.
  Result<std::vector<Detection>> search_harder(image::ImageView picture) {
    const float scale = 2 * picture_scale(picture, options_, detector_->smallest_face());
    const double pixels =
        pixels_of(picture) * static_cast<double>(scale) * static_cast<double>(scale);
    if (!by_size(options_) || pixels > kLargestSearch) return std::vector<Detection>{};
    return detector_->detect(picture, {.scale = scale, .min_score = options_.min_score});
  }

  FinderOptions options_;
  std::unique_ptr<FaceDetector> detector_;
  Landmarks landmarks_;
  BoxesFile boxes_;
  Tracker tracker_;
  std::int64_t single_ = -1;  // track of the single face
  std::int64_t single_us_ = 0;
};

Status check(const FinderOptions& options) {
  if (options.upsample < -1 || options.upsample > kMostDoublings) {
    return invalid_argument("upsample: is " + std::to_string(options.upsample) +
                            " (expected -1 to " + std::to_string(kMostDoublings) + ")");
  }
  if (options.min_face != 0 &&
      !(options.min_face >= kLeastMinFace && options.min_face <= kMostMinFace)) {
    return invalid_argument("min_face: is " + std::to_string(options.min_face) +
                            " (expected 10 to 4000 pixels)");
  }
  if (options.min_face > 0 && options.upsample >= 0) {
    return invalid_argument("min_face: does not go with upsample (expected one of them)");
  }
  if (options.detect_every < 1) {
    return invalid_argument("detect_every: is " + std::to_string(options.detect_every) +
                            " (expected 1 or more)");
  }
  if (!std::isfinite(options.min_score)) {
    return invalid_argument("min_score: is not a finite number");
  }
  if (options.mode == Mode::kBoxes && options.boxes_file.empty() && options.boxes.empty()) {
    return invalid_argument("boxes: none given (expected a CSV file, or boxes in memory)");
  }
  if (options.region && (options.mode == Mode::kWhole || options.mode == Mode::kBoxes)) {
    return invalid_argument("region: does not go with whole pictures or given boxes");
  }
  if (options.region && !(options.region->area() > 0)) {
    return invalid_argument("region: " + to_text(*options.region) +
                            " is empty (expected x,y,w,h with w and h above 0)");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<FaceFinder>> make_finder(const FinderOptions& options) {
  return make_finder(options, nullptr);
}

Result<std::unique_ptr<FaceFinder>> make_finder(const FinderOptions& options,
                                                std::unique_ptr<FaceDetector> detector) {
  MIEN_RETURN_IF_ERROR(check(options));
  if (detector == nullptr && options.detector != nullptr) detector = options.detector->clone();
  if (detector == nullptr && options.mode != Mode::kBoxes) {
    MIEN_ASSIGN_OR_RETURN(detector, make_hog_detector());
  }
  std::shared_ptr<const PendingModel> landmarks;
  if (options.landmarks) {
    const bool system = options.landmark_model.empty();
    auto started = start_loading(system ? std::filesystem::path(kSystemLandmarkModel)
                                        : options.landmark_model);
    if (!started.ok()) {
      Status status = started.status();
      if (system && status.code() == StatusCode::kNotFound) {
        status = not_found(status.message() +
                           "; the package libdlib-data brings it, or turn landmarks off");
      }
      return status.with_prefix("landmark model");
    }
    landmarks = std::move(started).value();
  }
  BoxesFile boxes;
  if (options.mode == Mode::kBoxes && !options.boxes_file.empty()) {
    MIEN_ASSIGN_OR_RETURN(boxes, BoxesFile::load(options.boxes_file));
  } else if (options.mode == Mode::kBoxes) {
    MIEN_ASSIGN_OR_RETURN(boxes, BoxesFile::from(options.boxes));
  }
  FinderOptions kept = options;
  kept.boxes.clear();  // every worker copies the options
  return std::unique_ptr<FaceFinder>(
      std::make_unique<Finder>(kept, std::move(detector), std::move(landmarks), std::move(boxes)));
}

image::Enough enough_to_find(const FinderOptions& options, int side) {
  constexpr int kWholeSides = 8;       // reducing now and resizing later gives the same picture
  constexpr double kLeastFace = 80.0;  // smallest face found in a large picture, in pixels
  if (options.mode == Mode::kWhole) return {.pixels = 1, .side = kWholeSides * side};
  if (options.mode == Mode::kBoxes || !by_size(options) || options.region) return {};
  const double sharper = std::max(1.0, side / kLeastFace);
  return {.pixels = std::nextafter(kLargestSearch, 2 * kLargestSearch) * sharper * sharper};
}

Result<Mode> parse_mode(std::string_view word) {
  for (const Mode mode : {Mode::kAuto, Mode::kHog, Mode::kWhole, Mode::kBoxes}) {
    if (word == to_string(mode)) return mode;
  }
  return invalid_argument("face mode: is '" + std::string(word) +
                          "' (expected auto, hog, whole or boxes)");
}

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::kAuto: return "auto";
    case Mode::kHog: return "hog";
    case Mode::kWhole: return "whole";
    case Mode::kBoxes: return "boxes";
  }
  return "auto";
}

}  // namespace mien::face
