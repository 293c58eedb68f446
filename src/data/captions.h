#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "mien/core/status.h"
#include "mien/data/manifest.h"

namespace mien::data {

/// The votes of annotators on one picture, as FER+ counts them.
struct ExpressionVotes {
  /// neutral, happiness, surprise, sadness, anger, disgust, fear, contempt.
  std::array<int, 8> expressions = {};
  int unknown = 0;
  int not_a_face = 0;
};

/// The votes in the columns fp_neutral ... fp_contempt, fp_unknown, fp_nf of a sample; none without
/// these columns. Errors: kCorrupt naming sample and column for a cell that is not a count.
Result<std::optional<ExpressionVotes>> votes_of(const Sample& sample);

/// A sentence on how the face looks, such as "The expression looks mostly sad, a little afraid." It
/// speaks of the expression, never of what a person feels. Single votes beside a stronger
/// expression are ignored. The wording varies with the votes, `id` and `seed` only. Empty when half
/// of the annotators or more saw no face or could not tell.
std::string caption_from_votes(const ExpressionVotes& votes, std::string_view id,
                               std::uint64_t seed);

/// Adds a caption to every sample that has votes and no caption; returns their number.
/// Errors: those of votes_of.
Result<std::int64_t> add_vote_captions(Manifest& manifest, std::uint64_t seed);

/// Gives captions from a CSV with `path` or `sequence` (the id of a sample) and `caption` (or
/// `caption_en`); returns how many samples got one. Errors: those of parse_csv; kCorrupt without
/// these columns.
Result<std::int64_t> add_captions(Manifest& manifest, const std::filesystem::path& csv,
                                  const Limits& limits = {});

}  // namespace mien::data
