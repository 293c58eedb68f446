#include "mien/eval/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>

#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/decode.h"
#include "mien/image/preprocess.h"
#include "mien/text/prompts.h"

namespace mien::eval {
namespace {

// Frames wait until this many fill a pass of the image tower.
constexpr std::int64_t kBatch = 16;

class Run {
 public:
  Run(const engine::Bundle& bundle, const data::Manifest& manifest, const RunOptions& options)
      : info_(bundle.info()), manifest_(manifest), options_(options) {}

  Status prepare(const engine::Bundle& bundle, const text::LabelSet& labels) {
    MIEN_ASSIGN_OR_RETURN(places_, match_labels(labels, manifest_.classes));
    MIEN_ASSIGN_OR_RETURN(
        scorer_, engine::LabelScorer::make(bundle, labels, {.reduce = options_.reduce}, session_));
    MIEN_ASSIGN_OR_RETURN(encoder_, bundle.image_encoder());
    MIEN_ASSIGN_OR_RETURN(clips_, engine::ClipReader::make(bundle));
    MIEN_ASSIGN_OR_RETURN(finder_, face::make_finder(options_.finder));
    width_ = static_cast<std::size_t>(encoder_->embed());
    const auto side = static_cast<std::size_t>(encoder_->image_size());
    each_ = 3 * side * side;
    out_.classes = manifest_.classes;
    return {};
  }

  Result<RunResult> all() {
    const std::size_t total = manifest_.samples.size();
    for (std::size_t i = 0; i < total; ++i) {
      if (options_.cancel != nullptr && *options_.cancel) return cancelled("evaluation: stopped");
      const data::Sample& sample = manifest_.samples[i];
      if (sample.labels.size() != 1) {
        ++out_.compound;
        continue;
      }
      if (const Status status = add(sample); !status.ok()) {
        out_.unreadable.push_back(status.message());
        const double share =
            static_cast<double>(out_.unreadable.size()) / static_cast<double>(total);
        if (share > options_.max_bad_share && out_.unreadable.size() > 1) {
          return status.with_prefix(fmt::format(
              "{}: {} of {} samples are unreadable (expected at most {:.0f} %); the "
              "last",
              manifest_.name, out_.unreadable.size(), total, 100 * options_.max_bad_share));
        }
      }
      if (waiting_.size() >= static_cast<std::size_t>(kBatch)) MIEN_RETURN_IF_ERROR(flush());
      if (options_.progress) options_.progress(static_cast<std::int64_t>(i) + 1);
    }
    MIEN_RETURN_IF_ERROR(flush());
    if (out_.predictions.empty()) {
      return out_.unreadable.empty()
                 ? invalid_argument(manifest_.name + ": has no sample with a single label")
                 : corrupt(out_.unreadable.front());
    }
    return std::move(out_);
  }

 private:
  // Frames of one sample that wait for the tower; the sample is complete when its last is through.
  struct Waiting {
    const data::Sample* sample;
    engine::ClipPlan plan;
  };

  Status add(const data::Sample& sample) {
    MIEN_ASSIGN_OR_RETURN(engine::ClipPlan plan,
                          clips_->plan(static_cast<std::int64_t>(sample.frames.size())));
    std::vector<float> pixels(plan.frames.size() * each_);
    bool whole = false;
    for (std::size_t f = 0; f < plan.frames.size(); ++f) {
      const std::string& name = sample.frames[static_cast<std::size_t>(plan.frames[f])];
      MIEN_RETURN_IF_ERROR(
          read(name, std::span(pixels).subspan(f * each_, each_), whole).with_prefix(name));
    }
    if (whole) ++out_.without_face;
    waiting_.push_back({&sample, std::move(plan)});
    pixels_.insert(pixels_.end(), pixels.begin(), pixels.end());
    return {};
  }

  Status read(const std::string& name, std::span<float> out, bool& whole) {
    MIEN_ASSIGN_OR_RETURN(const auto bytes, manifest_.store->read(name));
    MIEN_ASSIGN_OR_RETURN(image::Image picture, image::decode(bytes, options_.limits));
    if (options_.alter) {
      MIEN_ASSIGN_OR_RETURN(picture, options_.alter(picture, name));
    }
    face::Face face;
    if (options_.finder.mode == face::Mode::kWhole) {
      face.source = face::Source::kWhole;
      face.box = {0, 0, static_cast<float>(picture.width()), static_cast<float>(picture.height())};
    } else {
      MIEN_ASSIGN_OR_RETURN(const auto faces, finder_->find(picture, name));
      if (faces.empty()) {
        whole = true;
        face.source = face::Source::kWhole;
        face.box = {0, 0, static_cast<float>(picture.width()),
                    static_cast<float>(picture.height())};
      } else {
        face = faces.front();
      }
    }
    MIEN_ASSIGN_OR_RETURN(const image::Image crop, face::crop_face(picture, face, info_.crop));
    return image::preprocess(crop, info_.preprocess, out);
  }

