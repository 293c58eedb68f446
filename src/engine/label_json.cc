#include "engine/label_json.h"

#include <fmt/format.h>

#include <set>

namespace mien::engine {
namespace {

constexpr int kMaxPartDepth = 2;  // a part of a compound has texts, never parts of its own

Result<text::Label> label_from_json(const Json& json, std::string_view subject,
                                    const Limits& limits, int depth) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, {"name", "texts", "parts"}, subject));
  text::Label out;
  MIEN_ASSIGN_OR_RETURN(out.name, json_string(json, "name", subject));
  if (out.name.empty()) return corrupt(fmt::format("{}: a label has an empty name", subject));
  const Json* texts = json.find("texts");
  const Json* parts = json.find("parts");
  for (const Json* list : {texts, parts}) {
    if (list != nullptr && !list->is_array()) {
      return corrupt(fmt::format("{}: texts and parts of '{}' must be lists", subject, out.name));
    }
  }
  if (texts != nullptr) {
    for (const Json& text : texts->as_array()) {
      if (!text.is_string() || text.as_string().size() > limits.max_text_bytes) {
        return corrupt(fmt::format("{}: a text of '{}' is not a string of at most {} bytes",
                                   subject, out.name, limits.max_text_bytes));
      }
      out.texts.push_back(text.as_string());
    }
  }
  if (parts != nullptr && depth < kMaxPartDepth) {
    for (const Json& part : parts->as_array()) {
      MIEN_ASSIGN_OR_RETURN(text::Label made, label_from_json(part, subject, limits, depth + 1));
      out.parts.push_back(std::move(made));
    }
  }
  if (out.texts.empty() == out.parts.empty()) {
    return corrupt(
        fmt::format("{}: label '{}' needs texts or parts, and not both", subject, out.name));
  }
  return out;
}

}  // namespace

Json label_to_json(const text::Label& label) {
  Json out = Json::object();
  out.set("name", label.name);
  if (!label.texts.empty()) {
    Json texts = Json::array();
    for (const std::string& text : label.texts) texts.push_back(text);
    out.set("texts", std::move(texts));
  }
  if (!label.parts.empty()) {
    Json parts = Json::array();
    for (const text::Label& part : label.parts) parts.push_back(label_to_json(part));
    out.set("parts", std::move(parts));
  }
  return out;
}

Result<std::vector<text::Label>> labels_from_json(const Json& list, std::string_view subject,
                                                  const Limits& limits) {
  if (list.size() > limits.max_labels) {
    return resource_limit(fmt::format("{}: too many labels (expected at most {}, got {})", subject,
                                      limits.max_labels, list.size()));
  }
  std::vector<text::Label> out;
  std::set<std::string> names;
  for (const Json& item : list.as_array()) {
    MIEN_ASSIGN_OR_RETURN(text::Label label, label_from_json(item, subject, limits, 1));
    if (!names.insert(label.name).second) {
      return corrupt(fmt::format("{}: duplicate label '{}'", subject, label.name));
    }
    out.push_back(std::move(label));
  }
  return out;
}

void append_texts(const text::Label& label, std::vector<std::string>& out) {
  out.insert(out.end(), label.texts.begin(), label.texts.end());
  for (const text::Label& part : label.parts) append_texts(part, out);
}

}  // namespace mien::engine
