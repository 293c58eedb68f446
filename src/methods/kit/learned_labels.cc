#include "methods/kit/learned_labels.h"

#include <fmt/format.h>

namespace mien::methods {
namespace {

// The nearest word of each learned token.
std::string near_words(const engine::LearnedText& learned) {
  std::string out;
  for (const auto& token : learned.tokens) out += (out.empty() ? "" : " / ") + token.front().word;
  return out;
}

}  // namespace

std::vector<text::Label> learned_labels(const std::vector<std::string>& classes,
                                        const std::vector<engine::LearnedText>& learned,
                                        std::size_t each) {
  std::vector<text::Label> out;
  for (const std::string& name : classes) {
    text::Label label{.name = name, .texts = {}, .parts = {}};
    for (std::size_t k = 0; k < each && !learned.empty(); ++k) {
      label.texts.push_back(fmt::format("learned descriptor {} of {}, near to: {}", k + 1, name,
                                        near_words(learned[out.size() * each + k])));
    }
    out.push_back(std::move(label));
  }
  return out;
}

std::vector<text::Label> context_labels(const std::vector<std::string>& classes,
                                        const std::vector<std::string>& texts,
                                        const std::vector<engine::LearnedText>& learned) {
  std::vector<text::Label> out;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    std::string text = fmt::format("{} (and {} learned tokens, near to: {})", texts[c],
                                   learned[c].tokens.size(), near_words(learned[c]));
    out.push_back({.name = classes[c], .texts = {std::move(text)}, .parts = {}});
  }
  return out;
}

}  // namespace mien::methods
