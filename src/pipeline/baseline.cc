#include "mien/pipeline/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

namespace mien::pipeline {
namespace {

constexpr std::size_t kBins = 1001;
constexpr double kMostSeconds = 1e9;

// "12", "12.5", "1:02", "1:02:03.5", each optionally followed by "s".
std::optional<double> seconds_of(std::string text) {
  if (!text.empty() && text.back() == 's') text.pop_back();
  if (text.empty() || text.find_first_not_of("0123456789.:") != std::string::npos) return {};
  double out = 0;
  int parts = 0;
  for (std::size_t at = 0; at <= text.size(); ++parts) {
    const std::size_t end = std::min(text.find(':', at), text.size());
    const std::string part = text.substr(at, end - at);
    char* rest = nullptr;
    const double value = std::strtod(part.c_str(), &rest);
    if (part.empty() || *rest != '\0' || (parts > 0 && value >= 60)) return {};
    out = 60 * out + value;
    at = end + 1;
  }
  if (parts > 3 || out > kMostSeconds) return {};
  return out;
}

}  // namespace

Result<Baseline> parse_baseline(std::string_view text) {
  if (text == "median") return Baseline{.from = Baseline::From::kMedian};
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto from = seconds_of(std::string(text.substr(0, dash)));
    const auto to = seconds_of(std::string(text.substr(dash + 1)));
    if (from && to && *from < *to) {
      return Baseline{.from = Baseline::From::kInterval,
                      .from_us = std::llround(*from * 1e6),
                      .to_us = std::llround(*to * 1e6)};
    }
  }
  return invalid_argument(fmt::format(
      "'{}' is not an interval (expected FROM-TO in seconds such as 0-10s, or median)", text));
}

void TrackBaseline::add(const Baseline& baseline, std::int64_t time_us, std::int64_t held_us,
                        std::span<const float> probabilities) {
  const double weight = static_cast<double>(std::max<std::int64_t>(held_us, 1)) / 1e6;
  labels_ = probabilities.size();
  if (baseline.from == Baseline::From::kInterval) {
    if (time_us < baseline.from_us || time_us >= baseline.to_us) return;
    sums_.resize(labels_);
    for (std::size_t i = 0; i < labels_; ++i) {
      sums_[i] += weight * static_cast<double>(probabilities[i]);
    }
  } else {
    histogram_.resize(kBins * labels_);
    for (std::size_t i = 0; i < labels_; ++i) {
      const double share = std::clamp(static_cast<double>(probabilities[i]), 0.0, 1.0);
      const auto bin = static_cast<std::size_t>(std::lround(share * (kBins - 1)));
      histogram_[i * kBins + bin] += static_cast<float>(weight);
    }
  }
  seconds_ += weight;
}

std::vector<float> TrackBaseline::value(const Baseline& baseline) const {
  std::vector<float> out;
  if (seconds_ <= 0) return out;
  for (std::size_t i = 0; i < labels_; ++i) {
    if (baseline.from == Baseline::From::kInterval) {
      out.push_back(static_cast<float>(sums_[i] / seconds_));
      continue;
    }
    const auto bins = std::span(histogram_).subspan(i * kBins, kBins);
    double all = 0, until = 0;
    for (const float weight : bins) all += static_cast<double>(weight);
    std::size_t bin = 0;
    while (bin + 1 < kBins && (until += static_cast<double>(bins[bin])) < all / 2) ++bin;
    out.push_back(static_cast<float>(static_cast<double>(bin) / (kBins - 1)));
  }
  return out;
}

}  // namespace mien::pipeline
