#include "cli/eval_protocols.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>

#include "cli/eval_page.h"
#include "cli/help.h"
#include "cli/progress.h"
#include "data/manifest_hash.h"
#include "engine/bundle_hash.h"
#include "eval/corruptions.h"
#include "eval/robustness.h"
#include "mien/eval/open_set.h"
#include "report/protocol_pages.h"
#include "report/text.h"
#include "text/prompt_ensembles.h"

namespace mien::cli {
namespace {

Json start(const ProtocolRun& run, std::string_view protocol) {
  Json out = Json::Object{{"bundle", run.bundle->info().name},
                          {"data", run.manifest.name},
                          {"protocol", protocol},
                          {"bundle_hash", engine::bundle_hash(run.bundle->info())},
                          {"data_hash", data::manifest_hash(run.manifest)}};
  run.notes.add_to(out);
  return out;
}

// The splits of --known or --splits. Without either, the classes that have a label are known, if
// some have none.
Result<std::vector<eval::OpenSetSplit>> splits_of(const ProtocolOptions& options,
                                                  const ProtocolRun& run) {
  const std::vector<std::string>& classes = run.manifest.classes;
  std::vector<std::string> names = options.known;
  if (names.empty() && options.splits.empty()) {
    const auto labels = eval::find_labels(run.labels, classes);
    for (std::size_t c = 0; c < classes.size(); ++c) {
      if (labels[c]) names.push_back(classes[c]);
    }
    if (names.size() == classes.size()) names.clear();
  }
  if (names.empty() == options.splits.empty()) {
    return invalid_argument(
        "--protocol open-set: known classes not given (expected either --known CLASS,... or "
        "--splits NAME)");
  }
  if (!options.splits.empty()) return eval::hesp_splits(options.splits);
  eval::OpenSetSplit split{.known = names, .unknown = {}};
  std::vector<bool> known(classes.size());
  for (const std::string& name : names) {
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found == classes.end()) {
      return invalid_argument(
          fmt::format("--known: the data has no class '{}' (expected one of {})", name,
                      fmt::join(classes, ", ")));
    }
    known[static_cast<std::size_t>(found - classes.begin())] = true;
  }
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (!known[c]) split.unknown.push_back(classes[c]);
  }
  return std::vector{split};
}

void print_open_set(const std::vector<eval::OpenSetResult>& results) {
  for (const eval::OpenSetResult& result : results) {
    fmt::print(
        "known {}: {} samples, {} unknown; Acc {:.2f} ({:.2f} to {:.2f})  UAR "
        "{:.2f} ({:.2f} to {:.2f})\n",
        report::printable(fmt::format("{}", fmt::join(result.split.known, ", "))),
        result.sizes.known, result.sizes.unknown, result.acc, result.acc_interval.low,
        result.acc_interval.high, result.uar.percent, result.uar_interval.low,
        result.uar_interval.high);
    for (const auto& [score, f] : result.scores) {
      fmt::print(
          "  {:<13} AUROC {:6.2f} ({:.2f} to {:.2f})  OSCR {:6.2f} ({:.2f} to {:.2f}; code {:.2f}) "
          " "
          "TNR@95 {:6.2f}  FPR@95 {:6.2f}\n",
          eval::to_string(score), f.auroc, f.auroc_interval.low, f.auroc_interval.high, f.oscr,
          f.oscr_interval.low, f.oscr_interval.high, f.oscr_code, f.code.tnr_at_95, f.fpr_at_95);
    }
  }
}

void print_means(const Json& means) {
  fmt::print("means over splits with the same number of known classes\n");
  for (const Json& group : means.as_array()) {
    fmt::print("  {} known, {} splits: Acc {:.2f}\n", group.find("known_classes")->as_integer(),
               group.find("splits")->as_integer(), group.find("acc")->as_number());
    for (const auto& [score, f] : group.find("scores")->as_object()) {
      fmt::print("    {:<13} AUROC {:6.2f}  OSCR {:6.2f}  TNR@95 {:6.2f}\n", score,
                 f.find("auroc")->as_number(), f.find("oscr")->as_number(),
                 f.find("tnr95")->as_number());
    }
  }
}

