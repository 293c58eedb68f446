#include "cli/parse.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "cli/help.h"
#include "core/spelling.h"

namespace mien::cli {
namespace {

// The verb that was being parsed, as typed: "data check".
std::string verb_of(const CLI::App& app) {
  std::string out;
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    out += (out.empty() ? "" : " ") + at->get_name();
  }
  return out;
}

// Errors of CLI11 begin with a capital letter; ours follow a colon.
std::string continued(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  const bool sentence =
      text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z';
  if (sentence || text.starts_with("A ")) text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

// "'pridict' is not a verb; did you mean predict?"
std::string unknown_verb(const CLI::App& app, const std::string& word) {
  constexpr std::size_t kMostEdits = 3;
  std::vector<std::string_view> verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    verbs.push_back(verb->get_name());
  }
  const auto near = nearest(word, verbs, std::min(kMostEdits, word.size() / 2));
  return fmt::format("'{}' is not a verb{}", word,
                     near.empty() ? "" : fmt::format("; did you mean {}?", verbs[near.front()]));
}

// "--lables: unknown option; did you mean --labels?"; empty if no option was left over.
std::string unknown_option(const CLI::App& app) {
  std::vector<std::string> known;
  for (const CLI::App* at = &app; at != nullptr;
       at = at->get_subcommands().empty() ? nullptr : at->get_subcommands().front()) {
    for (const CLI::Option* option : at->get_options()) {
      if (option->get_group() == kOldSpellings) continue;  // never suggest those
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  }
  for (const std::string& word : app.remaining(true)) {
    if (!word.starts_with("--") || word.size() < 3) continue;
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string_view> names(known.begin(), known.end());
    const auto near = nearest(name, names, std::max<std::size_t>(2, name.size() / 4));
    return fmt::format("{}: unknown option{}", name,
                       near.empty() ? "" : fmt::format("; did you mean {}?", names[near.front()]));
  }
  return {};
}

void report_usage(const CLI::App& app, const CLI::ParseError& error, const std::string& first,
                  Context& context) {
  const std::string verb = verb_of(app);
  const std::string subject = verb.empty() ? std::string() : verb + ": ";
  const std::string help = app.get_name() + (verb.empty() ? "" : " " + verb) + " --help";
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  const bool has_verbs = !at->get_subcommands([](const CLI::App*) { return true; }).empty();
  std::string word = first;
  if (!verb.empty()) {
    const std::vector<std::string> rest = app.remaining(true);
    word = rest.empty() ? std::string() : rest.front();
  }
  if (has_verbs && !word.empty() && word.front() != '-') {
    context.report(
        fmt::format("{}{} ({} lists the verbs)", subject, unknown_verb(*at, word), help));
    return;
  }
  const std::string option = unknown_option(app);
  context.report(fmt::format("{}{} (see {})", subject,
                             option.empty() ? continued(error.what()) : option, help));
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

int run_app(CLI::App& app, std::vector<std::string> words, Context& context) {
  const std::string first = words.empty() ? std::string() : words.front();
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help and version
    report_usage(app, error, first, context);
    return kExitUsage;
  } catch (const std::exception& error) {
    context.report(fmt::format("internal error: {}", error.what()));
    return kExitEnvironment;
  }
  return context.exit_code;
}

}  // namespace mien::cli
