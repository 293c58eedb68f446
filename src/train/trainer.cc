#include "mien/train/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <optional>

#include "core/sha256.h"
#include "train/average.h"
#include "train/communicator.h"
#include "train/optimiser.h"
#include "train/run_log.h"

namespace mien::train {
namespace {

constexpr const char* kBest = "best.safetensors";

class Autocast {
 public:
  explicit Autocast(bool on) : on_(on) {
    if (!on_) return;
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(true);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;
  ~Autocast() {
    if (!on_) return;
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(false);
  }

 private:
  bool on_;
};

double wall_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::uint64_t mix(std::uint64_t seed, std::int64_t step, int rank) {
  return seed * 0x9E3779B97F4A7C15ULL + static_cast<std::uint64_t>(step) * 0xBF58476D1CE4E5B9ULL +
         static_cast<std::uint64_t>(rank);
}

class Run {
 public:
  Run(methods::Method& method, const TrainOptions& options, const TrainerContext& context)
      : method_(method), options_(options), stage_(options), context_(context) {
    state_.recipe = sha256_hex(std::as_bytes(std::span(context.recipe)));
    if (context.processes != nullptr) rank_ = context.processes->rank();
  }

  Result<TrainResult> all() {
    MIEN_RETURN_IF_ERROR(open());
    while (!state_.done && state_.stage < method_.stages()) {
      MIEN_RETURN_IF_ERROR(stage());
      ++state_.stage;
      state_.epoch = 0;
      state_.step = 0;
      saved_.reset();
    }
    if (!state_.done) {
      state_.done = true;
      optimiser_.reset();
      MIEN_RETURN_IF_ERROR(checkpoint());
    }
    MIEN_RETURN_IF_ERROR(log_.flush());
    return TrainResult{state_, last_values_, resumed_};
  }

 private:
  bool writes() const { return rank_.rank == 0; }
  double now() const { return context_.seconds ? context_.seconds() : wall_seconds(); }
  bool asked_to_stop() const { return context_.cancel != nullptr && *context_.cancel; }
  // Several processes stop after the same step, so that none waits for one that has gone.
  bool stopped() const { return rank_.world > 1 ? agreed_to_stop_ : asked_to_stop(); }

  Status open() {
    std::error_code error;
    std::filesystem::create_directories(context_.folder, error);
    if (error) return io_error(context_.folder.string() + ": cannot be made: " + error.message());
    if (writes()) remove_leftovers(context_.folder);
    std::vector<std::string> skipped;
    MIEN_ASSIGN_OR_RETURN(saved_, find_last_run(context_.folder, skipped));
    for (const std::string& name : skipped) log_to(context_.log, LogLevel::kWarning, name);
    if (saved_) {
      if (saved_->state.recipe != state_.recipe) {
        return invalid_argument(context_.folder.string() +
                                ": holds a run of another recipe (expected the same options, or "
                                "another folder)");
      }
      state_ = saved_->state;
      resumed_ = true;
      MIEN_RETURN_IF_ERROR(restore_model(*saved_, method_));
    }
    began_ = now() - state_.seconds;
    saved_at_ = now();
    at::globalContext().setDeterministicAlgorithms(options_.deterministic, false);
    return writes() ? log_.open(context_.folder, state_.global_step, wall_seconds()) : Status();
  }

  double steps_of_stage() const {
    return static_cast<double>(state_.epoch) * static_cast<double>(steps_) +
           static_cast<double>(state_.step);
  }

  // At the speed of this process in this stage: another stage may train other parts.
  double seconds_left() const {
    const double done = steps_of_stage();
    const double total = static_cast<double>(epochs()) * static_cast<double>(steps_);
    const double here = std::max(1.0, done - stage_from_steps_);
    return std::max(0.0, (now() - stage_from_) / here * (total - done));
  }

  int epochs() const {
    return options_.epochs > 0 ? options_.epochs : method_.epochs(state_.stage);
  }

  Status stage() {
    MIEN_ASSIGN_OR_RETURN(stage_, stage_options(options_, method_.settings(state_.stage)));
    optimiser_.emplace(stage_, method_.begin_stage(state_.stage));
    average_.emplace(options_.ema, *optimiser_);
    if (saved_) {
      MIEN_RETURN_IF_ERROR(optimiser_->load(*saved_->tensors));
      MIEN_RETURN_IF_ERROR(average_->load(*saved_->tensors));
    }
    if (!saved_) {
      state_.best_epoch = -1;
      state_.worse_epochs = 0;
    }
    steps_ = method_.steps_per_epoch(state_.stage);
    if (steps_ < 1) {
      return invalid_argument(
          "training data: fewer samples than one batch (expected a smaller batch or more data)");
    }
    stage_from_ = now();
    stage_from_steps_ = steps_of_stage();
    while (state_.epoch < epochs()) {
      MIEN_RETURN_IF_ERROR(epoch());
      MIEN_RETURN_IF_ERROR(end_of_epoch());
      ++state_.epoch;
      state_.step = 0;
      if (options_.patience > 0 && state_.worse_epochs >= options_.patience) break;
      MIEN_RETURN_IF_ERROR(checkpoint());
      if (stopped()) return cancelled("training: stopped after an epoch; the run can go on");
    }
    average_->swap();  // the next stage, and the bundle, start from the averages
    return {};
  }

