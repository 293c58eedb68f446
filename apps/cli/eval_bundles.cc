// Protocols that read several bundles: k-fold and leave-one-out.

#include <fmt/format.h>

#include "cli/eval.h"
#include "data/manifest_hash.h"
#include "data/registry.h"
#include "engine/bundle_hash.h"
#include "eval/folds.h"
#include "eval/left_out.h"
#include "report/protocol_pages.h"

namespace mien::cli {
namespace {

// How many folds the data has. Errors: kInvalidArgument for options that do not fit.
Result<std::size_t> count_folds(const BundlesRun& run) {
  const data::DatasetInfo* info = data::find_dataset(run.source.substr(0, run.source.find(':')));
  if (!is_published(run.source) || info == nullptr || info->folds == 0) {
    return invalid_argument(
        fmt::format("--protocol k-fold: {} has no folds (expected NAME:FOLDER of a published data "
                    "set with folds, such as dfew)",
                    run.source));
  }
  if (run.data.fold != 0) {
    return invalid_argument(
        "--fold: cannot be combined with --protocol k-fold, which takes every fold");
  }
  const auto folds = static_cast<std::size_t>(info->folds);
  if (run.bundles.size() != 1 && run.bundles.size() != folds) {
    return invalid_argument(fmt::format(
        "--bundle: wrong number (expected one, or one for each of the {1} folds in order, got {0})",
        run.bundles.size(), folds));
  }
  return folds;
}

struct FoldSource {
  std::string bundle;
  std::string bundle_hash;
  std::string data_hash;
};

report::Facts fold_facts(const Context& context, const BundlesRun& run,
                         const std::vector<FoldSource>& sources) {
  report::Facts out = {{"command", context.command()}};
  for (std::size_t i = 0; i < (run.bundles.size() == 1 ? 1 : sources.size()); ++i) {
    const std::string of = run.bundles.size() == 1 ? "" : fmt::format(", fold {}", i + 1);
    out.emplace_back("bundle" + of, sources[i].bundle);
    out.emplace_back("bundle hash", sources[i].bundle_hash);
  }
  out.emplace_back("data", run.source);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    out.emplace_back(fmt::format("hash, fold {}", i + 1), sources[i].data_hash);
  }
  out.emplace_back("protocol", "k-fold");
  out.emplace_back("program", "mien " MIEN_VERSION);
  return out;
}

void tell_folds(const BundlesRun& run, const eval::FoldsReport& report,
                const std::vector<FoldSource>& sources, const DataNotes& notes) {
  if (!run.json) {
    for (std::size_t f = 0; f < report.folds.size(); ++f) {
      const eval::ClosedSetReport& fold = report.folds[f];
      fmt::print(
          "fold {}: {} samples  WAR {:6.2f} ({:.2f} to {:.2f})  UAR {:6.2f} ({:.2f} to {:.2f})\n",
          f + 1, fold.samples, fold.war, fold.war_interval.low, fold.war_interval.high,
          fold.uar.percent, fold.uar_interval.low, fold.uar_interval.high);
    }
    fmt::print("mean of {} folds  WAR {:6.2f} ({:.2f} to {:.2f})  UAR {:6.2f} ({:.2f} to {:.2f})\n",
               report.folds.size(), report.war, report.war_interval.low, report.war_interval.high,
               report.uar, report.uar_interval.low, report.uar_interval.high);
    fmt::print("faces: {}\n", notes.faces_text());
    return;
  }
  Json out = Json::Object{{"data", run.source}, {"protocol", "k-fold"}};
  notes.add_to(out);
  Json figures = report.to_json();
  for (auto& [key, value] : figures.as_object()) {
    for (std::size_t f = 0; key == "folds" && f < sources.size(); ++f) {
      Json& row = value.as_array()[f];
      row.set("bundle", sources[f].bundle);
      row.set("bundle_hash", sources[f].bundle_hash);
      row.set("data_hash", sources[f].data_hash);
    }
    out.set(key, std::move(value));
  }
  fmt::print("{}\n", out.dump());
}

void print_left_out(const eval::LeftOutReport& report, const std::string& data) {
  fmt::print("{}, each class left out of training once\n", data);
  for (const eval::LeftOutClass& item : report.left_out) {
    fmt::print("  {:<16} recall {:6.2f} %  of {} ({:.2f} to {:.2f})", item.name, item.recall(),
               item.samples, item.recall_interval.low, item.recall_interval.high);
    if (item.auroc) {
      fmt::print(
          "; of the others {:.2f} % right, AUROC of unknown {:.2f} ({:.2f} to {:.2f})",
          100 * static_cast<double>(item.known_correct) / static_cast<double>(item.known_samples),
          *item.auroc, item.auroc_interval.low, item.auroc_interval.high);
    }
    if (item.outlier_auroc) {
      fmt::print("; by outlier words {:.2f} ({:.2f} to {:.2f})", *item.outlier_auroc,
                 item.outlier_interval.low, item.outlier_interval.high);
    }
    fmt::print("\n");
  }
  fmt::print("  WAR {:.2f} ({:.2f} to {:.2f})  UAR {:.2f} ({:.2f} to {:.2f})", report.war(),
             report.war_interval.low, report.war_interval.high, report.uar(),
             report.uar_interval.low, report.uar_interval.high);
  if (report.auroc()) fmt::print("  AUROC {:.2f}", *report.auroc());
  if (report.outlier_auroc()) fmt::print("  by outlier words {:.2f}", *report.outlier_auroc());
  fmt::print("\n");
  if (!report.missing.empty()) {
    fmt::print("classes that no bundle left out: {}\n", fmt::join(report.missing, ", "));
  }
}

// Replaces the texts of the label of class `name` by those of another set.
Status name_unseen(const std::string& set, const std::string& name, text::LabelSet& labels) {
  if (set.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const text::LabelSet others, text::load_labels(set));
  const auto from = eval::find_labels(others, {name}).front();
  const auto to = eval::find_labels(labels, {name}).front();
  if (!from || !to) {
    return invalid_argument(
        fmt::format("--unseen: {} has no label for '{}', the class that a bundle left out",
                    from ? "the run" : set, name));
  }
  labels.labels[*to].texts = others.labels[*from].texts;
  labels.labels[*to].parts = others.labels[*from].parts;
  return {};
}

// Runs one bundle and adds it to the report. False if it fails, which sets the exit code.
bool add_left_out(Context& context, const BundlesRun& run, const data::Manifest& manifest,
                  const std::string& path, eval::LeftOutReport& report, std::string& hash) {
  const auto failed = [&](const Status& status, ExitCode code) {
    context.fail(status, code);
    return false;
  };
  const auto bundle = run.load(path);
  if (!bundle.ok()) return failed(bundle.status(), kExitEnvironment);
  const auto name = eval::left_out_class(**bundle);
  if (!name.ok()) return failed(name.status(), kExitUsage);
  if (std::erase(report.missing, *name) == 0) {
    return failed(
        invalid_argument(fmt::format("{}: leaves out '{}' (expected a class of the data that no "
                                     "other bundle leaves out)",
                                     path, *name)),
        kExitUsage);
  }
  auto labels = run.labels(**bundle, manifest);
  if (!labels.ok()) return failed(labels.status(), kExitUsage);
  if (const Status status = name_unseen(run.unseen, *name, *labels); !status.ok()) {
    return failed(status, kExitUsage);
  }
  eval::RunOptions options = run.options;
  options.finder.landmarks = (*bundle)->info().crop.align;
  const auto result =
      run_with_progress({.bundle = *bundle, .manifest = manifest, .labels = *labels}, options);
  if (!result.ok()) return failed(result.status(), kExitSomeFailed);
  tell_unreadable(context, *result);
  const engine::BundleInfo& info = (*bundle)->info();
  auto counted = eval::count_left_out(*name, *result, {.resamples = run.resamples},
                                      info.logit_scale / info.temperature);
  if (!counted.ok()) return failed(counted.status(), kExitUsage);
  report.left_out.push_back(std::move(*counted));
  hash = engine::bundle_hash((*bundle)->info());
  return true;
}

}  // namespace

