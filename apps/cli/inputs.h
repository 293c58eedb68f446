#pragma once

// From what the user names (files, folders, patterns, "-", cameras) to pictures and clips.

#include <filesystem>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "mien/core/limits.h"
#include "mien/image/decode.h"
#include "mien/image/image.h"
#include "mien/video/source.h"

namespace mien::cli {

struct InputOptions {
  std::vector<std::string> names;
  bool recursive = false;    ///< look into folders inside folders
  bool frames = false;       ///< a folder is one clip of frames, not many pictures
  double frame_rate = 25.0;  ///< of such a folder
  video::Stretch stretch;    ///< the part of every clip that is read
  Limits limits;
};
void add_input_options(CLI::App& verb, InputOptions& options);

/// What a verb does with each input. A Status that is not ok is reported, and the next input
/// follows.
class InputVisitor {
 public:
  virtual ~InputVisitor() = default;
  /// The picture is as large as its file says where enough() is not overridden.
  virtual Status picture(const std::string& name, const image::Reduced& picture) = 0;
  /// How small a picture may be decoded.
  virtual image::Enough enough() const { return {}; }
  /// `path` is empty unless the clip is a file.
  virtual Status clip(const std::string& name, const std::filesystem::path& path,
                      video::VideoSource& source) = 0;
  virtual void failed(const std::string& name, const Status& status) = 0;
};

/// One input after folders and patterns were expanded.
struct Input {
  enum class Kind { kFile, kFrames, kStdin, kCamera, kProblem };
  Kind kind = Kind::kFile;
  std::string name;
  Status problem;  ///< of kProblem
};
std::vector<Input> expand_inputs(const InputOptions& options);
/// Opens one input and hands it to the visitor. Errors: those of both; of the input when it is one.
Status visit_input(const Input& input, const InputOptions& options, InputVisitor& visitor);

/// True when more than one input may come: several names, a folder, or a pattern that matches more
/// than one file.
bool several_inputs(const InputOptions& options);

/// Visits every input in order and sets the exit code: kExitSomeFailed when one failed.
void visit_inputs(Context& context, const InputOptions& options, InputVisitor& visitor);

}  // namespace mien::cli
