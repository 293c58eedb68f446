#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "serve/jobs.h"
#include "serve/live.h"
#include "serve/message.h"
#include "serve/metrics.h"
#include "serve/pictures.h"
#include "serve/routes.h"

namespace mien::serve {

struct ServiceOptions {
  std::string version;
  std::string token;  ///< empty: none is needed
  std::vector<std::string> allow_origins;
  bool loopback = true;  ///< requests must name localhost in Host
  std::uint64_t most_body = std::uint64_t{16} << 20;
  std::uint64_t most_clip = std::uint64_t{1} << 30;
  std::size_t most_live = 32;
  PictureOptions pictures;
  Scheduler::Options scheduler;
  JobOptions jobs;
};

/// What becomes of a request, decided before its body is read.
struct RequestPlan {
  std::optional<Answer> refusal;  ///< set: the answer; the body is not read
  const Route* route = nullptr;
  std::string id;
  std::uint64_t most_body = 0;
  std::unique_ptr<Upload> upload;  ///< set: the body goes there instead of into memory
};

/// The interface of docs/reference/http.md without sockets. Threads: safe from several threads.
class Service {
 public:
  /// Errors: those of Scheduler::start and Jobs::open.
  static Result<std::unique_ptr<Service>> start(Models models, ServiceOptions options);

  /// Host, origin, route, method, token.
  RequestPlan plan(const RequestHead& head);
  /// Answers a request without a refusal. `body`: what was read, unless it went into
  /// RequestPlan::upload; `length`: its bytes.
  void run(const RequestHead& head, RequestPlan plan, std::string body, std::uint64_t length,
           Reply reply);
  /// A live session, or the answer that refuses it.
  std::shared_ptr<LiveSession> live(const RequestHead& head, LiveSession::Hooks hooks,
                                    Answer& refusal);
  void live_ended() { --live_; }
  /// Adds the headers that let a page of an allowed origin read the answer.
  void add_cors(const RequestHead& head, Answer& answer) const;

  void opened() { ++connections_; }
  void closed() { --connections_; }
  RequestMetrics& metrics() { return metrics_; }
  /// New work is refused from now on.
  void stop() { stopping_ = true; }
  /// Does everything that was accepted. Call it once, after stop().
  void finish();
  const ServiceOptions& options() const { return options_; }

 private:
  Service(Models models, ServiceOptions options)
      : models_(std::move(models)), options_(std::move(options)) {}
  std::optional<Answer> check_origin(const RequestHead& head) const;
  bool has_token(const RequestHead& head) const;
  Result<Ask> read_ask(const RequestHead& head, EndPoint of) const;
  void picture(const RequestHead& head, EndPoint of, std::string body, Reply reply);
  void video(const RequestHead& head, std::shared_ptr<Upload> upload, std::uint64_t length,
             Reply reply);
  Answer job(const RequestPlan& plan) const;
  Answer result(const RequestHead& head, const RequestPlan& plan) const;
  Answer labels(const RequestHead& head) const;
  Answer page(const RequestHead& head) const;
  Answer metrics_text() const;
  void health(Reply reply);

  Models models_;
  ServiceOptions options_;
  RequestMetrics metrics_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> live_{0};
  std::mutex health_mutex_;
  bool probing_ = false;
  std::vector<Reply> probed_;  // wait for the probe that runs
  std::optional<std::chrono::steady_clock::time_point> healthy_at_;
  std::unique_ptr<Pictures> pictures_;
  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<Scheduler> scheduler_;  // ends first: its tasks use the others
};

/// What a request with a picture holds.
struct PictureBody {
  Ask ask;
  std::string bytes;
};
/// Reads a body of any of the three forms; `reader` has the parameters of the query. Errors:
/// kInvalidArgument, kResourceLimit; kCorrupt is never returned.
Result<PictureBody> read_picture_body(const std::string& content_type, std::string body,
                                      AskReader reader);

}  // namespace mien::serve
