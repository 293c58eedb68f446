#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/options.h"
#include "mien/methods/method.h"

namespace mien::train {

/// Options of a run that do not depend on the method. The defaults suit a small run; recipes state
/// the values of the papers.
struct TrainOptions {
  std::uint64_t seed = 1;
  int epochs = 0;  ///< of every stage; 0: as the method says
  std::string optimiser = "sgd";
  double lr = 1e-3;
  double momentum = 0.9;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  std::string schedule = "constant";
  std::vector<int> milestones = {};  ///< epochs
  double gamma = 0.1;                ///< factor at a milestone
  double min_factor = 0;             ///< smallest factor of a cosine
  double restart_epochs = 10;        ///< length of the first cycle of a cosine with restarts
  double restart_growth = 1;         ///< each later cycle is longer by this factor
  bool per_epoch = false;            ///< the rate changes only between epochs
  double warmup_epochs = 0;          ///< linear from 0
  double clip_norm = 0;              ///< 0: no clipping
  double ema = 0;                    ///< decay of the averaged weights; 0: none
  bool bf16 = false;                 ///< autocast
  bool deterministic = false;
  int patience = 0;  ///< epochs without improvement before stopping early; 0: never
  double checkpoint_minutes = 10;
  int checkpoint_steps = 0;  ///< 0: only by minutes and epochs
  int keep = 2;              ///< number of checkpoints
  int log_every = 10;        ///< steps

  /// Registers every option; `set` borrows the fields.
  void register_options(OptionSet& set);
};

/// `options` with the overrides of a stage. Errors: kInvalidArgument for an unknown schedule.
Result<TrainOptions> stage_options(const TrainOptions& options,
                                   const methods::StageSettings& settings);

/// Factor of the learning rate; `epoch` counts from 0 and has a fraction for
/// schedules that change within an epoch (cosine, restarts, warm-up); steps change at whole epochs.
/// `epoch_cosine` (E2N-FER's; `e2n` is its former name) changes at whole epochs: 1/20 while warming
/// up, then half a cosine over `epochs`.
double schedule_factor(const TrainOptions& options, double epoch, int epochs);

}  // namespace mien::train
