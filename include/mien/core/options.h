#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"

namespace mien {

/// Allowed values of a number, both ends included.
struct OptionRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};

/// The options of a struct by name. A struct that has options registers them once, in a function
/// `void register_options(OptionSet&)`; from that come reading, checking and printing.
/// Borrows the fields: they must outlive the set. Threads: not thread-safe.
class OptionSet {
 public:
  using Values = std::vector<std::string>;

  /// Names are unique (contract). The value at registration is the default.
  void add(std::string_view name, int& field, std::string_view doc, OptionRange range = {});
  void add(std::string_view name, std::uint64_t& field, std::string_view doc);
  void add(std::string_view name, double& field, std::string_view doc, OptionRange range = {});
  void add(std::string_view name, bool& field, std::string_view doc);
  /// `choices` empty: any text.
  void add(std::string_view name, std::string& field, std::string_view doc,
           std::vector<std::string_view> choices = {});
  void add(std::string_view name, std::vector<int>& field, std::string_view doc);
  void add(std::string_view name, std::vector<std::string>& field, std::string_view doc);

  /// Registers the options of a nested struct as "name.field".
  template <class Struct>
  void group(std::string_view name, Struct& fields) {
    const std::string outer = prefix_;
    prefix_ += std::string(name) + ".";
    fields.register_options(*this);
    prefix_ = outer;
  }

  /// Whether an option of this name is registered.
  bool contains(std::string_view name) const;
  /// Reads a value from text. Messages start with `subject`, for example "recipe.yaml:12".
  /// Errors: kInvalidArgument for an unknown name (the message suggests the nearest known one),
  /// text that is not a value of the type, a value out of range, several values where one is
  /// expected.
  Status set(std::string_view name, const Values& values, std::string_view subject);
  /// Reads "a.b=v" as on a command line; commas separate the values of a list.
  /// Errors: as set(); kInvalidArgument without an equals sign.
  Status assign(std::string_view assignment);

  /// The current values as nested JSON, in the order of registration.
  Json to_json() const;
  /// The current values as YAML that set() reads back, one line per option.
  std::string to_yaml() const;
  /// A table with option, default and description.
  std::string to_markdown() const;

 private:
  using Target = std::variant<int*, std::uint64_t*, double*, bool*, std::string*, std::vector<int>*,
                              std::vector<std::string>*>;
  struct Option {
    std::string name;
    std::string doc;
    Target target;
    OptionRange range = {};
    std::vector<std::string_view> choices = {};
    std::string default_text = {};
  };

  void insert(std::string_view name, std::string_view doc, Target target, OptionRange range,
              std::vector<std::string_view> choices);
  const Option* find(std::string_view name) const;
  Status unknown(std::string_view name, std::string_view subject) const;
  static std::string text_of(const Option& option);

  std::string prefix_;
  std::vector<Option> options_;
};

}  // namespace mien
