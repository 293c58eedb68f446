#include "harness.h"

#include <chrono>
#include <cstdio>

namespace mien::bench {

Result<std::vector<double>> measure(const Plan& plan, const std::function<Status()>& work) {
  using Clock = std::chrono::steady_clock;
  constexpr int kLeast = 3;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  };
  auto start = Clock::now();
  for (int i = 0; i < plan.warmup && since(start) <= plan.budget_s * 1e3; ++i) {
    MIEN_RETURN_IF_ERROR(work());
  }
  std::vector<double> samples;
  start = Clock::now();
  for (int i = 0; i < plan.repeats; ++i) {
    if (i >= kLeast && since(start) > plan.budget_s * 1e3) break;
    const auto begin = Clock::now();
    MIEN_RETURN_IF_ERROR(work());
    samples.push_back(since(begin));
  }
  return samples;
}

void report(Json facts, const std::vector<double>& samples_ms) {
  Json samples = Json::array();
  for (const double value : samples_ms) samples.push_back(value);
  facts.set("ms", std::move(samples));
  std::puts(facts.dump().c_str());
  std::fflush(stdout);
}

}  // namespace mien::bench
