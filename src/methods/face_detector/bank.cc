#include "methods/face_detector/bank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/embedding_cache.h"
#include "engine/detectors/pyramid.h"
#include "image/resize.h"
#include "methods/kit/below_data.h"
#include "mien/core/check.h"

namespace mien::methods {
namespace {

constexpr double kTeacherOverlap = 0.3;
constexpr float kFaceInCrop = 0.6F;    // surely a face
constexpr float kSecondInCrop = 0.3F;  // perhaps another one
constexpr int kCropSide = 192;         // of a crop as the teacher sees it
constexpr int kCropBorder = 32;
constexpr std::int64_t kAnswerWidth = 16;  // 1 or 0, score, box, points

// The crop in the middle of a square of its mean colour.
image::Image with_border(image::ImageView crop, int width, int height) {
  const image::Image sized = image::resize_u8(crop, width, height, image::Filter::kBilinear);
  std::array<std::uint64_t, 3> sum{};
  for (std::size_t i = 0; i < sized.pixels().size(); ++i) sum[i % 3] += sized.pixels()[i];
  image::Image out(kCropSide + 2 * kCropBorder, kCropSide + 2 * kCropBorder);
  const auto pixels = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
  for (std::size_t i = 0; i < out.pixels().size(); ++i) {
    out.pixels()[i] = static_cast<std::uint8_t>(sum[i % 3] / pixels);
  }
  const int left = (out.width() - width) / 2, top = (out.height() - height) / 2;
  for (int y = 0; y < height; ++y) {
    std::copy_n(sized.row(y), 3 * width, out.row(top + y) + 3 * left);
  }
  return out;
}

void to_row(const std::optional<face::Detection>& found, std::span<float> row) {
  std::fill(row.begin(), row.end(), 0.0F);
  if (!found) return;
  row[0] = 1;
  row[1] = found->score;
  row[2] = found->box.x;
  row[3] = found->box.y;
  row[4] = found->box.w;
  row[5] = found->box.h;
  for (std::size_t i = 0; i < 5; ++i) {
    row[6 + 2 * i] = (*found->points)[i].x;
    row[7 + 2 * i] = (*found->points)[i].y;
  }
}

std::optional<face::Detection> from_row(std::span<const float> row) {
  if (row[0] == 0) return std::nullopt;
  face::Detection out{.box = {row[2], row[3], row[4], row[5]}, .score = row[1]};
  out.points.emplace();
  for (std::size_t i = 0; i < 5; ++i) (*out.points)[i] = {row[6 + 2 * i], row[7 + 2 * i]};
  return out;
}

// What the teacher sees in each crop, from the cache where it was asked before.
Result<std::shared_ptr<const data::EmbeddingCache>> answers_of(
    const std::vector<StoredPicture>& crops, const std::string& manifest,
    const engine::DetectorBundle& teacher, const MethodContext& context) {
  data::EmbeddingCacheOptions cache;
  cache.folder = context.cache;
  cache.key = fmt::format("face-detector 1 {} {} {}", manifest, crops.size(),
                          teacher.info().to_json().dump());
  for (const StoredPicture& crop : crops) cache.key += "\n" + crop.name;
  cache.rows = static_cast<std::int64_t>(crops.size());
  cache.width = kAnswerWidth;
  cache.rows_per_file = 1024;
  cache.cancel = context.cancel;
  cache.progress = [&](std::int64_t done) {
    if (context.progress) context.progress("faces of " + manifest, done, cache.rows);
  };
  return data::EmbeddingCache::open(
      cache, [&](std::int64_t first, std::int64_t count, std::span<float> out) -> Status {
        for (std::int64_t i = 0; i < count; ++i) {
          const auto picture = crops[static_cast<std::size_t>(first + i)].read();
          to_row(picture.ok() ? only_face(teacher, *picture) : std::nullopt,
                 out.subspan(static_cast<std::size_t>(i * kAnswerWidth), kAnswerWidth));
        }
        return {};
      });
}

}  // namespace

std::vector<face::Detection> ask_teacher(const engine::DetectorBundle& teacher,
                                         image::ImageView picture, float least) {
  engine::PyramidScratch scratch;
  std::vector<face::Detection> candidates;
  for (const engine::PyramidMap& map : teacher.network().run(picture, scratch)) {
    for (std::int64_t y = 0; y < map.height; ++y) {
      for (std::int64_t x = 0; x < map.width; ++x) {
        if (const auto found = engine::face_at(map, x, y, least)) candidates.push_back(*found);
      }
    }
  }
  return engine::without_overlaps(candidates, kTeacherOverlap);
}

std::optional<face::Detection> only_face(const engine::DetectorBundle& teacher,
                                         image::ImageView crop) {
  if (crop.empty()) return std::nullopt;
  const float scale =
      static_cast<float>(kCropSide) / static_cast<float>(std::max(crop.width, crop.height));
  const auto sized = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(static_cast<float>(side) * scale)));
  };
  const int width = sized(crop.width), height = sized(crop.height);
  const image::Image seen = with_border(crop, width, height);
  auto found = ask_teacher(teacher, seen, kSecondInCrop);
  if (found.size() != 1 || found.front().score < kFaceInCrop) return std::nullopt;
  face::Detection out = found.front();
  face::shift(out, -static_cast<float>((seen.width() - width) / 2),
              -static_cast<float>((seen.height() - height) / 2));
  const float x = static_cast<float>(crop.width) / static_cast<float>(width);
  const float y = static_cast<float>(crop.height) / static_cast<float>(height);
  out.box = {out.box.x * x, out.box.y * y, out.box.w * x, out.box.h * y};
  for (image::Point& point : *out.points) point = {point.x * x, point.y * y};
  return out;
}

