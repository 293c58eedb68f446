#include "convert/dfer_clip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "convert/features.h"
#include "convert/labels.h"
#include "convert/model_tensors.h"
#include "convert/text_tower.h"

namespace mien::convert {
namespace {

constexpr float kSameVector = 1e-5F;
constexpr const char* kTokenTable = "token_embedding.weight";
// The name of this position in DFER-CLIP's own parser.
constexpr const char* kPosition = "class_token_position";
constexpr double kDferClipFactor = 100;

std::int64_t tokens_of(const checkpoint::DferClipParts& parts) {
  return parts.contexts.dim(parts.contexts.rank() - 2);
}

// One class's input of the text tower.
struct FramedText {
  std::vector<std::int32_t> ids;      // start, text and room for learned tokens, end
  std::vector<std::int32_t> written;  // what the file stores after the start and M tokens
  std::size_t before = 0;             // learned tokens before the text; the others follow it
};

// The published code keeps start and end of "X ... X text" and puts the M learned tokens after the
// text (front), around it (middle) or before it (end).
Result<FramedText> framed(const text::BpeTokenizer& tokenizer, const std::string& text,
                          std::size_t tokens, int context, TextPosition position) {
  FramedText out;
  MIEN_ASSIGN_OR_RETURN(out.written, tokenizer.encode(text));
  out.before = position == TextPosition::kFront    ? 0
               : position == TextPosition::kMiddle ? tokens / 2
                                                   : tokens;
  out.ids = {tokenizer.start_token()};
  out.ids.insert(out.ids.end(), out.before, 0);
  out.ids.insert(out.ids.end(), out.written.begin(), out.written.end());
  out.ids.insert(out.ids.end(), tokens - out.before, 0);
  out.ids.push_back(tokenizer.end_token());
  out.written.push_back(tokenizer.end_token());
  if (out.ids.size() > static_cast<std::size_t>(context)) {
    return invalid_argument(
        fmt::format("'{}' with {} learned tokens needs {} positions (expected at most {})", text,
                    tokens, out.ids.size(), context));
  }
  return out;
}

// For every position the file stores the vectors of the text and the end; they must equal ours.
Status check_suffix(std::span<const float> suffix, const std::vector<float>& table,
                    const FramedText& framed, std::size_t width, const text::Label& label) {
  for (std::size_t i = 0; i < framed.written.size(); ++i) {
    const float* stored = suffix.data() + i * width;
    const float* ours = table.data() + static_cast<std::size_t>(framed.written[i]) * width;
    for (std::size_t w = 0; w < width; ++w) {
      if (std::abs(stored[w] - ours[w]) <= kSameVector) continue;
      return corrupt(
          fmt::format("'prompt_learner.token_suffix' does not match the text '{}' for class '{}' "
                      "(expected --labels "
                      "with the texts of the training, in their order)",
                      label.texts.front(), label.name));
    }
  }
  return {};
}

// Ids of the placeholder words for learned tokens: `own` is the first of the class.
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

std::string with_learned_tokens(const std::string& text, const checkpoint::DferClipParts& parts) {
  return fmt::format("{} (and {} learned tokens)", text, tokens_of(parts));
}

}  // namespace

Result<TextPosition> dfer_clip_position(const checkpoint::Checkpoint& weights,
                                        std::optional<TextPosition> given) {
  const auto found = weights.metadata().find(kPosition);
  if (found == weights.metadata().end() || found->second.empty()) {
    if (given) return *given;
    return invalid_argument(
        "position of the class text among the learned tokens is unknown (expected "
        "--class-token-position end, as in the published scripts, or front or middle)");
  }
  const auto said = find_text_position(found->second);
  if (!said) {
    return invalid_argument(
        fmt::format("'{}' is '{}' (expected end, front or middle)", kPosition, found->second));
  }
  if (given && *given != *said) {
    return invalid_argument(
        fmt::format("--class-token-position: '{}' differs from the file (expected '{}')",
                    to_string(*given), to_string(*said)));
  }
  return *said;
}

Result<Tensor> dfer_clip_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                  const engine::Architecture& architecture,
                                  const text::BpeTokenizer& tokenizer,
                                  const LearnedPrompts& prompts) {
  const checkpoint::DferClipParts& parts = prompts.parts;
  const std::int64_t width = std::get<engine::ClipTextSizes>(*architecture.text).width;
  const std::int64_t tokens = tokens_of(parts);
  const std::int64_t context = context_of(*architecture.text), first = 1 + tokens;
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
  for (const text::Label& label : prompts.labels) {
    MIEN_ASSIGN_OR_RETURN(FramedText framed_text,
                          framed(tokenizer, label.texts.front(), static_cast<std::size_t>(tokens),
                                 static_cast<int>(context), prompts.position));
    MIEN_RETURN_IF_ERROR(check_suffix(std::span(suffix).subspan(rows.size() * each, each), table,
                                      framed_text, static_cast<std::size_t>(width), label));
    const std::int64_t own =
        parts.contexts.rank() == 2 ? 0 : static_cast<std::int64_t>(rows.size()) * tokens;
    place_learned(framed_text, own, added, static_cast<std::size_t>(tokens));
    framed_text.ids.resize(static_cast<std::size_t>(context), 0);
    rows.push_back(std::move(framed_text.ids));
  }
  engine::Architecture longer = architecture;
  std::get<engine::ClipTextSizes>(*longer.text).vocabulary += static_cast<int>(added);
  MIEN_ASSIGN_OR_RETURN(auto extended, with_more_words(std::move(weights), parts.contexts));
  return embed_rows(std::move(extended), longer, rows);
}

Result<Plan> plan_dfer_clip(const Source& source, const DferClip& kind, const Options& options) {
  auto position = dfer_clip_position(*kind.parts.model, options.text_position);
  if (!position.ok()) return position.status().with_prefix(source.weights.string());
  Source model = source;
  model.checkpoint = kind.parts.model;  // the trained parts, without the second CLIP of the file
  MIEN_ASSIGN_OR_RETURN(Plan out, plan_clip_towers(model, kind.names, options));
  out.naming = "dfer_clip";
  engine::BundleInfo& info = out.info;
  info.method = "dfer-clip";
  if (options.preprocess == Preprocess::kAuto) {
    info.preprocess = image::PreprocessSpec::stretched(info.architecture.image_size());
  }
  if (info.architecture.temporal) {
    info.sampling = {.rule = video::SamplingRule::kSegmentsOrHold,
                     .frames = max_frames_of(*info.architecture.temporal)};
  }
  info.logit_scale = kDferClipFactor;
  MIEN_ASSIGN_OR_RETURN(text::LabelSet labels, dfer_clip_labels(kind.parts.classes, options));
  info.labels = labels.labels;
  MIEN_ASSIGN_OR_RETURN(out, with_words(std::move(out), options));
  MIEN_ASSIGN_OR_RETURN(out, with_projection(std::move(out), options));
  // For display only: the features come from the bare texts and the learned tokens.
  for (text::Label& label : info.labels) {
    label.texts.front() = with_learned_tokens(label.texts.front(), kind.parts);
  }
  static const std::map<TextPosition, const char*> where = {
      {TextPosition::kEnd, "before their texts"},
      {TextPosition::kFront, "after their texts"},
      {TextPosition::kMiddle, "around their texts"}};
  out.notes.push_back(fmt::format("the learned tokens of the classes are {} ({})",
                                  where.at(*position), to_string(*position)));
  out.prompts = LearnedPrompts{kind.parts, *position, std::move(labels.labels)};
  return out;
}

}  // namespace mien::convert
