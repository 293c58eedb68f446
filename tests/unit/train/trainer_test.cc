#include "mien/train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "core/file.h"
#include "methods/emoclip/train.h"
#include "methods/kit/recipe.h"
#include "mien/core/json.h"
#include "nn/load.h"
#include "support/test_support.h"
#include "toy_method.h"
#include "train/communicator.h"
#include "train/event_file.h"
#include "unit/methods/coloured_clips.h"

namespace mien::train {
namespace {

using testing::HasSubstr;

TrainOptions options() {
  TrainOptions out;
  out.optimiser = "adam";
  out.lr = 0.05;
  out.ema = 0.9;
  out.schedule = "cosine";
  out.log_every = 1;
  out.checkpoint_steps = 4;
  return out;
}

// The lines of the log without their speed.
std::vector<std::string> lines(const std::filesystem::path& folder) {
  std::ifstream in(folder / "log.jsonl");
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    auto json = Json::parse(line);
    EXPECT_TRUE(json.ok()) << line;
    if (json->find("samples_per_second") != nullptr) json->set("samples_per_second", 0);
    out.push_back(json->dump());
  }
  return out;
}

// Runs `body` in a process of its own; its exit status as waitpid gives it.
int in_child(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

struct Outcome {
  torch::Tensor weight, offset;
  std::vector<std::string> log;
};

Outcome unbroken(const std::filesystem::path& folder) {
  ToyMethod toy;
  const auto result = train(toy, options(), {.folder = folder, .recipe = "r"});
  EXPECT_TRUE(result.ok()) << result.status().message();
  return {toy.weight.detach().clone(), toy.offset.detach().clone(), lines(folder)};
}

TEST(Trainer, LearnsInStages) {
  const test::TempDir dir;
  TrainOptions plain = options();
  plain.epochs = 40;
  plain.ema = 0;
  ToyMethod toy;
  toy.drops = false;
  const auto result = train(toy, plain, {.folder = dir / "run", .recipe = "r"});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->state.done);
  EXPECT_EQ(result->state.global_step, 2 * 40 * 7);
  EXPECT_NEAR(toy.weight[0][0].item<double>(), 0.5, 0.05);
  EXPECT_NEAR(toy.offset[0].item<double>(), 1.0, 0.02);
  EXPECT_TRUE(std::filesystem::exists(dir / "run" / "best.safetensors"));
}

// At whatever step it is killed, and however often.
TEST(Trainer, ResumesExactlyAfterSigkill) {
  const test::TempDir dir;
  const auto folder = dir / "broken";
  int killed = 0;
  for (const std::int64_t victim : {2, 9, 13, 22, 38}) {
    const int status = in_child([&] {
      std::int64_t steps = 0;
      ToyMethod toy;
      const auto result =
          train(toy, options(), {.folder = folder, .recipe = "r", .progress = [&](const auto& at) {
                                   steps = at.stage * 21 + at.epoch * 7 + at.step;
                                   if (steps == victim) kill(getpid(), SIGKILL);
                                 }});
      return result.ok() ? 0 : 1;
    });
    killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 1 : 0;
  }
  EXPECT_EQ(killed, 5);
  std::ofstream(folder / "checkpoint-000000000099.safetensors.part-ABCDEF") << "half";
  ToyMethod toy;
  const auto result = train(toy, options(), {.folder = folder, .recipe = "r"});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->resumed);
  EXPECT_FALSE(std::filesystem::exists(folder / "checkpoint-000000000099.safetensors.part-ABCDEF"));
  const Outcome whole = unbroken(dir / "whole");
  EXPECT_TRUE(at::equal(toy.weight, whole.weight));
  EXPECT_TRUE(at::equal(toy.offset, whole.offset));
  EXPECT_EQ(lines(folder), whole.log);
  EXPECT_EQ(whole.log.size(), 2u * 21 + 6);
}

TEST(Trainer, CancelKeepsACheckpointAndContinues) {
  const test::TempDir dir;
  std::atomic<bool> cancel = false;
  ToyMethod first;
  const auto stopped = train(
      first, options(),
      {.folder = dir / "run", .recipe = "r", .cancel = &cancel, .progress = [&](const auto& at) {
         cancel = at.step == 5;
       }});
  EXPECT_EQ(test::code_of(stopped), StatusCode::kCancelled);
  ToyMethod toy;
  ASSERT_TRUE(train(toy, options(), {.folder = dir / "run", .recipe = "r"}).ok());
  EXPECT_EQ(lines(dir / "run"), unbroken(dir / "whole").log);
}

