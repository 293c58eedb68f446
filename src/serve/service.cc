#include "serve/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "serve/assets.h"
#include "serve/multipart.h"
#include "serve/target.h"

namespace mien::serve {
namespace {

constexpr auto kHealthHolds = std::chrono::seconds(1);

std::string lower_text(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

Answer refusal(int http_status, Status status) {
  return error_answer(http_status, "request", status);
}

// A token that a browser offers as a subprotocol, because it cannot set headers.
std::string_view token_of_protocols(std::string_view protocols) {
  constexpr std::string_view kPrefix = "mien.token.";
  const std::size_t at = protocols.find(kPrefix);
  if (at == std::string_view::npos) return {};
  protocols.remove_prefix(at + kPrefix.size());
  return protocols.substr(0, protocols.find_first_of(", "));
}

struct ClipPart {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Where the clip lies in the body that was stored. Sets parameters of a form.
Result<ClipPart> find_clip(const std::string& content_type, const Upload& upload,
                           std::uint64_t length, AskReader& reader) {
  if (media_type(content_type) != "multipart/form-data") return ClipPart{0, length};
  MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(upload.folder() / "clip"));
  const std::string_view body(reinterpret_cast<const char*>(map->bytes().data()),
                              map->bytes().size());
  MIEN_ASSIGN_OR_RETURN(const auto parts, parse_multipart(body, content_type));
  std::optional<ClipPart> out;
  for (const FormPart& part : parts) {
    if (part.name != "video") {
      MIEN_RETURN_IF_ERROR(reader.set(part.name, part.content));
      continue;
    }
    if (out) return invalid_argument("video: given twice");
    out = ClipPart{static_cast<std::uint64_t>(part.content.data() - body.data()),
                   part.content.size()};
  }
  if (!out) return invalid_argument("form: has no part 'video'");
  return *out;
}

}  // namespace

Result<std::unique_ptr<Service>> Service::start(Models models, ServiceOptions options) {
  std::unique_ptr<Service> out(new Service(std::move(models), std::move(options)));
  MIEN_ASSIGN_OR_RETURN(out->jobs_,
                        Jobs::open(out->models_, out->options_.pictures, out->options_.jobs));
  MIEN_ASSIGN_OR_RETURN(out->scheduler_, Scheduler::start(out->options_.scheduler));
  out->pictures_ =
      std::make_unique<Pictures>(out->models_, *out->scheduler_, out->options_.pictures);
  return out;
}

void Service::finish() {
  stop();
  scheduler_->finish();
  jobs_->finish();
}

std::optional<Answer> Service::check_origin(const RequestHead& head) const {
  if (options_.loopback && !is_loopback(host_name(head.host))) {
    return refusal(421, invalid_argument("host: is not localhost (expected the name localhost or "
                                         "127.0.0.1 for a server on loopback)"));
  }
  if (head.origin.empty()) return std::nullopt;
  const auto& allowed = options_.allow_origins;
  if (std::find(allowed.begin(), allowed.end(), head.origin) != allowed.end()) {
    return std::nullopt;
  }
  const std::size_t scheme = head.origin.find("://");
  if (scheme != std::string::npos &&
      lower_text(head.origin.substr(scheme + 3)) == lower_text(head.host)) {
    return std::nullopt;
  }
  return refusal(403, invalid_argument("origin: is not allowed (expected a page of this server, or "
                                       "--allow-origin)"));
}

bool Service::has_token(const RequestHead& head) const {
  if (options_.token.empty()) return true;
  constexpr std::string_view kScheme = "bearer ";
  std::string_view given;
  if (lower_text(head.authorization.substr(0, kScheme.size())) == kScheme) {
    given = std::string_view(head.authorization).substr(kScheme.size());
  } else if (head.upgrade) {
    given = token_of_protocols(head.protocols);
  }
  return equal_in_constant_time(given, options_.token);
}

void Service::add_cors(const RequestHead& head, Answer& answer) const {
  const auto& allowed = options_.allow_origins;
  if (head.origin.empty() ||
      std::find(allowed.begin(), allowed.end(), head.origin) == allowed.end()) {
    return;
  }
  answer.headers.emplace_back("Access-Control-Allow-Origin", head.origin);
  answer.headers.emplace_back("Vary", "Origin");
}

RequestPlan Service::plan(const RequestHead& head) {
  RequestPlan out;
  out.refusal = check_origin(head);
  if (out.refusal) return out;
  Match found = match(head.method, head.path);
  if (head.method == "OPTIONS" && !head.origin.empty() && !found.allow.empty()) {
    out.refusal = Answer{.status = 204, .content_type = "", .body = ""};
    out.refusal->headers = {{"Access-Control-Allow-Methods", found.allow},
                            {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                            {"Access-Control-Max-Age", "600"}};
    return out;
  }
  if (found.route == nullptr && found.allow.empty()) {
    out.refusal = refusal(404, not_found(head.path + ": no such end point"));
    return out;
  }
  if (found.route == nullptr) {
    out.refusal = refusal(405, invalid_argument("method: wrong (expected " + found.allow + ")"));
    out.refusal->headers.emplace_back("Allow", found.allow);
    return out;
  }
  out.route = found.route;
  out.id = std::move(found.id);
  if (!out.route->open && !has_token(head)) {
    out.refusal = refusal(401, invalid_argument("token: missing or wrong (expected "
                                                "'Authorization: Bearer TOKEN')"));
    out.refusal->headers.emplace_back("WWW-Authenticate", "Bearer");
    return out;
  }
  const bool works = out.route->action == Action::kPicture || out.route->action == Action::kVideo;
  if (!works) return out;
  out.most_body = out.route->action == Action::kVideo ? options_.most_clip : options_.most_body;
  if (stopping_) {
    out.refusal = busy_answer("server stops");
  } else if (out.route->action == Action::kVideo) {
    auto upload = jobs_->begin();
    if (upload.ok()) {
      out.upload = std::move(*upload);
    } else if (upload.status().code() == StatusCode::kIo) {
      out.refusal = refusal(500, upload.status());
    } else {
      out.refusal = busy_answer(upload.status().message());
    }
  } else if (scheduler_->full()) {
    out.refusal = busy_answer("server is busy (expected fewer requests at once)");
  }
  return out;
}

Result<Ask> Service::read_ask(const RequestHead& head, EndPoint of) const {
  AskReader reader(of);
  for (const auto& [name, value] : head.query) MIEN_RETURN_IF_ERROR(reader.set(name, value));
  return reader.ask();
}

void Service::run(const RequestHead& head, RequestPlan plan, std::string body, std::uint64_t length,
                  Reply reply) {
  switch (plan.route->action) {
    case Action::kPicture:
      return picture(head, static_cast<EndPoint>(plan.route->of), std::move(body),
                     std::move(reply));
    case Action::kVideo:
      return video(head, std::shared_ptr<Upload>(std::move(plan.upload)), length, std::move(reply));
    case Action::kHealth: return health(std::move(reply));
    case Action::kJob: return reply(job(plan));
    case Action::kResult: return reply(result(head, plan));
    case Action::kRemoveJob:
      if (!jobs_->remove(plan.id)) return reply(refusal(404, not_found("job: does not exist")));
      return reply(Answer{.status = 204, .content_type = "", .body = ""});
    case Action::kLive: {
      Answer out = refusal(426, invalid_argument("live: is a WebSocket (expected an upgrade)"));
      out.headers = {{"Upgrade", "websocket"}};
      return reply(std::move(out));
    }
    case Action::kModels: {
      Json list = Json::array();
      for (const auto& model : models_.all()) list.push_back(model->description());
      return reply(json_answer(200, Json::Object{{"models", std::move(list)}}));
    }
    case Action::kLabels: return reply(labels(head));
    case Action::kOpenApi: return reply(json_answer(200, open_api(options_.version)));
    case Action::kReady: {
      if (stopping_ || scheduler_->full()) return reply(busy_answer("server takes no new work"));
      return reply(json_answer(200, Json::Object{{"status", "ready"}}));
    }
    case Action::kMetrics: return reply(metrics_text());
    case Action::kPage: return reply(page(head));
  }
}

void Service::picture(const RequestHead& head, EndPoint of, std::string body, Reply reply) {
  AskReader reader(of);
  for (const auto& [name, value] : head.query) {
    if (const Status status = reader.set(name, value); !status.ok()) {
      return reply(refusal(http_status_of(status), status));
    }
  }
  auto read = read_picture_body(head.content_type, std::move(body), std::move(reader));
  if (!read.ok()) return reply(refusal(http_status_of(read.status()), read.status()));
  pictures_->answer(of, std::move(read->ask), std::move(read->bytes), std::move(reply));
}

void Service::video(const RequestHead& head, std::shared_ptr<Upload> upload, std::uint64_t length,
                    Reply reply) {
  const bool posted = scheduler_->post_first([this, head, upload, length, reply](Worker& worker) {
    std::optional<JobState> state;
    const Status status = without_exceptions([&]() -> Status {
      AskReader reader(kVideos);
      for (const auto& [name, value] : head.query) MIEN_RETURN_IF_ERROR(reader.set(name, value));
      MIEN_ASSIGN_OR_RETURN(const ClipPart clip,
                            find_clip(head.content_type, *upload, length, reader));
      if (clip.length == 0) return invalid_argument("video: is empty (expected a clip)");
      // Wrong labels are an error of this request, not of the job.
      MIEN_ASSIGN_OR_RETURN(const auto model, models_.find(reader.ask().bundle));
      MIEN_RETURN_IF_ERROR(model->labels(reader.ask(), worker.session).status());
      MIEN_ASSIGN_OR_RETURN(state, jobs_->submit(upload, clip.offset, clip.length, reader.ask()));
      return {};
    });
    if (state) {
      Answer out = json_answer(202, to_json(*state));
      out.headers.emplace_back("Location", "/v1/jobs/" + state->id);
      return reply(std::move(out));
    }
    reply(
        refusal(status.code() == StatusCode::kUnsupported ? 422 : http_status_of(status), status));
  });
  if (!posted) reply(busy_answer("server stops"));
}

Answer Service::job(const RequestPlan& plan) const {
  const auto state = jobs_->find(plan.id);
  if (!state) return refusal(404, not_found("job: does not exist"));
  return json_answer(200, to_json(*state));
}

Answer Service::result(const RequestHead& head, const RequestPlan& plan) const {
  const auto ask = read_ask(head, kResult);
  if (!ask.ok()) return refusal(400, ask.status());
  const auto state = jobs_->find(plan.id);
  if (!state) return refusal(404, not_found("job: does not exist"));
  Answer out;
  out.file = jobs_->result(plan.id, ask->format);
  if (out.file.empty()) {
    return refusal(
        409, invalid_argument(fmt::format("job: is {} (expected done)", to_string(state->phase))));
  }
  out.content_type = ClipFiles::media_type_of(ask->format);
  return out;
}

Answer Service::labels(const RequestHead& head) const {
  const auto ask = read_ask(head, kLabels);
  if (!ask.ok()) return refusal(400, ask.status());
  const auto model = models_.find(ask->bundle);
  if (!model.ok()) return refusal(404, model.status());
  Json sets = Json::array();
  for (const std::string_view name : text::builtin_label_names()) {
    Json names = Json::array();
    for (const text::Label& label : text::find_builtin_labels(name)->labels) {
      names.push_back(label.name);
    }
    sets.push_back(Json::Object{{"name", name}, {"labels", std::move(names)}});
  }
  return json_answer(200, Json::Object{{"bundle", (*model)->info().name},
                                       {"labels", words_to_json((*model)->default_labels())},
                                       {"free_labels", (*model)->bundle().has_text_tower()},
                                       {"sets", std::move(sets)}});
}

Answer Service::page(const RequestHead& head) const {
  const Asset* asset = find_asset(head.path);
  if (asset == nullptr) return refusal(404, not_found(head.path + ": no such page"));
  Answer out;
  const std::string tag = etag_of(*asset);
  out.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
  if (asset->path.ends_with(".html")) {
    out.headers.emplace_back("Content-Security-Policy", page_policy());
    out.headers.emplace_back("Permissions-Policy", "camera=(self), microphone=(), geolocation=()");
  }
  if (head.if_none_match == tag) {
    out.status = 304;
    out.content_type = "";
    return out;
  }
  out.content_type = type_of_asset(asset->path);
  out.body = asset->content;
  return out;
}

Answer Service::metrics_text() const {
  const Scheduler::Counts counts = scheduler_->counts();
  Answer out;
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  out.body = metrics_.text({.waiting = counts.waiting,
                            .busy = counts.busy,
                            .connections = connections_,
                            .live = live_,
                            .jobs = jobs_->count(),
                            .jobs_waiting = jobs_->waiting(),
                            .batches = counts.batches,
                            .faces = counts.faces});
  return out;
}

// One probe at a time, whose result holds for a second: asking often costs nothing.
void Service::health(Reply reply) {
  {
    const std::lock_guard lock(health_mutex_);
    if (healthy_at_ && std::chrono::steady_clock::now() - *healthy_at_ < kHealthHolds) {
      // answered below
    } else {
      probed_.push_back(std::move(reply));
      if (std::exchange(probing_, true)) return;
      reply = nullptr;
    }
  }
  if (reply) return reply(json_answer(200, Json::Object{{"status", "ok"}}));
  pictures_->probe([this](const Status& status) {
    std::vector<Reply> waiting;
    {
      const std::lock_guard lock(health_mutex_);
      probing_ = false;
      waiting.swap(probed_);
      healthy_at_.reset();
      if (status.ok()) healthy_at_ = std::chrono::steady_clock::now();
    }
    for (const Reply& each : waiting) {
      each(status.ok() ? json_answer(200, Json::Object{{"status", "ok"}})
                       : error_answer(503, "health", status));
    }
  });
}

std::shared_ptr<LiveSession> Service::live(const RequestHead& head, LiveSession::Hooks hooks,
                                           Answer& refused) {
  const auto ask = read_ask(head, kLive);
  if (!ask.ok()) {
    refused = refusal(http_status_of(ask.status()), ask.status());
    return nullptr;
  }
  if (stopping_ || live_ >= options_.most_live) {
    refused = busy_answer(stopping_ ? "server stops" : "too many live connections");
    return nullptr;
  }
  ++live_;
  hooks.frame_done = [this] { metrics_.count_live_frame(); };
  return std::make_shared<LiveSession>(models_, *scheduler_, options_.pictures, *ask,
                                       options_.version, std::move(hooks));
}

}  // namespace mien::serve
