#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/cli.h"
#include "cli/export_bundle.h"
#include "cli/export_flags.h"
#include "cli/export_reference.h"
#include "cli/train_flags.h"

namespace mien::cli {
namespace {

// LibTorch takes half a second to start, so training is a separate program beside this one. It gets
// the same arguments and parses them again; parsing here first gives help and usage errors without
// it.
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

}  // namespace

void add_train(CLI::App& app, Context& context) {
  auto flags = std::make_shared<TrainFlags>();
  add_train_verb(app, *flags)->callback([&context, flags] { start_training(context); });
}

void add_export(CLI::App& app, Context& context) {
  add_export_verb(app, [&context](const ExportFlags& flags) {
    if (!flags.precision.empty()) return export_bundle(context, flags);
    if (!flags.reference.empty()) return export_reference(context, flags);
    start_training(context);
  });
}

}  // namespace mien::cli
