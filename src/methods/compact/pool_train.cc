// Attention pooling over frames, trained on sequences made from pictures.
#include "methods/compact/pool_train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/sha256.h"
#include "data/embedding_cache.h"
#include "data/loader.h"
#include "loss/unit_rows.h"
#include "methods/compact/votes.h"
#include "methods/kit/below_data.h"
#include "methods/kit/epoch_seed.h"
#include "methods/kit/named_tensors.h"
#include "mien/engine/label_scorer.h"
#include "mien/metrics/confusion.h"
#include "mien/text/prompts.h"
#include "nn/load.h"

namespace mien::methods {
namespace {

constexpr std::size_t kEmbeddedPictures = 64;  // that the image tower reads at a time

// With votes, only pictures whose label most annotators agree with: a sequence has no other frame
// to correct a wrong one.
bool is_clear(const data::Sample& sample, const std::vector<std::int64_t>& vote_class) {
  if (sample.labels.size() != 1) return false;
  const auto votes = data::votes_of(sample);
  if (!votes.ok() || !*votes) return true;
  const std::int64_t own = vote_class[static_cast<std::size_t>(sample.labels.front())];
  return own < 0 || vote_shares(**votes)[static_cast<std::size_t>(own)] > 0.5F;
}

}  // namespace

torch::Tensor TemporalPoolMethod::scores(const torch::Tensor& clips) const {
  return scale_ * at::matmul(loss::unit_rows(clips), labels_.t());
}

Status TemporalPoolMethod::prepare() {
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  const std::filesystem::path path = below_data(context_.data, recipe_.training.init);
  MIEN_ASSIGN_OR_RETURN(bundle_,
                        engine::Bundle::load(path, {.precision = engine::PrecisionChoice::kF32}));
  MIEN_ASSIGN_OR_RETURN(encoder_, bundle_->image_encoder());
  MIEN_RETURN_IF_ERROR(prepare_labels());
  torch::manual_seed(context_.seed);
  pool_ = nn::AttentionPool(encoder_->embed(), recipe_.training.hidden);
  MIEN_ASSIGN_OR_RETURN(
      train_, table(*data_.train, data_.train_view, recipe_.training.views, "training pictures"));
  if (data_.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(val_, table(*data_.val, data_.val_view, 1, "validation pictures"));
  return {};
}

Status TemporalPoolMethod::prepare_labels() {
  const engine::BundleInfo& info = bundle_->info();
  if (info.labels.empty()) {
    return invalid_argument(recipe_.training.init + ": has no labels (expected one per class)");
  }
  Tensor encoded;
  const TensorView* stored = bundle_->label_features();
  if (stored == nullptr) {
    MIEN_ASSIGN_OR_RETURN(encoded, engine::encode_label_features(*bundle_, info.labels, session_));
  }
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor rows,
                        nn::to_torch(stored != nullptr ? *stored : encoded.view()));
  std::map<std::string, torch::Tensor, std::less<>> of_label;
  std::int64_t at = 0;
  for (const text::Label& label : info.labels) {
    const auto count = static_cast<std::int64_t>(label.texts.size());
    if (count == 0 || !label.parts.empty()) {
      return unsupported(fmt::format("{}: label '{}' has parts (expected texts)",
                                     recipe_.training.init, label.name));
    }
    of_label[std::string(text::builtin_label_of(label.name))] = of_label[label.name] =
        loss::unit_rows(loss::unit_rows(rows.narrow(0, at, count)).mean(0));
    at += count;
  }
  std::vector<torch::Tensor> out;
  for (const std::string& name : data_.train->classes) {
    auto found = of_label.find(name);
    if (found == of_label.end()) found = of_label.find(text::builtin_label_of(name));
    if (found == of_label.end() || found->first.empty()) {
      return invalid_argument(
          fmt::format("{}: has no label for class '{}'", recipe_.training.init, name));
    }
    out.push_back(found->second);
  }
  labels_ = at::stack(out);
  scale_ = info.logit_scale / info.temperature;
  return {};
}

Result<TemporalPoolMethod::Table> TemporalPoolMethod::table(const data::Manifest& manifest,
                                                            const data::View& view, int views,
                                                            const std::string& which) {
  const std::vector<std::int64_t> vote_class = vote_places(manifest.classes);
  std::vector<std::int64_t> places;
  Table out;
  out.pictures.of_class.resize(manifest.classes.size());
  for (std::size_t c = 0; c < manifest.classes.size(); ++c) {
    if (text::builtin_label_of(manifest.classes[c]) == "neutral") {
      out.pictures.neutral = static_cast<int>(c);
    }
  }
  for (const std::int64_t place : view) {
    const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
    if (!is_clear(sample, vote_class)) continue;
    out.pictures.of_class[static_cast<std::size_t>(sample.labels.front())].push_back(
        static_cast<std::int64_t>(places.size()));
    places.push_back(place);
  }
  const auto with = std::count_if(out.pictures.of_class.begin(), out.pictures.of_class.end(),
                                  [](const auto& rows) { return !rows.empty(); });
  if (with < 2 || out.pictures.of_class[static_cast<std::size_t>(out.pictures.neutral)].empty()) {
    return invalid_argument(fmt::format(
        "{}: has {} classes with pictures (expected neutral and one more)", manifest.name, with));
  }
  data::EmbeddingCacheOptions options;
  options.folder = context_.cache;
  options.rows = static_cast<std::int64_t>(places.size()) * views;
  options.width = encoder_->embed();
  options.cancel = context_.cancel;
  std::string key = fmt::format("temporal-pool fp32 {} {} {}", context_.seed, views, manifest.name);
  for (const auto& [file, hash] : bundle_->info().files) key += "\n" + file + " " + hash;
  for (const std::int64_t place : places) key += fmt::format("\n{}", place);
  options.key = sha256_hex(std::as_bytes(std::span(key)));
  options.progress = [&](std::int64_t done) {
    if (context_.progress) context_.progress(which, done, options.rows);
  };
  MIEN_ASSIGN_OR_RETURN(const auto cache,
                        data::EmbeddingCache::open(
                            options, [&](std::int64_t first, std::int64_t, std::span<float> rows) {
                              return fill(manifest, places, first, rows);
                            }));
  out.rows = torch::empty({views, static_cast<std::int64_t>(places.size()), cache->width()});
  const auto width = static_cast<std::size_t>(cache->width());
  for (std::int64_t row = 0; row < cache->rows(); ++row) {
    cache->copy_row(row,
                    {out.rows.data_ptr<float>() + static_cast<std::size_t>(row) * width, width});
  }
  return out;
}

// Rows of all pictures, then of all pictures changed once, and so on.
Status TemporalPoolMethod::fill(const data::Manifest& manifest,
                                const std::vector<std::int64_t>& places, std::int64_t first,
                                std::span<float> out) {
  SequenceReader reader;
  reader.preprocess = bundle_->info().preprocess;
  const int side = reader.preprocess.output_size();
  const std::size_t each = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  const auto width = static_cast<std::size_t>(encoder_->embed());
  const auto pictures = static_cast<std::int64_t>(places.size());
  data::Loader<std::vector<float>> loader(
      [&](std::int64_t row, Rng& rng) -> Result<std::vector<float>> {
        const auto place =
            static_cast<std::size_t>(places[static_cast<std::size_t>(row % pictures)]);
        std::vector<float> planes(each);
        MIEN_RETURN_IF_ERROR(reader.read(manifest, manifest.samples[place].frames.front(), planes));
        if (row >= pictures) {
          data::augment(data::draw_augmentation(recipe_.training.augment, rng), side, planes, rng);
        }
        return planes;
      },
      {.threads = recipe_.data.threads,
       .ahead = 4 * static_cast<int>(kEmbeddedPictures),
       .max_bad_share = recipe_.data.max_bad_share});
  data::View order;
  const std::size_t count = out.size() / width;
  for (std::size_t i = 0; i < count; ++i) order.push_back(first + static_cast<std::int64_t>(i));
  loader.start(std::move(order), context_.seed + static_cast<std::uint64_t>(first));
  std::vector<float> pixels;
  for (std::size_t done = 0; done < count;) {
    const std::size_t batch = std::min(kEmbeddedPictures, count - done);
    pixels.clear();
    for (std::size_t i = 0; i < batch; ++i) {
      MIEN_ASSIGN_OR_RETURN(const std::vector<float> planes, loader.next());
      pixels.insert(pixels.end(), planes.begin(), planes.end());
    }
    MIEN_RETURN_IF_ERROR(encoder_->encode(pixels.data(), static_cast<std::int64_t>(batch),
                                          out.data() + done * width, session_));
    done += batch;
  }
  torch::Tensor rows = torch::from_blob(
      out.data(), {static_cast<std::int64_t>(count), static_cast<std::int64_t>(width)});
  rows.copy_(loss::unit_rows(rows));
  return {};
}

std::vector<ParameterGroup> TemporalPoolMethod::begin_stage(int) {
  ParameterGroup out{.name = "pool", .parameters = state()};
  for (const auto& item : out.parameters) torch::Tensor(item.second).set_requires_grad(true);
  return {std::move(out)};
}

NamedTorchTensors TemporalPoolMethod::state() {
  return prefixed("temporal.", nn::named_parameters(*pool_));
}

Status TemporalPoolMethod::begin_epoch(int, int epoch, std::int64_t first_step) {
  epoch_seed_ = epoch_seed(context_.seed, 0, epoch);
  at_ = first_step;
  return {};
}

TemporalPoolMethod::Batch TemporalPoolMethod::draw(const Table& table, std::int64_t count,
                                                   int frames, Rng& rng) const {
  const auto views = static_cast<std::uint64_t>(table.rows.size(0));
  const std::int64_t pictures = table.rows.size(1), width = table.rows.size(2);
  const float* rows = table.rows.data_ptr<float>();
  Batch out{torch::empty({count, frames, width}), torch::empty({count}, torch::kInt64),
            torch::zeros({count, width})};
  for (std::int64_t n = 0; n < count; ++n) {
    const Sequence sequence =
        draw_sequence(table.pictures, frames, recipe_.training.sequences, rng);
    out.labels[n] = sequence.label;
    float* showing = out.showing.data_ptr<float>() + n * width;
    for (int t = 0; t < frames; ++t) {
      const SequenceFrame& frame = sequence.frames[static_cast<std::size_t>(t)];
      const auto view = static_cast<std::int64_t>(rng.below(views));
      const float* from = rows + (view * pictures + frame.from) * width;
      const float* to = rows + (view * pictures + frame.to) * width;
      float* row = out.frames.data_ptr<float>() + (n * frames + t) * width;
      for (std::int64_t i = 0; i < width; ++i) {
        row[i] = (1 - frame.share) * from[i] + frame.share * to[i];
        if (sequence.shows[static_cast<std::size_t>(t)] != 0) showing[i] += row[i];
      }
    }
  }
  return out;
}

Result<StepOutput> TemporalPoolMethod::step() {
  Rng rng(epoch_seed_ * 0x9E3779B97F4A7C15ULL + static_cast<std::uint64_t>(at_++) * 64 +
          static_cast<std::uint64_t>(context_.processes.rank));
  const int longest = std::max(recipe_.training.frames, kShortest);
  const auto room = static_cast<std::uint64_t>(longest - kShortest + 1);
  StepOutput out;
  out.samples = recipe_.training.batch;
  const Batch batch = draw(train_, out.samples, kShortest + static_cast<int>(rng.below(room)), rng);
  const torch::Tensor clips = pool_->forward(batch.frames);
  const torch::Tensor named = at::cross_entropy_loss(scores(clips), batch.labels);
  const torch::Tensor cosine = at::cosine_similarity(clips, batch.showing, 1).mean();
  out.loss = named + recipe_.training.stay_weight * (1 - cosine);
  out.values = {{"label_loss", named.item<double>()}, {"cosine", cosine.item<double>()}};
  out.ids = {fmt::format("sequences of step {}", at_ - 1)};
  return out;
}

// The same sequences every time, by the pool and by their mean.
Result<NamedValues> TemporalPoolMethod::validate(int, int) {
  if (!val_.rows.defined()) return NamedValues{};
  Rng rng(context_.seed ^ 0xC1A55ULL);
  const auto classes = static_cast<std::size_t>(labels_.size(0));
  metrics::ConfusionMatrix pooled(classes), averaged(classes);
  for (std::int64_t done = 0; done < recipe_.training.validation; done += recipe_.training.batch) {
    MIEN_RETURN_IF_ERROR(context_.validating(done, recipe_.training.validation));
    const int frames = kShortest + static_cast<int>(rng.below(static_cast<std::uint64_t>(
                                       std::max(1, recipe_.training.frames - kShortest + 1))));
    const Batch batch = draw(val_, recipe_.training.batch, frames, rng);
    const torch::Tensor by_pool = scores(pool_->forward(batch.frames)).argmax(1);
    const torch::Tensor by_mean = scores(loss::unit_rows(batch.frames).mean(1)).argmax(1);
    for (std::int64_t n = 0; n < batch.labels.size(0); ++n) {
      const auto truth = static_cast<std::size_t>(batch.labels[n].item<std::int64_t>());
      pooled.add(truth, static_cast<std::size_t>(by_pool[n].item<std::int64_t>()));
      averaged.add(truth, static_cast<std::size_t>(by_mean[n].item<std::int64_t>()));
    }
  }
  MIEN_ASSIGN_OR_RETURN(const double war, metrics::weighted_average_recall(pooled));
  MIEN_ASSIGN_OR_RETURN(const double mean_war, metrics::weighted_average_recall(averaged));
  return NamedValues{{"war", war}, {"mean_war", mean_war}};
}

}  // namespace mien::methods
