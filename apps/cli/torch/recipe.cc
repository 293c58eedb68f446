#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <sstream>

#include "cli/torch/run.h"
#include "core/file.h"
#include "text/recipe.h"

namespace mien::cli {
namespace {

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

// Whether the option in this line can change the result of training.
bool decides(const std::string& line) {
  static constexpr std::array<std::string_view, 5> kSkipped = {
      "train.checkpoint_minutes:", "train.checkpoint_steps:", "train.keep:", "train.log_every:",
      "data.threads:"};
  return std::none_of(kSkipped.begin(), kSkipped.end(),
                      [&](std::string_view key) { return line.starts_with(key); });
}

// The options in the text of to_yaml() that can change the result, by name.
std::map<std::string, std::string> options_of(const std::string& yaml) {
  std::istringstream lines(yaml);
  std::map<std::string, std::string> out;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos || !decides(line)) continue;
    out.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return out;
}

}  // namespace

OptionSet Recipe::set() {
  OptionSet out;
  options->register_options(out);
  out.group("train", train);
  return out;
}

std::string Recipe::to_yaml() { return "method: " + method + "\n" + set().to_yaml(); }

Status Recipe::check_same(const std::string& other) {
  Recipe plain;
  plain.method = method;
  MIEN_ASSIGN_OR_RETURN(plain.options, methods::make_recipe(method));
  const auto there = options_of(other), here = options_of(to_yaml());
  const auto standard = options_of(plain.to_yaml());
  for (const auto& [name, value] : here) {
    const auto found = there.find(name);
    const std::string& expected = found != there.end() ? found->second : standard.at(name);
    if (value != expected) {
      return invalid_argument(fmt::format(
          "holds a run of another recipe: {} is {} there and {} here (expected the same options, "
          "or another folder)",
          name, expected, value));
    }
  }
  for (const auto& [name, value] : there) {
    if (here.count(name) == 0) {
      return invalid_argument(fmt::format(
          "holds a run of another recipe: {} is {} there and not an option here (expected the same "
          "options, or another folder)",
          name, value));
    }
  }
  return {};
}

std::string recipe_identity(const std::string& yaml, int processes) {
  std::istringstream lines(yaml);
  std::string out = fmt::format("processes: {}\n", processes);
  for (std::string line; std::getline(lines, line);) {
    if (decides(line)) out += line + "\n";
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
