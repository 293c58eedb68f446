#include "cli/inputs.h"

#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/progress.h"
#include "cli/times.h"
#include "mien/core/file.h"
#include "mien/image/decode.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

using Kind = Input::Kind;

bool is_media(const fs::path& path) {
  return image::has_image_extension(path) || video::has_video_extension(path);
}

template <class Iterator>
void list_folder(Iterator begin, std::vector<std::string>& out) {
  std::error_code error;
  for (auto it = begin; it != Iterator(); it.increment(error)) {
    if (error) break;
    std::error_code ignored;
    if (it->is_regular_file(ignored) && is_media(it->path())) out.push_back(it->path().string());
  }
}

void expand_folder(const std::string& name, const InputOptions& options, std::vector<Input>& out) {
  if (options.frames) {
    out.push_back({Kind::kFrames, name, {}});
    return;
  }
  std::vector<std::string> files;
  std::error_code error;
  constexpr auto kSkip = fs::directory_options::skip_permission_denied;
  if (options.recursive) {
    list_folder(fs::recursive_directory_iterator(name, kSkip, error), files);
  } else {
    list_folder(fs::directory_iterator(name, error), files);
  }
  if (error) {
    out.push_back({Kind::kProblem, name,
                   io_error(fmt::format("{}: cannot be listed ({})", name, error.message()))});
    return;
  }
  if (files.empty()) {
    out.push_back(
        {Kind::kProblem, name,
         not_found(fmt::format("{}: has no pictures or clips (expected at least one file with "
                               "a usual extension{})",
                               name, options.recursive ? "" : "; --recursive looks deeper"))});
    return;
  }
  std::sort(files.begin(), files.end());
  for (std::string& file : files) out.push_back({Kind::kFile, std::move(file), {}});
}

std::vector<std::string> expand_pattern(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return out;
}

void expand_name(const std::string& name, const InputOptions& options, std::vector<Input>& out) {
  std::error_code error;
  const fs::file_status status = fs::status(name, error);
  if (name == "-") {
    out.push_back({Kind::kStdin, "-", {}});
  } else if (fs::is_directory(status)) {
    expand_folder(name, options, out);
  } else if (fs::is_character_file(status) || name.starts_with("/dev/video")) {
    out.push_back({Kind::kCamera, name, {}});
  } else if (fs::exists(status)) {
    out.push_back({Kind::kFile, name, {}});
  } else if (name.find_first_of("*?[") != std::string::npos) {
    const auto matches = expand_pattern(name);
    if (matches.empty()) {
      out.push_back({Kind::kProblem, name, not_found(name + ": the pattern matches no file")});
    }
    for (const std::string& match : matches) expand_name(match, options, out);
  } else {
    out.push_back({Kind::kProblem, name, not_found(name + ": no such file or folder")});
  }
}

constexpr std::size_t kSniffBytes = 64;

