#include "mien/core/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/spelling.h"
#include "mien/core/check.h"

namespace mien {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// Unquoted if YAML reads it back as the same text, otherwise in double quotes.
std::string yaml_text(const std::string& text) {
  static constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+";
  const bool plain = !text.empty() && text.find_first_not_of(kPlain) == std::string::npos;
  if (plain && text != "null" && text != "~") return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

struct Parser {
  std::string_view text;
  const OptionRange& range;
  const std::vector<std::string_view>& choices;

  // Returns what was expected; empty when the value is valid.
  std::string operator()(int* out) const {
    int value = 0;
    if (!parse_number(text, value)) return "a whole number";
    return keep(out, value);
  }
  std::string operator()(std::uint64_t* out) const {
    return parse_number(text, *out) ? "" : "a whole number from 0";
  }
  std::string operator()(double* out) const {
    double value = 0;
    if (!parse_number(text, value) || !std::isfinite(value)) return "a number";
    return keep(out, value);
  }
  std::string operator()(bool* out) const {
    if (text != "true" && text != "false") return "true or false";
    *out = text == "true";
    return {};
  }
  std::string operator()(std::string* out) const {
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return fmt::format("one of {}", fmt::join(choices, ", "));
    }
    *out = std::string(text);
    return {};
  }
  std::string operator()(std::vector<int>* out) const {
    int value = 0;
    if (!parse_number(text, value)) return "whole numbers";
    out->push_back(value);
    return {};
  }
  std::string operator()(std::vector<std::string>* out) const {
    out->emplace_back(text);
    return {};
  }

  template <class Number>
  std::string keep(Number* out, Number value) const {
    const auto number = static_cast<double>(value);
    if (number < range.least || number > range.most) {
      return fmt::format("{} to {}", range.least, range.most);
    }
    *out = value;
    return {};
  }
};

template <class T>
bool is_list(const T& target) {
  return std::visit(
      [](auto* field) {
        using Field = std::remove_pointer_t<decltype(field)>;
        return std::is_same_v<Field, std::vector<int>> ||
               std::is_same_v<Field, std::vector<std::string>>;
      },
      target);
}

}  // namespace

void OptionSet::insert(std::string_view name, std::string_view doc, Target target,
                       OptionRange range, std::vector<std::string_view> choices) {
  Option option{.name = prefix_ + std::string(name),
                .doc = std::string(doc),
                .target = target,
                .range = range,
                .choices = std::move(choices)};
  MIEN_CHECK(!contains(option.name));
  option.default_text = text_of(option);
  options_.push_back(std::move(option));
}

void OptionSet::add(std::string_view name, int& field, std::string_view doc, OptionRange range) {
  insert(name, doc, &field, range, {});
}
void OptionSet::add(std::string_view name, std::uint64_t& field, std::string_view doc) {
  insert(name, doc, &field, {}, {});
}
void OptionSet::add(std::string_view name, double& field, std::string_view doc, OptionRange range) {
  insert(name, doc, &field, range, {});
}
void OptionSet::add(std::string_view name, bool& field, std::string_view doc) {
  insert(name, doc, &field, {}, {});
}
void OptionSet::add(std::string_view name, std::string& field, std::string_view doc,
                    std::vector<std::string_view> choices) {
  insert(name, doc, &field, {}, std::move(choices));
}
void OptionSet::add(std::string_view name, std::vector<int>& field, std::string_view doc) {
  insert(name, doc, &field, {}, {});
}
void OptionSet::add(std::string_view name, std::vector<std::string>& field, std::string_view doc) {
  insert(name, doc, &field, {}, {});
}

const OptionSet::Option* OptionSet::find(std::string_view name) const {
  const auto it = std::find_if(options_.begin(), options_.end(),
                               [&](const Option& option) { return option.name == name; });
  return it == options_.end() ? nullptr : &*it;
}

bool OptionSet::contains(std::string_view name) const { return find(name) != nullptr; }

