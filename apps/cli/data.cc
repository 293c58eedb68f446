#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

#include "cli/cli.h"
#include "cli/data_caption.h"
#include "cli/data_export.h"
#include "cli/datasets.h"
#include "cli/progress.h"
#include "data/check.h"
#include "mien/core/json.h"
#include "mien/kernels/cpu.h"
#include "report/text.h"

namespace mien::cli {
namespace {

// Of each kind, on a terminal; -v and --json tell all.
constexpr std::size_t kToldProblems = 20;

struct CheckVerb {
  std::vector<std::string> sources;
  DatasetFlags data;
  bool all = false;
  bool need_captions = false;
  bool json = false;
};

std::string counts_table(const data::Manifest& manifest, const data::CheckReport& report) {
  const bool unicode = locale_is_utf8();
  std::vector<std::string> heads;
  for (const std::string& split : report.splits) heads.push_back(split.empty() ? "-" : split);
  heads.emplace_back("all");
  int first = report::display_width("samples");
  for (const std::string& name : manifest.classes) {
    first = std::clamp(report::display_width(report::printable(name)), first, 40);
  }
  std::string out;
  const auto line = [&](std::string_view name, const std::vector<std::string>& cells) {
    out += fmt::format("  {}", report::fit(name, first, report::Align::kLeft, unicode));
    for (const std::string& cell : cells) {
      out += "  " + report::fit(cell, 9, report::Align::kRight, unicode);
    }
    out += '\n';
  };
  const auto numbers = [&](const std::vector<std::int64_t>& row) {
    std::vector<std::string> cells;
    std::int64_t sum = 0;
    for (const std::int64_t n : row) cells.push_back(fmt::format("{}", n));
    for (const std::int64_t n : row) sum += n;
    cells.push_back(fmt::format("{}", sum));
    return cells;
  };
  line("", heads);
  for (std::size_t c = 0; c < manifest.classes.size(); ++c) {
    line(manifest.classes[c], numbers(report.counts[c]));
  }
  line("samples", numbers(report.of_split));
  return out;
}

void print_report(const std::string& source, const data::Manifest& manifest,
                  const data::CheckReport& report) {
  fmt::print("{}\n{}", report::printable(source), counts_table(manifest, report));
  fmt::print("  {} frames, {} decoded; {} unlabelled, {} compound, {} subjects\n", report.frames,
             report.decoded, report.unlabelled, report.compound, report.subjects);
  if (report.with_caption > 0) {
    fmt::print("  {} with a caption, {} without\n", report.with_caption,
               report.samples - report.with_caption);
  }
  if (report.with_votes > 0) fmt::print("  {} with votes\n", report.with_votes);
  for (const std::string& note : manifest.notes) {
    fmt::print("  note: {}\n", report::printable(note));
  }
  if (report.problem_count() == 0) fmt::print("  no problem found\n");
}

void report_problems(const Context& context, const data::CheckReport& report) {
  for (const data::Problems& each : report.problems) {
    const std::size_t told =
        context.verbose ? each.messages.size() : std::min(kToldProblems, each.messages.size());
    for (std::size_t i = 0; i < told; ++i) context.report(each.messages[i]);
    if (told < each.messages.size()) {
      context.report(fmt::format("{} more of this kind ({}); -v or --json tells them all",
                                 each.messages.size() - told, each.kind));
    }
  }
}

Json report_json(const std::string& source, const data::Manifest& manifest,
                 const data::CheckReport& report) {
  Json out = Json::object();
  out.set("data", source);
  out.set("name", manifest.name);
  out.set("samples", report.samples);
  out.set("frames", report.frames);
  out.set("decoded", report.decoded);
  out.set("unlabelled", report.unlabelled);
  out.set("compound", report.compound);
  out.set("captions", report.with_caption);
  out.set("votes", report.with_votes);
  out.set("subjects", report.subjects);
  Json splits = Json::object();
  for (std::size_t s = 0; s < report.splits.size(); ++s) {
    splits.set(report.splits[s], report.of_split[s]);
  }
  out.set("splits", std::move(splits));
  Json classes = Json::object();
  for (std::size_t c = 0; c < manifest.classes.size(); ++c) {
    Json row = Json::object();
    for (std::size_t s = 0; s < report.splits.size(); ++s) {
      row.set(report.splits[s], report.counts[c][s]);
    }
    classes.set(manifest.classes[c], std::move(row));
  }
  out.set("classes", std::move(classes));
  Json problems = Json::object();
  for (const data::Problems& each : report.problems) {
    Json messages = Json::array();
    for (const std::string& message : each.messages) messages.push_back(message);
    problems.set(each.kind, std::move(messages));
  }
  out.set("problems", std::move(problems));
  Json notes = Json::array();
  for (const std::string& note : manifest.notes) notes.push_back(note);
  out.set("notes", std::move(notes));
  return out;
}

// An annotation that is damaged is what a check looks for; one that is not there is a wrong
// argument.
ExitCode exit_code_of(const Status& status) {
  return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kNotFound
             ? kExitUsage
             : kExitSomeFailed;
}

void check_one(Context& context, const CheckVerb& verb, const std::string& source) {
  const auto fail = [&](const Status& status) {
    const int before = context.exit_code;
    context.fail(status, exit_code_of(status));
    context.exit_code = std::max(before, context.exit_code);
    if (!verb.json) return;
    Json out = Json::object();
    out.set("data", source);
    out.set("error", status.message());
    fmt::print("{}\n", out.dump());
  };
  DatasetFlags options = verb.data;
  options.allow_missing = is_published(source);  // they are told with the other problems
  const auto manifest = load_data(source, options);
  if (!manifest.ok()) return fail(manifest.status());
  Progress progress("frames", 0);
  const auto report = data::check_manifest(
      *manifest, {.all_frames = verb.all,
                  .need_captions = verb.need_captions,
                  .threads = kernels::threads(),
                  .progress = [&](std::int64_t done) { progress.update(done); },
                  .cancel = &interrupted()});
  progress.finish();
  if (!report.ok()) return fail(report.status());
  if (report->problem_count() > 0)
    context.exit_code = std::max<int>(context.exit_code, kExitSomeFailed);
  if (verb.json) {
    fmt::print("{}\n", report_json(source, *manifest, *report).dump());
    return;
  }
  print_report(source, *manifest, *report);
  std::fflush(stdout);
  report_problems(context, *report);
}

void run_check(Context& context, const CheckVerb& verb) {
  if (const Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  for (const std::string& source : verb.sources) {
    check_one(context, verb, source);
    if (interrupted()) return;
  }
}

}  // namespace

void add_data(CLI::App& app, Context& context) {
  CLI::App* verb =
      app.add_subcommand("data", "Check labelled data, write captions for it, export results");
  verb->require_subcommand(1);
  auto check = std::make_shared<CheckVerb>();
  CLI::App* check_verb =
      verb->add_subcommand("check", "Count labelled data and look for what is wrong with it");
  check_verb->add_option("data", check->sources, kDataHelp)->required();
  add_data_options(*check_verb, check->data);
  check_verb->add_flag("--all", check->all, "Decode every frame, not the first of each sample");
  check_verb->add_flag("--need-captions", check->need_captions,
                       "A sample without a caption is a problem");
  check_verb->add_flag("--json", check->json, "One JSON object per source (docs/reference/cli.md)");
  check_verb->callback([&context, check] { run_check(context, *check); });
  add_data_caption(*verb, context);
  add_data_export(*verb, context);
}

}  // namespace mien::cli
