#include "cli/train_flags.h"

#include <CLI/CLI.hpp>

namespace mien::cli {

void add_train_flags(CLI::App& verb, TrainFlags& flags) {
  verb.footer(
      "A run goes on where it was stopped or killed when the same command is given again. The "
      "best\n"
      "epoch is exported to RUN/bundle. Several processes: torchrun's environment "
      "(docs/reference/training.md).\n"
      "Data of your own: docs/reference/own-data.md.");
  verb.add_option("recipe", flags.recipe, "YAML recipe (recipes/<method>/<data>.yaml)")->required();
  verb.add_option("--data", flags.data, "Folder that the names in the recipe are below")
      ->capture_default_str();
  verb.add_option("-o,--out", flags.out, "Folder of the run (default: runs/<recipe>)");
  verb.add_option("--set", flags.set, "Change an option of the recipe: name=value (repeatable)")
      ->allow_extra_args(false);
  verb.add_flag("--deterministic", flags.deterministic, "Only operators that repeat bit by bit");
  verb.add_flag("--json", flags.json, "JSON lines instead of text (docs/reference/training.md)");
  verb.add_flag("--print-recipe", flags.print, "Print all options as they would be used");
}

void add_export_flags(CLI::App& verb, ExportFlags& flags) {
  verb.add_option("run", flags.run, "Folder of the run")->required();
  verb.add_option("bundle", flags.out, "Bundle folder to write")->required();
  verb.add_option("--data", flags.data, "Data folder (default: that of the run)");
  verb.add_flag("--last", flags.last, "The last checkpoint instead of the best epoch");
  verb.add_flag("--overwrite", flags.overwrite, "Replace an existing bundle");
}

}  // namespace mien::cli
