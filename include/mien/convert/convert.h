#pragma once

// Published weights, in any usual form, to a bundle.

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/engine/bundle.h"
#include "mien/engine/detector.h"

namespace mien::convert {

using mien::to_string;  // stays visible beside the one below

/// How face crops are preprocessed. kAuto: as the configuration beside the weights says, otherwise
/// as the method that the weights belong to does it.
enum class Preprocess { kAuto, kClip, kEmoclip, kDferClip };

/// Where the text of a class stands among the learned tokens of DFER-CLIP: after them (as in the
/// published scripts), before them, or between their two halves.
enum class TextPosition { kEnd, kFront, kMiddle };
/// "end", "front", "middle"; find_text_position is the inverse.
std::string_view to_string(TextPosition position);
std::optional<TextPosition> find_text_position(std::string_view name);

/// What the source does not contain. Messages name a field as the command line does
/// (`--text-from`).
struct Options {
  std::string name;                  ///< of the bundle; empty: that of the source
  std::filesystem::path tokenizer;   ///< vocabulary or its folder; empty: beside the weights
  std::filesystem::path text_from;   ///< supplies the text tower when the source has none
  std::filesystem::path projection;  ///< of Exp-CLIP, folded into both towers of the source
  /// As for text::load_labels. None: those of the source bundle, or those the method was published
  /// with, or "basic7".
  std::optional<std::string> labels;
  std::vector<std::string> targets;               ///< names of the outputs of the regression head
  std::optional<kernels::Activation> activation;  ///< of both towers; none: inferred, and noted
  std::optional<DType> dtype;  ///< kF32, kF16 or kBF16; none: as stored (F64 becomes F32)
  Preprocess preprocess = Preprocess::kAuto;
  std::optional<TextPosition> text_position;  ///< required for DFER-CLIP, an error for others
  /// Prefixes of names of tensors that may be left out although they may change the answers.
  std::vector<std::string> leave_out;
  std::string licence;      ///< terms of the weights, for the card
  std::string notice;       ///< last section of the card, on responsible use; empty: none
  bool image_only = false;  ///< no text tower in the bundle: it only knows its own labels
  bool overwrite = false;   ///< replace an existing bundle; any other folder is never replaced
  Limits limits = {};
  const std::atomic<bool>* cancel = nullptr;  ///< checked between tensors
};

/// What was made, inferred and assumed.
struct ConversionReport {
  std::filesystem::path source;       ///< the weights file or shard index that was read
  std::filesystem::path config;       ///< configuration read beside it; empty: none
  std::string format;                 ///< as Checkpoint::format
  std::string naming;                 ///< naming scheme of the tensors: "openai", "swin" ...
  std::vector<std::string> left_out;  ///< tensors of the source that the bundle does not have
  std::vector<std::string> skipped;   ///< entries of a pickle that hold no tensors
  std::vector<std::string> notes;     ///< assumptions and losses, one sentence each
  std::shared_ptr<const engine::Bundle> bundle;  ///< read back and tried
};

/// Makes a bundle at `destination` from `source`: a weights file, a shard index, a folder with
/// either, or another bundle. Every part runs once before anything is written, and must give the
/// same numbers when the bundle is read back. `destination` appears complete or not at all.
/// Errors: kInvalidArgument for options, labels, a tokenizer or a destination that do not match;
/// kNotFound, kCorrupt, kUnsupported, kResourceLimit for the source; kIo; kCancelled; kInternal
/// when the written bundle reads back differently. Threads: safe from several threads for
/// different destinations.
Result<ConversionReport> to_bundle(const std::filesystem::path& source,
                                   const std::filesystem::path& destination,
                                   const Options& options = {});

/// Checks before any work that a bundle may be made at `path`. Only a bundle or an empty folder is
/// ever replaced. Errors: kInvalidArgument; kIo when its folder is not writable.
Status check_destination(const std::filesystem::path& path, bool overwrite);

/// Weights as `mien inspect` prints them: what to_bundle would make of them, as far as known.
struct WeightsReport {
  std::filesystem::path source;              ///< the weights file or shard index
  std::vector<std::filesystem::path> files;  ///< `source` and its shards
  std::shared_ptr<const checkpoint::Checkpoint> weights;
  std::string naming;                                ///< "unknown" for models other than CLIP
  std::optional<engine::Architecture> architecture;  ///< none: not a CLIP model
  std::optional<double> logit_scale;
  std::vector<std::string> skipped;
  std::vector<std::string> notes;  ///< assumptions, and why there is no architecture
};
/// Reads weights without converting them. A model of an unknown kind is not an error.
/// Errors: kNotFound, kIo, kCorrupt, kUnsupported, kResourceLimit when the file cannot be read.
Result<WeightsReport> describe_weights(const std::filesystem::path& path,
                                       const Limits& limits = {});
/// File name (without folders) to sha256, in hexadecimal. Errors: kNotFound, kIo.
Result<std::map<std::string, std::string>> hash_files(
    const std::vector<std::filesystem::path>& files);

/// Whether a source is a face detector in ONNX, by its file extension.
bool is_detector(const std::filesystem::path& source);

/// What the source of a detector does not contain.
struct DetectorOptions {
  std::string name;     ///< of the bundle; empty: that of the source
  std::string licence;  ///< terms of the weights, for the card
  std::string notice;   ///< as Options::notice
  bool overwrite = false;
  Limits limits = {};
};
/// Makes a detector bundle from YuNet's ONNX file, reads it back and tries it.
/// Errors: those of check_destination, engine::detector_from_onnx and engine::write_detector.
Result<std::shared_ptr<const engine::DetectorBundle>> detector_to_bundle(
    const std::filesystem::path& source, const std::filesystem::path& destination,
    const DetectorOptions& options = {});

}  // namespace mien::convert
