#include "mien/face/face.h"

#include "mien/face/detector.h"

namespace mien::face {

std::string_view to_string(FaceSource source) {
  switch (source) {
    case FaceSource::kDetected: return "detected";
    case FaceSource::kWhole: return "whole";
    case FaceSource::kBoxes: return "boxes";
  }
  return "detected";
}

void scale_face(Face& face, float x, float y) {
  face.box = {face.box.x * x, face.box.y * y, face.box.w * x, face.box.h * y};
  const auto scale = [&](image::Point& point) { point = {point.x * x, point.y * y}; };
  for (image::Point& point : face.landmarks68) scale(point);
  if (face.landmarks5) {
    for (image::Point& point : *face.landmarks5) scale(point);
  }
}

void shift(Detection& face, float x, float y) {
  face.box.x += x;
  face.box.y += y;
  if (!face.points) return;
  for (image::Point& point : *face.points) point = {point.x + x, point.y + y};
}

}  // namespace mien::face
