#include "face/boxes_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/file.h"
#include "core/utf8.h"
#include "face/box_check.h"

namespace mien::face {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr float kFarthest = 1e6F;  // pixels; boxes farther away are mistakes

/// Removes one RFC 4180 record from the front of `text`; `lines` counts its lines. False when a
/// quoted field does not end.
bool next_record(std::string_view& text, std::vector<std::string>& fields, std::size_t& lines) {
  fields.assign(1, {});
  lines = 1;
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\n') ++lines;
      if (c != '"') {
        fields.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += text[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  text.remove_prefix(at);
  return !quoted;
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

class BoxesParser {
 public:
  explicit BoxesParser(std::string_view subject) { out_.subject_ = subject; }

  Result<BoxesFile> parse(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::vector<std::string> fields;
    std::size_t lines = 0;
    if (!next_record(text, fields, lines)) return problem("a quoted field does not end");
    MIEN_RETURN_IF_ERROR(read_header(fields));
    line_ += lines;
    while (!text.empty()) {
      if (!next_record(text, fields, lines)) return problem("a quoted field does not end");
      if (fields.size() > 1 || !fields[0].empty()) MIEN_RETURN_IF_ERROR(read_row(fields));
      line_ += lines;
    }
    MIEN_RETURN_IF_ERROR(decide_unit());
    return std::move(out_);
  }

 private:
  enum Column { kPath, kFrame, kX, kY, kW, kH, kColumns };
  static constexpr std::array<std::string_view, kColumns> kNames{"path", "frame", "x",
                                                                 "y",    "w",     "h"};

  Status problem(const std::string& what) const {
    return corrupt(out_.subject_ + ":" + std::to_string(line_) + ": " + what);
  }

  Status read_header(const std::vector<std::string>& fields) {
    width_ = fields.size();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      for (std::size_t c = 0; c < kColumns; ++c) {
        if (fields[i] != kNames[c]) continue;
        if (at_[c] >= 0) return problem("duplicate column '" + fields[i] + "'");
        at_[c] = static_cast<int>(i);
      }
    }
    for (const std::size_t c : {kX, kY, kW, kH}) {
      if (at_[c] < 0) {
        return problem("has no column '" + std::string(kNames[c]) +
                       "' (expected a header with x, y, w, h and path or frame)");
      }
    }
    if (at_[kPath] < 0 && at_[kFrame] < 0) {
      return problem("has no column 'path' or 'frame' (expected one of them)");
    }
    out_.has_path_ = at_[kPath] >= 0;
    return {};
  }

  /// The whole file uses one unit: a share among pixels is a mistake.
  Status decide_unit() {
    if (share_line_ == 0 || pixel_line_ == 0) {
      out_.fractions_ = share_line_ != 0;
      return {};
    }
    line_ = share_line_;
    return problem("box is 1 pixel or less, and the one in line " + std::to_string(pixel_line_) +
                   " is larger (expected pixels in all rows, or shares of the picture, 0 to 1, in "
                   "all)");
  }

  Status read_row(const std::vector<std::string>& fields) {
    if (fields.size() != width_) {
      return problem("has " + std::to_string(fields.size()) + " fields (expected " +
                     std::to_string(width_) + ")");
    }
    const auto field = [&](std::size_t c) -> const std::string& {
      return fields[static_cast<std::size_t>(at_[c])];
    };
    const std::string path = out_.has_path_ ? field(kPath) : std::string();
    if (out_.has_path_ && path.empty()) return problem("path is empty");
    BoxesFile::Row row;
    if (at_[kFrame] >= 0 && !field(kFrame).empty()) {
      std::int64_t frame = 0;
      if (!parse_number(field(kFrame), frame) || frame < 0) {
        return problem("frame is '" + field(kFrame) + "' (expected a number from 0 on)");
      }
      row.frame = frame;
    }
    if (!field(kX).empty() || !field(kY).empty() || !field(kW).empty() || !field(kH).empty()) {
      std::array<float, 4> value{};
      for (std::size_t i = 0; i < 4; ++i) {
        const std::string& text = field(kX + i);
        if (!parse_number(text, value[i]) || !(std::abs(value[i]) <= kFarthest)) {
          return problem(std::string(kNames[kX + i]) + " is '" + text +
                         "' (expected a number of pixels)");
        }
      }
      if (!(value[2] > 0 && value[3] > 0))
        return problem("box is empty (expected w and h above 0)");
      row.box = image::Box{value[0], value[1], value[2], value[3]};
      std::size_t& first = is_fraction(*row.box) ? share_line_ : pixel_line_;
      if (first == 0) first = line_;
    }
    row.line = line_;
    out_.add(path, row);
    return {};
  }

  BoxesFile out_;
  std::array<int, kColumns> at_{-1, -1, -1, -1, -1, -1};
  std::size_t width_ = 0;
  std::size_t line_ = 1;
  std::size_t share_line_ = 0;  // first one with a box that is a share; 0: none
  std::size_t pixel_line_ = 0;  // first one with a box in pixels
};

void BoxesFile::add(const std::string& path, const Row& row) {
  if (!rows_.contains(path)) {
    const auto [entry, added] = path_of_file_name_.try_emplace(std::string(file_name(path)), path);
    if (!added) entry->second.clear();
  }
  rows_[path].push_back(row);
}

Result<BoxesFile> BoxesFile::from(std::span<const GivenBox> boxes) {
  BoxesFile out;
  out.subject_ = "boxes";
  for (const GivenBox& given : boxes) out.has_path_ = out.has_path_ || !given.name.empty();
  std::size_t number = 0;
  for (const GivenBox& given : boxes) {
    const std::string subject = "boxes:" + std::to_string(number);
    if (out.has_path_ && given.name.empty()) {
      return invalid_argument(subject + ": has no name (expected one in all rows, or in none)");
    }
    if (given.frame && *given.frame < 0) {
      return invalid_argument(subject + ": frame is " + std::to_string(*given.frame) +
                              " (expected a number from 0 on)");
    }
    if (given.box) {
      const image::Box& box = *given.box;
      const float farthest = std::max({std::abs(box.x), std::abs(box.y), box.w, box.h});
      if (!(box.w > 0 && box.h > 0 && farthest <= kFarthest) || is_fraction(box)) {
        return invalid_argument(subject + ": box is " + to_text(box) +
                                " (expected x,y,w,h in pixels, w and h above 0)");
      }
    }
    out.add(given.name, {given.frame, given.box, number++});
  }
  return out;
}

Result<BoxesFile> BoxesFile::parse(std::string_view text, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(check_is_utf8_text(text, subject));
  return BoxesParser(subject).parse(text);
}

Result<BoxesFile> BoxesFile::load(const std::filesystem::path& path) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMostBytes));
  return parse(text, path.string());
}

