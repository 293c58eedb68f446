#pragma once

// One conversion from start to end.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/convert_card.h"
#include "cli/convert_model.h"
#include "cli/convert_peers.h"
#include "cli/convert_source.h"
#include "mien/checkpoint/tower_names.h"
#include "mien/text/labels.h"

namespace mien::cli {

struct ConvertFlags {
  std::vector<std::string> paths;
  std::string name;
  std::string tokenizer;
  std::string text_from;
  std::string labels = kDefaultLabels;
  bool labels_given = false;
  std::string projection;
  std::string activation = "auto";
  std::string dtype = "keep";
  std::string preprocess = "auto";
  std::string licence;
  std::string token_position;  // of the class among the learned tokens of DFER-CLIP; empty: unknown
  std::vector<std::string> targets;
  std::vector<std::string> leave_out;
  std::uint64_t seed = 1;
  bool random_tiny = false;
  bool temporal = false;
  bool image_only = false;
  bool force = false;
  bool json = false;
};

/// A problem and the exit code it ends with.
struct Failure {
  Status status;
  ExitCode code = kExitSomeFailed;
};
using Outcome = std::optional<Failure>;

/// Everything that a conversion finds out on its way.
struct Conversion {
  ConvertFlags flags;
  std::filesystem::path destination;
  text::LabelSet labels;
  Source source;
  Hints hints;
  checkpoint::TowerNaming tower = checkpoint::TowerNaming::kUnknown;  // of another kind than CLIP
  bool ke2nt = false;                          // that tower was trained by KE2NT
  std::string token_position;                  // of the class in DFER-CLIP's prompts
  std::vector<checkpoint::TensorSource> plan;  // with the temporal model and the head
  std::optional<Source> text_source;           // --text-from
  std::vector<checkpoint::TensorSource> text_plan;
  std::optional<Source> projection;  // --projection
  std::shared_ptr<const text::BpeTokenizer> tokenizer;
  std::shared_ptr<ModelTensors> tensors;
  std::vector<float> trial;       // embedding of the trial picture
  std::vector<float> trial_clip;  // and of the trial clip; empty: no temporal model
  std::vector<float> trial_head;  // what the regression head says; empty: there is none
  engine::BundleContent content;
  CardFacts facts;
  std::shared_ptr<const engine::Bundle> bundle;  // the result
};

/// What the names of the source's tensors are called.
std::string_view naming_of(const Conversion& run);

/// A failure of `status`; input and output errors of the system end with kExitEnvironment.
Failure failure_of(Status status, ExitCode code = kExitSomeFailed);

/// The steps of `convert` that open files and find out what they are, in this order.
Outcome choose_converted_labels(Conversion& run);  ///< of the method, unless the user gives others
Outcome open_model(Conversion& run);       ///< SRC, its towers and what must not be left out
Outcome open_projection(Conversion& run);  ///< --projection
Outcome open_text(Conversion& run);        ///< the text tower: its own, --text-from's, or none

/// Whether the labels are those of a bundle as SRC.
bool keeps_labels(const Conversion& run);

/// Whether a bundle can be made at `path`. Nothing but bundles and empty folders is ever replaced.
Outcome check_destination(const std::filesystem::path& path, bool force);

/// Does the work that `run.flags` and `run.destination` ask for, and sets `run.bundle` to the
/// result, read back and tried.
Outcome convert(Conversion& run);

}  // namespace mien::cli
