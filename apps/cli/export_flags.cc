#include "cli/export_flags.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <utility>

#include "cli/help.h"

namespace mien::cli {
namespace {

void add_precision_options(CLI::App& verb, ExportFlags& flags) {
  begin_group(verb, "Another precision");
  CLI::Option* precision =
      verb.add_option("--precision", flags.precision,
                      "Write SOURCE with weights of this type: fp32, bf16 or int8")
          ->type_name("TYPE");
  verb.add_option("--check", flags.check,
                  "Measure the rounding on these pictures of faces, or folders of them (default: "
                  "made-up pictures)")
      ->type_name("PATH")
      ->needs(precision);
  verb.add_flag("--force", flags.force, "Write the bundle even if it is too far from fp32")
      ->needs(precision);
}

void add_reference_options(CLI::App& verb, ExportFlags& flags) {
  begin_group(verb, "A reference of faces, for a rule of 'unknown' that fits any labels");
  CLI::Option* reference =
      verb.add_option(
              "--reference", flags.reference,
              "Write SOURCE with a reference made from this labelled data: a manifest (CSV) "
              "or NAME:FOLDER (docs/reference/data.md)")
          ->type_name("DATA")
          ->excludes(verb.get_option("--precision"));
  verb.add_option("--split", flags.split, "Split to take the faces from: one used in training")
      ->capture_default_str()
      ->needs(reference);
  verb.add_option("--val-split", flags.val_split, "Split to fit the rule on")
      ->capture_default_str()
      ->needs(reference);
  verb.add_option("--faces", flags.faces, "Maximum number of faces per class")
      ->check(CLI::Range(2, 5000))
      ->capture_default_str()
      ->needs(reference);
  verb.add_option("--accept", flags.accept,
                  "Share of the validation faces that must not be unknown (0.5 to 1)")
      ->check(CLI::Range(0.5, 1.0))
      ->capture_default_str()
      ->needs(reference);
  verb.add_option("--seed", flags.seed, "Seed for the choice of faces")
      ->capture_default_str()
      ->needs(reference);
}

void add_run_options(CLI::App& verb, ExportFlags& flags) {
  begin_group(verb, "Training run");
  for (CLI::Option* option :
       {verb.add_option("--data", flags.data, "Data folder (default: the one of the run)")
            ->type_name("FOLDER"),
        verb.add_flag("--last", flags.last,
                      "Take the last checkpoint instead of the best epoch")}) {
    option->excludes(verb.get_option("--precision"))->excludes(verb.get_option("--reference"));
  }
}

}  // namespace

void add_export_verb(CLI::App& app, std::function<void(const ExportFlags&)> run) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* verb = app.add_subcommand(
      "export",
      "Write the bundle of a training run, or a bundle with another precision or a reference");
  verb->add_option("-b,--bundle,source", flags->source,
                   "Folder of a training run; with --precision or --reference a bundle: folder, "
                   ".tar or name of a shipped one")
      ->required()
      ->type_name("SOURCE");
  verb->add_option("out", flags->out, "Bundle folder to write")->required()->type_name("");
  verb->add_flag("--overwrite", flags->overwrite, "Replace an existing bundle");
  add_precision_options(*verb, *flags);
  add_reference_options(*verb, *flags);
  add_run_options(*verb, *flags);
  verb->callback([flags, run = std::move(run)] { run(*flags); });
}

}  // namespace mien::cli
