#include "eval/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "core/file.h"
#include "data/csv.h"
#include "mien/core/rng.h"
#include "mien/metrics/confusion.h"

namespace mien::eval {
namespace {

std::map<std::string, std::size_t> indices_of(const std::vector<std::string>& classes) {
  std::map<std::string, std::size_t> out;
  for (std::size_t i = 0; i < classes.size(); ++i) out.emplace(classes[i], i);
  return out;
}

Result<std::size_t> class_of(const std::map<std::string, std::size_t>& class_indices,
                             const std::string& name, const std::string& where) {
  const auto it = class_indices.find(name);
  if (it != class_indices.end()) return it->second;
  return corrupt(
      fmt::format("{}: class '{}' is not in the list of classes of the file", where, name));
}

Status check_ids(const Answers& answers) {
  std::set<std::string> ids;
  for (const Prediction& row : answers.predictions) {
    if (!ids.insert(row.id).second) {
      return corrupt(fmt::format("{}: duplicate sample '{}'", answers.name, row.id));
    }
  }
  return {};
}

Status check_probabilities(const Prediction& row, std::size_t classes, const std::string& where) {
  const bool fit = row.probabilities.size() == classes &&
                   std::all_of(row.probabilities.begin(), row.probabilities.end(),
                               [](double p) { return std::isfinite(p) && p >= 0 && p <= 1.0001; });
  if (fit) return {};
  return corrupt(fmt::format("{}: probabilities of '{}' (expected {} numbers in 0..1)", where,
                             row.id, classes));
}

Result<Answers> parse_json(const std::string& text, const std::string& name, const Limits& limits) {
  const auto parsed = Json::parse(text, limits);
  if (!parsed.ok()) return parsed.status().with_prefix(name);
  const Json* classes = parsed->find("classes");
  const Json* samples = parsed->find("samples");
  if (samples == nullptr || !samples->is_array() || classes == nullptr || !classes->is_array()) {
    return invalid_argument(
        fmt::format("{}: has no samples (expected the output of `mien eval --json --with-samples`, "
                    "or a CSV of --predictions)",
                    name));
  }
  Answers out{.name = name, .classes = {}, .predictions = {}};
  for (const Json& item : classes->as_array()) {
    if (!item.is_string()) return corrupt(fmt::format("{}: a class is not a string", name));
    out.classes.push_back(item.as_string());
  }
  const auto class_indices = indices_of(out.classes);
  for (const Json& item : samples->as_array()) {
    const std::string where = fmt::format("{}: sample {}", name, out.predictions.size() + 1);
    Prediction row;
    MIEN_ASSIGN_OR_RETURN(row.id, json_string(item, "id", where));
    MIEN_ASSIGN_OR_RETURN(const std::string truth, json_string(item, "truth", where));
    MIEN_ASSIGN_OR_RETURN(row.truth, class_of(class_indices, truth, where));
    const Json* p = item.find("p");
    for (std::size_t i = 0; p != nullptr && p->is_array() && i < p->size(); ++i) {
      const Json& value = p->as_array()[i];
      row.probabilities.push_back(value.is_number() ? value.as_number() : -1);
    }
    MIEN_RETURN_IF_ERROR(check_probabilities(row, out.classes.size(), where));
    out.predictions.push_back(std::move(row));
  }
  return out;
}

Result<Answers> parse_predictions(const std::string& text, const std::string& name) {
  MIEN_ASSIGN_OR_RETURN(const data::CsvTable table, data::parse_csv(text, name));
  Answers out{.name = name, .classes = {}, .predictions = {}};
  const bool head = table.columns.size() > 3 && table.columns[0] == "id" &&
                    table.columns[1] == "truth" && table.columns[2] == "prediction";
  for (std::size_t c = 3; head && c < table.columns.size(); ++c) {
    if (table.columns[c].starts_with("p_")) out.classes.push_back(table.columns[c].substr(2));
  }
  if (!head || out.classes.size() + 3 != table.columns.size()) {
    return corrupt(fmt::format(
        "{}:1: columns {} (expected those of `mien eval --predictions`: id, truth, prediction, "
        "p_CLASS ...)",
        name, fmt::join(table.columns, ", ")));
  }
  const auto class_indices = indices_of(out.classes);
  for (const data::CsvRow& line : table.rows) {
    const std::string where = fmt::format("{}:{}", name, line.line);
    Prediction row;
    row.id = line.cells[0];
    MIEN_ASSIGN_OR_RETURN(row.truth, class_of(class_indices, line.cells[1], where));
    for (std::size_t c = 3; c < line.cells.size(); ++c) {
      const std::string& cell = line.cells[c];
      double value = -1;
      const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      const bool whole = error == std::errc() && end == cell.data() + cell.size();
      row.probabilities.push_back(whole ? value : -1);
    }
    MIEN_RETURN_IF_ERROR(check_probabilities(row, out.classes.size(), where));
    out.predictions.push_back(std::move(row));
  }
  return out;
}

// A common sample, with class indices of the first file.
struct Pair {
  std::size_t truth = 0;
  std::size_t said[2] = {};
};

Result<std::vector<Pair>> common(const Answers& first, const Answers& second, Comparison& out) {
  if (std::set(first.classes.begin(), first.classes.end()) !=
      std::set(second.classes.begin(), second.classes.end())) {
    return invalid_argument(fmt::format(
        "{} and {}: different classes ({}; {}); compare evaluations of the same classes",
        first.name, second.name, fmt::join(first.classes, ", "), fmt::join(second.classes, ", ")));
  }
  const auto class_indices = indices_of(first.classes);
  std::map<std::string, const Prediction*> by_id;
  for (const Prediction& row : second.predictions) by_id.emplace(row.id, &row);
  std::vector<Pair> pairs;
  for (const Prediction& row : first.predictions) {
    const auto it = by_id.find(row.id);
    if (it == by_id.end()) {
      ++out.only_in_first;
      continue;
    }
    const Prediction& other = *it->second;
    const std::string& truth = second.classes[other.truth];
    if (class_indices.at(truth) != row.truth) {
      return invalid_argument(
          fmt::format("sample '{}': {} in {} but {} in {} (expected the same truth)", row.id,
                      first.classes[row.truth], first.name, truth, second.name));
    }
    pairs.push_back({row.truth, {row.top(), class_indices.at(second.classes[other.top()])}});
  }
  out.only_in_second = static_cast<std::int64_t>(second.predictions.size() - pairs.size());
  if (pairs.empty()) {
    return invalid_argument(fmt::format("{} and {}: no common samples", first.name, second.name));
  }
  return pairs;
}

Json difference_json(const metrics::PairedDifference& difference) {
  return Json::Object{{"difference", difference.difference},
                      {"interval", Json::Array{difference.interval.low, difference.interval.high}},
                      {"p", difference.p_value}};
}

}  // namespace

Result<Answers> load_answers(const std::filesystem::path& path, const Limits& limits) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxBytes));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && text[first] == '{';
  auto out =
      json ? parse_json(text, path.string(), limits) : parse_predictions(text, path.string());
  if (!out.ok()) return out;
  MIEN_RETURN_IF_ERROR(check_ids(*out));
  return out;
}