const std::vector<BoxesFile::Row>* BoxesFile::rows_of(const std::string& name) const {
  std::string_view end = has_path_ ? std::string_view(name) : std::string_view();
  for (;;) {
    if (const auto found = rows_.find(end); found != rows_.end()) return &found->second;
    const std::size_t slash = end.find('/');
    if (slash == std::string_view::npos) break;
    end.remove_prefix(slash + 1);
  }
  const auto path = path_of_file_name_.find(file_name(name));
  if (path == path_of_file_name_.end() || path->second.empty()) return nullptr;
  const auto found = rows_.find(path->second);
  return found == rows_.end() ? nullptr : &found->second;
}

Status BoxesFile::no_row(const std::string& name) const {
  constexpr std::size_t kMostNamed = 3;
  std::string named;
  std::size_t count = 0;
  for (const auto& [path, rows] : rows_) {
    if (count++ < kMostNamed) named += (named.empty() ? "" : ", ") + path;
  }
  if (count == 0) named = "none";
  if (count > kMostNamed) named += ", ...";
  const std::string expected = "expected one; empty x, y, w, h mean no face; ";
  if (fractions_) {
    return not_found(subject_ + ": boxes are shares of the picture, x, y, w, h from 0 to 1, and " +
                     "no row is for " + name + " (" + expected + "rows are for " + named + ')');
  }
  return not_found(name + ": no row in " + subject_ + " (" + expected + "rows are for " + named +
                   ')');
}

Result<std::vector<image::Box>> BoxesFile::find(const std::string& name,
                                                std::optional<std::int64_t> frame, int width,
                                                int height) const {
  const std::vector<Row>* rows = rows_of(name);
  if (rows == nullptr) {
    return no_row(name);
  }
  std::vector<image::Box> out;
  for (const Row& row : *rows) {
    const bool wanted = !frame || !row.frame || *row.frame == *frame;
    if (!wanted || !row.box) continue;
    out.push_back(fractions_ ? from_fraction(*row.box, width, height) : *row.box);
    MIEN_RETURN_IF_ERROR(check_inside(out.back(), width, height,
                                      subject_ + ":" + std::to_string(row.line) + ": box"));
  }
  return out;
}

}  // namespace mien::face