void print_corrupted(const eval::CorruptedRun& run) {
  fmt::print("{:<12} {}  {:6.2f} ({:.2f} to {:.2f})  UAR {:6.2f} ({:.2f} to {:.2f})\n",
             run.level <= 1 ? run.corruption : "", run.level, run.report.war,
             run.report.war_interval.low, run.report.war_interval.high, run.report.uar.percent,
             run.report.uar_interval.low, run.report.uar_interval.high);
  std::fflush(stdout);
}

}  // namespace

void tell_unreadable(Context& context, const eval::RunResult& result) {
  for (const std::string& message : result.unreadable) context.report(message);
  if (!result.unreadable.empty()) {
    context.exit_code = std::max<int>(context.exit_code, kExitSomeFailed);
  }
}

Result<eval::RunResult> run_with_progress(const ProtocolRun& run, eval::RunOptions options) {
  Progress progress("samples", static_cast<std::int64_t>(run.manifest.samples.size()));
  options.progress = [&](std::int64_t done) { progress.update(done); };
  auto out = eval::run_zero_shot(run.bundle, run.manifest, run.labels, options);
  progress.finish();
  return out;
}

void add_protocol_options(CLI::App& verb, ProtocolOptions& options) {
  verb.add_option("--prompts", options.prompts,
                  "zero-shot: use these prompts of Exp-CLIP for the classes and average the logits")
      ->check(CLI::IsMember({"P1", "P2", "P3", "P4", "P5"}));
  verb.add_flag("--shared-classes", options.shared_classes,
                "Leave out samples of classes that no label covers, and count them");
  verb.add_option(
      "--group-by", options.group_by,
      "Report figures per value of this column: subject, split, or another of the manifest");
  verb.add_option("--known", options.known, "open-set: known classes, separated by commas")
      ->delimiter(',');
  verb.add_option("--splits", options.splits, "open-set: take all splits of HESP for this data")
      ->check(CLI::IsMember({"afew", "mafw", "dfew", "ourdata", "multidata"}));
  verb.add_option("--outliers", options.outliers,
                  "open-set, leave-one-out: add a score against words for other expressions: as "
                  "--labels, or expressions (66 common words)");
  verb.add_option("--corruptions", options.corruptions,
                  "robustness: take only some of blur, noise, jpeg, brightness, occlusion and "
                  "resolution (default: all)")
      ->delimiter(',');
}

Result<text::LabelSet> outlier_words(const std::string& outliers) {
  if (outliers.empty()) return text::LabelSet{};
  auto words = text::load_words(outliers == "expressions" ? eval::expression_words() : outliers);
  if (!words.ok()) return words.status().with_prefix("--outliers");
  return words;
}

void run_open_set(Context& context, const ProtocolOptions& options, const ProtocolRun& run) {
  const auto splits = splits_of(options, run);
  if (!splits.ok()) return context.fail(splits.status(), kExitUsage);
  for (const eval::OpenSetSplit& split : *splits) {
    if (const auto sizes = eval::open_set_sizes(split, run.manifest); !sizes.ok()) {
      return context.fail(sizes.status(), kExitUsage);
    }
  }
  eval::RunOptions run_options = run.options;
  run_options.some_classes = true;
  auto words = outlier_words(options.outliers);
  if (!words.ok()) return context.fail(words.status(), kExitUsage);
  run_options.outliers = std::move(*words);
  const auto result = run_with_progress(run, run_options);
  if (!result.ok()) return context.fail(result.status(), kExitSomeFailed);
  tell_unreadable(context, *result);
  const engine::BundleInfo& info = run.bundle->info();
  std::vector<eval::OpenSetResult> results;
  for (const eval::OpenSetSplit& split : *splits) {
    auto one = eval::open_set_result(split, result->classes, result->predictions,
                                     info.logit_scale / info.temperature,
                                     {.resamples = run.resamples}, result->outliers);
    if (!one.ok()) return context.fail(one.status(), kExitSomeFailed);
    results.push_back(std::move(*one));
  }
  if (const Status status = write_page(
          run.page, [&] { return report::open_set_page(results, run.facts, responsible_use()); });
      !status.ok()) {
    return context.fail(status, kExitSomeFailed);
  }
  const Json means = eval::open_set_means(results);
  if (!run.json) {
    print_open_set(results);
    fmt::print("faces: {}\n", run.notes.faces_text());
    if (results.size() > 1) print_means(means);
    return;
  }
  Json out = start(run, "open-set");
  out.set("list", options.splits.empty() ? Json() : Json(options.splits));
  Json list = Json::array();
  for (const eval::OpenSetResult& one : results) list.push_back(one.to_json());
  out.set("splits", std::move(list));
  out.set("means", means);
  fmt::print("{}\n", out.dump());
}

