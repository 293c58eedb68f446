#include "serve/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "mien/image/decode.h"
#include "mien/report/json_lines.h"

namespace mien::serve {
namespace {

constexpr std::size_t kMostSteps = 16;
constexpr double kMostSeconds = 1e9;
constexpr int kProtocolError = 1002;
constexpr int kBadData = 1003;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    out = out << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return out;
}

double seconds_since(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

}  // namespace

Result<LiveFrame> parse_frame(std::string_view message) {
  if (message.size() <= kFrameHeaderBytes) {
    return invalid_argument(fmt::format("frame: too short (expected more than {} bytes, got {})",
                                        kFrameHeaderBytes, message.size()));
  }
  LiveFrame out;
  out.number = static_cast<std::uint32_t>(little_endian(message.substr(0, 4)));
  const std::uint64_t bits = little_endian(message.substr(4, 8));
  std::memcpy(&out.seconds, &bits, sizeof bits);
  if (!(out.seconds >= 0 && out.seconds <= kMostSeconds)) {
    return invalid_argument("frame: invalid time (expected 0 to 1e9 seconds)");
  }
  out.picture = message.substr(kFrameHeaderBytes);
  return out;
}

Result<LiveMessage> parse_message(std::string_view text, const Ask& now,
                                  std::optional<std::int64_t>& id) {
  Limits limits;
  limits.max_json_depth = 8;
  MIEN_ASSIGN_OR_RETURN(const Json json, Json::parse(text, limits));
  if (!json.is_object()) return corrupt("message: is not an object");
  LiveMessage out;
  if (const Json* given = json.find("id")) {
    if (!given->is_integer()) return invalid_argument("id: is not an integer");
    id = out.id = given->as_integer();
  }
  const Json* kind = json.find("kind");
  const std::string word = kind != nullptr && kind->is_string() ? kind->as_string() : "";
  if (word != "config" && word != "end") {
    return invalid_argument("kind: is missing or unknown (expected config or end)");
  }
  out.kind = word == "end" ? LiveMessage::Kind::kEnd : LiveMessage::Kind::kConfig;
  AskReader reader(kLive, now);
  for (const auto& [name, value] : json.as_object()) {
    if (name == "kind" || name == "id") continue;
    if (name == "bundle") {
      return invalid_argument("bundle: cannot change (expected it in the query)");
    }
    MIEN_RETURN_IF_ERROR(reader.set_json(name, value));
  }
  out.ask = reader.ask();
  out.finds_anew = reader.was_set("face") || reader.was_set("single") || reader.was_set("min_face");
  out.same_smoothing = !reader.was_set("smooth");
  return out;
}

LiveSession::LiveSession(const Models& models, Scheduler& scheduler, PictureOptions options,
                         Ask ask, std::string version, Hooks hooks)
    : models_(models),
      scheduler_(scheduler),
      options_(std::move(options)),
      version_(std::move(version)),
      hooks_(std::move(hooks)),
      asked_(ask),
      ask_(std::move(ask)) {}

void LiveSession::start() {
  const std::lock_guard lock(mutex_);
  Step step;
  step.kind = Step::Kind::kHello;
  add(std::move(step));
}

void LiveSession::text(std::string_view message) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  std::optional<std::int64_t> id;
  auto read = parse_message(message, asked_, id);
  if (!read.ok()) {
    if (read.status().code() == StatusCode::kCorrupt) {
      return close(kBadData, "message is not a JSON object");
    }
    return send_problem(read.status(), "id", id);
  }
  if (steps_.size() >= kMostSteps) {
    return send_problem(resource_limit("message: too many at once; left out"), "id", read->id);
  }
  const bool config = read->kind == LiveMessage::Kind::kConfig;
  if (config) asked_ = read->ask;
  Step step;
  step.kind = config ? Step::Kind::kConfig : Step::Kind::kEnd;
  step.message = std::move(*read);
  add(std::move(step));
}

