// A bundle as the source: it knows itself, so that the question is only what is still true.
#include <fmt/format.h>

#include <algorithm>

#include "convert/clip.h"
#include "convert/labels.h"
#include "convert/model_tensors.h"
#include "convert/plan.h"
#include "convert/regression.h"
#include "convert/text_tower.h"
#include "engine/architecture_parts.h"
#include "engine/stored_precision.h"

namespace mien::convert {
namespace {

using engine::Bundle;
using engine::BundleInfo;
using engine::Reference;

// What the options leave as it was.
struct Kept {
  bool labels = false;
  bool texts = false;  ///< a text becomes the same embedding as before
  bool faces = false;  ///< and so does a face
};

Kept what_is_kept(const BundleInfo& info, const Options& options) {
  Kept out;
  out.labels = !options.labels && !info.labels.empty();
  out.texts = options.projection.empty() && !options.activation;
  out.faces = out.texts && options.preprocess == Preprocess::kAuto;
  return out;
}

bool is_extra(std::string_view name) {
  return name == Bundle::kLabelFeatures || name == Reference::kFaces || name == Reference::kBasis;
}

// Labels whose embeddings cannot be made again from their texts.
bool has_learned_labels(const BundleInfo& info) {
  return !info.learned.empty() || info.method == "dfer-clip" || info.method == "cliper";
}

// The towers' tensors of `file` that `weights` has too, in the order in which they were written:
// the same source gives the same bundle, wherever its tensors lie in memory.
std::vector<checkpoint::TensorSource> rows_of(const checkpoint::Checkpoint& file,
                                              const checkpoint::Checkpoint& weights) {
  std::vector<std::pair<const std::byte*, std::string>> in_file;
  for (const auto& [name, view] : file.tensors()) {
    if (!is_extra(name) && weights.find(name) != nullptr) {
      in_file.emplace_back(view.bytes().data(), name);
    }
  }
  std::sort(in_file.begin(), in_file.end());
  std::vector<checkpoint::TensorSource> out;
  for (auto& [data, name] : in_file) out.push_back({name, {name}});
  return out;
}

// Floating weights instead of those stored in int8, which no other type can be made from directly.
Result<std::shared_ptr<const checkpoint::Checkpoint>> without_int8(
    const std::shared_ptr<const checkpoint::Checkpoint>& weights) {
  const auto& tensors = weights->tensors();
  const bool int8 = std::any_of(tensors.begin(), tensors.end(), [](const auto& item) {
    return item.second.dtype() == DType::kI8 && engine::takes_int8(item.first);
  });
  if (!int8) return weights;
  MIEN_ASSIGN_OR_RETURN(auto floats, engine::store_as(*weights, kernels::Precision::kF32));
  auto out = std::make_shared<ModelTensors>(weights);
  for (const auto& [name, view] : floats.tensors) out->add_view(name, view);
  for (Tensor& tensor : floats.owned) out->own(std::move(tensor));
  return std::shared_ptr<const checkpoint::Checkpoint>(std::move(out));
}

// Other labels than its own. What was fitted or learned for the old ones does not go with them.
Status replace_labels(const std::string& subject, const Options& options, Plan& plan) {
  BundleInfo& info = plan.info;
  const engine::Architecture& architecture = info.architecture;
  if (architecture.reciprocal || (architecture.prompt && architecture.prompt->labels > 0)) {
    return invalid_argument(
        "--labels: " + subject +
        " has weights that were learned for each of its labels (expected no --labels)");
  }
  if (!architecture.text && options.text_from.empty()) {
    if (!options.labels) return {};
    return invalid_argument("--labels: " + subject +
                            " has no text tower (expected --text-from CLIP to encode them)");
  }
  MIEN_ASSIGN_OR_RETURN(text::LabelSet labels, options.projection.empty()
                                                   ? plain_labels(options)
                                                   : exp_clip_labels(options));
  const bool fitted = info.temperature != 1 || info.unknown.threshold;
  info.labels = std::move(labels.labels);
  info.learned.clear();
  info.reduce = engine::Reduce::kMeanEmbedding;
  info.temperature = 1;
  info.unknown = {};
  if (fitted) {
    plan.notes.emplace_back(
        "the temperature and the threshold of *unknown* of the source belong to its own labels and "
        "are not kept");
  }
  return {};
}

// Its own labels, in a space that may have changed.
Status keep_labels(const Bundle& bundle, const std::string& subject, const Kept& kept,
                   const Options& options, Plan& plan) {
  BundleInfo& info = plan.info;
  const TensorView* features = bundle.label_features();
  if (kept.texts) {
    if (features != nullptr) plan.extras.emplace_back(Bundle::kLabelFeatures, *features);
    return {};
  }
  if (has_learned_labels(info)) {
    return invalid_argument(
        subject +
        ": its labels were learned, and their texts alone are not the same (expected "
        "--labels with others, or neither --activation nor --projection)");
  }
  if (!info.architecture.text && options.text_from.empty()) {
    return invalid_argument(
        subject +
        ": its labels cannot be encoded again, as it has no text tower (expected neither "
        "--activation nor --projection, or --text-from CLIP)");
  }
  if (info.temperature != 1 || info.unknown.threshold) {
    info.temperature = 1;
    info.unknown = {};
    plan.notes.emplace_back(
        "the temperature and the threshold of *unknown* of the source belong to its own embeddings "
        "and are not kept");
  }
  return {};
}

void keep_reference(const Bundle& bundle, const Kept& kept, Plan& plan) {
  if (!plan.info.reference) return;
  if (!kept.faces) {
    plan.info.reference.reset();
    plan.notes.emplace_back(
        "the reference of faces behind *unknown* is not kept (`mien export --reference` makes "
        "one)");
    return;
  }
  for (const char* name : {Reference::kFaces, Reference::kBasis}) {
    plan.extras.emplace_back(name, *bundle.weights().find(name));
  }
}

// What the user wants otherwise, besides labels and types.
Status change_settings(const Options& options, BundleInfo& info) {
  if (options.activation) {
    if (!engine::set_activation(info.architecture, *options.activation)) {
      return invalid_argument(
          "--activation: no tower of this bundle has a choice (expected CLIP's)");
    }
  }
  if (options.preprocess != Preprocess::kAuto) {
    info.preprocess = preprocess_of(options.preprocess, info.architecture.image_size());
  }
  if (options.targets.empty()) return {};
  if (!info.architecture.regression) {
    return invalid_argument(
        "--targets: the source has no regression head (expected 'mlp.0.weight')");
  }
  auto targets = name_targets(options.targets, info.architecture.regression->targets);
  if (!targets.ok()) return targets.status();
  info.targets = std::move(targets).value();
  return {};
}

Result<Plan> with_bundle_words(Plan plan, const Options& options) {
  const engine::Architecture& architecture = plan.info.architecture;
  if (architecture.text || !options.text_from.empty() || plan.info.labels.empty()) {
    return with_words(std::move(plan), options);
  }
  return plan;  // no text tower, but labels with stored features
}

}  // namespace

Result<Plan> plan_bundle(const Source& source, const OwnBundle& kind, const Options& options) {
  const Bundle& bundle = *kind.bundle;
  const std::string subject = source.weights.string();
  Plan out;
  out.info = bundle.info();
  BundleInfo& info = out.info;
  const Kept kept = what_is_kept(info, options);
  MIEN_RETURN_IF_ERROR(change_settings(options, info));
  MIEN_RETURN_IF_ERROR(kept.labels ? keep_labels(bundle, subject, kept, options, out)
                                   : replace_labels(subject, options, out));
  keep_reference(bundle, kept, out);
  out.model.source = source;
  if (options.dtype) {
    MIEN_ASSIGN_OR_RETURN(out.model.source.checkpoint, without_int8(source.checkpoint));
  }
  out.model.rows = rows_of(*source.checkpoint, *out.model.source.checkpoint);
  out.config = source.folder / "bundle.json";
  const auto naming = checkpoint::detect_clip_naming(bundle.weights());
  out.naming = naming == checkpoint::ClipNaming::kUnknown ? "mien" : checkpoint::to_string(naming);
  if (auto card = bundle.card(); card.ok()) out.source_card = std::move(card).value();
  MIEN_ASSIGN_OR_RETURN(out, with_bundle_words(std::move(out), options));
  return with_projection(std::move(out), options);
}

}  // namespace mien::convert
