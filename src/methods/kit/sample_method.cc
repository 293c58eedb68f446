#include "methods/kit/sample_method.h"

#include <utility>

#include "methods/kit/epoch_seed.h"
#include "methods/kit/labelled.h"

namespace mien::methods {

Status SampleMethod::load_labelled_data() {
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(data_options_, context_.data, context_.seed));
  return keep_labelled(data_);
}

void SampleMethod::set_batch(int batch, int ahead) {
  batch_ = batch;
  batches_ahead_ = ahead;
}

std::int64_t SampleMethod::steps_per_epoch(int) const {
  Rng rng(1);  // any seed: the number of samples does not depend on it
  const auto count = static_cast<std::int64_t>(epoch_view(rng).size());
  const std::int64_t common = std::int64_t{batch_} * context_.processes.world;
  return keeps_rest() ? (count + common - 1) / common : count / common;
}

data::LoaderOptions SampleMethod::loader_options() const {
  return {.threads = data_options_.threads,
          .ahead = batches_ahead_ * batch_,
          .max_bad_share = data_options_.max_bad_share,
          .batch = keeps_rest() ? 1 : batch_,  // the loader drops an incomplete batch
          .rank = context_.processes.rank,
          .world = context_.processes.world};
}

SampleMethod::EpochOrder SampleMethod::epoch_order(int stage, int epoch) const {
  EpochOrder out;
  out.seed = epoch_seed(context_.seed, stage, epoch);
  Rng rng(out.seed);
  out.view = data::shuffled(epoch_view(rng), rng);
  return out;
}

Status SampleMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  if (!loader_) {
    loader_ = std::make_unique<data::Loader<ClipItem>>(
        [this](std::int64_t place, Rng& rng) {
          return make_item(*data_.train, video::SamplingPhase::kTrain, place, rng);
        },
        loader_options());
  }
  EpochOrder order = epoch_order(stage, epoch);
  loader_->start(std::move(order.view), order.seed, first_step * batch_);
  return {};
}

Result<StepOutput> SampleMethod::step() {
  StepOutput out;
  Items items;
  for (int i = 0; i < batch_ && (!keeps_rest() || loader_->remaining() > 0); ++i) {
    MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader_->next());
    out.ids.push_back(data_.train->samples[static_cast<std::size_t>(items.back().place)].id);
  }
  if (items.empty()) return internal_error("a step without samples");
  out.samples = static_cast<std::int64_t>(items.size());
  MIEN_RETURN_IF_ERROR(forward(items, out));
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  return out;
}

Status SampleMethod::read_all(const data::Manifest& manifest, const data::View& view, int batch,
                              const std::function<Status(const Items&)>& use) const {
  data::Loader<ClipItem> loader(
      [&](std::int64_t place, Rng& rng) {
        return make_item(manifest, video::SamplingPhase::kTest, place, rng);
      },
      {.threads = data_options_.threads,
       .ahead = 2 * batch,
       .max_bad_share = data_options_.max_bad_share});
  loader.start(view, 0);
  const auto total = static_cast<std::int64_t>(view.size());
  while (loader.remaining() > 0) {
    MIEN_RETURN_IF_ERROR(context_.validating(total - loader.remaining(), total));
    Items items;
    while (loader.remaining() > 0 && items.size() < static_cast<std::size_t>(batch)) {
      MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader.next());
    }
    MIEN_RETURN_IF_ERROR(use(items));
  }
  return {};
}

}  // namespace mien::methods
