// `mien export --reference DATA BUNDLE OUT`: the same bundle with a reference of faces, which makes
// a rule of unknown for any labels.
#include "cli/export_reference.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/datasets.h"
#include "cli/options.h"
#include "cli/parse.h"
#include "cli/run_files.h"
#include "eval/reference.h"

namespace mien::cli {
namespace {

struct ReferenceFlags {
  std::string data;
  std::string split = "train";
  std::string val_split = "val";
  std::string bundle;
  std::string out;
  eval::ReferenceOptions options;
  bool overwrite = false;
};

Status write_reference(const ReferenceFlags& flags, Context& context) {
  MIEN_RETURN_IF_ERROR(context.apply());
  if (flags.split == flags.val_split) {
    return invalid_argument(fmt::format(
        "--val-split: is --split (expected other faces than those of '{}')", flags.split));
  }
  MIEN_ASSIGN_OR_RETURN(const auto path, find_model(flags.bundle));
  MIEN_RETURN_IF_ERROR(
      check_bundle_output({path.string(), flags.data}, flags.out, flags.overwrite));
  MIEN_ASSIGN_OR_RETURN(const auto bundle,
                        engine::Bundle::load(path, {.precision = engine::PrecisionChoice::kF32,
                                                    .many_pictures = true}));
  DatasetFlags data;
  data.split = flags.split;
  MIEN_ASSIGN_OR_RETURN(const data::Manifest train, load_data(flags.data, data));
  data.split = flags.val_split;
  MIEN_ASSIGN_OR_RETURN(const data::Manifest val, load_data(flags.data, data));
  if (train.classes != val.classes) {
    return invalid_argument(
        fmt::format("{}: splits '{}' and '{}' have other classes (expected the same)", flags.data,
                    flags.split, flags.val_split));
  }
  MIEN_ASSIGN_OR_RETURN(const eval::MadeReference made,
                        eval::make_reference(bundle, train, val, flags.options));
  engine::BundleContent content;
  content.info = bundle->info();
  content.info.reference = made.info;
  Json note = Json::object();
  note.set("data", train.name);
  note.set("split", flags.split);
  note.set("validated_on", flags.val_split);
  note.set("samples", made.validated);
  note.set("accept", flags.options.accept);
  content.info.provenance.set("reference", std::move(note));
  for (const auto& [name, view] : bundle->weights().tensors()) {
    if (name == engine::Reference::kFaces || name == engine::Reference::kBasis) continue;
    content.tensors.emplace_back(name, view);
  }
  content.tensors.emplace_back(engine::Reference::kFaces, made.faces.view());
  content.tensors.emplace_back(engine::Reference::kBasis, made.basis.view());
  MIEN_ASSIGN_OR_RETURN(content.card, bundle->card());
  if (bundle->has_text_tower()) {
    MIEN_ASSIGN_OR_RETURN(content.tokenizer, bundle->tokenizer_text());
  }
  MIEN_RETURN_IF_ERROR(engine::write_bundle(flags.out, std::move(content), flags.overwrite));
  context.report(fmt::format(
      "{}: {} faces of {} classes, {} words; level {:.3f}, threshold {:.2f}, validated on {} faces",
      flags.out, made.info.faces(), made.info.classes.size(), made.info.words.size(),
      made.info.level, made.info.threshold, made.validated));
  return {};
}

}  // namespace

bool is_reference_export(const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& word) {
    return word == "--reference" || word.starts_with("--reference=");
  });
}

void export_reference(Context& context, std::vector<std::string> words) {
  ReferenceFlags flags;
  CLI::App app("Write a bundle with a reference of faces, for its rule of unknown", "mien export");
  app.add_option("--reference", flags.data, kDataHelp)->required();
  app.add_option("bundle", flags.bundle, "A bundle folder or .tar, or the name of a shipped one")
      ->required();
  app.add_option("out", flags.out, "The new bundle folder")->required();
  app.add_option("--split", flags.split, "Split of the faces that are kept: one that it trained on")
      ->capture_default_str();
  app.add_option("--val-split", flags.val_split, "Split that the rule is fitted on")
      ->capture_default_str();
  app.add_option("--faces", flags.options.faces, "Faces of a class, at most")
      ->check(CLI::Range(2, 5000))
      ->capture_default_str();
  app.add_option("--accept", flags.options.accept,
                 "Share of the validation faces that must not be unknown")
      ->check(CLI::Range(0.5, 1.0))
      ->capture_default_str();
  app.add_option("--seed", flags.options.seed, "Which faces are drawn")->capture_default_str();
  app.add_flag("--overwrite", flags.overwrite, "Replace a bundle that is there");
  flags.options.cancel = &interrupted();
  bool parsed = false;
  app.callback([&parsed] { parsed = true; });
  context.exit_code = run_app(app, std::move(words), context);
  if (!parsed) return;
  const Status status = write_reference(flags, context);
  if (status.ok()) return;
  context.fail(status,
               status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitEnvironment);
}

}  // namespace mien::cli
