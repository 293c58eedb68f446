#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/convert_detector.h"
#include "cli/convert_run.h"
#include "cli/describe.h"
#include "mien/engine/tiny_bundle.h"
#include "mien/report/text.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

std::uint64_t folder_bytes(const fs::path& folder) {
  std::uint64_t total = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::uintmax_t size = entry.file_size(error);
    if (!error) total += size;
  }
  return total;
}

void print_conversion_json(const Conversion& run) {
  const engine::Bundle& bundle = *run.bundle;
  const engine::BundleInfo& info = bundle.info();
  Json out = Json::object();
  out.set("kind", "convert");
  out.set("source", run.source.weights.string());
  out.set("destination", run.destination.string());
  out.set("name", info.name);
  out.set("format", run.source.checkpoint->format());
  out.set("naming", naming_of(run));
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
  out.set("left_out", string_array(run.facts.left_out));
  out.set("skipped", string_array(run.source.skipped));
  out.set("notes", string_array(run.facts.notes));
  out.set("bytes", folder_bytes(run.destination));
  fmt::print("{}\n", out.dump());
}

std::string joined(const std::vector<std::string>& values, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && i < most; ++i) {
    out += (i == 0 ? "" : ", ") + values[i];
  }
  return values.size() > most ? out + ", ..." : out;
}

void print_conversion(const Conversion& run) {
  const engine::Bundle& bundle = *run.bundle;
  const engine::BundleInfo& info = bundle.info();
  Rows rows;
  rows.emplace_back("from", fmt::format("{} ({}, {} names)", run.source.weights.string(),
                                        run.source.checkpoint->format(), naming_of(run)));
  if (!run.hints.file.empty()) rows.emplace_back("config", run.hints.file.string());
  rows.emplace_back("image tower", tower_text(info.architecture.image));
  rows.emplace_back("text tower", info.architecture.text ? tower_text(*info.architecture.text)
                                  : !info.targets.empty() && info.labels.empty() ? "none"
                                  : info.labels.empty() ? "none: embeddings only"
                                                        : "none: own labels only");
  if (info.architecture.temporal) {
    rows.emplace_back("temporal", tower_text(*info.architecture.temporal));
  }
  if (info.architecture.regression) {
    rows.emplace_back("regression", tower_text(*info.architecture.regression));
    rows.emplace_back("targets", targets_text(info.targets));
  }
  rows.emplace_back("parameters", count_text(count_parameters(info.architecture).total()));
  rows.emplace_back("types", dtypes_text(bundle.weights()));
  rows.emplace_back("logit scale", fmt::format("{:.4f}", info.logit_scale));
  rows.emplace_back("labels", labels_text(info.labels));
  if (!run.facts.left_out.empty()) {
    rows.emplace_back("left out", fmt::format("{} tensors: {}", run.facts.left_out.size(),
                                              joined(run.facts.left_out, 3)));
  }
  if (!run.source.skipped.empty()) {
    rows.emplace_back("skipped", fmt::format("{} entries: {}", run.source.skipped.size(),
                                             joined(run.source.skipped, 3)));
  }
  for (const std::string& note : run.facts.notes) rows.emplace_back("note", note);
  fmt::print("{}\n{}wrote {} ({}), read back and verified\n", report::printable(info.name),
             rows_text(rows), report::printable(run.destination.string()),
             size_text(folder_bytes(run.destination)));
}

Outcome write_tiny(const ConvertFlags& flags) {
  const fs::path destination = flags.paths[0];
  if (auto failure = check_destination(destination, flags.force)) return failure;
  const Status status = engine::write_tiny_bundle(destination, {.seed = flags.seed,
                                                                .text_tower = !flags.image_only,
                                                                .temporal = flags.temporal,
                                                                .targets = flags.targets,
                                                                .overwrite = flags.force});
  if (!status.ok()) return failure_of(status, kExitEnvironment);
  if (flags.json) {
    Json out = Json::object();
    out.set("kind", "convert");
    out.set("source", nullptr);
    out.set("destination", destination.string());
    out.set("name", "tiny-random");
    out.set("bytes", folder_bytes(destination));
    fmt::print("{}\n", out.dump());
  } else {
    fmt::print("wrote {} ({}): random weights for trying things out, its answers mean nothing\n",
               report::printable(destination.string()), size_text(folder_bytes(destination)));
  }
  return std::nullopt;
}

Outcome convert_onnx(const ConvertFlags& flags) {
  const Status status = convert_detector({.source = flags.paths[0],
                                          .destination = flags.paths[1],
                                          .name = flags.name,
                                          .licence = flags.licence,
                                          .overwrite = flags.force,
                                          .json = flags.json});
  if (status.ok()) return std::nullopt;
  return failure_of(status,
                    status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitSomeFailed);
}

