/// The C ABI of mien: libmien.so.0, callable from C99 and from every language with a C interface.
/// docs/reference/c.md has a tutorial and whole programs.
///
/// Status: functions that can fail return a mien_code. When it is not MIEN_OK, outputs are
/// unchanged and mien_last_error() says why, in the thread that called. No exception leaves the
/// library, and the library never prints, ends the process or reads the environment.
///
/// Owns: what a function returns through an `out` parameter belongs to the caller, who frees it
/// with the function named there. Pointers inside of results belong to their result and live as
/// long as it does. Arguments are only borrowed during the call. Handles may be freed in any order;
/// an object lives as long as another one needs it.
///
/// Handles: a NULL, freed or wrong handle is an error (MIEN_INVALID_ARGUMENT), never undefined.
///
/// Threads: all functions may be called from several threads. Calls with the same recognizer or
/// detector run one after the other, so make one per thread; bundles and labels are shared.
///
/// Text is UTF-8 and ends with a zero byte. Structs with a `size` field are set up by their
/// `_init` function, so that programs keep working when a later version adds fields.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MIEN_API __attribute__((visibility("default")))
#else
#define MIEN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// Outcome of a call: one of the values below.
typedef int32_t mien_code;
enum {
  MIEN_OK = 0,
  MIEN_INVALID_ARGUMENT = 1,  ///< the call is wrong: a handle, an option, labels, sizes
  MIEN_NOT_FOUND = 2,         ///< a file or bundle does not exist
  MIEN_CORRUPT = 3,           ///< content is damaged
  MIEN_UNSUPPORTED = 4,       ///< a format, or something that this bundle cannot do
  MIEN_RESOURCE_LIMIT = 5,    ///< too large, or out of memory
  MIEN_IO = 6,                ///< the system could not read or write
  MIEN_CANCELLED = 7,         ///< a callback or mien_cancel_set ended it
  MIEN_INTERNAL = 8           ///< a bug in mien; please report it
};

/// "0.2.0": the version of the library.
MIEN_API const char* mien_version(void);
/// Name of a status, for example "not_found"; "unknown" for any other number.
MIEN_API const char* mien_code_name(mien_code status);
/// Why the last call that failed in this thread did so: "subject: problem (expected X, got Y)"; ""
/// when none has failed. Owns: the library, until the next failure in this thread.
MIEN_API const char* mien_last_error(void);
/// Frees a text that the library returned through `char** out`. NULL does nothing.
MIEN_API void mien_string_free(char* text);

/// A loaded model.
typedef struct mien_bundle mien_bundle;
/// An ordered set of labels with the texts that describe them.
typedef struct mien_labels mien_labels;
/// Reads expressions with one bundle and one set of labels.
typedef struct mien_recognizer mien_recognizer;
/// Finds faces; needs no bundle.
typedef struct mien_detector mien_detector;
/// The faces of one picture or frame.
typedef struct mien_result mien_result;
/// Tracks and summary of a clip, or of the live frames so far.
typedef struct mien_clip mien_clip;
/// A switch that ends a clip from another thread.
typedef struct mien_cancel mien_cancel;

/// How a bundle is loaded.
typedef struct mien_bundle_options {
  size_t size;
  const char* models;     ///< folder in which names of bundles are looked up first, or NULL
  const char* precision;  ///< "fp32" (or NULL), "bf16", "int8", "auto"
  int32_t views;          ///< 1, 2 or 4 views of every face, averaged
  int32_t many_pictures;  ///< not 0: loading may take longer if pictures are then read faster
} mien_bundle_options;
/// Sets the defaults. NULL does nothing.
MIEN_API void mien_bundle_options_init(mien_bundle_options* options);

/// Loads a bundle: the path of a folder or .tar, or the name of a shipped one, which is looked up
/// in options->models, beside this library and beside the program. NULL: "compact"; `options` may
/// be NULL. Owns: free `*out` with mien_bundle_free.
/// Errors: MIEN_NOT_FOUND, MIEN_CORRUPT, MIEN_UNSUPPORTED, MIEN_IO, MIEN_RESOURCE_LIMIT,
/// MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_bundle_load(const char* name_or_path, const mien_bundle_options* options,
                                    mien_bundle** out);
