#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>

#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/help.h"
#include "engine/tiny_bundle.h"
#include "mien/convert/convert.h"
#include "report/text.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kListed = 3;  // number of left-out tensors to name

struct ConvertFlags {
  std::vector<std::string> paths;
  convert::Options options;
  std::uint64_t seed = 1;
  bool random_tiny = false;
  bool temporal = false;
  bool json = false;
};

std::uint64_t folder_bytes(const fs::path& folder) {
  std::uint64_t total = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::uintmax_t size = entry.file_size(error);
    if (!error) total += size;
  }
  return total;
}

void print_conversion_json(const convert::ConversionReport& report, const fs::path& destination) {
  const engine::Bundle& bundle = *report.bundle;
  const engine::BundleInfo& info = bundle.info();
  Json out = Json::object();
  out.set("kind", "convert");
  out.set("source", report.source.string());
  out.set("destination", destination.string());
  out.set("name", info.name);
  out.set("format", report.format);
  out.set("naming", report.naming);
  out.set("architecture", info.architecture.to_json());
  out.set("parameters", count_parameters(info.architecture).to_json());
  out.set("dtypes", dtypes_json(bundle.weights()));
  out.set("logit_scale", info.logit_scale);
  Json labels = Json::array();
  for (const text::Label& label : info.labels) labels.push_back(label.name);
  out.set("labels", std::move(labels));
  Json targets = Json::array();
  for (const auto& target : info.targets) targets.push_back(target.name);
  out.set("targets", std::move(targets));
  out.set("left_out", string_array(report.left_out));
  out.set("skipped", string_array(report.skipped));
  out.set("notes", string_array(report.notes));
  out.set("bytes", folder_bytes(destination));
  fmt::print("{}\n", out.dump());
}

// "3 tensors: a, b, c".
std::string listed(const std::vector<std::string>& values, const char* what) {
  std::string out = fmt::format("{} {}: ", values.size(), what);
  for (std::size_t i = 0; i < std::min(values.size(), kListed); ++i) {
    out += (i == 0 ? "" : ", ") + values[i];
  }
  return values.size() > kListed ? out + ", ..." : out;
}

const char* without_text_tower(const engine::BundleInfo& info) {
  if (!info.labels.empty()) return "none: own labels only";
  return info.targets.empty() ? "none: embeddings only" : "none";
}

void print_conversion(const convert::ConversionReport& report, const fs::path& destination) {
  const engine::Bundle& bundle = *report.bundle;
  const engine::BundleInfo& info = bundle.info();
  const engine::Architecture& model = info.architecture;
  Rows rows;
  rows.emplace_back("from", fmt::format("{} ({}, {} names)", report.source.string(), report.format,
                                        report.naming));
  if (!report.config.empty()) rows.emplace_back("config", report.config.string());
  rows.emplace_back("image tower", tower_text(model.image));
  rows.emplace_back("text tower", model.text ? tower_text(*model.text) : without_text_tower(info));
  if (model.temporal) rows.emplace_back("temporal", tower_text(*model.temporal));
  if (model.regression) {
    rows.emplace_back("regression", tower_text(*model.regression));
    rows.emplace_back("targets", targets_text(info.targets));
  }
  rows.emplace_back("parameters", count_text(count_parameters(model).total()));
  rows.emplace_back("types", dtypes_text(bundle.weights()));
  rows.emplace_back("logit scale", fmt::format("{:.4f}", info.logit_scale));
  rows.emplace_back("labels", labels_text(info.labels));
  if (!report.left_out.empty()) rows.emplace_back("left out", listed(report.left_out, "tensors"));
  if (!report.skipped.empty()) rows.emplace_back("skipped", listed(report.skipped, "entries"));
  for (const std::string& note : report.notes) rows.emplace_back("note", note);
  fmt::print("{}\n{}wrote {} ({}), read back and verified\n", report::printable(info.name),
             rows_text(rows), report::printable(destination.string()),
             size_text(folder_bytes(destination)));
}

