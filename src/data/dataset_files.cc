#include "data/dataset_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "data/store.h"
#include "mien/text/prompts.h"

namespace mien::data {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_picture(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kEndings = {".jpg", ".jpeg", ".png", ".bmp",
                                                               ".webp"};
  const std::size_t slash = name.rfind('/');
  if (name.substr(slash == std::string_view::npos ? 0 : slash + 1).starts_with('.')) return false;
  const std::string small = lower(name);
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return small.ends_with(ending); });
}

}  // namespace

Result<DatasetFiles> DatasetFiles::open(const fs::path& path, const Limits& limits) {
  DatasetFiles out;
  out.limits_ = limits;
  out.folder_ = path;
  std::error_code error;
  if (fs::is_regular_file(path, error) && path.extension() != ".tar") {
    out.folder_ = path.has_parent_path() ? path.parent_path() : fs::path(".");
    out.only_file_ = path.filename().string();
  }
  MIEN_ASSIGN_OR_RETURN(out.store_, Store::open(out.folder_, limits));
  return out;
}

std::string DatasetFiles::subject(std::string_view name) const {
  return (folder_ / name).generic_string();
}

Result<std::string> DatasetFiles::first_file(const std::vector<std::string>& names) const {
  if (!only_file_.empty()) return only_file_;
  for (const std::string& name : names) {
    if (store_->contains(name)) return name;
  }
  return not_found(fmt::format("{}: has no annotation file (expected {})", folder_.generic_string(),
                               fmt::join(names, " or ")));
}

Result<std::optional<std::string>> DatasetFiles::find_folder(
    const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    MIEN_ASSIGN_OR_RETURN(const auto folders, store_->list_folders(name));
    if (!folders.empty()) return std::optional(name);
    MIEN_ASSIGN_OR_RETURN(const auto files, store_->list(name));
    if (!files.empty()) return std::optional(name);
  }
  return std::optional<std::string>();
}

Result<std::string> DatasetFiles::picture_folder(const DatasetOptions& options,
                                                 const std::vector<std::string>& names) const {
  const std::vector<std::string> tried =
      options.pictures.empty() ? names : std::vector<std::string>{options.pictures};
  MIEN_ASSIGN_OR_RETURN(const auto found, find_folder(tried));
  if (found) return *found;
  return not_found(fmt::format("{}: has no pictures (expected a folder {})",
                               folder_.generic_string(), fmt::join(tried, " or ")));
}

