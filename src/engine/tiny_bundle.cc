#include "engine/tiny_bundle.h"

#include <cmath>

#include "mien/core/rng.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "text/tiny_vocabulary.h"
#include "text/tokenizer.h"

namespace mien::engine {
namespace {

constexpr const char* kCard = R"(# Tiny random bundle

The weights are random numbers. It has small versions of CLIP's towers, so that every part of mien can be tried and tested
without a download. **Its answers mean nothing.**

mien describes how a face looks, not what a person feels.
)";

Architecture tiny_architecture(int vocabulary, const TinyBundleOptions& options) {
  Architecture out;
  out.embed = 32;
  out.image =
      VitSizes{.image_size = 32, .patch = 8, .width = 64, .layers = 2, .heads = 4, .mlp = 128};
  if (options.text_tower) {
    out.text = ClipTextSizes{
        .context = 77, .vocabulary = vocabulary, .width = 64, .layers = 2, .heads = 4, .mlp = 128};
  }
  if (options.temporal) {
    out.temporal = TemporalTransformerSizes{
        .width = 32, .layers = 2, .heads = 2, .head_width = 32, .mlp = 32, .positions = 16};
  }
  if (!options.targets.empty()) {
    out.regression =
        RegressionHead{.hidden = 16, .targets = static_cast<int>(options.targets.size())};
  }
  return out;
}

bool ends_with(const std::string& name, const char* suffix) { return name.ends_with(suffix); }

// Norm gains are one, biases zero, the rest normal with a scale that keeps activations near one.
Tensor random_tensor(const ExpectedTensor& expected, Rng& rng) {
  Tensor out(DType::kF32, expected.shape);
  const bool norm =
      expected.name.find("ln_") != std::string::npos || ends_with(expected.name, "norm.weight");
  if (ends_with(expected.name, "bias")) return out;
  double scale = 1.0;
  if (!norm && expected.shape.size() >= 2) {
    const auto count = static_cast<double>(out.size());
    scale = 1.0 / std::sqrt(count / static_cast<double>(expected.shape[0]));
    if (ends_with(expected.name, "conv1.weight")) scale *= 2.0;
  }
  for (float& v : out.f32()) v = norm ? 1.0F : static_cast<float>(scale * rng.normal());
  return out;
}

}  // namespace

Status write_tiny_bundle(const std::filesystem::path& path, const TinyBundleOptions& options) {
  const std::string merges(text::tiny_merges_text());
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer,
                        text::parse_bpe_merges(std::as_bytes(std::span(merges))));
  BundleContent content;
  BundleInfo& info = content.info;
  info.name = "tiny-random";
  info.architecture = tiny_architecture(tokenizer->vocabulary_size(), options);
  if (options.temporal) {
    info.sampling = {.rule = video::SamplingRule::kStridedWindow, .frames = 8, .stride = 2};
  }
  info.preprocess = image::PreprocessSpec::clip(info.architecture.image_size());
  info.labels = text::find_builtin_labels("basic7")->labels;
  for (const std::string& target : options.targets) info.targets.push_back({.name = target});
  info.logit_scale = 10.0;
  info.licence = "CC0-1.0";
  info.provenance.set("weights", "random");
  info.provenance.set("seed", options.seed);
  content.card = kCard;
  if (options.text_tower) content.tokenizer = merges;

  Rng rng(options.seed);
  std::vector<Tensor> tensors;
  const auto expected = expected_tensors(info.architecture);
  tensors.reserve(expected.size() + 1);
  for (const ExpectedTensor& row : expected) {
    tensors.push_back(random_tensor(row, rng));
    content.tensors.emplace_back(row.name, tensors.back().view());
  }
  if (!options.text_tower) {
    // Without a text tower the bundle answers with stored features only.
    std::int64_t texts = 0;
    for (const text::Label& label : info.labels)
      texts += static_cast<std::int64_t>(label.texts.size());
    Tensor features(DType::kF32, {texts, info.architecture.embed});
    for (std::int64_t t = 0; t < texts; ++t) {
      const auto row = features.f32().subspan(static_cast<std::size_t>(t) * 32, 32);
      double squares = 0;
      for (float& v : row) {
        v = static_cast<float>(rng.normal());
        squares += static_cast<double>(v) * static_cast<double>(v);
      }
      for (float& v : row) v = static_cast<float>(static_cast<double>(v) / std::sqrt(squares));
    }
    tensors.push_back(std::move(features));
    content.tensors.emplace_back(Bundle::kLabelFeatures, tensors.back().view());
  }
  return write_bundle(path, std::move(content), options.overwrite);
}

}  // namespace mien::engine
