#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <functional>
#include <initializer_list>

#include "cli/batch.h"
#include "cli/clip_outputs.h"
#include "cli/help.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/run_files.h"
#include "engine/bundle_hash.h"
#include "report/table.h"

namespace mien::cli {
namespace {

struct PredictOptions {
  InputOptions inputs;
  FaceOptions faces;
  ModelOptions model;
  OutputOptions outputs;
  ClipOutputOptions clips;
  BatchOptions many;
  std::string labels;
  std::string unknown = "auto";
  std::string reduce = "auto";
  std::string compound = "unit-mean";
  std::string baseline;  // "": none
  bool explain = false;
  bool embedding = false;
  PaceOptions pace;
  int batch = 8;
};

class Predictor final : public InputVisitor {
 public:
  Predictor(pipeline::Recognizer& recognizer, ResultWriter& results, AnnotationWriter& drawings,
            ClipOutputs& clips)
      : recognizer_(recognizer),
        results_(results),
        drawings_(drawings),
        clips_(clips),
        scores_(!recognizer.label_names().empty()) {}

  // Drawings and pages show the picture at full size.
  image::Enough enough() const override {
    image::Enough out =
        drawings_.enabled() || clips_.wants_images() ? image::Enough() : recognizer_.enough();
    out.beyond_limits = true;
    return out;
  }

  Status picture(const std::string& name, const image::Reduced& picture) override {
    const auto done = recognizer_.picture(picture, name);
    if (!done.ok()) return done.status().with_prefix(name);
    const pipeline::FrameResult& frame = *done;
    MIEN_RETURN_IF_ERROR(results_.frame(frame));
    if (!drawings_.enabled() && !clips_.wants_images()) {
      return clips_.picture(frame, picture.image);
    }
    // Drawings need boxes in the pixels of the decoded picture, which may be smaller than the file.
    pipeline::FrameResult drawn = frame;
    drawn.width = picture.image.width();
    drawn.height = picture.image.height();
    const float x = static_cast<float>(drawn.width) / static_cast<float>(picture.width);
    const float y = static_cast<float>(drawn.height) / static_cast<float>(picture.height);
    for (engine::FaceResult& face : drawn.faces) face::scale_face(face.face, x, y);
    MIEN_RETURN_IF_ERROR(clips_.picture(drawn, picture.image));
    return drawings_.picture(name, picture.image, drawn.faces);
  }

  Status clip(const std::string& name, const std::filesystem::path& path,
              video::VideoSource& source) override {
    MIEN_RETURN_IF_ERROR(drawings_.begin_clip(name, path, source.info()));
    clips_.begin_clip(name, path);
    results_.begin_clip(source.info());
    report::ClipTimeline timeline;
    Progress progress("frames", source.info().frames);
    pipeline::ClipSink sink;
    sink.images = drawings_.enabled() || clips_.wants_images();
    sink.every_frame = drawings_.enabled();
    sink.frame = [&](const pipeline::ClipFrame& frame) -> Status {
      if (frame.analysed) {
        if (scores_) timeline.add(frame.result);
        if (results_.wants_frames()) MIEN_RETURN_IF_ERROR(results_.frame(frame.result));
      }
      MIEN_RETURN_IF_ERROR(clips_.frame(frame));
      progress.update(frame.result.frame + 1, [&] {
        return report::now_line(frame.result, {.unicode = locale_is_utf8()});
      });
      return drawings_.clip_frame(frame, timeline);
    };
    const auto done = recognizer_.clip(source, name, sink, &interrupted());
    progress.finish();
    // Results of a clip that breaks off are kept: its lines are written, its drawing is closed.
    const Status drawn = drawings_.end_clip(done.ok());
    if (!done.ok()) return done.status();
    MIEN_RETURN_IF_ERROR(drawn);
    MIEN_RETURN_IF_ERROR(clips_.end_clip(*done));
    return results_.clip(*done);
  }

  bool stop() const override { return results_.broken(); }

  void failed(const std::string& name, const Status& status) override {
    (void)drawings_.end_clip(false);
    clips_.failed(name, status);
    (void)results_.error(name, status);
  }