TEST(Trainer, AValidationThatIsStoppedIsDoneAgain) {
  const test::TempDir dir;
  ToyMethod first;
  first.stopped_validation = 2;
  const auto stopped = train(first, options(), {.folder = dir / "run", .recipe = "r"});
  EXPECT_EQ(test::code_of(stopped), StatusCode::kCancelled);
  EXPECT_THAT(test::problem_of(stopped), HasSubstr("the same command continues the run"));
  ToyMethod toy;
  ASSERT_TRUE(train(toy, options(), {.folder = dir / "run", .recipe = "r"}).ok());
  EXPECT_EQ(toy.validations, 5);  // of six epochs the first was validated before
  const Outcome whole = unbroken(dir / "whole");
  EXPECT_EQ(lines(dir / "run"), whole.log);
  EXPECT_TRUE(at::equal(toy.offset, whole.offset));
}

// A step takes a second of this clock: what is left of the second stage are its own steps.
TEST(Trainer, TheTimeLeftIsThatOfTheStage) {
  const test::TempDir dir;
  double clock = 1000;
  ToyMethod toy;
  const auto result = train(toy, options(),
                            {.folder = dir / "run",
                             .recipe = "r",
                             .progress =
                                 [&](const TrainProgress& at) {
                                   const double steps =
                                       21 - (7.0 * at.epoch + static_cast<double>(at.step));
                                   EXPECT_LE(at.seconds_left, steps) << at.stage << " " << steps;
                                   if (at.epoch > 0) {
                                     EXPECT_GE(at.seconds_left, 0.8 * steps);
                                   }
                                   clock += 1;
                                 },
                             .seconds = [&] { return clock; }});
  ASSERT_TRUE(result.ok()) << result.status().message();
}

TEST(Trainer, ReportsWhetherAFigureSelectsTheEpoch) {
  const test::TempDir dir;
  ToyMethod toy;
  ASSERT_TRUE(train(toy, options(), {.folder = dir / "with", .recipe = "r"}).ok());
  EXPECT_TRUE(restore(toy, dir / "with")->validated);
  ToyMethod blind;
  blind.validates = false;
  ASSERT_TRUE(train(blind, options(), {.folder = dir / "without", .recipe = "r"}).ok());
  const auto last = restore(blind, dir / "without");
  ASSERT_TRUE(last.ok());
  EXPECT_FALSE(last->validated);
  EXPECT_EQ(last->best_epoch, 2);
}

TEST(Trainer, AFinishedRunIsLeftAlone) {
  const test::TempDir dir;
  const Outcome whole = unbroken(dir / "run");
  ToyMethod toy;
  const auto again = train(toy, options(), {.folder = dir / "run", .recipe = "r"});
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(toy.validations, 0);
  EXPECT_TRUE(at::equal(toy.weight, whole.weight));
  EXPECT_EQ(lines(dir / "run"), whole.log);
}

TEST(Trainer, ADamagedCheckpointFallsBackToTheOneBefore) {
  const test::TempDir dir;
  const auto folder = dir / "run";
  in_child([&] {
    ToyMethod toy;
    const auto result =
        train(toy, options(), {.folder = folder, .recipe = "r", .progress = [](const auto& at) {
                                 if (at.epoch == 2) kill(getpid(), SIGKILL);
                               }});
    return result.ok() ? 0 : 1;
  });
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("checkpoint-")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  ASSERT_EQ(files.size(), 2u);
  std::filesystem::resize_file(files.back(), 100);
  ToyMethod toy;
  std::string warned;
  const auto result =
      train(toy, options(),
            {.folder = folder, .recipe = "r", .log = [&](LogLevel, auto text) { warned += text; }});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_THAT(warned, HasSubstr(files.back().filename().string()));
  EXPECT_EQ(lines(folder), unbroken(dir / "whole").log);
}

TEST(Trainer, AnotherRecipeIsRefused) {
  const test::TempDir dir;
  unbroken(dir / "run");
  ToyMethod toy;
  EXPECT_THAT(test::problem_of(train(toy, options(), {.folder = dir / "run", .recipe = "other"})),
              HasSubstr("holds a run of another recipe"));
}