/// Releases the caller's hold. NULL does nothing.
MIEN_API void mien_bundle_free(mien_bundle* bundle);
/// Width of embeddings; 0 for a handle that is not a bundle.
MIEN_API size_t mien_bundle_width(const mien_bundle* bundle);
/// The description of the bundle, the JSON of bundle.json. Owns: free `*out` with mien_string_free.
/// Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_bundle_json(const mien_bundle* bundle, char** out);
/// Unit embeddings of texts, `count` rows of mien_bundle_width() floats into `out`, which has room
/// for `floats`. Errors: MIEN_UNSUPPORTED without a text tower; MIEN_INVALID_ARGUMENT when `floats`
/// is not count * width.
MIEN_API mien_code mien_bundle_embed_texts(const mien_bundle* bundle, const char* const* texts,
                                           size_t count, float* out, size_t floats);

/// Labels as the program's --labels takes them: words separated by commas, sets such as basic7, or
/// a label file. Owns: free `*out` with mien_labels_free.
/// Errors: MIEN_INVALID_ARGUMENT, MIEN_NOT_FOUND, MIEN_CORRUPT, MIEN_RESOURCE_LIMIT.
MIEN_API mien_code mien_labels_load(const char* words, mien_labels** out);
/// The same from one name per entry, in which commas and names of sets have no meaning.
/// Owns and Errors: as mien_labels_load.
MIEN_API mien_code mien_labels_from_names(const char* const* names, size_t count,
                                          mien_labels** out);
/// The same from the YAML (or JSON) of a label file, for labels with several descriptions.
/// Owns and Errors: as mien_labels_load.
MIEN_API mien_code mien_labels_from_yaml(const char* yaml, size_t bytes, mien_labels** out);
/// Releases the caller's hold. NULL does nothing.
MIEN_API void mien_labels_free(mien_labels* labels);
/// Name of label `index`; NULL past the last one. Owns: the labels.
MIEN_API const char* mien_labels_name(const mien_labels* labels, size_t index);
/// Doubts about the words of labels for this bundle, as a JSON array of messages. Owns: free `*out`
/// with mien_string_free. Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_label_notes(const mien_bundle* bundle, const mien_labels* labels,
                                    char** out);

/// A rectangle in pixels; x, y is the upper left corner.
typedef struct mien_box {
  float x, y, w, h;
} mien_box;
/// A point in pixels.
typedef struct mien_point {
  float x, y;
} mien_point;

/// Where faces are looked for.
enum {
  MIEN_FACES_AUTO = 0,  ///< detect; a picture without one may be a tight face crop
  MIEN_FACES_HOG = 1,   ///< the detector only
  MIEN_FACES_WHOLE = 2  ///< the picture is the face
};

/// How faces are found (docs/reference/faces.md).
typedef struct mien_face_options {
  size_t size;
  int32_t mode;          ///< MIEN_FACES_*
  int32_t upsample;      ///< doublings before detection, 0 to 4; -1: by the size
  float min_face;        ///< smallest face to search for, in pixels; 0: by the size
  float min_score;       ///< detections below are dropped
  int32_t detect_every;  ///< clips: search at least every n-th frame
  int32_t single;        ///< not 0: only the largest face
  int32_t landmarks;     ///< not 0: 68 and 5 points; needs dlib's landmark model
  mien_box region;       ///< search here only: pixels, or shares up to 1; w or h 0: everywhere
  const char* detector;  ///< path of a detector bundle, or NULL
  const char* landmark_model;  ///< path, or NULL for the system's
} mien_face_options;
/// Sets the defaults. NULL does nothing.
MIEN_API void mien_face_options_init(mien_face_options* options);

