#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "mien/pipeline/recognizer.h"
#include "serve/pictures.h"

namespace mien::serve {

/// Bytes of a frame message before the picture.
inline constexpr std::size_t kFrameHeaderBytes = 12;
inline constexpr std::size_t kMostFrameBytes = std::size_t{2} << 20;
inline constexpr std::size_t kMostTextBytes = std::size_t{64} << 10;

/// A frame as the client sent it.
struct LiveFrame {
  std::uint32_t number = 0;
  double seconds = 0;
  std::string picture;
};
/// Errors: kInvalidArgument for a message that is too short, or a time that is not from 0 to 1e9.
Result<LiveFrame> parse_frame(std::string_view message);

/// A text message of the client.
struct LiveMessage {
  enum class Kind { kConfig, kEnd } kind = Kind::kConfig;
  std::optional<std::int64_t> id;
  Ask ask;                  ///< of kConfig: the settings from now on
  bool finds_anew = false;  ///< of kConfig: faces are searched in another way
  bool same_smoothing = true;
};
/// `now`: the settings so far. `id`: set to that of the message, also when it is wrong otherwise.
/// Errors: kCorrupt when it is not a JSON object; kInvalidArgument for an unknown kind or setting;
/// those of AskReader::set.
Result<LiveMessage> parse_message(std::string_view text, const Ask& now,
                                  std::optional<std::int64_t>& id);

/// One live connection: keeps the latest frame while another one is analysed, and answers in order
/// (docs/reference/http.md). Threads: safe from several threads. Hooks are called in any thread and
/// under a lock, so they must not call this object; none is called after abandon().
class LiveSession : public std::enable_shared_from_this<LiveSession> {
 public:
  struct Hooks {
    std::function<void(std::string)> send;
    std::function<void(int code, std::string reason)> close;
    std::function<void()> frame_done = {};  ///< counts analysed frames
  };
  /// Borrows `models` and `scheduler`.
  LiveSession(const Models& models, Scheduler& scheduler, PictureOptions options, Ask ask,
              std::string version, Hooks hooks);

  /// Sends the hello message once the labels are ready.
  void start();
  void text(std::string_view message);
  void binary(std::string_view message);
  /// Nothing is sent any more.
  void abandon();

 private:
  using Clock = std::chrono::steady_clock;
  struct Step {
    enum class Kind { kHello, kConfig, kEnd, kFrame } kind = Kind::kHello;
    LiveMessage message;
    LiveFrame frame;
    Clock::time_point arrived = Clock::now();
  };

  void add(Step step);
  void pump();
  void run(Step& step, Worker& worker);
  Status hello(Worker& worker);
  Status configure(const LiveMessage& message, Worker& worker);
  Status analyse(const Step& step);
  Status end(const LiveMessage& message);
  Result<std::unique_ptr<pipeline::Recognizer>> make_recognizer(const Ask& ask,
                                                                const ReadyLabels& labels);
  void send(const Json& message);
  void send_problem(const Status& status, const char* key, std::optional<std::int64_t> value);
  void close(int code, const std::string& reason);

  const Models& models_;
  Scheduler& scheduler_;
  const PictureOptions options_;
  const std::string version_;

  std::mutex mutex_;  // guards what follows, up to the next comment
  Hooks hooks_;
  std::deque<Step> steps_;
  bool running_ = false;
  bool closed_ = false;
  Ask asked_;  // settings of the last message that was understood
  std::optional<std::uint32_t> last_number_;
  double last_seconds_ = 0;
  std::int64_t skipped_ = 0;
  std::int64_t frames_ = 0;

  // Only used by the step that runs.
  Ask ask_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<const ReadyLabels> labels_;
  std::unique_ptr<pipeline::Recognizer> recognizer_;
  std::int64_t config_ = 0;
  std::int64_t last_us_ = -1;
  std::int64_t analysed_ = 0;
  std::int64_t faces_ = 0;
  std::optional<std::int64_t> first_us_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace mien::serve