Result<std::shared_ptr<const FaceBank>> FaceBank::open(const FaceDataOptions& options,
                                                       const engine::DetectorBundle& teacher,
                                                       const MethodContext& context) {
  const auto out = std::make_shared<FaceBank>();
  for (std::size_t i = 0; i < options.crops.size(); ++i) {
    MIEN_ASSIGN_OR_RETURN(const auto crops, list_crops(below_data(context.data, options.crops[i]),
                                                       options.crop_limit));
    MIEN_ASSIGN_OR_RETURN(const auto answers,
                          answers_of(crops, options.crops[i], teacher, context));
    Set set{.share = options.crop_shares.empty() ? 1 : options.crop_shares[i], .faces = {}};
    std::array<float, kAnswerWidth> row{};
    for (std::size_t c = 0; c < crops.size(); ++c) {
      answers->copy_row(static_cast<std::int64_t>(c), row);
      const auto found = from_row(row);
      if (!found) continue;
      set.faces[validates(crops[c], options.val_part) ? 1 : 0].push_back({crops[c], *found});
    }
    for (std::size_t part = 0; part < 2; ++part) {
      if (!set.faces[part].empty() || set.share == 0) continue;
      return invalid_argument(
          fmt::format("{}: the teacher finds no face in the {} part of {} pictures",
                      options.crops[i], part == 0 ? "training" : "validation", crops.size()));
    }
    out->sets_.push_back(std::move(set));
  }
  return std::shared_ptr<const FaceBank>(out);
}

std::shared_ptr<const FaceBank> FaceBank::of(std::vector<Face> training,
                                             std::vector<Face> validation) {
  MIEN_CHECK(!training.empty() && !validation.empty());
  const auto out = std::make_shared<FaceBank>();
  out->sets_.push_back({.share = 1, .faces = {std::move(training), std::move(validation)}});
  return out;
}

const FaceBank::Face& FaceBank::draw(bool validation, Rng& rng) const {
  int sum = 0;
  for (const Set& set : sets_) sum += set.share;
  int left = static_cast<int>(rng.below(static_cast<std::uint64_t>(sum)));
  std::size_t at = 0;
  while (left >= sets_[at].share) left -= sets_[at++].share;
  const std::vector<Face>& faces = sets_[at].faces[validation ? 1 : 0];
  return faces[rng.below(faces.size())];
}

std::size_t FaceBank::size(bool validation) const {
  std::size_t out = 0;
  for (const Set& set : sets_) out += set.faces[validation ? 1 : 0].size();
  return out;
}

}  // namespace mien::methods
