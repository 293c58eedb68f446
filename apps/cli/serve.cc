#include "serve/server.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/options.h"
#include "core/cpus.h"
#include "core/file.h"
#include "mien/engine/find_bundle.h"
#include "serve/target.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

struct ServeOptions {
  std::vector<std::string> bundles;
  std::string labels;
  std::string detector;
  ModelOptions model;
  std::string listen = "127.0.0.1:8080";
  std::string token_file;
  std::vector<std::string> allow_origins;
  std::string tls_cert;
  std::string tls_key;
  int workers = 0;
  std::size_t queue = 64;
  std::uint64_t max_body = std::uint64_t{16} << 20;
  std::uint64_t max_clip = std::uint64_t{1} << 30;
  std::uint64_t max_pixels = 24'000'000;
  double max_seconds = 1200;
  std::size_t max_connections = 512;
  std::size_t max_jobs = 16;
  std::size_t max_live = 32;
  double header_time = 10;
  double body_time = 20;
  double idle_time = 60;
  double live_idle_time = 300;
  double keep = 3600;
  std::string state;
  std::string access_log;
  bool print_routes = false;
};

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

// Errors: kInvalidArgument for a token that could be guessed or not be sent.
Result<std::string> read_token(const std::string& file) {
  constexpr std::size_t kLeast = 16;
  constexpr std::uint64_t kMost = 4096;
  MIEN_ASSIGN_OR_RETURN(std::string token, read_text_file(file, kMost));
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back())) != 0) {
    token.pop_back();
  }
  const bool plain = std::all_of(token.begin(), token.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
  });
  if (token.size() >= kLeast && plain) return token;
  return invalid_argument(fmt::format(
      "--token-file {}: weak or unusable token (expected at least {} letters, digits and -_.~)",
      file, kLeast));
}

Status check_tls(const ServeOptions& options) {
  if (options.tls_cert.empty() == options.tls_key.empty()) return {};
  return invalid_argument("--tls-cert and --tls-key: one is missing (expected both)");
}

Result<serve::ServiceOptions> service_options(const ServeOptions& options, const Context& context,
                                              const serve::ListenAddress& address) {
  serve::ServiceOptions out;
  out.version = MIEN_VERSION;
  out.loopback = serve::is_loopback(address.host);
  out.allow_origins = options.allow_origins;
  if (!options.token_file.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.token, read_token(options.token_file));
  } else if (!out.loopback) {
    return invalid_argument(
        fmt::format("--listen {}: is not loopback, so anyone could use the server (expected "
                    "--token-file)",
                    options.listen));
  }
  out.most_body = options.max_body;
  out.most_clip = options.max_clip;
  out.most_live = options.max_live;
  FaceOptions faces;
  faces.detector = options.detector;
  MIEN_ASSIGN_OR_RETURN(out.pictures.finder, finder_options(faces));
  out.pictures.limits.max_pixels = options.max_pixels;
  out.pictures.limits.max_image_bytes = options.max_body;
  const int threads = context.threads > 0 ? context.threads : available_cpus();
  out.scheduler.workers = options.workers > 0 ? options.workers : threads;
  out.scheduler.threads = threads;
  out.scheduler.queue = options.queue;
  out.jobs.keep = std::chrono::seconds(std::llround(options.keep));
  out.jobs.most_waiting = options.max_jobs;
  out.jobs.threads = std::max(1, threads / 2);  // so that pictures are answered meanwhile
  out.jobs.limits.max_pixels = options.max_pixels;
  out.jobs.limits.max_seconds = options.max_seconds;
  out.jobs.limits.max_frames = static_cast<std::uint64_t>(options.max_seconds * 60);
  out.jobs.limits.max_file_bytes = options.max_clip;
  out.jobs.program = "mien " MIEN_VERSION;
  out.jobs.notice = responsible_use();
  return out;
}

serve::ServerOptions server_options(const ServeOptions& options,
                                    const serve::ListenAddress& address) {
  serve::ServerOptions out;
  out.address = address.host;
  out.port = address.port;
  out.tls_cert = options.tls_cert;
  out.tls_key = options.tls_key;
  out.most_connections = options.max_connections;
  out.header_time = milliseconds_of(options.header_time);
  out.body_time = milliseconds_of(options.body_time);
  out.idle_time = milliseconds_of(options.idle_time);
  out.live_idle_time = milliseconds_of(options.live_idle_time);
  out.body_memory = std::max(out.body_memory, 4 * options.max_body);
  return out;
}