std::vector<std::byte> read_up_to(int fd, std::size_t count) {
  std::vector<std::byte> out(count);
  std::size_t filled = 0;
  while (filled < count && !interrupted()) {
    const ssize_t n = ::read(fd, out.data() + filled, count - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    filled += static_cast<std::size_t>(n);
  }
  out.resize(filled);
  return out;
}

// What comes before the pixels of a PNG tells whether it is a clip.
bool is_animation(std::ifstream& stream, std::span<const std::byte> head) {
  if (image::sniff(head) != image::Format::kPng) return false;
  constexpr std::size_t kMost = 1U << 20;
  std::vector<char> bytes(kMost);
  stream.clear();
  stream.seekg(0);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return image::is_animated(
      std::as_bytes(std::span(bytes)).first(static_cast<std::size_t>(stream.gcount())));
}

// --from and --to; which of them is parsed first is not known.
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

class Visit {
 public:
  Visit(const InputOptions& options, InputVisitor& visitor) : options_(options), visitor_(visitor) {
    open_.limits = options.limits;
    open_.folder_fps = options.frame_rate;
    open_.cancel = &interrupted();
  }

  /// What is wrong with an input whose results stand all the same.
  const Status& note() const { return note_; }

  Status run(const Input& input) {
    note_ = {};
    switch (input.kind) {
      case Kind::kProblem: return input.problem;
      case Kind::kStdin: return standard_input();
      case Kind::kCamera: return clip(input.name, {}, video::open_camera(input.name, open_));
      case Kind::kFrames: return clip(input.name, {}, video::open_folder(input.name, open_));
      case Kind::kFile: break;
    }
    return file(input.name);
  }

 private:
  Status clip(const std::string& name, const fs::path& path,
              Result<std::unique_ptr<video::VideoSource>> source) {
    if (!source.ok()) return source.status();
    const auto part = video::limit_to(std::move(*source), name, options_.stretch);
    const Status done = visitor_.clip(name, path, *part);
    if (!done.ok()) return done;
    if (const auto cut = part->cut_short()) {
      note_ = corrupt(fmt::format("{}: {}", name, video::to_string(*cut)));
    }
    return done;
  }

  Status file(const std::string& name) {
    std::ifstream stream(name, std::ios::binary);
    if (!stream)
      return io_error(fmt::format("{}: cannot be opened ({})", name, std::strerror(errno)));
    std::array<char, kSniffBytes> head{};
    stream.read(head.data(), kSniffBytes);
    const auto bytes =
        std::as_bytes(std::span(head)).first(static_cast<std::size_t>(stream.gcount()));
    if (bytes.empty()) return corrupt(name + ": is empty (expected a picture or a clip)");
    const bool unknown = image::sniff(bytes) == image::Format::kUnknown;
    const bool refused = image::has_image_extension(name) || !image::unread_format(bytes).empty();
    if ((unknown && !refused) || is_animation(stream, bytes)) {
      return clip(name, name, video::open_file(name, open_));
    }
    MIEN_ASSIGN_OR_RETURN(const image::Reduced picture,
                          image::load_reduced(name, visitor_.enough(), options_.limits));
    return visitor_.picture(name, picture);
  }

  Status standard_input() {
    if (is_terminal(stdin)) {
      return invalid_argument(
          "-: standard input is a terminal (expected a picture or a stream in a pipe)");
    }
    std::vector<std::byte> bytes = read_up_to(STDIN_FILENO, kSniffBytes);
    if (bytes.empty()) return corrupt("-: is empty (expected a picture or a stream)");
    if (image::sniff(bytes) == image::Format::kUnknown && image::unread_format(bytes).empty()) {
      return clip("-", {}, video::open_stream(STDIN_FILENO, std::move(bytes), "-", open_));
    }
    constexpr std::size_t kChunk = 1U << 20;
    while (bytes.size() <= options_.limits.max_image_bytes) {
      const auto more = read_up_to(STDIN_FILENO, kChunk);
      if (more.empty()) break;
      bytes.insert(bytes.end(), more.begin(), more.end());
    }
    if (bytes.size() > options_.limits.max_image_bytes) {
      return resource_limit(fmt::format("-: picture is too large (expected at most {} bytes)",
                                        options_.limits.max_image_bytes));
    }
    if (image::is_animated(bytes)) return clip("-", {}, video::open_memory(bytes, open_));
    auto decoded = image::decode(bytes, options_.limits);
    if (!decoded.ok()) return decoded.status().with_prefix("-");
    const int width = decoded->width(), height = decoded->height();
    return visitor_.picture("-", {.image = std::move(*decoded), .width = width, .height = height});
  }

  const InputOptions& options_;
  InputVisitor& visitor_;
  video::OpenOptions open_;
  Status note_;
};

}  // namespace

void add_input_options(CLI::App& verb, InputOptions& options) {
  verb.add_option("input", options.names,
                  "Pictures, clips, folders, patterns, '-' (a picture or a stream on standard "
                  "input), or a camera "
                  "such as /dev/video0")
      ->required();
  verb.add_flag("--recursive", options.recursive, "Look into folders inside folders");
  verb.add_flag("--frames", options.frames,
                "Take a folder as one clip of frames, in the natural order of their names");
  verb.add_option("--frame-rate", options.frame_rate, "Frames per second of such a folder")
      ->check(CLI::Range(0.01, 10000.0))
      ->capture_default_str();
  add_time_option(verb, "--from", "Clips: start at this time (seconds, M:SS, H:MM:SS)",
                  options.stretch.from_us, options.stretch);
  add_time_option(verb, "--to", "Clips: stop before this time", options.stretch.to_us,
                  options.stretch);
}

std::vector<Input> expand_inputs(const InputOptions& options) {
  std::vector<Input> out;
  for (const std::string& name : options.names) expand_name(name, options, out);
  return out;
}

Status visit_input(const Input& input, const InputOptions& options, InputVisitor& visitor) {
  return Visit(options, visitor).run(input);
}

bool several_inputs(const InputOptions& options) {
  if (options.names.size() != 1) return true;
  std::error_code error;
  if (fs::is_directory(options.names.front(), error)) return !options.frames;
  std::vector<Input> inputs;
  expand_name(options.names.front(), options, inputs);
  return inputs.size() > 1;
}

void visit_inputs(Context& context, const InputOptions& options, InputVisitor& visitor) {
  const std::vector<Input> inputs = expand_inputs(options);
  Visit visit(options, visitor);
  Progress progress("inputs", static_cast<std::int64_t>(inputs.size()));
  for (std::size_t i = 0; i < inputs.size() && !interrupted(); ++i) {
    Status status;
    try {
      status = visit.run(inputs[i]);
    } catch (const std::bad_alloc&) {
      status = resource_limit(inputs[i].name + ": not enough memory");
    }
    if (!status.ok()) {
      Progress::clear_line();
      context.fail(status, kExitSomeFailed);
      visitor.failed(inputs[i].name, status);
    } else if (!visit.note().ok()) {
      Progress::clear_line();
      context.fail(visit.note(), kExitSomeFailed);
    }
    if (inputs.size() > 1) progress.update(static_cast<std::int64_t>(i) + 1);
  }
  progress.finish();
  if (interrupted()) context.exit_code = std::max<int>(context.exit_code, kExitSomeFailed);
}

}  // namespace mien::cli
