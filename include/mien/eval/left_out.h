#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/eval/run.h"

namespace mien::eval {

/// What a bundle that never saw a class says of its samples, among all classes.
struct LeftOutClass {
  std::string name;
  std::int64_t correct = 0;
  std::int64_t samples = 0;
  std::vector<std::int64_t> said = {};  ///< per class of the report: how often it was the answer

  double recall() const;  ///< percent
};

/// Leave-one-class-out: one bundle per class. Source: EmoCLIP (arXiv 2310.16640); the aggregation
/// is ours, since no published code has one.
struct LeftOutReport {
  std::vector<std::string> classes;  ///< of the data
  std::vector<LeftOutClass> left_out = {};
  std::vector<std::string> missing = {};  ///< classes that no bundle left out

  double uar() const;  ///< mean of the recalls, percent
  double war() const;  ///< all correct ones of all samples, percent
  Json to_json() const;
};

/// The class that training left out, as the bundle's provenance says. Errors: kInvalidArgument when
/// it says none.
Result<std::string> left_out_class(const engine::Bundle& bundle);

/// The samples of a manifest that carry a class alone. Errors: kNotFound for an unknown class,
/// kInvalidArgument without a sample of it.
Result<data::Manifest> only_class(const data::Manifest& manifest, const std::string& name);

/// Counts the answers of one run over samples of one class. Precondition: all have that truth.
LeftOutClass count_left_out(const std::string& name, const RunResult& result);

}  // namespace mien::eval
