#include "data/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "data/wordings.h"
#include "mien/core/check.h"

namespace mien::data {

const std::array<std::string_view, kGeometryMeasures> kGeometryColumns = {
    "geo_mouth_open",  "geo_mouth_width",    "geo_corners_up", "geo_brows_up",
    "geo_brows_apart", "geo_brows_inner_up", "geo_eyes_open"};

namespace {

struct Usual {
  double centre = 0;
  double spread = 1;
};
// docs/reference/data.md, "Captions", tells how they were measured.
constexpr std::array<Usual, kGeometryMeasures> kUsual = {{
    {0.069, 0.124},
    {0.839, 0.144},
    {0.062, 0.080},
    {0.311, 0.066},
    {0.378, 0.071},
    {0.025, 0.075},
    {0.127, 0.038},
}};
constexpr double kMostDeviation = 3;
constexpr double kStandsOut = 0.9;  // deviations
constexpr double kStandsFarOut = 1.8;
constexpr std::size_t kMostTold = 3;

// What is said of a measure far above, above, below and far below the usual.
struct Said {
  Words far_above, above, below, far_below;
};
constexpr std::array<Said, kGeometryMeasures> kSaid = {{
    {{"the mouth wide open", "the jaw dropped", "a gaping mouth"},
     {"the mouth open", "the lips apart", "an open mouth"},
     {"the mouth closed", "the lips together", "a closed mouth"},
     {"the lips pressed together", "the mouth tightly closed", "tight lips"}},
    {{"the mouth stretched wide", "a very wide mouth", "the lips drawn far out to the sides"},
     {"the mouth stretched", "a wide mouth", "the lips drawn out to the sides"},
     {"a narrow mouth", "the lips drawn in", "the mouth made small"},
     {"the lips pursed", "a very narrow mouth", "the mouth rounded"}},
    {{"the corners of the mouth pulled far up", "a broad smile",
      "the mouth in a wide upward curve"},
     {"the corners of the mouth pulled up", "a smile", "the mouth curved upward"},
     {"the corners of the mouth lowered", "the mouth bent down", "a downturned mouth"},
     {"the corners of the mouth pulled far down", "the mouth in a deep downward curve",
      "the ends of the mouth sinking"}},
    {{"the brows shot up", "the brows raised high", "highly raised eyebrows"},
     {"the brows raised", "the eyebrows lifted", "raised eyebrows"},
     {"the brows lowered", "the eyebrows down", "lowered eyebrows"},
     {"the brows pulled down hard", "the brows low over the eyes", "a heavy brow"}},
    {{"the brows far apart", "a smooth forehead", "widely spaced eyebrows"},
     {"the brows apart", "a smooth forehead", "relaxed eyebrows"},
     {"the brows drawn together", "a furrowed brow", "a frown between the brows"},
     {"the brows knotted together", "the brows nearly meeting", "a deep frown"}},
    {{"the inner ends of the brows pulled up", "the brows slanting up in the middle",
      "the brows tilted upward in the middle"},
     {"the inner ends of the brows lifted", "the brows slanting up in the middle",
      "a worried slant of the brows"},
     {"the inner ends of the brows lowered", "the brows slanting down in the middle",
      "the outer ends of the brows lifted"},
     {"the inner ends of the brows pulled down", "the brows in a steep slant down to the nose",
      "sharply slanting brows"}},
    {{"the eyes wide open", "staring wide eyes", "very wide eyes"},
     {"the eyes open wide", "wide eyes", "the eyelids raised"},
     {"narrow eyes", "the eyes narrowed", "the eyelids lowered"},
     {"the eyes nearly shut", "the eyes squeezed", "tightly narrowed eyes"}},
}};
constexpr std::array<std::string_view, 5> kShapeFrames = {
    "A face with {}.",
    "The face has {}.",
    "A face: {}.",
    "What is seen: {}.",
    "The expression comes with {}.",
};

using Point = image::Point;

Point mean_of(std::span<const Point> points, std::size_t first, std::size_t last) {
  Point out{};
  for (std::size_t i = first; i <= last; ++i) {
    out.x += points[i].x / static_cast<float>(last - first + 1);
    out.y += points[i].y / static_cast<float>(last - first + 1);
  }
  return out;
}

std::string_view said_of(std::size_t measure, double deviation, Rng& rng) {
  const Said& said = kSaid[measure];
  const bool far = std::abs(deviation) >= kStandsFarOut;
  return pick(
      deviation > 0 ? (far ? said.far_above : said.above) : (far ? said.far_below : said.below),
      rng);
}

}  // namespace

std::array<double, kGeometryMeasures> FaceGeometry::deviations() const {
  std::array<double, kGeometryMeasures> out = {};
  for (std::size_t m = 0; m < kGeometryMeasures; ++m) {
    out[m] = std::clamp((values[m] - kUsual[m].centre) / kUsual[m].spread, -kMostDeviation,
                        kMostDeviation);
  }
  return out;
}

std::optional<FaceGeometry> measure_face(std::span<const Point> points68) {
  MIEN_CHECK(points68.size() == 68);
  const Point left = mean_of(points68, 36, 41), right = mean_of(points68, 42, 47);
  const double dx = right.x - left.x, dy = right.y - left.y;
  const double unit = std::hypot(dx, dy);
  if (!(unit > 1e-6)) return std::nullopt;
  // Along the line of the eyes, and down from it.
  std::vector<Point> at;
  for (const Point& p : points68) {
    const double x = p.x - left.x, y = p.y - left.y;
    at.push_back({static_cast<float>((x * dx + y * dy) / (unit * unit)),
                  static_cast<float>((y * dx - x * dy) / (unit * unit))});
  }
  const auto down = [&](std::size_t from, std::size_t to) {
    return static_cast<double>(at[to].y) - static_cast<double>(at[from].y);
  };
  const auto along = [&](std::size_t from, std::size_t to) {
    return std::abs(static_cast<double>(at[to].x) - static_cast<double>(at[from].x));
  };
  FaceGeometry out;
  out.values = {
      (down(61, 67) + down(62, 66) + down(63, 65)) / 3,
      along(48, 54),
      (down(48, 51) + down(48, 57) + down(54, 51) + down(54, 57)) / 4,
      -(mean_of(at, 17, 21).y + mean_of(at, 22, 26).y) / 2.0,
      along(21, 22),
      (down(20, 17) + down(21, 18) + down(23, 26) + down(22, 25)) / 4,
      (down(37, 41) + down(38, 40) + down(43, 47) + down(44, 46)) / 4,
  };
  return out;
}

Result<std::optional<FaceGeometry>> geometry_of(const Sample& sample) {
  FaceGeometry out;
  std::size_t found = 0;
  for (std::size_t m = 0; m < kGeometryMeasures; ++m) {
    const auto cell = sample.extra.find(std::string(kGeometryColumns[m]));
    if (cell == sample.extra.end() || cell->second.empty()) continue;
    const std::string& text = cell->second;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
      return corrupt(
          fmt::format("{}: {} is '{}' (expected a number)", sample.id, kGeometryColumns[m], text));
    }
    out.values[m] = value;
    ++found;
  }
  if (found == 0) return std::optional<FaceGeometry>();
  if (found == kGeometryMeasures) return std::optional<FaceGeometry>(out);
  return corrupt(fmt::format("{}: has {} of the {} geo_* columns (expected all or none)", sample.id,
                             found, kGeometryMeasures));
}

std::string caption_from_geometry(const FaceGeometry& face, std::string_view id,
                                  std::uint64_t seed) {
  const auto deviations = face.deviations();
  std::vector<std::size_t> told;
  for (std::size_t m = 0; m < kGeometryMeasures; ++m) {
    if (std::abs(deviations[m]) >= kStandsOut) told.push_back(m);
  }
  if (told.empty()) return {};
  std::stable_sort(told.begin(), told.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(deviations[a]) > std::abs(deviations[b]);
  });
  if (told.size() > kMostTold) told.resize(kMostTold);
  Rng rng(seed ^ hash_of(id));
  std::string out;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const bool last = i + 1 == told.size();
    out += i == 0 ? "" : last ? " and " : ", ";
    out += said_of(told[i], deviations[told[i]], rng);
  }
  return fmt::format(fmt::runtime(pick(kShapeFrames, rng)), out);
}

}  // namespace mien::data
