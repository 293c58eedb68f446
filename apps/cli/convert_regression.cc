// The regression head of a downstream checkpoint.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cli/convert_model.h"

namespace mien::cli {
namespace {

Result<HeadPlan> read_head(const Source& source, int embed) {
  HeadPlan out;
  MIEN_ASSIGN_OR_RETURN(out.plan,
                        checkpoint::map_regression_names(*source.checkpoint, source.naming));
  if (out.plan.empty()) return out;
  MIEN_ASSIGN_OR_RETURN(const auto shape,
                        checkpoint::infer_regression_shape(*source.checkpoint, out.plan, embed));
  if (shape.hidden > 16384 || shape.targets < 1 || shape.targets > 4096) {
    return unsupported(fmt::format("{} targets, {} hidden (expected 1 to 4096, at most 16384)",
                                   shape.targets, shape.hidden));
  }
  out.sizes = {.hidden = static_cast<int>(shape.hidden),
               .targets = static_cast<int>(shape.targets)};
  return out;
}

Status check_names(const std::vector<std::string>& names, int targets) {
  const std::set<std::string> different(names.begin(), names.end());
  if (names.size() == static_cast<std::size_t>(targets) && different.size() == names.size() &&
      !different.contains("")) {
    return {};
  }
  return invalid_argument(
      fmt::format("--targets: {} names (expected {} different ones, as the regression head has)",
                  names.size(), targets));
}

}  // namespace

Result<std::optional<HeadPlan>> decide_regression(const Source& source, const Hints& hints,
                                                  int embed, const std::vector<std::string>& names,
                                                  std::vector<std::string>& notes) {
  auto head = read_head(source, embed);
  if (!head.ok()) {
    notes.push_back("the regression head is left out: " + head.status().message());
  }
  if (!head.ok() || head->plan.empty()) {
    if (names.empty()) return std::optional<HeadPlan>();
    return invalid_argument(
        "--targets: the source has no regression head (expected 'mlp.0.weight')");
  }
  if (!names.empty()) {
    MIEN_RETURN_IF_ERROR(check_names(names, head->sizes.targets));
    for (const std::string& name : names) head->targets.push_back({.name = name});
  } else if (hints.bundle && hints.bundle->architecture.regression == head->sizes) {
    head->targets = hints.bundle->targets;
  } else {
    for (int t = 1; t <= head->sizes.targets; ++t) {
      head->targets.push_back({.name = fmt::format("target_{}", t)});
    }
    notes.emplace_back("the targets of the regression head have no names (--targets names them)");
  }
  return std::optional(std::move(head).value());
}

Result<std::vector<float>> try_regressor(const engine::Regressor& head, int embed) {
  std::vector<float> clips(2 * static_cast<std::size_t>(embed));
  for (std::size_t i = 0; i < clips.size(); ++i) {
    clips[i] = static_cast<float>(i % 19) / 9.0F - 1.0F;
  }
  std::vector<float> out(2 * static_cast<std::size_t>(head.targets()));
  engine::Session session;
  MIEN_RETURN_IF_ERROR(head.predict(clips.data(), 2, out.data(), session));
  if (!std::all_of(out.begin(), out.end(), [](float v) { return std::isfinite(v); })) {
    return corrupt("checkpoint: the regression head gives numbers that are not finite");
  }
  return out;
}

}  // namespace mien::cli
