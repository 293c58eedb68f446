#include "cli/help.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/cli.h"

namespace mien::cli {
namespace {

constexpr std::size_t kTextColumn = 28;

// What an option takes: "N", "FILE", "{auto,hog}". CLI11 writes "INT:INT in [1 - 10]".
std::string argument_text(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t colon = type.find(':');
  const std::string name = type.substr(0, colon);
  if (colon != std::string::npos && type[colon + 1] == '{') return type.substr(colon + 1);
  return name == "INT" || name == "UINT" ? "N" : name == "FLOAT" ? "X" : name;
}

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string out = Formatter::make_help(app, std::move(name), mode);
    // A group that is not listed leaves its blank lines behind.
    for (auto at = out.find("\n\n\n"); at != std::string::npos; at = out.find("\n\n\n", at)) {
      out.erase(at, 1);
    }
    return out;
  }

  std::string make_group(std::string heading, bool positional,
                         std::vector<const CLI::Option*> options) const override {
    if (heading == kOldSpellings) return {};
    return Formatter::make_group(std::move(heading), positional, std::move(options));
  }

  std::string make_option(const CLI::Option* option, bool positional) const override {
    std::string text = make_option_desc(option);
    if (option->get_type_size() != 0 && !option->get_default_str().empty()) {
      text += " (default: " + option->get_default_str() + ")";
    }
    return row(make_option_name(option, positional) + make_option_opts(option), text);
  }

  std::string make_subcommand(const CLI::App* verb) const override {
    return row(verb->get_display_name(true), verb->get_description());
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->get_option_text().empty()) return " " + option->get_option_text();
    if (option->get_type_size() == 0) return {};  // a flag
    const std::string argument = argument_text(*option);
    return (argument.empty() ? "" : " " + argument) +
           (option->get_expected_max() == CLI::detail::expected_max_vector_size ? " ..." : "");
  }

 private:
  static std::string row(const std::string& name, std::string_view text) {
    const auto width = static_cast<std::size_t>(std::clamp(terminal_width(stdout), 60, 120));
    std::string out = "  " + name;
    std::size_t used = out.size();
    if (used + 2 > kTextColumn) {
      out += '\n';
      used = 0;
    }
    const auto indent = [&] {
      out.append(kTextColumn - used, ' ');
      used = kTextColumn;
    };
    if (!text.empty()) indent();
    while (!text.empty()) {
      const std::string_view word = text.substr(0, text.find(' '));
      text.remove_prefix(std::min(word.size() + 1, text.size()));
      if (used > kTextColumn && used + 1 + word.size() > width) {
        out += '\n';
        used = 0;
        indent();
      }
      if (used > kTextColumn) {
        out += ' ';
        ++used;
      }
      out += word;
      used += word.size();
    }
    return out + '\n';
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<HelpFormatter>(); }

void begin_group(CLI::App& verb, const char* heading) { verb.option_defaults()->group(heading); }

}  // namespace mien::cli
