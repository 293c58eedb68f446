#include "convert/text_tower.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "convert/clip.h"
#include "convert/labels.h"
#include "engine/architecture_parts.h"
#include "engine/stored_precision.h"

namespace mien::convert {
namespace {

using checkpoint::TensorSource;

// The rows of the text tower, without the logit scale.
std::vector<TensorSource> text_rows(const std::vector<TensorSource>& rows) {
  std::vector<TensorSource> out;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(out), [](const TensorSource& row) {
    return !row.name.starts_with("visual.") && row.name != "logit_scale";
  });
  return out;
}

struct OtherModel {
  engine::Architecture architecture;
  std::vector<TensorSource> text;
  double logit_scale = 0;
  std::vector<std::string> notes;
};

Result<OtherModel> read_other(const Source& source, const ClipNames& names,
                              const Options& options) {
  OtherModel out;
  MIEN_ASSIGN_OR_RETURN(const Hints hints, read_hints(source, names.naming, options.limits));
  MIEN_ASSIGN_OR_RETURN(out.architecture, clip_architecture(source, names.naming, hints,
                                                            options.activation, out.notes));
  out.text = text_rows(names.towers);
  auto scale = read_logit_scale(*source.checkpoint, names.towers, out.notes);
  if (!scale.ok()) return scale.status().with_prefix(source.weights.string());
  out.logit_scale = *scale;
  return out;
}

// Its text tower has names of its own, so that no name map is needed.
OtherModel read_other(const engine::Bundle& bundle, const Options& options) {
  OtherModel out;
  out.architecture = bundle.info().architecture;
  out.logit_scale = bundle.info().logit_scale;
  if (!out.architecture.text) return out;
  // Its image tower is not used.
  if (options.activation) engine::set_activation(out.architecture, *options.activation);
  for (const std::string& name : text_tensors(out.architecture, bundle.weights())) {
    out.text.push_back({name, {name}});
  }
  return out;
}

Result<OtherModel> read_other(Source& source, const Options& options) {
  if (source.bundle) return read_other(*source.bundle, options);
  MIEN_ASSIGN_OR_RETURN(const Recognised kind, recognise(source));
  if (const auto* clip = std::get_if<Clip>(&kind)) return read_other(source, clip->names, options);
  if (const auto* emoclip = std::get_if<EmoClip>(&kind)) {
    return read_other(source, emoclip->names, options);
  }
  if (const auto* dfer = std::get_if<DferClip>(&kind)) {
    source.checkpoint = dfer->parts.model;
    return read_other(source, dfer->names, options);
  }
  return unsupported(source.weights.string() + ": has no text tower (expected a whole CLIP model)");
}

}  // namespace

std::vector<std::string> text_tensors(const engine::Architecture& architecture,
                                      const checkpoint::Checkpoint& weights) {
  engine::Architecture without = architecture;
  without.text.reset();
  std::set<std::string> others;
  for (const auto& tensor : engine::expected_tensors(without)) others.insert(tensor.name);
  std::vector<std::string> out;
  for (const auto& tensor : engine::expected_tensors(architecture)) {
    if (others.contains(tensor.name)) continue;
    out.push_back(tensor.name);
    const std::string scale = tensor.name + engine::kScaleSuffix;
    if (engine::takes_int8(tensor.name) && weights.find(scale) != nullptr) out.push_back(scale);
  }
  return out;
}

Result<std::shared_ptr<const text::Tokenizer>> find_tokenizer(const Source& source, int vocabulary,
                                                              const Options& options) {
  const bool given = !options.tokenizer.empty();
  if (source.bundle && !given) return source.bundle->tokenizer();
  auto loaded = text::load_bpe(given ? options.tokenizer : source.folder, options.limits);
  if (!loaded.ok()) {
    if (given) return bad_option("--tokenizer", loaded.status());
    if (loaded.status().code() != StatusCode::kNotFound) return loaded.status();
    return invalid_argument(
        fmt::format("{}: no tokenizer beside the weights (expected --tokenizer with "
                    "bpe_simple_vocab_16e6.txt.gz, a folder of vocab.json and merges.txt, or "
                    "tokenizer.json; --image-only needs it too, to encode the labels once)",
                    source.weights.string()));
  }
  if ((*loaded)->vocabulary_size() != vocabulary) {
    return invalid_argument(fmt::format("{}: has {} tokens (expected {}, as the text tower)",
                                        (given ? options.tokenizer : source.folder).string(),
                                        (*loaded)->vocabulary_size(), vocabulary));
  }
  return std::shared_ptr<const text::Tokenizer>(std::move(loaded).value());
}

Result<OtherText> open_text_from(int embed, const Options& options) {
  const auto with_option = [](const Status& status) { return status.with_prefix("--text-from"); };
  auto source = open_source(options.text_from, options.limits);
  if (!source.ok()) return with_option(source.status());
  auto model = read_other(*source, options);
  if (!model.ok()) return with_option(model.status());
  const std::string subject = source->weights.string();
  const engine::Architecture& architecture = model->architecture;
  if (!architecture.text) {
    return with_option(unsupported(subject + ": has no text tower (expected a whole CLIP model)"));
  }
  if (architecture.embed != embed) {
    return with_option(unsupported(
        fmt::format("{}: gives embeddings of width {} (expected {}, as the image tower)", subject,
                    architecture.embed, embed)));
  }
  OtherText out;
  MIEN_ASSIGN_OR_RETURN(out.tokenizer,
                        find_tokenizer(*source, vocabulary_of(*architecture.text), options));
  out.tower = *architecture.text;
  out.part = {std::move(source).value(), std::move(model->text)};
  out.logit_scale = model->logit_scale;
  out.notes = std::move(model->notes);
  return out;
}

Plan with_text_from(Plan plan, OtherText other) {
  plan.info.architecture.text = other.tower;
  plan.tokenizer = std::move(other.tokenizer);
  plan.notes.push_back(
      fmt::format("the text tower is that of {}: right only if it was not trained further",
                  other.part.source.weights.filename().string()));
  plan.text = std::move(other.part);
  return plan;
}

Result<Plan> with_words(Plan plan, const Options& options) {
  engine::BundleInfo& info = plan.info;
  const Source& source = plan.model.source;
  if (info.architecture.text) {
    if (!options.text_from.empty()) {
      return invalid_argument(
          fmt::format("--text-from: {} has a text tower of its own (expected one without)",
                      source.weights.string()));
    }
    MIEN_ASSIGN_OR_RETURN(plan.tokenizer,
                          find_tokenizer(source, vocabulary_of(*info.architecture.text), options));
    return plan;
  }
  if (!options.text_from.empty()) {
    // What was assumed of that model was said of this one: both are the same CLIP.
    MIEN_ASSIGN_OR_RETURN(OtherText other, open_text_from(info.architecture.embed, options));
    return with_text_from(std::move(plan), std::move(other));
  }
  info.labels.clear();
  plan.notes.push_back(
      fmt::format("no text tower: the bundle has no labels and gives {} (--text-from CLIP takes "
                  "the text tower of the CLIP model that this one was made from)",
                  info.targets.empty() ? "embeddings only" : "the values of its targets"));
  return plan;
}

}  // namespace mien::convert
