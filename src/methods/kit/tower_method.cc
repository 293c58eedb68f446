#include "methods/kit/tower_method.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <utility>

#include "methods/kit/below_data.h"

namespace mien::methods {

Status TowerMethod::load_towers() {
  MIEN_ASSIGN_OR_RETURN(towers_, Towers::load(below_data(context_.data, run_.init)));
  for (const NamedTorchTensors& list : {towers_->image_tensors(), towers_->text_tensors()}) {
    for (const auto& [name, tensor] : list) torch::Tensor(tensor).requires_grad_(false);
  }
  // After loading the towers, because that draws random numbers too.
  torch::manual_seed(context_.seed);
  return {};
}

Status TowerMethod::cache_frames(std::string_view key) {
  FrameCacheOptions options;
  options.key = fmt::format("{} {}", key, run_.init);
  options.threads = data_options_.threads;
  options.width = towers_->architecture().embed;
  options.tower = towers_->image_tensors();
  options.encode = [this](const torch::Tensor& pixels) { return towers_->images(pixels, true); };
  return open_caches(data_, reader(), options, context_, train_rows_, val_rows_);
}

Result<ClipItem> TowerMethod::make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                                        std::int64_t place, Rng& rng) const {
  return read_as(reader(), manifest, phase, place, rng);
}

Result<ClipItem> TowerMethod::read_as(const SequenceReader& clips, const data::Manifest& manifest,
                                      video::SamplingPhase phase, std::int64_t place,
                                      Rng& rng) const {
  const FrameCache none;
  const FrameCache& rows = &manifest == data_.train.get() ? train_rows_ : val_rows_;
  return read_item(manifest, place, clips, phase, cached() ? rows : none, rng);
}

torch::Tensor TowerMethod::frame_rows(const Items& items, bool frozen) {
  const auto count = static_cast<std::int64_t>(items.size());
  const auto values = static_cast<std::int64_t>(items.front().values.size());
  const std::int64_t embed = towers_->architecture().embed;
  if (cached()) return stack_items(items, {count, values / embed, embed});
  const std::int64_t side = towers_->architecture().image_size();
  const std::int64_t frames = values / (3 * side * side);
  return towers_->images(stack_items(items, {count * frames, 3, side, side}), frozen)
      .view({count, frames, -1});
}

ParameterGroup TowerMethod::image_group(bool trains) {
  ParameterGroup out{.name = "image", .parameters = {}};
  for (const auto& [name, tensor] : towers_->image_tensors()) {
    const bool statistic = name.ends_with("running_mean") || name.ends_with("running_var");
    torch::Tensor(tensor).requires_grad_(trains && !statistic);
    if (trains && !statistic) out.parameters.emplace_back(name, tensor);
  }
  return out;
}

image::PreprocessSpec TowerMethod::preprocess_as(const std::string& choice) const {
  if (choice == "init") return towers_->bundle().info().preprocess;
  return image::PreprocessSpec::stretched(towers_->architecture().image_size());
}

std::string TowerMethod::pixels_fact(const std::string& choice) {
  return choice == "init" ? "Pictures are read as the first bundle reads them."
                          : "Pictures are read as published: from 0 to 1, without CLIP's mean and "
                            "deviation.";
}

engine::BundleInfo TowerMethod::bundle_info(std::string_view method) const {
  const engine::BundleInfo& from = towers_->bundle().info();
  const SequenceReader clips = reader();
  engine::BundleInfo info;
  info.name = run_.name.empty() ? fmt::format("{}-{}", method, data_.train->name) : run_.name;
  info.method = method;
  info.architecture = from.architecture;
  info.architecture.temporal.reset();
  info.preprocess = clips.preprocess;
  info.crop = from.crop;
  info.sampling = clips.sampling;
  info.licence = run_.licence.empty() ? from.licence : run_.licence;
  info.provenance = context_.provenance;
  info.provenance.set("init", from.name);
  note_data(data_, info.provenance);
  note_left_out(data_options_, info.provenance);
  return info;
}

Status TowerMethod::write(engine::BundleInfo info, const TowerExport& tensors, const Card& card,
                          const std::filesystem::path& path, bool overwrite) const {
  engine::BundleContent content;
  content.tensors = tensors.views(info.architecture);
  content.tokenizer = towers_->tokenizer().file_text();
  content.card = card.text(info.name);
  content.info = std::move(info);
  return engine::write_bundle(path, std::move(content), overwrite);
}

std::string TowerMethod::class_names() const {
  return fmt::format("{}", fmt::join(data_.train->classes, ", "));
}

}  // namespace mien::methods
