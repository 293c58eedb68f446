// Opening the files of a conversion, and what they are.
#include <fmt/format.h>

#include <algorithm>

#include "cli/convert_run.h"
#include "cli/convert_tower.h"
#include "mien/core/file.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kUsualSide = 224;  // of CLIP's pictures, when no tower tells

bool is_inside(const fs::path& path, const fs::path& folder) {
  const fs::path a = absolute_name(path);
  const fs::path b = absolute_name(folder);
  return std::mismatch(b.begin(), b.end(), a.begin(), a.end()).first == b.end();
}

Outcome find_tokenizer(Conversion& run) {
  const bool given = !run.flags.tokenizer.empty();
  const Source& source = run.text_source ? *run.text_source : run.source;
  auto loaded = text::load_bpe(given ? fs::path(run.flags.tokenizer) : source.folder);
  if (!loaded.ok()) {
    if (given || loaded.status().code() != StatusCode::kNotFound) {
      return failure_of(loaded.status(), given ? kExitUsage : kExitSomeFailed);
    }
    return failure_of(
        not_found(fmt::format("{}: no tokenizer beside the weights (expected --tokenizer with "
                              "bpe_simple_vocab_16e6.txt.gz, a folder of vocab.json and "
                              "merges.txt, or tokenizer.json; --image-only needs it too, to encode "
                              "the labels once)",
                              source.weights.string())),
        kExitUsage);
  }
  run.tokenizer = std::move(loaded).value();
  const int expected = run.content.info.architecture.text->vocabulary;
  if (run.tokenizer->vocabulary_size() != expected) {
    return failure_of(
        invalid_argument(fmt::format("{}: has {} tokens (expected {}, as the text tower)",
                                     given ? run.flags.tokenizer : source.folder.string(),
                                     run.tokenizer->vocabulary_size(), expected)),
        kExitUsage);
  }
  return std::nullopt;
}

// An image tower that is not part of a CLIP.
Outcome open_tower(Conversion& run) {
  const std::string subject = run.source.weights.string();
  auto plan = checkpoint::map_tower_names(*run.source.checkpoint);
  if (!plan.ok()) return failure_of(plan.status().with_prefix(subject));
  run.ke2nt = is_ke2nt(*run.source.checkpoint);
  if (!run.flags.text_from.empty() && !run.ke2nt) {
    return failure_of(
        invalid_argument("--text-from: " + subject +
                         " was not trained against a text tower (expected CLIP weights without "
                         "one, or a checkpoint of KE2NT, which has 'MLP.fc1.weight')"),
        kExitUsage);
  }
  if (run.ke2nt) {
    run.facts.notes.emplace_back(
        "the transformation network of KE2NT is left out: it serves training, and an intensity "
        "needs a calibration that the file lacks");
  }
  auto architecture = tower_architecture(plan->shape, subject, run.facts.notes);
  if (!architecture.ok()) return failure_of(architecture.status());
  run.tower = plan->naming;
  run.plan = std::move(plan->rows);
  run.content.info.architecture = std::move(architecture).value();
  return std::nullopt;
}

Outcome choose_position(Conversion& run) {
  if (!run.source.dfer_clip) {
    if (run.flags.token_position.empty()) return std::nullopt;
    return failure_of(invalid_argument("--class-token-position: " + run.source.weights.string() +
                                       " has no learned tokens (expected a checkpoint of "
                                       "DFER-CLIP)"),
                      kExitUsage);
  }
  auto position = dfer_clip_position(*run.source.checkpoint, run.flags.token_position);
  if (!position.ok()) {
    return failure_of(position.status().with_prefix(run.source.weights.string()), kExitUsage);
  }
  run.token_position = std::move(position).value();
  return std::nullopt;
}

// The factor of the cosines; a bundle tells it in its own words.
Result<double> scale_of(const Source& source, const std::vector<checkpoint::TensorSource>& plan,
                        const Hints& hints, std::vector<std::string>& notes) {
  if (hints.bundle) return hints.bundle->logit_scale;
  return read_logit_scale(*source.checkpoint, plan, notes);
}

}  // namespace

