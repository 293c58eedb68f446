#include "convert/regression.h"

#include <fmt/format.h>

#include <set>

namespace mien::convert {
namespace {

constexpr std::int64_t kMostHidden = 16384;
constexpr std::int64_t kMostTargets = 4096;

Result<HeadPlan> read_head(const checkpoint::Checkpoint& weights, checkpoint::ClipNaming naming,
                           int embed) {
  HeadPlan out;
  MIEN_ASSIGN_OR_RETURN(out.rows, checkpoint::map_regression_names(weights, naming));
  if (out.rows.empty()) return out;
  MIEN_ASSIGN_OR_RETURN(const auto shape,
                        checkpoint::infer_regression_shape(weights, out.rows, embed));
  if (shape.hidden > kMostHidden || shape.targets < 1 || shape.targets > kMostTargets) {
    return unsupported(fmt::format("{} targets, {} hidden (expected 1 to {}, at most {})",
                                   shape.targets, shape.hidden, kMostTargets, kMostHidden));
  }
  out.sizes = {.hidden = static_cast<int>(shape.hidden),
               .targets = static_cast<int>(shape.targets)};
  return out;
}

}  // namespace

Result<std::vector<engine::RegressionTarget>> name_targets(const std::vector<std::string>& names,
                                                           int targets) {
  const std::set<std::string> different(names.begin(), names.end());
  if (names.size() != static_cast<std::size_t>(targets) || different.size() != names.size() ||
      different.contains("")) {
    return invalid_argument(
        fmt::format("--targets: {} names (expected {} different ones, as in the regression head)",
                    names.size(), targets));
  }
  std::vector<engine::RegressionTarget> out;
  for (const std::string& name : names) out.push_back({.name = name});
  return out;
}

Result<std::optional<HeadPlan>> find_regression(const checkpoint::Checkpoint& weights,
                                                checkpoint::ClipNaming naming, int embed,
                                                const std::vector<std::string>& names,
                                                std::vector<std::string>& notes) {
  auto head = read_head(weights, naming, embed);
  // Other models have an `mlp` too: if it is not a head, convert only the towers.
  if (!head.ok()) {
    notes.push_back("the regression head is left out: " + head.status().message());
  }
  if (!head.ok() || head->rows.empty()) {
    if (names.empty()) return std::optional<HeadPlan>();
    return invalid_argument(
        "--targets: the source has no regression head (expected 'mlp.0.weight')");
  }
  if (!names.empty()) {
    MIEN_ASSIGN_OR_RETURN(head->targets, name_targets(names, head->sizes.targets));
    return std::optional(std::move(head).value());
  }
  for (int t = 1; t <= head->sizes.targets; ++t) {
    head->targets.push_back({.name = fmt::format("target_{}", t)});
  }
  notes.emplace_back("the targets of the regression head have no names (--targets sets them)");
  return std::optional(std::move(head).value());
}

}  // namespace mien::convert
