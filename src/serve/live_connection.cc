#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <utility>

#include "serve/server_impl.h"

namespace mien::serve {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

constexpr std::size_t kMostUnsent = std::size_t{4} << 20;
constexpr auto kPingTime = std::chrono::seconds(60);
constexpr auto kHandshakeTime = std::chrono::seconds(10);
constexpr auto kIdleTick = std::chrono::seconds(5);
constexpr int kGoingAway = 1001;
constexpr int kPolicy = 1008;
constexpr int kTooBig = 1009;

bool offers_protocol(std::string_view protocols, std::string_view wanted) {
  while (!protocols.empty()) {
    std::string_view one = protocols.substr(0, protocols.find(','));
    protocols.remove_prefix(std::min(protocols.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == wanted) return true;
  }
  return false;
}

}  // namespace

class LiveConnection : public std::enable_shared_from_this<LiveConnection> {
 public:
  using Error = boost::system::error_code;

  LiveConnection(Server::Impl& server, AnyStream stream)
      : server_(server), socket_(std::move(stream)), idle_(server.io) {
    server_.live.insert(this);
    server_.service.opened();
  }
  ~LiveConnection() {
    server_.live.erase(this);
    server_.service.closed();
    if (!session_) return;
    session_->abandon();
    server_.service.live_ended();
  }

  // nullptr and an answer when the service refuses it.
  bool prepare(const RequestHead& head, Answer& refusal) {
    const auto executor = socket_.get_executor();
    LiveSession::Hooks hooks;
    hooks.send = [weak = weak_from_this(), executor](std::string text) {
      asio::post(executor, [weak, text = std::move(text)]() mutable {
        if (auto self = weak.lock()) self->send(std::move(text));
      });
    };
    hooks.close = [weak = weak_from_this(), executor](int code, std::string reason) {
      asio::post(executor, [weak, code, reason = std::move(reason)] {
        if (auto self = weak.lock()) self->close(code, reason);
      });
    };
    session_ = server_.service.live(head, std::move(hooks), refusal);
    return session_ != nullptr;
  }

  AnyStream release() { return std::move(socket_.next_layer()); }

  void start(Connection::Request request, const RequestHead& head) {
    socket_.next_layer().next_layer().expires_never();
    socket_.set_option(websocket::stream_base::timeout{kHandshakeTime, kPingTime, true});
    socket_.read_message_max(kMostFrameBytes + kFrameHeaderBytes);
    const bool named = offers_protocol(head.protocols, "mien.v1");
    socket_.set_option(
        websocket::stream_base::decorator([named](websocket::response_type& response) {
          response.set(beast::http::field::server, "mien");
          if (named) response.set(beast::http::field::sec_websocket_protocol, "mien.v1");
        }));
    request_ = std::move(request);
    socket_.async_accept(request_, [self = shared_from_this()](Error error) {
      if (error) return self->ended();
      self->heard_ = std::chrono::steady_clock::now();
      self->session_->start();
      self->watch();
      self->read();
    });
  }

  void stop() {
    if (closing_) return;
    send(R"({"kind":"bye"})");
    close(kGoingAway, "server stops");
  }
  void drop() { socket_.next_layer().next_layer().close(); }

 private:
  void read() {
    socket_.async_read(buffer_, [self = shared_from_this()](Error error, std::size_t) {
      if (error) return self->ended();
      self->heard_ = std::chrono::steady_clock::now();
      self->received();
      self->buffer_.consume(self->buffer_.size());
      self->read();
    });
  }

  void received() {
    if (closing_) return;
    const auto data = buffer_.cdata();
    const std::string_view message(static_cast<const char*>(data.data()), data.size());
    if (socket_.got_binary()) return session_->binary(message);
    if (message.size() > kMostTextBytes) return close(kTooBig, "text is too long");
    session_->text(message);
  }

  void send(std::string text) {
    if (closing_) return;
    unsent_ += text.size();
    if (unsent_ > kMostUnsent) return drop();  // the client does not read
    out_.push_back(std::move(text));
    if (out_.size() == 1) write();
  }

  void write() {
    socket_.text(true);
    socket_.async_write(asio::buffer(out_.front()),
                        [self = shared_from_this()](Error error, std::size_t) {
                          if (error) return self->ended();
                          self->unsent_ -= self->out_.front().size();
                          self->out_.pop_front();
                          if (!self->out_.empty()) return self->write();
                          if (self->closing_) self->send_close();
                        });
  }

  void close(int code, const std::string& reason) {
    if (closing_) return;
    closing_ = true;
    reason_ = websocket::close_reason(static_cast<websocket::close_code>(code),
                                      boost::beast::string_view(reason).substr(0, 120));
    if (out_.empty()) send_close();
  }

  void send_close() {
    socket_.async_close(reason_, [self = shared_from_this()](Error) { self->ended(); });
  }

  void watch() {
    idle_.expires_after(
        std::min<std::chrono::steady_clock::duration>(kIdleTick, server_.options.live_idle_time));
    idle_.async_wait([weak = weak_from_this()](Error error) {
      const auto self = weak.lock();
      if (error || !self) return;
      const auto silent = std::chrono::steady_clock::now() - self->heard_;
      if (silent >= self->server_.options.live_idle_time) self->close(kPolicy, "idle for too long");
      self->watch();
    });
  }

  void ended() {
    session_->abandon();
    idle_.cancel();
    drop();
  }

  Server::Impl& server_;
  websocket::stream<AnyStream, false> socket_;
  asio::steady_timer idle_;
  std::shared_ptr<LiveSession> session_;
  Connection::Request request_;
  beast::flat_buffer buffer_;
  std::deque<std::string> out_;
  std::size_t unsent_ = 0;
  bool closing_ = false;
  websocket::close_reason reason_;
  std::chrono::steady_clock::time_point heard_;
};

void start_live(Server::Impl& server, AnyStream stream, Connection::Request request,
                const RequestHead& head, std::function<void(AnyStream, Answer)> refuse) {
  auto live = std::make_shared<LiveConnection>(server, std::move(stream));
  Answer refusal, accepted;
  accepted.status = 101;
  if (!live->prepare(head, refusal)) return refuse(live->release(), std::move(refusal));
  server.log(head, accepted, 0, 0);
  live->start(std::move(request), head);
}

void stop_live(LiveConnection& connection) { connection.stop(); }
void drop_live(LiveConnection& connection) { connection.drop(); }

}  // namespace mien::serve
