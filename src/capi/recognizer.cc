#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "capi/calls.h"
#include "capi/late.h"
#include "capi/objects.h"
#include "capi/options.h"
#include "mien/image/decode.h"
#include "mien/kernels/cpu.h"

namespace mien::capi {

Turns::Turn::Turn(Turns& turns, int threads)
    : turns_(turns), lock_(turns.mutex_), before_(kernels::threads()) {
  turns_.holder_ = std::this_thread::get_id();
  kernels::set_threads(threads);
}

Turns::Turn::~Turn() {
  kernels::set_threads(before_);
  turns_.holder_ = std::thread::id();
}

Status Turns::check() const {
  if (holder_ != std::this_thread::get_id()) return {};
  return invalid_argument(
      "recognizer: is in use by the call that this callback belongs to (expected another one)");
}

namespace {

struct Decoded {
  image::Image image;
  std::string name;
};

Result<Decoded> decode_bytes(const void* data, std::size_t bytes) {
  MIEN_RETURN_IF_ERROR(check_pointer(data, "data", "an encoded picture"));
  if (bytes > Limits().max_image_bytes) {
    return resource_limit(fmt::format("bytes: picture has {} bytes (expected at most {})", bytes,
                                      Limits().max_image_bytes));
  }
  const std::span content(static_cast<const std::byte*>(data), bytes);
  MIEN_RETURN_IF_ERROR(check_picture_libraries(image::sniff(content)));
  MIEN_ASSIGN_OR_RETURN(image::Image image, image::decode(content));
  return Decoded{std::move(image), "bytes"};
}

Result<image::Reduced> load_picture(const char* path, image::Enough enough) {
  MIEN_RETURN_IF_ERROR(check_pointer(path, "path", "a picture file"));
  MIEN_RETURN_IF_ERROR(check_picture_libraries(path));
  enough.beyond_limits = true;
  return image::load_reduced(path, enough);
}

pipeline::FrameResult frame_of(const char* input, image::ImageView picture,
                               std::vector<engine::FaceResult> faces) {
  pipeline::FrameResult out;
  out.input = input;
  out.width = picture.width;
  out.height = picture.height;
  out.faces = std::move(faces);
  return out;
}

// Runs `body` with the recognizer when it is its turn.
template <class Body>
mien_code with(const mien_recognizer* handle, const void* out, const Body& body) noexcept {
  return call([&]() -> Status {
    const auto object = recognizers().find(handle);
    if (object == nullptr) return bad_handle("recognizer");
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    MIEN_RETURN_IF_ERROR(object->turns.check());
    const Turns::Turn turn(object->turns, object->threads);
    return body(*object);
  });
}

template <class Body>
mien_code with(const mien_detector* handle, const void* out, const Body& body) noexcept {
  return call([&]() -> Status {
    const auto object = detectors().find(handle);
    if (object == nullptr) return bad_handle("detector");
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    const Turns::Turn turn(object->turns, 0);
    return body(*object);
  });
}

Status read_view(RecognizerObject& object, const char* name, image::ImageView view,
                 mien_result** out) {
  MIEN_ASSIGN_OR_RETURN(auto faces, object.recognizer->image(view, name));
  pipeline::FrameResult frame = frame_of(name, view, std::move(faces));
  frame.aggregate = object.recognizer->picture_aggregate();
  return give_result(std::move(frame), out);
}

Result<std::shared_ptr<RecognizerObject>> make(const mien_bundle* bundle, const mien_labels* labels,
                                               const mien_recognizer_options* given) {
  const auto model = bundles().find(bundle);
  if (model == nullptr) return bad_handle("bundle");
  const auto set = labels == nullptr ? std::make_shared<const text::LabelSet>(
                                           text::LabelSet{model->info().name, model->info().labels})
                                     : label_sets().find(labels);
  if (set == nullptr) return bad_handle("labels");
  MIEN_ASSIGN_OR_RETURN(const mien_recognizer_options options, complete(given));
  MIEN_ASSIGN_OR_RETURN(pipeline::RecognizerOptions settings, recognizer_options(options));
  if (settings.scores && set->labels.empty()) {
    if (model->info().targets.empty()) {
      return invalid_argument("labels: missing (expected labels, because the bundle has none)");
    }
    settings.scores = false;  // a regression may have no labels
  }
  if (settings.scores) {
    auto checked = engine::check_unknown(settings.scorer.unknown, model->info(), *set);
    if (!checked.ok()) return checked.with_prefix("unknown");
  }
  auto object = std::make_shared<RecognizerObject>();
  object->threads = options.threads;
  const Turns::Turn turn(object->turns, options.threads);
  MIEN_ASSIGN_OR_RETURN(object->recognizer, pipeline::Recognizer::make(model, *set, settings));
  return object;
}

pipeline::FrameResult without_labels(const char* input, int width, int height,
                                     std::vector<face::Face> faces) {
  pipeline::FrameResult out;
  out.input = input;
  out.width = width;
  out.height = height;
  for (face::Face& face : faces) out.faces.emplace_back().face = std::move(face);
  return out;
}

const char* name_at(const std::vector<std::string>& names, std::size_t index) {
  return index < names.size() ? names[index].c_str() : nullptr;
}

}  // namespace
}  // namespace mien::capi

