#include "methods/kit/towers.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <numeric>

#include "core/utf8.h"
#include "methods/kit/named_tensors.h"
#include "methods/kit/tower_table.h"
#include "nn/load.h"
#include "text/words.h"

namespace mien::methods {
namespace {

constexpr const char* kImagePrefix = "visual.";

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
  MIEN_ASSIGN_OR_RETURN(out.tokenizer_, out.bundle_->tokenizer());
  MIEN_ASSIGN_OR_RETURN(out.packed_, out.bundle_->image_encoder());
  out.session_ = std::make_shared<engine::Session>();
  out.image_ = make_image_tower(sizes.image, sizes.embed);
  out.image_->eval();
  MIEN_RETURN_IF_ERROR(
      nn::load_by_name(out.image_->published(), out.bundle_->weights(), {.prefix = kImagePrefix})
          .with_prefix(path.string()));
  auto text = load_text_tower(*sizes.text, *out.bundle_, *out.tokenizer_);
  if (!text.ok()) return text.status().with_prefix(path.string());
  out.text_ = std::move(*text);
  return out;
}

torch::Tensor Towers::images(const torch::Tensor& pixels, bool frozen) {
  return frozen ? packed_images(*packed_, pixels, *session_) : image_->forward(pixels);
}

torch::Tensor Towers::token_vectors(const torch::Tensor& ids) const {
  return text_->token_vectors(ids);
}

torch::Tensor Towers::texts_of(const torch::Tensor& vectors) {
  return texts_of(vectors, torch::full({vectors.size(0)}, vectors.size(1), torch::kInt64));
}

torch::Tensor Towers::texts_of(const torch::Tensor& vectors, const torch::Tensor& lengths) {
  return text_->encode_vectors(vectors, lengths);
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

bool Towers::has_first_map() const { return image_->has_first_map(); }

torch::Tensor Towers::first_map(const torch::Tensor& pixels) { return image_->first_map(pixels); }

std::int64_t Towers::token_width() const { return text_->token_width(); }

Result<std::vector<std::int32_t>> Towers::framed(std::vector<std::int32_t> ids,
                                                 std::string_view subject) const {
  if (const auto* bpe = as_bpe(*tokenizer_)) {
    ids.insert(ids.begin(), bpe->start_token());
    ids.push_back(bpe->end_token());
  }
  const int context = context_of(*architecture().text);
  if (ids.size() > static_cast<std::size_t>(context)) {
    return invalid_argument(
        fmt::format("{}: needs {} places of the text tower (expected at most {})", subject,
                    ids.size(), context));
  }
  return ids;
}

NamedTorchTensors Towers::image_tensors() const {
  return prefixed(kImagePrefix, image_->published());
}

NamedTorchTensors Towers::text_tensors() const {
  return prefixed(text_->prefix(), text_->published());
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
