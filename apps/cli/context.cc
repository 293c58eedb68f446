#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cli/cli.h"
#include "mien/kernels/cpu.h"
#include "report/text.h"

namespace mien::cli {
namespace {

std::atomic<bool> interrupt_flag{false};
std::atomic<bool> closed_flag{false};

extern "C" void on_signal(int) {
  if (interrupt_flag.exchange(true)) std::_Exit(130);  // second signal: leave at once
}

// Not the default action, which would leave half-written files behind.
extern "C" void on_closed_pipe(int) {
  closed_flag = true;
  interrupt_flag = true;
}

}  // namespace

Status Context::apply() const {
  if (threads < 0 || threads > 1024) {
    return invalid_argument(
        fmt::format("--threads: {} is out of range (expected 0..1024)", threads));
  }
  if (!isa.empty()) {
    const auto found = kernels::find_isa(isa);
    if (!found) {
      return invalid_argument(
          fmt::format("--isa: unknown value '{}' (expected generic, avx2 or avx512)", isa));
    }
    MIEN_RETURN_IF_ERROR(kernels::limit_isa(*found));
  }
  kernels::set_threads(threads);
  return {};
}

void Context::report(std::string_view message) const {
  if (output_closed()) return;  // `mien ... | head` has seen enough: not an error
  const std::string line = fmt::format("mien: {}\n", report::printable(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Context::renamed(std::string_view old_name, std::string_view new_name) const {
  report(fmt::format("{}: renamed to {} (the old name still works)", old_name, new_name));
}

void Context::fail(const Status& status, ExitCode code) {
  report(status.message());
  exit_code = std::max<int>(exit_code, code);
}

LogSink Context::log() const {
  const bool all = verbose;
  return [all](LogLevel level, std::string_view message) {
    if (!all && level < LogLevel::kWarning) return;
    const std::string line = fmt::format("mien: {}\n", report::printable(message));
    std::fwrite(line.data(), 1, line.size(), stderr);
  };
}

std::string Context::command() const {
  std::string out = "mien";
  for (const std::string& argument : arguments) {
    const bool plain =
        !argument.empty() && std::all_of(argument.begin(), argument.end(), [](unsigned char c) {
          return std::isalnum(c) != 0 || std::strchr("-_./:=,+@%", c) != nullptr;
        });
    out += ' ';
    if (plain) {
      out += argument;
      continue;
    }
    out += '\'';
    for (const char c : argument) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += '\'';
  }
  return out;
}

bool Context::color_for(FILE* stream) const {
  if (color == "always") return true;
  if (color == "never" || std::getenv("NO_COLOR") != nullptr) return false;
  return is_terminal(stream);
}

const std::atomic<bool>& interrupted() { return interrupt_flag; }

bool output_closed() { return closed_flag; }

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = on_closed_pipe;
  ::sigaction(SIGPIPE, &action, nullptr);
}

bool is_terminal(FILE* stream) { return ::isatty(::fileno(stream)) == 1; }

int terminal_width(FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS")) {
    if (const int value = std::atoi(columns); value > 0) return value;
  }
  return 80;
}

bool locale_is_utf8() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
}

std::string_view responsible_use() {
  return "mien describes how a face looks, not what a person feels. Results differ between groups "
         "of\n"
         "people. In the EU, inferring emotions at work and in education is prohibited (AI Act, "
         "art. 5).\n"
         "All processing is local: nothing is uploaded, nothing is stored unless you ask for it.";
}

}  // namespace mien::cli
