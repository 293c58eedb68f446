#include "methods/face_detector/targets.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace mien::methods {
namespace {

constexpr float kDoubt = 0.05F;       // a score above is about something
constexpr float kSureOfOther = 0.6F;  // a score of what is not a known face: nobody knows
constexpr float kSameFace = 0.4F;     // overlap of the teacher's box with a known face
constexpr float kSeen = 0.5F;         // a score from which on the teacher sees a face
constexpr float kLeastShape = 0.3F;   // a score from which on box and points count
constexpr float kOwnScore = 0.8F;     // of places that the teacher left out

void set_shape(const face::Detection& face, float weight, float* row) {
  row[2] = weight;
  row[3] = face.box.x + face.box.w / 2;
  row[4] = face.box.y + face.box.h / 2;
  row[5] = face.box.w;
  row[6] = face.box.h;
  for (std::size_t i = 0; i < 5; ++i) {
    row[7 + 2 * i] = (*face.points)[i].x;
    row[8 + 2 * i] = (*face.points)[i].y;
  }
}

// Level that answers for a face of this size, when the teacher does not say.
std::size_t level_of(float size, std::size_t levels) {
  const std::size_t level = size < 32 ? 0 : size < 96 ? 1 : 2;
  return std::min(level, levels - 1);
}

struct Nearest {
  std::size_t face = 0;
  float overlap = 0;
};

Nearest nearest_face(const std::vector<SceneFace>& faces, const image::Box& box) {
  Nearest out;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const float overlap = image::iou(faces[i].face.box, box);
    if (overlap > out.overlap) out = {i, overlap};
  }
  return out;
}

class TargetMaker {
 public:
  TargetMaker(const Scene& scene, std::span<const engine::PyramidMap> maps)
      : scene_(scene), maps_(maps), seen_(scene.faces.size(), 0) {
    std::int64_t places = 0;
    for (const engine::PyramidMap& map : maps) {
      first_.push_back(places);
      places += map.height * map.width;
    }
    rows_.assign(static_cast<std::size_t>(places * kTargetWidth), 0);
  }

  std::vector<float> make() {
    for (std::size_t l = 0; l < maps_.size(); ++l) {
      for (std::int64_t y = 0; y < maps_[l].height; ++y) {
        for (std::int64_t x = 0; x < maps_[l].width; ++x) ask(l, x, y);
      }
    }
    for (std::size_t i = 0; i < scene_.faces.size(); ++i) {
      if (seen_[i] < kSeen) add_own(scene_.faces[i]);
    }
    return std::move(rows_);
  }

 private:
  float* row(std::size_t level, std::int64_t x, std::int64_t y) {
    return rows_.data() + (first_[level] + y * maps_[level].width + x) * kTargetWidth;
  }

  void ask(std::size_t level, std::int64_t x, std::int64_t y) {
    float* to = row(level, x, y);
    to[1] = 1;
    const std::optional<face::Detection> found = engine::face_at(maps_[level], x, y, 0);
    if (!found) return;
    to[0] = found->score;
    const bool shaped = found->score >= kLeastShape;
    if (!scene_.composed) {
      if (shaped) set_shape(*found, found->score, to);
      return;
    }
    if (found->score < kDoubt) return;
    const Nearest known = nearest_face(scene_.faces, found->box);
    if (known.overlap >= kSameFace) {
      seen_[known.face] = std::max(seen_[known.face], found->score);
      if (shaped) set_shape(scene_.faces[known.face].face, found->score, to);
    } else if (found->score >= kSureOfOther) {
      to[1] = 0;
    } else {
      to[0] = 0;
    }
  }

  // Places of a face that the teacher does not see; those around them are let be.
  void add_own(const SceneFace& one) {
    const image::Box& box = one.face.box;
    const float size = std::sqrt(box.area());
    const std::size_t own = level_of(size, maps_.size());
    const float middle_x = box.x + box.w / 2, middle_y = box.y + box.h / 2;
    for (std::size_t l = 0; l < maps_.size(); ++l) {
      const auto stride = static_cast<float>(maps_[l].stride);
      const float near = std::max(0.2F * size, 0.6F * stride);
      const float far = std::max(0.5F * size, stride);
      for (std::int64_t y = 0; y < maps_[l].height; ++y) {
        for (std::int64_t x = 0; x < maps_[l].width; ++x) {
          const float dx = std::abs(static_cast<float>(x) * stride - middle_x);
          const float dy = std::abs(static_cast<float>(y) * stride - middle_y);
          const float away = std::max(dx, dy);
          float* to = row(l, x, y);
          if (one.sure && l == own && away <= near) {
            to[0] = std::max(to[0], kOwnScore);
            to[1] = 1;
            set_shape(one.face, to[0], to);
          } else if (away <= far && to[2] == 0) {
            to[1] = 0;
          }
        }
      }
    }
  }

  const Scene& scene_;
  std::span<const engine::PyramidMap> maps_;
  std::vector<float> seen_;  // the best score of the teacher, of each face
  std::vector<std::int64_t> first_;
  std::vector<float> rows_;
};

}  // namespace

std::vector<float> make_targets(const Scene& scene, std::span<const engine::PyramidMap> maps) {
  return TargetMaker(scene, maps).make();
}

}  // namespace mien::methods
