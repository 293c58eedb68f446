// Which protocols of `eval` support which options: none is silently ignored.

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/eval.h"

namespace mien::cli {

Status check_protocol_fit(const EvalOptions& options) {
  struct Rule {
    const char* flag;
    bool given;
    std::vector<std::string> protocols;  // that support it
  };
  const ProtocolOptions& more = options.protocols;
  const std::vector<std::string> one_run = {"zero-shot", "closed"};
  const std::vector<Rule> rules = {
      {"--predictions", !options.predictions.empty(), {"zero-shot", "closed", "regression"}},
      {"--with-samples", options.with_samples, one_run},
      {"--with-images", options.page.with_images, one_run},
      {"--group-by", !more.group_by.empty(), one_run},
      {"--shared-classes", more.shared_classes, {"zero-shot", "closed", "open-set", "robustness"}},
      {"--prompts", !more.prompts.empty(), {"zero-shot", "k-fold", "open-set", "robustness"}},
      {"--known", !more.known.empty(), {"open-set"}},
      {"--splits", !more.splits.empty(), {"open-set"}},
      {"--corruptions", !more.corruptions.empty(), {"robustness"}},
      {"--targets", !options.data.targets.empty(), {"regression"}},
      {"--outliers", !more.outliers.empty(), {"open-set", "leave-one-out"}},
      {"--unseen", !options.unseen.empty(), {"leave-one-out"}},
      {"--average-by", !options.average_by.empty(), {"regression"}},
  };
  for (const Rule& rule : rules) {
    if (!rule.given || std::find(rule.protocols.begin(), rule.protocols.end(), options.protocol) !=
                           rule.protocols.end()) {
      continue;
    }
    return invalid_argument(fmt::format("{}: not supported by --protocol {} (expected {})",
                                        rule.flag, options.protocol,
                                        fmt::join(rule.protocols, " or ")));
  }
  return {};
}

}  // namespace mien::cli
