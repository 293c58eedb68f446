#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/transformer.h"
#include "mien/engine/encoders.h"

namespace mien::engine {

/// The network of an image tower; every kind derives its own.
struct ImageEncoder::Impl {
  virtual ~Impl() = default;
  /// At most `per_pass` pictures. Shape: as ImageEncoder::encode.
  virtual Status encode_pass(const float* pixels, std::int64_t count, float* out,
                             Session::Impl& session) const = 0;

  /// What the first layer makes of one picture, channels last, in float32; the activation behind a
  /// convolution with a norm included. Shape: pixels [3, S, S] -> out [grid, grid, channels].
  /// Errors: kUnsupported for a kind without ImageKind::map_channels.
  virtual Status first_map(const float* pixels, std::vector<float>& out,
                           Session::Impl& session) const;

  int image_size = 0;
  std::int64_t embed = 0;
  std::int64_t per_pass = 1;  ///< pictures whose activations are held at a time
};

/// One kind of image tower: all that the rest of the engine asks of it. `Sizes` is its alternative
/// of ImageTower. Pointers without a remark are never null.
template <class Sizes>
struct ImageKind {
  std::string_view type;  ///< in bundle.json
  std::string_view name;  ///< in messages
  /// Reads all keys but `type`. Errors: kCorrupt: a key that is missing or unknown, or a size out
  /// of range.
  Result<Sizes> (*parse)(const Json& json, std::string_view subject);
  /// Adds all keys but `type`.
  void (*write)(const Sizes& sizes, Json& out);
  /// Errors: kCorrupt: sizes that do not fit together, or that do not give `embed` values.
  Status (*check)(const Sizes& sizes, int embed, std::string_view subject);
  void (*add_tensors)(const Sizes& sizes, int embed, std::vector<ExpectedTensor>& out);
  /// Sets everything but image_size and embed. Precondition: check_tensors passed.
  Result<std::unique_ptr<ImageEncoder::Impl>> (*load)(const checkpoint::Checkpoint& weights,
                                                      const Sizes& sizes,
                                                      const ImageEncoderOptions& options);
  std::string (*model_name)(const Sizes& sizes);
  std::string (*describe)(const Sizes& sizes);
  /// Multiplications and additions of one picture that the definition needs; norms and activations
  /// are not counted.
  double (*operations)(const Sizes& sizes, int embed);
  /// Whether the tower ends in `visual.proj` [features, embed].
  bool (*has_projection)(const Sizes& sizes);
  /// Planes of a picture that are read; nullptr: all 3.
  int (*channels)(const Sizes& sizes) = nullptr;
  /// Channels of Impl::first_map; nullptr: it has none.
  int (*map_channels)(const Sizes& sizes) = nullptr;
  /// Weights that run in int8 and may be stored so; nullptr: none, and int8 means bf16.
  bool (*takes_int8)(std::string_view tensor) = nullptr;
  /// Published with GELU and with QuickGELU, which the tensors do not show.
  bool activation_is_choice = false;
};

/// Squares of `patch` pixels as rows: a convolution whose stride is its size is a matrix product
/// over them. Shape: pixels [count, 3, size, size] -> out [count * grid * grid, 3 * patch * patch],
/// channel-major inside a patch.
void gather_patches(const float* pixels, std::int64_t count, std::int64_t size, std::int64_t patch,
                    float* out);

}  // namespace mien::engine
