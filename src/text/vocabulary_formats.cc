#include "text/vocabulary_formats.h"

#include <algorithm>
#include <string>
#include <vector>

#include "mien/core/json.h"
#include "text/gunzip.h"
#include "text/quote.h"

namespace mien::text {
namespace {

// Exactly "left right".
bool split_merge(std::string_view line, Merge& merge) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size()) return false;
  merge = {line.substr(0, space), line.substr(space + 1)};
  return merge.second.find(' ') == std::string_view::npos;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

Result<Vocabulary> parse_merges(std::string_view text, std::string_view subject) {
  const std::string where(subject);
  const std::string_view header = take_line(text);
  if (header.find("#version") == std::string_view::npos) {
    return corrupt(where + ": not a file of BPE merges (expected \"#version\" on line 1, got " +
                   in_quotes(header) + ")");
  }
  std::vector<Merge> merges;
  merges.reserve(std::min(kMaxMerges, text.size() / 8));
  for (std::size_t number = 2; !text.empty() && merges.size() < kMaxMerges; ++number) {
    const std::string_view line = take_line(text);
    if (line.empty() && text.empty()) break;
    Merge& merge = merges.emplace_back();
    if (!split_merge(line, merge)) {
      return corrupt(where + ": line " + std::to_string(number) +
                     " is not a merge (expected two tokens, got " + in_quotes(line) + ")");
    }
  }
  return Vocabulary::build(merges, subject);
}

// Every token must have the id of OpenAI's order, so that the merges alone define the vocabulary.
Status check_ids(const Json& vocab, const Vocabulary& vocabulary, std::string_view subject) {
  const std::string where(subject);
  if (!vocab.is_object()) return corrupt(where + ": the vocabulary is not an object");
  for (const auto& [token, value] : vocab.as_object()) {
    if (!value.is_integer())
      return corrupt(where + ": the id of " + in_quotes(token) + " is not an integer");
    const std::int32_t expected = vocabulary.find(token);
    if (expected < 0) return unsupported(where + ": no merge makes the token " + in_quotes(token));
    if (value.as_integer() != expected) {
      return unsupported(where + ": ids are not in CLIP's order (expected " +
                         std::to_string(expected) + " for " + in_quotes(token) + ", got " +
                         std::to_string(value.as_integer()) + ")");
    }
  }
  if (vocab.size() != static_cast<std::size_t>(vocabulary.size())) {
    return corrupt(where + ": tokens are missing (expected " + std::to_string(vocabulary.size()) +
                   ", got " + std::to_string(vocab.size()) + ")");
  }
  return {};
}

Result<Json> parse_json(std::string_view text, std::string_view subject, const Limits& limits) {
  Result<Json> json = Json::parse(text, limits);
  if (!json.ok()) return json.status().with_prefix(subject);
  return json;
}

// A merge is "left right" or ["left", "right"].
Result<std::vector<Merge>> json_merges(const Json& list, std::string_view subject) {
  std::vector<Merge> out;
  out.reserve(list.size());
  for (const Json& item : list.as_array()) {
    Merge merge;
    bool good = false;
    if (item.is_string()) {
      good = split_merge(item.as_string(), merge);
    } else if (item.is_array() && item.size() == 2) {
      const Json::Array& pair = item.as_array();
      good = pair[0].is_string() && pair[1].is_string() && !pair[0].as_string().empty() &&
             !pair[1].as_string().empty();
      if (good) merge = {pair[0].as_string(), pair[1].as_string()};
    }
    if (!good) {
      return corrupt(std::string(subject) + ": merge " + std::to_string(out.size() + 1) +
                     " is malformed (expected two tokens)");
    }
    out.push_back(merge);
  }
  return out;
}

}  // namespace

Result<Vocabulary> read_merges(std::span<const std::byte> bytes, std::string_view subject,
                               const Limits& limits) {
  const std::uint64_t max_bytes = std::min(limits.max_file_bytes, kMaxVocabularyBytes);
  if (bytes.size() > max_bytes) {
    return resource_limit(std::string(subject) + ": file too large (expected at most " +
                          std::to_string(max_bytes) + " bytes, got " +
                          std::to_string(bytes.size()) + ")");
  }
  if (!is_gzip(bytes)) {
    return parse_merges({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, subject);
  }
  MIEN_ASSIGN_OR_RETURN(const std::string text, gunzip(bytes, max_bytes, subject));
  return parse_merges(text, subject);
}

Result<Vocabulary> read_vocab_json(std::string_view vocab_json, std::span<const std::byte> merges,
                                   std::string_view subject, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(Vocabulary vocabulary, read_merges(merges, subject, limits));
  MIEN_ASSIGN_OR_RETURN(const Json vocab, parse_json(vocab_json, subject, limits));
  MIEN_RETURN_IF_ERROR(check_ids(vocab, vocabulary, subject));
  return vocabulary;
}

Result<Vocabulary> read_tokenizer_json(std::string_view json, std::string_view subject,
                                       const Limits& limits) {
  const std::string where(subject);
  MIEN_ASSIGN_OR_RETURN(const Json root, parse_json(json, subject, limits));
  const Json* model = root.find("model");
  if (model == nullptr || !model->is_object()) {
    return corrupt(where + ": no tokenizer (expected an object \"model\")");
  }
  if (const Json* type = model->find("type");
      type != nullptr && !(type->is_string() && type->as_string() == "BPE")) {
    return unsupported(where + ": unknown kind of tokenizer (expected BPE)");
  }
  if (const Json* suffix = model->find("end_of_word_suffix");
      suffix != nullptr && !(suffix->is_string() && suffix->as_string() == kWordEnd)) {
    return unsupported(where + ": not CLIP's tokenizer (expected end_of_word_suffix \"</w>\")");
  }
  const Json* vocab = model->find("vocab");
  const Json* merges = model->find("merges");
  if (vocab == nullptr || merges == nullptr || !merges->is_array()) {
    return corrupt(where + ": the model has no \"vocab\" or no list \"merges\"");
  }
  MIEN_ASSIGN_OR_RETURN(const std::vector<Merge> list, json_merges(*merges, subject));
  MIEN_ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::build(list, subject));
  MIEN_RETURN_IF_ERROR(check_ids(*vocab, vocabulary, subject));
  return vocabulary;
}

}  // namespace mien::text
