/* Prints the size of every struct of the ABI. */
#include <stdio.h>

#include "mien/c/mien.h"

#define SHOW(type) printf("sizeof %s %lu\n", #type, (unsigned long)sizeof(type))

int main(void) {
  SHOW(mien_code);
  SHOW(mien_bundle_options);
  SHOW(mien_face_options);
  SHOW(mien_recognizer_options);
  SHOW(mien_clip_options);
  SHOW(mien_pixels);
  SHOW(mien_box);
  SHOW(mien_point);
  SHOW(mien_score);
  SHOW(mien_reason);
  SHOW(mien_value);
  SHOW(mien_share);
  SHOW(mien_segment);
  SHOW(mien_face);
  SHOW(mien_frame);
  SHOW(mien_track);
  SHOW(mien_summary);
  return 0;
}