  Status flush() {
    const auto frames = static_cast<std::int64_t>(pixels_.size() / each_);
    if (frames == 0) return {};
    std::vector<float> rows(static_cast<std::size_t>(frames) * width_);
    for (std::int64_t first = 0; first < frames; first += kBatch) {
      const std::int64_t count = std::min(kBatch, frames - first);
      MIEN_RETURN_IF_ERROR(
          encoder_->encode(pixels_.data() + static_cast<std::size_t>(first) * each_, count,
                           rows.data() + static_cast<std::size_t>(first) * width_, session_));
    }
    const float* row = rows.data();
    for (const Waiting& item : waiting_) {
      std::vector<float> clip(width_);
      MIEN_RETURN_IF_ERROR(clips_->read(item.plan, row, clip.data(), session_));
      row += item.plan.frames.size() * width_;
      out_.predictions.push_back(answer(*item.sample, clip));
    }
    waiting_.clear();
    pixels_.clear();
    return {};
  }

  Prediction answer(const data::Sample& sample, std::span<const float> embedding) const {
    Prediction out{.id = sample.id,
                   .truth = static_cast<std::size_t>(sample.labels.front()),
                   .probabilities = {}};
    std::vector<double> of_label(scorer_->names().size()), cosines(scorer_->names().size());
    for (const engine::LabelScore& score : scorer_->score(embedding).labels) {
      const auto place = std::find(scorer_->names().begin(), scorer_->names().end(), score.label);
      const auto label = static_cast<std::size_t>(place - scorer_->names().begin());
      of_label[label] = static_cast<double>(score.probability);
      cosines[label] = static_cast<double>(score.cosine);
    }
    for (const std::size_t place : places_) out.cosines.push_back(cosines[place]);
    double sum = 0;
    for (const std::size_t place : places_) sum += of_label[place];
    for (const std::size_t place : places_) {
      out.probabilities.push_back(sum > 0 ? of_label[place] / sum
                                          : 1.0 / static_cast<double>(places_.size()));
    }
    return out;
  }

  const engine::BundleInfo& info_;
  const data::Manifest& manifest_;
  const RunOptions& options_;
  engine::Session session_;
  std::shared_ptr<const engine::LabelScorer> scorer_;
  std::shared_ptr<const engine::ImageEncoder> encoder_;
  std::optional<engine::ClipReader> clips_;
  std::unique_ptr<face::FaceFinder> finder_;
  std::vector<std::size_t> places_;  // label of every class
  std::size_t width_ = 0;
  std::size_t each_ = 0;
  std::vector<Waiting> waiting_;
  std::vector<float> pixels_;
  RunResult out_;
};

}  // namespace

Result<RunResult> run_zero_shot(const std::shared_ptr<const engine::Bundle>& bundle,
                                const data::Manifest& manifest, const text::LabelSet& labels,
                                const RunOptions& options) {
  Run run(*bundle, manifest, options);
  MIEN_RETURN_IF_ERROR(run.prepare(*bundle, labels));
  return run.all();
}

Result<std::vector<std::size_t>> match_labels(const text::LabelSet& labels,
                                              const std::vector<std::string>& classes) {
  std::vector<std::size_t> out;
  for (const std::string& name : classes) {
    const std::string_view meaning = text::builtin_label_of(name);
    const auto it =
        std::find_if(labels.labels.begin(), labels.labels.end(), [&](const text::Label& label) {
          return label.name == name ||
                 (!meaning.empty() && text::builtin_label_of(label.name) == meaning);
        });
    if (it == labels.labels.end()) {
      std::vector<std::string> known;
      for (const text::Label& label : labels.labels) known.push_back(label.name);
      return invalid_argument(
          fmt::format("class '{}': has no label (labels: {})", name, fmt::join(known, ", ")));
    }
    out.push_back(static_cast<std::size_t>(it - labels.labels.begin()));
  }
  return out;
}

}  // namespace mien::eval
