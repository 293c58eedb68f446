#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "mien/core/options.h"
#include "mien/methods/registry.h"
#include "mien/train/options.h"
#include "train/communicator.h"

namespace mien::cli {

/// Bytes of a recipe file at most.
inline constexpr std::uint64_t kMaxRecipe = 1 << 20;

/// A recipe with everything that it leaves open filled in.
struct Recipe {
  std::string method;
  std::unique_ptr<methods::MethodRecipe> options;
  train::TrainOptions train;

  /// All options; borrows this recipe.
  OptionSet set();
  /// As a file that reads back.
  std::string to_yaml();
  /// Whether a run whose recipe.yaml is `other` is a run of this recipe. Options that only concern
  /// logs, checkpoints and threads do not count, nor do those that the program of that run did not
  /// have yet, as long as they are at their defaults here. Errors: kInvalidArgument naming the
  /// first option that differs.
  Status check_same(const std::string& other);
};

/// What decides the result of a recipe as to_yaml() writes it: what the trainer compares.
std::string recipe_identity(const std::string& yaml, int processes);

/// Reads a recipe file and the assignments of --set. Errors: those of the file and the options.
Result<std::unique_ptr<Recipe>> load_recipe(const std::filesystem::path& file,
                                            const std::vector<std::string>& assignments);

/// The processes of torchrun's environment (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT); nullptr
/// when there is one. Errors: kInvalidArgument, kIo.
Result<std::unique_ptr<train::Communicator>> join_from_environment();

}  // namespace mien::cli