Status write_tiny(const ConvertFlags& flags) {
  const fs::path destination = flags.paths[0];
  MIEN_RETURN_IF_ERROR(convert::check_destination(destination, flags.options.overwrite));
  MIEN_RETURN_IF_ERROR(
      engine::write_tiny_bundle(destination, {.seed = flags.seed,
                                              .text_tower = !flags.options.image_only,
                                              .temporal = flags.temporal,
                                              .targets = flags.options.targets,
                                              .overwrite = flags.options.overwrite}));
  if (flags.json) {
    Json out = Json::object();
    out.set("kind", "convert");
    out.set("source", nullptr);
    out.set("destination", destination.string());
    out.set("name", "tiny-random");
    out.set("bytes", folder_bytes(destination));
    fmt::print("{}\n", out.dump());
  } else {
    fmt::print("wrote {} ({}): random weights for trying things out; its answers mean nothing\n",
               report::printable(destination.string()), size_text(folder_bytes(destination)));
  }
  return {};
}

Status write_converted(const ConvertFlags& flags) {
  convert::Options options = flags.options;
  options.notice = responsible_use();
  options.cancel = &interrupted();
  MIEN_ASSIGN_OR_RETURN(const auto report,
                        convert::to_bundle(flags.paths[0], flags.paths[1], options));
  flags.json ? print_conversion_json(report, flags.paths[1])
             : print_conversion(report, flags.paths[1]);
  return {};
}

Status check_usage(const ConvertFlags& flags) {
  if (flags.temporal && !flags.random_tiny) {
    return invalid_argument(
        "--temporal: only for --random-tiny (a temporal model in SRC is always kept)");
  }
  const std::size_t wanted = flags.random_tiny ? 1 : 2;
  if (flags.paths.size() == wanted) return {};
  return invalid_argument(fmt::format("convert: wrong number of paths (expected {}, got {})",
                                      flags.random_tiny ? "DST with --random-tiny" : "SRC and DST",
                                      flags.paths.size()));
}

// Bad options, labels and destinations are usage errors; files that cannot be read or written are
// problems of the environment; everything else is a problem of the source.
ExitCode conversion_code(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument: return kExitUsage;
    case StatusCode::kIo:
    case StatusCode::kInternal: return kExitEnvironment;
    default: return kExitSomeFailed;
  }
}

Status write_converted_detector(const ConvertFlags& flags) {
  const fs::path source = flags.paths[0], destination = flags.paths[1];
  MIEN_ASSIGN_OR_RETURN(const auto bundle,
                        convert::detector_to_bundle(source, destination,
                                                    {.name = flags.options.name,
                                                     .licence = flags.options.licence,
                                                     .notice = std::string(responsible_use()),
                                                     .overwrite = flags.options.overwrite}));
  const engine::DetectorInfo& info = bundle->info();
  if (flags.json) {
    Json out = Json::object();
    out.set("kind", "convert");
    out.set("source", source.string());
    out.set("destination", destination.string());
    out.set("name", info.name);
    out.set("format", "onnx");
    out.set("detector", info.to_json());
    out.set("bytes", folder_bytes(destination));
    fmt::print("{}\n", out.dump());
    return {};
  }
  Rows rows;
  rows.emplace_back("from", source.string() + " (onnx)");
  rows.emplace_back("detector", engine::tower_text(info.sizes));
  rows.emplace_back("parameters", count_text(engine::count_parameters(info.sizes)));
  fmt::print("{}\n{}wrote {} ({}), read back and tested\n", report::printable(info.name),
             rows_text(rows), report::printable(destination.string()),
             size_text(folder_bytes(destination)));
  return {};
}

