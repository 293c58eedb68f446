/* Reads the expressions of one picture: read_picture BUNDLE PICTURE LABELS
 *   cc -std=c99 read_picture.c $(pkg-config --cflags --libs mien) -o read_picture */
#include <stdio.h>

#include "mien/c/mien.h"

int main(int argc, char** argv) {
  mien_bundle* bundle = NULL;
  mien_labels* labels = NULL;
  mien_recognizer* recognizer = NULL;
  mien_result* result = NULL;
  size_t i;
  int failed = 1;
  if (argc != 4) {
    fprintf(stderr, "usage: read_picture BUNDLE PICTURE LABELS\n");
    return 2;
  }
  if (mien_bundle_load(argv[1], NULL, &bundle) == MIEN_OK &&
      mien_labels_load(argv[3], &labels) == MIEN_OK &&
      mien_recognizer_make(bundle, labels, NULL, &recognizer) == MIEN_OK &&
      mien_read_file(recognizer, argv[2], &result) == MIEN_OK) {
    failed = 0;
    for (i = 0; i < mien_result_frame(result)->face_count; ++i) {
      const mien_face* face = mien_result_face(result, i);
      printf("%.0f,%.0f %.0fx%.0f %s %.3f\n", (double)face->box.x, (double)face->box.y,
             (double)face->box.w, (double)face->box.h,
             face->unknown ? "unknown" : face->labels[0].label,
             (double)face->labels[0].probability);
    }
  } else {
    fprintf(stderr, "%s\n", mien_last_error());
  }
  /* NULL is allowed, so one way out does for all. */
  mien_result_free(result);
  mien_recognizer_free(recognizer);
  mien_labels_free(labels);
  mien_bundle_free(bundle);
  return failed;
}
