#pragma once

// What `eval` learns about its data before the run and reports beside the figures.

#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/options.h"
#include "eval/face_choice.h"
#include "mien/core/json.h"
#include "mien/data/manifest.h"
#include "mien/eval/run.h"
#include "report/evaluation.h"

namespace mien::cli {

struct DataNotes {
  face::Mode faces = face::Mode::kWhole;  ///< how faces are found
  bool by_data = false;                   ///< chosen by `looked`, not by an option
  eval::FaceChoice looked = {};
  std::vector<std::string> class_doubts = {};  ///< data::class_doubts

  /// Sets "faces" and "class_doubts".
  void add_to(Json& out) const;
  /// Adds "faces" and, if there are any, "doubtful classes".
  void add_to(report::Facts& facts) const;
  /// One line: "faces: ...".
  std::string faces_text() const;
};

/// Inspects the data, reports doubtful classes, and sets how `run` finds faces.
/// `regression`: classes do not matter. Errors: those of look_for_faces.
Result<DataNotes> look_at_data(const Context& context, const FaceOptions& faces,
                               const data::Manifest& manifest, bool regression,
                               eval::RunOptions& run);

}  // namespace mien::cli