void run_folds(Context& context, const BundlesRun& run) {
  const auto usage = [&](const Status& status) { context.fail(status, kExitUsage); };
  const auto folds = count_folds(run);
  if (!folds.ok()) return usage(folds.status());
  std::vector<eval::RunResult> results;
  std::vector<FoldSource> sources;
  DataNotes notes;
  eval::RunOptions options = run.options;
  for (std::size_t fold = 0; fold < *folds; ++fold) {
    DatasetFlags data = run.data;
    data.fold = static_cast<int>(fold) + 1;
    if (data.split.empty()) data.split = "test";
    const auto manifest = run.read(data);
    if (!manifest.ok()) return usage(manifest.status());
    if (fold == 0) {  // decides for all folds
      const auto looked = look_at_data(context, run.faces, *manifest, false, options);
      if (!looked.ok()) return context.fail(looked.status(), kExitSomeFailed);
      notes = *looked;
    }
    const auto bundle = run.load(run.bundles[run.bundles.size() == 1 ? 0 : fold]);
    if (!bundle.ok()) return context.fail(bundle.status(), kExitEnvironment);
    const auto labels = run.labels(**bundle, *manifest);
    if (!labels.ok()) return usage(labels.status());
    options.finder.landmarks = (*bundle)->info().crop.align;
    auto result =
        run_with_progress({.bundle = *bundle, .manifest = *manifest, .labels = *labels}, options);
    if (!result.ok()) {
      return context.fail(result.status().with_prefix(fmt::format("fold {}", fold + 1)),
                          kExitSomeFailed);
    }
    tell_unreadable(context, *result);
    sources.push_back({(*bundle)->info().name, engine::bundle_hash((*bundle)->info()),
                       data::manifest_hash(*manifest)});
    results.push_back(std::move(*result));
  }
  const auto report = eval::folds_report(results, {.resamples = run.resamples});
  if (!report.ok()) return context.fail(report.status(), kExitSomeFailed);
  report::Facts facts = fold_facts(context, run, sources);
  notes.add_to(facts);
  const Status status =
      write_page(run.page, [&] { return report::folds_page(*report, facts, responsible_use()); });
  if (!status.ok()) return context.fail(status, kExitSomeFailed);
  tell_folds(run, *report, sources, notes);
}

