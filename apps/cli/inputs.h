#pragma once

// Turns the inputs that the user names (files, folders, patterns, "-", cameras) into pictures and
// clips.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "mien/core/limits.h"
#include "mien/core/wall_time.h"
#include "mien/image/decode.h"
#include "mien/image/image.h"
#include "mien/video/source.h"

namespace mien::cli {

/// --clock: when clips begin.
struct ClockChoice {
  std::optional<WallTime> begins;
  bool now = false;  ///< when the input is opened, for live ones

  bool given() const { return now || begins.has_value(); }
};

struct InputOptions {
  std::vector<std::string> names;
  std::string from_file;     ///< more names, one per line; "-": standard input
  std::string from_file0;    ///< more names, ended by zero bytes, as `find -print0` writes them
  bool recursive = false;    ///< look into subfolders
  bool frames = false;       ///< a folder is one clip of frames, not many pictures
  double frame_rate = 25.0;  ///< of a folder of frames, per second
  video::Stretch stretch;    ///< the part of every clip that is read
  ClockChoice clock;
  Limits limits;
};
void add_input_options(CLI::App& verb, InputOptions& options);

/// What a verb does with each input. A failure is reported, and the run continues with the next
/// input.
class InputVisitor {
 public:
  virtual ~InputVisitor() = default;
  /// The picture has its full size unless enough() is overridden.
  virtual Status picture(const std::string& name, const image::Reduced& picture) = 0;
  /// How small a picture may be decoded.
  virtual image::Enough enough() const { return {}; }
  /// `path` is empty unless the clip is a file.
  virtual Status clip(const std::string& name, const std::filesystem::path& path,
                      video::VideoSource& source) = 0;
  virtual void failed(const std::string& name, const Status& status) = 0;
  /// True when no result can be written any more, so that reading on is pointless.
  virtual bool stop() const { return false; }
};

/// One input after folders, patterns and lists were expanded.
struct Input {
  enum class Kind { kFile, kFrames, kStdin, kPipe, kCamera, kProblem };
  Kind kind = Kind::kFile;
  std::string name;
  Status problem = {};      ///< of kProblem
  std::string folder = {};  ///< folder that the user named; empty when the file itself was named
};
struct InputList {
  std::vector<Input> inputs;
  std::vector<std::string> skipped;  ///< one message per folder with files that are not media
  bool several = false;  ///< there may be more than one: a folder, a list, several names
};
/// Errors: kInvalidArgument, and those of reading a list. What is wrong with one input is a
/// kProblem.
Result<InputList> expand_inputs(const InputOptions& options);
/// expand_inputs; reports the files that folders skip.
Result<InputList> list_inputs(const Context& context, const InputOptions& options);

/// Opens one input and hands it to the visitor. Errors: those of both; of the input when it is one.
Status visit_input(const Input& input, const InputOptions& options, InputVisitor& visitor);

/// Visits every input in order and sets the exit code: kExitSomeFailed when one failed. False when
/// it ended before the last input was done: an interrupt, or stop(). A live input that an interrupt
/// ends is done.
bool visit_inputs(Context& context, const InputOptions& options, const InputList& list,
                  InputVisitor& visitor);

}  // namespace mien::cli
