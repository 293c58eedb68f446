#include "convert/hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/file.h"
#include "mien/core/json.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;
using kernels::Activation;

constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{16} << 20;
constexpr std::int64_t kMaxConfigSize = 1 << 20;

Result<Json> read_config(const fs::path& path, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxConfigBytes));
  auto parsed = Json::parse(text, limits);
  if (!parsed.ok()) return parsed.status().with_prefix(path.string());
  if (!parsed->is_object()) return corrupt(path.string() + ": expected an object");
  return std::move(parsed).value();
}

bool is_hint_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// A member that is there and not null.
const Json* member(const Json& object, std::string_view key) {
  const Json* found = object.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

Status read_size(const Json& object, std::string_view key, std::string_view subject,
                 std::optional<std::int64_t>& out) {
  const Json* found = member(object, key);
  if (found == nullptr) return {};
  if (!found->is_integer() || found->as_integer() < 1 || found->as_integer() > kMaxConfigSize) {
    return unsupported(fmt::format("{}: '{}' is {} (expected an integer from 1 to {})", subject,
                                   key, found->dump(), kMaxConfigSize));
  }
  out = found->as_integer();
  return {};
}

Status expect(const Json& object, std::string_view key, const Json& wanted,
              std::string_view subject) {
  const Json* found = member(object, key);
  if (found == nullptr || *found == wanted) return {};
  return unsupported(
      fmt::format("{}: '{}' is {} (expected {})", subject, key, found->dump(), wanted.dump()));
}

Status expect_epsilon(const Json& object, std::string_view key, std::string_view subject) {
  const Json* found = member(object, key);
  if (found == nullptr) return {};
  if (found->is_number() && std::abs(found->as_number() - 1e-5) < 1e-9) return {};
  return unsupported(fmt::format("{}: '{}' is {} (expected 1e-05)", subject, key, found->dump()));
}

// --- Hugging Face -------------------------------------------------------------------------------

Result<Activation> hugging_face_activation(const Json& section, std::string_view subject) {
  const Json* found = member(section, "hidden_act");
  if (found == nullptr) return Activation::kQuickGelu;  // the library's default
  const std::string name = found->is_string() ? found->as_string() : found->dump();
  if (name == "quick_gelu") return Activation::kQuickGelu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  return unsupported(fmt::format(
      "{}: unknown activation '{}' (expected quick_gelu, gelu or gelu_new)", subject, name));
}

// The section that the library itself would use: `<tower>_config_dict` has priority.
const Json* hugging_face_section(const Json& config, const std::string& tower) {
  const Json* dict = member(config, tower + "_config_dict");
  return dict != nullptr ? dict : member(config, tower + "_config");
}

Status read_tower(const Json& section, std::string_view subject, std::int64_t default_heads,
                  TowerHints& out) {
  if (!section.is_object()) return corrupt(fmt::format("{}: expected an object", subject));
  MIEN_ASSIGN_OR_RETURN(out.activation, hugging_face_activation(section, subject));
  out.heads = default_heads;
  MIEN_RETURN_IF_ERROR(read_size(section, "num_attention_heads", subject, out.heads));
  MIEN_RETURN_IF_ERROR(read_size(section, "hidden_size", subject, out.width));
  MIEN_RETURN_IF_ERROR(read_size(section, "num_hidden_layers", subject, out.layers));
  return expect_epsilon(section, "layer_norm_eps", subject);
}

// The engine reads out at the largest id: that is the end token, when it is the last one (or the
// old, wrong value 2, which stands for the same).
Status check_end_token(const Json& section, std::string_view subject) {
  std::optional<std::int64_t> end;
  std::optional<std::int64_t> vocabulary;
  MIEN_RETURN_IF_ERROR(read_size(section, "eos_token_id", subject, end));
  MIEN_RETURN_IF_ERROR(read_size(section, "vocab_size", subject, vocabulary));
  if (!end || *end == 2 || *end == vocabulary.value_or(49408) - 1) return {};
  return unsupported(fmt::format("{}: 'eos_token_id' is {} (expected the last id, {})", subject,
                                 *end, vocabulary.value_or(49408) - 1));
}

Status read_hugging_face(const fs::path& path, const Limits& limits, Hints& out) {
  MIEN_ASSIGN_OR_RETURN(const Json config, read_config(path, limits));
  const std::string subject = path.string();
  out.file = path;
  MIEN_RETURN_IF_ERROR(expect(config, "model_type", "clip", subject));
  MIEN_RETURN_IF_ERROR(read_size(config, "projection_dim", subject, out.embed));
  if (const Json* vision = hugging_face_section(config, "vision")) {
    const std::string where = subject + ": vision_config";
    MIEN_RETURN_IF_ERROR(read_tower(*vision, where, 12, out.image));
    MIEN_RETURN_IF_ERROR(read_size(*vision, "image_size", where, out.image_size));
    MIEN_RETURN_IF_ERROR(read_size(*vision, "patch_size", where, out.patch));
    MIEN_RETURN_IF_ERROR(expect(*vision, "num_channels", 3, where));
  }
  if (const Json* text = hugging_face_section(config, "text")) {
    const std::string where = subject + ": text_config";
    MIEN_RETURN_IF_ERROR(read_tower(*text, where, 8, out.text));
    MIEN_RETURN_IF_ERROR(check_end_token(*text, where));
  }
  return {};
}

Status read_rgb(const Json& object, std::string_view key, std::string_view subject,
                std::optional<std::array<float, 3>>& out) {
  const Json* found = member(object, key);
  if (found == nullptr) return {};
  std::array<float, 3> values{};
  bool fits = found->is_array() && found->size() == values.size();
  for (std::size_t i = 0; fits && i < values.size(); ++i) {
    const Json& value = found->as_array()[i];
    fits = value.is_number();
    if (fits) values[i] = static_cast<float>(value.as_number());
  }
  if (!fits) return corrupt(fmt::format("{}: '{}' is not a list of three numbers", subject, key));
  out = values;
  return {};
}

Status read_preprocessor(const fs::path& path, const Limits& limits, Hints& out) {
  MIEN_ASSIGN_OR_RETURN(const Json config, read_config(path, limits));
  const std::string subject = path.string();
  for (const char* key : {"do_resize", "do_normalize", "do_rescale"}) {
    MIEN_RETURN_IF_ERROR(expect(config, key, true, subject));
  }
  MIEN_RETURN_IF_ERROR(read_rgb(config, "image_mean", subject, out.pixels.mean));
  MIEN_RETURN_IF_ERROR(read_rgb(config, "image_std", subject, out.pixels.std));
  if (const Json* resample = member(config, "resample"); resample && *resample == Json(2)) {
    out.pixels.filter = image::Filter::kBilinear;
  } else {
    MIEN_RETURN_IF_ERROR(expect(config, "resample", 3, subject));
  }
  const Json* size = member(config, "size");
  out.pixels.exact = size != nullptr && member(*size, "height") != nullptr;
  return {};
}

// --- OpenCLIP -----------------------------------------------------------------------------------

// Every member must leave the model unchanged, or be off.
Status reject_others(const Json& section, const std::vector<std::string_view>& known,
                     std::string_view subject) {
  for (const auto& [key, value] : section.as_object()) {
    const bool off = value.is_null() || value == Json(false);
    if (off || std::find(known.begin(), known.end(), key) != known.end()) continue;
    return unsupported(fmt::format("{}: '{}' is {} (expected a plain CLIP tower without it)",
                                   subject, key, value.dump()));
  }
  return {};
}

Result<const Json*> open_clip_section(const Json& model, const char* key,
                                      std::string_view subject) {
  const Json* found = member(model, key);
  if (found == nullptr || !found->is_object()) {
    return corrupt(fmt::format("{}: '{}' is missing (expected an object)", subject, key));
  }
  return found;
}

Status read_open_clip_vision(const Json& vision, const std::string& where, Hints& out) {
  MIEN_RETURN_IF_ERROR(expect(vision, "pool_type", "tok", where));
  MIEN_RETURN_IF_ERROR(expect(vision, "pos_embed_type", "learnable", where));
  MIEN_RETURN_IF_ERROR(reject_others(vision,
                                     {"image_size", "layers", "width", "head_width", "patch_size",
                                      "mlp_ratio", "patch_dropout", "pool_type", "pos_embed_type"},
                                     where));
  MIEN_RETURN_IF_ERROR(read_size(vision, "image_size", where, out.image_size));
  MIEN_RETURN_IF_ERROR(read_size(vision, "patch_size", where, out.patch));
  MIEN_RETURN_IF_ERROR(read_size(vision, "layers", where, out.image.layers));
  MIEN_RETURN_IF_ERROR(read_size(vision, "width", where, out.image.width));
  std::optional<std::int64_t> head_width = 64;
  MIEN_RETURN_IF_ERROR(read_size(vision, "head_width", where, head_width));
  if (out.image.width) out.image.heads = *out.image.width / *head_width;
  return {};
}

Status read_open_clip_text(const Json& text, const std::string& where, Hints& out) {
  MIEN_RETURN_IF_ERROR(expect(text, "pool_type", "argmax", where));
  MIEN_RETURN_IF_ERROR(expect(text, "pad_id", 0, where));
  MIEN_RETURN_IF_ERROR(reject_others(text,
                                     {"context_length", "vocab_size", "width", "heads", "layers",
                                      "mlp_ratio", "pool_type", "pad_id"},
                                     where));
  MIEN_RETURN_IF_ERROR(read_size(text, "layers", where, out.text.layers));
  MIEN_RETURN_IF_ERROR(read_size(text, "width", where, out.text.width));
  return read_size(text, "heads", where, out.text.heads);
}

Status read_open_clip_pixels(const Json& section, const std::string& where, PixelHints& out) {
  MIEN_RETURN_IF_ERROR(read_rgb(section, "mean", where, out.mean));
  MIEN_RETURN_IF_ERROR(read_rgb(section, "std", where, out.std));
  MIEN_RETURN_IF_ERROR(expect(section, "mode", "RGB", where));
  const Json* filter = member(section, "interpolation");
  if (filter != nullptr && *filter == Json("bilinear")) {
    out.filter = image::Filter::kBilinear;
  } else if (filter != nullptr && *filter != Json("random")) {
    MIEN_RETURN_IF_ERROR(expect(section, "interpolation", "bicubic", where));
  }
  const Json* mode = member(section, "resize_mode");
  out.exact = mode != nullptr && *mode == Json("squash");
  return out.exact ? Status() : expect(section, "resize_mode", "shortest", where);
}

Status read_open_clip(const fs::path& path, const Limits& limits, Hints& out) {
  MIEN_ASSIGN_OR_RETURN(const Json config, read_config(path, limits));
  const std::string subject = path.string();
  out.file = path;
  MIEN_ASSIGN_OR_RETURN(const Json* model, open_clip_section(config, "model_cfg", subject));
  const std::string where = subject + ": model_cfg";
  MIEN_RETURN_IF_ERROR(reject_others(*model,
                                     {"embed_dim", "quick_gelu", "vision_cfg", "text_cfg",
                                      "custom_text", "init_logit_scale", "cast_dtype"},
                                     where));
  MIEN_RETURN_IF_ERROR(read_size(*model, "embed_dim", where, out.embed));
  const Json* quick = member(*model, "quick_gelu");
  const bool is_quick = quick != nullptr && *quick == Json(true);
  out.image.activation = is_quick ? Activation::kQuickGelu : Activation::kGelu;
  out.text.activation = out.image.activation;
  MIEN_ASSIGN_OR_RETURN(const Json* vision, open_clip_section(*model, "vision_cfg", where));
  MIEN_ASSIGN_OR_RETURN(const Json* text, open_clip_section(*model, "text_cfg", where));
  MIEN_RETURN_IF_ERROR(read_open_clip_vision(*vision, where + ".vision_cfg", out));
  MIEN_RETURN_IF_ERROR(read_open_clip_text(*text, where + ".text_cfg", out));
  const Json* pixels = member(config, "preprocess_cfg");
  if (pixels == nullptr || !pixels->is_object()) return {};
  return read_open_clip_pixels(*pixels, subject + ": preprocess_cfg", out.pixels);
}

}  // namespace

Result<Hints> read_hints(const Source& source, checkpoint::ClipNaming naming,
                         const Limits& limits) {
  Hints out;
  const fs::path& folder = source.folder;
  if (naming != checkpoint::ClipNaming::kHuggingFace) {
    const fs::path config = folder / "open_clip_config.json";
    if (is_hint_file(config)) MIEN_RETURN_IF_ERROR(read_open_clip(config, limits, out));
    return out;
  }
  const fs::path config = folder / "config.json";
  const fs::path pixels = folder / "preprocessor_config.json";
  if (is_hint_file(config)) MIEN_RETURN_IF_ERROR(read_hugging_face(config, limits, out));
  if (is_hint_file(pixels)) MIEN_RETURN_IF_ERROR(read_preprocessor(pixels, limits, out));
  return out;
}

}  // namespace mien::convert
