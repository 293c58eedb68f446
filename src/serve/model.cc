#include "serve/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/bundle_hash.h"

namespace mien::serve {
namespace {

std::string key_of(const Ask& ask) {
  return fmt::format("{}|{}|{}|{}", static_cast<int>(ask.unknown.mode), ask.unknown.value,
                     ask.explain, ask.labels ? "=" + *ask.labels : std::string());
}

}  // namespace

Json words_to_json(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push_back(word);
  return out;
}

const std::vector<std::string>& ReadyLabels::names() const {
  static const std::vector<std::string> kNone;
  return scorer == nullptr ? kNone : scorer->names();
}

Result<std::shared_ptr<Model>> Model::load(const std::filesystem::path& path,
                                           const engine::BundleOptions& options,
                                           text::LabelSet labels) {
  std::shared_ptr<Model> out(new Model());
  MIEN_ASSIGN_OR_RETURN(out->bundle_, engine::Bundle::load(path, options));
  MIEN_ASSIGN_OR_RETURN(out->clips_, engine::ClipReader::make(*out->bundle_));
  MIEN_RETURN_IF_ERROR(out->bundle_->image_encoder().status());
  out->path_ = path;
  out->options_ = options;
  out->own_ = std::move(labels);
  out->views_[options.views] = out->bundle_;
  if (out->own_.labels.empty()) out->own_ = {out->info().name, out->info().labels};
  out->description_ = out->describe();
  return out;
}

Json Model::describe() const {
  const engine::BundleInfo& info = bundle_->info();
  Json targets = Json::array();
  for (const engine::RegressionTarget& target : info.targets) targets.push_back(target.name);
  return Json::Object{{"name", info.name},
                      {"method", info.method},
                      {"hash", engine::bundle_hash(info)},
                      {"licence", info.licence},
                      {"free_labels", bundle_->has_text_tower()},
                      {"labels", words_to_json(default_labels())},
                      {"targets", std::move(targets)},
                      {"image_size", info.architecture.image_size()},
                      {"embed", info.architecture.embed},
                      {"precision", engine::to_string(bundle_->image_precision())}};
}

std::vector<std::string> Model::default_labels() const {
  return own_.labels.empty() ? std::vector<std::string>()
                             : engine::LabelScorer::names_of(*bundle_, own_);
}

Result<std::shared_ptr<const engine::Bundle>> Model::with_views(int views) {
  if (views == 0) return bundle_;
  const std::lock_guard lock(views_mutex_);
  auto& slot = views_[views];
  if (slot == nullptr) {
    engine::BundleOptions options = options_;
    options.views = views;
    auto loaded = engine::Bundle::load(path_, options);
    if (!loaded.ok()) {
      views_.erase(views);
      return loaded.status();
    }
    slot = *loaded;
  }
  return slot;
}

Result<std::shared_ptr<const ReadyLabels>> Model::labels(const Ask& ask, engine::Session& session) {
  const std::string key = key_of(ask);
  {
    const std::lock_guard lock(labels_mutex_);
    if (const auto* found = labels_.find(key)) return *found;
  }
  text::LabelSet set = own_;
  if (ask.labels) {
    MIEN_ASSIGN_OR_RETURN(set, read_labels(*ask.labels));
  }
  auto out = std::make_shared<ReadyLabels>();
  if (set.labels.empty()) {
    if (info().targets.empty()) {
      return invalid_argument("labels: missing (expected labels, because the bundle has none)");
    }
    return std::shared_ptr<const ReadyLabels>(std::move(out));
  }
  if (const Status status = engine::check_unknown(ask.unknown, info(), set); !status.ok()) {
    return status.with_prefix("unknown");
  }
  std::shared_ptr<const engine::TextEncoder> text;  // packed once, here or before
  if (set.labels != info().labels && bundle_->has_text_tower()) {
    MIEN_ASSIGN_OR_RETURN(text, bundle_->text_encoder());
  }
  engine::ScorerOptions options;
  options.unknown = ask.unknown;
  options.explain = ask.explain;
  MIEN_ASSIGN_OR_RETURN(out->scorer, engine::LabelScorer::make(*bundle_, set, options, session));
  if (ask.labels) {
    MIEN_ASSIGN_OR_RETURN(out->notes, engine::label_notes(*bundle_, set));
  }
  const std::lock_guard lock(labels_mutex_);
  if (text != nullptr) text_ = std::move(text);
  return labels_.put(key, std::move(out));
}

Result<std::shared_ptr<const engine::NeutralDifference>> Model::neutral() {
  const std::lock_guard lock(neutral_mutex_);
  if (!neutral_known_) {
    MIEN_ASSIGN_OR_RETURN(neutral_,
                          engine::NeutralDifference::load(bundle_->weights(), info().architecture));
    neutral_known_ = true;
  }
  return neutral_;
}

Result<std::shared_ptr<Model>> Models::find(std::string_view name) const {
  if (name.empty() && !models_.empty()) return models_.front();
  const auto it = std::find_if(models_.begin(), models_.end(),
                               [&](const auto& model) { return model->info().name == name; });
  if (it != models_.end()) return *it;
  return not_found(fmt::format("bundle: '{}' is not loaded (expected a name of /v1/models)", name));
}

}  // namespace mien::serve
