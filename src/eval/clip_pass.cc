#include "eval/clip_pass.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/store.h"
#include "mien/image/decode.h"
#include "mien/image/preprocess.h"

namespace mien::eval {
namespace {

// Number of frames per pass of the image tower.
constexpr std::int64_t kBatch = 16;

}  // namespace

Status ClipPass::prepare(const engine::Bundle& bundle) {
  MIEN_ASSIGN_OR_RETURN(encoder_, bundle.image_encoder());
  MIEN_ASSIGN_OR_RETURN(clips_, engine::ClipReader::make(bundle));
  MIEN_ASSIGN_OR_RETURN(finder_, face::make_finder(options_.finder));
  width_ = static_cast<std::size_t>(encoder_->embed());
  const auto side = static_cast<std::size_t>(encoder_->image_size());
  each_ = 3 * side * side;
  return {};
}

Status ClipPass::run(const std::function<bool(const data::Sample&)>& wanted, const Sink& sink) {
  std::int64_t done = 0;
  for (const data::Sample& sample : manifest_.samples) {
    if (options_.cancel != nullptr && *options_.cancel) return cancelled("evaluation: cancelled");
    if (wanted(sample)) {
      if (const Status status = add(sample); !status.ok()) {
        MIEN_RETURN_IF_ERROR(count_unreadable(status));
      }
    }
    if (waiting_.size() >= static_cast<std::size_t>(kBatch)) MIEN_RETURN_IF_ERROR(flush(sink));
    if (options_.progress) options_.progress(++done);
  }
  return flush(sink);
}

Status ClipPass::count_unreadable(const Status& status) {
  unreadable.push_back(status.message());
  const std::size_t total = manifest_.samples.size();
  const double share = static_cast<double>(unreadable.size()) / static_cast<double>(total);
  if (share <= options_.max_bad_share || unreadable.size() < 2) return {};
  return status.with_prefix(
      fmt::format("{}: {} of {} samples are unreadable (expected at most {:.0f} %); the last",
                  manifest_.name, unreadable.size(), total, 100 * options_.max_bad_share));
}

Status ClipPass::add(const data::Sample& sample) {
  MIEN_ASSIGN_OR_RETURN(engine::ClipPlan plan,
                        clips_->plan(static_cast<std::int64_t>(sample.frames.size())));
  std::vector<float> pixels(plan.frames.size() * each_);
  bool whole = false;
  for (std::size_t f = 0; f < plan.frames.size(); ++f) {
    const std::string& name = sample.frames[static_cast<std::size_t>(plan.frames[f])];
    MIEN_RETURN_IF_ERROR(
        read(name, std::span(pixels).subspan(f * each_, each_), whole).with_prefix(name));
  }
  if (whole) ++without_face;
  waiting_.push_back({&sample, std::move(plan)});
  pixels_.insert(pixels_.end(), pixels.begin(), pixels.end());
  return {};
}

Status ClipPass::read(const std::string& name, std::span<float> out, bool& whole) {
  MIEN_ASSIGN_OR_RETURN(const auto bytes, manifest_.store->read(name));
  MIEN_ASSIGN_OR_RETURN(image::Image picture, image::decode(bytes, options_.limits));
  if (options_.alter) {
    MIEN_ASSIGN_OR_RETURN(picture, options_.alter(picture, name));
  }
  face::Face face;
  face.source = face::FaceSource::kWhole;
  face.box = {0, 0, static_cast<float>(picture.width()), static_cast<float>(picture.height())};
  if (options_.finder.mode != face::Mode::kWhole) {
    MIEN_ASSIGN_OR_RETURN(const auto faces, finder_->find(picture, name));
    if (faces.empty()) {
      whole = true;
    } else {
      face = faces.front();
    }
  }
  MIEN_ASSIGN_OR_RETURN(const image::Image crop, face::crop_face(picture, face, info_.crop));
  return image::preprocess(crop, info_.preprocess, out);
}

// The first frame of a clip decides the patch position for all of its frames.
Status ClipPass::place(std::vector<engine::PromptPlace>& places) {
  if (!encoder_->places_patches()) return {};
  const float* first = pixels_.data();
  for (const Waiting& item : waiting_) {
    MIEN_ASSIGN_OR_RETURN(const auto of_first, encoder_->places(first, 1, session));
    places.insert(places.end(), item.plan.frames.size(), of_first.front());
    first += item.plan.frames.size() * each_;
  }
  return {};
}

Status ClipPass::flush(const Sink& sink) {
  const auto frames = static_cast<std::int64_t>(pixels_.size() / each_);
  if (frames == 0) return {};
  std::vector<float> rows(static_cast<std::size_t>(frames) * width_);
  std::vector<engine::PromptPlace> places;
  MIEN_RETURN_IF_ERROR(place(places));
  for (std::int64_t first = 0; first < frames; first += kBatch) {
    const std::int64_t count = std::min(kBatch, frames - first);
    const auto from = static_cast<std::size_t>(first);
    MIEN_RETURN_IF_ERROR(encoder_->encode(
        pixels_.data() + from * each_, count, rows.data() + from * width_, session,
        places.empty() ? std::span<const engine::PromptPlace>()
                       : std::span(places).subspan(from, static_cast<std::size_t>(count))));
  }
  const float* row = rows.data();
  for (const Waiting& item : waiting_) {
    MIEN_ASSIGN_OR_RETURN(const engine::ClipReading reading, clips_->read(item.plan, row, session));
    row += item.plan.frames.size() * width_;
    sink(*item.sample, reading);
  }
  waiting_.clear();
  pixels_.clear();
  return {};
}

}  // namespace mien::eval