// The bundles, ready for the labels they answer with by default.
Result<serve::Models> load_models(const Context& context, const ServeOptions& options) {
  text::LabelSet labels;
  if (!options.labels.empty()) {
    MIEN_ASSIGN_OR_RETURN(labels, text::load_labels(options.labels));
  }
  std::vector<std::string> names = options.bundles;
  if (names.empty()) names.emplace_back(engine::kDefaultBundle);
  std::vector<std::shared_ptr<serve::Model>> out;
  for (const std::string& name : names) {
    MIEN_ASSIGN_OR_RETURN(const fs::path path, find_model(name));
    MIEN_ASSIGN_OR_RETURN(auto model,
                          serve::Model::load(path, bundle_options(options.model), labels));
    tell_precision(context, options.model, model->bundle());
    engine::Session session;
    MIEN_RETURN_IF_ERROR(model->labels(serve::Ask(), session).status());
    for (const auto& other : out) {
      if (other->info().name != model->info().name) continue;
      return invalid_argument(fmt::format("--bundle {}: another bundle is named '{}' as well", name,
                                          model->info().name));
    }
    out.push_back(std::move(model));
  }
  return serve::Models(std::move(out));
}

// Where lines of the access log go; nullptr: nowhere.
Result<FILE*> open_log(const std::string& name) {
  if (name.empty()) return static_cast<FILE*>(nullptr);
  if (name == "-") return stdout;
  FILE* const out = std::fopen(name.c_str(), "ae");
  if (out == nullptr) return io_error(fmt::format("--access-log {}: cannot be opened", name));
  return out;
}

void print_routes() { fmt::print("{}\n{}", serve::route_table(), serve::parameter_table()); }

void serve_pictures(Context& context, ServeOptions options) {
  if (options.print_routes) return print_routes();
  const auto usage = [&](const Status& status) { context.fail(status, kExitUsage); };
  if (const Status status = context.apply(); !status.ok()) return usage(status);
  const auto address = serve::parse_listen(options.listen);
  if (!address.ok()) return usage(address.status());
  if (const Status status = check_tls(options); !status.ok()) return usage(status);
  auto service_settings = service_options(options, context, *address);
  if (!service_settings.ok()) return usage(service_settings.status());
  const auto log = open_log(options.access_log);
  if (!log.ok()) return usage(log.status());
  options.model.many_pictures = true;
  auto models = load_models(context, options);
  if (!models.ok()) return context.fail(models.status(), kExitEnvironment);
  const std::string first = models->all().front()->info().name;
  serve::JobOptions& jobs = service_settings->jobs;
  jobs.remove_folder = options.state.empty();
  jobs.folder = options.state;
  if (options.state.empty()) {
    jobs.folder =
        fs::temp_directory_path() / fmt::format("mien-serve-{}-{}", ::geteuid(),
                                                address->port > 0 ? std::to_string(address->port)
                                                                  : fmt::format("p{}", ::getpid()));
  }
  auto service = serve::Service::start(std::move(*models), std::move(*service_settings));
  if (!service.ok()) return context.fail(service.status(), kExitEnvironment);
  serve::ServerOptions settings = server_options(options, *address);
  if (*log != nullptr) {
    settings.access_log = [file = *log](std::string_view line) {
      fmt::print(file, "{}\n", line);
      std::fflush(file);
    };
  }
  const auto server = serve::Server::listen(**service, std::move(settings));
  if (!server.ok()) return context.fail(server.status(), kExitEnvironment);
  context.report(fmt::format(
      "serving {} on {}://{}:{} (Ctrl-C stops)", first, options.tls_cert.empty() ? "http" : "https",
      address->host.find(':') == std::string::npos ? address->host : "[" + address->host + "]",
      (*server)->port()));
  (*server)->run(interrupted());
  (*service)->finish();
}