  Status epoch() {
    MIEN_RETURN_IF_ERROR(method_.begin_epoch(state_.stage, state_.epoch, state_.step));
    rate_from_ = now();
    rate_samples_ = 0;
    while (state_.step < steps_) {
      MIEN_RETURN_IF_ERROR(step());
      const bool due =
          (options_.checkpoint_steps > 0 && state_.global_step % options_.checkpoint_steps == 0) ||
          now() - saved_at_ > 60 * options_.checkpoint_minutes;
      if (due && state_.step < steps_) MIEN_RETURN_IF_ERROR(checkpoint());
      if (stopped() && state_.step < steps_) {
        MIEN_RETURN_IF_ERROR(checkpoint());
        return cancelled("training: stopped; the run can go on");
      }
    }
    return {};
  }

  double rate() const {
    const double epoch =
        state_.epoch + static_cast<double>(state_.step) / static_cast<double>(steps_);
    return stage_.lr * schedule_factor(stage_, epoch, epochs());
  }

  Status step() {
    // A state of its own for every step: a resumed run needs no generator from a file.
    torch::manual_seed(mix(options_.seed, state_.global_step, rank_.rank));
    methods::StepOutput output;
    {
      const Autocast autocast(options_.bf16);
      MIEN_ASSIGN_OR_RETURN(output, method_.step());
    }
    optimiser_->zero_grad();
    output.loss.backward();
    double loss = output.loss.item<double>();
    if (rank_.world > 1) MIEN_RETURN_IF_ERROR(share(loss));
    if (!std::isfinite(loss)) {
      return internal_error(fmt::format(
          "training: the loss is {} at step {} (epoch {}, samples {}); the last checkpoint is kept",
          loss, state_.global_step, state_.epoch, fmt::join(output.ids, " ")));
    }
    {
      const at::NoGradGuard no_grad;
      method_.before_update();
    }
    if (options_.clip_norm > 0) optimiser_->clip_norm(options_.clip_norm);
    const double lr = rate();
    optimiser_->step(lr);
    average_->update();
    ++state_.step;
    ++state_.global_step;
    rate_samples_ += output.samples * rank_.world;
    return tell(loss, lr, output.values);
  }

  // Mean of gradients and loss over the processes, and whether one is asked to stop, in one
  // message.
  Status share(double& loss) {
    const std::vector<torch::Tensor> gradients = optimiser_->gradients();
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& gradient : gradients) flat.push_back(gradient.flatten());
    flat.push_back(torch::full({1}, loss, torch::kFloat32));
    flat.push_back(torch::full({1}, asked_to_stop() ? 1.0 : 0.0, torch::kFloat32));
    torch::Tensor all = at::cat(flat);
    MIEN_RETURN_IF_ERROR(context_.processes->mean(all));
    std::int64_t at = 0;
    for (const torch::Tensor& gradient : gradients) {
      gradient.copy_(all.narrow(0, at, gradient.numel()).view_as(gradient));
      at += gradient.numel();
    }
    loss = all[at].item<double>();
    agreed_to_stop_ = agreed_to_stop_ || all[at + 1].item<double>() > 0;
    return {};
  }

  Status tell(double loss, double lr, const methods::NamedValues& values) {
    const double elapsed = std::max(1e-9, now() - rate_from_);
    const double samples_per_second = static_cast<double>(rate_samples_) / elapsed;
    if (context_.progress && writes()) {
      context_.progress({.stage = state_.stage,
                         .stages = method_.stages(),
                         .epoch = state_.epoch,
                         .epochs = epochs(),
                         .step = state_.step,
                         .steps = steps_,
                         .loss = loss,
                         .samples_per_second = samples_per_second,
                         .seconds_left = seconds_left()});
    }
    if (state_.global_step % options_.log_every != 0 && state_.step != steps_) return {};
    Json line = Json::object();
    line.set("step", state_.global_step);
    line.set("stage", state_.stage);
    line.set("epoch", state_.epoch);
    line.set("loss", loss);
    line.set("lr", lr);
    for (const auto& [name, value] : values) line.set(name, value);
    line.set("samples_per_second", samples_per_second);
    return log_.write(line, "train", state_.global_step, wall_seconds());
  }

