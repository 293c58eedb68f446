#include "cli/convert_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/convert_tower.h"
#include "cli/describe.h"
#include "cli/run_files.h"
#include "mien/core/file.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kExpClipFrames = 16;
constexpr double kDferClipFactor = 100;

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

std::string default_name(const fs::path& given) {
  std::error_code error;
  fs::path path = fs::weakly_canonical(given, error);
  if (path.empty()) path = given;
  if (!path.has_filename()) path = path.parent_path();
  const std::string out =
      fs::is_directory(path, error) ? path.filename().string() : path.stem().string();
  return out.empty() ? "clip" : out;
}

// An image tower that is no CLIP.
Outcome open_tower(Conversion& run) {
  const std::string subject = run.source.weights.string();
  auto plan = checkpoint::map_tower_names(*run.source.checkpoint);
  if (!plan.ok()) return failure_of(plan.status().with_prefix(subject));
  if (!run.flags.text_from.empty()) {
    return failure_of(invalid_argument("--text-from: " + subject +
                                       " is no part of a CLIP model (expected CLIP weights)"),
                      kExitUsage);
  }
  auto architecture = tower_architecture(plan->shape, subject, run.facts.notes);
  if (!architecture.ok()) return failure_of(architecture.status());
  run.tower = plan->naming;
  run.plan = std::move(plan->rows);
  run.content.info.architecture = std::move(architecture).value();
  return std::nullopt;
}

// The labels that belong to the method, unless the user gives others.
Outcome choose_converted_labels(Conversion& run) {
  auto labels = run.source.dfer_clip
                    ? dfer_clip_labels(run.source.dfer_clip->classes, run.flags.labels)
                : run.projection ? exp_clip_labels(run.flags.labels)
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
  auto plan = checkpoint::map_clip_names(*run.source.checkpoint, run.source.naming);
  if (!plan.ok()) return with_file(plan.status());
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
  auto scale = read_logit_scale(*run.source.checkpoint, run.plan);
  if (!scale.ok()) return with_file(scale.status());
  info.logit_scale = *scale;
  run.plan.insert(run.plan.end(), temporal->begin(), temporal->end());
  return std::nullopt;
}