/// What a recognizer computes.
typedef struct mien_recognizer_options {
  size_t size;
  const mien_face_options* faces;  ///< NULL: the defaults
  int32_t scores;                  ///< 0: faces have no labels, and none are needed
  int32_t embeddings;              ///< not 0: faces have their unit embedding
  int32_t explain;                 ///< not 0: faces have reasons
  const char* unknown;             ///< "auto" (or NULL), "off", or a threshold
  const char* reduce;              ///< "auto" (or NULL), "mean", "mean-cosine", "max"
  const char* baseline;            ///< clips: "median" or an interval such as "0-10s"; NULL: none
  double smooth_seconds;           ///< clips: answers are smoothed over this time; 0: not
  double max_fps;                  ///< clips: most frames to analyse per second; 0: all
  int32_t every;                   ///< clips: analyse every n-th frame
  int32_t batch;                   ///< clips: faces to encode together, 1 to 1024
  int32_t threads;                 ///< threads that a call uses; 0: all cores
} mien_recognizer_options;
/// Sets the defaults. NULL does nothing.
MIEN_API void mien_recognizer_options_init(mien_recognizer_options* options);

/// Makes a recognizer. `labels` NULL: the bundle's own; `options` may be NULL.
/// Owns: free `*out` with mien_recognizer_free; it keeps bundle and labels alive.
/// Errors: MIEN_INVALID_ARGUMENT; MIEN_UNSUPPORTED for labels that the bundle cannot read;
/// MIEN_NOT_FOUND for a detector or landmark model; MIEN_CORRUPT.
MIEN_API mien_code mien_recognizer_make(const mien_bundle* bundle, const mien_labels* labels,
                                        const mien_recognizer_options* options,
                                        mien_recognizer** out);
/// Releases the caller's hold; a call in another thread ends first. NULL does nothing.
MIEN_API void mien_recognizer_free(mien_recognizer* recognizer);
/// Name of label or regression target `index`; NULL past the last one. Owns: the recognizer.
MIEN_API const char* mien_recognizer_label(const mien_recognizer* recognizer, size_t index);
MIEN_API const char* mien_recognizer_target(const mien_recognizer* recognizer, size_t index);

/// Order of the bytes of a pixel.
enum {
  MIEN_RGB = 0,
  MIEN_BGR = 1,   ///< OpenCV
  MIEN_RGBA = 2,  ///< alpha is ignored
  MIEN_BGRA = 3,  ///< alpha is ignored
  MIEN_GREY = 4   ///< one byte
};

/// Upright 8-bit pixels in memory of the caller.
typedef struct mien_pixels {
  const uint8_t* data;
  size_t bytes;      ///< length of the memory, so that wrong sizes are found
  int32_t width;     ///< 1 to 16,384
  int32_t height;    ///< 1 to 16,384
  ptrdiff_t stride;  ///< bytes from row to row; 0: rows are packed
  int32_t format;    ///< MIEN_RGB and so on; RGB is read in place, others are copied
} mien_pixels;

/// Reads the faces of one picture, largest first. No face is not an error.
/// Owns: free `*out` with mien_result_free. Errors: MIEN_INVALID_ARGUMENT for a handle or pixels,
/// MIEN_NOT_FOUND, MIEN_CORRUPT, MIEN_UNSUPPORTED, MIEN_RESOURCE_LIMIT for the picture.
MIEN_API mien_code mien_read_pixels(mien_recognizer* recognizer, const mien_pixels* picture,
                                    mien_result** out);
/// The same for an encoded picture in memory (JPEG, PNG, ...): docs/reference/formats.md.
MIEN_API mien_code mien_read_bytes(mien_recognizer* recognizer, const void* data, size_t bytes,
                                   mien_result** out);
/// The same for a picture file.
MIEN_API mien_code mien_read_file(mien_recognizer* recognizer, const char* path, mien_result** out);
/// The faces in given boxes, in their order; nothing is searched. Owns: as above.
/// Errors: as above; MIEN_INVALID_ARGUMENT for a box of which less than half lies in the picture.
MIEN_API mien_code mien_read_boxes(mien_recognizer* recognizer, const mien_pixels* picture,
                                   const mien_box* boxes, size_t count, mien_result** out);

/// Reads the next live frame; faces have track ids and answers smoothed over the past. Owns: free
/// `*out` with mien_result_free. Errors: as mien_read_pixels; MIEN_INVALID_ARGUMENT when
/// `timestamp_us` is not above that of the frame before.
MIEN_API mien_code mien_push(mien_recognizer* recognizer, const mien_pixels* frame,
                             int64_t timestamp_us, mien_result** out);
