#include "cli/convert_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "cli/describe.h"
#include "cli/run_files.h"
#include "mien/core/file.h"

namespace mien::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kExpClipFrames = 16;
constexpr double kDferClipFactor = 100;

std::string default_name(const fs::path& given) {
  std::error_code error;
  fs::path path = fs::weakly_canonical(given, error);
  if (path.empty()) path = given;
  if (!path.has_filename()) path = path.parent_path();
  const std::string out =
      fs::is_directory(path, error) ? path.filename().string() : path.stem().string();
  return out.empty() ? "clip" : out;
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
  static const std::map<std::string, std::string> where = {{"end", "before their texts"},
                                                           {"front", "behind their texts"},
                                                           {"middle", "around their texts"}};
  run.facts.notes.push_back(fmt::format("the learned tokens of the classes stand {} ({})",
                                        where.at(run.token_position), run.token_position));
}

// How a bundle as source reads its faces and labels. Its calibration belongs to its labels.
void take_reading(Conversion& run) {
  const engine::BundleInfo& from = *run.hints.bundle;
  engine::BundleInfo& info = run.content.info;
  info.crop = from.crop;
  if (from.reference) {
    run.facts.notes.emplace_back(
        "the reference of faces behind *unknown* is not kept (`mien export --reference` makes "
        "one)");
  }
  if (keeps_labels(run)) {
    info.reduce = from.reduce;
    info.temperature = from.temperature;
    info.unknown = from.unknown;
  } else if (from.temperature != 1 || from.unknown.threshold) {
    run.facts.notes.emplace_back(
        "the temperature and the threshold of *unknown* of the source belong to its own labels and "
        "are not kept");
  }
}

void fill_info(Conversion& run) {
  const ConvertFlags& flags = run.flags;
  engine::BundleInfo& info = run.content.info;
  info.name = flags.name.empty() ? default_name(run.source.given) : flags.name;
  info.method = info.architecture.temporal ? "emoclip" : "clip";
  if (run.hints.bundle) info.method = run.hints.bundle->method;
  info.preprocess = make_preprocess(flags.preprocess, run.hints, info.architecture);
  if (run.tower != checkpoint::TowerNaming::kUnknown) {
    info.method = run.ke2nt && run.text_source ? "e2n" : "image";
    if (flags.preprocess == "auto") {
      info.preprocess = image::PreprocessSpec::imagenet(info.architecture.image.image_size);
    }
  }
  info.sampling = make_sampling(run.hints, info.architecture);
  info.labels = run.labels.labels;
  if (run.hints.bundle) take_reading(run);
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
                                 *run.source.dfer_clip, run.token_position)
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
  if (run.source.dfer_clip || run.projection || run.ke2nt || run.hints.bundle) {
    if (auto failure = choose_converted_labels(run)) return failure;
  }
  if (auto failure = open_text(run)) return failure;
  if (run.facts.left_out.empty()) run.facts.left_out = left_out(run.source, run.plan);
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
