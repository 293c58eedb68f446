#include "serve/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace mien::serve {
namespace {

using Type = Parameter::Type;
constexpr unsigned kPictures = kPredict | kEmbed | kDetect;

const std::vector<Parameter>& table() {
  static const std::vector<Parameter> rows = {
      {"bundle", kPredict | kEmbed | kVideos | kLive | kLabels, Type::kString,
       "a name from `/v1/models`", "which bundle answers (default: the first)"},
      {"labels", kPredict | kVideos | kLive, Type::kWords,
       "words as for `--labels`; in JSON also an array of words",
       "labels to choose from (default: those of the server)"},
      {"unknown", kPredict | kVideos | kLive, Type::kString, "`off`, `auto`, or a number",
       "when to answer \"unknown\" (default: `auto`)"},
      {"top", kPredict | kVideos | kLive, Type::kInteger, "0 to 1000",
       "number of labels per face (default: 0, all of them)", 0, 1000},
      {"explain", kPredict | kVideos | kLive, Type::kBoolean, "`true`, `false`",
       "add `reasons`: how well each description fits"},
      {"embedding", kPredict, Type::kBoolean, "`true`, `false`", "add the embedding of each face"},
      {"views", kPredict | kEmbed, Type::kInteger, "1, 2, 4",
       "number of views of a face to average (default: that of the server)", 1, 4},
      {"face",
       kPictures | kVideos | kLive,
       Type::kString,
       "`auto`, `hog`, `whole`",
       "how to find faces (default: `auto`)",
       0,
       0,
       {"auto", "hog", "whole"}},
      {"boxes", kPictures, Type::kBoxes,
       "`x,y,w,h`, several separated by `;`; in JSON also an array of arrays",
       "faces, instead of a search"},
      {"single", kPictures | kVideos | kLive, Type::kBoolean, "`true`, `false`",
       "only the largest face"},
      {"min_face", kPictures | kVideos | kLive, Type::kNumber, "10 to 4000",
       "smallest face to search for, in pixels", 10, 4000},
      {"smooth", kVideos | kLive, Type::kNumber, "0 to 60",
       "seconds over which answers are smoothed (default: 0.5)", 0, 60},
      {"every", kVideos, Type::kInteger, "1 to 100000", "analyse every n-th frame", 1, 100000},
      {"max_fps", kVideos, Type::kNumber, "0 to 1000", "most frames to analyse per second (0: all)",
       0, 1000},
      {"name", kPictures | kVideos, Type::kString, "at most 200 bytes",
       "`input` in the answer (default: `picture`, `clip`)"},
      {"format",
       kResult,
       Type::kString,
       "`json`, `csv`, `srt`, `vtt`, `eaf`, `html`, `openface`",
       "form of the result (default: `json`)",
       0,
       0,
       {"json", "csv", "srt", "vtt", "eaf", "html", "openface"}},
  };
  return rows;
}

Result<double> read_number(const Parameter& row, std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !(value >= row.least && value <= row.most) ||
      (row.type == Type::kInteger && value != std::floor(value))) {
    return invalid_argument(
        fmt::format("{}: invalid value '{}' (expected {})", row.name, text, row.values));
  }
  return value;
}

Result<bool> read_boolean(const Parameter& row, std::string_view text) {
  if (text == "true" || text == "1" || text.empty()) return true;
  if (text == "false" || text == "0") return false;
  return invalid_argument(
      fmt::format("{}: invalid value '{}' (expected true or false)", row.name, text));
}

Result<std::vector<image::Box>> read_boxes(std::string_view text) {
  std::vector<image::Box> out;
  while (!text.empty()) {
    std::string_view one = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if (out.size() == kMostBoxes) {
      return resource_limit(fmt::format("boxes: too many (expected at most {})", kMostBoxes));
    }
    std::array<float, 4> v{};
    bool good = true;
    for (std::size_t i = 0; i < v.size() && good; ++i) {
      const std::string_view number = one.substr(0, i + 1 < v.size() ? one.find(',') : one.size());
      one.remove_prefix(std::min(one.size(), number.size() + 1));
      const char* const end = number.data() + number.size();
      const auto [stop, error] = std::from_chars(number.data(), end, v[i]);
      good = error == std::errc() && stop == end && std::abs(v[i]) <= 1e6F;
    }
    if (!good || !(v[2] > 0 && v[3] > 0)) {
      return invalid_argument(
          "boxes: invalid box (expected x,y,w,h in pixels with w and h above 0)");
    }
    out.push_back({v[0], v[1], v[2], v[3]});
  }
  if (out.empty()) return invalid_argument("boxes: empty (expected x,y,w,h)");
  return out;
}

// The text form of a JSON value, so that both forms are read in one place.
Result<std::string> as_text(const Parameter& row, const Json& value) {
  if (value.is_string()) return value.as_string();
  const bool number =
      row.type == Type::kInteger || row.type == Type::kNumber || row.name == "unknown";
  if (value.is_number() && number) return value.dump();
  if (value.is_bool() && row.type == Type::kBoolean) return value.dump();
  std::string out;
  if (value.is_array() && row.type == Type::kWords) {
    for (const Json& word : value.as_array()) {
      if (!word.is_string() || word.as_string().find('"') != std::string::npos) {
        return invalid_argument("labels: invalid array (expected words without double quotes)");
      }
      out += fmt::format("{}\"{}\"", out.empty() ? "" : ",", word.as_string());
    }
    return out;
  }
  if (value.is_array() && row.type == Type::kBoxes) {
    for (const Json& box : value.as_array()) {
      if (!box.is_array() || box.size() != 4) {
        return invalid_argument("boxes: invalid array (expected [[x, y, w, h], ...])");
      }
      for (std::size_t i = 0; i < 4; ++i) {
        if (!box.as_array()[i].is_number()) {
          return invalid_argument("boxes: invalid array (expected numbers)");
        }
        out += fmt::format("{}{}", i > 0 ? "," : out.empty() ? "" : ";", box.as_array()[i].dump());
      }
    }
    return out;
  }
  return invalid_argument(
      fmt::format("{}: value of a wrong type (expected {})", row.name, row.values));
}

