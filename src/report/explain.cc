#include "report/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/text.h"

namespace mien::report {
namespace {

constexpr std::size_t kFor = 3;        // descriptions of the leading label
constexpr std::size_t kNearWords = 3;  // per learned token
constexpr int kIndent = 7;

void tell(const char* head, const engine::Reason& reason, const TableOptions& options,
          std::vector<std::string>& out) {
  const int room = std::max(options.width, 40) - kIndent;
  const std::string space(kIndent, ' ');
  const auto cut = [&](const std::string& text, int taken) {
    return shorten(text, std::max(10, room - taken), options.unicode);
  };
  out.push_back(space + fmt::format("{:<8} {:6.3f}  ", head, reason.cosine) + cut(reason.text, 17));
  if (reason.near.empty()) return;
  std::string words;
  for (const std::vector<std::string>& token : reason.near) {
    std::string some;
    for (std::size_t i = 0; i < std::min(token.size(), kNearWords); ++i) {
      some += (i == 0 ? "" : ", ") + token[i];
    }
    words += (words.empty() ? "" : " | ") + some;
  }
  out.push_back(space + std::string(17, ' ') + cut("its tokens: " + words, 17));
}

}  // namespace

std::vector<std::string> explanation(const std::vector<engine::LabelScore>& labels,
                                     const std::vector<engine::Reason>& reasons,
                                     const TableOptions& options) {
  std::vector<std::string> out;
  if (labels.empty()) return out;
  std::size_t told = 0;
  for (const engine::Reason& reason : reasons) {
    if (reason.label != labels.front().label || told == kFor) continue;
    tell(told == 0 ? "because" : "", reason, options, out);
    ++told;
  }
  const auto other = std::find_if(reasons.begin(), reasons.end(), [&](const auto& reason) {
    return reason.label != labels.front().label;
  });
  if (told > 0 && other != reasons.end()) {
    engine::Reason against = *other;
    against.text = against.label + ": " + against.text;
    tell("against", against, options, out);
  }
  return out;
}

}  // namespace mien::report