  // The figures of process 0. A validation that is stopped is done again when the run goes on.
  Result<methods::NamedValues> validate() {
    if (!writes()) return methods::NamedValues{};
    const at::NoGradGuard no_grad;
    auto values = method_.validate(state_.stage, state_.epoch);
    if (values.ok() || values.status().code() != StatusCode::kCancelled) return values;
    double unused = 0;
    MIEN_RETURN_IF_ERROR(agree(unused, true));
    average_->swap();  // back to the weights that train
    MIEN_RETURN_IF_ERROR(checkpoint());
    return cancelled("training: stopped in a validation; the run can go on");
  }

  Status end_of_epoch() {
    average_->swap();
    MIEN_ASSIGN_OR_RETURN(const methods::NamedValues values, validate());
    if (writes()) last_values_ = values;
    const auto chosen = std::find_if(values.begin(), values.end(), [&](const auto& item) {
      return item.first == method_.selects_by();
    });
    // Without a figure the last epoch is the best.
    double figure =
        chosen == values.end() ? static_cast<double>(state_.global_step) : chosen->second;
    if (writes()) state_.validated = chosen != values.end();
    MIEN_RETURN_IF_ERROR(agree(figure, false));
    if (stopped_in_validation_) {
      average_->swap();
      return cancelled("training: stopped in a validation; the run can go on");
    }
    const bool better = state_.best_epoch < 0 || figure > state_.best;
    state_.worse_epochs = better ? 0 : state_.worse_epochs + 1;
    if (better) {
      state_.best = figure;
      state_.best_epoch = state_.epoch;
      if (writes()) {
        MIEN_RETURN_IF_ERROR(save_run_as(context_.folder / kBest, state_, model_tensors()));
      }
    }
    average_->swap();
    if (!writes() || values.empty()) return {};
    if (context_.on_epoch) context_.on_epoch(state_.stage, state_.epoch, values);
    Json line = Json::object();
    line.set("step", state_.global_step);
    line.set("stage", state_.stage);
    line.set("epoch", state_.epoch);
    for (const auto& [name, value] : values) line.set(name, value);
    return log_.write(line, "val", state_.global_step, wall_seconds());
  }

  // Process 0 validates; all take its figure, so that they stop together.
  Status agree(double& figure, bool stop) {
    if (rank_.world == 1) return {};
    torch::Tensor value = torch::tensor({figure, stop ? 1.0 : 0.0}, torch::kFloat64);
    MIEN_RETURN_IF_ERROR(context_.processes->broadcast(value));
    figure = value[0].item<double>();
    stopped_in_validation_ = value[1].item<double>() > 0;
    return {};
  }

  methods::NamedTorchTensors model_tensors() {
    methods::NamedTorchTensors out;
    for (const auto& [name, tensor] : method_.state()) out.emplace_back("model/" + name, tensor);
    return out;
  }

  Status checkpoint() {
    saved_at_ = now();
    state_.seconds = saved_at_ - began_;
    if (!writes()) return {};
    methods::NamedTorchTensors tensors = model_tensors();
    if (optimiser_) {
      for (auto& item : optimiser_->state()) tensors.push_back(std::move(item));
      for (auto& item : average_->state()) tensors.push_back(std::move(item));
    }
    // First the log: a checkpoint must not be ahead of it.
    MIEN_RETURN_IF_ERROR(log_.flush());
    return save_run(context_.folder, state_, tensors, options_.keep);
  }

  methods::Method& method_;
  const TrainOptions& options_;
  TrainOptions stage_;  ///< as the present stage wants them
  const TrainerContext& context_;
  methods::Rank rank_;
  RunState state_;
  std::optional<SavedRun> saved_;
  bool resumed_ = false;
  std::optional<Optimiser> optimiser_;
  std::optional<Average> average_;
  RunLog log_;
  methods::NamedValues last_values_;
  std::int64_t steps_ = 0;
  double began_ = 0, saved_at_ = 0, rate_from_ = 0;
  double stage_from_ = 0, stage_from_steps_ = 0;  ///< when and where this process began the stage
  bool agreed_to_stop_ = false, stopped_in_validation_ = false;
  std::int64_t rate_samples_ = 0;
};

}  // namespace

Result<TrainResult> train(methods::Method& method, const TrainOptions& options,
                          const TrainerContext& context) {
  try {
    return Run(method, options, context).all();
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return internal_error("training: " + text.substr(0, text.find('\n')));
  }
}

Result<RunState> restore(methods::Method& method, const std::filesystem::path& folder, bool best) {
  if (best) {
    MIEN_ASSIGN_OR_RETURN(const SavedRun run, load_run(folder / kBest));
    MIEN_RETURN_IF_ERROR(restore_model(run, method).with_prefix((folder / kBest).string()));
    return run.state;
  }
  std::vector<std::string> skipped;
  MIEN_ASSIGN_OR_RETURN(const auto run, find_last_run(folder, skipped));
  if (!run) return not_found(folder.string() + ": has no checkpoint");
  MIEN_RETURN_IF_ERROR(restore_model(*run, method).with_prefix(folder.string()));
  return run->state;
}

void set_threads(int count) { at::set_num_threads(count); }

}  // namespace mien::train
