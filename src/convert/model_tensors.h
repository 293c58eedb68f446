#pragma once

// The tensors of a bundle under construction.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/name_map.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/tensor/tensor.h"

namespace mien::convert {

/// The tensors of a bundle in writing order: views of the source if unchanged, copies if type or
/// layout changes. Threads: const after filling.
class ModelTensors final : public checkpoint::Checkpoint {
 public:
  explicit ModelTensors(std::shared_ptr<const checkpoint::Checkpoint> source)
      : sources_{std::move(source)} {}

  /// Keeps `source` too, for views of it.
  void keep(std::shared_ptr<const checkpoint::Checkpoint> source) {
    sources_.push_back(std::move(source));
  }
  void add_view(std::string name, const TensorView& view);
  void add(std::string name, Tensor tensor);
  /// Precondition: there is a tensor of this name.
  void replace(const std::string& name, Tensor tensor);
  /// Keeps the buffer of `tensor` alive for views of it.
  void own(Tensor tensor) { owned_.push_back(std::move(tensor)); }
  const std::vector<std::string>& order() const { return order_; }

  const std::map<std::string, TensorView, std::less<>>& tensors() const override {
    return tensors_;
  }
  const std::map<std::string, std::string>& metadata() const override {
    return sources_.front()->metadata();
  }
  std::string_view format() const override { return sources_.front()->format(); }
  void release(const TensorView& part) const override {
    for (const auto& source : sources_) source->release(part);
  }

 private:
  std::vector<std::shared_ptr<const checkpoint::Checkpoint>> sources_;  // the first is the model's
  std::vector<std::string> order_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::vector<Tensor> owned_;  // moving a tensor does not move its buffer, so the views stay valid
};

/// A float32 tensor as another type. Errors: kInvalidArgument when a number does not fit F16.
Result<Tensor> cast_tensor(Tensor source, DType dtype, const std::string& name);

/// Adds one row of a plan to `out` as `dtype` (none: as stored; F64 becomes F32). `logit_scale`,
/// scales of int8 weights and what is stored in int8 keep their type. Errors: as gather;
/// kInvalidArgument when a number does not fit F16.
Status add_row(const checkpoint::Checkpoint& from, const checkpoint::TensorSource& row,
               std::optional<DType> dtype, ModelTensors& out);

}  // namespace mien::convert
