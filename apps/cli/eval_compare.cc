#include "cli/eval_compare.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "eval/compare.h"
#include "report/text.h"

namespace mien::cli {
namespace {

struct CompareVerb {
  std::string first, second;
  bool json = false;
  int resamples = 2000;
};

std::string p_text(double p) { return p < 0.0001 ? "< 0.0001" : fmt::format("{:.4f}", p); }

void print(const eval::Comparison& c) {
  const auto line = [](std::string_view name, const double* values,
                       const metrics::PairedDifference& d) {
    fmt::print(
        "  {:<4} {:6.2f} %  {:6.2f} %  difference {:+6.2f}  (95 %: {:+.2f} to {:+.2f}, p {})\n",
        name, values[0], values[1], d.difference, d.interval.low, d.interval.high,
        p_text(d.p_value));
  };
  fmt::print("A  {}\nB  {}\n{} samples in both", report::printable(c.first),
             report::printable(c.second), c.samples);
  if (c.only_in_first + c.only_in_second > 0) {
    fmt::print(", {} only in A and {} only in B left out", c.only_in_first, c.only_in_second);
  }
  fmt::print("\n            A         B\n");
  line("WAR", c.war, c.war_difference);
  line("UAR", c.uar, c.uar_difference);
  fmt::print("right: both {}, only A {}, only B {}, none {}\n", c.both_right, c.only_first_right,
             c.only_second_right, c.both_wrong);
  fmt::print("McNemar (exact, two-sided): p {}\n", p_text(c.mcnemar_p));
}

void run_compare(Context& context, const CompareVerb& verb) {
  const auto first = eval::load_answers(verb.first);
  if (!first.ok()) return context.fail(first.status(), kExitUsage);
  const auto second = eval::load_answers(verb.second);
  if (!second.ok()) return context.fail(second.status(), kExitUsage);
  const auto comparison = eval::compare_answers(*first, *second, {.resamples = verb.resamples});
  if (!comparison.ok()) return context.fail(comparison.status(), kExitUsage);
  if (verb.json) {
    fmt::print("{}\n", comparison->to_json().dump());
    return;
  }
  print(*comparison);
}

}  // namespace

CLI::App* add_eval_compare(CLI::App& eval, Context& context) {
  auto verb = std::make_shared<CompareVerb>();
  CLI::App* command = eval.add_subcommand(
      "compare", "Compare two evaluations of the same samples, with significance tests");
  command
      ->add_option("a", verb->first,
                   "Output of `mien eval --json --with-samples`, or a CSV of --predictions")
      ->required();
  command->add_option("b", verb->second, "Another one")->required();
  command->add_option("--resamples", verb->resamples, "Bootstrap resamples")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_flag("--json", verb->json,
                    "One JSON object instead of a table (docs/reference/eval.md)");
  command->callback([&context, verb] { run_compare(context, *verb); });
  return command;
}

}  // namespace mien::cli
