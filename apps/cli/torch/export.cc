#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/export_flags.h"
#include "cli/torch/run.h"
#include "core/file.h"
#include "core/sha256.h"
#include "mien/train/trainer.h"

namespace mien::cli {
namespace {

Status export_run(const ExportFlags& verb, Context& context) {
  const std::filesystem::path folder = verb.source;
  MIEN_ASSIGN_OR_RETURN(const auto recipe, load_recipe(folder / "recipe.yaml", {}));
  std::string data = verb.data;
  if (data.empty()) {
    MIEN_ASSIGN_OR_RETURN(data, read_text_file(folder / "data.txt", 1 << 16));
    while (!data.empty() && data.back() == '\n') data.pop_back();
  }
  methods::MethodContext method_context;
  method_context.data = data;
  method_context.cache = folder / "cache";
  method_context.seed = recipe->train.seed;
  method_context.log = context.log();
  method_context.cancel = &interrupted();
  const std::string yaml = recipe->to_yaml();
  method_context.provenance.set("recipe", recipe->set().to_json());
  method_context.provenance.set("recipe_sha256", sha256_hex(std::as_bytes(std::span(yaml))));
  MIEN_ASSIGN_OR_RETURN(const auto method, recipe->options->make(method_context));
  MIEN_RETURN_IF_ERROR(train::restore(*method, folder, !verb.last).status());
  return method->export_bundle(verb.out, verb.overwrite);
}

}  // namespace

void add_export(CLI::App& app, Context& context) {
  add_export_verb(app, [&context](const ExportFlags& flags) {
    Status status = context.apply();
    if (status.ok() && (!flags.precision.empty() || !flags.reference.empty())) {
      status = invalid_argument("export: a bundle is exported by `mien` (expected a training run)");
    }
    if (!status.ok()) return context.fail(status, kExitUsage);
    status = export_run(flags, context);
    if (!status.ok()) return context.fail(status, kExitEnvironment);
    fmt::print("bundle: {}\n", flags.out);
  });
}

}  // namespace mien::cli
