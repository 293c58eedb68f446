#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <limits>
#include <utility>

#include "serve/server_impl.h"
#include "serve/target.h"

namespace mien::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t kChunk = std::size_t{64} << 10;
constexpr std::size_t kMostBuffered = std::size_t{128} << 10;
constexpr int kMostLingered = 256;  // chunks that are read and thrown away after a refusal
constexpr auto kLingerTime = std::chrono::seconds(2);
constexpr auto kWriteTime = std::chrono::seconds(30);

std::string field(const http::fields& fields, http::field name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}

}  // namespace

Connection::Connection(Server::Impl& server, asio::ip::tcp::socket socket)
    : server_(server),
      stream_(std::in_place, std::move(socket), server.tls ? &*server.tls : nullptr),
      buffer_(kMostBuffered),
      timer_(server.io) {
  server_.connections.insert(this);
  server_.service.opened();
}

Connection::~Connection() {
  release_body();
  if (file_ >= 0) ::close(file_);
  server_.connections.erase(this);
  server_.service.closed();
}

void Connection::start() {
  if (stream_->tls() == nullptr) return wait_for_request();
  tcp().expires_after(server_.options.header_time);
  stream_->tls()->async_handshake(asio::ssl::stream_base::server,
                                  [self = shared_from_this()](Error error) {
                                    if (!error) self->wait_for_request();
                                  });
}

void Connection::start_timer(std::chrono::steady_clock::duration time) {
  tcp().expires_never();
  timed_out_ = false;
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this(), number = ++timer_number_](Error error) {
    if (error || number != self->timer_number_ || !self->stream_) return;
    self->timed_out_ = true;
    self->tcp().cancel();
  });
}

void Connection::stop_timer() {
  ++timer_number_;
  timer_.cancel();
}

void Connection::close_now() {
  if (stream_) tcp().close();
}

void Connection::close_if_idle() {
  if (idle_) close_now();
}

void Connection::wait_for_request() {
  if (server_.stopping) return;
  idle_ = true;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_.options.most_header));
  // The limit depends on the route. Not boost::none: Beast 1.81 takes that for a limit below any
  // length.
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  received_ = 0;
  body_.clear();
  plan_ = RequestPlan();
  head_ = RequestHead();
  if (buffer_.size() > 0) return read_header();
  tcp().expires_after(server_.options.idle_time);
  stream_->async_read_some(buffer_.prepare(4096),
                           [self = shared_from_this()](Error error, std::size_t bytes) {
                             if (error) return;
                             self->buffer_.commit(bytes);
                             self->read_header();
                           });
}

void Connection::read_header() {
  idle_ = false;
  start_timer(server_.options.header_time);
  http::async_read_header(
      *stream_, buffer_, *parser_,
      [self = shared_from_this()](Error error, std::size_t) { self->on_header(error); });
}

void Connection::on_read_error(Error error) {
  keep_ = false;
  const auto refuse = [&](int status, Status problem) {
    respond(error_answer(status, "request", problem));
  };
  began_ = std::chrono::steady_clock::now();
  if (timed_out_) {
    return refuse(408, invalid_argument("request: came too slowly"));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return refuse(431, resource_limit("header: is too large"));
  }
  if (error == http::error::body_limit) {
    return refuse(413, resource_limit("body: is too large"));
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != make_error_code(http::error::bad_method).category()) {
    return;  // the client has gone
  }
  refuse(400, invalid_argument("request: is not HTTP/1.1 (" + error.message() + ")"));
}

void Connection::on_header(Error error) {
  stop_timer();
  if (error) return on_read_error(error);
  began_ = std::chrono::steady_clock::now();
  keep_ = parser_->keep_alive() && !server_.stopping;
  read_head();
  if (plan_.refusal) {
    // What is left of the request is not read.
    if (!parser_->is_done()) keep_ = false;
    return respond(std::move(*plan_.refusal));
  }
  if (plan_.route->action == Action::kLive && head_.upgrade) return upgrade();
  const auto length = parser_->content_length();
  if (length && *length > plan_.most_body) {
    keep_ = false;
    return respond(error_answer(
        413, "request",
        resource_limit(fmt::format("body: is too large (expected at most {} bytes, got {})",
                                   plan_.most_body, *length))));
  }
  parser_->body_limit(plan_.most_body);
  const auto expect = parser_->get()[http::field::expect];
  if (beast::iequals(expect, "100-continue") && !parser_->is_done()) {
    out_head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    tcp().expires_after(server_.options.header_time);
    return asio::async_write(*stream_, asio::buffer(out_head_),
                             [self = shared_from_this()](Error failed, std::size_t) {
                               if (!failed) self->read_body();
                             });
  }
  read_body();
}

// Fills in head_ and plan_.
void Connection::read_head() {
  const auto& request = parser_->get();
  head_.method = std::string(request.method_string());
  head_.host = field(request, http::field::host);
  head_.origin = field(request, http::field::origin);
  head_.authorization = field(request, http::field::authorization);
  head_.content_type = field(request, http::field::content_type);
  head_.protocols = field(request, http::field::sec_websocket_protocol);
  head_.if_none_match = field(request, http::field::if_none_match);
  head_.upgrade = beast::websocket::is_upgrade(request);
  auto target = parse_target({request.target().data(), request.target().size()});
  if (!target.ok()) {
    plan_.refusal = error_answer(http_status_of(target.status()), "request", target.status());
    return;
  }
  head_.path = std::move(target->path);
  head_.query = std::move(target->query);
  plan_ = server_.service.plan(head_);
}

