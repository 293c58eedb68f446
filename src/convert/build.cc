#include "convert/build.h"

#include <algorithm>
#include <set>

#include "convert/dfer_clip.h"
#include "convert/exp_clip.h"
#include "convert/features.h"
#include "convert/text_tower.h"
#include "engine/describe.h"

namespace mien::convert {
namespace {

bool is_cancelled(const Options& options) {
  return options.cancel != nullptr && options.cancel->load(std::memory_order_relaxed);
}

Status add_part(const Part& part, const Options& options, ModelTensors& out) {
  for (const checkpoint::TensorSource& row : part.rows) {
    if (is_cancelled(options)) return cancelled("conversion: cancelled; nothing was written");
    MIEN_RETURN_IF_ERROR(add_row(*part.source.checkpoint, row, options.dtype, out));
  }
  return {};
}

Result<Tensor> features_of(const Plan& plan, const std::shared_ptr<const ModelTensors>& tensors) {
  const engine::Architecture& architecture = plan.info.architecture;
  if (!plan.prompts) {
    return label_features(tensors, architecture, *plan.tokenizer, plan.info.labels);
  }
  const auto* bpe = dynamic_cast<const text::BpeTokenizer*>(plan.tokenizer.get());
  MIEN_CHECK(bpe != nullptr);  // DFER-CLIP's own text tower is CLIP's
  return dfer_clip_features(tensors, architecture, *bpe, *plan.prompts);
}

bool has_features(const Plan& plan) {
  return std::any_of(plan.extras.begin(), plan.extras.end(), [](const auto& extra) {
    return extra.first == engine::Bundle::kLabelFeatures;
  });
}

Status fill(const Plan& plan, const Options& options,
            const std::shared_ptr<ModelTensors>& tensors) {
  const engine::Architecture& architecture = plan.info.architecture;
  if (plan.projection) {
    MIEN_RETURN_IF_ERROR(fold_map(*find_projection(*plan.projection->checkpoint), options.dtype,
                                  architecture, *tensors));
  }
  MIEN_RETURN_IF_ERROR(engine::check_tensors(*tensors, architecture, "checkpoint"));
  if (architecture.text && !has_features(plan)) {
    MIEN_ASSIGN_OR_RETURN(Tensor features, features_of(plan, tensors));
    tensors->add(engine::Bundle::kLabelFeatures, std::move(features));
  }
  for (const auto& [name, view] : plan.extras) tensors->add_view(name, view);
  return {};
}

Result<FileHashes> hash_sources(const Source& source, const std::optional<Source>& more) {
  MIEN_ASSIGN_OR_RETURN(const auto files, files_of(source));
  MIEN_ASSIGN_OR_RETURN(FileHashes out, hash_files(files));
  if (more) {
    MIEN_ASSIGN_OR_RETURN(const auto other_files, files_of(*more));
    MIEN_ASSIGN_OR_RETURN(FileHashes others, hash_files(other_files));
    out.merge(others);
  }
  return out;
}

Json hashes_json(const FileHashes& files) {
  Json out = Json::object();
  for (const auto& [name, hash] : files) out.set(name, hash);
  return out;
}

Json make_provenance(const Plan& plan, const Origin& origin) {
  Json from = Json::object();
  from.set("files", hashes_json(origin.files));
  from.set("format", plan.model.source.checkpoint->format());
  from.set("naming", plan.naming);
  if (plan.text) from.set("text_files", hashes_json(origin.text_files));
  // Keeps the provenance of a bundle as source: how it was trained, and what it was converted from.
  Json out = plan.info.provenance;
  if (const Json* before = out.find("converted_from")) from.set("converted_from", *before);
  out.set("converted_from", std::move(from));
  out.set("converted_by", "mien " MIEN_VERSION);
  return out;
}

}  // namespace

Result<std::shared_ptr<const ModelTensors>> read_tensors(const Plan& plan, const Options& options) {
  auto out = std::make_shared<ModelTensors>(plan.model.source.checkpoint);
  const std::string subject = plan.model.source.weights.string();
  const Status model = add_part(plan.model, options, *out);
  if (!model.ok()) return model.with_prefix(subject);
  if (plan.text) {
    out->keep(plan.text->source.checkpoint);
    const Status text = add_part(*plan.text, options, *out);
    if (!text.ok()) return text.with_prefix("--text-from");
  }
  const Status filled = fill(plan, options, out);
  if (!filled.ok()) return filled.with_prefix(subject);
  return std::shared_ptr<const ModelTensors>(std::move(out));
}

Result<engine::BundleContent> make_content(const Plan& plan, const ModelTensors& tensors,
                                           const Options& options) {
  engine::BundleContent out;
  out.info = plan.info;
  engine::Architecture& architecture = out.info.architecture;
  std::set<std::string> dropped;
  if (options.image_only && architecture.text) {
    for (std::string& name : text_tensors(architecture, tensors)) dropped.insert(std::move(name));
    architecture.text.reset();
  }
  for (const std::string& name : tensors.order()) {
    if (!dropped.contains(name)) out.tensors.emplace_back(name, *tensors.find(name));
  }
  if (architecture.text) out.tokenizer = plan.tokenizer->file_text();
  Origin origin;
  MIEN_ASSIGN_OR_RETURN(origin.files, hash_sources(plan.model.source, plan.projection));
  if (plan.text) {
    MIEN_ASSIGN_OR_RETURN(origin.text_files, hash_sources(plan.text->source, std::nullopt));
  }
  origin.dtypes = engine::dtypes_text(out.tensors);
  if (!options.licence.empty()) out.info.licence = options.licence;
  out.info.provenance = make_provenance(plan, origin);
  out.card = make_card(plan, out.info, origin, options.notice);
  return out;
}

}  // namespace mien::convert
