#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/progress.h"

namespace mien::cli {
namespace {

struct PredictOptions {
  InputOptions inputs;
  FaceOptions faces;
  ModelOptions model;
  OutputOptions outputs;
  std::string labels;
  std::string unknown = "auto";
  std::string reduce = "auto";
  std::string compound = "unit-mean";
  bool explain = false;
  bool embedding = false;
  int every = 1;
  double max_fps = 0;
  int batch = 16;
};

class Predictor final : public InputVisitor {
 public:
  Predictor(pipeline::Recognizer& recognizer, ResultWriter& results, AnnotationWriter& drawings)
      : recognizer_(recognizer),
        results_(results),
        drawings_(drawings),
        scores_(!recognizer.label_names().empty()) {}

  Status picture(const std::string& name, const image::Image& picture) override {
    auto faces = recognizer_.image(picture, name);
    if (!faces.ok()) return faces.status().with_prefix(name);
    pipeline::FrameResult frame;
    frame.input = name;
    frame.width = picture.width();
    frame.height = picture.height();
    frame.aggregate = recognizer_.picture_aggregate();
    frame.faces = std::move(*faces);
    MIEN_RETURN_IF_ERROR(results_.frame(frame));
    return drawings_.picture(name, picture, frame.faces);
  }

  Status clip(const std::string& name, const std::filesystem::path& path,
              video::VideoSource& source) override {
    MIEN_RETURN_IF_ERROR(drawings_.begin_clip(name, path, source.info()));
    report::ClipTimeline timeline;
    Progress progress("frames", source.info().frames);
    pipeline::ClipSink sink;
    sink.images = drawings_.enabled();
    sink.every_frame = drawings_.enabled();
    sink.frame = [&](const pipeline::ClipFrame& frame) -> Status {
      if (frame.analysed) {
        if (scores_) timeline.add(frame.result);
        if (results_.wants_frames()) MIEN_RETURN_IF_ERROR(results_.frame(frame.result));
      }
      progress.update(frame.result.frame + 1);
      return drawings_.clip_frame(frame, timeline);
    };
    const auto done = recognizer_.clip(source, name, sink, &interrupted());
    progress.finish();
    // What a broken clip gave until then is kept: its lines are written, its drawing is closed
    // properly.
    const Status drawn = drawings_.end_clip(done.ok());
    if (!done.ok()) return done.status();
    MIEN_RETURN_IF_ERROR(drawn);
    return results_.clip(*done, timeline);
  }

  void failed(const std::string& name, const Status& status) override {
    (void)drawings_.end_clip(false);
    (void)results_.error(name, status);
  }

 private:
  pipeline::Recognizer& recognizer_;
  ResultWriter& results_;
  AnnotationWriter& drawings_;
  bool scores_;  // false: a regression without labels, which has no time line
};

Result<text::LabelSet> choose_labels(const PredictOptions& options, const engine::Bundle& bundle) {
  if (!options.labels.empty()) return text::load_labels(options.labels, options.inputs.limits);
  // A regression may have no labels.
  if (bundle.info().labels.empty() && bundle.info().targets.empty()) {
    return invalid_argument("--labels: is missing (the bundle has no labels of its own)");
  }
  return text::LabelSet{bundle.info().name, bundle.info().labels};
}

Result<pipeline::RecognizerOptions> recognizer_options(const PredictOptions& options) {
  pipeline::RecognizerOptions out;
  MIEN_ASSIGN_OR_RETURN(out.finder, finder_options(options.faces));
  out.finder.landmarks = wants_landmarks(options.outputs, options.faces);
  MIEN_ASSIGN_OR_RETURN(out.scorer.unknown, parse_unknown(options.unknown));
  MIEN_ASSIGN_OR_RETURN(out.scorer.reduce, parse_reduce(options.reduce));
  MIEN_ASSIGN_OR_RETURN(out.scorer.compound, parse_compound(options.compound));
  const bool raw = out.scorer.compound == engine::Compound::kRawMean;
  if (raw && out.scorer.reduce != engine::Reduce::kMeanEmbedding) {
    return invalid_argument("--compound raw-mean: does not go with --reduce (expected mean)");
  }
  out.scorer.explain = options.explain;
  out.embeddings = options.embedding;
  out.batch = options.batch;
  out.every = options.every;
  out.max_fps = options.max_fps;
  out.frame_values = options.outputs.json || options.outputs.csv;
  return out;
}

void predict(Context& context, const PredictOptions& options) {
  const auto usage = [&](const Status& status) { context.fail(status, kExitUsage); };
  if (const Status status = context.apply(); !status.ok()) return usage(status);
  auto settings = recognizer_options(options);
  if (!settings.ok()) return usage(settings.status());
  const auto bundle = load_bundle(options.model);
  if (!bundle.ok()) {
    return context.fail(bundle.status(), kExitEnvironment);
  }
  const auto labels = choose_labels(options, **bundle);
  if (!labels.ok()) return usage(labels.status());
  settings->scores = !labels->labels.empty();
  auto recognizer = pipeline::Recognizer::make(*bundle, *labels, *settings);
  if (!recognizer.ok()) return context.fail(recognizer.status(), kExitEnvironment);

  ResultWriter results(context, options.outputs, (*recognizer)->label_names(),
                       (*recognizer)->target_names());
  AnnotationWriter drawings(options.outputs);
  if (const Status status = results.open(); !status.ok()) return usage(status);
  if (const Status status = drawings.open(several_inputs(options.inputs)); !status.ok()) {
    return usage(status);
  }
  Predictor visitor(**recognizer, results, drawings);
  visit_inputs(context, options.inputs, visitor);
  if (const Status status = results.finish(); !status.ok()) context.fail(status, kExitSomeFailed);
}

}  // namespace

void add_predict(CLI::App& app, Context& context) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* verb =
      app.add_subcommand("predict", "Read expressions in pictures and clips, in your words");
  add_input_options(*verb, options->inputs);
  add_model_options(*verb, options->model);
  verb->add_option(
      "-l,--labels", options->labels,
      "Words to choose from: happy,sad,\"politely bored\"; a label file; or basic7, basic8, mafw11 "
      "(default: the bundle's own)");
  add_face_options(*verb, options->faces);
  add_output_options(*verb, options->outputs);
  verb->add_option("--unknown", options->unknown,
                   "Answer 'unknown' when nothing fits: off, auto (the bundle's rule), or a "
                   "threshold for it")
      ->capture_default_str();
  verb->add_option(
          "--reduce", options->reduce,
          "Several descriptions of a label: mean (of embeddings), mean-cosine, max, or auto (as "
          "the bundle says)")
      ->capture_default_str();
  verb->add_option("--compound", options->compound,
                   "Compound labels (a+b): mean of the parts' unit embeddings (unit-mean), or of "
                   "what the text tower gives (raw-mean)")
      ->check(CLI::IsMember({"unit-mean", "raw-mean"}))
      ->capture_default_str();
  verb->add_flag("--explain", options->explain, "Tell how well every description fits");
  verb->add_flag("--embedding", options->embedding, "Put the face embeddings into the JSON");
  verb->add_option("--every", options->every, "Clips: analyse every n-th frame")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_option("--max-fps", options->max_fps,
                   "Clips: analyse at most so many frames per second (0: all)")
      ->check(CLI::Range(0.0, 100000.0))
      ->capture_default_str();
  verb->add_option("--batch", options->batch, "Clips: faces that are encoded together")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->footer("\n" + std::string(responsible_use()));
  verb->callback([options, &context] { predict(context, *options); });
}

}  // namespace mien::cli
