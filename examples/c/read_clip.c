/* Follows the faces of a clip, at most LIMIT frames: read_clip BUNDLE CLIP LABELS [LIMIT] */
#include <stdio.h>
#include <stdlib.h>

#include "mien/c/mien.h"

struct progress {
  long frames, faces, limit;
};

/* Called for every frame, in order. Anything but 0 ends the clip. */
static int on_frame(const mien_result* frame, void* user) {
  struct progress* progress = user;
  progress->faces += (long)mien_result_frame(frame)->face_count;
  return ++progress->frames == progress->limit;
}

int main(int argc, char** argv) {
  struct progress progress = {0, 0, 0};
  mien_clip_options options;
  mien_bundle* bundle = NULL;
  mien_labels* labels = NULL;
  mien_recognizer* recognizer = NULL;
  mien_clip* clip = NULL;
  mien_code code;
  size_t t, s;
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: read_clip BUNDLE CLIP LABELS [LIMIT]\n");
    return 2;
  }
  if (argc == 5) progress.limit = atol(argv[4]);
  mien_clip_options_init(&options);
  options.frame = on_frame;
  options.user = &progress;
  if ((code = mien_bundle_load(argv[1], NULL, &bundle)) == MIEN_OK &&
      (code = mien_labels_load(argv[3], &labels)) == MIEN_OK &&
      (code = mien_recognizer_make(bundle, labels, NULL, &recognizer)) == MIEN_OK) {
    code = mien_read_clip(recognizer, argv[2], &options, &clip);
  }
  if (code == MIEN_OK) {
    printf("%ld faces in the frames, %lu tracks\n", progress.faces,
           (unsigned long)mien_clip_summary(clip)->track_count);
    for (t = 0; t < mien_clip_summary(clip)->track_count; ++t) {
      const mien_track* track = mien_clip_track(clip, t);
      printf("track %ld:", (long)track->id);
      for (s = 0; s < track->share_count; ++s) {
        if (track->shares[s].share > 0) {
          printf(" %s %.0f%%", track->shares[s].label, 100 * track->shares[s].share);
        }
      }
      printf("\n");
    }
  } else if (code == MIEN_CANCELLED) {
    printf("stopped after %ld frames\n", progress.frames);
  } else {
    fprintf(stderr, "%s\n", mien_last_error());
  }
  mien_clip_free(clip);
  mien_recognizer_free(recognizer);
  mien_labels_free(labels);
  mien_bundle_free(bundle);
  return code == MIEN_OK || code == MIEN_CANCELLED ? 0 : 1;
}