void Connection::read_body() {
  if (parser_->is_done()) return body_read();
  chunk_.resize(kChunk);
  auto& body = parser_->get().body();
  body.data = chunk_.data();
  body.size = chunk_.size();
  const auto spent = std::chrono::steady_clock::now() - began_;
  const auto allowed =
      server_.options.body_time + std::chrono::seconds(static_cast<long>(received_ / kChunk));
  start_timer(
      std::max<std::chrono::steady_clock::duration>(allowed - spent, std::chrono::milliseconds(1)));
  http::async_read(*stream_, buffer_, *parser_,
                   [self = shared_from_this()](Error error, std::size_t) { self->on_body(error); });
}

void Connection::on_body(Error error) {
  stop_timer();
  const bool more = error == http::error::need_buffer;
  if (error && !more) {
    release_body();
    return on_read_error(error);
  }
  const std::size_t bytes = chunk_.size() - parser_->get().body().size;
  received_ += bytes;
  if (plan_.upload) {
    if (const Status status = plan_.upload->write({chunk_.data(), bytes}); !status.ok()) {
      keep_ = false;
      return respond(error_answer(500, "request", status));
    }
  } else {
    if (server_.body_bytes + bytes > server_.options.body_memory) {
      keep_ = false;
      release_body();
      return respond(busy_answer("server receives too much at once"));
    }
    server_.body_bytes += bytes;
    counted_ += bytes;
    body_.append(chunk_, 0, bytes);
  }
  read_body();
}

void Connection::release_body() {
  server_.body_bytes -= std::exchange(counted_, 0);
  body_ = {};
}

void Connection::body_read() {
  tcp().expires_never();
  auto self = shared_from_this();
  std::string body = std::move(body_);
  server_.service.run(head_, std::move(plan_), std::move(body), received_,
                      [self, executor = stream_->get_executor()](Answer answer) {
                        asio::post(executor, [self, answer = std::move(answer)]() mutable {
                          self->respond(std::move(answer));
                        });
                      });
}

void Connection::upgrade() {
  auto self = shared_from_this();
  AnyStream stream = std::move(*stream_);
  stream_.reset();
  start_live(server_, std::move(stream), parser_->release(), head_,
             [self](AnyStream refused, Answer answer) {
               self->stream_.emplace(std::move(refused));
               self->keep_ = false;
               self->respond(std::move(answer));
             });
}

void Connection::respond(Answer answer) {
  release_body();
  server_.service.add_cors(head_, answer);
  std::uint64_t length = answer.body.size();
  if (!answer.file.empty()) {
    struct stat facts {};
    file_ = ::open(answer.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file_ < 0 || ::fstat(file_, &facts) != 0) {
      answer = error_answer(404, "request", not_found("job: does not exist"));
      length = answer.body.size();
    } else {
      length = static_cast<std::uint64_t>(facts.st_size);
    }
  }
  keep_ = keep_ && !server_.stopping;
  out_head_ = response_head(answer, length, keep_);
  const bool bodiless = head_.method == "HEAD" || answer.status == 304 || answer.status == 204;
  file_left_ = bodiless || file_ < 0 ? 0 : length;
  out_body_ = bodiless ? std::string() : std::move(answer.body);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  server_.log(head_, answer, bodiless ? 0 : length, seconds);
  tcp().expires_after(kWriteTime);
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(out_head_),
                                                     asio::buffer(out_body_)};
  asio::async_write(*stream_, buffers, [self = shared_from_this()](Error error, std::size_t) {
    self->on_written(error);
  });
}

void Connection::write_file() {
  chunk_.resize(kChunk);
  const ssize_t bytes = ::read(file_, chunk_.data(), std::min<std::uint64_t>(kChunk, file_left_));
  if (bytes <= 0) return close_now();  // the length was promised
  file_left_ -= static_cast<std::uint64_t>(bytes);
  tcp().expires_after(kWriteTime);
  asio::async_write(
      *stream_, asio::buffer(chunk_.data(), static_cast<std::size_t>(bytes)),
      [self = shared_from_this()](Error error, std::size_t) { self->on_written(error); });
}

void Connection::on_written(Error error) {
  if (error) return close_now();
  if (file_left_ > 0) return write_file();
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  plan_ = RequestPlan();
  if (keep_) return wait_for_request();
  Error ignored;
  tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  tcp().expires_after(kLingerTime);
  linger();
}

// Closing while the client still sends would destroy the answer before it is read.
void Connection::linger() {
  if (++lingered_ > kMostLingered) return close_now();
  chunk_.resize(kChunk);
  tcp().async_read_some(asio::buffer(chunk_),
                        [self = shared_from_this()](Error error, std::size_t) {
                          if (error) return self->close_now();
                          self->linger();
                        });
}

std::string response_head(const Answer& answer, std::uint64_t length, bool keep) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(answer.status));
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", answer.status,
                                std::string_view(reason.data(), reason.size()));
  const auto add = [&](std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    // Nothing of a request may start another header.
    for (const char c : value) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    out += "\r\n";
  };
  if (!answer.content_type.empty()) add("Content-Type", answer.content_type);
  if (answer.status != 204 && answer.status != 304) {
    add("Content-Length", fmt::format("{}", length));
  }
  const auto named = [&](std::string_view name) {
    return std::any_of(answer.headers.begin(), answer.headers.end(),
                       [&](const auto& header) { return header.first == name; });
  };
  for (const auto& [name, value] : answer.headers) add(name, value);
  if (!named("Cache-Control")) add("Cache-Control", "no-store");
  if (!named("Content-Security-Policy")) {
    add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  }
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Connection", keep ? "keep-alive" : "close");
  out += "\r\n";
  return out;
}

}  // namespace mien::serve
