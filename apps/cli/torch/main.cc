#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/parse.h"
#include "cli/torch/run.h"
#include "train/memory.h"

// The verbs that need LibTorch, as a program of their own: `mien train` starts it.
int main(int argc, char** argv) {
  using namespace mien::cli;
  mien::train::keep_freed_memory();
  Context context;
  CLI::App app("mien-train trains expression models; `mien train` and `mien export` start it.",
               "mien");
  app.footer("\n" + std::string(responsible_use()));
  app.set_version_flag("--version", "mien " MIEN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--threads", context.threads, "Threads to use (0: all cores)");
  app.add_option("--isa", context.isa, "At most this instruction set: generic, avx2, avx512");
  app.add_flag("-v,--verbose", context.verbose, "Tell more on standard error");
  add_train(app, context);
  add_export(app, context);
  install_signal_handlers();
  return run_app(app, spelled_out({argv + 1, argv + argc}), context);
}
