#pragma once

// Shared by all verbs. One file per verb defines its `add_<verb>`; main.cc lists them.

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/log.h"
#include "mien/core/status.h"

namespace CLI {
class App;
}

namespace mien::cli {

/// Exit codes; see docs/reference/cli.md.
enum ExitCode : int {
  kExitOk = 0,
  kExitSomeFailed = 1,   ///< some input failed; results of the others are kept
  kExitUsage = 2,        ///< wrong options, labels or arguments; nothing was done
  kExitEnvironment = 3,  ///< a bundle, model or device that is needed is missing or broken
};

/// State of one run of the program.
struct Context {
  int exit_code = kExitOk;
  bool verbose = false;
  int threads = 0;  ///< 0: all cores
  std::string isa;
  std::string color = "auto";
  std::vector<std::string> arguments;  ///< of the program, to pass on to mien-train

  /// Applies `threads` and `isa`; every verb calls it first. Errors: kInvalidArgument.
  Status apply() const;
  /// "mien: <message>" on standard error.
  void report(std::string_view message) const;
  /// Reports that an option still works under an old name: "--force: renamed to --overwrite ...".
  void renamed(std::string_view old_name, std::string_view new_name) const;
  /// Reports a problem that ends the run, and sets the exit code.
  void fail(const Status& status, ExitCode code);
  LogSink log() const;
  /// The command line, quoted for a shell: "mien predict 'a b.mp4'".
  std::string command() const;
  bool color_for(FILE* stream) const;
};

/// Set by SIGINT and SIGTERM; long work polls it.
const std::atomic<bool>& interrupted();
/// True once the reader of our output pipe has gone, which also sets interrupted().
bool output_closed();
void install_signal_handlers();

/// Columns of the terminal behind `stream`, or 80.
int terminal_width(FILE* stream);
bool is_terminal(FILE* stream);
/// True if the locale's encoding is UTF-8.
bool locale_is_utf8();

/// The notice on responsible use that --help ends with.
std::string_view responsible_use();

void add_predict(CLI::App& app, Context& context);
void add_detect(CLI::App& app, Context& context);
void add_embed(CLI::App& app, Context& context);
void add_eval(CLI::App& app, Context& context);
void add_train(CLI::App& app, Context& context);
void add_export(CLI::App& app, Context& context);
void add_data(CLI::App& app, Context& context);
void add_convert(CLI::App& app, Context& context);
void add_inspect(CLI::App& app, Context& context);
void add_serve(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);

}  // namespace mien::cli
