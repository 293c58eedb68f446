#include <fmt/format.h>

#include "cli/eval.h"
#include "cli/progress.h"
#include "core/file.h"
#include "mien/eval/regression.h"
#include "mien/report/csv.h"

namespace mien::cli {
namespace {

Status check_regression_options(const EvalOptions& options) {
  if (options.labels.empty() && options.compound.empty()) return {};
  return invalid_argument(
      fmt::format("{}: not supported by --protocol regression (expected another protocol)",
                  options.labels.empty() ? "--compound" : "--labels"));
}

Result<data::Manifest> load_targets(const EvalOptions& options, const engine::Bundle& bundle) {
  DatasetFlags data = options.data;
  const auto& targets = bundle.info().targets;
  if (targets.empty()) {
    return unsupported(
        fmt::format("{}: no regression head (expected a bundle with one)", bundle.path().string()));
  }
  if (data.targets.empty()) {
    for (const auto& target : targets) data.targets.push_back(target.name);
  }
  if (data.targets.size() != targets.size()) {
    return invalid_argument(
        fmt::format("--targets: wrong number of columns (expected {1}, as in the bundle, got {0})",
                    data.targets.size(), targets.size()));
  }
  return load_data(options.source, data);
}

Status write_regression_predictions(const std::string& path, const eval::RegressionRun& run) {
  std::string out = "id,subject";
  for (const auto& target : run.targets) {
    for (const char* what : {"truth_", "prediction_"}) {
      out += ',';
      out += report::csv_text(what + target.name);
    }
  }
  out += "\n";
  for (const eval::RegressionRow& row : run.rows) {
    out += fmt::format("{},{}", report::csv_text(row.id), report::csv_text(row.subject));
    for (std::size_t t = 0; t < run.targets.size(); ++t) {
      out += fmt::format(",{:.6g},{:.6f}", row.truth[t], row.said[t]);
    }
    out += "\n";
  }
  return write_file_atomically(path, out);
}

Status write_regression_outputs(const Context& context, const EvalOptions& options,
                                const engine::Bundle& bundle, const data::Manifest& manifest,
                                const eval::RegressionRun& run,
                                const eval::RegressionReport& report) {
  const std::string name = bundle.info().name;
  if (!options.page.file.empty()) {
    const report::Facts facts = eval_facts(
        context, bundle, manifest, part_text(options.data),
        options.average_by.empty() ? "regression" : "regression, averaged by " + options.average_by,
        fmt::format("{} without targets, {} unreadable", manifest.unlabelled,
                    run.unreadable.size()),
        options.notes);
    MIEN_RETURN_IF_ERROR(write_file_atomically(
        options.page.file, report::regression_html(report, run, facts, responsible_use())));
  }
  if (!options.predictions.empty()) {
    MIEN_RETURN_IF_ERROR(write_regression_predictions(options.predictions, run));
  }
  if (options.json) {
    Json out = result_start(options, name, manifest.name);
    out.set("average_by", options.average_by.empty() ? Json() : Json(options.average_by));
    Json figures = report.to_json();
    for (auto& [key, value] : figures.as_object()) out.set(key, std::move(value));
    out.set("unlabelled", manifest.unlabelled);
    out.set("unreadable", run.unreadable.size());
    out.set("without_face", run.without_face);
    fmt::print("{}\n", out.dump());
    return {};
  }
  fmt::print("{} on {}{}: {}", name, manifest.name, part_text(options.data),
             report::regression_table(report, locale_is_utf8()));
  if (manifest.unlabelled > 0) fmt::print("left out: {} without targets\n", manifest.unlabelled);
  fmt::print("faces: {}\n", options.notes.faces_text());
  if (run.without_face > 0) {
    fmt::print("no face found in {} samples, which were taken whole\n", run.without_face);
  }
  return {};
}

}  // namespace

void run_regression_protocol(Context& context, EvalOptions options, eval::RunOptions run_options) {
  if (const Status status = check_regression_options(options); !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  const auto bundle = load_one_bundle(options);
  if (!bundle.ok()) {
    return context.fail(bundle.status(),
                        options.bundles.size() == 1 ? kExitEnvironment : kExitUsage);
  }
  const auto manifest = load_targets(options, **bundle);
  if (!manifest.ok()) return context.fail(manifest.status(), kExitUsage);
  auto notes = look_at_data(context, options.faces, *manifest, true, run_options);
  if (!notes.ok()) return context.fail(notes.status(), kExitSomeFailed);
  options.notes = std::move(*notes);
  Progress progress("samples", static_cast<std::int64_t>(manifest->samples.size()));
  run_options.finder.landmarks = (*bundle)->info().crop.align;
  run_options.progress = [&](std::int64_t done) { progress.update(done); };
  auto run = eval::run_regression(*bundle, *manifest, run_options);
  progress.finish();
  if (run.ok() && !options.average_by.empty()) {
    run = eval::average_rows(std::move(*run), *manifest, options.average_by);
    if (!run.ok()) return context.fail(run.status(), kExitUsage);
  }
  if (!run.ok()) return context.fail(run.status(), kExitSomeFailed);
  for (const std::string& message : run->unreadable) context.report(message);
  if (!run->unreadable.empty()) context.exit_code = kExitSomeFailed;
  const auto report = eval::regression_report(*run, {.resamples = options.resamples});
  if (!report.ok()) return context.fail(report.status(), kExitSomeFailed);
  if (const Status status =
          write_regression_outputs(context, options, **bundle, *manifest, *run, *report);
      !status.ok()) {
    context.fail(status, kExitSomeFailed);
  }
}

}  // namespace mien::cli
