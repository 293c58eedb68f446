#include "cli/eval.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>

#include "cli/eval_compare.h"
#include "cli/progress.h"
#include "cli/run_files.h"
#include "core/file.h"
#include "data/csv.h"
#include "data/manifest_hash.h"
#include "data/views.h"
#include "engine/bundle_hash.h"
#include "eval/compare.h"
#include "eval/shared_classes.h"
#include "mien/engine/find_bundle.h"
#include "mien/text/prompts.h"
#include "text/prompt_ensembles.h"

namespace mien::cli {
namespace {

// Closed: the bundle's own labels. Zero-shot: --labels, or the classes of the data as words.
Result<text::LabelSet> choose_labels(const EvalOptions& options, const engine::Bundle& bundle,
                                     const data::Manifest& manifest) {
  if (!options.protocols.prompts.empty()) {
    if (!options.labels.empty() || options.protocol == "closed") {
      return invalid_argument(
          "--prompts: does not go with --labels or --protocol closed (expected one of them)");
    }
    return text::prompt_ensemble(options.protocols.prompts, manifest.classes);
  }
  const auto singles = [&](text::LabelSet labels) {
    return eval::with_compounds(std::move(labels), manifest.classes);
  };
  if (options.protocol == "closed") {
    if (!options.labels.empty()) {
      return invalid_argument(
          "--labels: does not go with --protocol closed, which takes the bundle's own (expected "
          "--protocol zero-shot)");
    }
    return singles({.name = bundle.info().name, .labels = bundle.info().labels});
  }
  // A bundle that knows some of the classes only is asked by its own labels.
  if (options.protocol == "open-set" && options.labels.empty() && !bundle.info().labels.empty()) {
    text::LabelSet own{.name = bundle.info().name, .labels = bundle.info().labels};
    const auto places = eval::find_labels(own, manifest.classes);
    const auto known = std::count_if(places.begin(), places.end(),
                                     [](const auto& place) { return place.has_value(); });
    if (known > 0 && static_cast<std::size_t>(known) < places.size()) return own;
  }
  if (!options.labels.empty()) {
    MIEN_ASSIGN_OR_RETURN(text::LabelSet labels, text::load_labels(options.labels));
    return singles(std::move(labels));
  }
  // Not by load_labels: a class may have any name.
  text::LabelSet labels{.name = "classes", .labels = {}};
  for (const std::string& name : manifest.classes) {
    if (name.find('+') != std::string::npos) continue;  // compounds are made of the classes
    labels.labels.push_back(text::described(name));
  }
  return singles(std::move(labels));
}

Status write_predictions(const std::string& path, const eval::RunResult& result) {
  data::CsvTable table{.columns = {"id", "truth", "prediction"}, .rows = {}};
  for (const std::string& name : result.classes) table.columns.push_back("p_" + name);
  for (const eval::Prediction& row : result.predictions) {
    data::CsvRow cells;
    cells.cells = {row.id, result.classes[row.truth], result.classes[row.top()]};
    for (const double p : row.probabilities) cells.cells.push_back(fmt::format("{:.6f}", p));
    table.rows.push_back(std::move(cells));
  }
  return write_file_atomically(path, data::csv_text(table));
}

Json to_json(const EvalOptions& options, const engine::Bundle& bundle,
             const data::Manifest& manifest, const eval::RunResult& result,
             const eval::ClosedSetReport& report, const std::optional<eval::GroupReport>& groups) {
  Json out = result_start(options, bundle.info().name, manifest.name);
  if (!options.compound.empty()) out.set("compound_labels", options.compound);
  Json figures = report.to_json();
  for (auto& [key, value] : figures.as_object()) out.set(key, std::move(value));
  out.set("unlabelled", manifest.unlabelled);
  out.set("missing", manifest.missing.size());
  out.set("compound", result.compound);
  out.set("unreadable", result.unreadable.size());
  out.set("without_face", result.without_face);
  out.set("bundle_hash", engine::bundle_hash(bundle.info()));
  out.set("data_hash", data::manifest_hash(manifest));
  if (!options.protocols.prompts.empty()) out.set("prompts", options.protocols.prompts);
  if (options.protocols.shared_classes) {
    out.set("classes_left_out", Json::Array(options.left_out.begin(), options.left_out.end()));
    out.set("samples_left_out", options.samples_left_out);
  }
  if (groups) out.set("groups", groups->to_json());
  if (options.with_samples) {
    out.set("samples", eval::samples_to_json(result.classes, result.predictions));
  }
  return out;
}

std::string protocol_text(const EvalOptions& options) {
  std::string out = options.protocol;
  if (!options.protocols.prompts.empty()) out += ", prompts " + options.protocols.prompts;
  if (!options.compound.empty()) out += ", compounds by " + options.compound;
  return out;
}

Status write_outputs(const Context& context, const EvalOptions& options,
                     const engine::Bundle& bundle, const data::Manifest& manifest,
                     const eval::RunResult& result, const eval::ClosedSetReport& report) {
  std::optional<eval::GroupReport> groups;
  if (!options.protocols.group_by.empty()) {
    MIEN_ASSIGN_OR_RETURN(groups,
                          groups_of(options.protocols, manifest, result, options.resamples));
  }
  if (!options.page.file.empty()) {
    const std::string left_out =
        fmt::format("{} without a label, {} with several, {} unreadable", manifest.unlabelled,
                    result.compound, result.unreadable.size());
    MIEN_RETURN_IF_ERROR(
        write_eval_page(options.page, manifest, result, report, groups,
                        eval_facts(context, bundle, manifest, part_text(options.data),
                                   protocol_text(options), left_out, options.notes)));
  }
  if (!options.predictions.empty()) {
    MIEN_RETURN_IF_ERROR(write_predictions(options.predictions, result));
  }
  if (options.json) {
    fmt::print("{}\n", to_json(options, bundle, manifest, result, report, groups).dump());
    return {};
  }
  fmt::print("{} on {}: {}", bundle.info().name, manifest.name,
             report::evaluation_table(report, locale_is_utf8()));
  if (groups) print_groups(*groups);
  if (manifest.unlabelled + result.compound > 0) {
    fmt::print("\nleft out: {} without a label, {} with several\n", manifest.unlabelled,
               result.compound);
  }
  if (!options.left_out.empty()) {
    fmt::print("left out: {} samples of {}, which no label means\n", options.samples_left_out,
               fmt::join(options.left_out, ", "));
  }
  if (!manifest.missing.empty()) {
    fmt::print("left out: {} without pictures\n", manifest.missing.size());
  }
  fmt::print("faces: {}\n", options.notes.faces_text());
  if (result.without_face > 0) {
    fmt::print("no face was found in {} samples, which were read whole\n", result.without_face);
  }
  return {};
}

Result<data::Manifest> load_manifest_of(const EvalOptions& options, const DatasetFlags& data) {
  MIEN_ASSIGN_OR_RETURN(data::Manifest manifest, load_data(options.source, data));
  return options.compound.empty() ? std::move(manifest)
                                  : data::compound_classes(std::move(manifest));
}

// Protocols that may read several bundles.
void run_bundles(Context& context, EvalOptions options, eval::RunOptions run_options) {
  const bool folds = options.protocol == "k-fold";
  // A class left out: the texts that the bundle trained with.
  if (!folds && options.labels.empty()) options.protocol = "closed";
  auto words = outlier_words(options.protocols.outliers);
  if (!words.ok()) return context.fail(words.status(), kExitUsage);
  run_options.outliers = std::move(*words);
  const auto read = [&](const DatasetFlags& data) { return load_manifest_of(options, data); };
  const auto load = [&](const std::string& path) {
    ModelOptions model = options.model;
    model.bundle = path;
    model.many_pictures = true;
    return load_bundle(model);
  };
  const auto labels = [&](const engine::Bundle& bundle, const data::Manifest& manifest) {
    return choose_labels(options, bundle, manifest);
  };
  const BundlesRun run{.source = options.source,
                       .data = options.data,
                       .bundles = options.bundles,
                       .read = read,
                       .load = load,
                       .labels = labels,
                       .unseen = options.unseen,
                       .faces = options.faces,
                       .options = run_options,
                       .json = options.json,
                       .resamples = options.resamples,
                       .page = options.page.file};
  folds ? run_folds(context, run) : run_left_out(context, run);
}

// One closed-set run and everything that is told of it.
void measure(Context& context, const EvalOptions& options, ProtocolRun run) {
  Progress progress("samples", static_cast<std::int64_t>(run.manifest.samples.size()));
  run.options.progress = [&](std::int64_t done) { progress.update(done); };
  const auto result = eval::run_zero_shot(run.bundle, run.manifest, run.labels, run.options);
  progress.finish();
  if (!result.ok()) return context.fail(result.status(), kExitSomeFailed);
  for (const std::string& message : result->unreadable) context.report(message);
  if (!result->unreadable.empty()) context.exit_code = kExitSomeFailed;
  const auto report = eval::closed_set_report(result->classes, result->predictions,
                                              {.resamples = options.resamples});
  if (!report.ok()) return context.fail(report.status(), kExitSomeFailed);
  if (const Status status =
          write_outputs(context, options, *run.bundle, run.manifest, *result, *report);
      !status.ok()) {
    context.fail(status, kExitSomeFailed);
  }
}

// What one closed-set run, an open set and spoiled pictures start with.
void run_one_bundle(Context& context, EvalOptions options, eval::RunOptions run_options) {
  auto manifest = load_manifest_of(options, options.data);
  if (!manifest.ok()) return context.fail(manifest.status(), kExitUsage);
  if (!options.protocols.group_by.empty()) {
    const auto groups = eval::group_of_samples(*manifest, options.protocols.group_by);
    if (!groups.ok()) return context.fail(groups.status().with_prefix("--group-by"), kExitUsage);
  }
  const auto bundle = load_one_bundle(options);
  if (!bundle.ok()) {
    return context.fail(bundle.status(),
                        options.bundles.size() == 1 ? kExitEnvironment : kExitUsage);
  }
  const auto labels = choose_labels(options, **bundle, *manifest);
  if (!labels.ok()) return context.fail(labels.status(), kExitUsage);
  if (labels->labels.size() == 1) {
    context.report(
        fmt::format("{}: '{}' is the only label, so every answer is right (expected at "
                    "least two, such as --labels basic7)",
                    manifest->name, labels->labels.front().name));
  }
  if (const Status status = tell_words(context, **bundle, *labels); !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  if (options.protocols.shared_classes) {
    auto shared = eval::keep_shared_classes(*manifest, *labels);
    if (!shared.ok()) return context.fail(shared.status(), kExitUsage);
    options.left_out = std::move(shared->left_out);
    options.samples_left_out = shared->samples_left_out;
    *manifest = std::move(shared->manifest);
  }
  if (const auto places = eval::match_labels(*labels, manifest->classes);
      !places.ok() && options.protocol != "open-set") {
    return context.fail(places.status(), kExitUsage);
  }
  auto notes = look_at_data(context, options.faces, *manifest, false, run_options);
  if (!notes.ok()) return context.fail(notes.status(), kExitSomeFailed);
  options.notes = std::move(*notes);
  run_options.finder.landmarks = (*bundle)->info().crop.align;
  const ProtocolRun run{
      *bundle,
      *manifest,
      *labels,
      run_options,
      options.json,
      options.resamples,
      options.page.file,
      eval_facts(context, **bundle, *manifest, part_text(options.data), protocol_text(options),
                 fmt::format("{} without a label", manifest->unlabelled), options.notes),
      options.notes};
  if (options.protocol == "open-set") return run_open_set(context, options.protocols, run);
  if (options.protocol == "robustness") return run_robustness(context, options.protocols, run);
  measure(context, options, run);
}

void run_labels(Context& context, const EvalOptions& options, eval::RunOptions run_options) {
  if (!options.protocols.prompts.empty()) run_options.reduce = engine::Reduce::kMeanCosine;
  if (!options.compound.empty()) {
    const auto compound = parse_compound(options.compound);
    if (!compound.ok()) return context.fail(compound.status(), kExitUsage);
    run_options.compound = *compound;
  }
  const bool several = options.protocol == "k-fold" || options.protocol == "leave-one-out";
  several ? run_bundles(context, options, run_options)
          : run_one_bundle(context, options, run_options);
}

// What can be told before anything is read.
Status check_options(const Context& context, const EvalOptions& options) {
  MIEN_RETURN_IF_ERROR(context.apply());
  MIEN_RETURN_IF_ERROR(check_protocol_fit(options));
  if (options.source.empty()) {
    return invalid_argument(
        "--data: is missing (expected mien eval BUNDLE --data FILE.csv|NAME:FOLDER)");
  }
  if (options.bundles.empty()) {
    return invalid_argument("bundle: is missing (expected one for every class that was left out)");
  }
  MIEN_RETURN_IF_ERROR(check_page_options(options.page));
  return check_eval_files({.data = options.source,
                           .bundles = options.bundles,
                           .labels = {options.labels, options.unseen, options.protocols.outliers},
                           .boxes = options.faces.finder.boxes_file,
                           .report = options.page.file,
                           .predictions = options.predictions});
}

void run_eval(Context& context, EvalOptions options) {
  // As in predict; a class left out needs bundles made for it.
  if (options.bundles.empty() && options.protocol != "leave-one-out") {
    options.bundles.emplace_back(engine::kDefaultBundle);
  }
  if (const Status status = check_options(context, options); !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  auto finder = finder_options(options.faces);
  if (!finder.ok()) return context.fail(finder.status(), kExitUsage);
  eval::RunOptions run_options{.finder = *finder, .max_bad_share = options.max_bad_share};
  run_options.cancel = &interrupted();
  options.shared_subjects = shared_subjects(options.source, options.data);
  if (!options.shared_subjects.empty()) {
    context.report(
        fmt::format("{}: {} subjects of split {} are in other splits too, such as '{}'; figures "
                    "flatter a model "
                    "that trained on them (expected disjoint subjects)",
                    options.source, options.shared_subjects.size(), options.data.split,
                    options.shared_subjects.front()));
  }
  options.protocol == "regression" ? run_regression_protocol(context, options, run_options)
                                   : run_labels(context, options, run_options);
}

}  // namespace

std::string part_text(const DatasetFlags& data) {
  std::string out = data.split.empty() ? "" : ", split " + data.split;
  if (data.folds > 0) out += fmt::format(", part {} of {}", data.fold, data.folds);
  return out;
}

Json result_start(const EvalOptions& options, const std::string& bundle, const std::string& data) {
  Json out = Json::object();
  out.set("bundle", bundle);
  out.set("data", data);
  out.set("split", options.data.split.empty() ? Json() : Json(options.data.split));
  out.set("folds", options.data.folds > 0 ? Json(options.data.folds) : Json());
  out.set("fold", options.data.folds > 0 ? Json(options.data.fold) : Json());
  out.set("protocol", options.protocol);
  out.set("views", options.model.views);
  out.set("shared_subjects", options.shared_subjects.size());
  options.notes.add_to(out);
  return out;
}

Result<std::shared_ptr<const engine::Bundle>> load_one_bundle(const EvalOptions& options) {
  if (options.bundles.size() != 1) {
    return invalid_argument("bundle: several (expected one, but for --protocol leave-one-out)");
  }
  ModelOptions model = options.model;
  model.bundle = options.bundles.front();
  model.many_pictures = true;
  return load_bundle(model);
}

void add_eval(CLI::App& app, Context& context) {
  auto options = std::make_shared<EvalOptions>();
  options->faces.mode = kFacesByData;
  CLI::App* verb = app.add_subcommand("eval", "Measure a bundle on labelled data");
  verb->add_option("-b,--bundle,bundle", options->bundles,
                   "The model: a bundle folder or .tar, or the name of a shipped one (default: "
                   "compact); leave-one-out: one per class");
  add_engine_options(*verb, options->model);
  verb->add_option("--data", options->source, kDataHelp);
  add_data_options(*verb, options->data);
  add_fold_options(*verb, options->data);
  verb->add_flag("--allow-missing", options->data.allow_missing,
                 "NAME:FOLDER: leave out samples without pictures");
  verb->add_option(
          "--protocol", options->protocol,
          "zero-shot (classes named in words), closed (the bundle's own labels), leave-one-out "
          "(bundles that each never saw one class), regression (the numbers of its head), k-fold "
          "(mean over the folds of a data set), open-set (--known, --splits), robustness (spoiled "
          "pictures)")
      ->check(CLI::IsMember({"zero-shot", "closed", "leave-one-out", "regression", "k-fold",
                             "open-set", "robustness"}))
      ->capture_default_str();
  verb->add_option("-l,--labels", options->labels,
                   "zero-shot: words for the classes, as in predict (default: the class names)");
  verb->add_option("--unseen", options->unseen,
                   "leave-one-out: labels, as --labels, of which the class that was left out takes "
                   "its texts; the others keep theirs (such as shapes7)");
  verb->add_option("--compound", options->compound,
                   "Samples of several labels are classes of their own, and the parts' embeddings "
                   "are averaged: unit-mean or raw-mean (default: they are left out)")
      ->check(CLI::IsMember({"unit-mean", "raw-mean"}));
  verb->add_option("--targets", options->data.targets,
                   "regression: columns of the targets, in the bundle's order (default: its names)")
      ->delimiter(',');
  verb->add_option("--average-by", options->average_by,
                   "regression: average the samples of one subject, or of another column, first");
  add_face_options(*verb, options->faces);
  add_eval_page_options(*verb, options->page);
  add_protocol_options(*verb, options->protocols);
  verb->add_option("--predictions", options->predictions, "Write a CSV with one row per sample");
  verb->add_option("--max-bad-share", options->max_bad_share,
                   "Stop when a larger share of the samples is unreadable")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb->add_option("--resamples", options->resamples, "Bootstrap resamples of the intervals")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_flag("--json", options->json,
                 "One JSON object instead of a table (docs/reference/eval.md)");
  verb->add_flag("--with-samples", options->with_samples,
                 "Put every sample into the JSON, for `mien eval compare`");
  const CLI::App* compare = add_eval_compare(*verb, context);
  verb->callback([&context, options, compare] {
    if (!compare->parsed()) run_eval(context, *options);
  });
}

}  // namespace mien::cli