void add_limit_options(CLI::App& verb, ServeOptions& options) {
  begin_group(verb, "Limits");
  verb.add_option("--queue", options.queue,
                  "Number of requests that may wait; more get the status 503")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb.add_option("--max-body", options.max_body, "Largest picture, in bytes")
      ->check(CLI::Range(std::uint64_t{1024}, std::uint64_t{1} << 30))
      ->capture_default_str();
  verb.add_option("--max-clip", options.max_clip, "Largest clip, in bytes")
      ->check(CLI::Range(std::uint64_t{1024}, std::uint64_t{1} << 40))
      ->capture_default_str();
  verb.add_option("--max-pixels", options.max_pixels, "Most pixels of a picture or frame")
      ->check(CLI::Range(std::uint64_t{1024}, std::uint64_t{1} << 30))
      ->capture_default_str();
  verb.add_option("--max-seconds", options.max_seconds, "Longest clip")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  verb.add_option("--max-connections", options.max_connections, "Most open connections")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb.add_option("--max-jobs", options.max_jobs, "Most clips that are received or wait")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb.add_option("--max-live", options.max_live, "Most live connections")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  const auto add_time = [&](const char* name, double& field, const char* help) {
    verb.add_option(name, field, help)->check(CLI::Range(0.1, 86400.0))->capture_default_str();
  };
  add_time("--header-time", options.header_time, "Seconds in which the header must arrive");
  add_time("--body-time", options.body_time,
           "Seconds in which the body must arrive, plus one for each 64 KiB");
  add_time("--idle-time", options.idle_time,
           "Seconds after which a connection without a request is closed");
  add_time("--live-idle-time", options.live_idle_time,
           "Seconds after which a live connection without frames is closed");
}

}  // namespace

void add_serve(CLI::App& app, Context& context) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* verb = app.add_subcommand("serve", "Answer over HTTP, with a live page");
  begin_group(*verb, "Model");
  verb->add_option("-b,--bundle", options->bundles,
                   "Bundle to serve: a folder, a .tar, or the name of a shipped bundle; several "
                   "are chosen by name (default: " +
                       std::string(engine::kDefaultBundle) + ")");
  add_engine_options(*verb, options->model);
  verb->add_option("-l,--labels", options->labels,
                   "Labels when a request names none, as for predict (default: the bundle's own)");
  verb->add_option("--detector", options->detector,
                   "Find faces with this bundle instead of dlib's HOG filters")
      ->type_name("BUNDLE");
  begin_group(*verb, "Network");
  verb->add_option("--listen", options->listen,
                   "Address and port; one that is not loopback needs --token-file")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  verb->add_option("--token-file", options->token_file,
                   "File with the token that requests must carry")
      ->type_name("FILE");
  verb->add_option("--allow-origin", options->allow_origins,
                   "Origin whose pages may use the server, such as https://example.org; several")
      ->type_name("ORIGIN");
  verb->add_option("--tls-cert", options->tls_cert, "Certificate chain (PEM): speak TLS")
      ->type_name("FILE");
  verb->add_option("--tls-key", options->tls_key, "Key of the certificate (PEM)")
      ->type_name("FILE");
  verb->add_option("--access-log", options->access_log,
                   "Append one line of JSON per request (-: standard output)")
      ->type_name("FILE");
  begin_group(*verb, "Work");
  verb->add_option("--workers", options->workers,
                   "Number of requests to work on at once (default: as many as --threads)")
      ->check(CLI::Range(1, 256));
  verb->add_option("--state", options->state,
                   "Private folder for clips and results; it stays after a stop (default: one in "
                   "the system's temporary folder, which is removed)")
      ->type_name("FOLDER");
  verb->add_option("--keep", options->keep, "Seconds for which results of clips are kept")
      ->check(CLI::Range(1.0, 31536000.0))
      ->capture_default_str();
  add_limit_options(*verb, *options);
  begin_group(*verb, "Output");
  verb->add_flag("--print-routes", options->print_routes,
                 "Print the end points and parameters as tables, and do nothing else");
  verb->footer("\n" + std::string(responsible_use()));
  verb->callback([options, &context] { serve_pictures(context, *options); });
}

}  // namespace mien::cli
