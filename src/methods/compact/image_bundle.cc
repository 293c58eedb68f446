// The bundle of the compact image tower: the tower, and its prototypes as label features.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "loss/unit_rows.h"
#include "methods/compact/image_train.h"
#include "methods/kit/card.h"
#include "mien/text/prompts.h"
#include "nn/load.h"

namespace mien::methods {

Status CompactImageMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = training_.name.empty() ? "compact-image" : training_.name;
  info.method = "compact-image";
  info.architecture = sizes_.architecture();
  info.preprocess = compact_preprocess(sizes_.image_size);
  for (const std::string& name : data_.train->classes) {
    text::Label label{.name = name, .texts = text::describe(name), .parts = {}};
    label.texts.resize(1);
    info.labels.push_back(std::move(label));
  }
  info.logit_scale = scale_.exp().item<double>();
  info.licence = training_.licence;
  info.provenance = context_.provenance;
  note_data(data_, info.provenance);
  note_left_out(data_options_, info.provenance);
  NamedTorchTensors owned;
  for (const auto& [name, tensor] : tower_->published()) {
    torch::Tensor whole = tensor.detach().to(torch::kFloat32);
    if (start_) {
      MIEN_ASSIGN_OR_RETURN(const torch::Tensor before,
                            nn::to_torch(*start_->weights().find("visual." + name)));
      whole = training_.blend * whole + (1 - training_.blend) * before.to(torch::kFloat32);
    }
    owned.emplace_back("visual." + name, whole.contiguous());
  }
  owned.emplace_back(engine::Bundle::kLabelFeatures,
                     loss::unit_rows(label_prototypes_.detach()).contiguous());
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, nn::as_view(tensor));
  const Card card{
      .about = fmt::format("An image tower with one learned prototype per label, trained by `mien "
                           "train` (method compact-image).\nIt has no text tower, so it knows only "
                           "its own labels: {}.",
                           fmt::join(data_.train->classes, ", ")),
      .facts = {data_fact(data_),
                "Not calibrated: probabilities rank the labels, and there is no threshold for "
                "\"unknown\"."}};
  content.card = card.text(info.name);
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