// Without a text tower of its own: that of --text-from, or none.
Outcome open_text(Conversion& run) {
  std::optional<engine::TextTower>& text = run.content.info.architecture.text;
  if (run.flags.text_from.empty()) {
    if (text) return find_tokenizer(run);
    run.labels.labels.clear();
    run.facts.notes.emplace_back(
        run.tower != checkpoint::TowerNaming::kUnknown
            ? "no text tower: the bundle gives embeddings only, and initial weights for training"
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
  std::vector<std::string> unused;  // the activation was told of for the whole model
  auto other = decide_architecture(*run.text_source, *hints, run.flags.activation, unused);
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
  run.facts.notes.push_back(
      fmt::format("the text tower is that of {}: right only if it was not trained further",
                  run.text_source->weights.filename().string()));
  return find_tokenizer(run);
}

// What DFER-CLIP and Exp-CLIP fix, which no tensor tells.
void fill_method(Conversion& run) {
  engine::BundleInfo& info = run.content.info;
  if (!run.source.dfer_clip && !run.projection) return;
  info.method = run.source.dfer_clip ? "dfer-clip" : "exp-clip";
  if (run.flags.preprocess == "auto") {
    info.preprocess = image::PreprocessSpec::dfer_clip(info.architecture.image.image_size);
  }
  if (run.projection) {
    info.sampling = {.rule = video::SamplingRule::kExpClip, .frames = kExpClipFrames};
    info.reduce = engine::Reduce::kMeanCosine;
    run.facts.notes.emplace_back(
        "the linear map of Exp-CLIP is folded into the projections of both towers");
    return;
  }
  info.logit_scale = kDferClipFactor;
  if (info.architecture.temporal) {
    info.sampling = {.rule = video::SamplingRule::kDferClip,
                     .frames = info.architecture.temporal->positions - 1};
  }
  for (text::Label& label : info.labels) {
    label.texts.front() = with_learned_tokens(label.texts.front(), *run.source.dfer_clip);
  }
  run.facts.notes.emplace_back(
      "took the learned tokens to stand before the texts, as in the published scripts");
}

void fill_info(Conversion& run) {
  const ConvertFlags& flags = run.flags;
  engine::BundleInfo& info = run.content.info;
  info.name = flags.name.empty() ? default_name(run.source.given) : flags.name;
  info.method = info.architecture.temporal ? "emoclip" : "clip";
  if (run.hints.bundle) info.method = run.hints.bundle->method;
  info.preprocess = make_preprocess(flags.preprocess, run.hints, info.architecture);
  if (run.tower != checkpoint::TowerNaming::kUnknown) {
    info.method = "image";
    if (flags.preprocess == "auto") {
      info.preprocess = image::PreprocessSpec::imagenet(info.architecture.image.image_size);
    }
  }
  info.sampling = make_sampling(run.hints, info.architecture);
  info.labels = run.labels.labels;
  fill_method(run);
  info.licence = flags.licence;
  if (info.licence.empty() && run.hints.bundle) info.licence = run.hints.bundle->licence;
  Json files = Json::object();
  for (const auto& [name, hash] : run.facts.files) files.set(name, hash);
  Json from = Json::object();
  from.set("files", std::move(files));
  from.set("format", run.source.checkpoint->format());
  from.set("naming", naming_of(run));
  if (run.text_source) {
    Json text_files = Json::object();
    for (const auto& [name, hash] : run.facts.text_files) text_files.set(name, hash);
    from.set("text_files", std::move(text_files));
  }
  info.provenance.set("converted_from", std::move(from));
  info.provenance.set("converted_by", "mien " MIEN_VERSION);
}

std::optional<DType> wanted_type(const std::string& name) {
  if (name == "f32") return DType::kF32;
  if (name == "f16") return DType::kF16;
  if (name == "bf16") return DType::kBF16;
  return std::nullopt;
}

// What is written: all but the text tower when only the picture's side is asked for.
void keep_tensors(Conversion& run) {
  engine::Architecture& architecture = run.content.info.architecture;
  if (run.flags.image_only) architecture.text.reset();
  for (const std::string& name : run.tensors->order()) {
    const bool kept = architecture.text || name.starts_with("visual.") ||
                      name.starts_with("temporal.") || name.starts_with("mlp.") ||
                      name == "logit_scale" || name == engine::Bundle::kLabelFeatures;
    if (kept) run.content.tensors.emplace_back(name, *run.tensors->find(name));
  }
  if (architecture.text) run.content.tokenizer = run.tokenizer->merges_text();
}

// Runs every part once, stores what the text tower says of the labels, and drops it when asked to.
Outcome fill_tensors(Conversion& run) {
  const auto with_file = [&](const Status& status) {
    const ExitCode code =
        status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitSomeFailed;
    return failure_of(status.with_prefix(run.source.weights.string()), code);
  };
  const auto dtype = wanted_type(run.flags.dtype);
  run.tensors = std::make_shared<ModelTensors>(run.source.checkpoint);
  Status collected = collect_tensors(run.source, run.plan, dtype, *run.tensors);
  if (!collected.ok()) return with_file(collected);
  if (run.text_source) {
    run.tensors->keep(run.text_source->checkpoint);
    collected = collect_tensors(*run.text_source, run.text_plan, dtype, *run.tensors);
    if (!collected.ok()) return failure_of(collected.with_prefix("--text-from"));
  }
  engine::Architecture& architecture = run.content.info.architecture;
  if (run.projection) {
    const Status folded = fold_projection(*find_projection(*run.projection->checkpoint), dtype,
                                          architecture, *run.tensors);
    if (!folded.ok()) return failure_of(folded, kExitUsage);
  }
  if (run.tower != checkpoint::TowerNaming::kUnknown) {
    const Status fits = engine::check_tensors(*run.tensors, architecture, "checkpoint");
    if (!fits.ok()) return with_file(fits);
  }
  {
    auto encoder = engine::ImageEncoder::load(*run.tensors, architecture, {});
    if (!encoder.ok()) return with_file(encoder.status());
    auto trial = try_image_tower(**encoder);
    if (!trial.ok()) return with_file(trial.status());
    run.trial = std::move(trial).value();
  }
  if (architecture.temporal) {
    auto encoder =
        engine::TemporalEncoder::load(*run.tensors, architecture, kernels::Precision::kF32);
    if (!encoder.ok()) return with_file(encoder.status());
    auto trial = try_temporal_model(**encoder, architecture.embed);
    if (!trial.ok()) return with_file(trial.status());
    run.trial_clip = std::move(trial).value();
  }
  if (architecture.regression) {
    auto head = engine::Regressor::load(*run.tensors, architecture);
    if (!head.ok()) return with_file(head.status());
    auto trial = try_regressor(**head, architecture.embed);
    if (!trial.ok()) return with_file(trial.status());
    run.trial_head = std::move(trial).value();
  }
  if (architecture.text) {
    auto features =
        run.source.dfer_clip
            ? dfer_clip_features(run.tensors, architecture, *run.tokenizer, run.labels.labels,
                                 *run.source.dfer_clip)
            : make_label_features(run.tensors, architecture, *run.tokenizer, run.labels.labels);
    if (!features.ok()) return with_file(features.status());
    run.tensors->add(engine::Bundle::kLabelFeatures, std::move(features).value());
  }
  keep_tensors(run);
  return std::nullopt;
}

// Reads the bundle back and asks it the same as before it was written.
Result<std::shared_ptr<const engine::Bundle>> read_back(const Conversion& run) {
  MIEN_ASSIGN_OR_RETURN(auto bundle, engine::Bundle::load(run.destination));
  MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle->image_encoder());
  MIEN_ASSIGN_OR_RETURN(const std::vector<float> trial, try_image_tower(*encoder));
  if (trial != run.trial) {
    return internal_error(run.destination.string() +
                          ": gives another embedding than before it was written");
  }
  MIEN_ASSIGN_OR_RETURN(const auto temporal, bundle->temporal_encoder());
  if (temporal) {
    MIEN_ASSIGN_OR_RETURN(const std::vector<float> clip,
                          try_temporal_model(*temporal, bundle->info().architecture.embed));
    if (clip != run.trial_clip) {
      return internal_error(run.destination.string() +
                            ": gives another clip embedding than before it was written");
    }
  }
  MIEN_ASSIGN_OR_RETURN(const auto regressor, bundle->regressor());
  if (regressor) {
    MIEN_ASSIGN_OR_RETURN(const std::vector<float> values,
                          try_regressor(*regressor, bundle->info().architecture.embed));
    if (values != run.trial_head) {
      return internal_error(run.destination.string() +
                            ": gives other values than before it was written");
    }
  }
  if (bundle->has_text_tower()) {
    MIEN_ASSIGN_OR_RETURN(const auto tokenizer, bundle->tokenizer());
    if (tokenizer->vocabulary_size() != run.tokenizer->vocabulary_size()) {
      return internal_error(run.destination.string() + ": has another tokenizer than was written");
    }
  }
  return bundle;
}

}  // namespace

