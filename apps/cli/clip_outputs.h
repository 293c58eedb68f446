#pragma once

// Outputs of `predict` per input: subtitles, ELAN documents, the page of --report.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cli.h"
#include "cli/outputs.h"
#include "mien/pipeline/recognizer.h"
#include "mien/report/prediction_page.h"

namespace mien::cli {

/// True for the formats with one file per clip: srt, vtt, eaf.
bool is_clip_format(std::string_view format);

struct ClipOutputOptions {
  std::string report;        ///< "": no page
  bool with_images = false;  ///< thumbnails on the page
  double smooth = 0.5;       ///< seconds
};
void add_clip_output_options(CLI::App& verb, ClipOutputOptions& options);

class ClipOutputs {
 public:
  /// Facts at the top of the page: ("bundle", "compact"), ...
  using Facts = std::vector<std::pair<std::string, std::string>>;

  ClipOutputs(const Context& context, const OutputOptions& outputs,
              const ClipOutputOptions& options, std::vector<std::string> labels);

  /// With several inputs clip formats need a folder (made when missing).
  /// Errors: kInvalidArgument, kIo.
  Status open(const InputList& inputs);
  /// True when frames must come with their pixels.
  bool wants_images() const { return page_.has_value() && options_.with_images; }

  Status picture(const pipeline::FrameResult& frame, const image::Image& picture);
  /// `path` is empty unless the clip is a file.
  void begin_clip(const std::string& name, const std::filesystem::path& path);
  Status frame(const pipeline::ClipFrame& frame);
  Status end_clip(const pipeline::ClipResult& clip);
  void failed(const std::string& name, const Status& status);
  /// Writes the page; one that is not complete becomes NAME.part.
  Status finish(bool complete, const std::function<Facts()>& facts);

 private:
  Status write_clip(const pipeline::ClipResult& clip);

  const Context& context_;
  const OutputOptions& outputs_;
  const ClipOutputOptions& options_;
  std::vector<std::string> labels_;
  bool folder_ = false;
  FolderNames names_;
  std::optional<report::PredictionPage> page_;
  // The current clip.
  std::filesystem::path media_;
};

}  // namespace mien::cli