using namespace mien;        // NOLINT(google-build-using-namespace)
using namespace mien::capi;  // NOLINT(google-build-using-namespace)

extern "C" {

mien_code mien_recognizer_make(const mien_bundle* bundle, const mien_labels* labels,
                               const mien_recognizer_options* options, mien_recognizer** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    MIEN_ASSIGN_OR_RETURN(auto object, make(bundle, labels, options));
    *out = recognizers().add(std::move(object));
    return {};
  });
}

void mien_recognizer_free(mien_recognizer* recognizer) { recognizers().remove(recognizer); }

const char* mien_recognizer_label(const mien_recognizer* recognizer, size_t index) {
  return look([&]() -> const char* {
    const auto object = recognizers().find(recognizer);
    if (object != nullptr) return name_at(object->recognizer->label_names(), index);
    (void)settle(bad_handle("recognizer"));
    return nullptr;
  });
}

const char* mien_recognizer_target(const mien_recognizer* recognizer, size_t index) {
  return look([&]() -> const char* {
    const auto object = recognizers().find(recognizer);
    if (object != nullptr) return name_at(object->recognizer->target_names(), index);
    (void)settle(bad_handle("recognizer"));
    return nullptr;
  });
}

mien_code mien_read_pixels(mien_recognizer* recognizer, const mien_pixels* picture,
                           mien_result** out) {
  return with(recognizer, out, [&](RecognizerObject& object) -> Status {
    image::Image copy;
    MIEN_ASSIGN_OR_RETURN(const image::ImageView view, view_of(picture, copy));
    return read_view(object, "pixels", view, out);
  });
}

mien_code mien_read_bytes(mien_recognizer* recognizer, const void* data, size_t bytes,
                          mien_result** out) {
  return with(recognizer, out, [&](RecognizerObject& object) -> Status {
    MIEN_ASSIGN_OR_RETURN(const Decoded picture, decode_bytes(data, bytes));
    return read_view(object, picture.name.c_str(), picture.image, out);
  });
}

mien_code mien_read_file(mien_recognizer* recognizer, const char* path, mien_result** out) {
  return with(recognizer, out, [&](RecognizerObject& object) -> Status {
    MIEN_ASSIGN_OR_RETURN(const image::Reduced picture,
                          load_picture(path, object.recognizer->enough()));
    auto frame = object.recognizer->picture(picture, path);
    if (!frame.ok()) return frame.status().with_prefix(path);
    return give_result(std::move(*frame), out);
  });
}

mien_code mien_read_boxes(mien_recognizer* recognizer, const mien_pixels* picture,
                          const mien_box* boxes, size_t count, mien_result** out) {
  return with(recognizer, out, [&](RecognizerObject& object) -> Status {
    if (count > 0) MIEN_RETURN_IF_ERROR(check_pointer(boxes, "boxes", "an array of boxes"));
    image::Image copy;
    MIEN_ASSIGN_OR_RETURN(const image::ImageView view, view_of(picture, copy));
    std::vector<image::Box> places;
    for (const mien_box& box : std::span(boxes, count)) {
      places.push_back({box.x, box.y, box.w, box.h});
    }
    MIEN_ASSIGN_OR_RETURN(auto faces, object.recognizer->image(view, places));
    pipeline::FrameResult frame = frame_of("pixels", view, std::move(faces));
    frame.aggregate = object.recognizer->picture_aggregate();
    return give_result(std::move(frame), out);
  });
}