bool keeps_labels(const Conversion& run) {
  return run.hints.bundle && !run.flags.labels_given && !run.hints.bundle->labels.empty();
}

Outcome choose_converted_labels(Conversion& run) {
  if (keeps_labels(run)) {
    const engine::BundleInfo& bundle = *run.hints.bundle;
    if (!bundle.learned.empty() || bundle.method == "dfer-clip" || bundle.method == "cliper") {
      return failure_of(
          invalid_argument(run.source.weights.string() +
                           ": its labels were learned, and their texts alone are not the same "
                           "(expected --labels with others; `mien export --precision` keeps them)"),
          kExitUsage);
    }
    run.labels.labels = bundle.labels;
    return std::nullopt;
  }
  auto labels = run.source.dfer_clip
                    ? dfer_clip_labels(run.source.dfer_clip->classes, run.flags.labels)
                : run.projection ? exp_clip_labels(run.flags.labels)
                : run.ke2nt      ? ke2nt_labels(run.flags.labels)
                                 : text::load_labels(run.flags.labels);
  if (!labels.ok()) return failure_of(labels.status().with_prefix("--labels"), kExitUsage);
  run.labels = std::move(labels).value();
  return std::nullopt;
}

Outcome open_projection(Conversion& run) {
  if (run.flags.projection.empty()) return std::nullopt;
  auto source = open_source(run.flags.projection);
  if (!source.ok()) return failure_of(source.status().with_prefix("--projection"));
  if (find_projection(*source->checkpoint) == nullptr) {
    return failure_of(unsupported(fmt::format("--projection: {} has no 'mlp.weight' of two "
                                              "dimensions (expected a checkpoint of Exp-CLIP)",
                                              source->weights.string())),
                      kExitUsage);
  }
  run.projection = std::move(source).value();
  return std::nullopt;
}

Outcome open_model(Conversion& run) {
  const auto with_file = [&](const Status& status) {
    return failure_of(status.with_prefix(run.source.weights.string()));
  };
  auto source = open_source(run.flags.paths[0]);
  if (!source.ok()) return failure_of(source.status());
  run.source = std::move(source).value();
  if (is_inside(run.source.weights, run.destination)) {
    return failure_of(
        invalid_argument(run.destination.string() + ": holds the source (expected another folder)"),
        kExitUsage);
  }
  if (run.source.naming == checkpoint::ClipNaming::kUnknown &&
      find_projection(*run.source.checkpoint) != nullptr) {
    return failure_of(
        invalid_argument(run.source.weights.string() +
                         ": is the projection of Exp-CLIP alone (expected the CLIP it belongs to "
                         "as SRC, and this file behind --projection)"),
        kExitUsage);
  }
  if (run.source.naming == checkpoint::ClipNaming::kUnknown &&
      checkpoint::detect_tower_naming(*run.source.checkpoint) !=
          checkpoint::TowerNaming::kUnknown) {
    return open_tower(run);
  }
  if (auto failure = choose_position(run)) return failure;
  auto plan = checkpoint::map_clip_names(*run.source.checkpoint, run.source.naming);
  if (!plan.ok()) {
    const Status hesp = check_not_hesp(run.source, kUsualSide);
    return with_file(hesp.ok() ? plan.status() : hesp);
  }
  run.plan = std::move(plan).value();
  auto temporal = checkpoint::map_temporal_names(*run.source.checkpoint, run.source.naming);
  if (!temporal.ok()) return with_file(temporal.status());
  auto hints = read_hints(run.source);
  if (!hints.ok()) return failure_of(hints.status());
  run.hints = std::move(hints).value();
  engine::BundleInfo& info = run.content.info;
  auto architecture =
      decide_architecture(run.source, run.hints, run.flags.activation, run.facts.notes);
  if (!architecture.ok()) return failure_of(architecture.status());
  info.architecture = std::move(architecture).value();
  auto tower = decide_temporal(run.source, *temporal, run.hints);
  if (!tower.ok()) return failure_of(tower.status());
  info.architecture.temporal = *tower;
  auto head = decide_regression(run.source, run.hints, info.architecture.embed, run.flags.targets,
                                run.facts.notes);
  if (!head.ok()) return failure_of(head.status(), kExitUsage);
  if (*head) {
    info.architecture.regression = (*head)->sizes;
    info.targets = (*head)->targets;
    temporal->insert(temporal->end(), (*head)->plan.begin(), (*head)->plan.end());
  }
  const Status fits = info.architecture.validate(run.source.weights.string());
  if (!fits.ok()) return failure_of(fits);
  auto scale = scale_of(run.source, run.plan, run.hints, run.facts.notes);
  if (!scale.ok()) return with_file(scale.status());
  info.logit_scale = *scale;
  run.plan.insert(run.plan.end(), temporal->begin(), temporal->end());
  run.facts.left_out = left_out(run.source, run.plan);
  const Status whole = check_left_out(run.source, run.facts.left_out, run.flags.leave_out,
                                      info.architecture.image.image_size);
  return whole.ok() ? Outcome() : with_file(whole);
}

