#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/log.h"
#include "mien/core/options.h"
#include "mien/loss/contrastive.h"
#include "mien/methods/method.h"

namespace mien::methods {

/// What a method needs from outside its recipe.
struct MethodContext {
  std::filesystem::path data;   ///< folder that paths of a recipe are relative to
  std::filesystem::path cache;  ///< folder for embeddings of frozen towers
  std::uint64_t seed = 1;
  loss::Gather processes = {};       ///< this process, and how it gathers from the others
  Json provenance = Json::object();  ///< goes into the bundle
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(std::string_view what, std::int64_t done, std::int64_t total)> progress = {};
  LogSink log = {};

  /// Reports the progress of a validation, in samples. Errors: kCancelled when the run was
  /// cancelled.
  Status validating(std::int64_t done, std::int64_t total) const;
};

/// The options of a method, and what makes the method from them.
class MethodRecipe {
 public:
  virtual ~MethodRecipe() = default;
  /// Registers every option; `set` borrows the fields of this recipe.
  virtual void register_options(OptionSet& set) = 0;
  /// Makes the method, with data and weights loaded. Errors: those of the options, the data and the
  /// weights.
  virtual Result<std::unique_ptr<Method>> make(const MethodContext& context) const = 0;
};

/// The names that make_recipe accepts.
std::vector<std::string_view> method_names();
/// A recipe with default options. Errors: kNotFound naming the known methods.
Result<std::unique_ptr<MethodRecipe>> make_recipe(std::string_view method);

}  // namespace mien::methods