void LiveSession::binary(std::string_view message) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  auto frame = parse_frame(message);
  if (!frame.ok()) return close(kProtocolError, frame.status().message());
  if (last_number_ && (frame->number <= *last_number_ || frame->seconds < last_seconds_)) {
    return close(kProtocolError, "frame: number or time goes back");
  }
  last_number_ = frame->number;
  last_seconds_ = frame->seconds;
  ++frames_;
  if (!steps_.empty() && steps_.back().kind == Step::Kind::kFrame) {
    ++skipped_;
    steps_.pop_back();
  }
  if (steps_.size() >= kMostSteps) {
    return send_problem(resource_limit("server is busy; frame left out"), "frame", frame->number);
  }
  Step step;
  step.kind = Step::Kind::kFrame;
  step.frame = std::move(*frame);
  add(std::move(step));
}

void LiveSession::abandon() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  steps_.clear();
  hooks_ = {};
}

// The lock is held in these four.
void LiveSession::add(Step step) {
  if (closed_) return;
  steps_.push_back(std::move(step));
  pump();
}

void LiveSession::pump() {
  if (running_ || steps_.empty() || closed_) return;
  running_ = true;
  auto step = std::make_shared<Step>(std::move(steps_.front()));
  steps_.pop_front();
  const bool posted = scheduler_.post_first(
      [self = shared_from_this(), step](Worker& worker) { self->run(*step, worker); });
  if (!posted) {
    running_ = false;
    close(1001, "server stops");
  }
}

void LiveSession::close(int code, const std::string& reason) {
  if (closed_) return;
  closed_ = true;
  steps_.clear();
  if (hooks_.close) hooks_.close(code, reason);
}

void LiveSession::send_problem(const Status& status, const char* key,
                               std::optional<std::int64_t> value) {
  Json out = Json::Object{
      {"kind", "error"}, {"code", to_string(status.code())}, {"message", status.message()}};
  if (value) out.set(key, *value);
  if (!closed_ && hooks_.send) hooks_.send(out.dump());
}

void LiveSession::send(const Json& message) {
  const std::lock_guard lock(mutex_);
  if (!closed_ && hooks_.send) hooks_.send(message.dump());
}

void LiveSession::run(Step& step, Worker& worker) {
  const bool frame = step.kind == Step::Kind::kFrame;
  const Status status = without_exceptions([&]() -> Status {
    switch (step.kind) {
      case Step::Kind::kHello: return hello(worker);
      case Step::Kind::kConfig: return configure(step.message, worker);
      case Step::Kind::kEnd: return end(step.message);
      case Step::Kind::kFrame: break;
    }
    return analyse(step);
  });
  const std::lock_guard lock(mutex_);
  running_ = false;
  if (frame && hooks_.frame_done) hooks_.frame_done();
  if (!status.ok()) {
    if (step.kind == Step::Kind::kConfig) asked_ = ask_;  // later messages build on what holds
    if (frame) {
      send_problem(status.with_prefix(fmt::format("frame {}", step.frame.number)), "frame",
                   step.frame.number);
    } else {
      send_problem(status, "id", step.message.id);
    }
    if (step.kind == Step::Kind::kHello) close(1008, "settings in the query are wrong");
  }
  pump();
}

Result<std::unique_ptr<pipeline::Recognizer>> LiveSession::make_recognizer(
    const Ask& ask, const ReadyLabels& labels) {
  pipeline::RecognizerOptions options;
  options.finder = finder_of(options_, ask);
  options.scorer.explain = ask.explain;
  options.frame_values = true;
  options.smooth_seconds = ask.smooth;
  MIEN_ASSIGN_OR_RETURN(const auto bundle, model_->with_views(0));
  return pipeline::Recognizer::make_with_scorer(bundle, labels.scorer, options);
}

Status LiveSession::hello(Worker& worker) {
  MIEN_ASSIGN_OR_RETURN(model_, models_.find(ask_.bundle));
  MIEN_ASSIGN_OR_RETURN(labels_, model_->labels(ask_, worker.session));
  MIEN_ASSIGN_OR_RETURN(recognizer_, make_recognizer(ask_, *labels_));
  send(Json::Object{{"kind", "hello"},
                    {"version", version_},
                    {"bundle", model_->info().name},
                    {"free_labels", model_->bundle().has_text_tower()},
                    {"labels", words_to_json(labels_->names())},
                    {"notes", words_to_json(labels_->notes)},
                    {"config", config_},
                    {"max_frame_bytes", kMostFrameBytes},
                    {"max_pixels", options_.limits.max_pixels}});
  return {};
}

