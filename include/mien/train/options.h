#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/options.h"
#include "mien/methods/method.h"

namespace mien::train {

/// How a run goes on, whatever the method. The defaults are those of a small run; recipes state
/// what papers used.
struct TrainOptions {
  std::uint64_t seed = 1;
  int epochs = 0;  ///< of every stage; 0: what the method says
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
  double min_factor = 0;             ///< the least factor of a cosine
  double restart_epochs = 10;        ///< length of the first cosine with restarts
  double restart_growth = 1;         ///< each following one is longer by this factor
  bool per_epoch = false;            ///< the rate changes between epochs only
  double warmup_epochs = 0;          ///< linear from 0
  double clip_norm = 0;              ///< 0: no clipping
  double ema = 0;                    ///< decay of the averaged weights; 0: none
  bool bf16 = false;                 ///< autocast
  bool deterministic = false;
  int patience = 0;  ///< epochs without a better validation; 0: no early stop
  double checkpoint_minutes = 10;
  int checkpoint_steps = 0;  ///< 0: by minutes and epochs only
  int keep = 2;              ///< checkpoints
  int log_every = 10;        ///< steps

  void register_options(OptionSet& set);
};

/// The options of a stage that wants some of its own. Errors: kInvalidArgument for a schedule that
/// is not known.
Result<TrainOptions> stage_options(const TrainOptions& options,
                                   const methods::StageSettings& settings);

/// Factor of the learning rate at a moment; `epoch` counts from 0 and has a fraction for
/// schedules that change within an epoch (cosine, restarts, warm-up); steps change at whole epochs.
/// `epoch_cosine` (E2N-FER's; `e2n` is its former name) changes at whole epochs: 1/20 while warming
/// up, then half a cosine over `epochs`.
double schedule_factor(const TrainOptions& options, double epoch, int epochs);

}  // namespace mien::train