void run_convert(const ConvertFlags& flags, Context& context) {
  if (Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  if (flags.temporal && !flags.random_tiny) {
    return context.fail(
        invalid_argument(
            "--temporal: is for --random-tiny (a temporal model in SRC is always kept)"),
        kExitUsage);
  }
  const std::size_t wanted = flags.random_tiny ? 1 : 2;
  if (flags.paths.size() != wanted) {
    return context.fail(
        invalid_argument(fmt::format("convert: got {} paths (expected {})", flags.paths.size(),
                                     flags.random_tiny ? "DST with --random-tiny" : "SRC and DST")),
        kExitUsage);
  }
  const auto run = [&]() -> Outcome {
    if (flags.random_tiny) return write_tiny(flags);
    if (is_onnx(flags.paths[0])) return convert_onnx(flags);
    Conversion conversion;
    conversion.flags = flags;
    conversion.destination = flags.paths[1];
    if (auto failure = convert(conversion)) return failure;
    flags.json ? print_conversion_json(conversion) : print_conversion(conversion);
    return std::nullopt;
  };
  if (const Outcome failure = run()) context.fail(failure->status, failure->code);
}

}  // namespace

void add_convert(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* verb = app.add_subcommand("convert",
                                      "Make a bundle from CLIP weights of any usual form, from a "
                                      "ResNet or Swin transformer, or from the face detector "
                                      "YuNet (ONNX)");
  verb->add_option("paths", flags->paths,
                   "SRC (weights file, shard index or folder) and DST (folder)")
      ->required()
      ->option_text("SRC DST");
  verb->add_option("--name", flags->name, "Name of the bundle (default: that of SRC)");
  verb->add_option("--tokenizer", flags->tokenizer,
                   "Vocabulary file, or the folder that holds it (default: beside the weights)");
  verb->add_option(
      "--text-from", flags->text_from,
      "CLIP weights or a bundle whose text tower is taken when SRC has none (for KE2NT "
      "the CLIP whose texts it was trained against)");
  verb->add_option("--projection", flags->projection,
                   "Checkpoint of Exp-CLIP, whose linear map is folded into both towers of SRC");
  CLI::Option* labels = verb->add_option("--labels", flags->labels,
                                         "Labels it answers with: a set, a file or a,b,c (a bundle "
                                         "as SRC keeps its own)")
                            ->capture_default_str();
  verb->add_option("--activation", flags->activation, "auto, quick_gelu or gelu")
      ->check(CLI::IsMember({"auto", "quick_gelu", "gelu"}))
      ->capture_default_str();
  verb->add_option("--dtype", flags->dtype, "Type of the stored weights: keep, f32, f16 or bf16")
      ->check(CLI::IsMember({"keep", "f32", "f16", "bf16"}))
      ->capture_default_str();
  verb->add_option("--preprocess", flags->preprocess, "auto, clip, emoclip or dfer_clip")
      ->check(CLI::IsMember({"auto", "clip", "emoclip", "dfer_clip"}))
      ->capture_default_str();
  verb->add_option(
          "--class-token-position", flags->token_position,
          "DFER-CLIP: where the text of a class stands: end (behind the learned tokens, as "
          "in the published scripts), front or middle")
      ->check(CLI::IsMember({"end", "front", "middle"}));
  verb->add_option("--leave-out", flags->leave_out,
                   "Beginnings of names of tensors that may be left out though they may change the "
                   "answers")
      ->delimiter(',');
  verb->add_option("--licence,--license", flags->licence, "Terms of the weights, for the card");
  verb->add_flag("--image-only", flags->image_only,
                 "Leave the text tower out: smaller, but only the labels of --labels");
  verb->add_flag("--random-tiny", flags->random_tiny,
                 "Make a small bundle of random weights at DST, for trying things out");
  verb->add_flag("--temporal", flags->temporal,
                 "With --random-tiny: a temporal model over frames too");
  verb->add_option("--targets", flags->targets,
                   "Names of the regression head's targets; with --random-tiny: makes such a head")
      ->delimiter(',');
  verb->add_option("--seed", flags->seed, "Seed of --random-tiny")->capture_default_str();
  verb->add_flag("--force", flags->force, "Replace a bundle that exists at DST");
  verb->add_flag("--json", flags->json, "Print the result as JSON");
  verb->callback([flags, labels, &context] {
    flags->labels_given = labels->count() > 0;
    run_convert(*flags, context);
  });
}

}  // namespace mien::cli
