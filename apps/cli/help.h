#pragma once

// How --help looks, and options that go on working under an old name.

#include <memory>

namespace CLI {
class App;
class FormatterBase;
}  // namespace CLI

namespace mien::cli {

/// The group of old spellings: they are parsed, but help does not list them.
inline constexpr const char* kOldSpellings = "Old spellings";

/// Help in two columns, wrapped to the terminal, without the ranges and types that CLI11 prints.
/// Set it before subcommands are added: they inherit it.
std::shared_ptr<CLI::FormatterBase> help_formatter();

/// Options that are added to `verb` from now on are listed under this heading.
void begin_group(CLI::App& verb, const char* heading);

}  // namespace mien::cli
