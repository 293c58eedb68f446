#include "text/prompt_ensembles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mien/text/prompts.h"

namespace mien::text {
namespace {

struct Word {
  std::string_view noun;
  std::string_view adjective;
  std::string_view descriptor;  // DFER-CLIP's
};

constexpr std::array<Word, 11> kWords{{
    {"happiness", "", "a smiling mouth, raised cheeks, wrinkled eyes, and arched eyebrows."},
    {"sadness", "",
     "tears, a downward turned mouth, drooping upper eyelids, and a wrinkled forehead."},
    {"neutral", "neutral",
     "relaxed facial muscles, a straight mouth, a smooth forehead, and unremarkable eyebrows."},
    {"anger", "angry", "furrowed eyebrows, narrow eyes, tightened lips, and flared nostrils."},
    {"surprise", "surprised",
     "widened eyes, an open mouth, raised eyebrows, and a frozen expression."},
    {"disgust", "disgusted",
     "a wrinkled nose, lowered eyebrows, a tightened mouth, and narrow eyes."},
    {"fear", "fearful", "raised eyebrows, parted lips, a furrowed brow, and a retracted chin."},
    {"contempt", "contemptuous",
     "one side of its mouth raised, one eyebrow lower and one raised, narrowed eyes, and a raised "
     "chin."},
    {"anxiety", "anxious",
     "a tensed forehead, tightly pressed lips, pupil dilation, and tensed facial muscles."},
    {"helplessness", "helpless",
     "drooping eyebrows, a downward gaze, a downturned mouth, and lacking expression."},
    {"disappointment", "disappointed",
     "a downturned mouth, lowered eyebrows, narrowed eyes, and a sighing face."},
}};

const Word* find_word(std::string_view name) {
  const std::string_view meaning = builtin_label_of(name);
  const auto it = std::find_if(kWords.begin(), kWords.end(), [&](const Word& word) {
    return word.noun == name || (!meaning.empty() && builtin_label_of(word.noun) == meaning);
  });
  return it == kWords.end() ? nullptr : &*it;
}

// The first five are P4, all ten P5. Sadness and happiness are as the authors' code has them.
std::vector<std::string> ten_prompts(const Word& word) {
  const std::string x(word.noun);
  const bool sad = x == "sadness", happy = x == "happiness";
  const std::string plain = "a photo of a face with an expression of " + x + ".";
  const std::string cropped = "a cropped photo emphasizing a face expressing " + x + ".";
  return {"an expression of " + x + ".",
          sad ? cropped : plain,
          std::string("a photo ") + (sad ? "exuding " : "radiating ") + x + " in a person.",
          "a photo showing someone immersed in " + x + ".",
          "a photo capturing " + x + " within an individual.",
          std::string("a photo of a face ") + (happy ? "exuding " : "displaying ") + x + ".",
          "a photo of a person embodying " + x + ".",
          "a good photo capturing someone's " + x + (x == "neutral" ? " state." : "."),
          sad ? plain : cropped,
          "a clean photo showcasing a person's " +
              (sad || happy ? x : std::string(word.adjective) + " expression") + "."};
}

std::vector<std::string> prompts_of(std::string_view set, const Word& word) {
  std::string x(word.noun);
  if (set == "P1") return {x + "."};
  if (set == "P2") return {"an expression of " + x + "."};
  if (set == "P3") return {"a photo of a face with an expression of " + x + "."};
  std::vector<std::string> out = ten_prompts(word);
  if (set == "P4") out.resize(5);
  return out;
}

template <class Texts>
Result<LabelSet> labels_of(const std::vector<std::string>& classes, std::string_view set,
                           const Texts& texts) {
  LabelSet out{.name = std::string(set), .labels = {}};
  for (const std::string& name : classes) {
    const Word* word = find_word(name);
    if (word == nullptr) {
      return invalid_argument(fmt::format(
          "class '{}': has no prompts in {} (expected one of the eleven of MAFW)", name, set));
    }
    out.labels.push_back({.name = name, .texts = texts(*word), .parts = {}});
  }
  return out;
}

}  // namespace

std::vector<std::string_view> prompt_ensemble_names() { return {"P1", "P2", "P3", "P4", "P5"}; }

Result<LabelSet> prompt_ensemble(std::string_view set, const std::vector<std::string>& classes) {
  const auto names = prompt_ensemble_names();
  if (std::find(names.begin(), names.end(), set) == names.end()) {
    return invalid_argument(
        fmt::format("prompts: '{}' is unknown (expected {})", set, fmt::join(names, ", ")));
  }
  return labels_of(classes, set, [&](const Word& word) { return prompts_of(set, word); });
}

Result<LabelSet> facial_descriptors(const std::vector<std::string>& classes) {
  return labels_of(classes, "the descriptors", [](const Word& word) {
    return std::vector<std::string>{std::string(word.descriptor)};
  });
}

}  // namespace mien::text
