#include "methods/votes.h"

#include <algorithm>

#include "mien/text/prompts.h"

namespace mien::methods {

std::array<float, kVoteClasses> vote_shares(const data::ExpressionVotes& votes) {
  std::array<float, kVoteClasses> out = {};
  const int most = *std::max_element(votes.expressions.begin(), votes.expressions.end());
  float sum = 0;
  for (std::size_t i = 0; i < kVoteClasses; ++i) {
    const int count = votes.expressions[i];
    out[i] = most > 1 && count < 2 ? 0.0F : static_cast<float>(count);
    sum += out[i];
  }
  if (sum > 0) {
    for (float& share : out) share /= sum;
  }
  return out;
}

std::vector<std::int64_t> vote_places(const std::vector<std::string>& classes) {
  std::vector<std::int64_t> out;
  for (const std::string& name : classes) {
    const std::string_view meaning = text::builtin_label_of(name);
    const auto found = std::find_if(kVoteNames.begin(), kVoteNames.end(), [&](auto vote) {
      return vote == name || (!meaning.empty() && text::builtin_label_of(vote) == meaning);
    });
    out.push_back(found == kVoteNames.end() ? -1 : found - kVoteNames.begin());
  }
  return out;
}

}  // namespace mien::methods
