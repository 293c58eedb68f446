#include "unit/report/schema_checker.h"

#include <algorithm>
#include <string_view>

namespace mien::report::test {
namespace {

bool has_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

bool type_fits(const Json& value, const Json& types) {
  if (types.is_string()) return has_type(value, types.as_string());
  return std::any_of(types.as_array().begin(), types.as_array().end(),
                     [&](const Json& t) { return has_type(value, t.as_string()); });
}

std::string object_problem(const Json& value, const Json& schema, const Json& root,
                           const std::string& where) {
  if (const Json* required = schema.find("required")) {
    for (const Json& key : required->as_array()) {
      if (!value.find(key.as_string())) return where + ": lacks " + key.as_string();
    }
  }
  if (const Json* dependent = schema.find("dependentRequired")) {
    for (const auto& [key, others] : dependent->as_object()) {
      if (!value.find(key)) continue;
      for (const Json& other : others.as_array()) {
        if (!value.find(other.as_string())) return where + ": lacks " + other.as_string();
      }
    }
  }
  const Json* properties = schema.find("properties");
  for (const auto& [key, member] : value.as_object()) {
    const Json* part = properties ? properties->find(key) : nullptr;
    if (!part) {
      if (schema.find("additionalProperties")) return where + ": has unexpected " + key;
      continue;
    }
    if (auto problem = schema_problem(member, *part, root, where + '.' + key); !problem.empty()) {
      return problem;
    }
  }
  return {};
}

std::string array_problem(const Json& value, const Json& schema, const Json& root,
                          const std::string& where) {
  const auto size = static_cast<std::int64_t>(value.size());
  const Json* least = schema.find("minItems");
  const Json* most = schema.find("maxItems");
  if (least && size < least->as_integer()) return where + ": has too few items";
  if (most && size > most->as_integer()) return where + ": has too many items";
  const Json* items = schema.find("items");
  for (std::size_t i = 0; items && i < value.size(); ++i) {
    auto problem =
        schema_problem(value.as_array()[i], *items, root, where + '[' + std::to_string(i) + ']');
    if (!problem.empty()) return problem;
  }
  return {};
}

}  // namespace

std::string schema_problem(const Json& value, const Json& schema, const Json& root,
                           const std::string& where) {
  static constexpr std::string_view kKnown[] = {"$schema",
                                                "title",
                                                "$defs",
                                                "$ref",
                                                "type",
                                                "required",
                                                "properties",
                                                "additionalProperties",
                                                "items",
                                                "minItems",
                                                "maxItems",
                                                "enum",
                                                "minimum",
                                                "maximum",
                                                "dependentRequired"};
  for (const auto& [key, unused] : schema.as_object()) {
    if (std::find(std::begin(kKnown), std::end(kKnown), key) == std::end(kKnown)) {
      return where + ": keyword " + key + " is not checked";
    }
  }
  if (const Json* ref = schema.find("$ref")) {
    const std::string name = ref->as_string().substr(std::string_view("#/$defs/").size());
    const Json* definition = root.find("$defs") ? root.find("$defs")->find(name) : nullptr;
    if (!definition) return where + ": no definition " + name;
    return schema_problem(value, *definition, root, where);
  }
  if (const Json* type = schema.find("type"); type && !type_fits(value, *type)) {
    return where + ": is " + value.dump().substr(0, 60) + " (expected " + type->dump() + ")";
  }
  if (const Json* choices = schema.find("enum")) {
    const Json::Array& all = choices->as_array();
    if (std::find(all.begin(), all.end(), value) == all.end()) return where + ": not in enum";
  }
  if (const Json* least = schema.find("minimum");
      least && value.is_number() && value.as_number() < least->as_number()) {
    return where + ": below minimum";
  }
  if (const Json* most = schema.find("maximum");
      most && value.is_number() && value.as_number() > most->as_number()) {
    return where + ": above maximum";
  }
  if (value.is_object()) return object_problem(value, schema, root, where);
  if (value.is_array()) return array_problem(value, schema, root, where);
  return {};
}

}  // namespace mien::report::test
