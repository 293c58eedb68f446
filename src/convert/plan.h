#pragma once

// The plan for a source, before any tensor is read.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "convert/recognise.h"
#include "mien/convert/convert.h"
#include "mien/engine/bundle.h"
#include "text/tokenizer.h"

namespace mien::convert {

/// Tensors of one source.
struct Part {
  Source source;
  std::vector<checkpoint::TensorSource> rows;
};

/// The learned tokens of DFER-CLIP, and the position of the class texts among them.
struct LearnedPrompts {
  checkpoint::DferClipParts parts;
  TextPosition position = TextPosition::kEnd;
  std::vector<text::Label> labels;  ///< with the bare text of each class
};

/// Everything of a bundle except its tensors, and the sources of these.
struct Plan {
  engine::BundleInfo info;  ///< without licence and provenance
  Part model;
  std::optional<Part> text;                          ///< the text tower of another model
  std::optional<Source> projection;                  ///< a map of Exp-CLIP to fold into both towers
  std::shared_ptr<const text::Tokenizer> tokenizer;  ///< nullptr: no text tower
  std::optional<LearnedPrompts> prompts;  ///< learned tokens around the texts of the labels
  checkpoint::NamedTensors extras;        ///< of a bundle, copied unchanged: features, reference
  std::filesystem::path config;           ///< that was read beside the weights; empty: none
  std::string naming;
  std::string source_card;  ///< of a bundle
  std::vector<std::string> left_out;
  std::vector<std::string> notes;
};

/// The plan for each kind of source. Reads no weights, so that mismatches are found before the work
/// begins. Errors: as to_bundle.
Result<Plan> make_plan(const Source& source, const Recognised& kind, const Options& options);
Result<Plan> plan_clip(const Source& source, const ClipNames& names, const Options& options);
/// The common part of CLIP, EmoCLIP and DFER-CLIP: everything except labels and words.
Result<Plan> plan_clip_towers(const Source& source, const ClipNames& names, const Options& options);
Result<Plan> plan_dfer_clip(const Source& source, const DferClip& kind, const Options& options);
Result<Plan> plan_image_tower(const Source& source, const ImageTowerAlone& kind,
                              const Options& options);
Result<Plan> plan_ke2nt(const Source& source, const Ke2nt& kind, const Options& options);
Result<Plan> plan_bundle(const Source& source, const OwnBundle& kind, const Options& options);

}  // namespace mien::convert
