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

/// Maximum size of a recipe file, in bytes.
inline constexpr std::uint64_t kMaxRecipe = 1 << 20;

/// A recipe with defaults for everything that it leaves out.
struct Recipe {
  std::string method;
  std::unique_ptr<methods::MethodRecipe> options;
  train::TrainOptions train;

  /// All options; borrows this recipe.
  OptionSet set();
  /// The text of a recipe file that reads back as this recipe.
  std::string to_yaml();
  /// Checks that a run whose recipe.yaml is `other` can continue with this recipe. Ignores options
  /// for logs, checkpoints and threads, and options that are missing in `other` (made by an older
  /// version) as long as they have their defaults here. Errors: kInvalidArgument naming the first
  /// option that differs.
  Status check_same(const std::string& other);
};

/// The lines of to_yaml() that can change the result, and the number of processes: what the
/// trainer compares when it resumes.
std::string recipe_identity(const std::string& yaml, int processes);

/// Reads a recipe file and the assignments of --set. Errors: those of the file and the options.
Result<std::unique_ptr<Recipe>> load_recipe(const std::filesystem::path& file,
                                            const std::vector<std::string>& assignments);

/// Joins the processes of torchrun's environment (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT);
/// nullptr for a single process. Errors: kInvalidArgument, kIo.
Result<std::unique_ptr<train::Communicator>> join_from_environment();

}  // namespace mien::cli
