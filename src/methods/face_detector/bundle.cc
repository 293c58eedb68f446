// The bundle of a detector of faces.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "methods/face_detector/train.h"
#include "methods/kit/card.h"
#include "nn/load.h"

namespace mien::methods {

Status FaceDetectorMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  network_->eval();
  MIEN_ASSIGN_OR_RETURN(const RecallMeter composed, measure_composed());
  if (composed.faces() > 0) threshold_ = composed.at(recipe_.training.alarms).threshold;
  const engine::DetectorInfo& from = teacher_->info();
  engine::DetectorContent content;
  engine::DetectorInfo& info = content.info;
  info.name = recipe_.training.name;
  info.licence = recipe_.training.licence;
  info.sizes = network_->sizes();
  info.threshold = std::clamp(threshold_, 0.05, 0.95);
  info.overlap = from.overlap;
  info.smallest_face = recipe_.scenes.smallest;
  // The composer places no larger ones.
  info.largest_face = std::min(recipe_.scenes.largest, kLargestShare * recipe_.scenes.side);
  // Boxes are those of the teacher, so that its squares fit them.
  info.square_side = from.square_side;
  info.square_down = from.square_down;
  info.provenance = context_.provenance;
  info.provenance.set("teacher", from.name);
  Json crops = Json::array();
  for (const std::string& name : recipe_.faces.crops) crops.push_back(name);
  info.provenance.set("training_data", std::move(crops));
  const NamedTorchTensors tensors = network_->folded();
  for (const auto& [name, tensor] : tensors) {
    content.tensors.emplace_back(name, nn::as_view(tensor));
  }
  const Card card{
      .about = fmt::format("A detector of faces, trained by `mien train` (face-detector) on "
                           "composed pictures and on the answers of {}.",
                           from.name),
      .facts = {
          fmt::format("Faces: {} crops of {}. The weights inherit the terms of this data.",
                      sources_.bank->size(false), fmt::join(recipe_.faces.crops, ", ")),
          fmt::format("Threshold: {:.2f}, at {:.3f} false alarms per composed picture of people "
                      "and backgrounds that did not train.",
                      info.threshold, recipe_.training.alarms),
          "Boxes and five points follow the teacher's. It finds faces; it does not recognise "
          "people."}};
  content.card = card.text(info.name);
  return engine::write_detector(path, std::move(content), overwrite);
}

}  // namespace mien::methods