void run_convert(const ConvertFlags& flags, Context& context) {
  if (Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  Status status = check_usage(flags);
  if (status.ok()) {
    status = flags.random_tiny                      ? write_tiny(flags)
             : convert::is_detector(flags.paths[0]) ? write_converted_detector(flags)
                                                    : write_converted(flags);
  }
  if (!status.ok()) context.fail(status, conversion_code(status));
}

template <class T>
using Words = std::vector<std::pair<std::string, T>>;

// An option whose words stand for values. `unset`: the word that leaves the value unset; empty: no
// such word.
template <class T>
void add_choice(CLI::App& verb, const char* name, const char* help, const Words<T>& words,
                const std::string& unset, std::function<void(T)> set) {
  std::vector<std::string> known;
  if (!unset.empty()) known.push_back(unset);
  for (const auto& [word, value] : words) known.push_back(word);
  const auto choose = [words, set](const std::string& given) {
    for (const auto& [word, value] : words) {
      if (word == given) set(value);
    }
  };
  verb.add_option_function<std::string>(name, choose, help)
      ->check(CLI::IsMember(known))
      ->default_str(unset);
}

void add_source_options(CLI::App& verb, convert::Options& options) {
  begin_group(verb, "Source");
  verb.add_option("--tokenizer", options.tokenizer,
                  "Vocabulary file, or the folder that holds it (default: beside the weights)")
      ->type_name("PATH");
  verb.add_option("--text-from", options.text_from,
                  "CLIP weights or bundle to take the text tower from if SRC has none (for KE2NT: "
                  "the CLIP whose texts it was trained against)")
      ->type_name("PATH");
  verb.add_option("--projection", options.projection,
                  "Exp-CLIP checkpoint whose linear map to fold into both towers of SRC")
      ->type_name("FILE");
  verb.add_option("--leave-out", options.leave_out,
                  "Prefixes of tensor names that may be left out although they may change the "
                  "answers")
      ->delimiter(',');
  begin_group(verb, "Labels");
  verb.add_option("--labels", options.labels,
                  "Labels to answer with: a set, a label file or a,b,c (a bundle as SRC keeps its "
                  "own)")
      ->default_str("basic7");
  verb.add_flag("--image-only", options.image_only,
                "Leave out the text tower: smaller, but limited to --labels");
}

void add_choices(CLI::App& verb, convert::Options& options) {
  using kernels::Activation;
  begin_group(verb, "Model");
  add_choice<Activation>(verb, "--activation", "Activation function of the towers",
                         {{"quick_gelu", Activation::kQuickGelu}, {"gelu", Activation::kGelu}},
                         "auto", [&options](Activation value) { options.activation = value; });
  add_choice<DType>(verb, "--dtype", "Type of the stored weights",
                    {{"f32", DType::kF32}, {"f16", DType::kF16}, {"bf16", DType::kBF16}}, "keep",
                    [&options](DType value) { options.dtype = value; });
  using convert::Preprocess;
  add_choice<Preprocess>(verb, "--preprocess", "Preprocessing of the pictures",
                         {{"clip", Preprocess::kClip},
                          {"emoclip", Preprocess::kEmoclip},
                          {"dfer_clip", Preprocess::kDferClip}},
                         "auto", [&options](Preprocess value) { options.preprocess = value; });
  using convert::TextPosition;
  add_choice<TextPosition>(
      verb, "--class-token-position",
      "DFER-CLIP: position of the class text: end (after the learned tokens, as in the published "
      "scripts), front or middle",
      {{"end", TextPosition::kEnd},
       {"front", TextPosition::kFront},
       {"middle", TextPosition::kMiddle}},
      "", [&options](TextPosition value) { options.text_position = value; });
}

}  // namespace

void add_convert(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ConvertFlags>();
  convert::Options& options = flags->options;
  CLI::App* verb = app.add_subcommand(
      "convert",
      "Make a bundle from CLIP weights in any common format, or from a ResNet or Swin transformer");
  verb->add_option("paths", flags->paths,
                   "SRC (weights file, shard index or folder) and DST (folder)")
      ->required()
      ->option_text("SRC DST");
  add_source_options(*verb, options);
  add_choices(*verb, options);
  verb->add_option("--targets", options.targets,
                   "Names of the regression head's targets; with --random-tiny, adds such a head")
      ->delimiter(',');
  begin_group(*verb, "Output");
  verb->add_option("--name", options.name, "Name of the bundle (default: the name of SRC)");
  verb->add_option("--licence,--license", options.licence, "Terms of the weights, for the card");
  verb->add_flag("--overwrite", options.overwrite, "Replace an existing bundle at DST");
  verb->add_flag("--json", flags->json, "Print the result as JSON");
  begin_group(*verb, "Random bundle");
  verb->add_flag("--random-tiny", flags->random_tiny,
                 "Make a small bundle with random weights at DST, for trying things out");
  verb->add_flag("--temporal", flags->temporal, "Add a temporal model to --random-tiny");
  verb->add_option("--seed", flags->seed, "Seed of --random-tiny")->capture_default_str();
  begin_group(*verb, kOldSpellings);
  verb->add_flag_callback("--force", [flags, &context] {
    flags->options.overwrite = true;
    context.renamed("--force", "--overwrite");
  });
  verb->callback([flags, &context] { run_convert(*flags, context); });
}

}  // namespace mien::cli
