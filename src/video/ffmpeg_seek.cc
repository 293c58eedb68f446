#include <algorithm>
#include <array>

#include "mien/core/check.h"
#include "video/ffmpeg_source.h"

namespace mien::video {

void FfmpegSource::reset_position() {
  pending_.clear();
  damaged_.clear();
  last_time_us_.reset();
  clock_.rewind();
  index_ = 0;
  draining_ = false;
  ended_ = false;
  drain_errors_ = 0;
  await_key_ = false;
  after_jump_ = false;
  key_time_us_ = kNoTimestamp;
}

// Back to the first packet; the same code for all containers.
Status FfmpegSource::reopen() {
  reset_position();
  if (!touched_) return {};
  touched_ = false;
  const std::string name = container_.name();
  auto opened = Container::open(container_.take_bytes(), name, options_);
  if (!opened.ok()) return failure_ = opened.status();
  container_ = std::move(opened).value();
  const Status status = open_decoder();
  if (!status.ok()) failure_ = status;
  return status;
}

Status FfmpegSource::fill_table() {
  Table table;
  bool all_timed = true;
  for (;;) {
    MIEN_ASSIGN_OR_RETURN(const Container::Read got, container_.read(*packet_));
    if (got == Container::Read::kEnd) break;
    if (got != Container::Read::kPacket || packet_->stream_index != stream_) continue;
    if ((packet_->flags & AV_PKT_FLAG_DISCARD) != 0) continue;
    if (table.times.size() >= options_.limits.max_frames) {
      return resource_limit(container_.name() + ": too many frames (expected at most " +
                            std::to_string(options_.limits.max_frames) + ")");
    }
    clock_.mend(*packet_);
    const std::int64_t told = clock_.told(*packet_);
    clock_.origin_at_least_here(told);
    const std::optional<std::int64_t> time = clock_.time_of(told);
    if (packet_->pts == kNoTimestamp || !time) table.reliable = false;
    all_timed = all_timed && time.has_value();
    table.times.push_back(std::max<std::int64_t>(0, time.value_or(0)));
    if (!time) continue;
    if ((packet_->flags & AV_PKT_FLAG_KEY) != 0) table.keys.push_back({*time, told});
  }
  if (!all_timed) std::fill(table.times.begin(), table.times.end(), 0);  // the rate must do
  std::sort(table.times.begin(), table.times.end());
  // Equal times are spread by one step, so that each frame has its own.
  for (std::size_t i = 1; i < table.times.size(); ++i) {
    if (table.times[i] <= table.times[i - 1]) table.times[i] = table.times[i - 1] + step_us_;
  }
  std::sort(table.keys.begin(), table.keys.end(),
            [](const Key& a, const Key& b) { return a.time_us < b.time_us; });
  table.reliable = table.reliable && !clock_.mended();
  table_ = std::move(table);
  return {};
}

Status FfmpegSource::scan() {
  if (table_) return {};
  MIEN_RETURN_IF_ERROR(reopen());
  touched_ = true;
  const Status filled = fill_table();
  if (!filled.ok()) failure_ = filled;
  return filled;
}

Result<std::vector<std::int64_t>> FfmpegSource::timestamps() {
  MIEN_RETURN_IF_ERROR(failure_);
  if (!container_.seekable()) {
    return unsupported(container_.name() + ": the frame times of a live stream are not known");
  }
  MIEN_RETURN_IF_ERROR(scan());
  sought_ = true;
  MIEN_RETURN_IF_ERROR(reopen());
  return table_->times;
}

std::size_t FfmpegSource::keys_until(std::int64_t timestamp_us) const {
  const auto after =
      std::upper_bound(table_->keys.begin(), table_->keys.end(), timestamp_us,
                       [](std::int64_t t, const Key& key) { return t < key.time_us; });
  return static_cast<std::size_t>(after - table_->keys.begin());
}

bool FfmpegSource::jump(const Key& key) {
  reset_position();
  touched_ = true;
  avcodec_flush_buffers(decoder_.get());
  await_key_ = true;
  after_jump_ = true;
  return av_seek_frame(&container_.context(), stream_, key.stream_time, AVSEEK_FLAG_BACKWARD) >= 0;
}

// Decodes until the wanted frame is the first of `pending_` and its successor, if any, the second.
Result<FfmpegSource::Preroll> FfmpegSource::preroll(std::int64_t timestamp_us, bool from_start) {
  for (;;) {
    if (!pending_.empty() && pending_.front().timestamp_us > timestamp_us) {
      return from_start ? Preroll::kFound : Preroll::kTooLate;
    }
    if (pending_.size() > 1) {
      if (pending_[1].timestamp_us > timestamp_us) return Preroll::kFound;
      pending_.pop_front();
      continue;
    }
    MIEN_ASSIGN_OR_RETURN(std::optional<Decoded> decoded, decode());
    if (!decoded) {
      return from_start || !pending_.empty() ? Preroll::kFound : Preroll::kTooLate;
    }
    pending_.push_back(std::move(*decoded));
  }
}

// Without a key picture in between, decoding on is the shortest way.
Result<bool> FfmpegSource::go_forward(std::int64_t timestamp_us) {
  if (!last_time_us_ || ended_) return false;
  const std::size_t keys = keys_until(timestamp_us);
  if (table_->reliable && keys > 0 && table_->keys[keys - 1].time_us > *last_time_us_) return false;
  if (pending_.empty()) {
    if (timestamp_us <= *last_time_us_) return false;
    MIEN_ASSIGN_OR_RETURN(std::optional<Decoded> decoded, decode());
    if (!decoded) return false;
    pending_.push_back(std::move(*decoded));
  }
  MIEN_ASSIGN_OR_RETURN(const Preroll outcome, preroll(timestamp_us, false));
  return outcome == Preroll::kFound;
}

Status FfmpegSource::seek_with_decoder(std::int64_t timestamp_us) {
  // If the first frame after a key picture is already too late, an earlier key picture is tried,
  // and finally the start of the file.
  constexpr std::array<std::size_t, 3> kBack = {1, 2, 5};
  const std::size_t keys = table_->reliable ? keys_until(timestamp_us) : 0;
  for (const std::size_t back : kBack) {
    if (back > keys || !jump(table_->keys[keys - back])) break;
    MIEN_ASSIGN_OR_RETURN(const Preroll outcome, preroll(timestamp_us, false));
    if (outcome == Preroll::kFound) return {};
  }
  MIEN_RETURN_IF_ERROR(reopen());
  return preroll(timestamp_us, true).status();
}

Status FfmpegSource::seek(std::int64_t timestamp_us) {
  MIEN_RETURN_IF_ERROR(failure_);
  if (!container_.seekable()) return unsupported(container_.name() + ": a live stream cannot seek");
  timestamp_us = std::max<std::int64_t>(0, timestamp_us);
  MIEN_RETURN_IF_ERROR(scan());
  sought_ = true;
  quiet_ = true;
  if (table_->reliable && !table_->times.empty()) {
    const auto after = std::upper_bound(table_->times.begin(), table_->times.end(), timestamp_us);
    skip_before_us_ = after == table_->times.begin() ? *after : *std::prev(after);
  }
  const auto move = [&]() -> Status {
    MIEN_ASSIGN_OR_RETURN(const bool there, go_forward(timestamp_us));
    return there ? Status() : seek_with_decoder(timestamp_us);
  };
  const Status moved = move();
  quiet_ = false;
  skip_before_us_ = kNoTimestamp;
  decoder_->skip_frame = AVDISCARD_DEFAULT;
  if (!moved.ok()) return failure_ = moved;
  if (!pending_.empty()) {
    const auto found =
        std::lower_bound(table_->times.begin(), table_->times.end(), pending_.front().timestamp_us);
    index_ = found - table_->times.begin();
  }
  return {};
}

}  // namespace mien::video
