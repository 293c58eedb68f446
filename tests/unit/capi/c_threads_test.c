/* Threads that share a bundle, a recognizer and the last error: c_threads_test BUNDLE. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "mien/c/mien.h"

enum { kThreads = 4, kCalls = 25, kSide = 48 };

struct job {
  const mien_bundle* bundle;
  mien_recognizer* shared;
  int number;
  float probability; /* of the first answer of its own recognizer */
  int failures;
};

static void expect(struct job* job, int condition, const char* what) {
  if (condition) return;
  ++job->failures;
  printf("thread %d: %s (last error: %s)\n", job->number, what, mien_last_error());
}

static void* work(void* data) {
  static const uint8_t kNothing[1] = {0};
  struct job* job = data;
  uint8_t pixels[kSide * kSide];
  char name[32];
  mien_pixels picture;
  mien_face_options faces;
  mien_recognizer_options options;
  mien_recognizer* own = NULL;
  int i;
  for (i = 0; i < kSide * kSide; ++i) pixels[i] = (uint8_t)(i % 251);
  memset(&picture, 0, sizeof picture);
  picture.data = pixels;
  picture.bytes = sizeof pixels;
  picture.width = picture.height = kSide;
  picture.format = MIEN_GREY;
  mien_face_options_init(&faces);
  faces.mode = MIEN_FACES_WHOLE;
  mien_recognizer_options_init(&options);
  options.faces = &faces;
  expect(job, mien_recognizer_make(job->bundle, NULL, &options, &own) == MIEN_OK, "make");
  sprintf(name, "none-%d.png", job->number);
  for (i = 0; i < kCalls; ++i) {
    mien_result* result = NULL;
    expect(job, mien_read_pixels(i % 2 ? job->shared : own, &picture, &result) == MIEN_OK, "read");
    if (result == NULL) continue;
    if (i == 0) job->probability = mien_result_face(result, 0)->labels[0].probability;
    expect(job, mien_result_face(result, 0)->labels[0].probability == job->probability,
           "same answer");
    mien_result_free(result);
    /* Each thread has an error of its own. */
    expect(job, mien_read_file(own, name, &result) == MIEN_NOT_FOUND, "no such file");
    expect(job, strstr(mien_last_error(), name) != NULL, "own error");
    expect(job, mien_read_bytes(own, kNothing, 1, &result) == MIEN_UNSUPPORTED, "no picture");
  }
  mien_recognizer_free(own);
  return NULL;
}

int main(int argc, char** argv) {
  mien_bundle* bundle = NULL;
  mien_face_options faces;
  mien_recognizer_options options;
  mien_recognizer* shared = NULL;
  pthread_t threads[kThreads];
  struct job jobs[kThreads];
  int i, failures = 0;
  if (argc != 2 || mien_bundle_load(argv[1], NULL, &bundle) != MIEN_OK) return 2;
  mien_face_options_init(&faces);
  faces.mode = MIEN_FACES_WHOLE;
  mien_recognizer_options_init(&options);
  options.faces = &faces;
  if (mien_recognizer_make(bundle, NULL, &options, &shared) != MIEN_OK) return 2;
  for (i = 0; i < kThreads; ++i) {
    const struct job job = {bundle, shared, i, 0, 0};
    jobs[i] = job;
    pthread_create(&threads[i], NULL, work, &jobs[i]);
  }
  for (i = 0; i < kThreads; ++i) {
    pthread_join(threads[i], NULL);
    failures += jobs[i].failures;
    if (jobs[i].probability != jobs[0].probability) ++failures;
  }
  mien_recognizer_free(shared);
  mien_bundle_free(bundle);
  if (failures == 0) printf("all checks passed\n");
  return failures == 0 ? 0 : 1;
}
