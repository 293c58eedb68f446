// The C ABI as Python classes, one to one. What people use is in the .py files.
#include <Python.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mien/c/mien.h"

namespace nb = nanobind;

namespace {

// Raises the exception of mien._errors that belongs to a code.
[[noreturn]] void raise(mien_code code, const std::string& message) {
  const nb::object raised =
      nb::module_::import_("mien._errors").attr("by_code")(static_cast<int>(code), message);
  PyErr_SetObject(raised.type().ptr(), raised.ptr());
  throw nb::python_error();
}

void check(mien_code code) {
  if (code != MIEN_OK) raise(code, mien_last_error());
}

// Runs a call of the library without the lock of the interpreter.
template <class Call>
void run(const Call& call) {
  mien_code code = MIEN_OK;
  std::string message;
  {
    const nb::gil_scoped_release release;
    code = call();
    if (code != MIEN_OK) message = mien_last_error();
  }
  if (code != MIEN_OK) raise(code, message);
}

template <class Give>
std::string text_of(const Give& give) {
  char* text = nullptr;
  check(give(&text));
  const std::unique_ptr<char, void (*)(char*)> owner(text, mien_string_free);
  return text;
}

nb::bytes bytes_of(const float* values, std::size_t count) {
  return nb::bytes(reinterpret_cast<const char*>(values), count * sizeof(float));
}

/// Borrowed memory of a Python object, held for the length of a call.
class Buffer {
 public:
  Buffer(nb::handle object, int flags) {
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) throw nb::python_error();
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { PyBuffer_Release(&view_); }
  const Py_buffer& view() const { return view_; }

 private:
  Py_buffer view_{};
};

/// Pixels of an array: uint8, [height, width] or [height, width, channels], with whole pixels in a
/// row one after the other. Anything else is a bug of _pictures.py.
class Pixels {
 public:
  Pixels(nb::handle array, int format) : buffer_(array, PyBUF_STRIDES | PyBUF_FORMAT) {
    const Py_buffer& view = buffer_.view();
    const Py_ssize_t channels = view.ndim == 3 ? view.shape[2] : 1;
    const bool bytes =
        view.itemsize == 1 && (view.format == nullptr || std::strcmp(view.format, "B") == 0);
    const Py_ssize_t expected = format == MIEN_GREY                        ? 1
                                : format == MIEN_RGB || format == MIEN_BGR ? 3
                                                                           : 4;
    if (!bytes || (view.ndim != 2 && view.ndim != 3) || channels != expected ||
        view.shape[0] > INT32_MAX || view.shape[1] > INT32_MAX || view.strides[0] < 0 ||
        view.strides[1] != channels || (view.ndim == 3 && view.strides[2] != 1)) {
      raise(MIEN_INVALID_ARGUMENT,
            "pixels: unsupported layout (expected uint8 of height, width and channels, by rows)");
    }
    out.data = static_cast<const uint8_t*>(view.buf);
    out.height = static_cast<int32_t>(view.shape[0]);
    out.width = static_cast<int32_t>(view.shape[1]);
    out.stride = view.shape[0] > 1 ? view.strides[0] : 0;
    out.format = format;
    const Py_ssize_t row = view.shape[1] * channels;
    out.bytes = view.shape[0] < 1 ? 0 : static_cast<size_t>(out.stride * (view.shape[0] - 1) + row);
  }

  mien_pixels out{};

