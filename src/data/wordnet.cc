#include "data/wordnet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "core/file.h"

namespace mien::data {
namespace {

constexpr std::uint64_t kMaxBytes = 256U << 20;
constexpr std::array<std::pair<const char*, char>, 4> kFiles = {
    {{"data.noun", 'n'}, {"data.verb", 'v'}, {"data.adj", 'a'}, {"data.adv", 'r'}}};

using Key = std::pair<char, std::int64_t>;  // part and byte offset

struct Pointer {
  char symbol = ' ';
  Key target;
};

// Fields of a line, separated by single blanks.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}
  std::string_view next() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (out.empty()) good_ = false;
    return out;
  }
  std::int64_t number(int base) {
    const std::string_view text = next();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) good_ = false;
    return value;
  }
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// A satellite adjective is an adjective.
char part_of(std::string_view text) { return text == "s" ? 'a' : text.empty() ? ' ' : text[0]; }

// "high_spirits(p)" -> "high spirits".
std::string plain_word(std::string_view word) {
  std::string out(word.substr(0, word.find('(')));
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

// The text before the first example.
std::string definition(std::string_view gloss) {
  std::string_view out = gloss.substr(0, gloss.find("; \""));
  while (!out.empty() && (out.back() == ' ' || out.back() == ';')) out.remove_suffix(1);
  while (!out.empty() && out.front() == ' ') out.remove_prefix(1);
  return std::string(out);
}

bool read_line(std::string_view line, char part, Synset& out, Key& key,
               std::vector<Pointer>& pointers) {
  const std::size_t bar = line.find(" | ");
  if (bar == std::string_view::npos) return false;
  Fields fields(line.substr(0, bar));
  key = {part, fields.number(10)};
  out.part = part;
  out.topic = static_cast<int>(fields.number(10));
  fields.next();  // kind
  const std::int64_t words = fields.number(16);
  for (std::int64_t i = 0; i < words && fields.good(); ++i) {
    out.words.push_back(plain_word(fields.next()));
    fields.next();  // sense number
  }
  const std::int64_t count = fields.number(10);
  for (std::int64_t i = 0; i < count && fields.good(); ++i) {
    const std::string_view symbol = fields.next();
    const std::int64_t offset = fields.number(10);
    const char target = part_of(fields.next());
    fields.next();  // which words
    pointers.push_back({symbol.empty() ? ' ' : symbol[0], {target, offset}});
  }
  out.gloss = definition(line.substr(bar + 3));
  return fields.good() && !out.words.empty();
}

}  // namespace

Result<std::vector<Synset>> load_wordnet(const std::filesystem::path& folder) {
  std::vector<Synset> out;
  std::vector<std::vector<Pointer>> pointers;
  std::map<Key, std::int64_t> indices;
  for (const auto& [name, part] : kFiles) {
    MIEN_ASSIGN_OR_RETURN(const std::string file, read_text_file(folder / name, kMaxBytes));
    int number = 0;
    for (std::size_t at = 0, end = 0; at < file.size(); at = end + 1) {
      end = std::min(file.find('\n', at), file.size());
      const std::string_view line = std::string_view(file).substr(at, end - at);
      ++number;
      if (line.empty() || line.front() == ' ') continue;  // the licence
      Synset synset;
      Key key;
      if (!read_line(line, part, synset, key, pointers.emplace_back())) {
        return corrupt(
            fmt::format("{}:{}: not a line of WordNet", (folder / name).string(), number));
      }
      indices.emplace(key, static_cast<std::int64_t>(out.size()));
      out.push_back(std::move(synset));
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (const Pointer& pointer : pointers[i]) {
      const auto found = indices.find(pointer.target);
      if (found == indices.end()) continue;
      if (pointer.symbol == '!') out[i].antonyms.push_back(found->second);
      if (pointer.symbol == '@') out[i].parents.push_back(found->second);
      if (pointer.symbol == '&') out[i].similar.push_back(found->second);
    }
  }
  return out;
}

}  // namespace mien::data
