#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "capi/calls.h"
#include "capi/objects.h"
#include "capi/options.h"
#include "mien/engine/find_bundle.h"
#include "mien/engine/label_scorer.h"

namespace mien::capi {
namespace {

namespace fs = std::filesystem;

constexpr int kFoldersUp = 4;  // lib/x86_64-linux-gnu of a system; src/capi of a build folder

// Folders of bundles that are installed with this library.
std::vector<fs::path> folders_beside_library() {
  std::vector<fs::path> out;
  Dl_info self{};
  if (::dladdr(reinterpret_cast<const void*>(&mien_version), &self) == 0) return out;
  std::error_code error;
  fs::path folder = fs::canonical(self.dli_fname, error).parent_path();
  for (int level = 0; !error && level < kFoldersUp && folder.has_relative_path(); ++level) {
    folder = folder.parent_path();
    out.push_back(folder / "share" / "mien" / "models");
    out.push_back(folder / "models");
  }
  return out;
}

Result<std::shared_ptr<const engine::Bundle>> load(const char* name_or_path,
                                                   const mien_bundle_options* given) {
  MIEN_ASSIGN_OR_RETURN(const mien_bundle_options options, complete(given));
  MIEN_ASSIGN_OR_RETURN(const engine::BundleOptions bundle, bundle_options(options));
  std::vector<fs::path> folders;
  if (options.models != nullptr && *options.models != '\0') folders.emplace_back(options.models);
  for (fs::path& folder : folders_beside_library()) folders.push_back(std::move(folder));
  const std::string_view wanted =
      name_or_path == nullptr ? engine::kDefaultBundle : std::string_view(name_or_path);
  MIEN_ASSIGN_OR_RETURN(const fs::path path, engine::find_bundle(wanted, folders));
  return engine::Bundle::load(path, bundle);
}

Status embed_texts(const engine::Bundle& bundle, std::span<const char* const> texts, float* out,
                   std::size_t floats) {
  const auto width = static_cast<std::size_t>(bundle.info().architecture.embed);
  if (floats != texts.size() * width) {
    return invalid_argument(
        fmt::format("out: has room for {} floats (expected {} x {})", floats, texts.size(), width));
  }
  std::vector<std::string> words;
  for (const char* text : texts) {
    MIEN_RETURN_IF_ERROR(check_pointer(text, "texts", "texts"));
    words.emplace_back(text);
  }
  if (words.empty()) return {};
  engine::Session session;
  MIEN_ASSIGN_OR_RETURN(const Tensor rows, engine::encode_texts(bundle, words, session));
  std::copy(rows.f32().begin(), rows.f32().end(), out);
  return {};
}

// Quoted, so that commas and names of sets have no meaning.
Result<text::LabelSet> labels_of(std::span<const char* const> names) {
  std::string words;
  for (const char* name : names) {
    MIEN_RETURN_IF_ERROR(check_pointer(name, "names", "names of labels"));
    const std::string_view text = name;
    if (text.find('"') != std::string_view::npos) {
      return invalid_argument(
          fmt::format("label {}: has a double quote (expected a name without one)", text));
    }
    words += fmt::format("{}\"{}\"", words.empty() ? "" : ",", text);
  }
  return text::load_labels(words);
}

Status give_labels(Result<text::LabelSet> labels, mien_labels** out) {
  if (!labels.ok()) return labels.status();
  *out = label_sets().add(std::make_shared<const text::LabelSet>(std::move(*labels)));
  return {};
}

}  // namespace

Handles<mien_bundle, const engine::Bundle>& bundles() {
  static Handles<mien_bundle, const engine::Bundle> table;
  return table;
}
Handles<mien_labels, const text::LabelSet>& label_sets() {
  static Handles<mien_labels, const text::LabelSet> table;
  return table;
}
Handles<mien_recognizer, RecognizerObject>& recognizers() {
  static Handles<mien_recognizer, RecognizerObject> table;
  return table;
}
Handles<mien_detector, DetectorObject>& detectors() {
  static Handles<mien_detector, DetectorObject> table;
  return table;
}
Handles<mien_cancel, CancelObject>& cancels() {
  static Handles<mien_cancel, CancelObject> table;
  return table;
}
Handles<mien_result, const FrameObject>& results() {
  static Handles<mien_result, const FrameObject> table;
  return table;
}
Handles<mien_clip, const ClipObject>& clips() {
  static Handles<mien_clip, const ClipObject> table;
  return table;
}

}  // namespace mien::capi

using namespace mien;        // NOLINT(google-build-using-namespace)
using namespace mien::capi;  // NOLINT(google-build-using-namespace)

extern "C" {

mien_code mien_bundle_load(const char* name_or_path, const mien_bundle_options* options,
                           mien_bundle** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    MIEN_ASSIGN_OR_RETURN(auto bundle, load(name_or_path, options));
    *out = bundles().add(std::move(bundle));
    return {};
  });
}

void mien_bundle_free(mien_bundle* bundle) { bundles().remove(bundle); }

size_t mien_bundle_width(const mien_bundle* bundle) {
  const auto object = bundles().find(bundle);
  return object == nullptr ? 0 : static_cast<std::size_t>(object->info().architecture.embed);
}

mien_code mien_bundle_json(const mien_bundle* bundle, char** out) {
  return call([&]() -> Status {
    const auto object = bundles().find(bundle);
    if (object == nullptr) return bad_handle("bundle");
    return give_text(object->info().to_json().dump(), out);
  });
}

mien_code mien_bundle_embed_texts(const mien_bundle* bundle, const char* const* texts, size_t count,
                                  float* out, size_t floats) {
  return call([&]() -> Status {
    const auto object = bundles().find(bundle);
    if (object == nullptr) return bad_handle("bundle");
    MIEN_RETURN_IF_ERROR(check_pointer(texts, "texts", "an array of texts"));
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the embeddings go"));
    return embed_texts(*object, std::span(texts, count), out, floats);
  });
}

mien_code mien_labels_load(const char* words, mien_labels** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(words, "words", "labels"));
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    return give_labels(text::load_labels(words), out);
  });
}

mien_code mien_labels_from_names(const char* const* names, size_t count, mien_labels** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(names, "names", "an array of names"));
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    return give_labels(labels_of(std::span(names, count)), out);
  });
}

mien_code mien_labels_from_yaml(const char* yaml, size_t bytes, mien_labels** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(yaml, "yaml", "labels"));
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    return give_labels(text::parse_labels_yaml(std::string_view(yaml, bytes), "labels"), out);
  });
}

void mien_labels_free(mien_labels* labels) { label_sets().remove(labels); }

const char* mien_labels_name(const mien_labels* labels, size_t index) {
  return look([&]() -> const char* {
    const auto object = label_sets().find(labels);
    if (object == nullptr) {
      (void)settle(bad_handle("labels"));
      return nullptr;
    }
    return index < object->labels.size() ? object->labels[index].name.c_str() : nullptr;
  });
}

mien_code mien_label_notes(const mien_bundle* bundle, const mien_labels* labels, char** out) {
  return call([&]() -> Status {
    const auto model = bundles().find(bundle);
    if (model == nullptr) return bad_handle("bundle");
    const auto set = label_sets().find(labels);
    if (set == nullptr) return bad_handle("labels");
    MIEN_ASSIGN_OR_RETURN(const auto notes, engine::label_notes(*model, *set));
    Json list = Json::array();
    for (const std::string& note : notes) list.push_back(note);
    return give_text(list.dump(), out);
  });
}

}  // extern "C"
