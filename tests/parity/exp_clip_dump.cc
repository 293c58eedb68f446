// Trains Exp-CLIP for two steps on made-up pictures and teacher vectors, exports the bundle and
// reads pictures and prompts with the engine; writes what went in and came out, for
// tests/parity/run.py:
//   exp_clip_dump BUNDLE OUT.safetensors

#include <cstdio>

#include "methods/exp_clip/train.h"
#include "mien/engine/label_scorer.h"
#include "parity/training_dump.h"
#include "unit/methods/coloured_clips.h"

namespace mien {
namespace {

constexpr int kPictures = 32;
constexpr int kWidth = 96;

methods::ExpClipRecipe recipe_of(const char* bundle) {
  methods::ExpClipRecipe out;
  out.data.train = "faces.csv";
  out.data.unit = "frame";
  out.data.val_split = "";
  out.training.init = bundle;
  out.training.teacher = "teacher.safetensors";
  out.training.batch = 16;
  out.training.prompts = "P5";
  return out;
}

// Tokens of the labels' prompts, class by class. Shape: -> [prompts, context] int64.
Result<torch::Tensor> prompt_tokens(const engine::Bundle& bundle) {
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, bundle.tokenizer());
  std::vector<torch::Tensor> rows;
  for (const text::Label& label : bundle.info().labels) {
    for (const std::string& text : label.texts) {
      MIEN_ASSIGN_OR_RETURN(const auto ids, tokenizer->encode_padded(text, 77));
      rows.push_back(
          torch::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), torch::kInt64));
    }
  }
  return at::stack(rows);
}

// What the exported bundle says of pictures. Shape: pixels [N, 3, S, S].
Status add_engine(const std::filesystem::path& path, const torch::Tensor& pixels,
                  TrainingDump& dump) {
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path));
  engine::Session session;
  MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle->image_encoder());
  MIEN_ASSIGN_OR_RETURN(
      const auto scorer,
      engine::LabelScorer::make(*bundle, {"own", bundle->info().labels}, {}, session));
  torch::Tensor rows = torch::empty({pixels.size(0), encoder->embed()});
  MIEN_RETURN_IF_ERROR(
      encoder->encode(pixels.data_ptr<float>(), pixels.size(0), rows.data_ptr<float>(), session));
  rows = (rows / rows.norm(2, 1, true)).contiguous();
  const auto& names = scorer->names();
  torch::Tensor logits = torch::zeros({rows.size(0), static_cast<std::int64_t>(names.size())});
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const auto scores =
        scorer->score({rows[i].data_ptr<float>(), static_cast<std::size_t>(encoder->embed())});
    for (const auto& score : scores.labels) {
      const auto place = std::find(names.begin(), names.end(), score.label) - names.begin();
      logits[i][place] = bundle->info().logit_scale * score.cosine;
    }
  }
  dump.add("engine/embeddings", rows);
  dump.add("engine/logits", logits);
  dump.add("engine/scale", bundle->info().logit_scale);
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor tokens, prompt_tokens(*bundle));
  dump.add("engine/tokens", tokens);
  return {};
}

Status run(const char* bundle, const std::string& out) {
  const std::filesystem::path folder = out + ".data";
  methods::write_clips(folder, 16, kPictures / 16, false);
  torch::manual_seed(5);
  const torch::Tensor vectors = torch::randn({kPictures, kWidth});
  MIEN_RETURN_IF_ERROR(checkpoint::write_safetensors(folder / "teacher.safetensors",
                                                     {{"vectors", nn::as_view(vectors)}}));
  const methods::ExpClipRecipe recipe = recipe_of(bundle);
  methods::MethodContext context;
  context.data = folder;
  context.cache = folder / "cache";
  MIEN_ASSIGN_OR_RETURN(const auto made,
                        methods::make_run<methods::ExpClipMethod>(recipe, context));
  auto& method = *made;
  const data::Manifest& manifest = *method.data().train;
  TrainingDump dump;
  dump.add("start/projection", method.head());
  dump.add_all("start/", method.towers().image_tensors());
  dump.add_all("start/", method.towers().text_tensors());
  torch::Tensor pixels;
  train::TrainOptions options;
  options.lr = 1e-2;
  options.weight_decay = 1e-4;
  MIEN_RETURN_IF_ERROR(
      take_steps(method, options, 0, 2, "", dump,
                 [&](const methods::StepOutput& output, const std::string& at) -> Status {
                   MIEN_ASSIGN_OR_RETURN(pixels, pixels_of(manifest, method.reader(), output.ids));
                   std::vector<torch::Tensor> rows;
                   for (const std::string& id : output.ids) {
                     rows.push_back(vectors[&sample_of(manifest, id) - manifest.samples.data()]);
                   }
                   dump.add(at + "pixels", pixels);
                   dump.add(at + "teacher", at::stack(rows));
                   return {};
                 }));
  dump.add("after/projection", method.head());
  MIEN_RETURN_IF_ERROR(method.export_bundle(folder / "bundle", true));
  MIEN_RETURN_IF_ERROR(add_engine(folder / "bundle", pixels, dump));
  return checkpoint::write_safetensors(out, dump.tensors);
}

}  // namespace
}  // namespace mien

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: exp_clip_dump BUNDLE OUT.safetensors\n");
    return 2;
  }
  const mien::Status status = mien::run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
