#include "mien/train/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "checkpoint/safetensors.h"
#include "mien/core/json.h"
#include "nn/load.h"

namespace mien::train {
namespace {

constexpr const char* kKey = "mien.run";
constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::string_view kSuffix = ".safetensors";

std::string to_text(const RunState& state) {
  Json out = Json::object();
  out.set("stage", state.stage);
  out.set("epoch", state.epoch);
  out.set("step", state.step);
  out.set("global_step", state.global_step);
  out.set("done", state.done);
  out.set("best", state.best);
  out.set("validated", state.validated);
  out.set("best_epoch", state.best_epoch);
  out.set("worse_epochs", state.worse_epochs);
  out.set("recipe", state.recipe);
  out.set("seconds", state.seconds);
  return out.dump();
}

Result<RunState> parse_state(std::string_view text, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  RunState out;
  const auto whole = [&](std::string_view key, auto& field) -> Status {
    MIEN_ASSIGN_OR_RETURN(const std::int64_t value, json_integer(json, key, subject));
    if (value < -1 || value > 1'000'000'000'000) {
      return corrupt(fmt::format("{}: '{}' is {}", subject, key, value));
    }
    field = static_cast<std::remove_reference_t<decltype(field)>>(value);
    return {};
  };
  MIEN_RETURN_IF_ERROR(whole("stage", out.stage));
  MIEN_RETURN_IF_ERROR(whole("epoch", out.epoch));
  MIEN_RETURN_IF_ERROR(whole("step", out.step));
  MIEN_RETURN_IF_ERROR(whole("global_step", out.global_step));
  MIEN_RETURN_IF_ERROR(whole("best_epoch", out.best_epoch));
  MIEN_RETURN_IF_ERROR(whole("worse_epochs", out.worse_epochs));
  MIEN_ASSIGN_OR_RETURN(out.done, json_bool(json, "done", subject));
  MIEN_ASSIGN_OR_RETURN(out.best, json_number(json, "best", subject));
  if (json.find("validated") != nullptr) {  // older checkpoints do not have it
    MIEN_ASSIGN_OR_RETURN(out.validated, json_bool(json, "validated", subject));
  }
  MIEN_ASSIGN_OR_RETURN(out.recipe, json_string(json, "recipe", subject));
  MIEN_ASSIGN_OR_RETURN(out.seconds, json_number(json, "seconds", subject));
  return out;
}

// Oldest first: the numbers are padded.
Result<std::vector<std::filesystem::path>> checkpoints(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  if (!std::filesystem::exists(folder, error) && !error) return out;
  std::filesystem::directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) out.push_back(it->path());
  }
  // Must not be treated as empty: a new run would then overwrite the old one.
  if (error) {
    return io_error(fmt::format("{}: cannot be listed ({})", folder.string(), error.message()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Status save_run_as(const std::filesystem::path& path, const RunState& state,
                   const methods::NamedTorchTensors& tensors) {
  checkpoint::NamedTensors views;
  std::vector<torch::Tensor> owned;  // keeps contiguous copies alive until the file is written
  for (const auto& [name, tensor] : tensors) {
    owned.push_back(tensor.detach().contiguous());
    views.emplace_back(name, nn::as_view(owned.back()));
  }
  return checkpoint::write_safetensors(path, views, {{kKey, to_text(state)}})
      .with_prefix("checkpoint (earlier ones are kept)");
}

Status save_run(const std::filesystem::path& folder, const RunState& state,
                const methods::NamedTorchTensors& tensors, int keep) {
  const auto path = folder / fmt::format("{}{:012}{}", kPrefix, state.global_step, kSuffix);
  MIEN_RETURN_IF_ERROR(save_run_as(path, state, tensors));
  MIEN_ASSIGN_OR_RETURN(const auto files, checkpoints(folder));
  const auto surplus = static_cast<std::ptrdiff_t>(files.size()) - std::max(1, keep);
  for (std::ptrdiff_t i = 0; i < surplus; ++i) {
    std::error_code ignored;  // a file that cannot be removed is harmless
    std::filesystem::remove(files[static_cast<std::size_t>(i)], ignored);
  }
  return {};
}

Result<SavedRun> load_run(const std::filesystem::path& path) {
  SavedRun out;
  MIEN_ASSIGN_OR_RETURN(out.tensors, checkpoint::open_safetensors(path));
  const auto& metadata = out.tensors->metadata();
  const auto found = metadata.find(kKey);
  if (found == metadata.end()) {
    return corrupt(path.string() + ": not a checkpoint of a training run");
  }
  MIEN_ASSIGN_OR_RETURN(out.state, parse_state(found->second, path.string()));
  return out;
}

Result<std::optional<SavedRun>> find_last_run(const std::filesystem::path& folder,
                                              std::vector<std::string>& skipped) {
  MIEN_ASSIGN_OR_RETURN(const auto files, checkpoints(folder));
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    auto run = load_run(*file);
    if (run.ok()) return std::optional<SavedRun>(std::move(run).value());
    skipped.push_back(run.status().message());
  }
  return std::optional<SavedRun>();
}

void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    // Only names that a killed run leaves behind: "checkpoint-1.safetensors.part-ABCDEF".
    const std::string name = entry.path().filename().string();
    const std::size_t mark = name.rfind(".part-");
    if (mark != std::string::npos && mark + 12 == name.size()) found.push_back(entry.path());
  }
  for (const auto& path : found) std::filesystem::remove_all(path, error);
}

Status restore_model(const SavedRun& run, methods::Method& method) {
  const at::NoGradGuard no_grad;
  return nn::load_by_name(method.state(), *run.tensors, {.prefix = "model/", .strict = true});
}

}  // namespace mien::train
