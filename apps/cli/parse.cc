#include "cli/parse.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>

namespace mien::cli {
namespace {

// The verb that was being read, as it is typed: "data check".
std::string verb_of(const CLI::App& app) {
  std::string out;
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    out += (out.empty() ? "" : " ") + at->get_name();
  }
  return out;
}

// CLI11 begins sentences where our messages go on after a colon.
std::string continued(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  const bool sentence =
      text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z';
  if (sentence || text.starts_with("A ")) text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

void report_usage(const CLI::App& app, const CLI::ParseError& error, Context& context) {
  const std::string verb = verb_of(app);
  const std::string subject = verb.empty() ? std::string() : verb + ": ";
  context.report(fmt::format("{}{} ({}{} --help tells more)", subject, continued(error.what()),
                             app.get_name(), verb.empty() ? "" : " " + verb));
}

}  // namespace

std::vector<std::string> spelled_out(std::vector<std::string> words) {
  if (words.empty()) return words;
  if (words.front() == "version") words.front() = "--version";
  if (words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  return words;
}

bool asks_for_help(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

int run_app(CLI::App& app, std::vector<std::string> words, Context& context) {
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help and version
    report_usage(app, error, context);
    return kExitUsage;
  } catch (const std::exception& error) {
    context.report(fmt::format("internal error: {}", error.what()));
    return kExitEnvironment;
  }
  return context.exit_code;
}

}  // namespace mien::cli
