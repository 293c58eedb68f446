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
#include "mien/engine/regressor.h"
#include "mien/engine/temporal.h"
#include "mien/text/tokenizer.h"

namespace mien::cli {

/// The tensors of a bundle in their order of writing: views of the source where nothing changes,
/// copies where types or layout do. Threads: const after filling.
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
  std::vector<Tensor> owned_;
};

/// The sizes of the model, from tensors and configuration. `activation`: "auto", "quick_gelu" or
/// "gelu". What was assumed goes to `notes`. Errors: kUnsupported, kCorrupt.
Result<engine::Architecture> decide_architecture(const Source& source, const Hints& hints,
                                                 const std::string& activation,
                                                 std::vector<std::string>& notes);

/// exp of the stored scale as it was trained, or 100 without one. A missing scale, and one above
/// CLIP's own 100, are told in `notes`. Errors: kCorrupt when it is not a usable number.
Result<double> read_logit_scale(const checkpoint::Checkpoint& checkpoint,
                                const std::vector<checkpoint::TensorSource>& plan,
                                std::vector<std::string>& notes);

/// The rows of a plan that belong to the text tower, without the logit scale.
std::vector<checkpoint::TensorSource> text_rows(const std::vector<checkpoint::TensorSource>& plan);

/// The temporal part of `source`, whose names follow `plan` (empty: none). Heads cannot be seen in
/// the tensors: they are EmoCLIP's 8 unless a bundle says otherwise. Errors: kUnsupported,
/// kCorrupt.
Result<std::optional<engine::TemporalTower>> decide_temporal(
    const Source& source, const std::vector<checkpoint::TensorSource>& plan, const Hints& hints);

/// A regression head beside the model: its size, its targets, and where its tensors are.
struct HeadPlan {
  engine::RegressionHead sizes;
  std::vector<engine::RegressionTarget> targets;
  std::vector<checkpoint::TensorSource> plan;
};
/// The head of `source` (`mlp.*`) for embeddings of width `embed`, or none. `names`: of its
/// targets; empty: those of a bundle as source, else target_1, target_2, ... Tensors that are no
/// such head are told in `notes` and left out. Errors: kInvalidArgument for names that are not as
/// many as targets, empty or there twice, or without a head.
Result<std::optional<HeadPlan>> decide_regression(const Source& source, const Hints& hints,
                                                  int embed, const std::vector<std::string>& names,
                                                  std::vector<std::string>& notes);
/// What the head says of two fixed clips. Errors: kCorrupt when it is not finite.
Result<std::vector<float>> try_regressor(const engine::Regressor& head, int embed);

/// EmoCLIP's sampling for evaluation, cut to what the temporal model holds; uniform without one.
video::SamplingSpec make_sampling(const Hints& hints, const engine::Architecture& architecture);

/// A float32 tensor as another type. Errors: kInvalidArgument when a number does not fit F16.
Result<Tensor> cast_tensor(Tensor source, DType dtype, const std::string& name);

/// Adds every tensor of the plan to `out` as `dtype` (none: as stored; F64 becomes F32),
/// `logit_scale` as F32. Errors: as gather; kInvalidArgument when a number does not fit F16;
/// kCancelled.
Status collect_tensors(const Source& source, const std::vector<checkpoint::TensorSource>& plan,
                       std::optional<DType> dtype, ModelTensors& out);

/// Tensors of the source that the plan leaves out, without buffers that hold no weights.
std::vector<std::string> left_out(const Source& source,
                                  const std::vector<checkpoint::TensorSource>& plan);

/// Whether the towers alone give what the source gives: a tensor left out that takes part in its
/// answers (learned prompts, adapters, a patch of pixels) makes another model of it. `allowed`:
/// beginnings of names that may be left out all the same. Errors: kUnsupported naming the first of
/// them, and what is missing from a checkpoint of HESP.
Status check_left_out(const Source& source, const std::vector<std::string>& names,
                      const std::vector<std::string>& allowed, std::int64_t image_size);
/// kUnsupported with what is missing when the source holds the learned pixels of HESP.
Status check_not_hesp(const Source& source, std::int64_t image_size);

/// Unit text embeddings of all texts of `labels`, in order. Errors: kCorrupt when they are not
/// finite.
Result<Tensor> make_label_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                   const engine::Architecture& architecture,
                                   const text::BpeTokenizer& tokenizer,
                                   const std::vector<text::Label>& labels);

/// The embedding of a fixed grey pattern: shows that the image tower works. Errors: kCorrupt when
/// it is not finite.
Result<std::vector<float>> try_image_tower(const engine::ImageEncoder& encoder);

/// The embedding of a clip of two fixed frames. Errors: kCorrupt when it is not finite.
Result<std::vector<float>> try_temporal_model(const engine::TemporalEncoder& encoder, int embed);

/// The preprocessing recipe `name` ("auto", "clip", "emoclip", "dfer_clip") for the picture size of
/// `architecture`. "auto" is EmoCLIP's when there is a temporal model.
image::PreprocessSpec make_preprocess(const std::string& name, const Hints& hints,
                                      const engine::Architecture& architecture);

}  // namespace mien::cli
