#include "mien/engine/architecture.h"

#include <fmt/format.h>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"

namespace mien::engine {
namespace {

constexpr int kMaxTargets = 4096;

// `what`: "image tower". Errors: kUnsupported for a type without a row; those of the row.
template <class Tower, class Kinds>
Result<Tower> parse_tower(const Kinds& kinds, const char* what, const Json& json,
                          std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string type, json_string(json, "type", subject));
  std::optional<Result<Tower>> out;
  for_each_kind(kinds, [&](const auto& kind) {
    if (kind.type != type) return;
    auto sizes = kind.parse(json, subject);
    out =
        sizes.ok() ? Result<Tower>(Tower(std::move(sizes).value())) : Result<Tower>(sizes.status());
  });
  if (out) return std::move(*out);
  return unsupported(
      fmt::format("{}: unknown {} '{}' (expected {})", subject, what, type, type_list(kinds)));
}

template <class Tower>
Json tower_json(const Tower& tower) {
  return with_kind(tower, [](const auto& kind, const auto& sizes) {
    Json out = Json::object();
    out.set("type", kind.type);
    kind.write(sizes, out);
    return out;
  });
}

template <class Tower>
Status check_tower(const Tower& tower, int embed, const std::string& subject) {
  return with_kind(tower, [&](const auto& kind, const auto& sizes) {
    return kind.check(sizes, embed, subject);
  });
}

Result<RegressionHead> parse_regression(const Json& json, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string type, json_string(json, "type", subject));
  if (type != "linear" && type != "mlp") {
    return unsupported(
        fmt::format("{}: unknown regression '{}' (expected linear or mlp)", subject, type));
  }
  std::vector<std::string_view> keys = {"type", "targets"};
  if (type == "mlp") keys.emplace_back("hidden");
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, keys, subject));
  RegressionHead head;
  MIEN_ASSIGN_OR_RETURN(head.targets, read_size(json, "targets", kMaxTargets, subject));
  if (type == "mlp") {
    MIEN_ASSIGN_OR_RETURN(head.hidden, read_size(json, "hidden", kMaxWidth, subject));
  }
  return head;
}

Json regression_json(const RegressionHead& head) {
  Json out = Json::object();
  out.set("type", head.hidden > 0 ? "mlp" : "linear");
  if (head.hidden > 0) out.set("hidden", head.hidden);
  out.set("targets", head.targets);
  return out;
}

}  // namespace

int image_size_of(const ImageTower& tower) {
  return std::visit([](const auto& sizes) { return sizes.image_size; }, tower);
}

int context_of(const TextTower& tower) {
  return std::visit([](const auto& sizes) { return sizes.context; }, tower);
}

int vocabulary_of(const TextTower& tower) {
  return std::visit([](const auto& sizes) { return sizes.vocabulary; }, tower);
}

int max_frames_of(const TemporalTower& tower) {
  return std::visit([](const auto& sizes) { return sizes.positions - 1; }, tower);
}

bool set_activation(Architecture& architecture, kernels::Activation activation) {
  bool out = false;
  const auto set = [&](const auto& kind, auto& sizes) {
    if constexpr (requires { sizes.activation; }) {
      if (!kind.activation_is_choice) return;
      sizes.activation = activation;
      out = true;
    }
  };
  with_kind(architecture.image, set);
  if (architecture.text) with_kind(*architecture.text, set);
  return out;
}

Json Architecture::to_json() const {
  Json out = Json::object();
  out.set("embed", embed);
  out.set("image", tower_json(image));
  out.set("text", text ? tower_json(*text) : Json());
  if (temporal) out.set("temporal", tower_json(*temporal));
  if (neutral) out.set("neutral", neutral_json(*neutral));
  if (regression) out.set("regression", regression_json(*regression));
  if (prompt) out.set("prompt", prompt_json(*prompt));
  if (reciprocal) out.set("reciprocal", reciprocal_json(*reciprocal));
  return out;
}

Result<Architecture> Architecture::parse(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json, {"embed", "image", "text", "temporal", "neutral", "regression", "prompt", "reciprocal"},
      subject));
  Architecture out;
  MIEN_ASSIGN_OR_RETURN(out.embed, read_size(json, "embed", kMaxWidth, subject));
  const Json* image_json = json.find("image");
  const Json* text_json = json.find("text");
  if (image_json == nullptr || text_json == nullptr) {
    return corrupt(
        fmt::format("{}: '{}' is missing (expected an object, or null for no text tower)", subject,
                    image_json == nullptr ? "image" : "text"));
  }
  MIEN_ASSIGN_OR_RETURN(out.image, parse_tower<ImageTower>(kImageKinds, "image tower", *image_json,
                                                           fmt::format("{}.image", subject)));
  if (!text_json->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.text, parse_tower<TextTower>(kTextKinds, "text tower", *text_json,
                                                           fmt::format("{}.text", subject)));
  }
  if (const Json* temporal = json.find("temporal"); temporal != nullptr && !temporal->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.temporal,
                          parse_tower<TemporalTower>(kTemporalKinds, "temporal model", *temporal,
                                                     fmt::format("{}.temporal", subject)));
  }
  if (const Json* neutral = json.find("neutral"); neutral != nullptr && !neutral->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.neutral, parse_neutral(*neutral, fmt::format("{}.neutral", subject)));
  }
  if (const Json* head = json.find("regression"); head != nullptr && !head->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.regression,
                          parse_regression(*head, fmt::format("{}.regression", subject)));
  }
  if (const Json* prompt = json.find("prompt"); prompt != nullptr && !prompt->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.prompt, parse_prompt(*prompt, fmt::format("{}.prompt", subject)));
  }
  if (const Json* points = json.find("reciprocal"); points != nullptr && !points->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.reciprocal,
                          parse_reciprocal(*points, fmt::format("{}.reciprocal", subject)));
  }
  MIEN_RETURN_IF_ERROR(out.validate(subject));
  return out;
}

Status Architecture::validate(std::string_view subject) const {
  MIEN_RETURN_IF_ERROR(check_tower(image, embed, fmt::format("{}.image", subject)));
  if (text) MIEN_RETURN_IF_ERROR(check_tower(*text, embed, fmt::format("{}.text", subject)));
  if (temporal) {
    MIEN_RETURN_IF_ERROR(check_tower(*temporal, embed, fmt::format("{}.temporal", subject)));
  }
  if (regression && (regression->targets < 1 || regression->targets > kMaxTargets ||
                     regression->hidden < 0 || regression->hidden > kMaxWidth)) {
    return corrupt(fmt::format(
        "{}.regression: {} targets, {} hidden (expected 1 to {} targets, at most {} hidden)",
        subject, regression->targets, regression->hidden, kMaxTargets, kMaxWidth));
  }
  if (neutral) {
    MIEN_RETURN_IF_ERROR(check_neutral(*neutral, fmt::format("{}.neutral", subject)));
  }
  if (prompt) {
    MIEN_RETURN_IF_ERROR(check_prompt(*prompt, image, fmt::format("{}.prompt", subject)));
  }
  if (reciprocal) return check_reciprocal(*reciprocal, fmt::format("{}.reciprocal", subject));
  return {};
}

}  // namespace mien::engine
