#include "methods/compact/votes.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>

#include "loss/cross_entropy.h"
#include "mien/core/check.h"
#include "mien/text/prompts.h"

namespace mien::methods {

VoteShares vote_shares(const data::ExpressionVotes& votes) {
  VoteShares out = {};
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

Result<std::vector<VoteShares>> vote_shares_of(const data::Manifest& manifest) {
  std::vector<VoteShares> out;
  for (const data::Sample& sample : manifest.samples) {
    MIEN_ASSIGN_OR_RETURN(const auto votes, data::votes_of(sample));
    out.push_back(votes ? vote_shares(*votes) : VoteShares{});
  }
  return out;
}

void forget(VoteShares& shares, std::size_t expression) {
  shares[expression] = 0;
  float sum = 0;
  for (const float share : shares) sum += share;
  if (sum > 0) {
    for (float& share : shares) share /= sum;
  }
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

KnownColumns known_columns(const std::vector<std::string>& classes, const std::string& left_out) {
  const std::vector<std::int64_t> places = vote_places(classes);
  std::vector<std::int64_t> labels, votes;
  KnownColumns out;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (classes[c] == left_out) {
      out.left_out_vote = places[c];
    } else {
      labels.push_back(static_cast<std::int64_t>(c));
    }
  }
  MIEN_CHECK(left_out.empty() || labels.size() + 1 == classes.size());
  for (std::int64_t v = 0; v < static_cast<std::int64_t>(kVoteClasses); ++v) {
    if (v != out.left_out_vote) votes.push_back(v);
  }
  out.labels = torch::tensor(labels, torch::kInt64);
  out.votes = torch::tensor(votes, torch::kInt64);
  return out;
}

void forget_left_out(const KnownColumns& known, std::vector<VoteShares>& votes) {
  if (known.left_out_vote < 0) return;
  for (VoteShares& shares : votes) forget(shares, static_cast<std::size_t>(known.left_out_vote));
}

torch::Tensor best_of(const torch::Tensor& scores, const torch::Tensor& columns) {
  return columns.index_select(0, scores.index_select(1, columns).argmax(1));
}

torch::Tensor known_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                  const torch::Tensor& columns) {
  if (columns.size(0) == logits.size(1)) return loss::soft_cross_entropy(logits, targets);
  const torch::Tensor kept = targets.index_select(1, columns);
  return loss::soft_cross_entropy(logits.index_select(1, columns),
                                  kept / kept.sum(1, true).clamp_min(1e-12));
}

}  // namespace mien::methods
