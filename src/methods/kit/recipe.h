#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "methods/kit/sample_method.h"
#include "methods/kit/training_data.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// The options of most methods in a recipe: data.* and the method's own group.
template <class Training>
struct RecipeOptions {
  DataOptions data = {};
  Training training = {};

  void register_options(OptionSet& set) {
    set.group("data", data);
    set.group(Training::kGroup, training);
  }
  /// Errors: kInvalidArgument naming the option.
  Status validate() const { return training.validate(); }
};

/// A run that stops its reading threads before anything they use is destroyed. Only the destructor
/// of the most derived class runs early enough: when that of SampleMethod runs, the members of the
/// method, which make_item reads, are gone.
template <class Run>
class StoppingRun final : public Run {
 public:
  template <class Options>
  StoppingRun(const Options& options, const MethodContext& context) : Run(options, context) {}
  StoppingRun(const StoppingRun&) = delete;
  StoppingRun& operator=(const StoppingRun&) = delete;
  ~StoppingRun() override {
    if constexpr (std::is_base_of_v<SampleMethod, Run>) this->stop_reading();
  }
};

/// A method that is ready to train. Errors: those of options.validate() and Run::prepare().
template <class Run, class Options>
Result<std::unique_ptr<Run>> make_run(const Options& options, const MethodContext& context) {
  MIEN_RETURN_IF_ERROR(options.validate());
  std::unique_ptr<Run> run = std::make_unique<StoppingRun<Run>>(options, context);
  MIEN_RETURN_IF_ERROR(run->prepare());
  return run;
}

/// What a row of the registry returns: the options of a method, and make_run with them.
template <class Run, class Options>
class RecipeOf final : public MethodRecipe {
 public:
  void register_options(OptionSet& set) override { options_.register_options(set); }
  Result<std::unique_ptr<Method>> make(const MethodContext& context) const override {
    MIEN_ASSIGN_OR_RETURN(std::unique_ptr<Run> run, make_run<Run>(options_, context));
    return std::unique_ptr<Method>(std::move(run));
  }

 private:
  Options options_;
};

}  // namespace mien::methods
