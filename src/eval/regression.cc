#include "mien/eval/regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "eval/clip_pass.h"
#include "eval/interval_json.h"

namespace mien::eval {
namespace {

using metrics::RegressionError;

// Rows that are drawn together.
std::vector<std::vector<std::size_t>> clusters_of(const RegressionRun& run, bool by_subject) {
  std::vector<std::vector<std::size_t>> out;
  std::map<std::string, std::size_t> index_of;
  for (std::size_t i = 0; i < run.rows.size(); ++i) {
    if (!by_subject) {
      out.push_back({i});
      continue;
    }
    const auto [it, added] = index_of.emplace(run.rows[i].subject, out.size());
    if (added) out.emplace_back();
    out[it->second].push_back(i);
  }
  return out;
}

class TargetFigures {
 public:
  TargetFigures(const RegressionRun& run, std::size_t target) {
    for (const RegressionRow& row : run.rows) {
      said_.push_back(row.said[target]);
      truth_.push_back(row.truth[target]);
    }
  }
  Result<RegressionError> all() const { return metrics::regression_error(said_, truth_); }
  Result<RegressionError> of(const std::vector<std::size_t>& indices) const {
    std::vector<double> said, truth;
    for (const std::size_t i : indices) {
      said.push_back(said_[i]);
      truth.push_back(truth_[i]);
    }
    return metrics::regression_error(said, truth);
  }

