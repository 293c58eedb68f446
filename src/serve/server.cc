#include "serve/server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <ctime>
#include <vector>

#include "serve/server_impl.h"
#include "serve/target.h"

namespace mien::serve {
namespace {

using Tcp = boost::asio::ip::tcp;
using SystemError = boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(50);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

Status load_tls(const ServerOptions& options, boost::asio::ssl::context& out) {
  using Context = boost::asio::ssl::context;
  SystemError error;
  out.set_options(Context::default_workarounds | Context::no_sslv2 | Context::no_sslv3 |
                      Context::no_tlsv1 | Context::no_tlsv1_1 | Context::single_dh_use,
                  error);
  if (!error) out.use_certificate_chain_file(options.tls_cert, error);
  if (error) {
    return invalid_argument(options.tls_cert + ": cannot be read as a certificate (" +
                            error.message() + ")");
  }
  out.use_private_key_file(options.tls_key, Context::pem, error);
  if (error) {
    return invalid_argument(options.tls_key + ": cannot be read as the certificate's key (" +
                            error.message() + ")");
  }
  return {};
}

}  // namespace

Result<ListenAddress> parse_listen(std::string_view text) {
  const auto wrong = [&] {
    return invalid_argument(
        fmt::format("--listen: invalid address '{}' (expected ADDRESS:PORT)", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  ListenAddress out;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  out.host = host;
  const char* const end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data(), end, out.port);
  SystemError bad;
  boost::asio::ip::make_address(out.host, bad);
  if (error != std::errc() || stop != end || bad) return wrong();
  return out;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

std::uint16_t Server::port() const { return impl_->acceptor->local_endpoint().port(); }

Result<std::unique_ptr<Server>> Server::listen(Service& service, ServerOptions options) {
  auto impl = std::make_unique<Impl>(service, std::move(options));
  if (!impl->options.tls_cert.empty()) {
    impl->tls.emplace(boost::asio::ssl::context::tls_server);
    MIEN_RETURN_IF_ERROR(load_tls(impl->options, *impl->tls));
  }
  SystemError error;
  const auto address = boost::asio::ip::make_address(impl->options.address, error);
  if (error) return invalid_argument(impl->options.address + ": is not an address");
  const Tcp::endpoint endpoint(address, impl->options.port);
  impl->acceptor.emplace(impl->io);
  impl->acceptor->open(endpoint.protocol(), error);
  if (!error) impl->acceptor->set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor->bind(endpoint, error);
  if (!error) impl->acceptor->listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    return io_error(fmt::format("{}:{}: cannot listen ({})", impl->options.address,
                                impl->options.port, error.message()));
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

// Says why, as far as that is possible without waiting, and closes.
void Server::Impl::refuse(Tcp::socket socket) const {
  if (tls) return;
  const std::string out = response_head(busy_answer("too many connections"), 0, false);
  SystemError ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(boost::asio::buffer(out), ignored);
  socket.shutdown(Tcp::socket::shutdown_send, ignored);
}

void Server::Impl::accept() {
  acceptor->async_accept([this](SystemError error, Tcp::socket socket) {
    if (stopping) return;
    if (error) {  // out of descriptors: those that wait in the kernel's queue come later
      pause.expires_after(kAcceptPause);
      return pause.async_wait([this](SystemError) {
        if (!stopping) accept();
      });
    }
    if (connections.size() + live.size() >= options.most_connections) {
      refuse(std::move(socket));
      return accept();
    }
    SystemError ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    std::make_shared<Connection>(*this, std::move(socket))->start();
    accept();
  });
}

void Server::Impl::begin_stop() {
  stopping = true;
  stop_before = std::chrono::steady_clock::now() + options.stop_time;
  service.stop();
  SystemError ignored;
  acceptor->close(ignored);
  const std::vector<Connection*> all(connections.begin(), connections.end());
  for (Connection* connection : all) connection->close_if_idle();
  const std::vector<LiveConnection*> all_live(live.begin(), live.end());
  for (LiveConnection* connection : all_live) stop_live(*connection);
}

void Server::Impl::tick(const std::atomic<bool>& stop) {
  timer.expires_after(kTick);
  timer.async_wait([this, &stop](SystemError) {
    if (stop && !stopping) begin_stop();
    if (stopping) {
      if (connections.empty() && live.empty()) return io.stop();
      if (std::chrono::steady_clock::now() > stop_before) {
        const std::vector<Connection*> all(connections.begin(), connections.end());
        for (Connection* connection : all) connection->close_now();
        const std::vector<LiveConnection*> all_live(live.begin(), live.end());
        for (LiveConnection* connection : all_live) drop_live(*connection);
        stop_before = std::chrono::steady_clock::now() + options.stop_time;
      }
    }
    tick(stop);
  });
}

void Server::Impl::log(const RequestHead& head, const Answer& answer, std::uint64_t bytes,
                       double seconds) {
  const Route* route = match(head.method, head.path).route;
  service.metrics().count(route == nullptr ? "none" : route->path, answer.status, seconds);
  if (!options.access_log) return;
  const Json line =
      Json::Object{{"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
                   {"method", head.method},
                   {"path", head.path},
                   {"status", answer.status},
                   {"bytes", bytes},
                   {"ms", static_cast<double>(static_cast<std::int64_t>(seconds * 1e6)) / 1e3}};
  options.access_log(line.dump());
}

void Server::run(const std::atomic<bool>& stop) {
  impl_->accept();
  impl_->tick(stop);
  impl_->io.run();
}

}  // namespace mien::serve
