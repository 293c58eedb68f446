#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <utility>

#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/options.h"
#include "mien/convert/convert.h"
#include "mien/engine/bundle.h"
#include "mien/engine/detector.h"
#include "report/text.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFirstTensors = 8;

struct InspectFlags {
  std::string path;
  bool json = false;
  bool tensors = false;
  bool no_verify = false;
};

/// The description of a path, for people and as JSON.
struct Findings {
  std::string title;
  Rows rows;
  Json json = Json::object();
  std::string tensors;
  Status problem;  ///< found on the way; the rest is printed nevertheless
};

// A folder with a bundle.json, or a tar archive.
bool is_bundle(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return fs::exists(path / "bundle.json", error);
  if (!fs::is_regular_file(path, error)) return false;  // reading a pipe would block
  std::ifstream file(path, std::ios::binary);
  std::string magic(5, '\0');
  return file.seekg(257) && file.read(magic.data(), 5) && magic == "ustar";
}

// Lists all or the first tensors, as text and as JSON.
void tell_tensors(const checkpoint::Checkpoint& weights, bool all, Findings& out) {
  std::size_t width = 0;
  std::size_t told = 0;
  const std::size_t most = all ? weights.tensors().size() : kFirstTensors;
  for (const auto& [name, view] : weights.tensors()) {
    if (told++ == most) break;
    width = std::max(width, report::printable(name).size());
  }
  told = 0;
  Json list = Json::array();
  for (const auto& [name, view] : weights.tensors()) {
    if (told++ == most) {
      out.tensors +=
          fmt::format("  ... and {} more (--tensors shows all)\n", weights.tensors().size() - most);
      break;
    }
    out.tensors += fmt::format("  {:<{}}  {:<4}  {}\n", report::printable(name), width,
                               mien::to_string(view.dtype()), mien::to_string(view.shape()));
    Json row = Json::object();
    row.set("name", name);
    row.set("dtype", mien::to_string(view.dtype()));
    Json shape = Json::array();
    for (const std::int64_t size : view.shape()) shape.push_back(size);
    row.set("shape", std::move(shape));
    list.push_back(std::move(row));
  }
  out.json.set("tensor_count", weights.tensors().size());
  out.json.set("tensors", std::move(list));
}

std::string step_text(const image::PreprocessStep& step) {
  using StepKind = image::PreprocessStep::Kind;
  const char* filter = step.filter == image::Filter::kNearest    ? "nearest"
                       : step.filter == image::Filter::kBilinear ? "bilinear"
                                                                 : "bicubic";
  const char* smooth = step.antialias ? "" : ", no antialias";
  switch (step.kind) {
    case StepKind::kResizeShorter:
      return fmt::format("shorter side to {} ({}{})", step.size, filter, smooth);
    case StepKind::kResizeExact:
      return fmt::format("resize to {0} x {0} ({1}{2})", step.size, filter, smooth);
    case StepKind::kCenterCrop: return fmt::format("centre crop {}", step.size);
    case StepKind::kGrey: return "grey";
    case StepKind::kToFloat: return "to 0..1";
    case StepKind::kNormalize:
      return fmt::format("normalise by ({:.4f}) / ({:.4f})", fmt::join(step.mean, " "),
                         fmt::join(step.std, " "));
  }
  return "";
}

// "every 4th frame"
std::string every_nth(int n) {
  const bool teen = n % 100 / 10 == 1;
  const char* ending = teen          ? "th"
                       : n % 10 == 1 ? "st"
                       : n % 10 == 2 ? "nd"
                       : n % 10 == 3 ? "rd"
                                     : "th";
  return fmt::format("every {}{} frame", n, ending);
}

std::string preprocess_text(const image::PreprocessSpec& spec) {
  std::string out;
  for (const image::PreprocessStep& step : spec.steps) {
    out += (out.empty() ? "" : ", ") + step_text(step);
  }
  return out;
}

std::string unknown_text(const engine::UnknownRule& rule) {
  return fmt::format("{}, {}", engine::to_string(rule.kind),
                     rule.threshold ? fmt::format("threshold {:.4g}", *rule.threshold)
                                    : "no threshold (not calibrated)");
}

// Works for bundles of models and of detectors.
template <class AnyBundle>
void tell_files(const AnyBundle& bundle, bool verify, Findings& out) {
  if (verify) out.problem = bundle.verify_hashes();
  const char* state = !verify ? "not verified" : out.problem.ok() ? "verified" : "DIFFERS";
  const char* title = "files";
  for (const auto& [name, hash] : bundle.info().files) {
    out.rows.emplace_back(std::exchange(title, ""),
                          fmt::format("{}  sha256 {}...", name, hash.substr(0, 16)));
  }
  out.rows.emplace_back("hashes", state);
  out.json.set("verified", verify ? Json(out.problem.ok()) : Json());
}