TEST(Trainer, NotANumberStopsAndKeepsTheCheckpoint) {
  const test::TempDir dir;
  ToyMethod toy;
  toy.nan_at = 6;
  const auto result = train(toy, options(), {.folder = dir / "run", .recipe = "r"});
  EXPECT_EQ(test::code_of(result), StatusCode::kInternal);
  EXPECT_THAT(test::problem_of(result), HasSubstr("the loss is nan at step 5"));
  EXPECT_THAT(test::problem_of(result), HasSubstr("samples a.png b.png"));
  ToyMethod healthy;
  const auto resumed = train(healthy, options(), {.folder = dir / "run", .recipe = "r"});
  ASSERT_TRUE(resumed.ok());
  EXPECT_TRUE(resumed->resumed);
  EXPECT_EQ(lines(dir / "run"), unbroken(dir / "whole").log);
}

TEST(Trainer, AFullDiskLosesNothing) {
  const test::TempDir dir;
  const auto folder = dir / "run";
  const int status = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    ToyMethod toy;
    const auto result =
        train(toy, options(), {.folder = folder, .recipe = "r", .progress = [](const auto& at) {
                                 if (at.epoch != 1) return;
                                 const rlimit none = {.rlim_cur = 64, .rlim_max = 64};
                                 setrlimit(RLIMIT_FSIZE, &none);
                               }});
    return result.status().code() == StatusCode::kIo ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  ToyMethod toy;
  const auto result = train(toy, options(), {.folder = folder, .recipe = "r"});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->resumed);
  EXPECT_EQ(lines(folder), unbroken(dir / "whole").log);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr("tmp")));
  }
}

TEST(Trainer, TheBestEpochIsKeptAndPatienceEnds) {
  const test::TempDir dir;
  TrainOptions patient = options();
  patient.epochs = 10;
  patient.patience = 2;
  patient.ema = 0;
  ToyMethod toy;
  toy.figures = {1, 5, 4, 3, 2, 7, 6, 5, 4};
  const auto result = train(toy, patient, {.folder = dir / "run", .recipe = "r"});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(toy.validations, 8);  // four of the first stage (best: the second), four of the second
  EXPECT_EQ(result->state.best, 7);
  EXPECT_EQ(result->state.best_epoch, 1);
  ToyMethod best;
  const auto state = restore(best, dir / "run");
  ASSERT_TRUE(state.ok()) << state.status().message();
  EXPECT_EQ(state->best_epoch, 1);
  EXPECT_FALSE(at::equal(best.offset, toy.offset));
  ToyMethod last;
  ASSERT_TRUE(restore(last, dir / "run", false).ok());
  EXPECT_TRUE(at::equal(last.offset, toy.offset));
  EXPECT_EQ(test::code_of(restore(last, dir / "none")), StatusCode::kNotFound);
}

TEST(Trainer, ValidationSeesTheAveragedWeights) {
  const test::TempDir dir;
  TrainOptions slow = options();
  slow.ema = 0.999;
  slow.epochs = 1;
  ToyMethod toy;
  ASSERT_TRUE(train(toy, slow, {.folder = dir / "run", .recipe = "r"}).ok());
  EXPECT_NEAR(toy.seen_by_validation, 0.1, 0.01);  // still near the start
}

