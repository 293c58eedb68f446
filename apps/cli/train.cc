#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/cli.h"
#include "cli/export_bundle.h"
#include "cli/export_reference.h"

namespace mien::cli {
namespace {

// LibTorch costs half a second at start-up, so training is a program of its own beside this one,
// which gets the same arguments.
void start_training(Context& context) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string program = (self.parent_path() / "mien-train").string();
  std::vector<std::string> words = {program};
  words.insert(words.end(), context.arguments.begin(), context.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  context.fail(unsupported(fmt::format("{}: cannot be started: {} (training needs a build with "
                                       "LibTorch: docs/training.md)",
                                       program, std::strerror(errno))),
               kExitEnvironment);
}

void add_started(CLI::App& app, Context& context, const std::string& name,
                 const std::string& what) {
  CLI::App* verb = app.add_subcommand(name, what);
  verb->prefix_command();
  verb->fallthrough(false);
  verb->set_help_flag();
  verb->callback([&context] { start_training(context); });
}

}  // namespace

void add_train(CLI::App& app, Context& context) {
  add_started(app, context, "train", "Train a method by a recipe");
  CLI::App* verb = app.add_subcommand(
      "export",
      "Write the bundle of a training run, with --precision one with weights of "
      "another type, or with --reference one with a rule of unknown for any labels");
  verb->prefix_command();
  verb->fallthrough(false);
  verb->set_help_flag();
  verb->callback([&context, verb] {
    const std::vector<std::string> words = verb->remaining();
    if (is_reference_export(words)) return export_reference(context, words);
    if (is_bundle_export(words)) return export_bundle(context, words);
    const bool help = std::any_of(words.begin(), words.end(), [](const std::string& word) {
      return word == "--help" || word == "-h";
    });
    if (help) {  // of both kinds; that of runs is mien-train's
      export_bundle(context, {"--help"});
      fmt::print("\n");
      export_reference(context, {"--help"});
      fmt::print("\n");
      std::fflush(stdout);
    }
    start_training(context);
  });
}

}  // namespace mien::cli