 private:
  pipeline::Recognizer& recognizer_;
  ResultWriter& results_;
  AnnotationWriter& drawings_;
  ClipOutputs& clips_;
  bool scores_;  // false: a regression without labels, which has no timeline
};

ClipOutputs::Facts facts(const Context& context, const engine::BundleInfo& bundle,
                         const std::vector<std::string>& labels) {
  const std::size_t told = std::min<std::size_t>(labels.size(), 50);
  std::string names = fmt::format(
      "{}", fmt::join(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(told), ", "));
  if (told < labels.size()) names += fmt::format(" and {} more", labels.size() - told);
  return {{"command", context.command()},
          {"bundle", bundle.name},
          {"bundle hash", engine::bundle_hash(bundle)},
          {"labels", names},
          {"program", "mien " MIEN_VERSION}};
}

Result<text::LabelSet> choose_prediction_labels(const PredictOptions& options,
                                                const engine::Bundle& bundle) {
  if (!options.labels.empty()) return text::load_labels(options.labels, options.inputs.limits);
  // A regression may have no labels.
  if (bundle.info().labels.empty() && bundle.info().targets.empty()) {
    return invalid_argument(
        "--labels: missing (expected labels, because the bundle has none of its own)");
  }
  return text::LabelSet{bundle.info().name, bundle.info().labels};
}

Result<pipeline::Baseline> baseline_of(const PredictOptions& options) {
  if (options.baseline.empty()) return pipeline::Baseline();
  auto out = pipeline::parse_baseline(options.baseline);
  if (!out.ok()) return out.status().with_prefix("--baseline");
  const bool pixels = !options.outputs.annotate.empty() || options.clips.with_images;
  if (pixels && out->from == pipeline::Baseline::From::kMedian) {
    return invalid_argument(
        fmt::format("--baseline median: cannot be combined with {}, because a median is known only "
                    "at the end of a clip (expected an interval such as 0-10s)",
                    options.outputs.annotate.empty() ? "--with-images" : "--annotate"));
  }
  return out;
}

Result<pipeline::RecognizerOptions> recognizer_options(const PredictOptions& options) {
  pipeline::RecognizerOptions out;
  MIEN_ASSIGN_OR_RETURN(out.finder, finder_options(options.faces));
  out.finder.landmarks = wants_landmarks(options.outputs, options.faces);
  auto unknown = engine::parse_unknown_choice(options.unknown);
  if (!unknown.ok()) return unknown.status().with_prefix("--unknown");
  out.scorer.unknown = *unknown;
  MIEN_ASSIGN_OR_RETURN(out.scorer.reduce, parse_reduce(options.reduce));
  MIEN_ASSIGN_OR_RETURN(out.scorer.compound, parse_compound(options.compound));
  const bool raw = out.scorer.compound == engine::Compound::kRawMean;
  if (raw && out.scorer.reduce.value_or(engine::Reduce::kMeanEmbedding) !=
                 engine::Reduce::kMeanEmbedding) {
    return invalid_argument("--compound raw-mean: needs --reduce mean (got another value)");
  }
  out.scorer.explain = options.explain;
  out.embeddings = options.embedding;
  out.batch = options.batch;
  out.every = options.pace.every;
  out.max_fps = options.pace.max_fps;
  out.smooth_seconds = options.clips.smooth;
  MIEN_ASSIGN_OR_RETURN(out.baseline, baseline_of(options));
  out.frame_values = options.outputs.json || options.outputs.csv;
  return out;
}

// Options whose results a results file cannot store.
Status check_batch(const PredictOptions& options) {
  if (options.outputs.file.empty()) {
    return invalid_argument("--format sqlite: no file given (expected -o FILE.sqlite)");
  }
  const std::initializer_list<std::pair<const char*, bool>> flags = {
      {"--annotate", !options.outputs.annotate.empty()},
      {"--report", !options.clips.report.empty()},
      {"--explain", options.explain},
      {"--baseline", !options.baseline.empty()},
      {"--embedding", options.embedding}};
  for (const auto& [name, given] : flags) {
    if (!given) continue;
    return invalid_argument(fmt::format(
        "{}: cannot be combined with -o {} (expected a separate run)", name, options.outputs.file));
  }
  return {};
}

void predict(Context& context, PredictOptions options) {
  const auto usage = [&](const Status& status) { context.fail(status, kExitUsage); };
  if (const Status status = context.apply(); !status.ok()) return usage(status);
  if (const Status status =
          choose_format(options.outputs, {"table", "json", "csv", "tracks", "segments", "openface",
                                          "srt", "vtt", "eaf", "sqlite"});
      !status.ok()) {
    return usage(status);
  }
  options.outputs.extras = {.changes = !options.baseline.empty(),
                            .clock = options.inputs.clock.given()};
  auto settings = recognizer_options(options);
  if (!settings.ok()) return usage(settings.status());
  const auto inputs = list_inputs(context, options.inputs);
  if (!inputs.ok()) return usage(inputs.status());
  if (const Status status = check_files({.inputs = &*inputs,
                                         .bundle = options.model.bundle,
                                         .labels = options.labels,
                                         .boxes = options.faces.finder.boxes_file,
                                         .landmarks = options.faces.finder.landmark_model},
                                        options.outputs, options.clips.report);
      !status.ok()) {
    return usage(status);
  }
  options.model.many_pictures = inputs->inputs.size() > 1;
  const auto bundle = load_bundle(options.model);
  if (!bundle.ok()) {
    return context.fail(bundle.status(), kExitEnvironment);
  }
  tell_precision(context, options.model, **bundle);
  const auto labels = choose_prediction_labels(options, **bundle);
  if (!labels.ok()) return usage(labels.status());
  if (const Status status = tell_words(context, **bundle, *labels); !status.ok()) {
    return usage(status);
  }
  if (const Status status =
          engine::check_unknown(settings->scorer.unknown, (*bundle)->info(), *labels);
      !status.ok()) {
    return usage(status.with_prefix("--unknown"));
  }
  settings->scores = !labels->labels.empty();
  if (options.outputs.format == "sqlite") {
    if (const Status status = check_batch(options); !status.ok()) return usage(status);
    return run_batch(context, {.results = options.outputs.file,
                               .options = options.many,
                               .inputs = options.inputs,
                               .list = *inputs,
                               .bundle = *bundle,
                               .labels = *labels,
                               .recognizer = *settings,
                               .model = options.model});
  }
  auto recognizer = pipeline::Recognizer::make(*bundle, *labels, *settings);
  if (!recognizer.ok()) return context.fail(recognizer.status(), kExitEnvironment);

  ResultWriter results(context, options.outputs, (*recognizer)->label_names(),
                       (*recognizer)->target_names());
  AnnotationWriter drawings(context, options.outputs);
  ClipOutputs clips(context, options.outputs, options.clips, (*recognizer)->label_names());
  for (const auto& open : std::initializer_list<std::function<Status()>>{
           [&] { return results.open(); }, [&] { return drawings.open(*inputs); },
           [&] { return clips.open(*inputs); }}) {
    if (const Status status = open(); !status.ok()) return usage(status);
  }
  Predictor visitor(**recognizer, results, drawings, clips);
  const bool complete = visit_inputs(context, options.inputs, *inputs, visitor);
  for (const Status& status : {results.finish(complete), clips.finish(complete, [&] {
                                 return facts(context, (*bundle)->info(),
                                              (*recognizer)->label_names());
                               })}) {
    if (!status.ok()) context.fail(status, kExitSomeFailed);
  }
}

void add_label_options(CLI::App& verb, PredictOptions& options) {
  begin_group(verb, "Labels");
  verb.add_option("-l,--labels", options.labels,
                  "Labels to choose from: words such as happy,sad,\"politely bored\"; the sets "
                  "basic7, basic8, mafw11 and shapes7, also among words; or a label file (default: "
                  "the bundle's own)");
  verb.add_option("--unknown", options.unknown,
                  "When to answer 'unknown': off, auto (the bundle's rule), or a threshold for the "
                  "bundle's score, usually the largest probability (0 to 1)")
      ->capture_default_str();
  verb.add_option("--reduce", options.reduce,
                  "How to combine several descriptions of a label: mean (of embeddings), "
                  "mean-cosine, max, or auto (the bundle's choice)")
      ->capture_default_str();
  verb.add_option("--compound", options.compound,
                  "How to average the parts of a compound label (a+b): as unit embeddings, or as "
                  "the text tower gives them")
      ->check(CLI::IsMember({"unit-mean", "raw-mean"}))
      ->capture_default_str();
  verb.add_flag("--explain", options.explain, "Show how well each description fits");
}

}  // namespace

void add_predict(CLI::App& app, Context& context) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* verb =
      app.add_subcommand("predict", "Read expressions in pictures and clips, in your own words");
  add_input_options(*verb, options->inputs);
  add_model_options(*verb, options->model);
  add_label_options(*verb, *options);
  add_face_options(*verb, options->faces);
  add_output_options(*verb, options->outputs);
  add_clip_output_options(*verb, options->clips);
  add_batch_options(*verb, options->many);
  begin_group(*verb, "Output");
  verb->add_flag("--embedding", options->embedding, "Include face embeddings in the JSON");
  add_pace_options(*verb, options->pace);
  verb->add_option("--baseline", options->baseline,
                   "Clips: report changes from each face's own neutral: an interval of the clip "
                   "(0-10s), or median (of its whole track)");
  begin_group(*verb, "Speed");
  verb->add_option("--batch", options->batch, "Clips: number of faces to encode together")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->footer("\n" + std::string(responsible_use()));
  verb->callback([options, &context] { predict(context, *options); });
}

}  // namespace mien::cli
