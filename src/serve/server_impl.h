#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "serve/any_stream.h"
#include "serve/server.h"

namespace mien::serve {

class Connection;
class LiveConnection;

struct Server::Impl {
  Impl(Service& wanted, ServerOptions given) : service(wanted), options(std::move(given)) {}

  void accept();
  void refuse(boost::asio::ip::tcp::socket socket) const;
  void tick(const std::atomic<bool>& stop);
  void begin_stop();
  void log(const RequestHead& head, const Answer& answer, std::uint64_t bytes, double seconds);

  Service& service;
  ServerOptions options;
  // Before `io`, whose handlers own the connections.
  std::set<Connection*> connections;
  std::set<LiveConnection*> live;
  boost::asio::io_context io{1};
  std::optional<boost::asio::ssl::context> tls;
  std::optional<boost::asio::ip::tcp::acceptor> acceptor;
  boost::asio::steady_timer timer{io};
  boost::asio::steady_timer pause{io};
  std::uint64_t body_bytes = 0;  // held by bodies that are being received
  bool stopping = false;
  std::chrono::steady_clock::time_point stop_before;
};

/// One HTTP connection: a request after the other. Only used in the thread of Server::run.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;
  using Request = Parser::value_type;
  using Error = boost::system::error_code;

  Connection(Server::Impl& server, boost::asio::ip::tcp::socket socket);
  ~Connection();
  void start();
  /// Closes it if no request is in work.
  void close_if_idle();
  void close_now();

 private:
  void wait_for_request();
  void read_header();
  void on_header(Error error);
  void read_head();
  void read_body();
  void on_body(Error error);
  void body_read();
  void upgrade();
  void respond(Answer answer);
  void on_read_error(Error error);
  void write_file();
  void on_written(Error error);
  void linger();
  void release_body();
  void start_timer(std::chrono::steady_clock::duration time);
  void stop_timer();
  boost::beast::tcp_stream& tcp() { return stream_->next_layer(); }

  Server::Impl& server_;
  std::optional<AnyStream> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  RequestHead head_;
  RequestPlan plan_;
  std::string body_;
  std::string chunk_;
  std::uint64_t received_ = 0;
  std::uint64_t counted_ = 0;  // of Server::Impl::body_bytes
  std::string out_head_;
  std::string out_body_;
  int file_ = -1;
  std::uint64_t file_left_ = 0;
  // Of header and body: Beast's own time-out closes the socket, so that no 408 could be sent.
  boost::asio::steady_timer timer_;
  std::uint64_t timer_number_ = 0;
  bool timed_out_ = false;
  bool idle_ = true;
  bool keep_ = true;
  int lingered_ = 0;
  std::chrono::steady_clock::time_point began_;
};

/// One WebSocket of /v1/live. Made by Connection::upgrade.
void start_live(Server::Impl& server, AnyStream stream, Connection::Request request,
                const RequestHead& head, std::function<void(AnyStream, Answer)> refuse);
/// Says goodbye and closes.
void stop_live(LiveConnection& connection);
void drop_live(LiveConnection& connection);

/// The head of a response.
std::string response_head(const Answer& answer, std::uint64_t length, bool keep);

}  // namespace mien::serve
