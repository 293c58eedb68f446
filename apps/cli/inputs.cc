#include "cli/inputs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/progress.h"
#include "cli/times.h"
#include "mien/image/decode.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

using Kind = Input::Kind;

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

// An animated PNG is a clip; the chunks before its pixels say so.
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

class Visit {
 public:
  Visit(const InputOptions& options, InputVisitor& visitor) : options_(options), visitor_(visitor) {
    open_.limits = options.limits;
    open_.folder_fps = options.frame_rate;
    open_.cancel = &interrupted();
  }

  /// A problem of an input whose results are kept nevertheless.
  const Status& note() const { return note_; }

  Status run(const Input& input) {
    note_ = {};
    open_.clock = options_.clock.now ? wall_time_now() : options_.clock.begins;
    switch (input.kind) {
      case Kind::kProblem: return input.problem;
      case Kind::kStdin: return standard_input();
      case Kind::kPipe: return pipe(input.name);
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
    return stream("-", STDIN_FILENO);
  }

  Status pipe(const std::string& name) {
    const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);  // blocks until somebody writes
    if (fd < 0) {
      return interrupted()
                 ? cancelled(name + ": cancelled")
                 : io_error(fmt::format("{}: cannot be opened ({})", name, std::strerror(errno)));
    }
    Status status = stream(name, fd);
    ::close(fd);
    return status;
  }

  // A stream can be read only once.
  Status stream(const std::string& name, int fd) {
    std::vector<std::byte> bytes = read_up_to(fd, kSniffBytes);
    if (bytes.empty()) return corrupt(name + ": is empty (expected a picture or a stream)");
    if (options_.clock.now) open_.clock = wall_time_now();  // the writer has begun
    if (image::sniff(bytes) == image::Format::kUnknown && image::unread_format(bytes).empty()) {
      return clip(name, {}, video::open_stream(fd, std::move(bytes), name, open_));
    }
    constexpr std::size_t kChunk = 1U << 20;
    while (bytes.size() <= options_.limits.max_image_bytes) {
      const auto more = read_up_to(fd, kChunk);
      if (more.empty()) break;
      bytes.insert(bytes.end(), more.begin(), more.end());
    }
    if (bytes.size() > options_.limits.max_image_bytes) {
      return resource_limit(fmt::format("{}: picture is too large (expected at most {} bytes)",
                                        name, options_.limits.max_image_bytes));
    }
    if (image::is_animated(bytes)) return clip(name, {}, video::open_memory(bytes, open_));
    auto decoded = image::decode(bytes, options_.limits);
    if (!decoded.ok()) return decoded.status().with_prefix(name);
    const int width = decoded->width(), height = decoded->height();
    return visitor_.picture(name, {.image = std::move(*decoded), .width = width, .height = height});
  }

  const InputOptions& options_;
  InputVisitor& visitor_;
  video::OpenOptions open_;
  Status note_;
};

}  // namespace

Status visit_input(const Input& input, const InputOptions& options, InputVisitor& visitor) {
  return Visit(options, visitor).run(input);
}

bool visit_inputs(Context& context, const InputOptions& options, const InputList& list,
                  InputVisitor& visitor) {
  const std::vector<Input>& inputs = list.inputs;
  Visit visit(options, visitor);
  Progress progress("inputs", static_cast<std::int64_t>(inputs.size()));
  bool complete = true;
  std::size_t i = 0;
  for (; i < inputs.size() && !interrupted() && !visitor.stop(); ++i) {
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
      if (status.code() == StatusCode::kCancelled) complete = false;
    } else if (!visit.note().ok()) {
      Progress::clear_line();
      context.fail(visit.note(), kExitSomeFailed);
    }
    if (inputs.size() > 1) progress.update(static_cast<std::int64_t>(i) + 1);
  }
  progress.finish();
  if (interrupted()) context.exit_code = std::max<int>(context.exit_code, kExitSomeFailed);
  return complete && i == inputs.size() && !visitor.stop();
}

}  // namespace mien::cli
