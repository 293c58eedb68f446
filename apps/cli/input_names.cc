// From names to inputs: folders, patterns, lists.

#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/help.h"
#include "cli/inputs.h"
#include "cli/times.h"
#include "core/file.h"
#include "core/utf8.h"
#include "mien/image/decode.h"
#include "report/text.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

using Kind = Input::Kind;

constexpr std::size_t kMostNamed = 5;
constexpr std::size_t kMostWords = std::size_t{1} << 26;  // bytes of a list

bool is_media(const fs::path& path) {
  return image::has_image_extension(path) || video::has_video_extension(path);
}

// "._a.jpg", ".DS_Store", ".git": never meant as input, so skipping them is not reported.
bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

class Expansion {
 public:
  explicit Expansion(const InputOptions& options) : options_(options) {}

  void name(const std::string& name);
  Status list(const std::string& file, char end);
  InputList take() && { return std::move(out_); }

 private:
  void existing(const std::string& name, const fs::file_status& status);
  void folder(const std::string& name);
  void walk(const fs::path& folder, std::vector<std::string>& files);
  void problem(const std::string& name, Status status) {
    out_.inputs.push_back({Kind::kProblem, name, std::move(status)});
  }

  const InputOptions& options_;
  InputList out_;
  // Of the current folder.
  std::vector<std::string> skipped_;
  std::size_t folders_skipped_ = 0;
  std::vector<Status> problems_;
};

// Files of one folder, and with --recursive of its subfolders, in no order.
void Expansion::walk(const fs::path& folder, std::vector<std::string>& files) {
  std::error_code error;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const fs::path& path = it->path();
    if (is_hidden(path)) continue;
    std::error_code unknown;
    const fs::file_status status = it->status(unknown);
    if (fs::is_directory(status)) {
      // A link to a folder may lead back up.
      if (options_.recursive && !it->is_symlink(unknown)) {
        walk(path, files);
      } else {
        ++folders_skipped_;
      }
    } else if (fs::is_regular_file(status) && is_media(path)) {
      files.push_back(path.string());
    } else {
      skipped_.push_back(path.filename().string());
    }
  }
  if (error) {
    problems_.push_back(io_error(
        fmt::format("{}: cannot be listed completely ({})", folder.string(), error.message())));
  }
}

std::string skipped_text(const std::string& name, std::vector<std::string> files,
                         std::size_t folders) {
  std::sort(files.begin(), files.end());
  std::string out;
  if (!files.empty()) {
    const std::size_t told = std::min(files.size(), kMostNamed);
    out = fmt::format(
        "{} {} not a picture or clip: {}", files.size(),
        files.size() == 1 ? "file that is" : "files that are",
        fmt::join(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(told), ", "));
    if (told < files.size()) out += ", ...";
  }
  if (folders > 0) {
    out += fmt::format("{}{} {} (--recursive looks into subfolders)", out.empty() ? "" : "; ",
                       folders, folders == 1 ? "subfolder" : "subfolders");
  }
  return fmt::format("{}: skipped {}", name, out);
}

void Expansion::folder(const std::string& name) {
  if (options_.frames) {
    out_.inputs.push_back({Kind::kFrames, name, {}});
    return;
  }
  skipped_.clear();
  problems_.clear();
  folders_skipped_ = 0;
  std::vector<std::string> files;
  walk(name, files);
  std::sort(files.begin(), files.end());
  for (std::string& file : files) {
    out_.inputs.push_back({Kind::kFile, std::move(file), {}, name});
  }
  if (files.empty() && problems_.empty()) {
    problem(name,
            not_found(fmt::format("{}: has no pictures or clips (expected at least one file with "
                                  "a usual extension{})",
                                  name, options_.recursive ? "" : "; --recursive looks deeper")));
  }
  for (Status& each : problems_) problem(name, std::move(each));
  if (!skipped_.empty() || (folders_skipped_ > 0 && !options_.recursive)) {
    out_.skipped.push_back(skipped_text(name, skipped_, options_.recursive ? 0 : folders_skipped_));
  }
}

