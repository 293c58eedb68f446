#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/data/captions.h"

namespace mien::methods {

inline constexpr std::size_t kVoteClasses = 8;
/// Names of the expressions that FER+ votes for, in the order of data::ExpressionVotes.
inline constexpr std::array<std::string_view, kVoteClasses> kVoteNames = {
    "neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"};
/// Share of the annotators per expression; single votes beside stronger ones are left out, as FER+
/// does. All zero when nobody saw an expression.
std::array<float, kVoteClasses> vote_shares(const data::ExpressionVotes& votes);
/// Place among kVoteNames of every class that means the same; -1: none.
std::vector<std::int64_t> vote_places(const std::vector<std::string>& classes);

}  // namespace mien::methods
