// Trains CLIPER for two steps per stage on made-up pictures and writes what went in and came out,
// for tests/parity/run.py:
//   cliper_dump BUNDLE OUT.safetensors full|mean_ce

#include <cstdio>
#include <filesystem>
#include <string>

#include "methods/cliper/train.h"
#include "parity/training_dump.h"
#include "train/memory.h"
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

void add_state(const methods::CliperMethod& method, const std::string& at, TrainingDump& dump) {
  dump.add(at + "prompts", method.prompts()->vectors());
  dump.add_all(at, method.towers().image_tensors());
  dump.add_all(at, method.towers().text_tensors());
}

Status run(const char* bundle, const char* out, const char* loss,
           const std::filesystem::path& folder) {
  methods::write_clips(folder, 16, 4, false);
  const methods::CliperRecipe recipe = recipe_of(bundle, loss);
  methods::MethodContext context;
  context.data = folder;
  MIEN_ASSIGN_OR_RETURN(const auto made, methods::make_run<methods::CliperMethod>(recipe, context));
  auto& method = *made;
  MIEN_ASSIGN_OR_RETURN(const auto data, methods::load_training_data(recipe.data, folder, 1));
  methods::SequenceReader reader;
  reader.preprocess = method.towers().bundle().info().preprocess;
  TrainingDump dump;
  const auto& ids = method.prompts()->ids();
  dump.add("ids", torch::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), torch::kInt64));
  dump.add("first", torch::full({1}, method.prompts()->first(), torch::kInt64));
  add_state(method, "start/", dump);
  for (int stage = 0; stage < method.stages(); ++stage) {
    train::TrainOptions options;
    options.optimiser = "adamw";
    MIEN_RETURN_IF_ERROR(take_steps(
        method, options, stage, kSteps, "stage" + std::to_string(stage) + "/", dump,
        [&](const methods::StepOutput& output, const std::string& at) -> Status {
          MIEN_ASSIGN_OR_RETURN(const auto pixels, pixels_of(*data.train, reader, output.ids));
          dump.add(at + "pixels", pixels);
          dump.add(at + "labels", labels_of_ids(*data.train, output.ids));
          return {};
        }));
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
  mien::train::keep_freed_memory();  // as mien-train does
  const std::filesystem::path folder = std::string(argv[2]) + ".data";
  const mien::Status status = mien::run(argv[1], argv[2], argv[3], folder);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