 private:
  Buffer buffer_;
};

/// A handle of the library. After close() every call with it is an error of the library.
template <class Handle, void (*Free)(Handle*)>
class Owner {
 public:
  Owner() = default;
  explicit Owner(Handle* handle) : handle(handle) {}
  Owner(Owner&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  Owner& operator=(Owner&&) = delete;
  ~Owner() { close(); }
  void close() {
    Handle* const last = std::exchange(handle, nullptr);
    if (last == nullptr) return;
    const nb::gil_scoped_release release;
    Free(last);
  }
  Handle* handle = nullptr;
};

using Bundle = Owner<mien_bundle, mien_bundle_free>;
using Labels = Owner<mien_labels, mien_labels_free>;
using Cancel = Owner<mien_cancel, mien_cancel_free>;
using Result = Owner<mien_result, mien_result_free>;
using Clip = Owner<mien_clip, mien_clip_free>;
using Recognizer = Owner<mien_recognizer, mien_recognizer_free>;
using Detector = Owner<mien_detector, mien_detector_free>;

nb::list scores_of(const mien_score* scores, std::size_t count) {
  nb::list out;
  for (std::size_t i = 0; i < count; ++i) {
    out.append(nb::make_tuple(scores[i].label, scores[i].probability, scores[i].cosine));
  }
  return out;
}

nb::list reasons_of(const mien_reason* reasons, std::size_t count) {
  nb::list out;
  for (std::size_t i = 0; i < count; ++i) {
    out.append(nb::make_tuple(reasons[i].label, reasons[i].text, reasons[i].cosine));
  }
  return out;
}

nb::dict values_of(const mien_value* values, std::size_t count) {
  nb::dict out;
  for (std::size_t i = 0; i < count; ++i) out[values[i].target] = values[i].value;
  return out;
}

nb::list points_of(const mien_point* points, std::size_t count) {
  nb::list out;
  for (std::size_t i = 0; i < count; ++i) out.append(nb::make_tuple(points[i].x, points[i].y));
  return out;
}

nb::dict face_of(const mien_face& face) {
  nb::dict out;
  out["box"] = nb::make_tuple(face.box.x, face.box.y, face.box.w, face.box.h);
  out["score"] = face.score;
  out["source"] = face.source;
  out["track"] = face.track;
  out["unknown"] = face.unknown != 0;
  out["labels"] = scores_of(face.labels, face.label_count);
  out["reasons"] = reasons_of(face.reasons, face.reason_count);
  out["values"] = values_of(face.values, face.value_count);
  out["embedding"] = face.embedding == nullptr
                         ? nb::object(nb::none())
                         : nb::object(bytes_of(face.embedding, face.embedding_size));
  out["landmarks"] = points_of(face.landmarks, face.landmark_count);
  out["points"] = points_of(face.points, face.points == nullptr ? 0 : 5);
  out["steady"] = face.steady == nullptr
                      ? nb::object(nb::none())
                      : nb::object(nb::make_tuple(face.steady, face.steady_unknown != 0,
                                                  face.steady_probability));
  nb::list change;
  for (std::size_t i = 0; face.change != nullptr && i < face.label_count; ++i) {
    change.append(face.change[i]);
  }
  out["change"] = change;
  out["intensity"] =
      face.intensity < 0 ? nb::object(nb::none()) : nb::object(nb::float_(face.intensity));
  return out;
}

nb::tuple head_of(const Result& result) {
  const mien_frame* frame = mien_result_frame(result.handle);
  if (frame == nullptr) raise(MIEN_INVALID_ARGUMENT, mien_last_error());
  return nb::make_tuple(frame->input, frame->is_clip != 0, frame->width, frame->height,
                        frame->index, frame->timestamp_us, frame->face_count);
}

nb::list faces_of(const Result& result) {
  nb::list out;
  for (std::size_t i = 0;; ++i) {
    const mien_face* face = mien_result_face(result.handle, i);
    if (face == nullptr) return out;
    out.append(face_of(*face));
  }
}

nb::dict track_of(const mien_track& track) {
  nb::dict out;
  out["id"] = track.id;
  out["from_us"] = track.from_us;
  out["to_us"] = track.to_us;
  out["frames"] = track.frames;
  nb::list shares;
  for (std::size_t i = 0; i < track.share_count; ++i) {
    const mien_share& share = track.shares[i];
    shares.append(nb::make_tuple(share.label, share.unknown != 0, share.seconds, share.share));
  }
  out["shares"] = shares;
  nb::list segments;
  for (std::size_t i = 0; i < track.segment_count; ++i) {
    const mien_segment& one = track.segments[i];
    segments.append(
        nb::make_tuple(one.from_us, one.to_us, one.label, one.unknown != 0, one.probability));
  }
  out["segments"] = segments;
  out["segments_left_out"] = track.segments_left_out;
  out["temporal"] = track.temporal != 0;
  out["unknown"] = track.unknown != 0;
  out["labels"] = scores_of(track.labels, track.label_count);
  out["reasons"] = reasons_of(track.reasons, track.reason_count);
  out["values"] = values_of(track.values, track.value_count);
  return out;
}

nb::dict summary_of(const Clip& clip) {
  const mien_summary* summary = mien_clip_summary(clip.handle);
  if (summary == nullptr) raise(MIEN_INVALID_ARGUMENT, mien_last_error());
  nb::dict out;
  out["input"] = summary->input;
  out["frames"] = summary->frames;
  out["analysed_frames"] = summary->analysed_frames;
  out["faces"] = summary->faces;
  out["corrupt_frames"] = summary->corrupt_frames;
  out["tracks"] = summary->track_count;
  out["cut_short"] = summary->cut_short != 0;
  out["seconds"] = summary->seconds;
  out["start"] = summary->start;
  out["elapsed"] = summary->elapsed;
  return out;
}

nb::list tracks_of(const Clip& clip) {
  nb::list out;
  for (std::size_t i = 0;; ++i) {
    const mien_track* track = mien_clip_track(clip.handle, i);
    if (track == nullptr) return out;
    out.append(track_of(*track));
  }
}

/// Texts that a struct of options points to, and the struct. None and missing keys: the default.
class Options {
 public:
  explicit Options(nb::dict given) : given_(std::move(given)) {}