Result<Findings> inspect_bundle(const InspectFlags& flags) {
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(flags.path));
  const engine::BundleInfo& info = bundle->info();
  const Parameters parameters = count_parameters(info.architecture);
  Findings out;
  out.title = fmt::format("{}: bundle, format version {}, method {}", info.name,
                          info.reference ? engine::BundleInfo::kFormatVersion : 1, info.method);
  out.rows.emplace_back("image tower", tower_text(info.architecture.image));
  out.rows.emplace_back("text tower", info.architecture.text ? tower_text(*info.architecture.text)
                                      : !info.targets.empty() && info.labels.empty() ? "none"
                                      : info.labels.empty() ? "none: embeddings only"
                                                            : "none: own labels only");
  if (info.architecture.temporal) {
    out.rows.emplace_back("temporal", tower_text(*info.architecture.temporal));
  }
  if (info.architecture.regression) {
    out.rows.emplace_back("regression", tower_text(*info.architecture.regression));
    out.rows.emplace_back("targets", targets_text(info.targets));
  }
  out.rows.emplace_back("joint width", fmt::format("{}", info.architecture.embed));
  out.rows.emplace_back("parameters", parameters_text(parameters));
  out.rows.emplace_back("types", dtypes_text(bundle->weights()));
  out.rows.emplace_back(
      "logit scale", fmt::format("{:.4f}, temperature {:.4f}", info.logit_scale, info.temperature));
  out.rows.emplace_back("labels", labels_text(info.labels));
  out.rows.emplace_back("features",
                        bundle->label_features() != nullptr ? "stored for its labels" : "none");
  out.rows.emplace_back("unknown", unknown_text(info.unknown));
  out.rows.emplace_back("preprocess", preprocess_text(info.preprocess));
  out.rows.emplace_back("face crop", fmt::format("margin {:.2f}{}{}", info.crop.margin,
                                                 info.crop.square ? ", square" : "",
                                                 info.crop.align ? ", aligned" : ""));
  out.rows.emplace_back("frames",
                        fmt::format("{}, {} ({})", info.sampling.frames,
                                    info.sampling.stride == 1 ? std::string("every frame")
                                                              : every_nth(info.sampling.stride),
                                    video::to_string(info.sampling.rule)));
  out.rows.emplace_back("licence", info.licence.empty() ? "unknown" : info.licence);
  out.rows.emplace_back("provenance", info.provenance.dump());
  out.json.set("kind", "bundle");
  out.json.set("path", flags.path);
  tell_files(*bundle, !flags.no_verify, out);
  out.json.set("parameters", parameters.to_json());
  out.json.set("dtypes", dtypes_json(bundle->weights()));
  out.json.set("label_features", bundle->label_features() != nullptr);
  out.json.set("bundle", info.to_json());
  tell_tensors(bundle->weights(), flags.tensors, out);
  return out;
}

Result<Findings> inspect_detector(const InspectFlags& flags) {
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::DetectorBundle::load(flags.path));
  const engine::DetectorInfo& info = bundle->info();
  Findings out;
  out.title = fmt::format("{}: bundle of a face detector, format version 1", info.name);
  out.rows.emplace_back("network", engine::tower_text(info.sizes));
  out.rows.emplace_back("parameters", count_text(engine::count_parameters(info.sizes)));
  out.rows.emplace_back("types", dtypes_text(bundle->weights()));
  out.rows.emplace_back("threshold",
                        fmt::format("probability {:.2f}, one face above an overlap of {:.2f}",
                                    info.threshold, info.overlap));
  out.rows.emplace_back("smallest", fmt::format("{:g} pixels", info.smallest_face));
  out.rows.emplace_back("licence", info.licence.empty() ? "unknown" : info.licence);
  out.rows.emplace_back("provenance", info.provenance.dump());
  out.json.set("kind", "detector");
  out.json.set("path", flags.path);
  tell_files(*bundle, !flags.no_verify, out);
  out.json.set("parameters", engine::count_parameters(info.sizes));
  out.json.set("dtypes", dtypes_json(bundle->weights()));
  out.json.set("bundle", info.to_json());
  tell_tensors(bundle->weights(), flags.tensors, out);
  return out;
}

