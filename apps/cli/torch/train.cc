#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <chrono>

#include "cli/progress.h"
#include "cli/torch/run.h"
#include "cli/train_flags.h"
#include "core/file.h"
#include "core/sha256.h"
#include "mien/kernels/cpu.h"
#include "mien/train/trainer.h"
#include "report/table.h"

namespace mien::cli {
namespace {

// The progress line on the terminal, redrawn at most five times a second.
class TrainLine {
 public:
  void show(const train::TrainProgress& at) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_terminal(stderr) || now - shown_ < std::chrono::milliseconds(200)) return;
    shown_ = now;
    const std::string stage =
        at.stages > 1 ? fmt::format("stage {}/{}, ", at.stage + 1, at.stages) : std::string();
    const std::string line =
        fmt::format("{}epoch {}/{}, step {}/{}, loss {:.4f}, {:.1f} samples/s, {} left", stage,
                    at.epoch + 1, at.epochs, at.step, at.steps, at.loss, at.samples_per_second,
                    report::clock_text(at.seconds_left));
    std::fprintf(stderr, "\r\033[K%s",
                 line.substr(0, static_cast<std::size_t>(terminal_width(stderr) - 1)).c_str());
    std::fflush(stderr);
    any_ = true;
  }
  void clear() {
    if (any_) std::fputs("\r\033[K", stderr);
    any_ = false;
  }

 private:
  std::chrono::steady_clock::time_point shown_ = {};
  bool any_ = false;
};

std::string figures_text(const methods::NamedValues& values) {
  std::string out;
  for (const auto& [name, value] : values) out += fmt::format("  {} {:.4g}", name, value);
  return out;
}

Json figures_json(const methods::NamedValues& values) {
  Json out = Json::object();
  for (const auto& [name, value] : values) out.set(name, value);
  return out;
}

void print_epoch(bool json, int stage, int epoch, const methods::NamedValues& values) {
  if (json) {
    Json line = Json::object();
    line.set("stage", stage);
    line.set("epoch", epoch + 1);
    line.set("values", figures_json(values));
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print("epoch {}{}\n", epoch + 1, figures_text(values));
  }
  std::fflush(stdout);
}

class TrainRun {
 public:
  TrainRun(Context& context, const TrainFlags& verb) : context_(context), verb_(verb) {}

  void all() {
    if (const Status status = context_.apply(); !status.ok()) return fail(status, kExitUsage);
    train::set_threads(kernels::threads());
    auto recipe = load_recipe(verb_.recipe, verb_.set);
    if (!recipe.ok()) return fail(recipe.status(), kExitUsage);
    recipe_ = std::move(recipe).value();
    if (verb_.deterministic) recipe_->train.deterministic = true;
    if (verb_.print) return fmt::print("{}", recipe_->to_yaml());
    auto processes = join_from_environment();
    if (!processes.ok()) return fail(processes.status(), kExitEnvironment);
    processes_ = std::move(processes).value();
    if (processes_) rank_ = processes_->rank();
    folder_ = verb_.out.empty()
                  ? std::filesystem::path("runs") / std::filesystem::path(verb_.recipe).stem()
                  : std::filesystem::path(verb_.out);
    if (const Status status = prepare_folder(); !status.ok()) {
      const bool usage = status.code() == StatusCode::kInvalidArgument;
      return fail(status, usage ? kExitUsage : kExitEnvironment);
    }
    if (const Status status = train_and_export(); !status.ok()) fail(status, kExitSomeFailed);
  }

 private:
  bool leads() const { return rank_.rank == 0; }

  void fail(const Status& status, ExitCode code) {
    line_.clear();
    Progress::clear_line();
    context_.fail(status, code);
  }

