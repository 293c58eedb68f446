#include "data/class_doubts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "core/spelling.h"
#include "mien/text/labels.h"
#include "mien/text/prompts.h"

namespace mien::data {
namespace {

constexpr std::size_t kOneLetter = 4;   // names shorter than this differ by a letter on purpose
constexpr std::size_t kTwoLetters = 8;  // "suprize"
constexpr std::int64_t kRarer =
    4;  // a difference of two letters counts only if the name is rarer by this factor
constexpr std::size_t kKnownWord = 5;  // letters of a built-in name that others are compared with

bool is_letter(char c) { return static_cast<unsigned char>(c) >= 0x80 || std::isalpha(c) != 0; }

// The parts of a compound are classes of their own, which are checked one by one.
bool is_compound(std::string_view name) { return name.find('+') != std::string_view::npos; }

bool is_number(std::string_view name) {
  return std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); }) &&
         std::none_of(name.begin(), name.end(), is_letter);
}

// Lower-case letters and digits only, without spaces and punctuation.
std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_letter(c) || std::isdigit(byte) != 0) {
      out += byte < 0x80 ? static_cast<char>(std::tolower(byte)) : c;
    }
  }
  return out;
}

std::string digits(std::string_view name) {
  std::string out;
  std::copy_if(name.begin(), name.end(), std::back_inserter(out),
               [](unsigned char c) { return std::isdigit(c); });
  return out;
}

struct Class {
  std::string name;
  std::string plain;
  std::string_view meaning;  // the built-in label, or empty
  std::int64_t samples = 0;

  std::string told() const {
    return fmt::format("'{}' ({} {})", name, samples, samples == 1 ? "sample" : "samples");
  }
};

std::vector<Class> classes_of(const Manifest& manifest) {
  std::vector<Class> out;
  for (const std::string& name : manifest.classes) {
    out.push_back({name, plain(name), text::builtin_label_of(name)});
  }
  for (const Sample& sample : manifest.samples) {
    for (const int label : sample.labels) ++out[static_cast<std::size_t>(label)].samples;
  }
  std::erase_if(out, [](const Class& each) { return is_compound(each.name); });
  return out;
}

// Doubts about a pair of names; `rare` has at most as many samples as `other`.
std::optional<std::string> doubt_of(const Class& rare, const Class& other) {
  if (rare.plain == other.plain && !rare.plain.empty()) {
    return fmt::format(
        "class {}: differs from {} only in case, spaces or punctuation (expected one name)",
        rare.told(), other.told());
  }
  if (!rare.meaning.empty() && !other.meaning.empty()) {
    if (rare.meaning != other.meaning) return std::nullopt;
    return fmt::format("class {}: means the same as {} (expected one name)", rare.told(),
                       other.told());
  }
  const std::size_t letters = std::min(rare.plain.size(), other.plain.size());
  // "level 1" and "level 2" are two classes.
  if (letters < kOneLetter || digits(rare.plain) != digits(other.plain)) return std::nullopt;
  const std::size_t distance = edit_distance(rare.plain, other.plain);
  const bool near =
      distance == 1 ||
      (distance == 2 && std::max(rare.plain.size(), other.plain.size()) >= kTwoLetters &&
       kRarer * rare.samples <= other.samples);
  if (!near) return std::nullopt;
  return fmt::format("class {}: looks like {} misspelt; they count as two classes", rare.told(),
                     other.told());
}

// "suprise" throughout: only our own list suggests that "surprise" was meant.
std::optional<std::string> misspelt_word(const Class& each) {
  if (!each.meaning.empty()) return std::nullopt;
  std::vector<std::string> words;
  for (const std::string_view set : text::builtin_label_names()) {
    for (const text::Label& label : text::find_builtin_labels(set)->labels) {
      for (std::string& word : text::aliases_of(label.name)) {
        if (word.size() >= kKnownWord) words.push_back(std::move(word));
      }
    }
  }
  const std::vector<std::string_view> known(words.begin(), words.end());
  const auto near = nearest(each.plain, known, 1);
  if (near.empty() || known[near.front()] == each.plain) return std::nullopt;
  return fmt::format("class {}: not a known expression; did you mean '{}'?", each.told(),
                     known[near.front()]);
}

}  // namespace

std::vector<std::string> class_doubts(const Manifest& manifest) {
  const std::vector<Class> classes = classes_of(manifest);
  std::vector<std::string> out, numbers;
  for (const Class& each : classes) {
    if (is_number(each.name)) numbers.push_back("'" + each.name + "'");
  }
  if (!numbers.empty()) {
    out.push_back(fmt::format("{} {}: {} (expected words such as 'happy', which the model reads)",
                              numbers.size() == 1 ? "class" : "classes", fmt::join(numbers, ", "),
                              numbers.size() == 1 ? "a number" : "numbers"));
  }
  std::vector<bool> told(classes.size());
  for (std::size_t a = 0; a < classes.size(); ++a) {
    for (std::size_t b = a + 1; b < classes.size(); ++b) {
      // A known word is never the misspelt one of a pair.
      const bool first_known = !classes[a].meaning.empty();
      const bool as_known = first_known == !classes[b].meaning.empty();
      const bool first_is_rare = as_known || classes[a].plain == classes[b].plain
                                     ? classes[a].samples <= classes[b].samples
                                     : !first_known;
      const std::size_t rare = first_is_rare ? a : b;
      const auto doubt = doubt_of(classes[rare], classes[first_is_rare ? b : a]);
      if (!doubt || told[rare]) continue;
      told[rare] = true;
      out.push_back(*doubt);
    }
  }
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (told[i]) continue;
    if (auto doubt = misspelt_word(classes[i])) out.push_back(std::move(*doubt));
  }
  return out;
}

}  // namespace mien::data
