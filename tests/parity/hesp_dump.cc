// Trains HESP for two steps on random clips and writes what went in and came out, for
// tests/parity/run.py:
//   hesp_dump BUNDLE OUT.safetensors learned|decay [CLIPS FRAMES]

#include <cstdio>
#include <cstdlib>
#include <string>

#include "methods/hesp/model.h"
#include "parity/training_dump.h"
#include "train/memory.h"

namespace mien {
namespace {

constexpr std::int64_t kSteps = 2;
const std::vector<std::string> kNames = {"Happy", "Sad", "Disappointment"};

Result<torch::Tensor> ids_of(const methods::Towers& towers, const std::string& text) {
  MIEN_ASSIGN_OR_RETURN(auto bare, towers.tokenizer().encode(text));
  MIEN_ASSIGN_OR_RETURN(const auto ids, towers.framed(std::move(bare), text));
  return torch::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), torch::kInt64);
}

Status run(const char* bundle, const char* out, bool learned, std::int64_t clips,
           std::int64_t frames_each) {
  MIEN_ASSIGN_OR_RETURN(methods::Towers towers, methods::Towers::load(bundle));
  for (const auto& tensors : {towers.image_tensors(), towers.text_tensors()}) {
    for (const auto& item : tensors) torch::Tensor(item.second).requires_grad_(false);
  }
  torch::manual_seed(3);
  methods::HespTraining training;
  training.patch = 8;
  training.train_text_ctx = learned;
  MIEN_ASSIGN_OR_RETURN(auto model,
                        methods::HespModel::make(towers, training, kNames,
                                                 {{0.5F, 0.4F, 0.3F}, {0.2F, 0.3F, 0.4F}}, 100));
  model.set_place({model.side() / 2, 6});
  TrainingDump dump;
  dump.add("place", torch::tensor({model.side() / 2, std::int64_t{6}}, torch::kInt64));
  for (std::size_t c = 0; c < kNames.size(); ++c) {
    const std::string number = std::to_string(c);
    std::string fillers;
    for (int i = 0; i < training.contexts; ++i) fillers += "X ";
    MIEN_ASSIGN_OR_RETURN(const auto own, ids_of(towers, fillers + kNames[c] + "."));
    MIEN_ASSIGN_OR_RETURN(const auto negative,
                          ids_of(towers, "This video is not " + kNames[c] + "."));
    dump.add("ids/" + number, own);
    dump.add("negative_ids/" + number, negative);
  }
  for (const auto& [name, tensor] : towers.image_tensors()) dump.add("tower/" + name, tensor);
  for (const auto& [name, tensor] : towers.text_tensors()) dump.add("tower/" + name, tensor);
  for (const auto& [name, tensor] : model.state()) dump.add("start/" + name, tensor);

  train::TrainOptions options;
  options.optimiser = "sgd";
  options.lr = 0.01;
  options.momentum = 0.9;
  options.weight_decay = 1e-4;
  train::Optimiser optimiser(options, model.parameters());
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const std::string at = "step" + std::to_string(step) + "/";
    const torch::Tensor frames = torch::rand({clips, frames_each, 3, model.side(), model.side()});
    const torch::Tensor labels = (at::arange(clips, torch::kInt64) * 2).remainder(3);
    dump.add(at + "frames", frames);
    dump.add(at + "labels", labels);
    const auto begin = std::chrono::steady_clock::now();
    const auto losses =
        model.losses(model.features(frames, {}), model.texts(), model.points(), labels);
    optimiser.zero_grad();
    losses.total().backward();
    model.update();
    optimiser.step(options.lr);
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - begin;
    dump.add(at + "ms", torch::full({1}, spent.count(), torch::kFloat64));
    dump.add(at + "losses", at::stack({losses.known, losses.clustering, losses.negative,
                                       losses.negative_text, losses.joint}));
  }
  for (const auto& [name, tensor] : model.state()) dump.add("after/" + name, tensor);
  for (const auto& [name, tensor] : towers.image_tensors()) dump.add("kept/" + name, tensor);
  for (const auto& [name, tensor] : towers.text_tensors()) dump.add("kept/" + name, tensor);
  const at::NoGradGuard no_grad;
  const torch::Tensor frames = torch::rand({clips, frames_each, 3, model.side(), model.side()});
  dump.add("test/frames", frames);
  dump.add("test/joint",
           model.scores(model.features(frames, {}), model.texts(), model.points()).joint());
  return checkpoint::write_safetensors(out, dump.tensors);
}

}  // namespace
}  // namespace mien

int main(int argc, char** argv) {
  const std::string mode = argc == 4 || argc == 6 ? argv[3] : "";
  if (mode != "learned" && mode != "decay") {
    std::fprintf(stderr, "usage: hesp_dump BUNDLE OUT.safetensors learned|decay [CLIPS FRAMES]\n");
    return 2;
  }
  mien::train::keep_freed_memory();  // as mien-train does
  const mien::Status status =
      mien::run(argv[1], argv[2], mode == "learned", argc == 6 ? std::atol(argv[4]) : 6,
                argc == 6 ? std::atol(argv[5]) : 4);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