Status LiveSession::configure(const LiveMessage& message, Worker& worker) {
  MIEN_ASSIGN_OR_RETURN(auto labels, model_->labels(message.ask, worker.session));
  const bool same_kind = (labels->scorer == nullptr) == (labels_->scorer == nullptr);
  if (message.finds_anew || !message.same_smoothing || !same_kind || labels->scorer == nullptr ||
      message.ask.explain != ask_.explain) {
    MIEN_ASSIGN_OR_RETURN(recognizer_, make_recognizer(message.ask, *labels));
  } else if (labels->scorer != labels_->scorer) {
    recognizer_->change_scorer(labels->scorer);
  }
  ask_ = message.ask;
  labels_ = std::move(labels);
  ++config_;
  Json out = Json::Object{{"kind", "config"}};
  if (message.id) out.set("id", *message.id);
  out.set("config", config_);
  out.set("labels", words_to_json(labels_->names()));
  out.set("notes", words_to_json(labels_->notes));
  send(out);
  return {};
}

Status LiveSession::analyse(const Step& step) {
  if (recognizer_ == nullptr) return invalid_argument("settings: wrong");
  pipeline::FrameResult frame;
  frame.input = "live";
  frame.is_clip = true;
  frame.frame = step.frame.number;
  frame.timestamp_us =
      std::max(last_us_ + 1, static_cast<std::int64_t>(std::llround(step.frame.seconds * 1e6)));
  MIEN_ASSIGN_OR_RETURN(const image::Reduced picture,
                        image::decode_reduced(std::as_bytes(std::span(step.frame.picture)),
                                              "picture", {}, options_.limits));
  last_us_ = frame.timestamp_us;
  frame.width = picture.width;
  frame.height = picture.height;
  MIEN_ASSIGN_OR_RETURN(frame.faces, recognizer_->push(picture.image, frame.timestamp_us));
  if (!first_us_) first_us_ = frame.timestamp_us;
  ++analysed_;
  faces_ += static_cast<std::int64_t>(frame.faces.size());
  for (engine::FaceResult& face : frame.faces) {
    if (ask_.top > 0 && face.labels.size() > static_cast<std::size_t>(ask_.top)) {
      face.labels.resize(static_cast<std::size_t>(ask_.top));
    }
  }
  Json out = report::to_json(frame);
  out.set("time", step.frame.seconds);
  out.set("config", config_);
  {
    const std::lock_guard lock(mutex_);
    out.set("skipped", std::exchange(skipped_, 0));
  }
  out.set("elapsed", rounded(seconds_since(step.arrived)));
  send(out);
  return {};
}

Status LiveSession::end(const LiveMessage& message) {
  if (recognizer_ == nullptr) return invalid_argument("settings: wrong");
  MIEN_ASSIGN_OR_RETURN(const auto tracks, recognizer_->tracks());
  Json list = Json::array();
  for (const pipeline::TrackResult& track : tracks) list.push_back(report::to_json(track));
  std::int64_t frames = 0;
  {
    const std::lock_guard lock(mutex_);
    frames = std::exchange(frames_, 0);
  }
  Json out = Json::Object{{"kind", "summary"}};
  if (message.id) out.set("id", *message.id);
  out.set("input", "live");
  out.set("media", "clip");
  out.set("frames", frames);
  out.set("analysed_frames", std::exchange(analysed_, 0));
  out.set("faces", std::exchange(faces_, 0));
  out.set("tracks", std::move(list));
  out.set("seconds", first_us_ ? rounded(static_cast<double>(last_us_ - *first_us_) * 1e-6) : 0.0);
  out.set("elapsed", rounded(seconds_since(began_)));
  first_us_.reset();
  began_ = Clock::now();
  recognizer_->reset();
  send(out);
  return {};
}

}  // namespace mien::serve
