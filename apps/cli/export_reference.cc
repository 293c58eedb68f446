// `mien export --reference DATA BUNDLE OUT`: the same bundle with a reference of faces, from which
// it makes a rule of 'unknown' for any labels.
#include "cli/export_reference.h"

#include <fmt/format.h>

#include "cli/datasets.h"
#include "cli/options.h"
#include "cli/run_files.h"
#include "eval/reference.h"

namespace mien::cli {
namespace {

Status write_reference(const ExportFlags& flags, Context& context) {
  MIEN_RETURN_IF_ERROR(context.apply());
  if (flags.split == flags.val_split) {
    return invalid_argument(fmt::format(
        "--val-split: same as --split (expected other faces than those of '{}')", flags.split));
  }
  MIEN_ASSIGN_OR_RETURN(const auto path, find_model(flags.source));
  MIEN_RETURN_IF_ERROR(
      check_bundle_output({path.string(), flags.reference}, flags.out, flags.overwrite));
  MIEN_ASSIGN_OR_RETURN(const auto bundle,
                        engine::Bundle::load(path, {.precision = engine::PrecisionChoice::kF32,
                                                    .many_pictures = true}));
  DatasetFlags data;
  data.split = flags.split;
  MIEN_ASSIGN_OR_RETURN(const data::Manifest train, load_data(flags.reference, data));
  data.split = flags.val_split;
  MIEN_ASSIGN_OR_RETURN(const data::Manifest val, load_data(flags.reference, data));
  if (train.classes != val.classes) {
    return invalid_argument(
        fmt::format("{}: splits '{}' and '{}' have different classes (expected the same)",
                    flags.reference, flags.split, flags.val_split));
  }
  MIEN_ASSIGN_OR_RETURN(const eval::MadeReference made,
                        eval::make_reference(bundle, train, val,
                                             {.faces = flags.faces,
                                              .accept = flags.accept,
                                              .seed = flags.seed,
                                              .cancel = &interrupted()}));
  engine::BundleContent content;
  content.info = bundle->info();
  content.info.reference = made.info;
  Json note = Json::object();
  note.set("data", train.name);
  note.set("split", flags.split);
  note.set("validated_on", flags.val_split);
  note.set("samples", made.validated);
  note.set("accept", flags.accept);
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

void export_reference(Context& context, const ExportFlags& flags) {
  const Status status = write_reference(flags, context);
  if (status.ok()) return;
  context.fail(status,
               status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitEnvironment);
}

}  // namespace mien::cli
