// Trains DFER-CLIP for two steps on made-up clips, exports the bundle and reads the last clips with
// the engine; writes what went in and came out, for tests/parity/run.py:
//   dfer_clip_dump BUNDLE OUT.safetensors

#include <cstdio>

#include "methods/dfer_clip/train.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "parity/training_dump.h"
#include "unit/methods/coloured_clips.h"

namespace mien {
namespace {

constexpr int kFrames = 4;

methods::DferClipRecipe recipe_of(const char* bundle) {
  methods::DferClipRecipe out;
  out.data.train = "faces.csv";
  out.data.unit = "sequence";
  out.data.val_split = "";
  // In the published order, so that a checkpoint of that layout can be made of it.
  out.data.classes = {"happy", "sad", "neutral", "angry", "surprise", "disgust", "fear"};
  out.training.init = bundle;
  out.training.batch = 8;
  out.training.frames = kFrames;
  out.training.view = {};
  // So that what a step changes is well above rounding.
  out.training.lr_image = 1e-3;
  out.training.lr_contexts = 1e-1;
  return out;
}

void add_state(const methods::DferClipMethod& method, const std::string& at, TrainingDump& dump) {
  dump.add(at + "contexts", method.contexts().vectors());
  dump.add_all(at, method.temporal_tensors());
  dump.add_all(at, method.towers().image_tensors());
  dump.add_all(at, method.towers().text_tensors());
}

// The logits that the exported bundle gives for clips. Shape: pixels [clips * frames, 3, S, S].
Status add_engine(const std::filesystem::path& path, const torch::Tensor& pixels,
                  TrainingDump& dump) {
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path));
  engine::Session session;
  MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle->image_encoder());
  MIEN_ASSIGN_OR_RETURN(const auto clips, engine::ClipReader::make(*bundle));
  MIEN_ASSIGN_OR_RETURN(
      const auto scorer,
      engine::LabelScorer::make(*bundle, {"own", bundle->info().labels}, {}, session));
  torch::Tensor rows = torch::empty({pixels.size(0), encoder->embed()});
  MIEN_RETURN_IF_ERROR(
      encoder->encode(pixels.data_ptr<float>(), pixels.size(0), rows.data_ptr<float>(), session));
  const auto labels = static_cast<std::int64_t>(bundle->info().labels.size());
  torch::Tensor logits = torch::zeros({pixels.size(0) / kFrames, labels});
  MIEN_ASSIGN_OR_RETURN(const auto plan, clips.plan(kFrames));
  for (std::int64_t c = 0; c < logits.size(0); ++c) {
    MIEN_ASSIGN_OR_RETURN(const auto reading,
                          clips.read(plan, rows[c * kFrames].data_ptr<float>(), session));
    for (const auto& score : scorer->score(reading.embedding).labels) {
      const auto& names = scorer->names();
      const auto place = std::find(names.begin(), names.end(), score.label) - names.begin();
      logits[c][place] = bundle->info().logit_scale * score.cosine;
    }
  }
  dump.add("engine/logits", logits);
  return {};
}

Status run(const char* bundle, const std::string& out) {
  const std::filesystem::path folder = out + ".data";
  methods::write_clips(folder, 16, kFrames, false);
  const methods::DferClipRecipe recipe = recipe_of(bundle);
  methods::MethodContext context;
  context.data = folder;
  MIEN_ASSIGN_OR_RETURN(const auto made,
                        methods::make_run<methods::DferClipMethod>(recipe, context));
  auto& method = *made;
  MIEN_ASSIGN_OR_RETURN(const auto data, methods::load_training_data(recipe.data, folder, 1));
  TrainingDump dump;
  dump.add("ids", method.contexts().ids());
  add_state(method, "start/", dump);
  torch::Tensor pixels;
  train::TrainOptions options;
  options.weight_decay = 1e-4;
  MIEN_RETURN_IF_ERROR(take_steps(
      method, options, 0, 2, "", dump,
      [&](const methods::StepOutput& output, const std::string& at) -> Status {
        MIEN_ASSIGN_OR_RETURN(pixels, pixels_of(*data.train, method.reader(), output.ids));
        dump.add(at + "pixels", pixels);
        dump.add(at + "labels", labels_of_ids(*data.train, output.ids));
        return {};
      }));
  add_state(method, "after/", dump);
  MIEN_RETURN_IF_ERROR(method.export_bundle(folder / "bundle", true));
  MIEN_RETURN_IF_ERROR(add_engine(folder / "bundle", pixels, dump));
  return checkpoint::write_safetensors(out, dump.tensors);
}

}  // namespace
}  // namespace mien

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: dfer_clip_dump BUNDLE OUT.safetensors\n");
    return 2;
  }
  const mien::Status status = mien::run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