  template <class Value>
  void take(const char* name, Value& to) {
    if (!given_.contains(name)) return;
    const nb::object value = given_[name];
    if (!value.is_none()) to = nb::cast<Value>(value);
  }
  void take(const char* name, const char*& to) {
    if (!given_.contains(name)) return;
    const nb::object value = given_[name];
    if (value.is_none()) return;
    texts_.push_back(std::make_unique<std::string>(nb::cast<std::string>(value)));
    to = texts_.back()->c_str();
  }
  void take(const char* name, mien_box& to) {
    std::optional<std::vector<float>> values;
    if (given_.contains(name) && !given_[name].is_none())
      values = nb::cast<std::vector<float>>(given_[name]);
    if (!values) return;
    if (values->size() != 4)
      raise(MIEN_INVALID_ARGUMENT, "region: wrong length (expected x, y, w, h)");
    to = {(*values)[0], (*values)[1], (*values)[2], (*values)[3]};
  }

 private:
  nb::dict given_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

void take_faces(Options& options, mien_face_options& to) {
  mien_face_options_init(&to);
  options.take("mode", to.mode);
  options.take("upsample", to.upsample);
  options.take("min_face", to.min_face);
  options.take("min_score", to.min_score);
  options.take("detect_every", to.detect_every);
  options.take("single", to.single);
  options.take("landmarks", to.landmarks);
  options.take("region", to.region);
  options.take("detector", to.detector);
  options.take("landmark_model", to.landmark_model);
}

void make_bundle(Bundle* self, const std::optional<std::string>& name, nb::dict given) {
  Options options(std::move(given));
  mien_bundle_options to;
  mien_bundle_options_init(&to);
  options.take("models", to.models);
  options.take("precision", to.precision);
  options.take("views", to.views);
  options.take("many_pictures", to.many_pictures);
  mien_bundle* handle = nullptr;
  run([&] { return mien_bundle_load(name ? name->c_str() : nullptr, &to, &handle); });
  new (self) Bundle(handle);
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> out;
  for (const std::string& text : texts) {
    if (text.find('\0') != std::string::npos) {
      raise(MIEN_INVALID_ARGUMENT, "text: has a zero byte (expected none)");
    }
    out.push_back(text.c_str());
  }
  return out;
}

nb::bytes embed_texts(const Bundle& bundle, const std::vector<std::string>& texts) {
  const std::vector<const char*> given = pointers(texts);
  std::vector<float> out(texts.size() * mien_bundle_width(bundle.handle));
  const char* const nothing = nullptr;
  run([&] {
    return mien_bundle_embed_texts(bundle.handle, given.empty() ? &nothing : given.data(),
                                   given.size(), out.empty() ? &out.emplace_back() : out.data(),
                                   given.empty() ? 0 : out.size());
  });
  return bytes_of(out.data(), given.empty() ? 0 : out.size());
}

Labels labels_from_names(const std::vector<std::string>& names) {
  const std::vector<const char*> given = pointers(names);
  const char* const nothing = nullptr;
  mien_labels* handle = nullptr;
  check(mien_labels_from_names(given.empty() ? &nothing : given.data(), given.size(), &handle));
  return Labels(handle);
}

void make_recognizer(Recognizer* self, const Bundle& bundle, const Labels* labels, nb::dict given) {
  Options options(std::move(given));
  mien_face_options faces;
  take_faces(options, faces);
  mien_recognizer_options to;
  mien_recognizer_options_init(&to);
  to.faces = &faces;
  options.take("scores", to.scores);
  options.take("embeddings", to.embeddings);
  options.take("explain", to.explain);
  options.take("unknown", to.unknown);
  options.take("reduce", to.reduce);
  options.take("baseline", to.baseline);
  options.take("smooth_seconds", to.smooth_seconds);
  options.take("max_fps", to.max_fps);
  options.take("every", to.every);
  options.take("batch", to.batch);
  options.take("threads", to.threads);
  mien_recognizer* handle = nullptr;
  run([&] {
    return mien_recognizer_make(bundle.handle, labels == nullptr ? nullptr : labels->handle, &to,
                                &handle);
  });
  new (self) Recognizer(handle);
}

void make_detector(Detector* self, nb::dict given) {
  Options options(std::move(given));
  mien_face_options to;
  take_faces(options, to);
  mien_detector* handle = nullptr;
  run([&] { return mien_detector_make(&to, &handle); });
  new (self) Detector(handle);
}

// Calls that give a result.
template <class Call>
Result result_of(const Call& call) {
  mien_result* out = nullptr;
  run([&] { return call(&out); });
  return Result(out);
}

Result read_pixels(const Recognizer& self, nb::handle array, int format) {
  const Pixels pixels(array, format);
  return result_of(
      [&](mien_result** out) { return mien_read_pixels(self.handle, &pixels.out, out); });
}
Result read_bytes(const Recognizer& self, nb::handle data) {
  const Buffer bytes(data, PyBUF_SIMPLE);
  return result_of([&](mien_result** out) {
    return mien_read_bytes(self.handle, bytes.view().buf, static_cast<size_t>(bytes.view().len),
                           out);
  });
}
Result read_file(const Recognizer& self, const std::string& path) {
  return result_of(
      [&](mien_result** out) { return mien_read_file(self.handle, path.c_str(), out); });
}
Result read_boxes(const Recognizer& self, nb::handle array, int format,
                  const std::vector<std::vector<float>>& boxes) {
  std::vector<mien_box> given;
  for (const auto& box : boxes) {
    if (box.size() != 4) raise(MIEN_INVALID_ARGUMENT, "boxes: wrong length (expected x, y, w, h)");
    given.push_back({box[0], box[1], box[2], box[3]});
  }
  const Pixels pixels(array, format);
  return result_of([&](mien_result** out) {
    return mien_read_boxes(self.handle, &pixels.out, given.data(), given.size(), out);
  });
}
Result push(const Recognizer& self, nb::handle array, int format, int64_t timestamp_us) {
  const Pixels pixels(array, format);
  return result_of(
      [&](mien_result** out) { return mien_push(self.handle, &pixels.out, timestamp_us, out); });
}
Clip push_tracks(const Recognizer& self) {
  mien_clip* out = nullptr;
  run([&] { return mien_push_tracks(self.handle, &out); });
  return Clip(out);
}

/// Calls Python for every frame; keeps what it raised.
struct Sink {
  nb::object function;
  std::exception_ptr raised;

