#include "train/run_log.h"

#include "core/file.h"

namespace mien::train {

Status RunLog::open(const std::filesystem::path& folder, std::int64_t global_step,
                    double wall_seconds) {
  const auto path = folder / "log.jsonl";
  name_ = path.string();
  if (std::filesystem::exists(path)) {
    MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, std::uint64_t{1} << 32));
    std::string kept;
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = text.find('\n', begin);
      if (end == std::string::npos) break;  // a line truncated when the run was killed
      const std::string line = text.substr(begin, end - begin + 1);
      begin = end + 1;
      const auto json = Json::parse(line);
      if (!json.ok()) continue;
      const Json* step = json->find("step");
      if (step != nullptr && step->is_integer() && step->as_integer() <= global_step) kept += line;
    }
    MIEN_RETURN_IF_ERROR(write_file_atomically(path, kept));
  }
  lines_.open(path, std::ios::app);
  if (!lines_) return io_error(name_ + ": cannot be written");
  return events_.open(folder, wall_seconds, global_step);
}

Status RunLog::write(const Json& line, const char* tag, std::int64_t step, double wall_seconds) {
  if (!lines_.is_open()) return {};
  lines_ << line.dump() << '\n' << std::flush;  // for readers that follow the file
  if (!lines_) return io_error(name_ + ": cannot be written");
  for (const auto& [key, value] : line.as_object()) {
    if (key == "step" || !value.is_number()) continue;
    MIEN_RETURN_IF_ERROR(
        events_.scalar(std::string(tag) + "/" + key, value.as_number(), step, wall_seconds));
  }
  return {};
}

Status RunLog::flush() {
  if (!lines_.is_open()) return {};
  lines_.flush();
  if (!lines_) return io_error(name_ + ": cannot be written");
  return events_.flush();
}

}  // namespace mien::train
