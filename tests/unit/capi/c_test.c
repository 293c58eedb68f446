/* The C ABI from plain C99: c_test BUNDLE FOLDER (for files that the test writes). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mien/c/mien.h"

static int failures = 0;

#define CHECK(condition)                                                                         \
  do {                                                                                           \
    if (!(condition)) {                                                                          \
      ++failures;                                                                                \
      printf("%s:%d: %s (last error: %s)\n", __FILE__, __LINE__, #condition, mien_last_error()); \
    }                                                                                            \
  } while (0)
#define CHECK_FAILS(call, code, words)                 \
  do {                                                 \
    CHECK((call) == (code));                           \
    CHECK(strstr(mien_last_error(), (words)) != NULL); \
  } while (0)

enum { kSide = 64 };
static uint8_t rgb[kSide * kSide * 3];

/* Not a face, but never flat: the answers must depend on the pixels. */
static void paint(void) {
  int x, y;
  for (y = 0; y < kSide; ++y) {
    for (x = 0; x < kSide; ++x) {
      uint8_t* at = rgb + 3 * (y * kSide + x);
      at[0] = (uint8_t)(x * 4);
      at[1] = (uint8_t)((y * 7 + x) % 256);
      at[2] = (uint8_t)((x * y) % 256);
    }
  }
}

static mien_pixels packed(void) {
  mien_pixels out;
  memset(&out, 0, sizeof out);
  out.data = rgb;
  out.bytes = sizeof rgb;
  out.width = kSide;
  out.height = kSide;
  out.format = MIEN_RGB;
  return out;
}

static mien_recognizer* make(const mien_bundle* bundle, const mien_labels* labels, int scores) {
  mien_face_options faces;
  mien_recognizer_options options;
  mien_recognizer* out = NULL;
  mien_face_options_init(&faces);
  faces.mode = MIEN_FACES_WHOLE;
  mien_recognizer_options_init(&options);
  options.faces = &faces;
  options.embeddings = 1;
  options.scores = scores;
  options.explain = scores;
  CHECK(mien_recognizer_make(bundle, labels, &options, &out) == MIEN_OK);
  return out;
}

static void test_basics(void) {
  CHECK(strlen(mien_version()) >= 5);
  CHECK(strcmp(mien_code_name(MIEN_NOT_FOUND), "not_found") == 0);
  CHECK(strcmp(mien_code_name(99), "unknown") == 0);
  CHECK(strcmp(mien_last_error(), "") == 0);
  mien_string_free(NULL);
  mien_bundle_free(NULL);
  mien_bundle_options_init(NULL);
}

static void test_bundle(const char* path, mien_bundle** bundle) {
  mien_bundle_options options;
  mien_bundle* none = NULL;
  char* json = NULL;
  const char* texts[2] = {"a smiling face", "a frown"};
  float* rows = NULL;
  size_t width, i;
  double length = 0;
  CHECK_FAILS(mien_bundle_load("no-such-bundle", NULL, &none), MIEN_NOT_FOUND, "no-such-bundle");
  CHECK_FAILS(mien_bundle_load(path, NULL, NULL), MIEN_INVALID_ARGUMENT, "out");
  mien_bundle_options_init(&options);
  options.precision = "fp7";
  CHECK_FAILS(mien_bundle_load(path, &options, &none), MIEN_INVALID_ARGUMENT, "fp7");
  mien_bundle_options_init(&options);
  options.size = 3;
  CHECK_FAILS(mien_bundle_load(path, &options, &none), MIEN_INVALID_ARGUMENT, "size is 3");
  CHECK(none == NULL);
  CHECK(mien_bundle_load(path, NULL, bundle) == MIEN_OK);
  CHECK(mien_bundle_json(*bundle, &json) == MIEN_OK);
  CHECK(json != NULL && strstr(json, "\"name\":\"compact\"") != NULL);
  mien_string_free(json);
  width = mien_bundle_width(*bundle);
  CHECK(width == 256);
  CHECK(mien_bundle_width(NULL) == 0);
  rows = malloc(2 * width * sizeof *rows);
  CHECK(mien_bundle_embed_texts(*bundle, texts, 2, rows, 2 * width) == MIEN_OK);
  for (i = 0; i < width; ++i) length += (double)rows[width + i] * (double)rows[width + i];
  CHECK(fabs(length - 1) < 1e-4);
  CHECK_FAILS(mien_bundle_embed_texts(*bundle, texts, 2, rows, width), MIEN_INVALID_ARGUMENT,
              "expected 2 x 256");
  CHECK_FAILS(mien_bundle_embed_texts(*bundle, NULL, 2, rows, 2 * width), MIEN_INVALID_ARGUMENT,
              "texts");
  free(rows);
}

