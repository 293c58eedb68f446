#include "mien/text/prompts.h"

#include <algorithm>
#include <utility>

#include "mien/text/labels.h"
#include "text/builtin_labels.h"

namespace mien::text {
namespace {

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

const BuiltinLabel* find_label(std::string_view name) {
  const std::string key = ascii_lower(name);
  for (const BuiltinLabel& label : builtin_labels()) {
    const auto& aliases = label.aliases;
    if (label.name == key || std::find(aliases.begin(), aliases.end(), key) != aliases.end()) {
      return &label;
    }
  }
  return nullptr;
}

// Prompts name the expression; labels mostly say how the face looks.
constexpr std::pair<std::string_view, std::string_view> kNouns[] = {
    {"angry", "anger"}, {"happy", "happiness"}, {"sad", "sadness"}};

std::string noun_of(std::string_view name) {
  const BuiltinLabel* known = find_label(name);
  if (known == nullptr) return std::string(name);
  for (const auto& [label, noun] : kNouns) {
    if (label == known->name) return std::string(noun);
  }
  return std::string(known->name);
}

void replace_in(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), by);
    at += by.size();
  }
}

}  // namespace

const std::vector<std::string>& prompt_templates() {
  static const std::vector<std::string> templates = {
      "the expression on this face: {}.",
      "a close-up of a face, its look: {}.",
      "a photo of a person, facial expression: {}.",
      "what the eyes and the mouth say: {}.",
      "a portrait that shows one feeling: {}.",
  };
  return templates;
}

std::vector<std::string> prompt_texts(std::string_view words) {
  std::vector<std::string> out;
  for (const std::string& pattern : prompt_templates()) {
    const std::size_t gap = pattern.find("{}");
    out.push_back(pattern.substr(0, gap).append(words).append(pattern.substr(gap + 2)));
  }
  return out;
}

std::vector<std::string> describe(std::string_view name) {
  const BuiltinLabel* label = find_label(name);
  if (label == nullptr) return prompt_texts(name);
  return {label->texts.begin(), label->texts.end()};
}

Label described(std::string_view name) {
  return {
      .name = std::string(name),
      .texts = describe(name),
      .parts = {},
      .origin = find_label(name) == nullptr ? Label::Origin::kTemplates : Label::Origin::kBuiltIn};
}

std::vector<std::string> aliases_of(std::string_view name) {
  const BuiltinLabel* label = find_label(name);
  if (label == nullptr) return {std::string(name)};
  std::vector<std::string> out = {std::string(label->name)};
  out.insert(out.end(), label->aliases.begin(), label->aliases.end());
  return out;
}

std::string class_prompt(std::string pattern, std::string_view name) {
  const std::string noun = noun_of(name);
  const bool vowel =
      !noun.empty() && std::string_view("aeiou").find(noun.front()) != std::string_view::npos;
  replace_in(pattern, "{a}", vowel ? "an" : "a");
  replace_in(pattern, "{class}", noun);
  return pattern;
}

std::string_view builtin_label_of(std::string_view name) {
  const BuiltinLabel* label = find_label(name);
  return label == nullptr ? std::string_view() : label->name;
}

std::string_view expression_words() {
  return "happy,cheerful,joyful,delighted,glad,amused,content,proud,hopeful,grateful,relieved,"
         "loving,tender,calm,serene,relaxed,neutral,bored,indifferent,tired,exhausted,sleepy,sad,"
         "unhappy,sorrowful,miserable,gloomy,depressed,lonely,disappointed,hurt,tearful,angry,"
         "furious,irritated,annoyed,outraged,resentful,hostile,bitter,afraid,scared,terrified,"
         "fearful,frightened,worried,anxious,nervous,tense,surprised,astonished,amazed,startled,"
         "shocked,disgusted,revolted,repelled,contemptuous,scornful,disdainful,ashamed,embarrassed,"
         "guilty,confused,curious,sceptical";
}

}  // namespace mien::text
