// Describes weights for `mien inspect`: what to_bundle would read, and where it would fail.
#include "checkpoint/dfer_clip_names.h"
#include "convert/clip.h"
#include "convert/regression.h"
#include "convert/source.h"
#include "mien/convert/convert.h"

namespace mien::convert {
namespace {

using checkpoint::ClipNaming;

void describe_parts(const Source& source, ClipNaming naming, engine::Architecture& architecture,
                    std::vector<std::string>& notes) {
  const auto rows = checkpoint::map_temporal_names(*source.checkpoint, naming);
  const auto tower = rows.ok() ? temporal_tower(source, *rows)
                               : Result<std::optional<engine::TemporalTower>>(rows.status());
  if (tower.ok()) {
    architecture.temporal = *tower;
  } else {
    notes.push_back(tower.status().message());
  }
  const auto head = find_regression(*source.checkpoint, naming, architecture.embed, {}, notes);
  if (head.ok() && *head) architecture.regression = (*head)->sizes;
}

void describe_model(const Source& source, ClipNaming naming, const Limits& limits,
                    WeightsReport& out) {
  Hints hints;
  auto read = read_hints(source, naming, limits);
  if (read.ok()) {
    hints = std::move(read).value();
  } else {
    out.notes.push_back(read.status().message());
  }
  auto architecture = clip_architecture(source, naming, hints, std::nullopt, out.notes);
  if (!architecture.ok()) {
    out.notes.push_back(architecture.status().message());
    return;
  }
  describe_parts(source, naming, *architecture, out.notes);
  out.architecture = std::move(architecture).value();
}

std::optional<double> find_logit_scale(const Source& source, ClipNaming naming) {
  const auto rows = checkpoint::map_clip_names(*source.checkpoint, naming);
  if (!rows.ok()) return std::nullopt;
  std::vector<std::string> unused;  // notes are for conversions
  const auto scale = read_logit_scale(*source.checkpoint, *rows, unused);
  return scale.ok() ? std::optional(*scale) : std::nullopt;
}

}  // namespace

Result<WeightsReport> describe_weights(const std::filesystem::path& path, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(Source source, open_weights(path, limits));
  if (checkpoint::is_dfer_clip(*source.checkpoint)) {
    MIEN_ASSIGN_OR_RETURN(const auto parts, checkpoint::open_dfer_clip(source.checkpoint));
    source.checkpoint = parts.model;
  }
  const ClipNaming naming = checkpoint::detect_clip_naming(*source.checkpoint);
  WeightsReport out;
  out.source = source.weights;
  MIEN_ASSIGN_OR_RETURN(out.files, files_of(source));
  out.naming = checkpoint::to_string(naming);
  out.weights = source.checkpoint;
  // The weights of a bundle: sizes come from bundle.json, without assumptions.
  const auto whole = is_bundle(source.weights) ? open_source(source.weights, limits)
                                               : Result<Source>(not_found("not a bundle"));
  if (whole.ok()) {
    out.architecture = whole->bundle->info().architecture;
    out.logit_scale = whole->bundle->info().logit_scale;
  } else {
    describe_model(source, naming, limits, out);
    out.logit_scale = find_logit_scale(source, naming);
  }
  out.skipped = std::move(source.skipped);
  return out;
}

}  // namespace mien::convert
