#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/methods/method.h"
#include "nn/tower.h"
#include "text/tokenizer.h"

namespace mien::methods {

/// Both towers of a bundle in trainable form, of any kinds. Running statistics stay as they are.
/// Threads: not thread-safe.
class Towers {
 public:
  /// Errors: those of the bundle; kUnsupported without a text tower.
  static Result<Towers> load(const std::filesystem::path& path);

  const engine::Bundle& bundle() const { return *bundle_; }
  const engine::Architecture& architecture() const { return bundle_->info().architecture; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }

  /// Shape: pixels [N, 3, S, S] -> [N, embed], not normalised. Without autograd the engine's tower
  /// is taken as long as `frozen` says that the weights are the bundle's.
  torch::Tensor images(const torch::Tensor& pixels, bool frozen);
  /// Shape: ids [N, L] int64 -> input vectors of the text tower [N, L, W].
  torch::Tensor token_vectors(const torch::Tensor& ids) const;
  /// Shape: vectors [N, L, W] of whole texts of one length -> [N, embed], not normalised.
  torch::Tensor texts_of(const torch::Tensor& vectors);
  /// The unit embedding of one written text. Shape: -> [embed]. Errors: those of framed().
  Result<torch::Tensor> unit_text(const std::string& text);
  bool has_first_map() const;
  /// See nn::ImageTowerModule::first_map. Precondition: has_first_map().
  torch::Tensor first_map(const torch::Tensor& pixels);
  /// The same of texts of several lengths. Shape: vectors [N, L, W], zero behind the end of a text;
  /// lengths [N] int64 -> [N, embed].
  torch::Tensor texts_of(const torch::Tensor& vectors, const torch::Tensor& lengths);
  /// What the text tower says of written texts, without autograd. Shape: -> [texts, embed], not
  /// normalised. Errors: those of framed().
  Result<torch::Tensor> texts(const std::vector<std::string>& texts);

  /// Width of an input vector of the text tower.
  std::int64_t token_width() const;
  /// Ids of a text as the tower wants them, start and end tokens included, not padded.
  /// Errors: those of the tokenizer; kInvalidArgument when it is longer than the context.
  Result<std::vector<std::int32_t>> framed(std::vector<std::int32_t> ids,
                                           std::string_view subject) const;

  /// Parameters and running statistics as a bundle names them ("visual.*").
  NamedTorchTensors image_tensors() const;
  /// Trainable parameters of the text tower; their names are for tests and messages.
  NamedTorchTensors text_tensors() const;

  /// Vectors of all vocabulary entries that are words, and what they read as.
  struct Vocabulary {
    torch::Tensor vectors;  ///< [entries, W]
    std::vector<std::string> words;
  };
  Vocabulary vocabulary() const;

 private:
  std::shared_ptr<const engine::Bundle> bundle_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::shared_ptr<const engine::ImageEncoder> packed_;
  std::shared_ptr<engine::Session> session_;
  std::shared_ptr<nn::ImageTowerModule> image_;
  std::shared_ptr<nn::TextTowerModule> text_;
};

}  // namespace mien::methods
