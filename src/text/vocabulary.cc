#include "text/vocabulary.h"

#include <bit>
#include <functional>
#include <string>

#include "core/utf8.h"
#include "mien/core/check.h"
#include "text/quote.h"

namespace mien::text {
namespace {

// The bytes that represent themselves in OpenAI's table; the others follow from U+0100 on.
constexpr bool is_printable_byte(int b) {
  return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
}

constexpr char32_t kFirstOtherByte = 0x100;

}  // namespace

Vocabulary::Vocabulary(std::size_t merge_count)
    : slots_(std::bit_ceil((merge_count + 2 * kByteTokens + 2) * 2), -1), merges_(merge_count) {
  offsets_.reserve(merge_count + 2 * kByteTokens + 3);
  offsets_.push_back(0);
  splits_.reserve(merge_count);
  pool_.reserve(merge_count * 8);
  std::vector<std::string> spellings;
  for (const bool printable : {true, false}) {
    for (int b = 0; b < 256; ++b) {
      if (is_printable_byte(b) != printable) continue;
      const auto id = static_cast<std::int32_t>(spellings.size());
      byte_tokens_[b] = id;
      bytes_[id] = static_cast<unsigned char>(b);
      const auto others = static_cast<char32_t>(id) - 188;  // 188 bytes are printable
      append_utf8(spellings.emplace_back(),
                  printable ? static_cast<char32_t>(b) : kFirstOtherByte + others);
    }
  }
  for (const std::string& spelling : spellings) add(spelling, "");
  for (const std::string& spelling : spellings) add(spelling, kWordEnd);
}

std::string_view Vocabulary::token(std::int32_t id) const {
  MIEN_CHECK(id >= 0 && id < size());
  return std::string_view(pool_).substr(offsets_[id], offsets_[id + 1] - offsets_[id]);
}

std::size_t Vocabulary::slot_of(std::string_view token) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>()(token) & mask;
  while (slots_[slot] >= 0 && this->token(slots_[slot]) != token) slot = (slot + 1) & mask;
  return slot;
}

std::int32_t Vocabulary::find(std::string_view token) const { return slots_[slot_of(token)]; }

bool Vocabulary::add(std::string_view left, std::string_view right) {
  const std::size_t begin = pool_.size();
  pool_.append(left).append(right);
  const std::size_t slot = slot_of(std::string_view(pool_).substr(begin));
  if (slots_[slot] >= 0) {
    pool_.resize(begin);
    return false;
  }
  slots_[slot] = size();
  offsets_.push_back(static_cast<std::uint32_t>(pool_.size()));
  return true;
}

Result<Vocabulary> Vocabulary::build(const std::vector<Merge>& merges, std::string_view subject) {
  const std::string where(subject);
  if (merges.size() > kMaxMerges) {
    return unsupported(where + ": too many merges (expected at most " + std::to_string(kMaxMerges) +
                       ", got " + std::to_string(merges.size()) + ")");
  }
  Vocabulary out(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    const std::int32_t left_id = out.find(left);
    const std::int32_t right_id = out.find(right);
    if (left_id < 0 || right_id < 0) {
      return corrupt(where + ": merge " + std::to_string(i + 1) + " uses " +
                     in_quotes(left_id < 0 ? left : right) + ", which no earlier merge makes");
    }
    if (!out.add(left, right)) {
      return corrupt(where + ": merge " + std::to_string(i + 1) + " makes a token that exists (" +
                     in_quotes(left) + " and " + in_quotes(right) + ")");
    }
    out.splits_.push_back(static_cast<std::uint32_t>(left.size()));
    out.merges_.add(left_id, right_id, out.size() - 1);
  }
  if (!out.add(kStartToken, "") || !out.add(kEndToken, "")) {
    return corrupt(where + ": a merge makes a special token");
  }
  return out;
}

std::string Vocabulary::bytes_of(std::int32_t id) const {
  const std::vector<char32_t> points = to_code_points(token(id));
  std::string out;
  for (const char32_t point : points) {
    const bool other = point >= kFirstOtherByte;
    out.push_back(static_cast<char>(other ? bytes_[point - kFirstOtherByte + 188] : point));
  }
  return out;
}

std::string Vocabulary::merges_text() const {
  std::string out = "#version: 0.2\n";
  out.reserve(pool_.size() + splits_.size() * 2 + out.size());
  for (std::size_t i = 0; i < splits_.size(); ++i) {
    const std::string_view text = token(static_cast<std::int32_t>(i) + 2 * kByteTokens);
    out.append(text.substr(0, splits_[i])).append(" ").append(text.substr(splits_[i])).append("\n");
  }
  return out;
}

}  // namespace mien::text