/// The tracks of the live frames so far. Owns: free `*out` with mien_clip_free.
/// Errors: MIEN_INVALID_ARGUMENT; MIEN_INTERNAL.
MIEN_API mien_code mien_push_tracks(mien_recognizer* recognizer, mien_clip** out);
/// Forgets all tracks: the next live frame begins anew. Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_push_reset(mien_recognizer* recognizer);

/// Receives every analysed frame of a clip, in order, in the thread that reads the clip. `frame` is
/// borrowed (mien_result_keep). Returns 0 to go on; anything else ends the clip. It may not use
/// the recognizer that is reading.
typedef int (*mien_frame_callback)(const mien_result* frame, void* user);

/// Which part of a clip is read, and who receives it.
typedef struct mien_clip_options {
  size_t size;
  mien_frame_callback frame;  ///< or NULL
  void* user;                 ///< handed to `frame`
  const mien_cancel* cancel;  ///< or NULL
  int64_t from_us;            ///< frames from this time
  int64_t to_us;              ///< up to and without this time; INT64_MAX: to the end
  double folder_fps;          ///< frame rate of a folder of pictures
} mien_clip_options;
/// Sets the defaults. NULL does nothing.
MIEN_API void mien_clip_options_init(mien_clip_options* options);

/// Reads a clip: a video file, a folder of pictures as frames, or a camera such as /dev/video0.
/// `options` may be NULL. Owns: free `*out` with mien_clip_free. Errors: MIEN_CANCELLED when the
/// callback or `cancel` ended it; those of mien_read_file.
MIEN_API mien_code mien_read_clip(mien_recognizer* recognizer, const char* path,
                                  const mien_clip_options* options, mien_clip** out);
/// The same for an encoded clip in memory.
MIEN_API mien_code mien_read_clip_bytes(mien_recognizer* recognizer, const void* data, size_t bytes,
                                        const mien_clip_options* options, mien_clip** out);

/// A switch that is off. Owns: free `*out` with mien_cancel_free. Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_cancel_make(mien_cancel** out);
/// Ends the clips that were given this switch, soon. Not for signal handlers.
/// Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_cancel_set(mien_cancel* cancel);
/// Releases the caller's hold. NULL does nothing.
MIEN_API void mien_cancel_free(mien_cancel* cancel);

/// Makes a detector. `options` may be NULL. Owns: free `*out` with mien_detector_free.
/// Errors: MIEN_INVALID_ARGUMENT, MIEN_NOT_FOUND, MIEN_CORRUPT.
MIEN_API mien_code mien_detector_make(const mien_face_options* options, mien_detector** out);
/// Releases the caller's hold; a call in another thread ends first. NULL does nothing.
MIEN_API void mien_detector_free(mien_detector* detector);
/// Finds the faces of one picture, largest first. Owns and Errors: as mien_read_pixels.
MIEN_API mien_code mien_detect_pixels(mien_detector* detector, const mien_pixels* picture,
                                      mien_result** out);
MIEN_API mien_code mien_detect_bytes(mien_detector* detector, const void* data, size_t bytes,
                                     mien_result** out);
MIEN_API mien_code mien_detect_file(mien_detector* detector, const char* path, mien_result** out);

/// How well one label fits. Fields are never added to this and the next four structs.
typedef struct mien_score {
  const char* label;
  float probability;  ///< 0 to 1; sums to 1 over the labels
  float cosine;       ///< raw similarity, -1 to 1
} mien_score;
/// How well one description fits.
typedef struct mien_reason {
  const char* label;
  const char* text;
  float cosine;
} mien_reason;
/// A value of a regression head, in its own unit.
typedef struct mien_value {
  const char* target;
  float value;
} mien_value;
/// For how long a label led on a face.
typedef struct mien_share {
  const char* label;  ///< "unknown" when no label fitted
  int32_t unknown;
  double seconds;
  double share;  ///< of the time in which the face was present, 0 to 1
} mien_share;
/// A stretch of time over which one label led.
typedef struct mien_segment {
  int64_t from_us, to_us;
  const char* label;
  int32_t unknown;
  double probability;  ///< mean over that time; 0 when unknown
} mien_segment;

/// Where a face came from.
enum { MIEN_DETECTED = 0, MIEN_WHOLE = 1, MIEN_BOXES = 2 };

