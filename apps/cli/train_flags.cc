#include "cli/train_flags.h"

#include <CLI/CLI.hpp>

#include "cli/help.h"

namespace mien::cli {

CLI::App* add_train_verb(CLI::App& app, TrainFlags& flags) {
  CLI::App* verb = app.add_subcommand("train", "Train a method by a recipe");
  verb->footer(
      "\nA run that was stopped or killed continues when the same command is given again. The "
      "best\n"
      "epoch is exported to RUN/bundle. Several processes: the environment of torchrun\n"
      "(docs/reference/training.md). Your own data: docs/reference/own-data.md.");
  begin_group(*verb, "Recipe");
  verb->add_option("recipe", flags.recipe, "YAML recipe (recipes/<method>/<data>.yaml)")
      ->required()
      ->type_name("");
  verb->add_option("--set", flags.set, "Change an option of the recipe (repeatable)")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  verb->add_flag("--deterministic", flags.deterministic,
                 "Use only operators whose results repeat bit by bit");
  verb->add_flag("--print-recipe", flags.print, "Print all options that would be used, and stop");
  begin_group(*verb, "Data");
  verb->add_option("--data", flags.data, "Folder to which file names in the recipe are relative")
      ->type_name("FOLDER")
      ->capture_default_str();
  begin_group(*verb, "Output");
  verb->add_option("-o,--output,--out", flags.out, "Folder of the run (default: runs/<recipe>)")
      ->type_name("FOLDER");
  verb->add_flag("--json", flags.json,
                 "Print JSON lines instead of text (docs/reference/training.md)");
  return verb;
}

}  // namespace mien::cli
