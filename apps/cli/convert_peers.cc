#include "cli/convert_peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "mien/engine/projection.h"
#include "mien/kernels/ops.h"
#include "mien/text/prompt_ensembles.h"

namespace mien::cli {
namespace {

const std::vector<std::string> kClasses = {"happiness", "sadness",      "neutral",       "anger",
                                           "surprise",  "disgust",      "fear",          "contempt",
                                           "anxiety",   "helplessness", "disappointment"};
constexpr std::size_t kSeven = 7;
constexpr float kSameVector = 1e-5F;
constexpr const char* kTokenTable = "token_embedding.weight";

std::vector<std::string> first_classes(std::size_t count) {
  return {kClasses.begin(), kClasses.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::int64_t tokens_of(const checkpoint::DferClipParts& parts) {
  return parts.contexts.dim(parts.contexts.rank() - 2);
}

// Start, M places for the learned tokens, the text, end.
Result<std::vector<std::int32_t>> framed(const text::BpeTokenizer& tokenizer,
                                         const std::string& text, std::int64_t tokens,
                                         int context) {
  MIEN_ASSIGN_OR_RETURN(const auto written, tokenizer.encode(text));
  std::vector<std::int32_t> out = {tokenizer.start_token()};
  out.insert(out.end(), static_cast<std::size_t>(tokens), 0);
  out.insert(out.end(), written.begin(), written.end());
  out.push_back(tokenizer.end_token());
  if (out.size() > static_cast<std::size_t>(context)) {
    return invalid_argument(
        fmt::format("'{}' with {} learned tokens needs {} places (expected at most {})", text,
                    tokens, out.size(), context));
  }
  return out;
}

// The file holds what stands behind the learned tokens: it must be the text that we put there.
Status check_suffix(const std::vector<float>& suffix, const std::vector<float>& table,
                    const std::vector<std::int32_t>& ids, std::size_t rest, std::size_t row,
                    std::size_t first, std::size_t width, const std::string& text) {
  for (std::size_t i = first; i < ids.size(); ++i) {
    const float* stored = suffix.data() + (row * rest + i - first) * width;
    const float* ours = table.data() + static_cast<std::size_t>(ids[i]) * width;
    for (std::size_t w = 0; w < width; ++w) {
      if (std::abs(stored[w] - ours[w]) <= kSameVector) continue;
      return corrupt(fmt::format(
          "'prompt_learner.token_suffix' is not of the text '{}' for class {} (expected --labels "
          "with the texts of the training, in their order)",
          text, row + 1));
    }
  }
  return {};
}

Result<std::vector<float>> values_of(const TensorView& view) {
  std::vector<float> out(view.size());
  MIEN_RETURN_IF_ERROR(copy_to_f32(view, out));
  return out;
}

// The weights with vectors as words in front of all others, so that the end token stays the last.
Result<std::shared_ptr<const checkpoint::Checkpoint>> with_more_words(
    std::shared_ptr<const checkpoint::Checkpoint> weights, const TensorView& vectors) {
  const TensorView& table = *weights->find(kTokenTable);
  const auto added = static_cast<std::int64_t>(vectors.size()) / table.dim(1);
  Tensor words(DType::kF32, {added + table.dim(0), table.dim(1)});
  MIEN_RETURN_IF_ERROR(copy_to_f32(vectors, words.f32().first(vectors.size())));
  MIEN_RETURN_IF_ERROR(copy_to_f32(table, words.f32().subspan(vectors.size())));
  auto out = std::make_shared<ModelTensors>(weights);
  for (const auto& [name, view] : weights->tensors()) {
    if (name != kTokenTable) out->add_view(name, view);
  }
  out->add(kTokenTable, std::move(words));
  return std::shared_ptr<const checkpoint::Checkpoint>(std::move(out));
}

}  // namespace

Result<text::LabelSet> dfer_clip_labels(std::int64_t classes, const std::string& flag) {
  const auto count = static_cast<std::size_t>(classes);
  if (flag == kDefaultLabels) {
    if (count == kSeven || count == kSeven + 1 || count == kClasses.size()) {
      return text::facial_descriptors(first_classes(count));
    }
    return invalid_argument(
        fmt::format("--labels: the checkpoint has {} classes (expected their names and texts in "
                    "order; those of 7, 8 and 11 classes are known)",
                    classes));
  }
  MIEN_ASSIGN_OR_RETURN(text::LabelSet out, text::load_labels(flag));
  const bool plain = std::all_of(out.labels.begin(), out.labels.end(),
                                 [](const text::Label& label) { return !label.texts.empty(); });
  if (out.labels.size() != count || !plain) {
    return invalid_argument(
        fmt::format("--labels: has {} labels (expected {} without compounds, as the checkpoint)",
                    out.labels.size(), classes));
  }
  for (text::Label& label : out.labels) label.texts.resize(1);
  return out;
}

std::string with_learned_tokens(const std::string& text, const checkpoint::DferClipParts& parts) {
  return fmt::format("{} (and {} learned tokens)", text, tokens_of(parts));
}

Result<Tensor> dfer_clip_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                  const engine::Architecture& architecture,
                                  const text::BpeTokenizer& tokenizer,
                                  const std::vector<text::Label>& labels,
                                  const checkpoint::DferClipParts& parts) {
  const std::int64_t width = architecture.text->width, tokens = tokens_of(parts);
  const std::int64_t context = architecture.text->context, first = 1 + tokens;
  if (parts.suffix.dim(2) != width || first + parts.suffix.dim(1) != context) {
    return corrupt(
        fmt::format("'prompt_learner.token_suffix' has shape {} (expected [classes, {}, {}], as "
                    "the text tower)",
                    to_string(parts.suffix.shape()), context - first, width));
  }
  MIEN_ASSIGN_OR_RETURN(const auto suffix, values_of(parts.suffix));
  MIEN_ASSIGN_OR_RETURN(const auto table, values_of(*parts.model->find(kTokenTable)));
  const auto added = static_cast<std::int64_t>(parts.contexts.size()) / width;
  std::vector<std::vector<std::int32_t>> rows;
  for (const text::Label& label : labels) {
    const std::string& text = label.texts.front();
    MIEN_ASSIGN_OR_RETURN(auto ids, framed(tokenizer, text, tokens, static_cast<int>(context)));
    MIEN_RETURN_IF_ERROR(
        check_suffix(suffix, table, ids, static_cast<std::size_t>(parts.suffix.dim(1)), rows.size(),
                     static_cast<std::size_t>(first), static_cast<std::size_t>(width), text));
    const std::int64_t own =
        parts.contexts.rank() == 2 ? 0 : static_cast<std::int64_t>(rows.size()) * tokens;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(ids.size()); ++i) {
      std::int32_t& id = ids[static_cast<std::size_t>(i)];
      const bool learned = i > 0 && i < first;
      id = static_cast<std::int32_t>(learned ? own + i - 1 : added + id);
    }
    ids.resize(static_cast<std::size_t>(context), 0);
    rows.push_back(std::move(ids));
  }
  engine::Architecture longer = architecture;
  longer.text->vocabulary += static_cast<int>(added);
  MIEN_ASSIGN_OR_RETURN(auto extended, with_more_words(std::move(weights), parts.contexts));
  MIEN_ASSIGN_OR_RETURN(const auto encoder, engine::TextEncoder::load(std::move(extended), longer,
                                                                      kernels::Precision::kF32));
  Tensor out(DType::kF32, {static_cast<std::int64_t>(rows.size()), encoder->embed()});
  engine::Session session;
  MIEN_RETURN_IF_ERROR(encoder->encode(rows, out.f32().data(), session));
  if (!std::all_of(out.f32().begin(), out.f32().end(), [](float v) { return std::isfinite(v); })) {
    return corrupt("the text tower gives numbers that are not finite");
  }
  kernels::l2_normalize_rows(out.f32().data(), out.dim(0), out.dim(1));
  return out;
}

const TensorView* find_projection(const checkpoint::Checkpoint& checkpoint) {
  constexpr std::array<std::string_view, 3> kNames = {"mlp.weight", "projection_head.mlp.weight",
                                                      "module.projection_head.mlp.weight"};
  for (const std::string_view name : kNames) {
    const TensorView* found = checkpoint.find(name);
    if (found != nullptr && found->rank() == 2) return found;
  }
  return nullptr;
}

Result<text::LabelSet> exp_clip_labels(const std::string& flag) {
  if (flag != kDefaultLabels) return text::load_labels(flag);
  return text::prompt_ensemble("P3", first_classes(kSeven));
}

Status fold_projection(const TensorView& map, std::optional<DType> dtype,
                       engine::Architecture& architecture, ModelTensors& tensors) {
  if (architecture.temporal || architecture.regression) {
    return invalid_argument("--projection: the source has more than two towers (expected a CLIP)");
  }
  if (map.dim(1) != architecture.embed) {
    return invalid_argument(
        fmt::format("--projection: is for embeddings of width {} (expected {}, as the towers)",
                    map.dim(1), architecture.embed));
  }
  for (const std::string& name : engine::joint_projections(architecture)) {
    MIEN_ASSIGN_OR_RETURN(Tensor folded, engine::fold_projection(*tensors.find(name), map));
    const DType target = dtype.value_or(DType::kF32);
    MIEN_ASSIGN_OR_RETURN(Tensor ready, cast_tensor(std::move(folded), target, name));
    tensors.replace(name, std::move(ready));
  }
  architecture.embed = static_cast<int>(map.dim(0));
  return architecture.validate("--projection");
}

}  // namespace mien::cli
