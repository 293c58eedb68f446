#include "mien/engine/architecture.h"

#include <fmt/format.h>

#include "engine/architecture_parts.h"

namespace mien::engine {
namespace {

using kernels::Activation;

constexpr std::pair<Activation, std::string_view> kActivations[] = {
    {Activation::kGelu, "gelu"},
    {Activation::kGeluTanh, "gelu_tanh"},
    {Activation::kQuickGelu, "quick_gelu"},
    {Activation::kRelu, "relu"},
};

constexpr int kMaxVocabulary = 10'000'000;
constexpr int kMaxContext = 8192;
constexpr int kMaxTargets = 4096;

Result<Activation> read_activation(const Json& json, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string name, json_string(json, "activation", subject));
  const auto found = find_activation(name);
  if (!found) {
    return corrupt(
        fmt::format("{}: unknown activation '{}' (expected gelu, gelu_tanh, quick_gelu or relu)",
                    subject, name));
  }
  return *found;
}

Status check_heads(int width, int heads, std::string_view subject) {
  if (width % heads != 0 || width / heads % 16 != 0) {
    return corrupt(
        fmt::format("{}: width {} with {} heads (expected a head width that is a multiple of 16)",
                    subject, width, heads));
  }
  return {};
}

// The sizes that every transformer tower has.
template <class Tower>
Status parse_blocks(const Json& json, std::string_view subject, Tower& tower) {
  MIEN_ASSIGN_OR_RETURN(tower.width, read_size(json, "width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(tower.layers, read_size(json, "layers", kMaxLayers, subject));
  MIEN_ASSIGN_OR_RETURN(tower.heads, read_size(json, "heads", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(tower.mlp, read_size(json, "mlp", 8 * kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(tower.activation, read_activation(json, subject));
  return {};
}

Result<ImageTower> parse_residual(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json,
      {"type", "image_size", "channels", "stem_kernel", "stem_stride", "stem_width", "stem_pool",
       "first_stride", "widths", "blocks", "projection"},
      subject));
  ImageTower tower;
  ResidualSizes& sizes = tower.residual.emplace();
  MIEN_ASSIGN_OR_RETURN(tower.image_size, read_size(json, "image_size", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.channels, read_size(json, "channels", 3, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_kernel, read_size(json, "stem_kernel", 15, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_stride, read_size(json, "stem_stride", 4, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_width, read_size(json, "stem_width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.stem_pool, json_bool(json, "stem_pool", subject));
  MIEN_ASSIGN_OR_RETURN(sizes.first_stride, read_size(json, "first_stride", 4, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.widths, read_sizes(json, "widths", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.blocks, read_sizes(json, "blocks", kMaxLayers, subject));
  if (json.find("projection") != nullptr) {
    MIEN_ASSIGN_OR_RETURN(sizes.projection, json_bool(json, "projection", subject));
  }
  return tower;
}

Json residual_json(const ImageTower& tower) {
  const ResidualSizes& sizes = *tower.residual;
  Json out = Json::object();
  out.set("type", "residual");
  out.set("image_size", tower.image_size);
  out.set("channels", sizes.channels);
  out.set("stem_kernel", sizes.stem_kernel);
  out.set("stem_stride", sizes.stem_stride);
  out.set("stem_width", sizes.stem_width);
  out.set("stem_pool", sizes.stem_pool);
  out.set("first_stride", sizes.first_stride);
  out.set("widths", sizes_json(sizes.widths));
  out.set("blocks", sizes_json(sizes.blocks));
  if (!sizes.projection) out.set("projection", false);
  return out;
}

Status check_residual(const ResidualSizes& sizes, int embed, std::string_view subject) {
  const bool shape = sizes.widths.size() == sizes.blocks.size() && !sizes.widths.empty() &&
                     (sizes.channels == 1 || sizes.channels == 3) && sizes.stem_kernel % 2 == 1;
  if (!shape) {
    return corrupt(fmt::format(
        "{}: {} widths, {} blocks, {} channels, stem kernel {} (expected as many widths as blocks, "
        "1 or 3 channels, an odd kernel)",
        subject, sizes.widths.size(), sizes.blocks.size(), sizes.channels, sizes.stem_kernel));
  }
  for (const int width : sizes.widths) {
    if (width < 1 || width > kMaxWidth) {
      return corrupt(fmt::format("{}: width {} (expected 1..{})", subject, width, kMaxWidth));
    }
  }
  if (!sizes.projection && sizes.widths.back() != embed) {
    return corrupt(fmt::format("{}: last width {} without a projection (expected {}, as embed)",
                               subject, sizes.widths.back(), embed));
  }
  return {};
}

Result<ImageTower> parse_image(const Json& json, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string type, json_string(json, "type", subject));
  if (type == "residual") return parse_residual(json, subject);
  if (type == "swin") return parse_swin(json, subject);
  if (type != "vit") {
    return unsupported(fmt::format("{}: unknown image tower '{}' (expected vit, residual or swin)",
                                   subject, type));
  }
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json, {"type", "image_size", "patch", "width", "layers", "heads", "mlp", "activation"},
      subject));
  ImageTower tower;
  MIEN_ASSIGN_OR_RETURN(tower.image_size, read_size(json, "image_size", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(tower.patch, read_size(json, "patch", kMaxImage, subject));
  MIEN_RETURN_IF_ERROR(parse_blocks(json, subject, tower));
  return tower;
}

Result<TextTower> parse_text(const Json& json, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string type, json_string(json, "type", subject));
  if (type != "clip_text" && type != "words") {
    return unsupported(
        fmt::format("{}: unknown text tower '{}' (expected clip_text or words)", subject, type));
  }
  std::vector<std::string_view> keys = {"type",   "context", "vocabulary", "width",
                                        "layers", "heads",   "mlp",        "activation"};
  if (type == "words") keys.emplace_back("word_width");
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, keys, subject));
  TextTower tower;
  if (type == "words") {
    MIEN_ASSIGN_OR_RETURN(tower.word_width, read_size(json, "word_width", kMaxWidth, subject));
  }
  MIEN_ASSIGN_OR_RETURN(tower.context, read_size(json, "context", kMaxContext, subject));
  MIEN_ASSIGN_OR_RETURN(tower.vocabulary, read_size(json, "vocabulary", kMaxVocabulary, subject));
  MIEN_RETURN_IF_ERROR(parse_blocks(json, subject, tower));
  return tower;
}

Result<TemporalTower> parse_temporal(const Json& json, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string type, json_string(json, "type", subject));
  TemporalTower tower;
  if (type == "attention_pool") {
    MIEN_RETURN_IF_ERROR(
        json_reject_unknown(json, {"type", "width", "hidden", "positions"}, subject));
    MIEN_ASSIGN_OR_RETURN(tower.width, read_size(json, "width", kMaxWidth, subject));
    MIEN_ASSIGN_OR_RETURN(tower.hidden, read_size(json, "hidden", kMaxWidth, subject));
    MIEN_ASSIGN_OR_RETURN(tower.positions, read_size(json, "positions", kMaxContext, subject));
    return tower;
  }
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json, {"type", "width", "layers", "heads", "head_width", "mlp", "positions", "activation"},
      subject));
  if (type != "transformer") {
    return unsupported(fmt::format(
        "{}: unknown temporal model '{}' (expected transformer or attention_pool)", subject, type));
  }
  MIEN_RETURN_IF_ERROR(parse_blocks(json, subject, tower));
  MIEN_ASSIGN_OR_RETURN(tower.head_width, read_size(json, "head_width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(tower.positions, read_size(json, "positions", kMaxContext, subject));
  return tower;
}

Json temporal_json(const TemporalTower& tower) {
  Json out = Json::object();
  out.set("type", tower.hidden > 0 ? "attention_pool" : "transformer");
  out.set("width", tower.width);
  if (tower.hidden > 0) {
    out.set("hidden", tower.hidden);
    out.set("positions", tower.positions);
    return out;
  }
  out.set("layers", tower.layers);
  out.set("heads", tower.heads);
  out.set("head_width", tower.head_width);
  out.set("mlp", tower.mlp);
  out.set("positions", tower.positions);
  out.set("activation", to_string(tower.activation));
  return out;
}

Status check_temporal(const TemporalTower& tower, int embed, std::string_view subject) {
  if (tower.hidden > 0) {
    if (tower.width == embed && tower.positions >= 2) return {};
    return corrupt(
        fmt::format("{}: width {}, {} positions (expected width {}, 2 positions or more)", subject,
                    tower.width, tower.positions, embed));
  }
  if (tower.width == embed && tower.head_width % 16 == 0 && tower.positions >= 2 &&
      std::int64_t{tower.heads} * tower.head_width <= 8 * kMaxWidth) {
    return {};
  }
  return corrupt(fmt::format(
      "{}: width {}, {} heads of {}, {} positions (expected width {}, a head width that is a "
      "multiple of 16, at most {} in all heads, 2 positions or more)",
      subject, tower.width, tower.heads, tower.head_width, tower.positions, embed, 8 * kMaxWidth));
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

Json vit_json(const ImageTower& image) {
  Json image_json = Json::object();
  image_json.set("type", "vit");
  image_json.set("image_size", image.image_size);
  image_json.set("patch", image.patch);
  image_json.set("width", image.width);
  image_json.set("layers", image.layers);
  image_json.set("heads", image.heads);
  image_json.set("mlp", image.mlp);
  image_json.set("activation", to_string(image.activation));
  return image_json;
}

}  // namespace

std::string_view to_string(Activation activation) {
  for (const auto& [value, name] : kActivations) {
    if (value == activation) return name;
  }
  return "none";
}

std::optional<Activation> find_activation(std::string_view name) {
  for (const auto& [value, known] : kActivations) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Json Architecture::to_json() const {
  Json out = Json::object();
  out.set("embed", embed);
  out.set("image", image.residual ? residual_json(image)
                   : image.swin   ? swin_json(image)
                                  : vit_json(image));
  if (text) {
    Json text_json = Json::object();
    text_json.set("type", text->word_width > 0 ? "words" : "clip_text");
    if (text->word_width > 0) text_json.set("word_width", text->word_width);
    text_json.set("context", text->context);
    text_json.set("vocabulary", text->vocabulary);
    text_json.set("width", text->width);
    text_json.set("layers", text->layers);
    text_json.set("heads", text->heads);
    text_json.set("mlp", text->mlp);
    text_json.set("activation", to_string(text->activation));
    out.set("text", std::move(text_json));
  } else {
    out.set("text", nullptr);
  }
  if (temporal) out.set("temporal", temporal_json(*temporal));
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
  MIEN_ASSIGN_OR_RETURN(out.image, parse_image(*image_json, fmt::format("{}.image", subject)));
  if (!text_json->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.text, parse_text(*text_json, fmt::format("{}.text", subject)));
  }
  if (const Json* temporal = json.find("temporal"); temporal != nullptr && !temporal->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.temporal,
                          parse_temporal(*temporal, fmt::format("{}.temporal", subject)));
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
  if (image.residual) {
    MIEN_RETURN_IF_ERROR(check_residual(*image.residual, embed, fmt::format("{}.image", subject)));
  } else if (image.swin) {
    MIEN_RETURN_IF_ERROR(check_swin(image, embed, fmt::format("{}.image", subject)));
  } else if (image.image_size % image.patch != 0) {
    return corrupt(fmt::format("{}: image size {} is not a multiple of the patch {}", subject,
                               image.image_size, image.patch));
  } else {
    MIEN_RETURN_IF_ERROR(check_heads(image.width, image.heads, fmt::format("{}.image", subject)));
  }
  if (text) {
    MIEN_RETURN_IF_ERROR(check_heads(text->width, text->heads, fmt::format("{}.text", subject)));
    if (text->word_width == 0 && text->context < 3) {
      return corrupt(fmt::format("{}.text: context is too short (expected at least 3)", subject));
    }
  }
  if (temporal) {
    MIEN_RETURN_IF_ERROR(check_temporal(*temporal, embed, fmt::format("{}.temporal", subject)));
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