/// One face. Later versions may add fields at the end; use only pointers to it.
typedef struct mien_face {
  mien_box box;     ///< may overhang the picture
  float score;      ///< the detector's confidence; 0 when not detected
  int32_t source;   ///< MIEN_DETECTED, MIEN_WHOLE, MIEN_BOXES
  int64_t track;    ///< the same face keeps it throughout a clip; -1 in a picture
  int32_t unknown;  ///< not 0: no label fits well enough; `labels` has the scores all the same
  size_t label_count;
  const mien_score* labels;  ///< best first
  const float* change;       ///< with a baseline: of each of `labels`, or NULL
  size_t reason_count;
  const mien_reason* reasons;
  size_t value_count;
  const mien_value* values;
  size_t embedding_size;  ///< 0 unless asked for
  const float* embedding;
  size_t landmark_count;        ///< 68, or 0
  const mien_point* landmarks;  ///< in iBUG's order
  const mien_point* points;     ///< eyes, nose, corners of the mouth (5), or NULL
  const char* steady;           ///< clips: the smoothed answer, "unknown" included, or NULL
  int32_t steady_unknown;
  float steady_probability;  ///< 0 when unknown
  float intensity;           ///< 0 to 1; below 0 when the bundle does not tell it
} mien_face;

/// One picture or frame. Later versions may add fields at the end; use only pointers to it.
typedef struct mien_frame {
  const char* input;  ///< the path; "bytes" or "pixels" for memory, "live" for pushed frames
  int32_t is_clip;
  int32_t width, height;
  int64_t index;  ///< clips: from 0
  int64_t timestamp_us;
  size_t face_count;
} mien_frame;

/// Releases the caller's hold. NULL does nothing.
MIEN_API void mien_result_free(mien_result* result);
/// Another handle of the same result, to keep one that is borrowed. Owns: free `*out` with
/// mien_result_free. Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_result_keep(const mien_result* result, mien_result** out);
/// The picture; NULL for a handle that is not a result. Owns: the result.
MIEN_API const mien_frame* mien_result_frame(const mien_result* result);
/// Face `index`; NULL past the last one. Owns: the result.
MIEN_API const mien_face* mien_result_face(const mien_result* result, size_t index);
/// The result as the program's `image` or `frame` line of JSON. Owns: free `*out` with
/// mien_string_free. Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_result_json(const mien_result* result, char** out);

/// One person's face over a clip. Later versions may add fields at the end; use only pointers to
/// it.
typedef struct mien_track {
  int64_t id;
  int64_t from_us, to_us;
  int64_t frames;  ///< analysed frames that show it
  size_t share_count;
  const mien_share* shares;  ///< longest first, unknown last
  size_t segment_count;
  const mien_segment* segments;
  int64_t segments_left_out;  ///< of a very long clip
  int32_t temporal;           ///< not 0: read by the bundle's temporal model; 0: mean of the frames
  int32_t unknown;
  size_t label_count;
  const mien_score* labels;  ///< of the track read as a whole, best first
  size_t reason_count;
  const mien_reason* reasons;
  size_t value_count;
  const mien_value* values;
} mien_track;

/// The end of a clip. Later versions may add fields at the end; use only pointers to it.
typedef struct mien_summary {
  const char* input;
  int64_t frames, analysed_frames, faces, corrupt_frames;
  size_t track_count;
  int32_t cut_short;  ///< not 0: the file ends before its header says
  double seconds;     ///< length of the clip
  double start;       ///< time of the first picture
  double elapsed;     ///< wall time of the work
} mien_summary;

/// Releases the caller's hold. NULL does nothing.
MIEN_API void mien_clip_free(mien_clip* clip);
/// The summary; NULL for a handle that is not a clip. Owns: the clip.
MIEN_API const mien_summary* mien_clip_summary(const mien_clip* clip);
/// Track `index`; NULL past the last one. Owns: the clip.
MIEN_API const mien_track* mien_clip_track(const mien_clip* clip, size_t index);
/// The program's `track` lines and `summary` line of JSON. Owns: free `*out` with mien_string_free.
/// Errors: MIEN_INVALID_ARGUMENT.
MIEN_API mien_code mien_clip_json(const mien_clip* clip, char** out);

#ifdef __cplusplus
}
#endif
