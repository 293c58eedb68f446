#pragma once

#include <torch/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/captions.h"
#include "mien/data/manifest.h"

namespace mien::methods {

inline constexpr std::size_t kVoteClasses = 8;
/// Names of the expressions that FER+ votes for, in the order of data::ExpressionVotes.
inline constexpr std::array<std::string_view, kVoteClasses> kVoteNames = {
    "neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"};
using VoteShares = std::array<float, kVoteClasses>;
/// Share of the annotators per expression; single votes beside stronger ones are left out, as FER+
/// does. All zero when nobody saw an expression.
VoteShares vote_shares(const data::ExpressionVotes& votes);
/// The shares of every sample; zeros for one without votes. Errors: those of data::votes_of.
Result<std::vector<VoteShares>> vote_shares_of(const data::Manifest& manifest);
/// Removes the share of one expression; the others are rescaled to sum to 1, unless all are 0.
void forget(VoteShares& shares, std::size_t expression);
/// Columns that training may use if a class is left out: all except its own. Shape: int64.
struct KnownColumns {
  torch::Tensor labels;  ///< of the classes
  torch::Tensor votes;   ///< of kVoteNames
  std::int64_t left_out_vote = -1;
};
/// `left_out` empty: all. Precondition: it is one of the classes.
KnownColumns known_columns(const std::vector<std::string>& classes, const std::string& left_out);
/// Forgets the votes for the class that is left out, if there is one.
void forget_left_out(const KnownColumns& known, std::vector<VoteShares>& votes);
/// Cross entropy over some columns; the targets of the others are dropped and the rest is rescaled.
/// Rows without a target do not count. Shape: logits and targets [N, classes].
torch::Tensor known_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                  const torch::Tensor& columns);
/// The best of `columns` in every row. Shape: scores [N, classes] -> [N], indices among all
/// columns.
torch::Tensor best_of(const torch::Tensor& scores, const torch::Tensor& columns);
/// For every class, the index in kVoteNames with the same meaning; -1: none.
std::vector<std::int64_t> vote_places(const std::vector<std::string>& classes);

}  // namespace mien::methods