void run_left_out(Context& context, BundlesRun run) {
  const auto manifest = run.read(run.data);
  if (!manifest.ok()) return context.fail(manifest.status(), kExitUsage);
  const auto notes = look_at_data(context, run.faces, *manifest, false, run.options);
  if (!notes.ok()) return context.fail(notes.status(), kExitSomeFailed);
  eval::LeftOutReport report{.classes = manifest->classes, .missing = manifest->classes};
  report::Facts facts = {{"command", context.command()}};
  Json hashes = Json::object();
  for (const std::string& path : run.bundles) {
    std::string hash;
    if (!add_left_out(context, run, *manifest, path, report, hash)) return;
    facts.emplace_back("without " + report.left_out.back().name, hash);
    hashes.set(report.left_out.back().name, hash);
  }
  Status status = eval::fill_left_out_intervals(report, {.resamples = run.resamples});
  if (!status.ok()) return context.fail(status, kExitSomeFailed);
  facts.emplace_back("data", manifest->name + part_text(run.data));
  facts.emplace_back("data hash", data::manifest_hash(*manifest));
  facts.emplace_back("protocol", "leave-one-out");
  notes->add_to(facts);
  facts.emplace_back("program", "mien " MIEN_VERSION);
  status =
      write_page(run.page, [&] { return report::left_out_page(report, facts, responsible_use()); });
  if (!status.ok()) return context.fail(status, kExitSomeFailed);
  if (!run.json) {
    print_left_out(report, manifest->name);
    fmt::print("faces: {}\n", notes->faces_text());
    return;
  }
  Json out = Json::Object{{"data", manifest->name}, {"protocol", "leave-one-out"}};
  notes->add_to(out);
  Json figures = report.to_json();
  for (auto& [key, value] : figures.as_object()) out.set(key, std::move(value));
  out.set("bundle_hashes", std::move(hashes));
  out.set("data_hash", data::manifest_hash(*manifest));
  fmt::print("{}\n", out.dump());
}

}  // namespace mien::cli
