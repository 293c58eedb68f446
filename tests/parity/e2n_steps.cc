// Takes training steps of E2N-FER on made-up pictures and writes everything that
// scripts/e2n_reference.py needs to take the same ones: e2n_steps swin|residual FOLDER

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "checkpoint/safetensors.h"
#include "core/file.h"
#include "engine/tiny_bundle.h"
#include "methods/e2n/train.h"
#include "mien/core/json.h"
#include "mien/core/rng.h"
#include "mien/engine/bundle.h"
#include "mien/train/trainer.h"
#include "nn/load.h"
#include "text/tokenizer.h"
#include "train/optimiser.h"

namespace mien {
namespace {

namespace fs = std::filesystem;
constexpr int kSide = 24, kPictures = 32, kSteps = 3;
const char* const kClasses[] = {"angry", "happy", "neutral", "sad"};

void write_pictures(const fs::path& folder) {
  std::ofstream csv(folder / "set.csv");
  csv << "path,label,subject,sequence,split\n";
  Rng rng(5);
  for (int i = 0; i < kPictures; ++i) {
    const std::string name = fmt::format("p{}.ppm", i);
    std::ofstream out(folder / name, std::ios::binary);
    out << "P6 " << kSide << ' ' << kSide << " 255\n";
    const bool grey = i % 2 == 0;
    for (int p = 0; p < kSide * kSide; ++p) {
      char values[3];
      for (char& value : values) value = static_cast<char>(rng.below(256));
      if (grey) values[1] = values[2] = values[0];
      out.write(values, 3);
    }
    csv << name << ',' << kClasses[i % 4] << ",,,train\n";
  }
}

methods::E2nRecipe recipe_of(const std::string& encoder, int embed) {
  methods::E2nRecipe out;
  out.data.train = "set.csv";
  out.data.val_split = {};
  out.model.encoder = encoder;
  out.model.image_size = kSide;
  out.model.teacher = "teacher";
  out.model.hidden = 16;
  out.model.swin = {
      .patch = 2, .width = 16, .depths = {2, 2}, .heads = {1, 2}, .window = 3, .drop_path = 0};
  out.model.residual = {.channels = 1,
                        .stem_kernel = 3,
                        .stem_stride = 1,
                        .stem_width = 16,
                        .stem_pool = false,
                        .first_stride = 2,
                        .widths = {16, embed},
                        .blocks = {2, 1}};
  out.training.batch = 8;
  out.training.augment = {.pad = 0, .shift = 0, .flip = 0, .erase = 0};
  out.training.lc = encoder == "swin" ? "pairwise" : "diagonal";
  return out;
}

Json list_of(const std::vector<int>& values) {
  Json out = Json::array();
  for (const int value : values) out.push_back(value);
  return out;
}

Json facts_of(const methods::E2nRecipe& recipe, const engine::Bundle& teacher, double lr) {
  Json sizes = Json::object();
  sizes.set("patch", recipe.model.swin.patch);
  sizes.set("width", recipe.model.swin.width);
  sizes.set("depths", list_of(recipe.model.swin.depths));
  sizes.set("heads", list_of(recipe.model.swin.heads));
  sizes.set("window", recipe.model.swin.window);
  sizes.set("stem_width", recipe.model.residual.stem_width);
  sizes.set("widths", list_of(recipe.model.residual.widths));
  sizes.set("blocks", list_of(recipe.model.residual.blocks));
  Json out = Json::object();
  out.set("encoder", recipe.model.encoder);
  out.set("side", kSide);
  out.set("embed", teacher.info().architecture.embed);
  out.set("hidden", recipe.model.hidden);
  out.set("sizes", std::move(sizes));
  out.set("scale", teacher.info().logit_scale);
  out.set("neutral", 2);
  out.set("pairwise", recipe.training.lc == "pairwise");
  out.set("lr", lr);
  return out;
}

Status write_tensors(const fs::path& path, const methods::NamedTorchTensors& tensors) {
  methods::NamedTorchTensors owned;
  for (const auto& [name, tensor] : tensors) {
    owned.emplace_back(name, tensor.detach().contiguous());
  }
  checkpoint::NamedTensors views;
  for (const auto& [name, tensor] : owned) views.emplace_back(name, nn::as_view(tensor));
  return checkpoint::write_safetensors(path, views);
}

// The raw features of the classes' sentences, from the public parts of the engine.
Result<torch::Tensor> texts_of(const engine::Bundle& teacher, const std::string& pattern) {
  MIEN_ASSIGN_OR_RETURN(const auto encoder, teacher.text_encoder());
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, teacher.tokenizer());
  std::vector<std::vector<std::int32_t>> rows;
  for (const char* name : kClasses) {
    MIEN_ASSIGN_OR_RETURN(
        rows.emplace_back(),
        tokenizer->encode_padded(methods::e2n_prompt(pattern, name), encoder->context()));
  }
  torch::Tensor out = torch::empty({4, encoder->embed()});
  engine::Session session;
  MIEN_RETURN_IF_ERROR(encoder->encode(rows, out.data_ptr<float>(), session));
  return out;
}

Status run(const std::string& encoder, const fs::path& folder) {
  train::set_threads(1);
  write_pictures(folder);
  MIEN_RETURN_IF_ERROR(engine::write_tiny_bundle(folder / "teacher", {}));
  MIEN_ASSIGN_OR_RETURN(const auto teacher, engine::Bundle::load(folder / "teacher"));
  const methods::E2nRecipe recipe = recipe_of(encoder, teacher->info().architecture.embed);
  methods::MethodContext context;
  context.data = folder;
  MIEN_ASSIGN_OR_RETURN(const auto method, methods::make_run<methods::E2nMethod>(recipe, context));
  train::TrainOptions options;
  options.lr = 0.02;
  options.weight_decay = 5e-4;
  train::Optimiser optimiser(options, method->begin_stage(0));
  methods::NamedTorchTensors before = method->state();
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor texts, texts_of(*teacher, recipe.training.prompt));
  before.emplace_back("texts", texts);
  MIEN_RETURN_IF_ERROR(write_tensors(folder / "before.safetensors", before));
  MIEN_RETURN_IF_ERROR(method->begin_epoch(0, 0, 0));
  Json facts = facts_of(recipe, *teacher, options.lr);
  Json steps = Json::array();
  for (int s = 0; s < kSteps; ++s) {
    MIEN_ASSIGN_OR_RETURN(const auto output, method->step());
    optimiser.zero_grad();
    output.loss.backward();
    optimiser.step(options.lr);
    Json ids = Json::array(), labels = Json::array();
    for (const std::string& id : output.ids) {
      ids.push_back(id);
      labels.push_back(std::stoi(id.substr(1)) % 4);
    }
    Json step = Json::object();
    step.set("ids", std::move(ids));
    step.set("labels", std::move(labels));
    step.set("loss", output.loss.item<double>());
    steps.push_back(std::move(step));
  }
  facts.set("steps", std::move(steps));
  MIEN_RETURN_IF_ERROR(write_file_atomically(folder / "facts.json", facts.dump()));
  return write_tensors(folder / "after.safetensors", method->state());
}

}  // namespace
}  // namespace mien

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: e2n_steps swin|residual FOLDER\n", stderr);
    return 2;
  }
  const mien::Status status = mien::run(argv[1], argv[2]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
