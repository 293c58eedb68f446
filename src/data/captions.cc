#include "data/captions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "data/wordings.h"

namespace mien::data {
namespace {

struct Expression {
  Words adjectives;
  std::string_view noun;
};
// In the order of ExpressionVotes.
constexpr std::array<Expression, 8> kExpressions = {{
    {{"neutral", "unmoved", "impassive"}, "neutrality"},
    {{"happy", "cheerful", "joyful"}, "happiness"},
    {{"surprised", "astonished", "startled"}, "surprise"},
    {{"sad", "sorrowful", "unhappy"}, "sadness"},
    {{"angry", "irritated", "cross"}, "anger"},
    {{"disgusted", "repelled", "averse"}, "disgust"},
    {{"afraid", "fearful", "frightened"}, "fear"},
    {{"contemptuous", "scornful", "disdainful"}, "contempt"},
}};
// Words for neutral beside a stronger expression, which it weakens.
constexpr Expression kMuted = {{"restrained", "muted", "reserved"}, "restraint"};
constexpr std::array<std::string_view, 10> kColumns = {
    "fp_neutral", "fp_happiness", "fp_surprise", "fp_sadness", "fp_anger",
    "fp_disgust", "fp_fear",      "fp_contempt", "fp_unknown", "fp_nf"};

constexpr Words kClearly = {"clearly", "plainly", "distinctly"};
constexpr Words kMostly = {"mostly", "mainly", "largely"};
constexpr Words kPartly = {"partly", "somewhat", "also rather"};
constexpr Words kLittle = {"a little", "slightly", "faintly"};
constexpr Words kUnsure = {", though it is hard to read", ", as far as it can be read",
                           ", but it is not easy to tell"};
// Around a phrase such as "mostly sad, a little afraid".
constexpr std::array<std::string_view, 7> kFrames = {
    "The expression looks {}{}.",
    "The expression on the face is {}{}.",
    "A face whose expression looks {}{}.",
    "The facial expression appears {}{}.",
    "A face with an expression that reads as {}{}.",
    "The face wears an expression that looks {}{}.",
    "Seen from outside, the expression is {}{}.",
};
// Around one adjective with its article, and around one noun.
constexpr Words kAdjectiveFrames = {"A face with {} expression{}.",
                                    "The face shows {} expression{}.", "This is {} expression{}."};
constexpr Words kNounFrames = {"An expression of {}{}.", "A facial expression of {}{}.",
                               "The face shows an expression of {}{}."};

std::string fill(std::string_view frame, std::string_view what, std::string_view unsure) {
  return fmt::format(fmt::runtime(frame), what, unsure);
}

std::string with_article(std::string_view words) {
  const bool vowel = std::string_view("aeiou").find(words.front()) != std::string_view::npos;
  return fmt::format("{} {}", vowel ? "an" : "a", words);
}

struct Told {
  std::size_t expression = 0;
  int votes = 0;
};

// Strongest first; single votes are mentioned only if nothing is stronger.
std::vector<Told> ranked(const ExpressionVotes& votes) {
  std::vector<Told> out;
  for (std::size_t e = 0; e < votes.expressions.size(); ++e) {
    if (votes.expressions[e] > 0) out.push_back({e, votes.expressions[e]});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Told& a, const Told& b) { return a.votes > b.votes; });
  if (!out.empty() && out.front().votes > 1) {
    std::erase_if(out, [](const Told& told) { return told.votes < 2; });
  }
  if (out.size() > 3) out.resize(3);
  return out;
}

std::string one(const Told& told, bool clear, std::string_view unsure, Rng& rng) {
  const Expression& expression = kExpressions[told.expression];
  const auto adjective = std::string(pick(expression.adjectives, rng));
  switch (rng.below(4)) {
    case 0: return fill(pick(kNounFrames, rng), expression.noun, unsure);
    case 1: return fill(pick(kAdjectiveFrames, rng), with_article(adjective), unsure);
    case 2:
      if (clear) {
        return fill(pick(kFrames, rng), fmt::format("{} {}", pick(kClearly, rng), adjective),
                    unsure);
      }
      [[fallthrough]];
    default: return fill(pick(kFrames, rng), adjective, unsure);
  }
}

// Expressions that about equally many annotators saw.
std::string in_draw(const std::vector<std::string>& words, Rng& rng) {
  if (words.size() == 3) {
    return rng.below(2) == 0
               ? fmt::format("{}, {} and {} at once", words[0], words[1], words[2])
               : fmt::format("{}, {} and {} in about equal parts", words[0], words[1], words[2]);
  }
  switch (rng.below(3)) {
    case 0: return fmt::format("somewhere between {} and {}", words[0], words[1]);
    case 1: return fmt::format("{} and {} in about equal parts", words[0], words[1]);
    default: return fmt::format("both {} and {}", words[0], words[1]);
  }
}

// Two or three expressions as a phrase.
std::string several(const std::vector<Told>& told, Rng& rng) {
  const bool draw = told[0].votes - told[1].votes <= 1;
  const auto words_of = [&](std::size_t index) {
    const bool muted = told[index].expression == 0 && index > 0 && !draw;
    return muted ? kMuted : kExpressions[told[index].expression];
  };
  std::vector<std::string> words;
  for (std::size_t i = 0; i < told.size(); ++i) {
    words.emplace_back(pick(words_of(i).adjectives, rng));
  }
  if (draw) {
    if (words.size() == 3 && told[0].votes - told[2].votes > 1) {
      return fmt::format("{} and {}, {} {}", words[0], words[1], pick(kLittle, rng), words[2]);
    }
    return in_draw(words, rng);
  }
  const auto mostly = std::string(pick(kMostly, rng));
  const bool strong = 2 * told[1].votes >= told[0].votes;
  if (words.size() == 2 && !strong && rng.below(3) == 0) {
    return fmt::format("{} {} with a hint of {}", mostly, words[0], words_of(1).noun);
  }
  const std::string second = fmt::format("{} {}", pick(strong ? kPartly : kLittle, rng), words[1]);
  if (words.size() == 2) return fmt::format("{} {}, {}", mostly, words[0], second);
  return fmt::format("{} {}, {} and {} {}", mostly, words[0], second, pick(kLittle, rng), words[2]);
}

}  // namespace

