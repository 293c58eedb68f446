#include "methods/kit/learned_labels.h"

#include <fmt/format.h>

namespace mien::methods {
namespace {

std::string near_text(std::size_t number, const std::string& label,
                      const engine::LearnedText& learned) {
  std::string words;
  for (const auto& token : learned.tokens) {
    words += (words.empty() ? "" : " / ") + token.front().word;
  }
  return fmt::format("learned descriptor {} of {}, near to: {}", number, label, words);
}

}  // namespace

std::vector<text::Label> learned_labels(const std::vector<std::string>& classes,
                                        const std::vector<engine::LearnedText>& learned,
                                        std::size_t each) {
  std::vector<text::Label> out;
  for (const std::string& name : classes) {
    text::Label label{.name = name, .texts = {}, .parts = {}};
    for (std::size_t k = 0; k < each && !learned.empty(); ++k) {
      label.texts.push_back(near_text(k + 1, name, learned[out.size() * each + k]));
    }
    out.push_back(std::move(label));
  }
  return out;
}

}  // namespace mien::methods