mien_code mien_push(mien_recognizer* recognizer, const mien_pixels* frame, int64_t timestamp_us,
                    mien_result** out) {
  return with(recognizer, out, [&](RecognizerObject& object) -> Status {
    image::Image copy;
    MIEN_ASSIGN_OR_RETURN(const image::ImageView view, view_of(frame, copy));
    if (object.last_push_us && timestamp_us <= *object.last_push_us) {
      return invalid_argument(
          fmt::format("timestamp_us: {} (expected above {}, that of the frame "
                      "before)",
                      timestamp_us, *object.last_push_us));
    }
    MIEN_ASSIGN_OR_RETURN(auto faces, object.recognizer->push(view, timestamp_us));
    object.last_push_us = timestamp_us;
    pipeline::FrameResult result = frame_of("live", view, std::move(faces));
    result.is_clip = true;
    result.frame = object.pushed++;
    result.timestamp_us = timestamp_us;
    return give_result(std::move(result), out);
  });
}

mien_code mien_push_tracks(mien_recognizer* recognizer, mien_clip** out) {
  return with(recognizer, out, [&](RecognizerObject& object) -> Status {
    MIEN_ASSIGN_OR_RETURN(auto tracks, object.recognizer->tracks());
    pipeline::SummaryResult summary;
    summary.input = "live";
    summary.is_clip = true;
    summary.frames = summary.analysed_frames = object.pushed;
    summary.tracks = static_cast<std::int64_t>(tracks.size());
    for (const auto& track : tracks) summary.faces += track.frames;
    *out = clips().add(std::make_shared<const ClipObject>(std::move(tracks), std::move(summary)));
    return {};
  });
}

mien_code mien_push_reset(mien_recognizer* recognizer) {
  return with(recognizer, recognizer, [](RecognizerObject& object) -> Status {
    object.recognizer->reset();
    object.last_push_us.reset();
    object.pushed = 0;
    return {};
  });
}

mien_code mien_detector_make(const mien_face_options* options, mien_detector** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    auto object = std::make_shared<DetectorObject>();
    MIEN_ASSIGN_OR_RETURN(object->options, finder_options(options));
    MIEN_ASSIGN_OR_RETURN(object->finder, face::make_finder(object->options));
    *out = detectors().add(std::move(object));
    return {};
  });
}

void mien_detector_free(mien_detector* detector) { detectors().remove(detector); }

mien_code mien_detect_pixels(mien_detector* detector, const mien_pixels* picture,
                             mien_result** out) {
  return with(detector, out, [&](DetectorObject& object) -> Status {
    image::Image copy;
    MIEN_ASSIGN_OR_RETURN(const image::ImageView view, view_of(picture, copy));
    MIEN_ASSIGN_OR_RETURN(auto faces, object.finder->find(view, "pixels"));
    return give_result(without_labels("pixels", view.width, view.height, std::move(faces)), out);
  });
}

mien_code mien_detect_bytes(mien_detector* detector, const void* data, size_t bytes,
                            mien_result** out) {
  return with(detector, out, [&](DetectorObject& object) -> Status {
    MIEN_ASSIGN_OR_RETURN(const Decoded picture, decode_bytes(data, bytes));
    MIEN_ASSIGN_OR_RETURN(auto faces, object.finder->find(picture.image, picture.name));
    return give_result(
        without_labels("bytes", picture.image.width(), picture.image.height(), std::move(faces)),
        out);
  });
}

mien_code mien_detect_file(mien_detector* detector, const char* path, mien_result** out) {
  return with(detector, out, [&](DetectorObject& object) -> Status {
    MIEN_ASSIGN_OR_RETURN(const image::Reduced picture, load_picture(path, {}));
    auto faces = object.finder->find_reduced(picture, path);
    if (!faces.ok()) return faces.status().with_prefix(path);
    const float x = static_cast<float>(picture.width) / static_cast<float>(picture.image.width());
    const float y = static_cast<float>(picture.height) / static_cast<float>(picture.image.height());
    for (face::Face& face : *faces) face::scale_face(face, x, y);
    return give_result(without_labels(path, picture.width, picture.height, std::move(*faces)), out);
  });
}

}  // extern "C"
