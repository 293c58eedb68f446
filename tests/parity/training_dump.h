#pragma once

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <string>

#include "checkpoint/safetensors.h"
#include "methods/kit/training_data.h"
#include "nn/load.h"
#include "train/optimiser.h"

namespace mien {

// What went into a method's training steps and came out, for the scripts that take them again.
struct TrainingDump {
  checkpoint::NamedTensors tensors;
  std::deque<torch::Tensor> owned;

  void add(const std::string& name, const torch::Tensor& tensor) {
    owned.push_back(tensor.detach().clone().contiguous());
    tensors.emplace_back(name, nn::as_view(owned.back()));
  }
  void add(const std::string& name, double value) {
    add(name, torch::full({1}, value, torch::kFloat64));
  }
  void add_all(const std::string& at, const methods::NamedTorchTensors& list) {
    for (const auto& [name, tensor] : list) add(at + name, tensor);
  }
};

inline const data::Sample& sample_of(const data::Manifest& manifest, const std::string& id) {
  for (const data::Sample& sample : manifest.samples) {
    if (sample.id == id) return sample;
  }
  MIEN_CHECK(false);
  return manifest.samples.front();
}

// All frames of these samples. Shape: -> [samples * frames, 3, S, S].
inline Result<torch::Tensor> pixels_of(const data::Manifest& manifest,
                                       const methods::SequenceReader& reader,
                                       const std::vector<std::string>& ids) {
  const std::int64_t side = reader.preprocess.output_size();
  std::vector<torch::Tensor> out;
  for (const std::string& id : ids) {
    for (const std::string& name : sample_of(manifest, id).frames) {
      out.push_back(torch::empty({3, side, side}));
      MIEN_RETURN_IF_ERROR(reader.read(
          manifest, name,
          {out.back().data_ptr<float>(), static_cast<std::size_t>(out.back().numel())}));
    }
  }
  return at::stack(out);
}

inline torch::Tensor labels_of_ids(const data::Manifest& manifest,
                                   const std::vector<std::string>& ids) {
  std::vector<std::int64_t> out;
  for (const std::string& id : ids) out.push_back(sample_of(manifest, id).labels.front());
  return torch::tensor(out, torch::kInt64);
}

// Steps of a stage; `batch` adds what went in: Status(output, prefix).
template <class Batch>
Status take_steps(methods::Method& method, train::TrainOptions options, int stage,
                  std::int64_t steps, const std::string& prefix, TrainingDump& dump,
                  const Batch& batch) {
  MIEN_ASSIGN_OR_RETURN(options, train::stage_options(options, method.settings(stage)));
  train::Optimiser optimiser(options, method.begin_stage(stage));
  MIEN_RETURN_IF_ERROR(method.begin_epoch(stage, 0, 0));
  for (std::int64_t step = 0; step < steps; ++step) {
    const std::string at = prefix + "step" + std::to_string(step) + "/";
    const auto begin = std::chrono::steady_clock::now();
    MIEN_ASSIGN_OR_RETURN(const methods::StepOutput output, method.step());
    optimiser.zero_grad();
    output.loss.backward();
    optimiser.step(options.lr);
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - begin;
    dump.add(at + "loss", output.loss.reshape({1}));
    dump.add(at + "ms", spent.count());
    MIEN_RETURN_IF_ERROR(batch(output, at));
  }
  return {};
}

}  // namespace mien
