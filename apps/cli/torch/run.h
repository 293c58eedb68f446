#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "mien/core/options.h"
#include "mien/methods/registry.h"
#include "mien/train/communicator.h"
#include "mien/train/options.h"

namespace mien::cli {

/// A recipe with everything that it leaves open filled in.
struct Recipe {
  std::string method;
  std::unique_ptr<methods::MethodRecipe> options;
  train::TrainOptions train;

  /// All options; borrows this recipe.
  OptionSet set();
  /// As a file that reads back.
  std::string to_yaml();
  /// What decides the result: the same without what only concerns logs, checkpoints and threads.
  std::string identity(int processes);
};

/// Reads a recipe file and the assignments of --set. Errors: those of the file and the options.
Result<std::unique_ptr<Recipe>> load_recipe(const std::filesystem::path& file,
                                            const std::vector<std::string>& assignments);

/// The processes of torchrun's environment (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT); nullptr
/// when there is one. Errors: kInvalidArgument, kIo.
Result<std::unique_ptr<train::Communicator>> join_from_environment();

}  // namespace mien::cli
