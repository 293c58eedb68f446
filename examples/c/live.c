/* Reads frames of your own, here raw RGB from standard input, 25 per second: live BUNDLE WIDTH
 * HEIGHT ffmpeg -i clip.mp4 -f rawvideo -pix_fmt rgb24 - | ./live compact 640 480 */
#include <stdio.h>
#include <stdlib.h>

#include "mien/c/mien.h"

int main(int argc, char** argv) {
  mien_bundle* bundle = NULL;
  mien_recognizer* recognizer = NULL;
  mien_pixels frame = {NULL, 0, 0, 0, 0, MIEN_RGB};
  uint8_t* memory = NULL;
  int64_t time_us = 0;
  mien_code code;
  if (argc != 4) {
    fprintf(stderr, "usage: live BUNDLE WIDTH HEIGHT\n");
    return 2;
  }
  frame.width = (int32_t)atoi(argv[2]);
  frame.height = (int32_t)atoi(argv[3]);
  if (frame.width < 1 || frame.width > 16384 || frame.height < 1 || frame.height > 16384) return 2;
  frame.bytes = (size_t)frame.width * (size_t)frame.height * 3;
  frame.data = memory = malloc(frame.bytes);
  if ((code = mien_bundle_load(argv[1], NULL, &bundle)) == MIEN_OK) {
    code = mien_recognizer_make(bundle, NULL, NULL, &recognizer); /* the bundle's own labels */
  }
  while (code == MIEN_OK && memory != NULL && fread(memory, 1, frame.bytes, stdin) == frame.bytes) {
    mien_result* result = NULL;
    const mien_face* face;
    size_t i;
    if ((code = mien_push(recognizer, &frame, time_us, &result)) != MIEN_OK) break;
    printf("%.2f s:", (double)time_us / 1e6);
    for (i = 0; (face = mien_result_face(result, i)) != NULL; ++i) {
      printf(" face %ld %s", (long)face->track, face->steady != NULL ? face->steady : "?");
    }
    printf("\n");
    mien_result_free(result);
    time_us += 40000;
  }
  if (code != MIEN_OK) fprintf(stderr, "%s\n", mien_last_error());
  mien_recognizer_free(recognizer);
  mien_bundle_free(bundle);
  free(memory);
  return code == MIEN_OK ? 0 : 1;
}
