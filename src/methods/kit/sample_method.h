#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "data/loader.h"
#include "methods/kit/clip_items.h"
#include "methods/kit/training_data.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// A method that reads samples in batches: its data, their order in an epoch, threads that read
/// ahead, and passes over other samples. Create it with make_run, which stops those threads before
/// the method is destroyed. Threads: make_item runs on several at once, also during step();
/// everything else is called from one.
class SampleMethod : public Method {
 public:
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;

  const TrainingData& data() const { return data_; }
  /// Stops the threads that read ahead; begin_epoch starts them again.
  void stop_reading() { loader_.reset(); }

 protected:
  using Items = std::vector<ClipItem>;

  SampleMethod(DataOptions data, MethodContext context)
      : data_options_(std::move(data)), context_(std::move(context)) {}

  /// Reads the data and drops samples that do not have exactly one label. Errors: those of
  /// load_training_data and keep_labelled.
  Status load_labelled_data();
  /// Sets the size of a batch, and how many batches are read ahead.
  void set_batch(int batch, int ahead = 2);

  /// Reads one sample: with kTrain of the training part, with kTest of any manifest. All randomness
  /// comes from `rng`, which makes a resumed run see the same samples.
  virtual Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                                     std::int64_t place, Rng& rng) const = 0;
  /// The loss of a batch, and what is logged beside it.
  virtual Status forward(const Items& items, StepOutput& out) = 0;
  /// The samples of an epoch, before they are shuffled.
  virtual data::View epoch_view(Rng&) const { return data_.train_view; }
  /// Whether the last, smaller batch of an epoch is used. It never is with several processes, which
  /// must take the same number of steps.
  virtual bool takes_rest() const { return false; }

  /// The samples of an epoch in their order, and the seed of everything random about them; the same
  /// for the same stage and epoch.
  struct EpochOrder {
    data::View view;
    std::uint64_t seed = 0;
  };
  EpochOrder epoch_order(int stage, int epoch) const;

  /// Passes the samples of a view to `use` in order, at most `batch` at a time. Errors: those of
  /// the samples and of `use`; kCancelled.
  Status read_all(const data::Manifest& manifest, const data::View& view, int batch,
                  const std::function<Status(const Items&)>& use) const;
  /// read_all of the samples that validate.
  Status read_validation(int batch, const std::function<Status(const Items&)>& use) const {
    return read_all(*data_.val, data_.val_view, batch, use);
  }

  DataOptions data_options_;
  MethodContext context_;
  TrainingData data_;

 private:
  bool keeps_rest() const { return takes_rest() && context_.processes.world == 1; }
  data::LoaderOptions loader_options() const;

  int batch_ = 1, batches_ahead_ = 2;
  std::unique_ptr<data::Loader<ClipItem>> loader_;
};

}  // namespace mien::methods
