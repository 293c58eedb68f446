#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "mien/pipeline/recognizer.h"
#include "mien/report/csv.h"
#include "mien/report/openface_csv.h"
#include "mien/report/prediction_page.h"

namespace mien::serve {

/// What the result of a clip says about its origin.
struct ClipFacts {
  std::string bundle;
  std::string bundle_hash;
  std::string program;
  std::string notice;
};

/// Writes the result of a clip in all formats of /v1/jobs/{id}/result into one folder, while the
/// clip is read. Threads: not thread-safe.
class ClipFiles {
 public:
  ClipFiles(std::filesystem::path folder, const std::vector<std::string>& labels,
            const std::vector<std::string>& targets, ClipFacts facts);

  /// Errors of all: kIo.
  Status open();
  Status frame(const pipeline::FrameResult& frame);
  Status finish(const pipeline::ClipResult& clip);

  /// The file of a format in a folder, and its media type.
  static std::filesystem::path file_of(const std::filesystem::path& folder,
                                       std::string_view format);
  static std::string_view media_type_of(std::string_view format);

 private:
  std::filesystem::path folder_;
  std::vector<std::string> labels_;
  ClipFacts facts_;
  report::FaceCsv csv_;
  report::OpenFaceCsv openface_;
  report::PredictionPage page_;
  std::optional<AtomicFile> json_file_;
  std::optional<AtomicFile> csv_file_;
  std::optional<AtomicFile> openface_file_;
  std::optional<pipeline::FrameResult> last_;  // the CSV says of the last frame whether it is cut
};

}  // namespace mien::serve