static void test_labels(const mien_bundle* bundle, mien_labels** labels) {
  const char* names[2] = {"happy", "politely bored, really"};
  const char* twice[2] = {"happy", "happy"};
  const char* quoted[1] = {"a \"b\""};
  const char yaml[] =
      "{\"cheerful\": [\"a broad grin\", \"laughing eyes\"], \"tired\": \"a yawn\"}";
  mien_labels* other = NULL;
  char* notes = NULL;
  CHECK(mien_labels_from_names(names, 2, labels) == MIEN_OK);
  CHECK(strcmp(mien_labels_name(*labels, 1), names[1]) == 0);
  CHECK(mien_labels_name(*labels, 2) == NULL);
  CHECK_FAILS(mien_labels_from_names(twice, 2, &other), MIEN_INVALID_ARGUMENT, "duplicate");
  CHECK_FAILS(mien_labels_from_names(quoted, 1, &other), MIEN_INVALID_ARGUMENT, "double quote");
  CHECK_FAILS(mien_labels_from_names(names, 0, &other), MIEN_INVALID_ARGUMENT, "label");
  CHECK_FAILS(mien_labels_from_names(NULL, 1, &other), MIEN_INVALID_ARGUMENT, "names");
  CHECK(other == NULL);
  CHECK(mien_labels_load("basic7", &other) == MIEN_OK);
  CHECK(mien_labels_name(other, 6) != NULL && mien_labels_name(other, 7) == NULL);
  mien_labels_free(other);
  CHECK(mien_labels_name(other, 0) == NULL);
  CHECK(mien_labels_from_yaml(yaml, sizeof yaml - 1, &other) == MIEN_OK);
  CHECK(strcmp(mien_labels_name(other, 0), "cheerful") == 0);
  CHECK(mien_label_notes(bundle, other, &notes) == MIEN_OK);
  CHECK(notes != NULL && notes[0] == '[');
  mien_string_free(notes);
  mien_labels_free(other);
}

static void check_same(const mien_result* one, const mien_result* two) {
  const mien_face* a = mien_result_face(one, 0);
  const mien_face* b = mien_result_face(two, 0);
  CHECK(a != NULL && b != NULL);
  if (a == NULL || b == NULL) return;
  CHECK(a->label_count == b->label_count);
  CHECK(strcmp(a->labels[0].label, b->labels[0].label) == 0);
  CHECK(a->labels[0].probability == b->labels[0].probability);
}

/* Every format and a wide stride give the answer of packed RGB. */
static void test_pixels(mien_recognizer* recognizer) {
  mien_pixels picture = packed();
  mien_result *whole = NULL, *result = NULL;
  const mien_frame* frame;
  const mien_face* face;
  static uint8_t wide[kSide * (kSide * 4 + 12)];
  const int formats[4] = {MIEN_RGB, MIEN_BGR, MIEN_RGBA, MIEN_BGRA};
  int i, x, y;
  char* json = NULL;
  CHECK(mien_read_pixels(recognizer, &picture, &whole) == MIEN_OK);
  frame = mien_result_frame(whole);
  CHECK(frame != NULL && frame->width == kSide && frame->face_count == 1 && !frame->is_clip);
  face = mien_result_face(whole, 0);
  CHECK(face != NULL && face->source == MIEN_WHOLE && face->track == -1);
  CHECK(face->label_count == 2 && face->embedding_size == 256 && face->reason_count >= 2);
  CHECK(fabs(face->labels[0].probability + face->labels[1].probability - 1) < 1e-4);
  CHECK(face->labels[0].probability >= face->labels[1].probability);
  CHECK(mien_result_face(whole, 1) == NULL);
  CHECK(mien_result_json(whole, &json) == MIEN_OK);
  CHECK(strstr(json, "\"kind\":\"image\"") != NULL &&
        strstr(json, "politely bored, really") != NULL);
  mien_string_free(json);
  for (i = 0; i < 4; ++i) {
    const int channels = i < 2 ? 3 : 4;
    const int swap = formats[i] == MIEN_BGR || formats[i] == MIEN_BGRA;
    picture.stride = kSide * channels + 12;
    picture.data = wide;
    picture.format = formats[i];
    picture.bytes = (size_t)(picture.stride * (kSide - 1) + kSide * channels);
    memset(wide, 77, sizeof wide);
    for (y = 0; y < kSide; ++y) {
      for (x = 0; x < kSide; ++x) {
        const uint8_t* from = rgb + 3 * (y * kSide + x);
        uint8_t* to = wide + y * picture.stride + x * channels;
        to[0] = from[swap ? 2 : 0];
        to[1] = from[1];
        to[2] = from[swap ? 0 : 2];
      }
    }
    CHECK(mien_read_pixels(recognizer, &picture, &result) == MIEN_OK);
    check_same(whole, result);
    mien_result_free(result);
  }
  mien_result_free(whole);
  CHECK(mien_result_frame(whole) == NULL);
  CHECK(mien_result_face(whole, 0) == NULL);
}

