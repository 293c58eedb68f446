#include "methods/kit/towers.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <numeric>

#include "core/utf8.h"
#include "methods/kit/tower_options.h"
#include "nn/load.h"
#include "text/words.h"

namespace mien::methods {
namespace {

const text::BpeTokenizer* as_bpe(const text::Tokenizer& tokenizer) {
  return dynamic_cast<const text::BpeTokenizer*>(&tokenizer);
}

// A vocabulary entry of CLIP as text; entries that no word ends with keep a hyphen.
std::string entry_text(const text::BpeTokenizer& tokenizer, std::int32_t id) {
  std::string text = tokenizer.decode(std::vector<std::int32_t>{id});
  const bool ends = text.ends_with(' ');
  if (ends) text.pop_back();
  std::string out;
  for (const char32_t c : to_code_points(text)) append_utf8(out, c);
  return ends ? out : out + "-";
}

}  // namespace

Result<Towers> Towers::load(const std::filesystem::path& path) {
  Towers out;
  MIEN_ASSIGN_OR_RETURN(out.bundle_, engine::Bundle::load(path));
  const engine::Architecture& sizes = out.architecture();
  if (!sizes.text) {
    return unsupported(path.string() +
                       ": has no text tower (expected a bundle with one, to learn descriptors in)");
  }
  if (sizes.image.residual.has_value() != (sizes.text->word_width > 0)) {
    return unsupported(path.string() +
                       ": towers of different kinds (expected CLIP's, or a residual network with a "
                       "tower over words)");
  }
  MIEN_ASSIGN_OR_RETURN(out.tokenizer_, out.bundle_->tokenizer());
  MIEN_ASSIGN_OR_RETURN(out.packed_, out.bundle_->image_encoder());
  out.session_ = std::make_shared<engine::Session>();
  if (sizes.image.residual) {
    out.residual_ = nn::ResidualTower(residual_options(sizes));
    out.residual_->eval();
    MIEN_RETURN_IF_ERROR(out.load_words().with_prefix(path.string()));
  } else {
    out.clip_ = nn::Clip(clip_options(sizes));
    MIEN_RETURN_IF_ERROR(
        nn::load_by_name(out.clip_->published(), out.bundle_->weights(), {.strict = false})
            .with_prefix(path.string()));
  }
  return out;
}

Status Towers::load_words() {
  const checkpoint::Checkpoint& weights = bundle_->weights();
  MIEN_RETURN_IF_ERROR(nn::load_by_name(residual_->published(), weights, {.prefix = "visual."}));
  const auto* words = dynamic_cast<const text::WordTokenizer*>(tokenizer_.get());
  const TensorView* table = weights.find("words.table");
  const TensorView* scale = weights.find("words.scale");
  MIEN_CHECK(words != nullptr && table != nullptr && scale != nullptr);
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor factors, nn::to_torch(*scale));
  const torch::Tensor bytes = torch::from_blob(const_cast<std::byte*>(table->bytes().data()),
                                               {table->dim(0), table->dim(1)}, torch::kInt8);
  const torch::Tensor rows = bytes.to(torch::kFloat32) * factors.view({-1, 1});
  words_ = nn::WordTower(word_options(architecture(), words->words(), words->buckets()),
                         rows.narrow(0, 1, words->words()).clone());
  NamedTorchTensors stored;
  for (const auto& [name, tensor] : words_->published()) {
    if (name != "buckets") {
      stored.emplace_back(name, tensor);
      continue;
    }
    const at::NoGradGuard no_grad;
    torch::Tensor(tensor).copy_(rows.narrow(0, 1 + words->words(), words->buckets()));
  }
  return nn::load_by_name(stored, weights, {.prefix = "words.", .strict = false});
}

torch::Tensor Towers::images(const torch::Tensor& pixels, bool frozen) {
  if (frozen) return packed_images(*packed_, pixels, *session_);
  return clip_ ? clip_->encode_image(pixels) : residual_->forward(pixels);
}

torch::Tensor Towers::token_vectors(const torch::Tensor& ids) const {
  return clip_ ? clip_->text()->token_vectors(ids) : words_->vectors(ids);
}

