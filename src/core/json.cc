#include "mien/core/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/utf8.h"

namespace mien {
namespace {

using Sax = nlohmann::json_sax<nlohmann::json>;

// Builds our value from nlohmann's event stream, so that depth and duplicate keys are checked while
// parsing.
class Builder final : public Sax {
 public:
  explicit Builder(const Limits& limits) : limits_(limits) {}

  bool null() override { return add(Json()); }
  bool boolean(bool v) override { return add(Json(v)); }
  bool number_integer(number_integer_t v) override { return add(Json(static_cast<long long>(v))); }
  bool number_unsigned(number_unsigned_t v) override {
    return add(Json(static_cast<unsigned long long>(v)));
  }
  bool number_float(number_float_t v, const string_t&) override {
    if (!std::isfinite(v)) return fail(corrupt("number is out of range"));
    return add(Json(v));
  }
  bool string(string_t& v) override { return add(Json(std::move(v))); }
  bool binary(binary_t&) override { return fail(corrupt("binary value in JSON text")); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& v) override {
    if (!stack_.back().keys.insert(v).second) return fail(corrupt("duplicate key \"" + v + "\""));
    stack_.back().key = std::move(v);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    // Drops nlohmann's error code at the start and the quoted input at the end.
    std::string text = error.what();
    if (const auto colon = text.find("; "); colon != std::string::npos)
      text = text.substr(0, colon);
    if (const auto bracket = text.find("] "); bracket != std::string::npos) {
      text = text.substr(bracket + 2);
    }
    return fail(corrupt(fmt::format("invalid JSON at byte {} ({})", position, text)));
  }

  const Status& status() const { return status_; }
  Json take() { return std::move(root_); }

 private:
  struct Level {
    Json value;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool fail(Status status) {
    status_ = std::move(status);
    return false;
  }
  bool open(Json value) {
    if (stack_.size() >= limits_.max_json_depth) {
      return fail(resource_limit(
          fmt::format("JSON is nested too deeply (expected at most {})", limits_.max_json_depth)));
    }
    stack_.push_back({std::move(value), {}, {}});
    return true;
  }
  bool close() {
    Json value = std::move(stack_.back().value);
    stack_.pop_back();
    return add(std::move(value));
  }
  bool add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (Level& top = stack_.back(); top.value.is_array()) {
      top.value.as_array().push_back(std::move(value));
    } else {
      top.value.as_object().emplace_back(std::move(top.key), std::move(value));
    }
    return true;
  }

  const Limits& limits_;
  std::vector<Level> stack_;
  Json root_;
  Status status_;
};

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char32_t c : to_code_points(text)) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (c < 0x20 || c == 0x7F) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          append_utf8(out, c);
        }
    }
  }
  out += '"';
}

// A double keeps a point or an exponent, so that it reads back as a double.
void write_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  const std::string text = fmt::format("{}", number);
  out += text;
  if (text.find_first_of(".e") == std::string::npos) out += ".0";
}

void write_value(std::string& out, const Json& value, int indent, int depth) {
  const auto newline = [&](int level) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(level), ' ');
  };
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_integer()) {
    out += std::to_string(value.as_integer());
  } else if (value.is_number()) {
    write_double(out, value.as_number());
  } else if (value.is_string()) {
    write_string(out, value.as_string());
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : value.as_array()) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      write_value(out, item, indent, depth + 1);
    }
    if (!first) newline(depth);
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : value.as_object()) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      write_string(out, key);
      out += indent < 0 ? ":" : ": ";
      write_value(out, item, indent, depth + 1);
    }
    if (!first) newline(depth);
    out += '}';
  }
}

Status missing(std::string_view key, std::string_view subject, std::string_view expected) {
  return corrupt(fmt::format("{}: '{}' is missing or of the wrong type (expected {})", subject, key,
                             expected));
}

}  // namespace

Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;
Json::Json(unsigned long v) : Json(static_cast<unsigned long long>(v)) {}
Json::Json(unsigned long long v) {
  if (v > static_cast<unsigned long long>(INT64_MAX)) {
    value_ = static_cast<double>(v);
  } else {
    value_ = static_cast<std::int64_t>(v);
  }
}
Json::Json(float v)
    : value_(std::isfinite(v) ? std::strtod(fmt::format("{}", v).c_str(), nullptr)
                              : static_cast<double>(v)) {}

bool Json::as_bool() const {
  MIEN_CHECK(is_bool());
  return std::get<bool>(value_);
}
std::int64_t Json::as_integer() const {
  MIEN_CHECK(is_integer());
  return std::get<std::int64_t>(value_);
}
double Json::as_number() const {
  MIEN_CHECK(is_number());
  return is_integer() ? static_cast<double>(std::get<std::int64_t>(value_))
                      : std::get<double>(value_);
}
const std::string& Json::as_string() const {
  MIEN_CHECK(is_string());
  return std::get<std::string>(value_);
}
const Json::Array& Json::as_array() const {
  MIEN_CHECK(is_array());
  return std::get<Array>(value_);
}
Json::Array& Json::as_array() {
  MIEN_CHECK(is_array());
  return std::get<Array>(value_);
}
const Json::Object& Json::as_object() const {
  MIEN_CHECK(is_object());
  return std::get<Object>(value_);
}
Json::Object& Json::as_object() {
  MIEN_CHECK(is_object());
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  const Object& members = as_object();
  const auto it = std::find_if(members.begin(), members.end(),
                               [&](const Member& member) { return member.first == key; });
  return it == members.end() ? nullptr : &it->second;
}

Json& Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object{};
  for (auto& member : as_object()) {
    if (member.first == key) return member.second = std::move(value);
  }
  return as_object().emplace_back(std::move(key), std::move(value)).second;
}

void Json::push_back(Json value) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(value));
}

std::size_t Json::size() const {
  if (is_array()) return as_array().size();
  return is_object() ? as_object().size() : 0;
}

Result<Json> Json::parse(std::string_view text, const Limits& limits) {
  Builder builder(limits);
  const bool ok = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  if (!ok) return builder.status();
  return builder.take();
}

std::string Json::dump(int indent) const {
  std::string out;
  write_value(out, *this, indent, 0);
  return out;
}

Result<std::int64_t> json_integer(const Json& object, std::string_view key,
                                  std::string_view subject) {
  const Json* value = object.find(key);
  if (value == nullptr || !value->is_integer()) return missing(key, subject, "an integer");
  return value->as_integer();
}

Result<double> json_number(const Json& object, std::string_view key, std::string_view subject) {
  const Json* value = object.find(key);
  if (value == nullptr || !value->is_number()) return missing(key, subject, "a number");
  return value->as_number();
}

Result<std::string> json_string(const Json& object, std::string_view key,
                                std::string_view subject) {
  const Json* value = object.find(key);
  if (value == nullptr || !value->is_string()) return missing(key, subject, "a string");
  return value->as_string();
}

Result<bool> json_bool(const Json& object, std::string_view key, std::string_view subject) {
  const Json* value = object.find(key);
  if (value == nullptr || !value->is_bool()) return missing(key, subject, "true or false");
  return value->as_bool();
}

Status json_reject_unknown(const Json& object, const std::vector<std::string_view>& known,
                           std::string_view subject) {
  if (!object.is_object()) return corrupt(fmt::format("{}: expected an object", subject));
  for (const auto& member : object.as_object()) {
    if (std::find(known.begin(), known.end(), member.first) == known.end()) {
      return corrupt(fmt::format("{}: unknown key '{}'", subject, member.first));
    }
  }
  return {};
}

}  // namespace mien