static void test_bad_pixels(mien_recognizer* recognizer) {
  mien_pixels picture = packed();
  mien_result* result = NULL;
  CHECK_FAILS(mien_read_pixels(recognizer, NULL, &result), MIEN_INVALID_ARGUMENT, "pixels");
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, NULL), MIEN_INVALID_ARGUMENT, "out");
  picture.data = NULL;
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_INVALID_ARGUMENT, "data");
  picture = packed();
  picture.bytes -= 1;
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_INVALID_ARGUMENT,
              "12287 bytes");
  picture = packed();
  picture.width = 0;
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_INVALID_ARGUMENT, "0x64");
  picture = packed();
  picture.height = 1 << 30;
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_INVALID_ARGUMENT, "size");
  picture = packed();
  picture.width = picture.height = 16384;
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_RESOURCE_LIMIT, "too large");
  picture = packed();
  picture.stride = -192;
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_INVALID_ARGUMENT, "stride");
  picture = packed();
  picture.format = 17;
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_INVALID_ARGUMENT, "format");
  CHECK(mien_read_bytes(recognizer, NULL, 3, &result) == MIEN_INVALID_ARGUMENT);
  CHECK(mien_read_bytes(recognizer, "abc", 3, &result) == MIEN_UNSUPPORTED);
  CHECK(mien_read_bytes(recognizer, "", 0, &result) != MIEN_OK);
  CHECK_FAILS(mien_read_file(recognizer, "none.png", &result), MIEN_NOT_FOUND, "none.png");
  CHECK(mien_read_file(recognizer, NULL, &result) == MIEN_INVALID_ARGUMENT);
  CHECK(result == NULL);
}

static void test_handles(const mien_bundle* bundle, const mien_labels* labels) {
  mien_pixels picture = packed();
  mien_result* result = NULL;
  mien_recognizer* recognizer = make(bundle, labels, 1);
  mien_recognizer* wrong = (mien_recognizer*)(uintptr_t)labels;
  mien_recognizer_free(recognizer);
  CHECK_FAILS(mien_read_pixels(recognizer, &picture, &result), MIEN_INVALID_ARGUMENT,
              "not a valid");
  CHECK_FAILS(mien_read_pixels(NULL, &picture, &result), MIEN_INVALID_ARGUMENT, "not a valid");
  CHECK_FAILS(mien_read_pixels(wrong, &picture, &result), MIEN_INVALID_ARGUMENT, "not a valid");
  CHECK(mien_recognizer_label(recognizer, 0) == NULL);
  mien_recognizer_free(recognizer);
  CHECK(result == NULL);
}

static void test_options(const mien_bundle* bundle) {
  mien_recognizer_options options;
  mien_face_options faces;
  mien_recognizer* out = NULL;
  mien_recognizer_options_init(&options);
  options.batch = 0;
  CHECK_FAILS(mien_recognizer_make(bundle, NULL, &options, &out), MIEN_INVALID_ARGUMENT, "batch");
  mien_recognizer_options_init(&options);
  options.unknown = "perhaps";
  CHECK_FAILS(mien_recognizer_make(bundle, NULL, &options, &out), MIEN_INVALID_ARGUMENT, "perhaps");
  options.unknown = "7";
  CHECK_FAILS(mien_recognizer_make(bundle, NULL, &options, &out), MIEN_INVALID_ARGUMENT, "unknown");
  mien_recognizer_options_init(&options);
  options.max_fps = NAN;
  CHECK_FAILS(mien_recognizer_make(bundle, NULL, &options, &out), MIEN_INVALID_ARGUMENT, "max_fps");
  mien_recognizer_options_init(&options);
  mien_face_options_init(&faces);
  faces.mode = 9;
  options.faces = &faces;
  CHECK_FAILS(mien_recognizer_make(bundle, NULL, &options, &out), MIEN_INVALID_ARGUMENT, "mode");
  mien_face_options_init(&faces);
  faces.detector = "no-such-detector";
  CHECK(mien_recognizer_make(bundle, NULL, &options, &out) == MIEN_NOT_FOUND);
  CHECK(out == NULL);
}

