// Follows the faces of a clip: read_clip BUNDLE CLIP LABELS
#include <cstdio>

#include "mien/pipeline/recognizer.h"
#include "mien/text/labels.h"
#include "mien/video/source.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: read_clip BUNDLE CLIP LABELS\n");
    return 2;
  }
  const auto fail = [](const mien::Status& status) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 1;
  };
  const auto bundle = mien::engine::Bundle::load(argv[1]);
  if (!bundle.ok()) return fail(bundle.status());
  const auto labels = mien::text::load_labels(argv[3]);
  if (!labels.ok()) return fail(labels.status());
  const auto recognizer = mien::pipeline::Recognizer::make(*bundle, *labels);
  if (!recognizer.ok()) return fail(recognizer.status());
  const auto clip = mien::video::open_file(argv[2]);
  if (!clip.ok()) return fail(clip.status());

  // Called for every frame, in order, in this thread. A Status that is not ok ends the clip.
  std::size_t faces = 0;
  mien::pipeline::ClipSink sink;
  sink.frame = [&faces](const mien::pipeline::ClipFrame& frame) {
    faces += frame.result.faces.size();
    return mien::Status();
  };
  const auto result = (*recognizer)->clip(**clip, argv[2], sink);
  if (!result.ok()) return fail(result.status());

  std::printf("%zu faces in the frames, %zu tracks\n", faces, result->tracks.size());
  for (const auto& track : result->tracks) {
    std::printf("track %lld:", static_cast<long long>(track.track));
    for (const auto& time : track.shares) {
      if (time.share > 0) std::printf(" %s %.0f%%", time.label.c_str(), 100 * time.share);
    }
    std::printf("\n");
  }
  return 0;
}