 private:
  std::vector<double> said_, truth_;
};

Status fill_regression_intervals(const TargetFigures& figures,
                                 const std::vector<std::vector<std::size_t>>& clusters,
                                 const RegressionOptions& options, TargetReport& out) {
  const std::pair<double RegressionError::*, metrics::Interval TargetReport::*> parts[] = {
      {&RegressionError::pcc, &TargetReport::pcc},
      {&RegressionError::ccc, &TargetReport::ccc},
      {&RegressionError::mae, &TargetReport::mae},
      {&RegressionError::rmse, &TargetReport::rmse}};
  for (const auto& [figure, interval] : parts) {
    Rng rng(options.seed);  // the same draws for every figure
    MIEN_ASSIGN_OR_RETURN(
        out.*interval,
        metrics::bootstrap(
            clusters.size(),
            [&, part = figure](std::span<const std::size_t> drawn) -> Result<double> {
              std::vector<std::size_t> indices;
              for (const std::size_t c : drawn) {
                indices.insert(indices.end(), clusters[c].begin(), clusters[c].end());
              }
              MIEN_ASSIGN_OR_RETURN(const RegressionError error, figures.of(indices));
              return error.*part;
            },
            rng, {.resamples = options.resamples}));
  }
  return {};
}

}  // namespace

Result<RegressionRun> run_regression(const std::shared_ptr<const engine::Bundle>& bundle,
                                     const data::Manifest& manifest, const RunOptions& options) {
  RegressionRun out{.targets = bundle->info().targets};
  if (out.targets.empty()) {
    return unsupported(fmt::format("{}: has no regression head (expected a bundle of a regression)",
                                   bundle->path().string()));
  }
  if (manifest.target_names.size() != out.targets.size()) {
    return invalid_argument(fmt::format("{}: {} targets (expected {}, as the bundle has)",
                                        manifest.name, manifest.target_names.size(),
                                        out.targets.size()));
  }
  ClipPass pass(*bundle, manifest, options);
  MIEN_RETURN_IF_ERROR(pass.prepare(*bundle));
  MIEN_RETURN_IF_ERROR(
      pass.run([](const data::Sample& sample) { return !sample.targets.empty(); },
               [&](const data::Sample& sample, const engine::ClipReading& reading) {
                 out.rows.push_back({.id = sample.id,
                                     .subject = sample.subject,
                                     .truth = sample.targets,
                                     .said = {reading.values.begin(), reading.values.end()}});
               }));
  out.unreadable = std::move(pass.unreadable);
  out.without_face = pass.without_face;
  if (out.rows.empty()) {
    return out.unreadable.empty() ? invalid_argument(manifest.name + ": has no sample with targets")
                                  : corrupt(out.unreadable.front());
  }
  return out;
}

Result<RegressionRun> average_rows(RegressionRun run, const data::Manifest& manifest,
                                   const std::string& column) {
  std::map<std::string, std::string> group_of;
  for (const data::Sample& sample : manifest.samples) {
    if (std::string cell = data::cell_of(sample, column); !cell.empty()) {
      group_of.emplace(sample.id, std::move(cell));
    }
  }
  if (group_of.empty()) {
    return invalid_argument(
        fmt::format("{}: no sample has a value in column '{}'", manifest.name, column));
  }
  std::map<std::string, std::vector<RegressionRow>> groups;
  std::vector<std::string> order;
  for (RegressionRow& row : run.rows) {
    const auto it = group_of.find(row.id);
    const std::string key = it == group_of.end() ? row.id : it->second;
    if (groups[key].empty()) order.push_back(key);
    groups[key].push_back(std::move(row));
  }
  run.rows.clear();
  for (const std::string& key : order) {
    const std::vector<RegressionRow>& members = groups[key];
    RegressionRow mean{.id = key,
                       .subject = members.front().subject,
                       .truth = std::vector<double>(run.targets.size()),
                       .said = std::vector<double>(run.targets.size())};
    for (const RegressionRow& member : members) {
      if (member.subject != mean.subject) mean.subject.clear();
      for (std::size_t t = 0; t < run.targets.size(); ++t) {
        mean.truth[t] += member.truth[t] / static_cast<double>(members.size());
        mean.said[t] += member.said[t] / static_cast<double>(members.size());
      }
    }
    run.rows.push_back(std::move(mean));
  }
  return run;
}

Result<RegressionReport> regression_report(const RegressionRun& run,
                                           const RegressionOptions& options) {
  RegressionReport out;
  out.rows = static_cast<std::int64_t>(run.rows.size());
  out.by_subject = std::all_of(run.rows.begin(), run.rows.end(),
                               [](const RegressionRow& row) { return !row.subject.empty(); });
  const auto clusters = clusters_of(run, out.by_subject);
  out.resampled = static_cast<std::int64_t>(clusters.size());
  const auto count = static_cast<double>(run.targets.size());
  for (std::size_t t = 0; t < run.targets.size(); ++t) {
    TargetReport& target = out.targets.emplace_back();
    target.target = run.targets[t];
    const TargetFigures figures(run, t);
    MIEN_ASSIGN_OR_RETURN(target.error, figures.all());
    MIEN_RETURN_IF_ERROR(fill_regression_intervals(figures, clusters, options, target));
    out.mean.pcc += target.error.pcc / count;
    out.mean.ccc += target.error.ccc / count;
    out.mean.mae += target.error.mae / count;
    out.mean.mse += target.error.mse / count;
    out.mean.rmse += target.error.rmse / count;
  }
  return out;
}

Json RegressionReport::to_json() const {
  Json out = Json::object();
  out.set("n", rows);
  out.set("resampled", resampled);
  out.set("resampled_by", by_subject ? "subject" : "sample");
  Json list = Json::array();
  for (const TargetReport& item : targets) {
    Json target = Json::object();
    target.set("name", item.target.name);
    target.set("range", item.target.range
                            ? interval_json({item.target.range->first, item.target.range->second})
                            : Json());
    target.set("pcc", item.error.pcc);
    target.set("pcc_interval", interval_json(item.pcc));
    target.set("ccc", item.error.ccc);
    target.set("ccc_interval", interval_json(item.ccc));
    target.set("mae", item.error.mae);
    target.set("mae_interval", interval_json(item.mae));
    target.set("rmse", item.error.rmse);
    target.set("rmse_interval", interval_json(item.rmse));
    list.push_back(std::move(target));
  }
  out.set("targets", std::move(list));
  Json mean_json = Json::object();
  mean_json.set("pcc", mean.pcc);
  mean_json.set("ccc", mean.ccc);
  mean_json.set("mae", mean.mae);
  mean_json.set("rmse", mean.rmse);
  out.set("mean", std::move(mean_json));
  return out;
}

}  // namespace mien::eval
