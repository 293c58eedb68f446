#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/architecture.h"
#include "mien/kernels/linear.h"

namespace mien::engine {

/// Scratch memory of one worker: every activation of a forward pass lives here.
/// Threads: not thread-safe; one per worker. After the first pass of a size nothing is allocated.
class Session {
 public:
  Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  struct Impl;
  /// For the encoders only.
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// The position of a pixel patch in a picture: its upper left corner for encode() and places().
struct PromptPlace {
  std::int64_t row = 0;
  std::int64_t col = 0;

  bool operator==(const PromptPlace&) const = default;
};

class PixelPatch;

/// How an image tower is packed.
struct ImageEncoderOptions {
  kernels::Precision precision = kernels::Precision::kF32;
  /// Packing may take longer (up to a second for ResNet-18) when that makes every picture faster,
  /// as for convolutions in float32.
  bool many_pictures = false;
  /// Number of views of a picture that are encoded and averaged: 1 (the picture), 2 (also the
  /// mirror image of its central 11/12) or 4 (both, mirrored and not). The work grows with it.
  int views = 1;
};

/// An image tower, packed for this CPU. Threads: immutable; safe from several threads.
class ImageEncoder {
 public:
  /// Packs the `visual.*` tensors; their pages are released afterwards. Precondition: check_tensors
  /// passed. Errors: kInvalidArgument for another number of views; kUnsupported for several
  /// views with a patch whose position depends on the picture; kInternal when oneDNN fails.
  static Result<std::shared_ptr<const ImageEncoder>> load(const checkpoint::Checkpoint& weights,
                                                          const Architecture& architecture,
                                                          const ImageEncoderOptions& options);
  ~ImageEncoder();

  /// Side of the input in pixels; width of the output.
  int image_size() const;
  int embed() const;

  /// Shape: pixels [count, 3, S, S] float32 preprocessed -> out [count, embed], not normalised; the
  /// mean over the views. `places`: position of the prompt's patch, one per picture; empty: that of
  /// the bundle or, if places_patches(), that of each picture. Errors: kInternal when oneDNN fails.
  /// Source: CLIP (arXiv 2103.00020), ViT with class
  /// token; see docs/methods/README.md.
  Status encode(const float* pixels, std::int64_t count, float* out, Session& session,
                std::span<const PromptPlace> places = {}) const;

  /// Whether the first picture of a clip determines the position of the patch for the whole clip:
  /// encode() then needs that position for every frame.
  bool places_patches() const;
  /// The upper left corner of the patch for every picture: the label whose bare name is nearest to
  /// the picture without a patch, and where its row of a classifier on the first layer's map is
  /// largest (expression_place). Errors: kUnsupported for a Swin tower, kInternal when oneDNN
  /// fails. Shape: pixels as for encode(). Precondition: places_patches(). Source: HESP's released
  /// code (arXiv 2404.17100).
  Result<std::vector<PromptPlace>> places(const float* pixels, std::int64_t count,
                                          Session& session) const;

  struct Impl;  ///< one per kind of tower

 private:
  ImageEncoder(std::unique_ptr<Impl> impl, std::unique_ptr<const PixelPatch> patch, int views);
  Status encode_as_is(const float* pixels, std::int64_t count, float* out, Session& session,
                      std::span<const PromptPlace> places) const;
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<const PixelPatch> patch_;  // nullptr: none
  int views_;
};

/// A text tower, packed for this CPU. Keeps `weights` for the token table.
/// Threads: immutable; safe from several threads.
class TextEncoder {
 public:
  /// Precondition: check_tensors passed, and there is a text tower. Errors: kInternal when oneDNN
  /// fails.
  static Result<std::shared_ptr<const TextEncoder>> load(
      std::shared_ptr<const checkpoint::Checkpoint> weights, const Architecture& architecture,
      kernels::Precision precision);
  ~TextEncoder();

  /// Tokens per row; width of the output.
  int context() const;
  int embed() const;

  /// Shape: every row holds `context` token ids -> out [rows, embed], not normalised. The output is
  /// read at the first position of the largest id (the end token). Only as many positions as the
  /// longest text has are computed, which changes no result, because the tower is causal. Errors:
  /// kInvalidArgument for an id outside the vocabulary or a row of another length.
  Status encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                Session& session) const;

  struct Impl;  ///< one per kind of tower

 private:
  explicit TextEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mien::engine