static void test_boxes_and_live(mien_recognizer* recognizer) {
  mien_pixels picture = packed();
  const mien_box boxes[2] = {{0, 0, 40, 40}, {10, 10, 50, 50}};
  const mien_box outside = {1000, 0, 40, 40};
  mien_result* result = NULL;
  mien_clip* clip = NULL;
  int i;
  CHECK(mien_read_boxes(recognizer, &picture, boxes, 2, &result) == MIEN_OK);
  CHECK(mien_result_frame(result)->face_count == 2);
  CHECK(mien_result_face(result, 1)->box.w == 50.0F);
  CHECK(mien_result_face(result, 1)->source == MIEN_BOXES);
  mien_result_free(result);
  CHECK(mien_read_boxes(recognizer, &picture, NULL, 0, &result) == MIEN_OK);
  CHECK(mien_result_frame(result)->face_count == 0);
  mien_result_free(result);
  CHECK(mien_read_boxes(recognizer, &picture, NULL, 2, &result) == MIEN_INVALID_ARGUMENT);
  CHECK(mien_read_boxes(recognizer, &picture, &outside, 1, &result) == MIEN_INVALID_ARGUMENT);
  for (i = 0; i < 5; ++i) {
    CHECK(mien_push(recognizer, &picture, 40000 * i, &result) == MIEN_OK);
    CHECK(mien_result_frame(result)->is_clip && mien_result_frame(result)->index == i);
    CHECK(mien_result_face(result, 0)->steady != NULL);
    mien_result_free(result);
  }
  CHECK_FAILS(mien_push(recognizer, &picture, 1000, &result), MIEN_INVALID_ARGUMENT,
              "above 160000");
  CHECK(mien_push_tracks(recognizer, &clip) == MIEN_OK);
  CHECK(mien_clip_summary(clip)->track_count == 1 && mien_clip_track(clip, 0)->frames == 5);
  CHECK(mien_clip_track(clip, 1) == NULL);
  mien_clip_free(clip);
  CHECK(mien_push_reset(recognizer) == MIEN_OK);
  CHECK(mien_push(recognizer, &picture, 0, &result) == MIEN_OK);
  mien_result_free(result);
}

struct seen {
  int frames;
  int stop_at;
  mien_result* kept;
  mien_recognizer* recognizer;
  const mien_cancel* cancel;
};

static int on_frame(const mien_result* frame, void* user) {
  struct seen* seen = user;
  mien_pixels picture = packed();
  mien_result* result = NULL;
  CHECK(mien_result_frame(frame)->index == seen->frames);
  if (seen->frames == 0) {
    CHECK(mien_result_keep(frame, &seen->kept) == MIEN_OK);
    /* Not from within its own callback; it must not hang. */
    CHECK_FAILS(mien_read_pixels(seen->recognizer, &picture, &result), MIEN_INVALID_ARGUMENT,
                "in use");
  }
  if (seen->cancel != NULL)
    CHECK(mien_cancel_set((mien_cancel*)(uintptr_t)seen->cancel) == MIEN_OK);
  return ++seen->frames == seen->stop_at ? 1 : 0;
}