  static int receive(const mien_result* frame, void* user) noexcept {
    const nb::gil_scoped_acquire acquire;
    auto& self = *static_cast<Sink*>(user);
    try {
      mien_result* kept = nullptr;
      check(mien_result_keep(frame, &kept));
      Result result(kept);
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      const nb::object answer = self.function(nb::cast(std::move(result)));
      return nb::isinstance<nb::bool_>(answer) && !nb::cast<bool>(answer) ? 1 : 0;
    } catch (...) {
      self.raised = std::current_exception();
      return 1;
    }
  }
};

// `data`: a path, or memory of an encoded clip. The function may return False to end the clip.
nb::object read_clip(const Recognizer& self, nb::handle data, nb::object function,
                     const Cancel* cancel, int64_t from_us, int64_t to_us, double folder_fps) {
  Sink sink{std::move(function), nullptr};
  mien_clip_options options;
  mien_clip_options_init(&options);
  options.frame = Sink::receive;
  options.user = &sink;
  options.cancel = cancel == nullptr ? nullptr : cancel->handle;
  options.from_us = from_us;
  if (to_us >= 0) options.to_us = to_us;
  options.folder_fps = folder_fps;
  mien_clip* out = nullptr;
  mien_code code = MIEN_OK;
  std::string message;
  std::optional<Buffer> bytes;
  std::string path;
  if (nb::isinstance<nb::str>(data)) {
    path = nb::cast<std::string>(data);
  } else {
    bytes.emplace(data, PyBUF_SIMPLE);
  }
  {
    const nb::gil_scoped_release release;
    code = bytes ? mien_read_clip_bytes(self.handle, bytes->view().buf,
                                        static_cast<size_t>(bytes->view().len), &options, &out)
                 : mien_read_clip(self.handle, path.c_str(), &options, &out);
    if (code != MIEN_OK) message = mien_last_error();
  }
  if (sink.raised) {
    if (out != nullptr) mien_clip_free(out);
    std::rethrow_exception(sink.raised);
  }
  if (PyErr_CheckSignals() != 0) {
    if (out != nullptr) mien_clip_free(out);
    throw nb::python_error();
  }
  if (code != MIEN_OK) raise(code, message);
  return nb::cast(Clip(out));
}

std::vector<std::string> names_of(const char* (*name)(const mien_recognizer*, size_t),
                                  const Recognizer& self) {
  std::vector<std::string> out;
  for (const char* one = nullptr; (one = name(self.handle, out.size())) != nullptr;) {
    out.emplace_back(one);
  }
  return out;
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "The C ABI of mien, one to one.";
  m.def("version", &mien_version);

  nb::class_<Bundle>(m, "Bundle")
      .def("__init__", &make_bundle, nb::arg("name").none(), nb::arg("options"))
      .def("json",
           [](const Bundle& self) {
             return text_of([&](char** out) { return mien_bundle_json(self.handle, out); });
           })
      .def("width", [](const Bundle& self) { return mien_bundle_width(self.handle); })
      .def("embed_texts", &embed_texts, nb::arg("texts"))
      .def(
          "label_notes",
          [](const Bundle& self, const Labels& labels) {
            return text_of(
                [&](char** out) { return mien_label_notes(self.handle, labels.handle, out); });
          },
          nb::arg("labels"))
      .def("close", &Bundle::close);

  nb::class_<Labels>(m, "Labels")
      .def_static(
          "load",
          [](const std::string& words) {
            mien_labels* handle = nullptr;
            check(mien_labels_load(words.c_str(), &handle));
            return Labels(handle);
          },
          nb::arg("words"))
      .def_static("from_names", &labels_from_names, nb::arg("names"))
      .def_static(
          "from_yaml",
          [](const std::string& yaml) {
            mien_labels* handle = nullptr;
            check(mien_labels_from_yaml(yaml.data(), yaml.size(), &handle));
            return Labels(handle);
          },
          nb::arg("yaml"))
      .def("names", [](const Labels& self) {
        std::vector<std::string> out;
        for (const char* one = nullptr;
             (one = mien_labels_name(self.handle, out.size())) != nullptr;) {
          out.emplace_back(one);
        }
        return out;
      });

  nb::class_<Cancel>(m, "Cancel")
      .def("__init__",
           [](Cancel* self) {
             mien_cancel* handle = nullptr;
             check(mien_cancel_make(&handle));
             new (self) Cancel(handle);
           })
      .def("set", [](const Cancel& self) { check(mien_cancel_set(self.handle)); });

  nb::class_<Result>(m, "Result")
      .def("head", &head_of)
      .def("faces", &faces_of)
      .def("json", [](const Result& self) {
        return text_of([&](char** out) { return mien_result_json(self.handle, out); });
      });

  nb::class_<Clip>(m, "Clip")
      .def("summary", &summary_of)
      .def("tracks", &tracks_of)
      .def("json", [](const Clip& self) {
        return text_of([&](char** out) { return mien_clip_json(self.handle, out); });
      });

  nb::class_<Recognizer>(m, "Recognizer")
      .def("__init__", &make_recognizer, nb::arg("bundle"), nb::arg("labels").none(),
           nb::arg("options"))
      .def("labels", [](const Recognizer& self) { return names_of(mien_recognizer_label, self); })
      .def("targets", [](const Recognizer& self) { return names_of(mien_recognizer_target, self); })
      .def("read_pixels", &read_pixels, nb::arg("array"), nb::arg("format"))
      .def("read_bytes", &read_bytes, nb::arg("data"))
      .def("read_file", &read_file, nb::arg("path"))
      .def("read_boxes", &read_boxes, nb::arg("array"), nb::arg("format"), nb::arg("boxes"))
      .def("push", &push, nb::arg("array"), nb::arg("format"), nb::arg("timestamp_us"))
      .def("push_tracks", &push_tracks)
      .def("push_reset", [](const Recognizer& self) { check(mien_push_reset(self.handle)); })
      .def("read_clip", &read_clip, nb::arg("data"), nb::arg("function"), nb::arg("cancel").none(),
           nb::arg("from_us"), nb::arg("to_us"), nb::arg("folder_fps"))
      .def("close", &Recognizer::close);

  nb::class_<Detector>(m, "Detector")
      .def("__init__", &make_detector, nb::arg("options"))
      .def(
          "detect_pixels",
          [](const Detector& self, nb::handle array, int format) {
            const Pixels pixels(array, format);
            return result_of([&](mien_result** out) {
              return mien_detect_pixels(self.handle, &pixels.out, out);
            });
          },
          nb::arg("array"), nb::arg("format"))
      .def(
          "detect_bytes",
          [](const Detector& self, nb::handle data) {
            const Buffer bytes(data, PyBUF_SIMPLE);
            return result_of([&](mien_result** out) {
              return mien_detect_bytes(self.handle, bytes.view().buf,
                                       static_cast<size_t>(bytes.view().len), out);
            });
          },
          nb::arg("data"))
      .def(
          "detect_file",
          [](const Detector& self, const std::string& path) {
            return result_of([&](mien_result** out) {
              return mien_detect_file(self.handle, path.c_str(), out);
            });
          },
          nb::arg("path"))
      .def("close", &Detector::close);
}
