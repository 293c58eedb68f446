// Reads the expressions of one picture: read_picture BUNDLE PICTURE LABELS
#include <cstdio>

#include "mien/image/decode.h"
#include "mien/pipeline/recognizer.h"
#include "mien/text/labels.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: read_picture BUNDLE PICTURE LABELS\n");
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
  const auto picture = mien::image::load(argv[2]);
  if (!picture.ok()) return fail(picture.status());
  const auto faces = (*recognizer)->image(*picture, argv[2]);
  if (!faces.ok()) return fail(faces.status());
  for (const auto& face : *faces) {
    std::printf("%.0f,%.0f %.0fx%.0f %s %.3f\n", static_cast<double>(face.face.box.x),
                static_cast<double>(face.face.box.y), static_cast<double>(face.face.box.w),
                static_cast<double>(face.face.box.h), face.top().c_str(),
                static_cast<double>(face.labels.front().probability));
  }
  return 0;
}
