#include "cli/convert_peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <span>

#include "mien/engine/projection.h"
#include "mien/kernels/ops.h"
#include "mien/text/prompt_ensembles.h"
#include "mien/text/prompts.h"

namespace mien::cli {
namespace {

const std::vector<std::string> kClasses = {"happiness", "sadness",      "neutral",       "anger",
                                           "surprise",  "disgust",      "fear",          "contempt",
                                           "anxiety",   "helplessness", "disappointment"};
constexpr std::size_t kSeven = 7;
constexpr float kSameVector = 1e-5F;
constexpr const char* kTokenTable = "token_embedding.weight";
// The name that DFER-CLIP's own parser has for it.
constexpr const char* kPosition = "class_token_position";
constexpr const char* kKe2ntPrompt = "a photo of a person making {a} {class} facial expression.";
constexpr const char* kKe2ntClasses = "surprise,fear,disgust,happiness,sadness,anger,neutral";

std::vector<std::string> first_classes(std::size_t count) {
  return {kClasses.begin(), kClasses.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::int64_t tokens_of(const checkpoint::DferClipParts& parts) {
  return parts.contexts.dim(parts.contexts.rank() - 2);
}

// One class's input of the text tower.
struct FramedText {
  std::vector<std::int32_t> ids;      // start, text and places of learned tokens, end
  std::vector<std::int32_t> written;  // what the file stores behind the start and M places
  std::size_t before = 0;             // learned tokens before the text; the others follow it
};

// The published code keeps start and end of "X ... X text" and puts the M learned tokens behind the
// text (front), around it (middle) or before it (end).
Result<FramedText> framed(const text::BpeTokenizer& tokenizer, const std::string& text,
                          std::size_t tokens, int context, const std::string& position) {
  FramedText out;
  MIEN_ASSIGN_OR_RETURN(out.written, tokenizer.encode(text));
  out.before = position == "front" ? 0 : position == "middle" ? tokens / 2 : tokens;
  out.ids = {tokenizer.start_token()};
  out.ids.insert(out.ids.end(), out.before, 0);
  out.ids.insert(out.ids.end(), out.written.begin(), out.written.end());
  out.ids.insert(out.ids.end(), tokens - out.before, 0);
  out.ids.push_back(tokenizer.end_token());
  out.written.push_back(tokenizer.end_token());
  if (out.ids.size() > static_cast<std::size_t>(context)) {
    return invalid_argument(
        fmt::format("'{}' with {} learned tokens needs {} places (expected at most {})", text,
                    tokens, out.ids.size(), context));
  }
  return out;
}

// The file holds the vectors of the text and the end, whatever the position: they must be ours.
Status check_suffix(std::span<const float> suffix, const std::vector<float>& table,
                    const FramedText& framed, std::size_t width, const text::Label& label) {
  for (std::size_t i = 0; i < framed.written.size(); ++i) {
    const float* stored = suffix.data() + i * width;
    const float* ours = table.data() + static_cast<std::size_t>(framed.written[i]) * width;
    for (std::size_t w = 0; w < width; ++w) {
      if (std::abs(stored[w] - ours[w]) <= kSameVector) continue;
      return corrupt(fmt::format(
          "'prompt_learner.token_suffix' is not of the text '{}' for class '{}' (expected --labels "
          "with the texts of the training, in their order)",
          label.texts.front(), label.name));
    }
  }
  return {};
}

// Ids of the words that stand for learned tokens: `own` is the first of the class.
void place_learned(FramedText& framed, std::int64_t own, std::int64_t added, std::size_t tokens) {
  const std::size_t text = framed.written.size() - 1;
  std::int64_t next = own;
  for (std::size_t i = 0; i < framed.ids.size(); ++i) {
    const bool first_part = i > 0 && i <= framed.before;
    const bool second_part = i > framed.before + text && i <= tokens + text;
    std::int32_t& id = framed.ids[i];
    id = static_cast<std::int32_t>(first_part || second_part ? next++ : added + id);
  }
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

Result<std::string> dfer_clip_position(const checkpoint::Checkpoint& file,
                                       const std::string& flag) {
  const auto found = file.metadata().find(kPosition);
  const std::string said = found == file.metadata().end() ? std::string() : found->second;
  if (said.empty() && flag.empty()) {
    return invalid_argument(
        "does not say where the text of a class stands among its learned tokens (expected "
        "--class-token-position end, as in the published scripts, or front or middle)");
  }
  if (!said.empty() && said != "end" && said != "front" && said != "middle") {
    return unsupported(
        fmt::format("'{}' is '{}' (expected end, front or middle)", kPosition, said));
  }
  if (!said.empty() && !flag.empty() && said != flag) {
    return invalid_argument(fmt::format(
        "--class-token-position: is '{}' (expected '{}', as the file says)", flag, said));
  }
  return flag.empty() ? said : flag;
}

Result<Tensor> dfer_clip_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                  const engine::Architecture& architecture,
                                  const text::BpeTokenizer& tokenizer,
                                  const std::vector<text::Label>& labels,
                                  const checkpoint::DferClipParts& parts,
                                  const std::string& position) {
  const std::int64_t width = architecture.text->width, tokens = tokens_of(parts);
  const std::int64_t context = architecture.text->context, first = 1 + tokens;
  const std::int64_t rest = parts.suffix.dim(1);
  if (parts.suffix.dim(2) != width || first + rest != context) {
    return corrupt(
        fmt::format("'prompt_learner.token_suffix' has shape {} (expected [classes, {}, {}], as "
                    "the text tower)",
                    to_string(parts.suffix.shape()), context - first, width));
  }
  MIEN_ASSIGN_OR_RETURN(const auto suffix, values_of(parts.suffix));
  MIEN_ASSIGN_OR_RETURN(const auto table, values_of(*parts.model->find(kTokenTable)));
  const auto added = static_cast<std::int64_t>(parts.contexts.size()) / width;
  const auto each = static_cast<std::size_t>(rest * width);
  std::vector<std::vector<std::int32_t>> rows;
  for (const text::Label& label : labels) {
    MIEN_ASSIGN_OR_RETURN(FramedText framed_text,
                          framed(tokenizer, label.texts.front(), static_cast<std::size_t>(tokens),
                                 static_cast<int>(context), position));
    MIEN_RETURN_IF_ERROR(check_suffix(std::span(suffix).subspan(rows.size() * each, each), table,
                                      framed_text, static_cast<std::size_t>(width), label));
    const std::int64_t own =
        parts.contexts.rank() == 2 ? 0 : static_cast<std::int64_t>(rows.size()) * tokens;
    place_learned(framed_text, own, added, static_cast<std::size_t>(tokens));
    framed_text.ids.resize(static_cast<std::size_t>(context), 0);
    rows.push_back(std::move(framed_text.ids));
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

bool is_ke2nt(const checkpoint::Checkpoint& checkpoint) {
  return std::any_of(checkpoint.tensors().begin(), checkpoint.tensors().end(),
                     [](const auto& item) { return item.first.ends_with("MLP.fc1.weight"); });
}

Result<text::LabelSet> ke2nt_labels(const std::string& flag) {
  const bool published = flag == kDefaultLabels;
  MIEN_ASSIGN_OR_RETURN(text::LabelSet out, text::load_labels(published ? kKe2ntClasses : flag));
  std::error_code error;
  if (std::filesystem::is_regular_file(flag, error)) return out;
  for (text::Label& label : out.labels) {
    if (label.parts.empty()) label.texts = {text::class_prompt(kKe2ntPrompt, label.name)};
  }
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
