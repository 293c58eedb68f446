#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/parse.h"

namespace {

// Skips destructors: the system frees memory faster all at once. Sanitizers need them to find
// leaks.
int leave(int code) {
#ifndef MIEN_SANITIZED
  std::cout.flush();
  std::fflush(nullptr);
  std::_Exit(code);
#endif
  return code;
}

// `--labels ""` comes from an unset variable in a script; nobody asks for the default that way.
void refuse_empty_values(CLI::App& verb) {
  verb.parse_complete_callback([&verb] {
    for (const CLI::Option* option : verb.get_options()) {
      const auto& values = option->results();
      if (!option->nonpositional() ||
          std::find(values.begin(), values.end(), std::string()) == values.end()) {
        continue;
      }
      throw CLI::ValidationError(option->get_name(), "empty value (expected some text)");
    }
  });
  for (CLI::App* inner : verb.get_subcommands({})) refuse_empty_values(*inner);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace mien::cli;
  Context context;
  context.arguments = spelled_out({argv + 1, argv + argc});
  CLI::App app("mien reads facial expressions in pictures and clips, in your own words.", "mien");
  app.formatter(help_formatter());
  app.footer("\n" + std::string(responsible_use()));
  app.set_version_flag("--version", "mien " MIEN_VERSION);
  app.require_subcommand(1)->fallthrough();
  app.add_option("--threads", context.threads,
                 "Number of threads (default: all processors that this process may use)");
  app.add_option(
      "--isa", context.isa,
      "Highest instruction set to use: generic, avx2 or avx512 (default: the best of this CPU)");
  app.add_option("--color", context.color, "When to use colours")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_flag("-v,--verbose", context.verbose, "Print more on standard error");
  add_predict(app, context);
  add_detect(app, context);
  add_embed(app, context);
  add_eval(app, context);
  add_train(app, context);
  add_export(app, context);
  add_data(app, context);
  add_convert(app, context);
  add_inspect(app, context);
  add_serve(app, context);
  add_doctor(app, context);
  for (CLI::App* verb : app.get_subcommands({})) refuse_empty_values(*verb);
  install_signal_handlers();
  return leave(run_app(app, context.arguments, context));
}