static void write_clip(const char* path, int frames) {
  FILE* file = fopen(path, "wb");
  int i, k;
  CHECK(file != NULL);
  if (file == NULL) return;
  fprintf(file, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n", kSide, kSide);
  for (i = 0; i < frames; ++i) {
    fprintf(file, "FRAME\n");
    for (k = 0; k < kSide * kSide * 3 / 2; ++k) fputc((k * 3 + i) % 256, file);
  }
  fclose(file);
}

static void test_clip(mien_recognizer* recognizer, const char* folder) {
  char path[4096];
  mien_clip_options options;
  mien_clip* clip = NULL;
  mien_cancel* cancel = NULL;
  struct seen seen = {0, -1, NULL, NULL, NULL};
  char* json = NULL;
  snprintf(path, sizeof path, "%s/c_test.y4m", folder);
  write_clip(path, 12);
  seen.recognizer = recognizer;
  mien_clip_options_init(&options);
  options.frame = on_frame;
  options.user = &seen;
  CHECK(mien_read_clip(recognizer, path, &options, &clip) == MIEN_OK);
  CHECK(seen.frames == 12);
  CHECK(mien_clip_summary(clip)->frames == 12 && mien_clip_summary(clip)->track_count == 1);
  CHECK(mien_clip_track(clip, 0)->share_count == 3 && mien_clip_track(clip, 0)->segment_count >= 1);
  CHECK(fabs(mien_clip_summary(clip)->seconds - 1.2) < 1e-6);
  CHECK(mien_clip_json(clip, &json) == MIEN_OK);
  CHECK(strstr(json, "\"kind\":\"track\"") != NULL && strstr(json, "\"kind\":\"summary\"") != NULL);
  mien_string_free(json);
  mien_clip_free(clip);
  clip = NULL;
  CHECK(mien_result_frame(seen.kept) != NULL && mien_result_frame(seen.kept)->width == kSide);
  mien_result_free(seen.kept);
  seen.frames = 0;
  seen.stop_at = 3;
  CHECK_FAILS(mien_read_clip(recognizer, path, &options, &clip), MIEN_CANCELLED, "callback");
  CHECK(seen.frames == 3 && clip == NULL);
  mien_result_free(seen.kept);
  CHECK(mien_cancel_make(&cancel) == MIEN_OK);
  options.cancel = seen.cancel = cancel;
  seen.frames = 0;
  seen.stop_at = -1;
  CHECK(mien_read_clip(recognizer, path, &options, &clip) == MIEN_CANCELLED);
  CHECK(seen.frames >= 1 && seen.frames < 12);
  mien_result_free(seen.kept);
  mien_cancel_free(cancel);
  CHECK_FAILS(mien_read_clip(recognizer, path, &options, &clip), MIEN_INVALID_ARGUMENT, "cancel");
  mien_clip_options_init(&options);
  options.from_us = 500000;
  CHECK(mien_read_clip(recognizer, path, &options, &clip) == MIEN_OK);
  CHECK(mien_clip_summary(clip)->analysed_frames == 7);
  mien_clip_free(clip);
  options.to_us = 400000;
  CHECK(mien_read_clip(recognizer, path, &options, &clip) == MIEN_INVALID_ARGUMENT);
  CHECK(mien_read_clip(recognizer, "none.mp4", NULL, &clip) == MIEN_NOT_FOUND);
  CHECK(mien_read_clip_bytes(recognizer, "no clip", 7, NULL, &clip) != MIEN_OK);
  remove(path);
}

static void test_detector(void) {
  mien_pixels picture = packed();
  mien_detector* detector = NULL;
  mien_result* result = NULL;
  CHECK(mien_detector_make(NULL, &detector) == MIEN_OK);
  CHECK(mien_detect_pixels(detector, &picture, &result) == MIEN_OK);
  CHECK(mien_result_frame(result)->width == kSide);
  mien_result_free(result);
  CHECK(mien_detect_file(detector, "none.png", &result) == MIEN_NOT_FOUND);
  CHECK(mien_detect_bytes(detector, "abc", 3, &result) == MIEN_UNSUPPORTED);
  mien_detector_free(detector);
  CHECK(mien_detect_pixels(detector, &picture, &result) == MIEN_INVALID_ARGUMENT);
}

int main(int argc, char** argv) {
  mien_bundle* bundle = NULL;
  mien_labels* labels = NULL;
  mien_recognizer* recognizer;
  if (argc != 3) return 2;
  paint();
  test_basics();
  test_bundle(argv[1], &bundle);
  test_labels(bundle, &labels);
  recognizer = make(bundle, labels, 1);
  /* Handles may be freed in any order. */
  test_options(bundle);
  test_handles(bundle, labels);
  mien_labels_free(labels);
  mien_bundle_free(bundle);
  CHECK(strcmp(mien_recognizer_label(recognizer, 0), "happy") == 0);
  CHECK(mien_recognizer_label(recognizer, 2) == NULL);
  CHECK(mien_recognizer_target(recognizer, 0) == NULL);
  test_pixels(recognizer);
  test_bad_pixels(recognizer);
  test_boxes_and_live(recognizer);
  test_clip(recognizer, argv[2]);
  test_detector();
  mien_recognizer_free(recognizer);
  if (failures == 0) printf("all checks passed\n");
  return failures == 0 ? 0 : 1;
}
