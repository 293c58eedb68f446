#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "serve/service.h"

namespace mien::serve {

/// How connections are handled.
struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any free one
  std::string tls_cert;       ///< PEM; empty: no TLS
  std::string tls_key;
  std::size_t most_connections = 512;
  std::size_t most_header = 16384;
  std::chrono::milliseconds header_time{10000};
  std::chrono::milliseconds body_time{20000};  ///< and a second more per 64 KiB received
  std::chrono::milliseconds idle_time{60000};
  std::chrono::milliseconds live_idle_time{300000};
  std::chrono::milliseconds stop_time{60000};  ///< longest that open connections delay a stop
  std::uint64_t body_memory = std::uint64_t{256} << 20;  ///< of all bodies that are being received
  /// Gets one line of JSON per request; called in the thread of run(). Empty: none.
  std::function<void(std::string_view)> access_log;
};

/// Speaks HTTP/1.1 and WebSocket for a Service, in one thread.
class Server {
 public:
  /// Listens. Borrows `service`. Errors: kInvalidArgument for the address or the files of TLS; kIo
  /// when the port is taken.
  static Result<std::unique_ptr<Server>> listen(Service& service, ServerOptions options);
  ~Server();
  std::uint16_t port() const;
  /// Serves until `stop` is set, then finishes what was accepted; the service is stopped, but not
  /// finished.
  void run(const std::atomic<bool>& stop);

  struct Impl;

 private:
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Splits "127.0.0.1:8080", "[::1]:8080" or ":8080". Errors: kInvalidArgument.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};
Result<ListenAddress> parse_listen(std::string_view text);

}  // namespace mien::serve
