#include "checkpoint/dfer_clip_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "checkpoint/parts.h"

namespace mien::checkpoint {
namespace {

constexpr std::string_view kWrapper = "module.";
constexpr std::string_view kLearner = "prompt_learner.";

// Prefixes of names: in the file, and ours.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {{
    {"image_encoder.", "visual."},
    {"text_encoder.", ""},
    {"temporal_net.", "temporal."},
    {"clip_model_.token_embedding.", "token_embedding."},
    {"clip_model_.logit_scale", "logit_scale"},
}};

std::string_view wrapper_of(const Checkpoint& checkpoint) {
  const bool wrapped = checkpoint.find("module.prompt_learner.ctx") != nullptr;
  return wrapped ? kWrapper : std::string_view();
}

Result<TensorView> learner_part(const Checkpoint& checkpoint, std::string_view name) {
  const std::string whole = fmt::format("{}{}{}", wrapper_of(checkpoint), kLearner, name);
  const TensorView* found = checkpoint.find(whole);
  if (found == nullptr) return unsupported(fmt::format("checkpoint: '{}' is missing", whole));
  return *found;
}

}  // namespace

bool is_dfer_clip(const Checkpoint& checkpoint) {
  const std::string wrapper(wrapper_of(checkpoint));
  return checkpoint.find(wrapper + "prompt_learner.ctx") != nullptr &&
         checkpoint.find(wrapper + "image_encoder.conv1.weight") != nullptr;
}

Result<DferClipParts> open_dfer_clip(std::shared_ptr<const Checkpoint> checkpoint) {
  DferClipParts out;
  MIEN_ASSIGN_OR_RETURN(out.contexts, learner_part(*checkpoint, "ctx"));
  MIEN_ASSIGN_OR_RETURN(out.suffix, learner_part(*checkpoint, "token_suffix"));
  const Shape& contexts = out.contexts.shape();
  const Shape& suffix = out.suffix.shape();
  const bool shapes = (contexts.size() == 2 || contexts.size() == 3) && suffix.size() == 3;
  const bool fits = shapes && contexts.back() == suffix.back() &&
                    (contexts.size() == 2 || contexts.front() == suffix.front()) &&
                    std::min(*std::min_element(contexts.begin(), contexts.end()),
                             *std::min_element(suffix.begin(), suffix.end())) > 0;
  if (!fits) {
    return corrupt(
        fmt::format("checkpoint: learned tokens have shape {}, the vectors after them {} "
                    "(expected [classes, M, W] or [M, W], and [classes, rest, W])",
                    to_string(contexts), to_string(suffix)));
  }
  out.classes = suffix.front();
  Parts parts;
  parts.format = checkpoint->format();
  parts.metadata = checkpoint->metadata();
  const std::string_view wrapper = wrapper_of(*checkpoint);
  for (const auto& [name, view] : checkpoint->tensors()) {
    std::string_view bare = name;
    if (!bare.starts_with(wrapper)) continue;
    bare.remove_prefix(wrapper.size());
    for (const auto& [theirs, ours] : kNames) {
      if (!bare.starts_with(theirs)) continue;
      parts.tensors.emplace(fmt::format("{}{}", ours, bare.substr(theirs.size())), view);
    }
  }
  parts.shards.push_back(std::move(checkpoint));
  out.model = make_checkpoint(std::move(parts));
  return out;
}

}  // namespace mien::checkpoint