  Status prepare_folder() {
    MIEN_ASSIGN_OR_RETURN(resumes_, has_run());
    if (!leads()) return {};
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) return io_error(folder_.string() + ": cannot be created (" + error.message() + ")");
    // A resumed run keeps its own recipe; identity() compares it with this one.
    if (resumes_) return {};
    // A run writes both files first, so a recipe.yaml without data.txt is not a run's.
    const auto recipe = folder_ / "recipe.yaml";
    if (std::filesystem::exists(recipe, error) &&
        (std::filesystem::equivalent(recipe, verb_.recipe, error) ||
         !std::filesystem::exists(folder_ / "data.txt", error))) {
      return invalid_argument(recipe.string() +
                              ": does not belong to a run and would be replaced (expected --out "
                              "with a new folder or an earlier run)");
    }
    MIEN_RETURN_IF_ERROR(write_file_atomically(folder_ / "recipe.yaml", recipe_->to_yaml()));
    return write_file_atomically(folder_ / "data.txt",
                                 std::filesystem::absolute(verb_.data).string() + "\n");
  }

  Result<bool> has_run() const {
    std::vector<std::string> damaged;  // the trainer reports them
    MIEN_ASSIGN_OR_RETURN(const auto run, train::find_last_run(folder_, damaged));
    std::error_code error;  // cannot fail: the folder could be listed
    return run && std::filesystem::exists(folder_ / "recipe.yaml", error);
  }

  // The recipe as the trainer compares it. A resumed run was written by another version of this
  // program perhaps, so its own text counts.
  Result<std::string> identity() {
    if (!resumes_) return recipe_identity(recipe_->to_yaml(), rank_.world);
    MIEN_ASSIGN_OR_RETURN(const std::string began,
                          read_text_file(folder_ / "recipe.yaml", kMaxRecipe));
    MIEN_RETURN_IF_ERROR(recipe_->check_same(began).with_prefix(folder_.string()));
    return recipe_identity(began, rank_.world);
  }

  methods::MethodContext method_context() {
    methods::MethodContext out;
    out.data = verb_.data;
    out.cache = folder_ / "cache";
    out.seed = recipe_->train.seed;
    out.processes.rank = rank_.rank;
    out.processes.world = rank_.world;
    if (processes_) {
      out.processes.all_gather = [this](const torch::Tensor& rows) {
        auto all = processes_->gather(rows);
        if (!all.ok()) throw std::runtime_error(all.status().message());
        return std::move(all).value();
      };
    }
    const std::string yaml = recipe_->to_yaml();
    out.provenance.set("recipe", recipe_->set().to_json());
    out.provenance.set("recipe_sha256", sha256_hex(std::as_bytes(std::span(yaml))));
    out.cancel = &interrupted();
    // Notes of a method on its run belong to the result, not to standard error.
    out.log = [this, log = context_.log()](LogLevel level, std::string_view message) {
      if (level != LogLevel::kInfo) return log(level, message);
      if (!leads()) return;
      Progress::clear_line();
      if (!verb_.json) fmt::print("{}\n", message);
      notes_.emplace_back(message);
    };
    out.progress = [this](std::string_view what, std::int64_t done, std::int64_t total) {
      if (!preparing_ || what != preparing_what_ || done < preparing_done_) {
        preparing_ = std::make_unique<Progress>(std::string(what), total);
        preparing_what_ = what;
      }
      preparing_done_ = done;
      preparing_->update(done);
    };
    return out;
  }

  Status train_and_export() {
    MIEN_ASSIGN_OR_RETURN(const std::string identity, this->identity());
    MIEN_ASSIGN_OR_RETURN(const auto method, recipe_->options->make(method_context()));
    Progress::clear_line();
    train::TrainerContext context;
    context.folder = folder_;
    context.recipe = identity;
    context.processes = processes_.get();
    context.cancel = &interrupted();
    context.log = context_.log();
    context.progress = [this](const train::TrainProgress& at) { line_.show(at); };
    context.on_epoch = [this](int stage, int epoch, const methods::NamedValues& values) {
      Progress::clear_line();
      line_.clear();
      print_epoch(verb_.json, stage, epoch, values);
    };
    MIEN_ASSIGN_OR_RETURN(const train::TrainResult result,
                          train::train(*method, recipe_->train, context));
    line_.clear();
    if (!leads()) return {};
    MIEN_ASSIGN_OR_RETURN(const train::RunState best, train::restore(*method, folder_));
    const auto bundle = folder_ / "bundle";
    const Status exported = method->export_bundle(bundle, true);
    if (!exported.ok() && exported.code() != StatusCode::kUnsupported) return exported;
    print_result(result, best, best.validated ? method->selects_by() : std::string(),
                 exported.ok() ? bundle.string() : std::string());
    return {};
  }

  // `figure`: by which the best epoch was chosen; empty: none, the last epoch is used.
  void print_result(const train::TrainResult& result, const train::RunState& best,
                    const std::string& figure, const std::string& bundle) const {
    if (verb_.json) {
      Json out = Json::object();
      out.set("run", folder_.string());
      out.set("steps", result.state.global_step);
      out.set("seconds", result.state.seconds);
      out.set("resumed", result.resumed);
      out.set("notes", notes_json());
      out.set("best_epoch", best.best_epoch + 1);
      out.set("best", figure.empty() ? Json() : Json(best.best));
      out.set("selected_by", figure.empty() ? Json() : Json(figure));
      out.set("bundle", bundle.empty() ? Json() : Json(bundle));
      fmt::print("{}\n", out.dump());
      return;
    }
    fmt::print("{} steps in {}; ", result.state.global_step,
               report::clock_text(result.state.seconds));
    if (figure.empty()) {
      fmt::print("last epoch {} (no figure selects one)\n", best.best_epoch + 1);
    } else {
      fmt::print("best epoch {} ({} {:.4g})\n", best.best_epoch + 1, figure, best.best);
    }
    if (!bundle.empty()) fmt::print("bundle: {}\n", bundle);
  }

  Json notes_json() const {
    Json out = Json::array();
    for (const std::string& note : notes_) out.push_back(note);
    return out;
  }

  Context& context_;
  const TrainFlags& verb_;
  std::unique_ptr<Recipe> recipe_;
  std::unique_ptr<train::Communicator> processes_;
  methods::Rank rank_;
  std::filesystem::path folder_;
  bool resumes_ = false;  // the folder holds a run with a checkpoint
  std::unique_ptr<Progress> preparing_;
  std::string preparing_what_;
  std::int64_t preparing_done_ = 0;
  std::vector<std::string> notes_;  ///< of the method
  TrainLine line_;
};

}  // namespace

void add_train(CLI::App& app, Context& context) {
  auto options = std::make_shared<TrainFlags>();
  add_train_verb(app, *options)->callback([&context, options] {
    TrainRun(context, *options).all();
  });
}

}  // namespace mien::cli
