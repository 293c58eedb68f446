#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/cli.h"
#include "cli/export_bundle.h"
#include "cli/export_reference.h"
#include "cli/parse.h"
#include "cli/train_flags.h"

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
                                       "LibTorch: docs/reference/training.md)",
                                       program, std::strerror(errno))),
               kExitEnvironment);
}

// A verb that takes whatever follows it.
CLI::App* add_started(CLI::App& app, const std::string& name, const std::string& what) {
  CLI::App* verb = app.add_subcommand(name, what);
  verb->prefix_command();
  verb->fallthrough(false);
  verb->set_help_flag();
  return verb;
}

// Help needs no LibTorch: the options are known here, too.
template <class Flags>
void print_help(const char* what, const char* name, void (*add)(CLI::App&, Flags&)) {
  CLI::App app(what, name);
  Flags flags;
  add(app, flags);
  fmt::print("{}", app.help());
}

}  // namespace

void add_train(CLI::App& app, Context& context) {
  const CLI::App* train = add_started(app, "train", kTrainVerb);
  app.get_subcommand("train")->callback([&context, train] {
    if (!asks_for_help(train->remaining())) return start_training(context);
    print_help<TrainFlags>(kTrainVerb, "mien train", add_train_flags);
  });
  CLI::App* verb =
      add_started(app, "export",
                  "Write the bundle of a training run, with --precision one with weights "
                  "of another type, or with --reference one with a rule of unknown for "
                  "any labels");
  verb->callback([&context, verb] {
    const std::vector<std::string> words = verb->remaining();
    if (is_reference_export(words)) return export_reference(context, words);
    if (is_bundle_export(words)) return export_bundle(context, words);
    if (!asks_for_help(words)) return start_training(context);
    export_bundle(context, {"--help"});
    fmt::print("\n");
    export_reference(context, {"--help"});
    fmt::print("\n");
    print_help<ExportFlags>(kExportVerb, "mien export", add_export_flags);
  });
}

}  // namespace mien::cli