Status OptionSet::unknown(std::string_view name, std::string_view subject) const {
  std::vector<std::string_view> names;
  for (const Option& option : options_) names.push_back(option.name);
  const auto near = nearest(name, names);
  const std::string hint =
      near.empty() ? "" : fmt::format(" (did you mean '{}'?)", names[near.front()]);
  return invalid_argument(fmt::format("{}: unknown option '{}'{}", subject, name, hint));
}

Status OptionSet::set(std::string_view name, const Values& values, std::string_view subject) {
  const Option* option = find(name);
  if (option == nullptr) return unknown(name, subject);
  const bool list = is_list(option->target);
  if (!list && values.size() != 1) {
    return invalid_argument(
        fmt::format("{}: '{}' has {} values (expected one)", subject, name, values.size()));
  }
  if (list) std::visit([](auto* field) { *field = {}; }, option->target);
  for (const std::string& value : values) {
    const std::string expected =
        std::visit(Parser{value, option->range, option->choices}, option->target);
    if (!expected.empty()) {
      return invalid_argument(
          fmt::format("{}: '{}' is '{}' (expected {})", subject, name, value, expected));
    }
  }
  return {};
}

Status OptionSet::assign(std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    return invalid_argument(fmt::format("--set {}: no '=' (expected name=value)", assignment));
  }
  const std::string_view name = assignment.substr(0, equals);
  std::string_view rest = assignment.substr(equals + 1);
  const std::string subject = fmt::format("--set {}", assignment);
  const Option* option = find(name);
  if (option == nullptr) return unknown(name, subject);
  if (!is_list(option->target)) return set(name, {std::string(rest)}, subject);
  Values values;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    values.emplace_back(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return set(name, values, subject);
}

std::string OptionSet::text_of(const Option& option) {
  struct Printer {
    std::string operator()(const int* v) const { return fmt::format("{}", *v); }
    std::string operator()(const std::uint64_t* v) const { return fmt::format("{}", *v); }
    std::string operator()(const double* v) const { return fmt::format("{}", *v); }
    std::string operator()(const bool* v) const { return *v ? "true" : "false"; }
    std::string operator()(const std::string* v) const { return yaml_text(*v); }
    std::string operator()(const std::vector<int>* v) const {
      return fmt::format("[{}]", fmt::join(*v, ", "));
    }
    std::string operator()(const std::vector<std::string>* v) const {
      std::vector<std::string> quoted;
      for (const std::string& item : *v) quoted.push_back(yaml_text(item));
      return fmt::format("[{}]", fmt::join(quoted, ", "));
    }
  };
  return std::visit(Printer{}, option.target);
}

Json OptionSet::to_json() const {
  struct Value {
    Json operator()(const int* v) const { return *v; }
    Json operator()(const std::uint64_t* v) const { return *v; }
    Json operator()(const double* v) const { return *v; }
    Json operator()(const bool* v) const { return *v; }
    Json operator()(const std::string* v) const { return *v; }
    Json operator()(const std::vector<int>* v) const { return Json::Array(v->begin(), v->end()); }
    Json operator()(const std::vector<std::string>* v) const {
      return Json::Array(v->begin(), v->end());
    }
  };
  Json out = Json::object();
  for (const Option& option : options_) {
    Json* at = &out;
    std::string_view rest = option.name;
    for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      const std::string key(rest.substr(0, dot));
      if (at->find(key) == nullptr) at->set(key, Json::object());
      at = const_cast<Json*>(at->find(key));
      rest = rest.substr(dot + 1);
    }
    at->set(std::string(rest), std::visit(Value{}, option.target));
  }
  return out;
}

std::string OptionSet::to_yaml() const {
  std::string out;
  for (const Option& option : options_) out += option.name + ": " + text_of(option) + "\n";
  return out;
}

std::string OptionSet::to_markdown() const {
  std::string out = "| option | default | meaning |\n|---|---|---|\n";
  for (const Option& option : options_) {
    std::string doc = option.doc;
    if (!option.choices.empty()) doc += fmt::format(" ({})", fmt::join(option.choices, ", "));
    out += fmt::format("| `{}` | `{}` | {} |\n", option.name, option.default_text, doc);
  }
  return out;
}

}  // namespace mien
