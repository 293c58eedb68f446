#include <fmt/format.h>

#include <cmath>

#include "engine/bundle_folder.h"
#include "engine/bundle_writer.h"
#include "engine/detectors/pyramid.h"
#include "mien/engine/detector.h"

namespace mien::engine {
namespace {

namespace fs = std::filesystem;

void add_separable(const std::string& name, std::int64_t in, std::int64_t out,
                   std::vector<std::pair<std::string, Shape>>& to) {
  to.emplace_back(name + ".point.weight", Shape{out, in, 1, 1});
  to.emplace_back(name + ".point.bias", Shape{out});
  to.emplace_back(name + ".depth.weight", Shape{out, 1, 3, 3});
  to.emplace_back(name + ".depth.bias", Shape{out});
}

// One value that is not a number makes every answer below it one.
Result<bool> is_finite(const TensorView& view) {
  std::vector<float> values(view.size());
  MIEN_RETURN_IF_ERROR(copy_to_f32(view, values));
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

Status check_detector(const checkpoint::Checkpoint& weights, const PyramidSizes& sizes,
                      std::string_view subject) {
  const auto expected = detector_tensors(sizes);
  for (const auto& [name, shape] : expected) {
    const TensorView* found = weights.find(name);
    if (found == nullptr) return corrupt(fmt::format("{}: has no '{}'", subject, name));
    const bool floats = found->dtype() == DType::kF32 || found->dtype() == DType::kF16 ||
                        found->dtype() == DType::kBF16;
    if (!floats || found->shape() != shape) {
      return corrupt(fmt::format("{}: '{}' is {} {} (expected F32, F16 or BF16 {})", subject, name,
                                 mien::to_string(found->dtype()), mien::to_string(found->shape()),
                                 mien::to_string(shape)));
    }
    MIEN_ASSIGN_OR_RETURN(const bool finite, is_finite(*found));
    if (!finite)
      return corrupt(fmt::format("{}: '{}' has values that are not finite", subject, name));
  }
  if (weights.tensors().size() == expected.size()) return {};
  for (const auto& [name, view] : weights.tensors()) {
    const bool known =
        std::any_of(expected.begin(), expected.end(),
                    [&, &name = name](const auto& row) { return row.first == name; });
    if (!known) return corrupt(fmt::format("{}: unknown tensor '{}'", subject, name));
  }
  return {};
}

}  // namespace

std::vector<std::pair<std::string, Shape>> detector_tensors(const PyramidSizes& sizes) {
  std::vector<std::pair<std::string, Shape>> out;
  out.emplace_back("stem.weight", Shape{sizes.stem_width, 3, sizes.stem_kernel, sizes.stem_kernel});
  out.emplace_back("stem.bias", Shape{sizes.stem_width});
  std::int64_t in = sizes.stem_width;
  for (std::size_t s = 0; s < sizes.stages.size(); ++s) {
    for (std::size_t i = 0; i < sizes.stages[s].widths.size(); ++i) {
      add_separable(fmt::format("stages.{}.{}", s, i), in, sizes.stages[s].widths[i], out);
      in = sizes.stages[s].widths[i];
    }
  }
  for (int level = 0; level < sizes.levels; ++level) {
    add_separable(fmt::format("lateral.{}", level), in, in, out);
    for (int i = 0; i < sizes.shared; ++i)
      add_separable(fmt::format("shared.{}.{}", level, i), in, in, out);
    add_separable(fmt::format("answers.{}", level), in, kAnswers, out);
  }
  return out;
}

Result<std::shared_ptr<const DetectorBundle>> DetectorBundle::load(const fs::path& path,
                                                                   const Limits& limits) {
  const std::shared_ptr<DetectorBundle> made(new DetectorBundle());
  made->path_ = path;
  MIEN_ASSIGN_OR_RETURN(made->files_, BundleFolder::open(path, limits));
  MIEN_ASSIGN_OR_RETURN(const std::string info, made->files_->text(kInfoFile, kMaxInfoBytes));
  MIEN_ASSIGN_OR_RETURN(made->info_,
                        DetectorInfo::parse(info, (path / kInfoFile).string(), limits));
  MIEN_ASSIGN_OR_RETURN(made->weights_, made->files_->weights(limits));
  MIEN_RETURN_IF_ERROR(
      check_detector(*made->weights_, made->info_.sizes, (path / kWeightsFile).string()));
  MIEN_ASSIGN_OR_RETURN(made->network_, Pyramid::load(*made->weights_, made->info_.sizes));
  return std::shared_ptr<const DetectorBundle>(made);
}

Result<std::string> DetectorBundle::card() const { return files_->text(kCardFile, kMaxInfoBytes); }

Status DetectorBundle::verify_hashes() const { return files_->verify(info_.files); }

Result<bool> is_detector(const fs::path& path, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const auto files, BundleFolder::open(path, limits));
  MIEN_ASSIGN_OR_RETURN(const std::string info, files->text(kInfoFile, kMaxInfoBytes));
  const std::string subject = (path / kInfoFile).string();
  MIEN_ASSIGN_OR_RETURN(const Json json, parse_info(info, subject, limits));
  MIEN_ASSIGN_OR_RETURN(const std::string kind, bundle_kind(json, subject));
  return kind == kDetectorKind;
}

Status write_detector(const fs::path& path, DetectorContent content, bool overwrite) {
  DetectorInfo info = std::move(content.info);
  return write_bundle_files(path,
                            {.tensors = std::move(content.tensors),
                             .tokenizer = {},
                             .card = std::move(content.card),
                             .info =
                                 [&info](std::map<std::string, std::string> hashes) {
                                   info.files = std::move(hashes);
                                   return info.to_json();
                                 }},
                            overwrite);
}

}  // namespace mien::engine