Outcome open_text(Conversion& run) {
  std::optional<engine::TextTower>& text = run.content.info.architecture.text;
  if (run.flags.text_from.empty()) {
    if (text) return find_tokenizer(run);
    run.labels.labels.clear();
    run.facts.notes.emplace_back(
        run.tower != checkpoint::TowerNaming::kUnknown
            ? fmt::format(
                  "no text tower: the bundle gives embeddings only, and initial weights for "
                  "training{}",
                  run.ke2nt ? " (--text-from CLIP takes the text tower that KE2NT was "
                              "trained against, ViT-B/16's, and gives it labels)"
                            : "")
        : run.content.info.targets.empty()
            ? "no text tower: the bundle has no labels and gives embeddings only (--text-from CLIP "
              "takes the text tower of the CLIP model that this one was made from)"
            : "no text tower: the bundle has no labels and gives the values of its targets "
              "(--text-from CLIP takes the text tower of the CLIP model that this one was made "
              "from)");
    return std::nullopt;
  }
  if (text) {
    return failure_of(invalid_argument(fmt::format("--text-from: {} has a text tower of its own "
                                                   "(expected one without)",
                                                   run.source.weights.string())),
                      kExitUsage);
  }
  const auto with_option = [](const Status& status) {
    return failure_of(status.with_prefix("--text-from"));
  };
  auto source = open_source(run.flags.text_from);
  if (!source.ok()) return with_option(source.status());
  run.text_source = std::move(source).value();
  const std::string subject = run.text_source->weights.string();
  auto plan = checkpoint::map_clip_names(*run.text_source->checkpoint, run.text_source->naming);
  if (!plan.ok()) return with_option(plan.status().with_prefix(subject));
  auto hints = read_hints(*run.text_source);
  if (!hints.ok()) return with_option(hints.status());
  std::vector<std::string> unused;  // the activation of a CLIP was told of for the whole model
  auto other = decide_architecture(*run.text_source, *hints, run.flags.activation,
                                   run.ke2nt ? run.facts.notes : unused);
  if (!other.ok()) return with_option(other.status());
  const int embed = run.content.info.architecture.embed;
  if (!other->text || other->embed != embed) {
    return with_option(unsupported(
        other->text ? fmt::format("{}: gives embeddings of width {} (expected {}, as the image "
                                  "tower)",
                                  subject, other->embed, embed)
                    : fmt::format("{}: has no text tower (expected a whole CLIP model)", subject)));
  }
  text = other->text;
  run.text_plan = text_rows(*plan);
  if (run.ke2nt) {
    auto scale = scale_of(*run.text_source, *plan, *hints, run.facts.notes);
    if (!scale.ok()) return with_option(scale.status().with_prefix(subject));
    run.content.info.logit_scale = *scale;
  }
  run.facts.notes.push_back(
      fmt::format("the text tower is that of {}: right only if it was not trained further",
                  run.text_source->weights.filename().string()));
  return find_tokenizer(run);
}

}  // namespace mien::cli
