#pragma once

// From an opened source to the content of a bundle.

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/convert_source.h"
#include "mien/engine/bundle.h"
#include "mien/engine/encoders.h"
#include "mien/text/tokenizer.h"

namespace mien::cli {

/// The tensors of a bundle in their order of writing: views of the source where nothing changes,
/// copies where types or layout do. Threads: const after filling.
class ModelTensors final : public checkpoint::Checkpoint {
 public:
  explicit ModelTensors(std::shared_ptr<const checkpoint::Checkpoint> source)
      : source_(std::move(source)) {}

  void add_view(std::string name, const TensorView& view);
  void add(std::string name, Tensor tensor);
  const std::vector<std::string>& order() const { return order_; }

  const std::map<std::string, TensorView, std::less<>>& tensors() const override {
    return tensors_;
  }
  const std::map<std::string, std::string>& metadata() const override {
    return source_->metadata();
  }
  std::string_view format() const override { return source_->format(); }
  void release(const TensorView& part) const override { source_->release(part); }

 private:
  std::shared_ptr<const checkpoint::Checkpoint> source_;
  std::vector<std::string> order_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::vector<Tensor> owned_;
};

/// The sizes of the model, from tensors and configuration. `activation`: "auto", "quick_gelu" or
/// "gelu". What was assumed goes to `notes`. Errors: kUnsupported, kCorrupt.
Result<engine::Architecture> decide_architecture(const Source& source, const Hints& hints,
                                                 const std::string& activation,
                                                 std::vector<std::string>& notes);

/// exp of the stored scale, at most 100 as CLIP clamps it; 100 when there is none.
/// Errors: kCorrupt when it is no usable number.
Result<double> read_logit_scale(const checkpoint::Checkpoint& checkpoint,
                                const std::vector<checkpoint::TensorSource>& plan);

/// Every tensor of the plan as `dtype` (none: as stored; F64 becomes F32), `logit_scale` as F32.
/// Errors: as gather; kInvalidArgument when a number does not fit F16; kCancelled.
Result<std::shared_ptr<ModelTensors>> collect_tensors(
    const Source& source, const std::vector<checkpoint::TensorSource>& plan,
    std::optional<DType> dtype);

/// Tensors of the source that the plan leaves out, without buffers that hold no weights.
std::vector<std::string> left_out(const Source& source,
                                  const std::vector<checkpoint::TensorSource>& plan);

/// Unit text embeddings of all texts of `labels`, in order. Errors: kCorrupt when they are not
/// finite.
Result<Tensor> make_label_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                   const engine::Architecture& architecture,
                                   const text::BpeTokenizer& tokenizer,
                                   const std::vector<text::Label>& labels);

/// The embedding of a fixed grey pattern: shows that the image tower works. Errors: kCorrupt when
/// it is not finite.
Result<std::vector<float>> try_image_tower(const engine::ImageEncoder& encoder);

/// The preprocessing recipe `name` ("auto", "clip", "emoclip", "dfer_clip") for a picture size.
image::PreprocessSpec make_preprocess(const std::string& name, const Hints& hints, int size);

}  // namespace mien::cli
