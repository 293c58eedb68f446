#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "metrics/paired.h"
#include "mien/core/json.h"
#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/eval/closed_set.h"

namespace mien::eval {

/// The answers of one evaluation, sample by sample.
struct Answers {
  std::string name;  ///< of the file
  std::vector<std::string> classes;
  std::vector<Prediction> predictions;
};

/// Reads the output of `mien eval --json --with-samples` (one JSON object) or `--predictions` (a
/// CSV), distinguished by the first byte. Errors: kNotFound, kIo; kCorrupt naming line or sample
/// for another kind of file, a class that is not listed, wrong probabilities, or a duplicate id;
/// kInvalidArgument for JSON without samples.
Result<Answers> load_answers(const std::filesystem::path& path, const Limits& limits = {});

/// "samples" of `mien eval --json --with-samples`: [{"id", "truth", "prediction", "p": [...]}].
Json samples_to_json(const std::vector<std::string>& classes,
                     const std::vector<Prediction>& predictions);

struct CompareOptions {
  int resamples = 2000;
  std::uint64_t seed = 1;
};

/// Two evaluations of the same samples.
struct Comparison {
  std::string first, second;  ///< names
  std::int64_t samples = 0;   ///< in both
  std::int64_t only_in_first = 0, only_in_second = 0;
  double war[2] = {};  ///< percent, on the common samples
  double uar[2] = {};
  std::int64_t both_right = 0, only_first_right = 0, only_second_right = 0, both_wrong = 0;
  double mcnemar_p = 1;
  metrics::PairedDifference war_difference;  ///< first minus second, percent points
  metrics::PairedDifference uar_difference;

  Json to_json() const;
};

/// Compares sample by sample; ids, classes and truths must agree. Errors: kInvalidArgument naming
/// the first class or sample that does not, or when no sample is common.
Result<Comparison> compare_answers(const Answers& first, const Answers& second,
                                   const CompareOptions& options = {});

}  // namespace mien::eval