torch::Tensor Towers::texts_of(const torch::Tensor& vectors) {
  return texts_of(vectors, torch::full({vectors.size(0)}, vectors.size(1), torch::kInt64));
}

torch::Tensor Towers::texts_of(const torch::Tensor& vectors, const torch::Tensor& lengths) {
  // The end token is the last one.
  if (clip_) return clip_->text()->forward_vectors(vectors, lengths - 1);
  const torch::Tensor places = torch::arange(vectors.size(1), torch::kInt64);
  return words_->forward_vectors(vectors, places.unsqueeze(0).lt(lengths.unsqueeze(1)));
}

Result<torch::Tensor> Towers::texts(const std::vector<std::string>& texts) {
  const at::NoGradGuard no_grad;
  std::vector<torch::Tensor> rows;
  for (const std::string& text : texts) {
    MIEN_ASSIGN_OR_RETURN(auto bare, tokenizer_->encode(text));
    MIEN_ASSIGN_OR_RETURN(const auto ids, framed(std::move(bare), text));
    const std::vector<std::int64_t> wide(ids.begin(), ids.end());
    rows.push_back(
        texts_of(token_vectors(torch::tensor(wide, torch::kInt64).unsqueeze(0))).squeeze(0));
  }
  return at::stack(rows);
}

Result<torch::Tensor> Towers::unit_text(const std::string& text) {
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor rows, texts({text}));
  return rows[0] / rows[0].norm().clamp_min(1e-12);
}

torch::Tensor Towers::patch_map(const torch::Tensor& pixels) {
  return clip_ ? clip_->visual()->patch_map(pixels) : residual_->stem_map(pixels);
}

std::int64_t Towers::token_width() const {
  return has_words() ? architecture().text->word_width : architecture().text->width;
}

Result<std::vector<std::int32_t>> Towers::framed(std::vector<std::int32_t> ids,
                                                 std::string_view subject) const {
  if (const auto* bpe = as_bpe(*tokenizer_)) {
    ids.insert(ids.begin(), bpe->start_token());
    ids.push_back(bpe->end_token());
  }
  const int context = architecture().text->context;
  if (ids.size() > static_cast<std::size_t>(context)) {
    return invalid_argument(
        fmt::format("{}: {} tokens (expected at most {}, the context of the text tower)", subject,
                    ids.size(), context));
  }
  return ids;
}

NamedTorchTensors Towers::image_tensors() const {
  NamedTorchTensors out;
  if (!clip_) {
    for (const auto& [name, tensor] : residual_->published()) {
      out.emplace_back("visual." + name, tensor);
    }
    return out;
  }
  for (const auto& item : clip_->published()) {
    if (item.first.starts_with("visual.")) out.push_back(item);
  }
  return out;
}

NamedTorchTensors Towers::text_tensors() const {
  NamedTorchTensors out;
  if (!clip_) {
    for (const auto& [name, tensor] : words_->published())
      out.emplace_back("words." + name, tensor);
    return out;
  }
  for (const auto& item : clip_->published()) {
    if (!item.first.starts_with("visual.")) out.push_back(item);
  }
  return out;
}

Towers::Vocabulary Towers::vocabulary() const {
  const at::NoGradGuard no_grad;
  Vocabulary out;
  std::vector<std::int64_t> ids;
  if (const auto* bpe = as_bpe(*tokenizer_)) {
    for (std::int32_t id = 0; id < bpe->vocabulary_size(); ++id) {
      if (id == bpe->start_token() || id == bpe->end_token()) continue;
      ids.push_back(id);
      out.words.push_back(entry_text(*bpe, id));
    }
  } else {
    const auto& words = dynamic_cast<const text::WordTokenizer&>(*tokenizer_);
    for (std::int32_t id = 1; id <= words.words(); ++id) {
      ids.push_back(id);
      out.words.emplace_back(words.word(id));
    }
  }
  out.vectors = token_vectors(torch::tensor(ids, torch::kInt64).unsqueeze(0)).squeeze(0);
  return out;
}

}  // namespace mien::methods