Json samples_to_json(const std::vector<std::string>& classes,
                     const std::vector<Prediction>& predictions) {
  Json out = Json::array();
  for (const Prediction& row : predictions) {
    Json shares = Json::array();
    for (const double p : row.probabilities) shares.push_back(std::round(p * 1e6) / 1e6);
    out.push_back(Json::Object{{"id", row.id},
                               {"truth", classes[row.truth]},
                               {"prediction", classes[row.top()]},
                               {"p", std::move(shares)}});
  }
  return out;
}

Result<Comparison> compare_answers(const Answers& first, const Answers& second,
                                   const CompareOptions& options) {
  Comparison out;
  out.first = first.name;
  out.second = second.name;
  MIEN_ASSIGN_OR_RETURN(const std::vector<Pair> pairs, common(first, second, out));
  out.samples = static_cast<std::int64_t>(pairs.size());
  for (const Pair& pair : pairs) {
    const bool a = pair.said[0] == pair.truth, b = pair.said[1] == pair.truth;
    ++(a && b ? out.both_right
       : a    ? out.only_first_right
       : b    ? out.only_second_right
              : out.both_wrong);
  }
  out.mcnemar_p = metrics::mcnemar_exact(out.only_first_right, out.only_second_right);
  std::vector<std::size_t> all(pairs.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto figure = [&](std::span<const std::size_t> drawn, std::size_t which,
                          bool mean_of_classes) -> Result<double> {
    metrics::ConfusionMatrix counts(first.classes.size());
    for (const std::size_t i : drawn) counts.add(pairs[i].truth, pairs[i].said[which]);
    if (!mean_of_classes) return metrics::weighted_average_recall(counts);
    MIEN_ASSIGN_OR_RETURN(const auto recall, metrics::unweighted_average_recall(counts));
    return recall.percent;
  };
  for (const bool classes : {false, true}) {
    for (std::size_t which = 0; which < 2; ++which) {
      MIEN_ASSIGN_OR_RETURN((classes ? out.uar : out.war)[which], figure(all, which, classes));
    }
    Rng rng(options.seed);
    MIEN_ASSIGN_OR_RETURN((classes ? out.uar_difference : out.war_difference),
                          metrics::paired_bootstrap(
                              pairs.size(),
                              [&](std::span<const std::size_t> drawn) -> Result<double> {
                                MIEN_ASSIGN_OR_RETURN(const double a, figure(drawn, 0, classes));
                                MIEN_ASSIGN_OR_RETURN(const double b, figure(drawn, 1, classes));
                                return a - b;
                              },
                              rng, {.resamples = options.resamples}));
  }
  return out;
}

Json Comparison::to_json() const {
  Json out = Json::object();
  out.set("first", first);
  out.set("second", second);
  out.set("n", samples);
  out.set("only_in_first", only_in_first);
  out.set("only_in_second", only_in_second);
  out.set("war", Json::Array{war[0], war[1]});
  out.set("uar", Json::Array{uar[0], uar[1]});
  out.set("both_right", both_right);
  out.set("only_first_right", only_first_right);
  out.set("only_second_right", only_second_right);
  out.set("both_wrong", both_wrong);
  out.set("mcnemar_p", mcnemar_p);
  out.set("war_difference", difference_json(war_difference));
  out.set("uar_difference", difference_json(uar_difference));
  return out;
}

}  // namespace mien::eval