Status set_number(const Parameter& row, std::string_view value, Ask& ask) {
  MIEN_ASSIGN_OR_RETURN(const double number, read_number(row, value));
  if (row.name == "top") ask.top = static_cast<int>(number);
  if (row.name == "every") ask.every = static_cast<int>(number);
  if (row.name == "min_face") ask.min_face = static_cast<float>(number);
  if (row.name == "smooth") ask.smooth = number;
  if (row.name == "max_fps") ask.max_fps = number;
  if (row.name == "views") {
    ask.views = static_cast<int>(number);
    if (ask.views == 3) return invalid_argument("views: invalid value '3' (expected 1, 2, 4)");
  }
  return {};
}

Status set_boolean(const Parameter& row, std::string_view value, Ask& ask) {
  MIEN_ASSIGN_OR_RETURN(const bool on, read_boolean(row, value));
  if (row.name == "explain") ask.explain = on;
  if (row.name == "embedding") ask.embedding = on;
  if (row.name == "single") ask.single = on;
  return {};
}

Status set_string(const Parameter& row, std::string_view value, Ask& ask) {
  if (!row.choices.empty() &&
      std::find(row.choices.begin(), row.choices.end(), value) == row.choices.end()) {
    return invalid_argument(fmt::format("{}: invalid value '{}' (expected {})", row.name, value,
                                        fmt::join(row.choices.begin(), row.choices.end(), ", ")));
  }
  if (value.size() > kMostNameBytes) {
    return resource_limit(fmt::format("{}: too long (expected at most {} bytes, got {})", row.name,
                                      kMostNameBytes, value.size()));
  }
  if (row.name == "unknown") {
    auto choice = engine::parse_unknown_choice(value);
    if (!choice.ok()) return choice.status().with_prefix("unknown");
    ask.unknown = *choice;
  }
  if (row.name == "face") {
    MIEN_ASSIGN_OR_RETURN(ask.face, face::parse_mode(value));
  }
  if (row.name == "bundle") ask.bundle = value;
  if (row.name == "name") ask.name = value;
  if (row.name == "format") ask.format = value;
  return {};
}

}  // namespace

std::span<const Parameter> parameters() { return table(); }

std::string end_point_names(unsigned of) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "predict", "embed", "detect", "videos", "live", "labels", "result"};
  std::string out;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if ((of >> i & 1U) != 0) out += (out.empty() ? "" : ", ") + std::string(kNames[i]);
  }
  return out;
}

Status AskReader::set(std::string_view name, std::string_view value) {
  const auto row = std::find_if(table().begin(), table().end(), [&](const Parameter& each) {
    return each.name == name && (each.of & of_) != 0;
  });
  if (row == table().end()) {
    std::string known;
    for (const Parameter& each : table()) {
      if ((each.of & of_) != 0) known += (known.empty() ? "" : ", ") + std::string(each.name);
    }
    return invalid_argument(fmt::format("{}: unknown parameter (expected {})", name.substr(0, 50),
                                        known.empty() ? "none" : known));
  }
  if (!seen_.insert(std::string(name)).second) {
    return invalid_argument(fmt::format("{}: given twice", name));
  }
  switch (row->type) {
    case Type::kInteger:
    case Type::kNumber: return set_number(*row, value, ask_);
    case Type::kBoolean: return set_boolean(*row, value, ask_);
    case Type::kString: return set_string(*row, value, ask_);
    case Type::kBoxes: {
      MIEN_ASSIGN_OR_RETURN(ask_.boxes, read_boxes(value));
      return {};
    }
    case Type::kWords: break;
  }
  if (value.size() > kMostLabelBytes) {
    return resource_limit(fmt::format("labels: too long (expected at most {} bytes, got {})",
                                      kMostLabelBytes, value.size()));
  }
  ask_.labels = value.empty() ? std::optional<std::string>() : std::string(value);
  return {};
}

Status AskReader::set_json(std::string_view name, const Json& value) {
  for (const Parameter& row : table()) {
    if (row.name != name || (row.of & of_) == 0) continue;
    MIEN_ASSIGN_OR_RETURN(const std::string text, as_text(row, value));
    return set(name, text);
  }
  return set(name, std::string_view());
}

Result<text::LabelSet> read_labels(std::string_view words) {
  Limits limits;
  limits.max_labels = kMostLabels;
  MIEN_ASSIGN_OR_RETURN(text::LabelSet out, text::parse_labels(words, limits));
  if (out.labels.size() > kMostLabels) {
    return resource_limit(fmt::format("labels: too many (expected at most {}, got {})", kMostLabels,
                                      out.labels.size()));
  }
  for (const text::Label& label : out.labels) {
    if (label.name.size() <= kMostBytesPerLabel) continue;
    return resource_limit(fmt::format("labels: '{}...' is too long (expected at most {} bytes)",
                                      label.name.substr(0, 20), kMostBytesPerLabel));
  }
  return out;
}

}  // namespace mien::serve
