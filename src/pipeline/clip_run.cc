#include "pipeline/clip_run.h"

#include <algorithm>
#include <chrono>
#include <exception>

namespace mien::pipeline {
namespace {

// Frames that may wait for a full batch; it bounds memory when few frames show a face.
constexpr std::size_t kMaxWaitingFrames = 32;

}  // namespace

ClipRun::ClipRun(video::VideoSource& source, std::string name, face::FaceFinder& finder,
                 FaceReader& reader, TrackBook& book, const RecognizerOptions& options,
                 const ClipSink& sink, const std::atomic<bool>* cancel)
    : source_(source),
      name_(std::move(name)),
      finder_(finder),
      reader_(reader),
      book_(book),
      options_(options),
      sink_(sink),
      cancel_(cancel) {}

bool ClipRun::wants(const video::Frame& frame) {
  if (options_.every > 1 && frame.index % options_.every != 0) return false;
  if (options_.max_fps > 0 && last_analysed_us_) {
    const double gap_us = static_cast<double>(frame.timestamp_us - *last_analysed_us_);
    // Half a millisecond of slack: container time stamps are rounded.
    if (gap_us + 500 < 1e6 / options_.max_fps) return false;
  }
  last_analysed_us_ = frame.timestamp_us;
  return true;
}

void ClipRun::decode() {
  while (!stopped()) {
    auto next = source_.next();
    if (!next.ok()) {
      Item last;
      last.problem = next.status();
      decoded_.push(std::move(last));
      break;
    }
    if (!next->has_value()) break;
    Item item;
    item.frame = std::move(**next);
    item.width = item.frame.image.width();
    item.height = item.frame.image.height();
    item.analysed = wants(item.frame);
    ++summary_.frames;
    if (!item.analysed && !sink_.every_frame) continue;
    if (!decoded_.push(std::move(item))) break;
  }
  decoded_.close();
}

void ClipRun::find() {
  while (auto item = decoded_.pop()) {
    if (item->analysed && item->problem.ok()) {
      auto faces =
          finder_.track(item->frame.image, item->frame.index, item->frame.timestamp_us, name_);
      auto cut = faces.ok() ? cut_faces(reader_.info(), item->frame.image, std::move(*faces))
                            : Result<FacePixels>(faces.status());
      if (cut.ok()) {
        item->faces = std::move(*cut);
      } else {
        item->problem = cut.status();
      }
    }
    if (!sink_.images) item->frame.image = image::Image();
    if (!found_.push(std::move(*item)) || stopped()) break;
  }
  decoded_.close();
  found_.close();
}

Status ClipRun::emit(Item& item, const float* embeddings) {
  if (item.analysed) {
    last_ = FrameResult{.input = name_,
                        .is_clip = true,
                        .frame = item.frame.index,
                        .timestamp_us = item.frame.timestamp_us,
                        .width = item.width,
                        .height = item.height,
                        .faces = {}};
    for (std::size_t i = 0; i < item.faces.faces.size(); ++i) {
      const float* embedding = embeddings + i * reader_.embed();
      MIEN_ASSIGN_OR_RETURN(last_.faces.emplace_back(),
                            reader_.read(item.faces.faces[i], embedding, FaceReader::Of::kFrame));
      MIEN_RETURN_IF_ERROR(book_.add(item.faces.faces[i].track, item.frame.timestamp_us,
                                     {embedding, reader_.embed()}, reader_.session()));
    }
    ++summary_.analysed_frames;
    summary_.faces += static_cast<std::int64_t>(last_.faces.size());
  } else {
    last_.frame = item.frame.index;
    last_.timestamp_us = item.frame.timestamp_us;
  }
  if (!sink_.frame) return {};
  return sink_.frame({last_, item.analysed, sink_.images ? &item.frame.image : nullptr});
}

Status ClipRun::flush() {
  pixels_.clear();
  for (const Item& item : waiting_) {
    pixels_.insert(pixels_.end(), item.faces.pixels.begin(), item.faces.pixels.end());
  }
  MIEN_RETURN_IF_ERROR(
      reader_.encode(pixels_.data(), static_cast<std::int64_t>(waiting_faces_), embeddings_));
  const float* embedding = embeddings_.data();
  for (Item& item : waiting_) {
    MIEN_RETURN_IF_ERROR(emit(item, embedding));
    embedding += item.faces.faces.size() * reader_.embed();
  }
  waiting_.clear();
  waiting_faces_ = 0;
  return {};
}

Status ClipRun::deliver() {
  const bool live = source_.info().live;
  while (auto item = found_.pop()) {
    if (stopped()) break;
    if (!item->problem.ok()) {
      MIEN_RETURN_IF_ERROR(flush());
      return item->problem;
    }
    waiting_faces_ += item->faces.faces.size();
    waiting_.push_back(std::move(*item));
    const bool full = waiting_faces_ >= static_cast<std::size_t>(std::max(options_.batch, 1));
    if (live || full || waiting_.size() >= kMaxWaitingFrames) MIEN_RETURN_IF_ERROR(flush());
  }
  MIEN_RETURN_IF_ERROR(flush());
  if (cancel_ != nullptr && *cancel_ && !live) return cancelled(name_ + ": cancelled");
  return {};
}

Result<ClipResult> ClipRun::run() {
  const auto begin = std::chrono::steady_clock::now();
  std::thread decoder([this] { decode(); });
  std::thread finder([this] { find(); });
  Status status;
  std::exception_ptr thrown;
  try {
    status = deliver();
  } catch (...) {
    thrown = std::current_exception();
  }
  stop_ = true;
  decoded_.close();
  found_.close();
  decoder.join();
  finder.join();
  if (thrown) std::rethrow_exception(thrown);
  if (!status.ok()) return status;
  ClipResult out;
  MIEN_ASSIGN_OR_RETURN(out.tracks, book_.results(name_, reader_.scorer()));
  summary_.input = name_;
  summary_.is_clip = true;
  summary_.tracks = static_cast<std::int64_t>(out.tracks.size());
  summary_.corrupt_frames = source_.corrupt_frames();
  summary_.media_seconds = source_.info().seconds;
  if (summary_.media_seconds <= 0) {
    summary_.media_seconds = static_cast<double>(last_.timestamp_us) * 1e-6;
  }
  summary_.elapsed_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  out.summary = summary_;
  return out;
}

}  // namespace mien::pipeline
