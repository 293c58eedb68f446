#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/transformer.h"
#include "mien/core/limits.h"
#include "mien/engine/encoders.h"

namespace mien::text {
class Tokenizer;
}

namespace mien::engine {

/// The network of a text tower; every kind derives its own.
struct TextEncoder::Impl {
  virtual ~Impl() = default;
  /// As TextEncoder::encode; rows have the right length and ids inside the vocabulary.
  virtual Status encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                        Session::Impl& session) const = 0;

  int context = 0;
  int vocabulary = 0;
  std::int64_t embed = 0;
  std::shared_ptr<const checkpoint::Checkpoint> weights;  // the token table is read where it lies
};

/// One kind of text tower: all that the rest of the engine asks of it. `Sizes` is its alternative
/// of TextTower. Pointers without a remark are never null.
template <class Sizes>
struct TextKind {
  std::string_view type;  ///< in bundle.json
  std::string_view name;  ///< in messages
  /// Reads all keys but `type`. Errors: kCorrupt: a key that is missing or unknown, or a size out
  /// of range.
  Result<Sizes> (*parse)(const Json& json, std::string_view subject);
  /// Adds all keys but `type`.
  void (*write)(const Sizes& sizes, Json& out);
  /// Errors: kCorrupt: sizes that do not fit together.
  Status (*check)(const Sizes& sizes, int embed, std::string_view subject);
  void (*add_tensors)(const Sizes& sizes, int embed, std::vector<ExpectedTensor>& out);
  /// Sets everything but the fields of the base. Precondition: check_tensors passed.
  Result<std::unique_ptr<TextEncoder::Impl>> (*load)(const checkpoint::Checkpoint& weights,
                                                     const Sizes& sizes,
                                                     kernels::Precision precision);
  std::string (*describe)(const Sizes& sizes);
  /// The tokenizer file of a bundle. Errors: those of its parser.
  Result<std::shared_ptr<const text::Tokenizer>> (*parse_tokenizer)(const std::string& file,
                                                                    const Limits& limits);
  /// Tensors [in, embed] whose products add up to the embedding.
  std::span<const std::string_view> projections;
  /// Weights that run in int8 and may be stored so; nullptr: none, and int8 means bf16.
  bool (*takes_int8)(std::string_view tensor) = nullptr;
  /// Published with GELU and with QuickGELU, which the tensors do not show.
  bool activation_is_choice = false;
};

}  // namespace mien::engine
