#include "data/pixel_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "data/dataset_files.h"

namespace mien::data {
namespace {

constexpr std::size_t kSide = 48;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\"";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<std::array<std::size_t, 3>> find_columns(const std::vector<std::string_view>& header,
                                                std::string_view subject) {
  constexpr std::array<std::string_view, 3> kNames = {"emotion", "pixels", "Usage"};
  std::array<std::size_t, 3> out{};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto it = std::find_if(header.begin(), header.end(),
                                 [&](std::string_view name) { return trim(name) == kNames[i]; });
    if (it == header.end()) {
      return corrupt(fmt::format("{}:1: has no column '{}' (columns: {})", subject, kNames[i],
                                 fmt::join(header, ", ")));
    }
    out[i] = static_cast<std::size_t>(it - header.begin());
  }
  return out;
}

}  // namespace

Result<PixelRows> PixelRows::open(const std::filesystem::path& path) {
  const std::string subject = path.generic_string();
  PixelRows out;
  MIEN_ASSIGN_OR_RETURN(out.file, MappedFile::open(path));
  const auto bytes = out.file->bytes();
  const auto lines = split_lines({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (lines.empty()) return corrupt(fmt::format("{}: is empty (expected a header line)", subject));
  const auto header = split_fields(lines.front().second, ',');
  MIEN_ASSIGN_OR_RETURN(const auto columns, find_columns(header, subject));
  out.rows.reserve(lines.size() - 1);
  for (auto it = lines.begin() + 1; it != lines.end(); ++it) {
    const auto cells = split_fields(it->second, ',');
    if (cells.size() != header.size()) {
      return corrupt(fmt::format("{}:{}: has {} cells (expected {}, one per column)", subject,
                                 it->first, cells.size(), header.size()));
    }
    out.rows.push_back({.line = it->first,
                        .emotion = trim(cells[columns[0]]),
                        .usage = trim(cells[columns[2]]),
                        .pixels = trim(cells[columns[1]])});
  }
  return out;
}

std::string PixelStore::name_of(std::size_t row) { return fmt::format("fer{:07}.pgm", row); }

Result<std::vector<std::byte>> PixelStore::read(std::string_view name) const {
  if (!contains(name)) return not_found(fmt::format("{}: has no picture '{}'", subject_, name));
  std::size_t row = 0;
  std::from_chars(name.data() + 3, name.data() + name.size(), row);
  std::string_view text = rows_.rows[row].pixels;
  std::string out = fmt::format("P5\n{0} {0}\n255\n", kSide);
  std::size_t count = 0;
  const auto problem = [&](std::string_view what) {
    return corrupt(fmt::format("{}:{}: {} (expected {} numbers from 0 to 255)", subject_,
                               rows_.rows[row].line, what, kSide * kSide));
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    unsigned value = 256;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value);
    if (error != std::errc() || stop != text.data() + end || value > 255) {
      return problem(
          fmt::format("pixel {} is '{}'", count, text.substr(0, std::min<std::size_t>(end, 20))));
    }
    out += static_cast<char>(value);
    if (++count > kSide * kSide) return problem("has more pixels");
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  if (count != kSide * kSide) return problem(fmt::format("has {} pixels", count));
  const auto* data = reinterpret_cast<const std::byte*>(out.data());
  return std::vector<std::byte>(data, data + out.size());
}

bool PixelStore::contains(std::string_view name) const {
  if (name.size() < 8) return false;
  std::size_t row = 0;
  const auto [end, error] = std::from_chars(name.data() + 3, name.data() + name.size(), row);
  return error == std::errc() && row < rows_.rows.size() && name == name_of(row);
}

Result<std::vector<std::string>> PixelStore::list(std::string_view) const {
  return std::vector<std::string>();
}
Result<std::vector<std::string>> PixelStore::list_folders(std::string_view) const {
  return std::vector<std::string>();
}

Result<std::string> split_of_usage(std::string_view usage, std::string_view where) {
  if (usage == "Training") return std::string("train");
  if (usage == "PublicTest") return std::string("val");
  if (usage == "PrivateTest") return std::string("test");
  return corrupt(
      fmt::format("{}: Usage '{}' (expected Training, PublicTest or PrivateTest)", where, usage));
}

}  // namespace mien::data