Result<std::string> DatasetFiles::text(const std::string& name) const {
  MIEN_ASSIGN_OR_RETURN(const auto bytes, store_->read(name));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<CsvTable> DatasetFiles::csv(const std::string& name) const {
  MIEN_ASSIGN_OR_RETURN(const std::string content, text(name));
  return parse_csv(content, subject(name), limits_);
}

Result<std::vector<std::string>> DatasetFiles::pictures(const std::string& folder) const {
  MIEN_ASSIGN_OR_RETURN(std::vector<std::string> out, store_->list(folder));
  std::erase_if(out, [](const std::string& name) { return !is_picture(name); });
  return out;
}

Status SampleSink::missing(std::string message) {
  if (!options_.allow_missing) return corrupt(std::move(message));
  out_.missing.push_back(std::move(message));
  return {};
}

Status SampleSink::add_clip(Sample sample, const std::string& folder, std::int64_t listed,
                            std::string_view where) {
  MIEN_ASSIGN_OR_RETURN(sample.frames, files_.pictures(folder));
  if (sample.frames.empty()) {
    return missing(
        fmt::format("{}: folder '{}' has no pictures (expected the frames)", where, folder));
  }
  if (listed > 0) {
    sample.extra["frames"] = fmt::format("{}", listed);
    if (listed != static_cast<std::int64_t>(sample.frames.size())) ++other_counts_;
  }
  out_.samples.push_back(std::move(sample));
  return {};
}

Status SampleSink::add_picture(Sample sample, const std::string& file, std::string_view where) {
  if (!files_.store()->contains(file)) {
    return missing(fmt::format("{}: picture '{}' is missing", where, file));
  }
  sample.frames = {file};
  out_.samples.push_back(std::move(sample));
  return {};
}

void SampleSink::finish() {
  if (other_counts_ == 0) return;
  out_.notes.push_back(
      fmt::format("{} clips have another number of frames than their list says", other_counts_));
}

Result<std::vector<ClipLine>> parse_clip_list(std::string_view text, std::string_view subject,
                                              std::size_t classes) {
  std::vector<ClipLine> out;
  for (const auto& [line, content] : split_lines(text)) {
    std::vector<std::string_view> fields = split_fields(content, ' ');
    ClipLine item{.line = line};
    if (fields.size() > 3 && !parse_integer(fields.back())) {
      item.name = fields.back();
      fields.pop_back();
    }
    const auto frames = fields.size() < 3 ? std::nullopt : parse_integer(fields[fields.size() - 2]);
    if (!frames || *frames < 0) {
      return corrupt(fmt::format(
          "{}:{}: '{}' (expected a folder, the number of frames and a label, with one space "
          "between)",
          subject, line, content));
    }
    item.frames = *frames;
    MIEN_ASSIGN_OR_RETURN(item.label, parse_label(fields.back(), 0, static_cast<int>(classes) - 1,
                                                  fmt::format("{}:{}", subject, line)));
    // Folder names in the lists may have spaces.
    const auto tail = fields[fields.size() - 2].data() - content.data() - 1;
    item.path = content.substr(0, static_cast<std::size_t>(tail));
    out.push_back(std::move(item));
  }
  if (out.empty()) return corrupt(fmt::format("{}: has no line (expected clips)", subject));
  return out;
}

std::string path_tail(std::string_view path, std::size_t count) {
  std::string whole(path);
  std::replace(whole.begin(), whole.end(), '\\', '/');
  while (whole.ends_with('/')) whole.pop_back();
  std::size_t at = whole.size();
  for (; count > 0; --count) {
    at = at == 0 ? std::string::npos : whole.rfind('/', at - 1);
    if (at == std::string::npos) return whole;
  }
  return whole.substr(at + 1);
}

std::vector<std::string_view> split_fields(std::string_view line, char separator) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = line.find(separator);
    out.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return out;
    line.remove_prefix(end + 1);
  }
}

std::vector<std::pair<std::int64_t, std::string_view>> split_lines(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::pair<std::int64_t, std::string_view>> out;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty()) out.emplace_back(number, line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Result<int> parse_label(std::string_view text, int low, int high, std::string_view where) {
  const auto value = parse_integer(text);
  if (!value || *value < low || *value > high) {
    return corrupt(fmt::format("{}: label '{}' (expected {}..{})", where, text, low, high));
  }
  return static_cast<int>(*value);
}

std::optional<int> find_class(std::string_view word, const std::vector<std::string>& classes) {
  const std::string small = lower(word);
  const std::string_view meaning = text::builtin_label_of(small);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (classes[c] == small ||
        (!meaning.empty() && text::builtin_label_of(classes[c]) == meaning)) {
      return static_cast<int>(c);
    }
  }
  return std::nullopt;
}

Result<std::size_t> require_column(const CsvTable& table, std::string_view name,
                                   std::string_view subject) {
  const auto it = std::find(table.columns.begin(), table.columns.end(), name);
  if (it == table.columns.end()) {
    return corrupt(fmt::format("{}:1: has no column '{}' (columns: {})", subject, name,
                               fmt::join(table.columns, ", ")));
  }
  return static_cast<std::size_t>(it - table.columns.begin());
}

std::vector<std::string> wanted_splits(const DatasetOptions& options,
                                       std::initializer_list<std::string_view> all) {
  if (!options.split.empty()) return {options.split};
  return {all.begin(), all.end()};
}

const std::vector<std::string>& clip_classes() {
  static const std::vector<std::string> classes = {"happiness", "sadness", "neutral", "anger",
                                                   "surprise",  "disgust", "fear"};
  return classes;
}

}  // namespace mien::data