// Two processes with half the batch each end where one with the whole batch does.
TEST(Trainer, TwoProcessesAreOneWithTheDoubleBatch) {
  const test::TempDir dir;
  const int port = 20000 + static_cast<int>(getpid() % 20000);
  std::vector<pid_t> children;
  for (int rank = 0; rank < 2; ++rank) {
    const pid_t pid = fork();
    if (pid == 0) {
      auto processes =
          join_processes({.rank = rank, .world = 2, .port = port, .timeout_seconds = 60});
      if (!processes.ok()) _exit(2);
      ToyMethod toy({rank, 2}, 8);
      toy.drops = false;
      const auto result = train(
          toy, options(), {.folder = dir / "two", .recipe = "r", .processes = processes->get()});
      _exit(result.ok() ? 0 : 3);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  ToyMethod one({}, 16);
  one.drops = false;
  ASSERT_TRUE(train(one, options(), {.folder = dir / "one", .recipe = "r"}).ok());
  ToyMethod two;
  ASSERT_TRUE(restore(two, dir / "two", false).ok());
  EXPECT_LT((one.weight - two.weight).abs().max().item<double>(), 1e-6);
  EXPECT_LT((one.offset - two.offset).abs().max().item<double>(), 1e-6);
  EXPECT_EQ(lines(dir / "one").size(), lines(dir / "two").size());
}

// Only process 1 is asked to stop; process 0 must not wait for it in a sum, and keeps a checkpoint.
TEST(Trainer, ProcessesStopTogether) {
  const test::TempDir dir;
  const int port = 20000 + static_cast<int>((getpid() + 104729) % 20000);
  const auto run_both = [&](bool stops) {
    std::vector<pid_t> children;
    std::vector<int> out;
    for (int rank = 0; rank < 2; ++rank) {
      const pid_t pid = fork();
      if (pid == 0) {
        auto processes = join_processes(
            {.rank = rank, .world = 2, .port = port + (stops ? 0 : 1), .timeout_seconds = 60});
        if (!processes.ok()) _exit(2);
        const std::atomic<bool> cancel = stops && rank == 1;
        ToyMethod toy({rank, 2}, 8);
        toy.drops = false;
        const auto result = train(toy, options(),
                                  {.folder = dir / "two",
                                   .recipe = "r",
                                   .processes = processes->get(),
                                   .cancel = &cancel});
        _exit(result.ok() ? 0 : result.status().code() == StatusCode::kCancelled ? 5 : 3);
      }
      children.push_back(pid);
    }
    for (const pid_t pid : children) {
      int status = 0;
      waitpid(pid, &status, 0);
      out.push_back(WEXITSTATUS(status));
    }
    return out;
  };
  EXPECT_EQ(run_both(true), (std::vector<int>{5, 5}));
  std::vector<std::string> skipped;
  const auto saved = find_last_run(dir / "two", skipped);
  ASSERT_TRUE(saved.ok() && saved->has_value());
  EXPECT_EQ((*saved)->state.global_step, 1);
  EXPECT_EQ(run_both(false), (std::vector<int>{0, 0}));
  ToyMethod one({}, 16);
  one.drops = false;
  ASSERT_TRUE(train(one, options(), {.folder = dir / "one", .recipe = "r"}).ok());
  ToyMethod two;
  ASSERT_TRUE(restore(two, dir / "two", false).ok());
  EXPECT_LT((one.offset - two.offset).abs().max().item<double>(), 1e-6);
}

// EmoCLIP in both modes of negatives: local ones are those of a batch in two chunks, gathered ones
// those of the whole batch.
TEST(Trainer, TwoProcessesOfEmoclipAreOne) {
  const test::TempDir dir;
  methods::write_clips(dir.path(), 32, 3, true);
  TrainOptions sgd;
  sgd.lr = 0.05;
  sgd.weight_decay = 5e-4;
  sgd.epochs = 2;
  const auto run = [&](const std::string& name, const methods::EmoclipRecipe& recipe,
                       Communicator* processes) -> std::unique_ptr<methods::Method> {
    methods::MethodContext context{.data = dir.path(), .cache = dir / (name + "-cache")};
    if (processes != nullptr) {
      context.processes.rank = processes->rank().rank;
      context.processes.world = processes->rank().world;
      context.processes.all_gather = [processes](const torch::Tensor& rows) {
        return std::move(processes->gather(rows)).value();
      };
    }
    auto method = methods::make_run<methods::EmoclipMethod>(recipe, context);
    if (!method.ok()) return nullptr;
    const auto result =
        train(**method, sgd, {.folder = dir / name, .recipe = "r", .processes = processes});
    return result.ok() ? std::move(method).value() : nullptr;
  };
  int port = 20000 + static_cast<int>((getpid() + 7919) % 20000);
  for (const std::string negatives : {"local", "gathered"}) {
    methods::EmoclipRecipe recipe = methods::small_recipe();
    recipe.training.augment = data::AugmentOptions::tilt_and_flip();
    recipe.training.negatives = negatives;
    recipe.training.batch = 4;
    std::vector<pid_t> children;
    for (int rank = 0; rank < 2; ++rank) {
      const pid_t pid = fork();
      if (pid == 0) {
        auto processes =
            join_processes({.rank = rank, .world = 2, .port = port, .timeout_seconds = 60});
        if (!processes.ok()) _exit(2);
        _exit(run("two-" + negatives, recipe, processes->get()) != nullptr ? 0 : 3);
      }
      children.push_back(pid);
    }
    ++port;
    for (const pid_t pid : children) {
      int status = 0;
      waitpid(pid, &status, 0);
      ASSERT_EQ(status, 0);
    }
    // In a process of its own too: what LibTorch starts here would not survive the next fork.
    recipe.training.batch = 8;
    recipe.training.local_chunks = negatives == "local" ? 2 : 1;
    recipe.training.negatives = "local";
    ASSERT_EQ(in_child([&] { return run("one-" + negatives, recipe, nullptr) ? 0 : 1; }), 0);
  }
  for (const std::string negatives : {"local", "gathered"}) {
    std::vector<std::string> skipped;
    const auto one = *find_last_run(dir / ("one-" + negatives), skipped);
    const auto two = *find_last_run(dir / ("two-" + negatives), skipped);
    ASSERT_TRUE(one && two);
    int compared = 0;
    for (const auto& [name, view] : one->tensors->tensors()) {
      if (!name.starts_with("model/")) continue;
      const auto a = nn::to_torch(view), b = nn::to_torch(*two->tensors->find(name));
      ASSERT_TRUE(a.ok() && b.ok());
      EXPECT_LT((*a - *b).abs().max().item<double>(), 1e-5) << negatives << " " << name;
      ++compared;
    }
    EXPECT_GT(compared, 40);
  }
}

TEST(Processes, BadOptions) {
  EXPECT_EQ(test::code_of(join_processes({.rank = 2, .world = 2})), StatusCode::kInvalidArgument);
  EXPECT_EQ(test::code_of(join_processes({.port = 0})), StatusCode::kInvalidArgument);
  EXPECT_EQ(test::code_of(join_processes({.rank = 1, .world = 2, .port = 1, .timeout_seconds = 1})),
            StatusCode::kIo);
}

TEST(EventFile, RecordsReadBack) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);  // the check value of CRC-32C
  const test::TempDir dir;
  EventFile file;
  MIEN_ASSERT_OK(file.open(dir.path(), 1.5e9, 0));
  MIEN_ASSERT_OK(file.scalar("train/loss", 0.25, 300, 1.5e9));
  MIEN_ASSERT_OK(file.flush());
  const auto entry = *std::filesystem::directory_iterator(dir.path());
  const auto text = read_text_file(entry.path(), 4096);
  ASSERT_TRUE(text.ok());
  // length, masked crc, wall time, step 300 (AC 02), summary, value, tag, simple value
  const std::size_t first = 8 + 4 + 26 + 4;
  ASSERT_GT(text->size(), first);
  std::uint64_t length = 0;
  std::memcpy(&length, text->data() + first, 8);
  const std::string event = text->substr(first + 12, length);
  EXPECT_EQ(event.substr(9, 3), std::string("\x10\xAC\x02", 3));
  EXPECT_THAT(event, HasSubstr("train/loss"));
  float value = 0;
  std::memcpy(&value, event.data() + event.size() - 4, 4);
  EXPECT_EQ(value, 0.25F);
  std::uint32_t crc = 0;
  std::memcpy(&crc, text->data() + first + 12 + length, 4);
  const std::uint32_t plain = crc32c(event);
  EXPECT_EQ(crc, ((plain >> 15) | (plain << 17)) + 0xA282EAD8U);
  EXPECT_EQ(text->size(), first + 12 + length + 4);
}

TEST(Trainer, EveryStageHasItsOwnRate) {
  const test::TempDir dir;
  ToyMethod toy;
  toy.stages_settings = {{.lr = 0.25, .schedule = "constant"},
                         {.lr = 0.5, .schedule = "restarts", .restart_epochs = 2}};
  TrainOptions own = options();
  own.per_epoch = true;
  MIEN_ASSERT_OK(train(toy, own, {.folder = dir.path(), .recipe = "r"}));
  const double expected[2][3] = {{0.25, 0.25, 0.25}, {0.5, 0.25, 0.5}};
  int told = 0;
  for (const std::string& line : lines(dir.path())) {
    const auto json = Json::parse(line);
    if (json->find("lr") == nullptr) continue;
    ++told;
    const auto stage = json->find("stage")->as_integer(), epoch = json->find("epoch")->as_integer();
    EXPECT_NEAR(json->find("lr")->as_number(), expected[stage][epoch], 1e-12) << line;
  }
  EXPECT_EQ(told, 2 * 3 * 7);
}

}  // namespace
}  // namespace mien::train
