#include "methods/exp_clip/options.h"

namespace mien::methods {

void ExpClipTraining::register_options(OptionSet& set) {
  add_init(set);
  set.add("teacher", teacher,
          "Vectors of the teacher below --data: safetensors with `vectors` [rows, width]");
  set.add("teacher_ids", teacher_ids,
          "Text file with the sample id of each row; empty: the manifest's samples in their order");
  set.add("negatives", negatives,
          "Negatives of the contrastive loss: from this process or from all",
          {"local", "gathered"});
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Pictures per step and process", {2, 65536});
  set.add("frames", frames, "Frames of a clip, in tests only", {1, 4096});
  set.add("preprocess", preprocess,
          "Square pictures without mean and deviation, as published, or as in the init bundle",
          {"dfer_clip", "init"});
  set.add("prompts", prompts, "Prompt set of the labels", {"P1", "P2", "P3", "P4", "P5"});
  set.add("class_texts", class_texts, "Label file or set instead of prompts");
  set.add("labels", labels, "Labels of the bundle; empty: the classes that validate, or the seven");
  add_select(set);
  add_bundle(set);
}

Status ExpClipTraining::validate() const {
  MIEN_RETURN_IF_ERROR(check_init(kGroup));
  if (teacher.empty()) {
    return invalid_argument(
        "exp-clip.teacher: is empty (expected a file of the teacher's vectors)");
  }
  return {};
}

}  // namespace mien::methods
