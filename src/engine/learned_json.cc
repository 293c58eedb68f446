#include <fmt/format.h>

#include "engine/label_json.h"

namespace mien::engine {
namespace {

constexpr std::size_t kMostTokens = 1000;  // of a text, and words of a token

Result<std::vector<NearWord>> token_from_json(const Json& list, std::string_view subject,
                                              const Limits& limits) {
  if (!list.is_array() || list.size() == 0 || list.size() > kMostTokens) {
    return corrupt(
        fmt::format("{}: a learned token is not a list of 1 to {} words", subject, kMostTokens));
  }
  std::vector<NearWord> out;
  for (const Json& item : list.as_array()) {
    MIEN_RETURN_IF_ERROR(json_reject_unknown(item, {"word", "distance"}, subject));
    NearWord near;
    MIEN_ASSIGN_OR_RETURN(near.word, json_string(item, "word", subject));
    MIEN_ASSIGN_OR_RETURN(near.distance, json_number(item, "distance", subject));
    if (!(near.distance >= 0) || near.distance > 1e9) {
      return corrupt(fmt::format("{}: the distance of '{}' is out of range (expected 0 to 1e9)",
                                 subject, near.word));
    }
    if (near.word.size() > limits.max_text_bytes) {
      return resource_limit(fmt::format("{}: a word near a learned token is too long", subject));
    }
    out.push_back(std::move(near));
  }
  return out;
}

}  // namespace

Json learned_to_json(const std::vector<LearnedText>& learned) {
  Json out = Json::array();
  for (const LearnedText& text : learned) {
    Json tokens = Json::array();
    for (const std::vector<NearWord>& token : text.tokens) {
      Json words = Json::array();
      for (const NearWord& near : token) {
        Json item = Json::object();
        item.set("word", near.word);
        item.set("distance", near.distance);
        words.push_back(std::move(item));
      }
      tokens.push_back(std::move(words));
    }
    out.push_back(std::move(tokens));
  }
  return out;
}

Result<std::vector<LearnedText>> learned_from_json(const Json& list, std::size_t expected,
                                                   std::string_view subject, const Limits& limits) {
  if (!list.is_array() || list.size() != expected) {
    return corrupt(
        fmt::format("{}: 'learned' must be a list of {} texts, one per text of the "
                    "labels",
                    subject, expected));
  }
  std::vector<LearnedText> out;
  for (const Json& text : list.as_array()) {
    if (!text.is_array() || text.size() == 0 || text.size() > kMostTokens) {
      return corrupt(
          fmt::format("{}: a learned text is not a list of 1 to {} tokens", subject, kMostTokens));
    }
    LearnedText& learned = out.emplace_back();
    for (const Json& token : text.as_array()) {
      MIEN_ASSIGN_OR_RETURN(learned.tokens.emplace_back(), token_from_json(token, subject, limits));
    }
  }
  return out;
}

}  // namespace mien::engine
