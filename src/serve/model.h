#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/neutral.h"
#include "mien/core/json.h"
#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "serve/lru.h"
#include "serve/parameters.h"

namespace mien::serve {

/// A label set that is ready to score faces.
struct ReadyLabels {
  std::shared_ptr<const engine::LabelScorer> scorer;  ///< nullptr: a regression without labels
  std::vector<std::string> notes;                     ///< doubts about words
  const std::vector<std::string>& names() const;
};

/// A bundle that the server has loaded, shared by all workers, with the label sets that were used
/// last. Threads: safe from several threads.
class Model {
 public:
  /// `labels`: what is answered when a request names none; empty: the bundle's own. Errors: those
  /// of Bundle::load.
  static Result<std::shared_ptr<Model>> load(const std::filesystem::path& path,
                                             const engine::BundleOptions& options,
                                             text::LabelSet labels);

  const engine::BundleInfo& info() const { return bundle_->info(); }
  const engine::Bundle& bundle() const { return *bundle_; }
  /// The bundle with that number of views, loaded on first use; 0: as the server was started.
  /// Errors: those of Bundle::load.
  Result<std::shared_ptr<const engine::Bundle>> with_views(int views);
  /// The labels a request asks for. Errors: those of read_labels, check_unknown and
  /// LabelScorer::make; kInvalidArgument when neither request, server nor bundle have labels.
  Result<std::shared_ptr<const ReadyLabels>> labels(const Ask& ask, engine::Session& session);
  const engine::ClipReader& clips() const { return *clips_; }
  /// nullptr when the bundle has none. Errors: those of NeutralDifference::load.
  Result<std::shared_ptr<const engine::NeutralDifference>> neutral();
  /// The row of /v1/models.
  const Json& description() const { return description_; }
  /// Names of the labels when a request names none.
  std::vector<std::string> default_labels() const;

 private:
  Model() = default;
  Json describe() const;
  static constexpr std::size_t kMostLabelSets = 64;

  std::filesystem::path path_;
  engine::BundleOptions options_;
  std::shared_ptr<const engine::Bundle> bundle_;
  text::LabelSet own_;
  std::optional<engine::ClipReader> clips_;
  Json description_;
  std::mutex views_mutex_;
  std::map<int, std::shared_ptr<const engine::Bundle>> views_;
  std::mutex neutral_mutex_;
  bool neutral_known_ = false;
  std::shared_ptr<const engine::NeutralDifference> neutral_;
  std::mutex labels_mutex_;
  Lru<std::shared_ptr<const ReadyLabels>> labels_{kMostLabelSets};
  // Kept once free labels were used: packing it again takes longer than encoding words.
  std::shared_ptr<const engine::TextEncoder> text_;
};

/// All models of a server; the first is the default.
class Models {
 public:
  explicit Models(std::vector<std::shared_ptr<Model>> models) : models_(std::move(models)) {}
  /// By name; empty: the first. Errors: kNotFound.
  Result<std::shared_ptr<Model>> find(std::string_view name) const;
  const std::vector<std::shared_ptr<Model>>& all() const { return models_; }

 private:
  std::vector<std::shared_ptr<Model>> models_;
};

/// A list of words as JSON.
Json words_to_json(const std::vector<std::string>& words);

}  // namespace mien::serve