void run_robustness(Context& context, const ProtocolOptions& options, const ProtocolRun& run) {
  std::vector<eval::Corruption> kinds;
  for (const std::string& word : options.corruptions) {
    const auto kind = eval::parse_corruption(word);
    if (!kind.ok()) return context.fail(kind.status().with_prefix("--corruptions"), kExitUsage);
    kinds.push_back(*kind);
  }
  if (kinds.empty()) kinds = eval::all_corruptions();
  eval::Robustness robustness({.resamples = run.resamples});
  const auto measure = [&](std::string_view name, int level,
                           const eval::RunOptions& corrupted) -> Status {
    const auto result = run_with_progress(run, corrupted);
    if (!result.ok()) return result.status();
    if (level == 0) tell_unreadable(context, *result);
    MIEN_RETURN_IF_ERROR(robustness.add(std::string(name), level, *result));
    if (!run.json) print_corrupted(robustness.last());
    return {};
  };
  if (!run.json) fmt::print("WAR, percent (95 %); levels 1 to 5 from top to bottom\n");
  Status status = measure("none", 0, run.options);
  for (const eval::Corruption kind : kinds) {
    for (int level = 1; status.ok() && level <= eval::kCorruptionLevels; ++level) {
      eval::RunOptions corrupted = run.options;
      corrupted.alter = [kind, level](const image::Image& picture, const std::string& name) {
        return eval::corrupt_image(picture, kind, level, name);
      };
      status = measure(eval::to_string(kind), level, corrupted);
    }
  }
  if (!status.ok()) return context.fail(status, kExitSomeFailed);
  const auto report = robustness.finish();
  if (!report.ok()) return context.fail(report.status(), kExitSomeFailed);
  status = write_page(
      run.page, [&] { return report::robustness_page(*report, run.facts, responsible_use()); });
  if (!status.ok()) return context.fail(status, kExitSomeFailed);
  if (!run.json) {
    fmt::print(
        "mean over corrupted pictures {:.2f} ({:.2f} to {:.2f}), {:.2f} below ({:.2f} to {:.2f})\n",
        report->corrupted_war, report->corrupted_war_interval.low,
        report->corrupted_war_interval.high, report->drop, report->drop_interval.low,
        report->drop_interval.high);
    fmt::print("faces: {}\n", run.notes.faces_text());
    return;
  }
  Json out = start(run, "robustness");
  Json figures = report->to_json();
  for (auto& [key, value] : figures.as_object()) out.set(key, std::move(value));
  fmt::print("{}\n", out.dump());
}

Result<eval::GroupReport> groups_of(const ProtocolOptions& options, const data::Manifest& manifest,
                                    const eval::RunResult& result, int resamples) {
  MIEN_ASSIGN_OR_RETURN(const auto groups, eval::group_of_samples(manifest, options.group_by));
  return eval::group_report(options.group_by, result.classes, result.predictions, groups,
                            {.resamples = resamples});
}

void print_groups(const eval::GroupReport& report) {
  const bool unicode = locale_is_utf8();
  fmt::print("\nby {}\n", report::printable(report.column));
  for (const eval::GroupFigures& group : report.groups) {
    const eval::ClosedSetReport& r = group.report;
    fmt::print("  {}  {:6} samples  WAR {:6.2f} ({:.2f} to {:.2f})  UAR {:6.2f}{}\n",
               report::fit(group.value.empty() ? "(none)" : group.value, 16, report::Align::kLeft,
                           unicode),
               r.samples, r.war, r.war_interval.low, r.war_interval.high, r.uar.percent,
               r.uar.absent.empty() ? "" : fmt::format("  {} classes absent", r.uar.absent.size()));
  }
  fmt::print("  largest difference  WAR {:.2f}  UAR {:.2f}\n", report.war_gap(), report.uar_gap());
}

}  // namespace mien::cli