std::string_view naming_of(const Conversion& run) {
  if (run.source.dfer_clip) return "dfer_clip";
  return run.tower != checkpoint::TowerNaming::kUnknown ? checkpoint::to_string(run.tower)
                                                        : checkpoint::to_string(run.source.naming);
}

Failure failure_of(Status status, ExitCode code) {
  if (status.code() == StatusCode::kIo) code = kExitEnvironment;
  return Failure{std::move(status), code};
}

Outcome check_destination(const fs::path& path, bool force) {
  std::error_code error;
  const fs::path target = path.has_filename() ? path : path.parent_path();
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (!fs::is_directory(parent, error)) {
    return failure_of(invalid_argument(fmt::format("{}: cannot be made: there is no folder {}",
                                                   path.string(), parent.string())),
                      kExitUsage);
  }
  if (fs::exists(target, error)) {
    if (!fs::is_directory(target, error)) {
      return failure_of(invalid_argument(path.string() + ": is a file (expected a folder to make)"),
                        kExitUsage);
    }
    if (!force) {
      return failure_of(
          invalid_argument(path.string() +
                           ": exists already (expected a new name, or --force to replace it)"),
          kExitUsage);
    }
    if (Status status = engine::check_bundle_target(target, true); !status.ok()) {
      return failure_of(std::move(status), kExitUsage);
    }
  }
  if (::access(parent.c_str(), W_OK | X_OK) != 0) {
    return failure_of(io_error(fmt::format("{}: cannot be made: folder {} is not writable",
                                           path.string(), parent.string())));
  }
  return std::nullopt;
}

Outcome convert(Conversion& run) {
  if (auto failure = choose_converted_labels(run)) return failure;
  if (auto failure = check_destination(run.destination, run.flags.force)) return failure;
  if (Status status = check_bundle_output(
          {run.flags.paths[0], run.flags.text_from, run.flags.tokenizer, run.flags.projection},
          run.destination.string(), true);
      !status.ok()) {
    return failure_of(std::move(status), kExitUsage);
  }
  if (auto failure = open_model(run)) return failure;
  if (auto failure = open_projection(run)) return failure;
  if (run.source.dfer_clip || run.projection) {
    if (auto failure = choose_converted_labels(run)) return failure;
  }
  if (auto failure = open_text(run)) return failure;
  run.facts.left_out = left_out(run.source, run.plan);
  auto files = hash_source(run.source);
  if (!files.ok()) return failure_of(files.status());
  run.facts.files = std::move(files).value();
  if (run.projection) {
    auto more = hash_source(*run.projection);
    if (!more.ok()) return failure_of(more.status());
    run.facts.files.merge(*more);
  }
  if (run.text_source) {
    auto text_files = hash_source(*run.text_source);
    if (!text_files.ok()) return failure_of(text_files.status());
    run.facts.text_files = std::move(text_files).value();
  }
  fill_info(run);
  if (auto failure = fill_tensors(run)) return failure;
  run.facts.format = run.source.checkpoint->format();
  run.facts.naming = naming_of(run);
  run.facts.dtypes = dtypes_text(*run.tensors);
  run.content.card = make_card(run.content.info, run.facts);
  if (interrupted()) return failure_of(cancelled("conversion: interrupted, nothing was written"));
  const Status written =
      engine::write_bundle(run.destination, std::move(run.content), run.flags.force);
  if (!written.ok()) return failure_of(written, kExitEnvironment);
  auto bundle = read_back(run);
  if (!bundle.ok()) return failure_of(bundle.status(), kExitEnvironment);
  run.bundle = std::move(bundle).value();
  return std::nullopt;
}

}  // namespace mien::cli
