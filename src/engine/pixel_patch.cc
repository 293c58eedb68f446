#include "engine/pixel_patch.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/architecture_parts.h"
#include "engine/expression_place.h"
#include "engine/towers/table.h"
#include "engine/transformer.h"
#include "mien/core/check.h"

namespace mien::engine {
namespace {

constexpr const char* kPatch = "prompt.patch";
constexpr const char* kTexts = "prompt.texts";
constexpr const char* kClassifier = "prompt.classifier";
constexpr const char* kScale = "prompt.scale";
constexpr int kMaxPromptLabels = 4096;

Result<int> read_place(const Json& json, std::string_view key, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::int64_t value, json_integer(json, key, subject));
  if (value < 0 || value > kMaxImage) {
    return corrupt(
        fmt::format("{}: '{}' is {} (expected 0 to {})", subject, key, value, kMaxImage));
  }
  return static_cast<int>(value);
}

// Channels of what the first layer of a tower makes; 0: nothing that a patch could be placed by.
std::int64_t map_channels(const ImageTower& image) {
  return with_kind(image, [](const auto& kind, const auto& sizes) -> std::int64_t {
    return kind.map_channels == nullptr ? 0 : kind.map_channels(sizes);
  });
}

// The row of `table` with the largest product with `row`.
std::size_t best_row(std::span<const float> table, std::span<const float> row) {
  std::size_t best = 0;
  double most = 0;
  for (std::size_t r = 0; r * row.size() < table.size(); ++r) {
    double product = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      product += static_cast<double>(table[r * row.size() + i]) * static_cast<double>(row[i]);
    }
    if (r == 0 || product > most) {
      best = r;
      most = product;
    }
  }
  return best;
}

}  // namespace

Result<PixelPrompt> parse_prompt(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, {"size", "row", "col", "labels"}, subject));
  PixelPrompt out;
  MIEN_ASSIGN_OR_RETURN(out.size, read_size(json, "size", kMaxImage, subject));
  if (json.find("labels") != nullptr) {
    MIEN_ASSIGN_OR_RETURN(out.labels, read_size(json, "labels", kMaxPromptLabels, subject));
    if (json.find("row") == nullptr && json.find("col") == nullptr) return out;
    return corrupt(fmt::format("{}: has a place and labels (expected one of them)", subject));
  }
  MIEN_ASSIGN_OR_RETURN(out.row, read_place(json, "row", subject));
  MIEN_ASSIGN_OR_RETURN(out.col, read_place(json, "col", subject));
  return out;
}

Json prompt_json(const PixelPrompt& prompt) {
  if (prompt.labels > 0) return Json::Object{{"size", prompt.size}, {"labels", prompt.labels}};
  return Json::Object{{"size", prompt.size}, {"row", prompt.row}, {"col", prompt.col}};
}

Status check_prompt(const PixelPrompt& prompt, const ImageTower& image, std::string_view subject) {
  const int side = image_size_of(image);
  if (prompt.labels > 0 && map_channels(image) == 0) {
    return unsupported(fmt::format(
        "{}: is placed by the picture (expected an image tower whose first layer makes a map)",
        subject));
  }
  const bool inside = prompt.size >= 1 && prompt.row >= 0 && prompt.col >= 0 &&
                      prompt.labels >= 0 && prompt.row + prompt.size <= side &&
                      prompt.col + prompt.size <= side;
  if (inside) return {};
  return corrupt(
      fmt::format("{}: {} pixels from row {}, column {} (expected a square inside {}x{})", subject,
                  prompt.size, prompt.row, prompt.col, side, side));
}

void add_prompt(std::vector<ExpectedTensor>& out, const Architecture& architecture) {
  if (!architecture.prompt) return;
  const PixelPrompt& prompt = *architecture.prompt;
  out.push_back({kPatch, {3, prompt.size, prompt.size}});
  if (prompt.labels == 0) return;
  out.push_back({kTexts, {prompt.labels, architecture.embed}});
  out.push_back({kClassifier, {prompt.labels, map_channels(architecture.image)}});
  out.push_back({kScale, {2, 3}});
}

