#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien {

/// A JSON value. Objects keep the order in which members were added.
/// Threads: const member functions are safe to call from several threads.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  ///< null
  // Out of line: GCC 12 takes the variant's members for uninitialised when these are inlined.
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();
  Json(std::nullptr_t) {}                        // NOLINT(google-explicit-constructor)
  Json(bool v) : value_(v) {}                    // NOLINT(google-explicit-constructor)
  Json(int v) : value_(std::int64_t{v}) {}       // NOLINT(google-explicit-constructor)
  Json(unsigned v) : value_(std::int64_t{v}) {}  // NOLINT(google-explicit-constructor)
  Json(long v) : value_(std::int64_t{v}) {}      // NOLINT(google-explicit-constructor)
  Json(long long v)
      : value_(static_cast<std::int64_t>(v)) {}  // NOLINT(google-explicit-constructor)
  Json(unsigned long v);                         // NOLINT(google-explicit-constructor)
  Json(unsigned long long v);                    // NOLINT(google-explicit-constructor)
  Json(double v) : value_(v) {}                  // NOLINT(google-explicit-constructor)
  /// Prints as the shortest decimal that reads back as the same float.
  Json(float v);                                        // NOLINT(google-explicit-constructor)
  Json(const char* v) : value_(std::string(v)) {}       // NOLINT(google-explicit-constructor)
  Json(std::string_view v) : value_(std::string(v)) {}  // NOLINT(google-explicit-constructor)
  Json(std::string v) : value_(std::move(v)) {}         // NOLINT(google-explicit-constructor)
  Json(Array v) : value_(std::move(v)) {}               // NOLINT(google-explicit-constructor)
  Json(Object v) : value_(std::move(v)) {}              // NOLINT(google-explicit-constructor)

  /// An empty array, an empty object.
  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  /// Whether the value has that type. is_number() is true of integers too.
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  /// The value. Precondition: it has that type; as_number() also accepts an integer.
  bool as_bool() const;
  std::int64_t as_integer() const;
  double as_number() const;
  const std::string& as_string() const;
  const Array& as_array() const;
  Array& as_array();
  const Object& as_object() const;
  Object& as_object();

  /// The member named `key` of an object, or nullptr (also when this is not an object).
  const Json* find(std::string_view key) const;
  /// Sets or replaces a member; a null value becomes an object first. Returns the stored value.
  Json& set(std::string key, Json value);
  /// Appends to an array; a null value becomes an array first.
  void push_back(Json value);
  std::size_t size() const;  ///< elements of an array or object, else 0

  bool operator==(const Json& other) const = default;

  /// Parses one UTF-8 document. Errors: kCorrupt with position and reason, also for a duplicate
  /// key; kResourceLimit for nesting deeper than limits.max_json_depth.
  static Result<Json> parse(std::string_view text, const Limits& limits = {});
  /// The value as text; `indent` < 0: on one line. Numbers read back as the same value; NaN and
  /// infinities become null, ill-formed UTF-8 becomes U+FFFD.
  std::string dump(int indent = -1) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// Typed look-ups for file formats: the error names `subject` and the key.
/// Errors: kCorrupt when the key is missing or its value has another type.
Result<std::int64_t> json_integer(const Json& object, std::string_view key,
                                  std::string_view subject);
Result<double> json_number(const Json& object, std::string_view key, std::string_view subject);
Result<std::string> json_string(const Json& object, std::string_view key, std::string_view subject);
Result<bool> json_bool(const Json& object, std::string_view key, std::string_view subject);
/// Errors: kCorrupt when `object` has a key that `known` does not list, or is not an object.
Status json_reject_unknown(const Json& object, const std::vector<std::string_view>& known,
                           std::string_view subject);

}  // namespace mien
