// Trains CLIPER for two steps per stage on made-up pictures and writes what went in and came out,
// for tests/parity/run.py:
//   cliper_dump BUNDLE OUT.safetensors full|mean_ce

#include <torch/utils.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "methods/cliper_run.h"
#include "mien/train/optimiser.h"
#include "parity/dump.h"
#include "unit/methods/coloured_clips.h"

namespace mien {
namespace {

constexpr std::int64_t kSteps = 2;

methods::CliperRecipe recipe_of(const char* bundle, const char* loss) {
  methods::CliperRecipe out;
  out.data.train = "faces.csv";
  out.data.unit = "frame";
  out.data.val_split = "";
  out.training.init = bundle;
  out.training.loss = loss;
  out.training.learned = {.per_class = 3, .tokens = 4};
  out.training.batch = 32;
  out.training.augment = {};
  out.training.view = {};
  out.training.cache = false;
  out.training.stage2.lr = 1e-3;  // so that what a step changes is well above rounding
  return out;
}

// Pixels and labels of the samples of a step.
Status add_batch(const methods::CliperMethod& method, const methods::CliperRecipe& recipe,
                 const std::filesystem::path& folder, const methods::StepOutput& output,
                 const std::string& at, Dump& dump) {
  MIEN_ASSIGN_OR_RETURN(const auto data, methods::load_training_data(recipe.data, folder, 1));
  methods::ClipReader reader;
  reader.preprocess = method.towers().bundle().info().preprocess;
  const std::int64_t side = reader.preprocess.output_size();
  const auto count = static_cast<std::int64_t>(output.ids.size());
  torch::Tensor pixels = torch::empty({count, 3, side, side});
  torch::Tensor labels = torch::empty({count}, torch::kInt64);
  for (std::int64_t i = 0; i < count; ++i) {
    for (const data::Sample& sample : data.train->samples) {
      if (sample.id != output.ids[static_cast<std::size_t>(i)]) continue;
      const auto each = static_cast<std::size_t>(3 * side * side);
      MIEN_RETURN_IF_ERROR(
          reader.read(*data.train, sample.frames.front(), {pixels[i].data_ptr<float>(), each}));
      labels[i] = sample.labels.front();
    }
  }
  dump.add(at + "pixels", pixels);
  dump.add(at + "labels", labels);
  return {};
}

void add_state(const methods::CliperMethod& method, const std::string& at, Dump& dump) {
  dump.add(at + "prompts", method.prompts()->vectors());
  for (const auto& [name, tensor] : method.towers().image_tensors()) dump.add(at + name, tensor);
  for (const auto& [name, tensor] : method.towers().text_tensors()) dump.add(at + name, tensor);
}

Status run(const char* bundle, const char* out, const char* loss,
           const std::filesystem::path& folder) {
  methods::write_clips(folder, 16, 4, false);
  const methods::CliperRecipe recipe = recipe_of(bundle, loss);
  methods::MethodContext context;
  context.data = folder;
  MIEN_ASSIGN_OR_RETURN(const auto made, methods::CliperMethod::make(recipe, context));
  auto& method = static_cast<methods::CliperMethod&>(*made);
  Dump dump;
  const auto& ids = method.prompts()->ids();
  dump.add("ids", torch::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), torch::kInt64));
  dump.add("first", torch::full({1}, method.prompts()->first(), torch::kInt64));
  add_state(method, "start/", dump);
  for (int stage = 0; stage < method.stages(); ++stage) {
    train::TrainOptions options;
    options.optimiser = "adamw";
    MIEN_ASSIGN_OR_RETURN(options, train::stage_options(options, method.settings(stage)));
    train::Optimiser optimiser(options, method.begin_stage(stage));
    MIEN_RETURN_IF_ERROR(method.begin_epoch(stage, 0, 0));
    for (std::int64_t step = 0; step < kSteps; ++step) {
      const std::string at = "stage" + std::to_string(stage) + "/step" + std::to_string(step) + "/";
      const auto begin = std::chrono::steady_clock::now();
      MIEN_ASSIGN_OR_RETURN(const methods::StepOutput output, method.step());
      optimiser.zero_grad();
      output.loss.backward();
      optimiser.step(options.lr);
      const std::chrono::duration<double, std::milli> spent =
          std::chrono::steady_clock::now() - begin;
      dump.add(at + "loss", output.loss.reshape({1}));
      dump.add(at + "ms", torch::full({1}, spent.count(), torch::kFloat64));
      MIEN_RETURN_IF_ERROR(add_batch(method, recipe, folder, output, at, dump));
    }
    add_state(method, "after" + std::to_string(stage) + "/", dump);
  }
  return checkpoint::write_safetensors(out, dump.tensors);
}

}  // namespace
}  // namespace mien

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: cliper_dump BUNDLE OUT.safetensors full|mean_ce\n");
    return 2;
  }
  const std::filesystem::path folder = std::string(argv[2]) + ".data";
  const mien::Status status = mien::run(argv[1], argv[2], argv[3], folder);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