// Towers and sizes, if the tensors are those of a known model.
void tell_model(const convert::WeightsReport& report, Findings& out) {
  if (const auto& architecture = report.architecture) {
    const Parameters parameters = count_parameters(*architecture);
    out.rows.emplace_back("image tower", tower_text(architecture->image));
    out.rows.emplace_back("text tower",
                          architecture->text ? tower_text(*architecture->text) : "none");
    if (architecture->temporal) {
      out.rows.emplace_back("temporal", tower_text(*architecture->temporal));
    }
    if (architecture->regression) {
      out.rows.emplace_back("regression", tower_text(*architecture->regression));
    }
    out.rows.emplace_back("joint width", fmt::format("{}", architecture->embed));
    out.rows.emplace_back("parameters", parameters_text(parameters));
    out.json.set("architecture", architecture->to_json());
    out.json.set("parameters", parameters.to_json());
  } else {
    out.json.set("architecture", nullptr);
  }
  for (const std::string& note : report.notes) out.rows.emplace_back("note", note);
  out.json.set("notes", string_array(report.notes));
  if (report.logit_scale) {
    out.rows.emplace_back("logit scale", fmt::format("{:.4f}", *report.logit_scale));
    out.json.set("logit_scale", *report.logit_scale);
  }
}

Result<Findings> inspect_checkpoint(const InspectFlags& flags) {
  MIEN_ASSIGN_OR_RETURN(const auto report, convert::describe_weights(flags.path));
  const checkpoint::Checkpoint& weights = *report.weights;
  Findings out;
  out.title = fmt::format("{}: weights, {}, {} names", report.source.filename().string(),
                          weights.format(), report.naming);
  out.json.set("kind", "checkpoint");
  out.json.set("path", report.source.string());
  out.json.set("format", weights.format());
  out.json.set("naming", report.naming);
  tell_model(report, out);
  out.rows.emplace_back("types", dtypes_text(weights));
  out.json.set("dtypes", dtypes_json(weights));
  Json metadata = Json::object();
  for (const auto& [key, value] : weights.metadata()) {
    out.rows.emplace_back("metadata", key + ": " + value);
    metadata.set(key, value);
  }
  out.json.set("metadata", std::move(metadata));
  for (const std::string& entry : report.skipped) out.rows.emplace_back("skipped", entry);
  out.json.set("skipped", string_array(report.skipped));
  if (!flags.no_verify) {
    MIEN_ASSIGN_OR_RETURN(const auto files, convert::hash_files(report.files));
    Json hashes = Json::object();
    for (const auto& [name, hash] : files) {
      out.rows.emplace_back("sha256", hash + "  " + name);
      hashes.set(name, hash);
    }
    out.json.set("files", std::move(hashes));
  }
  tell_tensors(weights, flags.tensors, out);
  return out;
}

Result<Findings> inspect(InspectFlags flags) {
  std::error_code error;
  if (!fs::exists(flags.path, error)) {
    // A plain name may be the name of a shipped bundle.
    if (const auto shipped = find_model(flags.path); shipped.ok()) flags.path = *shipped;
  }
  if (!is_bundle(flags.path)) return inspect_checkpoint(flags);
  MIEN_ASSIGN_OR_RETURN(const bool detector, engine::is_detector(flags.path));
  return detector ? inspect_detector(flags) : inspect_bundle(flags);
}

void run_inspect(const InspectFlags& flags, Context& context) {
  if (Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  auto found = inspect(flags);
  if (!found.ok()) return context.fail(found.status(), kExitSomeFailed);
  if (flags.json) {
    fmt::print("{}\n", found->json.dump());
  } else {
    fmt::print("{}\n{}tensors:\n{}", report::printable(found->title), rows_text(found->rows),
               found->tensors);
  }
  if (!found->problem.ok()) context.fail(found->problem, kExitSomeFailed);
}

}  // namespace

void add_inspect(CLI::App& app, Context& context) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* verb = app.add_subcommand("inspect", "Show the contents of a bundle or weights file");
  verb->add_option("-b,--bundle,path", flags->path,
                   "Bundle (folder, .tar or name of a shipped one), or weights file or folder")
      ->required()
      ->type_name("PATH");
  verb->add_flag("--tensors", flags->tensors, "Show all tensors, not only the first");
  verb->add_flag("--no-verify", flags->no_verify, "Do not compute hashes");
  verb->add_flag("--json", flags->json, "Print one JSON object instead of a table");
  verb->callback([flags, &context] { run_inspect(*flags, context); });
}

}  // namespace mien::cli