void Expansion::existing(const std::string& name, const fs::file_status& status) {
  if (fs::is_directory(status)) {
    out_.several = out_.several || !options_.frames;
    folder(name);
  } else if (fs::is_character_file(status) || name.starts_with("/dev/video")) {
    out_.inputs.push_back({Kind::kCamera, name, {}});
  } else if (fs::is_fifo(status)) {
    out_.inputs.push_back({Kind::kPipe, name, {}});
  } else if (fs::exists(status)) {
    out_.inputs.push_back({Kind::kFile, name, {}});
  } else {
    problem(name, not_found(name + ": no such file or folder"));
  }
}

std::vector<std::string> matches_of(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return out;
}

Status url_problem(const std::string& name) {
  if (name.starts_with("file:")) {
    return invalid_argument(name + ": is a URL (expected a file name without file:)");
  }
  return unsupported(fmt::format(
      "{}: is a URL; mien reads files and opens no connections (expected a file, or a pipe: "
      "ffmpeg -i URL -c copy -f mpegts - | mien predict -)",
      name));
}

void Expansion::name(const std::string& name) {
  std::error_code error;
  const fs::file_status status = fs::status(name, error);
  if (name == "-") {
    out_.inputs.push_back({Kind::kStdin, "-", {}});
  } else if (fs::exists(status)) {
    existing(name, status);
  } else if (const std::size_t mark = name.find("://");
             mark != std::string::npos && mark > 1 && mark < 12) {
    problem(name, url_problem(name));
  } else if (name.size() > 1 && name[0] == '@') {
    if (Status read = list(name.substr(1), '\n'); !read.ok()) problem(name, read.with_prefix(name));
  } else if (name.find_first_of("*?[") != std::string::npos) {
    const auto matches = matches_of(name);
    if (matches.empty()) problem(name, not_found(name + ": the pattern matches no file"));
    out_.several = out_.several || matches.size() > 1;
    // A match is a name, never another pattern: a dangling link may be called "*".
    for (const std::string& match : matches) existing(match, fs::status(match, error));
  } else {
    existing(name, status);
  }
}

Result<std::string> read_list(const std::string& file) {
  if (file != "-") return read_text_file(file, kMostWords);
  std::string out;
  char buffer[1 << 16];
  while (!interrupted()) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > kMostWords) return resource_limit("-: list of inputs is too long");
  }
  return out;
}

// Names in a list are literal: no patterns, no nested lists; relative to the current folder.
Status Expansion::list(const std::string& file, char end) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_list(file));
  if (end != '\0') MIEN_RETURN_IF_ERROR(check_is_utf8_text(text, file));
  out_.several = true;
  std::size_t names = 0;
  std::string_view rest = text;
  if (end != '\0' && rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  while (!rest.empty()) {
    const std::size_t at = std::min(rest.find(end), rest.size());
    std::string name(rest.substr(0, at));
    rest.remove_prefix(std::min(at + 1, rest.size()));
    if (end != '\0' && name.ends_with('\r')) name.pop_back();
    if (name.empty()) continue;
    ++names;
    std::error_code error;
    existing(name, fs::status(name, error));
  }
  if (names > 0) return {};
  return invalid_argument(file + ": is empty (expected one input per line)");
}

// --from and --to may come in any order, so each checks that the stretch is not empty.
void add_time_option(CLI::App& verb, const char* name, const char* what, std::int64_t& out,
                     const video::Stretch& stretch) {
  verb.add_option_function<std::string>(
          name,
          [name, &out, &stretch](const std::string& text) {
            const auto time = parse_time(text);
            if (!time.ok()) throw CLI::ValidationError(name, time.status().message());
            out = *time;
            if (stretch.from_us >= stretch.to_us) {
              throw CLI::ValidationError("--to", "is not after --from");
            }
          },
          what)
      ->type_name("TIME");
}

