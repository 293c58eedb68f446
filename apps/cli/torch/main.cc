#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/help.h"
#include "cli/parse.h"
#include "cli/torch/run.h"
#include "train/memory.h"

// The verbs that need LibTorch, in a separate program that `mien train` starts.
int main(int argc, char** argv) {
  using namespace mien::cli;
  mien::train::keep_freed_memory();
  Context context;
  CLI::App app(
      "mien-train trains expression models. It is started by `mien train` and `mien export`.",
      "mien");
  app.formatter(help_formatter());
  app.footer("\n" + std::string(responsible_use()));
  app.set_version_flag("--version", "mien " MIEN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--threads", context.threads, "Number of threads (default: all cores)");
  app.add_option(
      "--isa", context.isa,
      "Highest instruction set to use: generic, avx2 or avx512 (default: the best of this CPU)");
  app.add_flag("-v,--verbose", context.verbose, "Print more on standard error");
  add_train(app, context);
  add_export(app, context);
  install_signal_handlers();
  return run_app(app, spelled_out({argv + 1, argv + argc}), context);
}
