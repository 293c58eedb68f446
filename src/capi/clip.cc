#include <filesystem>
#include <string>

#include "capi/calls.h"
#include "capi/late.h"
#include "capi/objects.h"
#include "capi/options.h"
#include "mien/video/source.h"

namespace mien::capi {
namespace {

// Reads the clip that `open` opens.
template <class Open>
Status read_clip(const mien_recognizer* handle, const std::string& name,
                 const mien_clip_options* given, const Open& open, mien_clip** out) {
  const auto object = recognizers().find(handle);
  if (object == nullptr) return bad_handle("recognizer");
  MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
  MIEN_ASSIGN_OR_RETURN(const mien_clip_options options, complete(given));
  std::shared_ptr<CancelObject> cancel;
  if (options.cancel != nullptr) {
    cancel = cancels().find(options.cancel);
    if (cancel == nullptr) return bad_handle("cancel");
  }
  if (options.from_us < 0 || options.to_us <= options.from_us) {
    return invalid_argument("from_us, to_us: invalid part of a clip (expected 0 <= from < to)");
  }
  MIEN_RETURN_IF_ERROR(object->turns.check());
  MIEN_RETURN_IF_ERROR(check_clip_libraries());
  const Turns::Turn turn(object->turns, object->threads);
  video::OpenOptions opening;
  opening.folder_fps = options.folder_fps;
  opening.cancel = cancel == nullptr ? nullptr : &cancel->set;
  MIEN_ASSIGN_OR_RETURN(auto source, open(opening));
  source = video::limit_to(std::move(source), name, {options.from_us, options.to_us});
  pipeline::ClipSink sink;
  sink.frame = [&](const pipeline::ClipFrame& frame) -> Status {
    if (options.frame == nullptr || !frame.analysed) return {};
    mien_result* result = nullptr;
    MIEN_RETURN_IF_ERROR(give_result(frame.result, &result));
    const int stop = options.frame(result, options.user);
    results().remove(result);
    return stop == 0 ? Status() : cancelled(name + ": cancelled by the callback");
  };
  MIEN_ASSIGN_OR_RETURN(auto clip, object->recognizer->clip(*source, name, sink, opening.cancel));
  object->last_push_us.reset();
  object->pushed = 0;
  *out = clips().add(
      std::make_shared<const ClipObject>(std::move(clip.tracks), std::move(clip.summary)));
  return {};
}

}  // namespace
}  // namespace mien::capi

using namespace mien;        // NOLINT(google-build-using-namespace)
using namespace mien::capi;  // NOLINT(google-build-using-namespace)

extern "C" {

mien_code mien_read_clip(mien_recognizer* recognizer, const char* path,
                         const mien_clip_options* options, mien_clip** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(path, "path", "a clip"));
    const std::string name = path;
    const auto open = [&](const video::OpenOptions& opening) {
      std::error_code error;
      if (std::filesystem::is_directory(name, error)) return video::open_folder(name, opening);
      if (std::filesystem::is_character_file(name, error)) return video::open_camera(name, opening);
      return video::open_file(name, opening);
    };
    return read_clip(recognizer, name, options, open, out);
  });
}

mien_code mien_read_clip_bytes(mien_recognizer* recognizer, const void* data, size_t bytes,
                               const mien_clip_options* options, mien_clip** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(data, "data", "an encoded clip"));
    const std::span content(static_cast<const std::byte*>(data), bytes);
    const auto open = [&](const video::OpenOptions& opening) {
      return video::open_memory(content, opening);
    };
    return read_clip(recognizer, "bytes", options, open, out);
  });
}

mien_code mien_cancel_make(mien_cancel** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    *out = cancels().add(std::make_shared<CancelObject>());
    return {};
  });
}

mien_code mien_cancel_set(mien_cancel* cancel) {
  return call([&]() -> Status {
    const auto object = cancels().find(cancel);
    if (object == nullptr) return bad_handle("cancel");
    object->set = true;
    return {};
  });
}

void mien_cancel_free(mien_cancel* cancel) { cancels().remove(cancel); }

}  // extern "C"
