#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "cli/torch/run.h"
#include "mien/core/file.h"
#include "mien/text/recipe.h"

namespace mien::cli {
namespace {

constexpr std::uint64_t kMaxRecipe = 1 << 20;

Result<int> number_of(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return invalid_argument(fmt::format("{}: is not set", name));
  int value = 0;
  const std::string_view view = text;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size()) {
    return invalid_argument(fmt::format("{}: '{}' (expected a whole number)", name, view));
  }
  return value;
}

}  // namespace

OptionSet Recipe::set() {
  OptionSet out;
  options->register_options(out);
  out.group("train", train);
  return out;
}

std::string Recipe::to_yaml() { return "method: " + method + "\n" + set().to_yaml(); }

std::string Recipe::identity(int processes) {
  static constexpr std::array<std::string_view, 5> kSkipped = {
      "train.checkpoint_minutes:", "train.checkpoint_steps:", "train.keep:", "train.log_every:",
      "data.threads:"};
  std::istringstream lines(to_yaml());
  std::string out = fmt::format("processes: {}\n", processes);
  for (std::string line; std::getline(lines, line);) {
    const bool skipped = std::any_of(kSkipped.begin(), kSkipped.end(),
                                     [&](std::string_view key) { return line.starts_with(key); });
    if (!skipped) out += line + "\n";
  }
  return out;
}

Result<std::unique_ptr<Recipe>> load_recipe(const std::filesystem::path& file,
                                            const std::vector<std::string>& assignments) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(file, kMaxRecipe));
  auto out = std::make_unique<Recipe>();
  MIEN_ASSIGN_OR_RETURN(out->method, text::find_in_recipe(text, file.string(), "method"));
  if (out->method.empty()) {
    return invalid_argument(fmt::format("{}: has no 'method' (expected one of {})", file.string(),
                                        fmt::join(methods::method_names(), ", ")));
  }
  auto options = methods::make_recipe(out->method);
  if (!options.ok()) return options.status().with_prefix(file.string());
  out->options = std::move(options).value();
  OptionSet set = out->set();
  MIEN_RETURN_IF_ERROR(text::read_recipe(text, file.string(), set, "method"));
  for (const std::string& assignment : assignments) MIEN_RETURN_IF_ERROR(set.assign(assignment));
  return out;
}

Result<std::unique_ptr<train::Communicator>> join_from_environment() {
  if (std::getenv("WORLD_SIZE") == nullptr) return std::unique_ptr<train::Communicator>();
  train::ProcessOptions options;
  MIEN_ASSIGN_OR_RETURN(options.world, number_of("WORLD_SIZE"));
  if (options.world == 1) return std::unique_ptr<train::Communicator>();
  MIEN_ASSIGN_OR_RETURN(options.rank, number_of("RANK"));
  MIEN_ASSIGN_OR_RETURN(options.port, number_of("MASTER_PORT"));
  if (const char* address = std::getenv("MASTER_ADDR")) options.address = address;
  return train::join_processes(options);
}

}  // namespace mien::cli