Result<std::unique_ptr<const PixelPatch>> PixelPatch::load(const checkpoint::Checkpoint& weights,
                                                           const Architecture& architecture) {
  MIEN_CHECK(architecture.prompt.has_value());
  std::unique_ptr<PixelPatch> out(new PixelPatch());
  out->prompt_ = *architecture.prompt;
  out->side_ = architecture.image_size();
  out->embed_ = architecture.embed;
  out->channels_ = map_channels(architecture.image);
  MIEN_ASSIGN_OR_RETURN(out->patch_, load_vector(weights, kPatch));
  if (out->prompt_.labels > 0) {
    MIEN_ASSIGN_OR_RETURN(out->texts_, load_vector(weights, kTexts));
    MIEN_ASSIGN_OR_RETURN(out->classifier_, load_vector(weights, kClassifier));
    MIEN_ASSIGN_OR_RETURN(out->scale_, load_vector(weights, kScale));
  }
  return std::unique_ptr<const PixelPatch>(std::move(out));
}

Result<std::vector<PromptPlace>> PixelPatch::places(const ImageEncoder::Impl& tower,
                                                    const float* pixels, std::int64_t count,
                                                    Session::Impl& session) const {
  const std::int64_t area = side_ * side_, each = 3 * area;
  std::vector<PromptPlace> out;
  std::vector<float> row(static_cast<std::size_t>(embed_));
  std::vector<float> raw(static_cast<std::size_t>(each)), map;
  for (std::int64_t n = 0; n < count; ++n) {
    const float* picture = pixels + n * each;
    MIEN_RETURN_IF_ERROR(tower.encode_pass(picture, 1, row.data(), session));
    for (std::int64_t i = 0; i < each; ++i) {
      const auto c = static_cast<std::size_t>(i / area);
      raw[static_cast<std::size_t>(i)] = picture[i] * scale_[3 + c] + scale_[c];
    }
    MIEN_RETURN_IF_ERROR(tower.first_map(raw.data(), map, session));
    const auto channels = static_cast<std::size_t>(channels_);
    const float* weights = classifier_.data() + best_row(texts_, row) * channels;
    std::vector<float> activation(map.size() / channels);
    for (std::size_t i = 0; i < activation.size(); ++i) {
      for (std::size_t c = 0; c < channels; ++c)
        activation[i] += weights[c] * map[i * channels + c];
    }
    std::int64_t grid = 1;
    while (grid * grid < static_cast<std::int64_t>(activation.size())) ++grid;
    const PromptPlace centre = expression_place(activation, grid, side_, prompt_.size);
    const auto corner = [&](std::int64_t at) {
      return std::clamp<std::int64_t>(at - prompt_.size / 2, 0, side_ - prompt_.size);
    };
    out.push_back({corner(centre.row), corner(centre.col)});
  }
  return out;
}

const float* PixelPatch::add(const float* pixels, std::int64_t count,
                             std::span<const PromptPlace> places, Session::Impl& session) const {
  const auto side = static_cast<std::size_t>(side_);
  const auto size = static_cast<std::size_t>(prompt_.size);
  const std::size_t all = static_cast<std::size_t>(count) * 3 * side * side;
  float* changed = session.prompted.reserve_as<float>(all);
  std::copy_n(pixels, all, changed);
  for (std::size_t plane = 0; plane < 3 * static_cast<std::size_t>(count); ++plane) {
    const PromptPlace at =
        places.empty() ? PromptPlace{prompt_.row, prompt_.col} : places[plane / 3];
    MIEN_CHECK(at.row >= 0 && at.col >= 0 && at.row + prompt_.size <= side_ &&
               at.col + prompt_.size <= side_);
    const float* from = patch_.data() + (plane % 3) * size * size;
    float* to = changed + plane * side * side + static_cast<std::size_t>(at.row) * side +
                static_cast<std::size_t>(at.col);
    for (std::size_t y = 0; y < size; ++y) {
      for (std::size_t x = 0; x < size; ++x) to[y * side + x] += from[y * size + x];
    }
  }
  return changed;
}

}  // namespace mien::engine
