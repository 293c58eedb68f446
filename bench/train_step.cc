// Times a training step of EmoCLIP with frozen towers, its memory, and the loader without a model.
#include <fmt/format.h>
#include <torch/types.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>

#include "data/loader.h"
#include "harness.h"
#include "methods/emoclip/model.h"
#include "methods/kit/training_data.h"
#include "mien/kernels/cpu.h"
#include "mien/loss/contrastive.h"
#include "mien/train/trainer.h"
#include "train/memory.h"
#include "train/optimiser.h"

namespace mien::bench {
namespace {

struct Settings {
  std::string bundle;
  std::string data;
  std::vector<int> threads = {1, 2};
  Plan plan = {.warmup = 1, .repeats = 5, .budget_s = 120};
  int memory_steps = 500;
  std::vector<std::string> parts = {"frozen", "cached", "memory", "loader"};

  bool wants(std::string_view part) const {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  }
};

std::int64_t resident_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  }
  return 0;
}

class Steps {
 public:
  static Result<std::unique_ptr<Steps>> make(const std::string& bundle) {
    methods::EmoclipOptions options;
    options.init = bundle;
    MIEN_ASSIGN_OR_RETURN(auto model, methods::make_emoclip_model(options, 1));
    return std::unique_ptr<Steps>(new Steps(options, std::move(model)));
  }

  Status frozen() { return step(model_.frames(pixels_), frozen_texts_); }
  Status cached() { return step(frames_, cached_texts_); }

 private:
  Steps(const methods::EmoclipOptions& options, methods::EmoclipModel model)
      : model_(std::move(model)), optimiser_(sgd(), model_.groups(options)) {
    pixels_ = torch::randn({8, 32, 3, 224, 224});
    frames_ = torch::randn({64, 32, model_.architecture.embed});
    const auto texts = [&](std::int64_t count) {
      const torch::Tensor rows = torch::randn({count, model_.architecture.embed});
      return rows / rows.norm(2, 1, true);
    };
    frozen_texts_ = texts(8);
    cached_texts_ = texts(64);
  }

  static train::TrainOptions sgd() {
    train::TrainOptions out;
    out.weight_decay = 5e-4;
    return out;
  }

  Status step(const torch::Tensor& frames, const torch::Tensor& texts) {
    const torch::Tensor loss =
        loss::symmetric_contrastive(model_.clips(frames), texts, model_.tau.exp());
    optimiser_.zero_grad();
    loss.backward();
    optimiser_.step(1e-3);
    return {};
  }

  methods::EmoclipModel model_;
  train::Optimiser optimiser_;
  torch::Tensor pixels_, frames_, frozen_texts_, cached_texts_;
};

void use_threads(int count) {
  kernels::set_threads(count);
  train::set_threads(count);
}

Json facts(const std::string& work, int threads) {
  Json out = Json::object();
  out.set("group", "train");
  out.set("contender", "mien");
  out.set("case", work);
  out.set("threads", threads);
  return out;
}

Status steps(const Settings& settings) {
  MIEN_ASSIGN_OR_RETURN(const auto work, Steps::make(settings.bundle));
  for (const int threads : settings.threads) {
    use_threads(threads);
    if (settings.wants("frozen")) {
      MIEN_ASSIGN_OR_RETURN(const auto frozen,
                            measure(settings.plan, [&] { return work->frozen(); }));
      report(facts("frozen towers, 8 x 32 frames", threads), frozen);
    }
    if (settings.wants("cached")) {
      MIEN_ASSIGN_OR_RETURN(const auto cached,
                            measure(settings.plan, [&] { return work->cached(); }));
      report(facts("cached embeddings, 64 x 32", threads), cached);
    }
  }
  return {};
}

// The cached case with few clips, so that 500 steps are soon done; what leaks does so at any batch.
Status memory(const Settings& settings) {
  constexpr std::int64_t kClips = 4;
  methods::EmoclipOptions options;
  MIEN_ASSIGN_OR_RETURN(auto model, methods::make_emoclip_model(options, 1));
  train::Optimiser optimiser({}, model.groups(options));
  const std::int64_t embed = model.architecture.embed;
  Json out = facts("resident KiB after steps", kernels::threads());
  std::int64_t first = 0;
  for (int s = 1; s <= settings.memory_steps; ++s) {
    const torch::Tensor rows = torch::randn({kClips, embed});
    const torch::Tensor loss =
        loss::symmetric_contrastive(model.clips(torch::randn({kClips, 32, embed})),
                                    rows / rows.norm(2, 1, true), model.tau.exp());
    optimiser.zero_grad();
    loss.backward();
    optimiser.step(1e-3);
    if (s == 20) first = resident_kib();
  }
  out.set("steps", settings.memory_steps);
  out.set("after_20_kib", first);
  out.set("after_all_kib", resident_kib());
  report(out, {0});
  return {};
}

Status loading(const Settings& settings) {
  methods::DataOptions options;
  options.train = "fer2013.csv";
  MIEN_ASSIGN_OR_RETURN(const auto data, methods::load_training_data(options, settings.data, 1));
  methods::SequenceReader reader{
      .preprocess = image::PreprocessSpec::normalized_first(224),
      .sampling = {.rule = video::SamplingRule::kStridedWindow, .frames = 1},
      .augment = data::AugmentOptions::tilt_and_flip()};
  for (const int threads : settings.threads) {
    data::Loader<std::vector<float>> loader(
        [&](std::int64_t place, Rng& rng) {
          return reader.clip(*data.train, data.train->samples[static_cast<std::size_t>(place)],
                             video::SamplingPhase::kTrain, rng);
        },
        {.threads = threads});
    MIEN_ASSIGN_OR_RETURN(const auto samples, measure(settings.plan, [&]() -> Status {
                            data::View first(data.train_view.begin(),
                                             data.train_view.begin() + 1000);
                            loader.start(std::move(first), 1);
                            while (loader.remaining() > 0)
                              MIEN_RETURN_IF_ERROR(loader.next().status());
                            return {};
                          }));
    report(facts("loader: 1,000 pictures to 224, augmented", threads), samples);
  }
  return {};
}

}  // namespace
}  // namespace mien::bench

int main(int argc, char** argv) {
  using namespace mien;
  train::keep_freed_memory();  // as mien-train does
  bench::Settings settings;
  CLI::App app("Times training steps; see bench/train.", "mien_train_bench");
  app.add_option("bundle", settings.bundle, "ViT-B/32")->required();
  app.add_option("--data", settings.data, "Folder with fer2013, for the loader");
  app.add_option("--threads", settings.threads, "Thread counts")->delimiter(',');
  app.add_option("--repeats", settings.plan.repeats, "Repeats");
  app.add_option("--parts", settings.parts, "frozen, cached, memory, loader")->delimiter(',');
  app.add_option("--memory-steps", settings.memory_steps, "Steps of the memory test");
  CLI11_PARSE(app, argc, argv);
  Status status;
  if (settings.wants("frozen") || settings.wants("cached")) status = bench::steps(settings);
  if (status.ok() && settings.wants("memory")) status = bench::memory(settings);
  if (status.ok() && settings.wants("loader") && !settings.data.empty())
    status = bench::loading(settings);
  if (!status.ok()) fmt::print(stderr, "mien_train_bench: {}\n", status.message());
  return status.ok() ? 0 : 1;
}