Result<std::optional<ExpressionVotes>> votes_of(const Sample& sample) {
  ExpressionVotes out;
  bool any = false;
  for (std::size_t c = 0; c < kColumns.size(); ++c) {
    const auto cell = sample.extra.find(std::string(kColumns[c]));
    if (cell == sample.extra.end()) continue;
    const std::string& text = cell->second;
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > 1000) {
      return corrupt(
          fmt::format("{}: {} is '{}' (expected a number of votes)", sample.id, kColumns[c], text));
    }
    any = true;
    (c < 8 ? out.expressions[c] : c == 8 ? out.unknown : out.not_a_face) = value;
  }
  if (!any) return std::optional<ExpressionVotes>();
  return std::optional<ExpressionVotes>(out);
}

std::string caption_from_votes(const ExpressionVotes& votes, std::string_view id,
                               std::uint64_t seed) {
  int seen = 0;
  for (const int count : votes.expressions) seen += count;
  const int all = seen + votes.unknown + votes.not_a_face;
  if (2 * seen <= all) return {};
  Rng rng(seed ^ hash_of(id));
  const std::vector<Told> told = ranked(votes);
  const bool doubtful = 10 * (votes.unknown + votes.not_a_face) >= 3 * all;
  const std::string unsure(doubtful ? pick(kUnsure, rng) : std::string_view());
  if (told.size() == 1) return one(told[0], 10 * told[0].votes >= 9 * all, unsure, rng);
  return fill(pick(kFrames, rng), several(told, rng), unsure);
}

Result<std::int64_t> add_vote_captions(Manifest& manifest, std::uint64_t seed) {
  std::int64_t count = 0;
  for (Sample& sample : manifest.samples) {
    if (!sample.caption.empty()) continue;
    MIEN_ASSIGN_OR_RETURN(const auto votes, votes_of(sample));
    if (!votes) continue;
    sample.caption = caption_from_votes(*votes, sample.id, seed);
    if (!sample.caption.empty()) ++count;
  }
  return count;
}

}  // namespace mien::data