void add_clock_option(CLI::App& verb, ClockChoice& choice) {
  verb.add_option_function<std::string>(
          "--clock",
          [&choice](const std::string& text) {
            choice.now = text == "now";
            choice.begins.reset();
            if (choice.now) return;
            const auto time = parse_wall_time(text);
            if (!time.ok()) {
              std::string problem = time.status().message();
              problem.insert(problem.rfind(')'), "; or now for a live input");
              throw CLI::ValidationError("--clock", problem);
            }
            choice.begins = *time;
          },
          "Date and time at which clips begin (2026-03-01T14:05:00+01:00, or now for a live "
          "input); adds clock times to every output")
      ->type_name("TIME");
}

// `now` is wrong for a recording: it began before the run that reads it.
Status check_clock(const InputList& list, const ClockChoice& clock) {
  if (!clock.now) return {};
  for (const Input& input : list.inputs) {
    std::error_code error;
    const bool stored = input.kind == Kind::kFrames || fs::is_regular_file(input.name, error);
    if (!stored || input.kind == Kind::kStdin) continue;
    return invalid_argument(fmt::format(
        "--clock now: {} is a file (expected a live input, or the time at which it was recorded)",
        input.name));
  }
  return {};
}

}  // namespace

void add_input_options(CLI::App& verb, InputOptions& options) {
  begin_group(verb, "Input");
  verb.add_option("input", options.names,
                  "Pictures, clips, folders, patterns, @LIST (a file with one name per line), '-' "
                  "(a picture or a stream on standard input), or a camera such as /dev/video0")
      ->type_name("");
  verb.add_option("--from-file", options.from_file,
                  "Read more input names from a file, one per line ('-': standard input)")
      ->type_name("FILE");
  verb.add_option("--from-file0", options.from_file0,
                  "Read more input names from a file, each ended by a zero byte, as find -print0 "
                  "writes them ('-': standard input)")
      ->type_name("FILE");
  verb.add_flag("--recursive", options.recursive, "Look into subfolders");
  verb.add_flag("--frames", options.frames,
                "Treat a folder as one clip of frames, in natural order of their names");
  verb.add_option("--frame-rate", options.frame_rate,
                  "Frame rate of a folder of --frames, in frames per second")
      ->check(CLI::Range(0.01, 10000.0))
      ->capture_default_str();
  begin_group(verb, "Time");
  add_time_option(verb, "--from", "Start clips at this time (seconds, M:SS or H:MM:SS)",
                  options.stretch.from_us, options.stretch);
  add_time_option(verb, "--to", "End clips before this time", options.stretch.to_us,
                  options.stretch);
  add_clock_option(verb, options.clock);
}

Result<InputList> expand_inputs(const InputOptions& options) {
  const bool listed = !options.from_file.empty() || !options.from_file0.empty();
  if (options.names.empty() && !listed) {
    return invalid_argument(
        "input: missing (expected pictures, clips, folders, or --from-file FILE)");
  }
  const auto from_stdin = std::count(options.names.begin(), options.names.end(), "-") +
                          (options.from_file == "-") + (options.from_file0 == "-");
  if (from_stdin > 1) {
    return invalid_argument("-: given more than once (expected one use of standard input)");
  }
  Expansion expansion(options);
  for (const std::string& name : options.names) expansion.name(name);
  if (!options.from_file.empty()) {
    MIEN_RETURN_IF_ERROR(expansion.list(options.from_file, '\n').with_prefix("--from-file"));
  }
  if (!options.from_file0.empty()) {
    MIEN_RETURN_IF_ERROR(expansion.list(options.from_file0, '\0').with_prefix("--from-file0"));
  }
  InputList out = std::move(expansion).take();
  out.several = out.several || options.names.size() > 1;
  return out;
}

Result<InputList> list_inputs(const Context& context, const InputOptions& options) {
  MIEN_ASSIGN_OR_RETURN(InputList out, expand_inputs(options));
  MIEN_RETURN_IF_ERROR(check_clock(out, options.clock));
  for (const std::string& message : out.skipped) context.report(message);
  return out;
}

}  // namespace mien::cli
