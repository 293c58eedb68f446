#include "nn/words.h"

#include <ATen/ATen.h>

#include <cmath>

#include "nn/layers.h"

namespace mien::nn {

WordTowerImpl::WordTowerImpl(const WordTowerOptions& options, const torch::Tensor& table)
    : options_(options), table_(table) {
  const int width = options.width;
  const double scale = 1.0 / std::sqrt(static_cast<double>(width));
  // As long as the word vectors when about five trigrams are averaged.
  buckets_ = register_parameter("buckets", torch::randn({options.buckets, options.word_width}));
  add_linear(*this, "input", options.word_width, width, input_weight_, &input_bias_);
  class_embedding_ = register_parameter("class_embedding", torch::randn({width}) * scale);
  positional_embedding_ =
      register_parameter("positional_embedding", torch::randn({options.context + 1, width}) * 0.02);
  transformer_ = register_module(
      "transformer", std::make_shared<ResidualBlocks>(width, options.layers, options.heads,
                                                      options.mlp, options.activation));
  add_norm(*this, "ln_final", width, ln_final_weight_, ln_final_bias_);
  projection_ = register_parameter("projection", torch::randn({width, options.embed}) * scale);
  bag_ = register_parameter(
      "bag", torch::randn({options.word_width, options.embed}) / std::sqrt(options.word_width));
}

torch::Tensor WordTowerImpl::token_vectors(const torch::Tensor& ids) const {
  const std::int64_t words = table_.size(0);
  const torch::Tensor known = at::embedding(table_, (ids - 1).clamp(0, words - 1));
  const torch::Tensor spelt = at::embedding(buckets_, (ids - 1 - words).clamp_min(0));
  const torch::Tensor out = at::where(ids.gt(words).unsqueeze(-1), spelt, known);
  return out * ids.ne(0).unsqueeze(-1).to(out.scalar_type());
}

torch::Tensor WordTowerImpl::forward(const torch::Tensor& ids) {
  const torch::Tensor used = ids.ne(0);
  // Nothing behind the longest text of the batch is computed.
  const std::int64_t length = used.sum(1).max().item<std::int64_t>();
  return forward_vectors(token_vectors(ids.narrow(1, 0, length)), used.narrow(1, 0, length));
}

torch::Tensor WordTowerImpl::forward_vectors(const torch::Tensor& words,
                                             const torch::Tensor& used) {
  const std::int64_t count = words.size(0), length = words.size(1);
  const torch::Tensor lengths = used.sum(1).clamp_min(1).unsqueeze(1);
  const torch::Tensor mean = words.sum(1) / lengths;
  torch::Tensor x = at::linear(words, input_weight_, input_bias_);
  const torch::Tensor first = class_embedding_.expand({count, 1, options_.width});
  x = at::cat({first.to(x.scalar_type()), x}, 1) + positional_embedding_.narrow(0, 0, length + 1);
  const torch::Tensor hidden =
      at::cat({torch::zeros({count, 1}, torch::kBool), used.logical_not()}, 1);
  const torch::Tensor mask =
      torch::zeros({count, 1, 1, length + 1}).masked_fill(hidden.unsqueeze(1).unsqueeze(1), -1e9);
  x = transformer_->forward(x, mask.to(x.scalar_type()));
  return at::matmul(norm(x.select(1, 0), ln_final_weight_, ln_final_bias_), projection_) +
         at::matmul(mean, bag_);
}

torch::Tensor WordTowerImpl::encode_vectors(const torch::Tensor& vectors,
                                            const torch::Tensor& lengths) {
  const torch::Tensor places = torch::arange(vectors.size(1), torch::kInt64);
  return forward_vectors(vectors, places.unsqueeze(0).lt(lengths.unsqueeze(1)));
}

torch::Tensor WordTowerImpl::whole_table() const {
  return at::cat({torch::zeros({1, options_.word_width}), table_, buckets_.detach()}, 0);
}

}  // namespace mien::nn
