#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "checkpoint/safetensors.h"
#include "cli/help.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/run_files.h"
#include "core/file.h"
#include "mien/pipeline/recognizer.h"
#include "mien/report/json_lines.h"

namespace mien::cli {
namespace {

struct EmbedOptions {
  InputOptions inputs;
  FaceOptions faces;
  ModelOptions model;
  std::vector<std::string> texts;
  std::string safetensors;
};

// Writes JSON lines to standard output, or collects rows for one safetensors file.
class EmbeddingSink {
 public:
  explicit EmbeddingSink(std::string file) : file_(std::move(file)) {}

  Status add(Json row, const std::vector<float>& embedding) {
    if (file_.empty()) {
      Json values = Json::array();
      for (const float v : embedding) values.push_back(v);
      row.set("embedding", std::move(values));
      const std::string line = report::json_line(row);
      const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
                           std::fflush(stdout) == 0;
      return written ? Status() : io_error("standard output: cannot be written");
    }
    index_.push_back(std::move(row));
    values_.insert(values_.end(), embedding.begin(), embedding.end());
    return {};
  }

  /// `complete`: every input was done; otherwise the rows go to NAME.part.
  Status finish(const Context& context, std::int64_t width, bool complete) {
    if (file_.empty()) return {};
    const auto rows = static_cast<std::int64_t>(index_.size());
    const Tensor all = Tensor::from_f32({rows, width}, values_);
    MIEN_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(file_));
    MIEN_RETURN_IF_ERROR(checkpoint::write_safetensors(file, file_, {{"embeddings", all.view()}},
                                                       {{"index", index_.dump()}}));
    if (complete) return file.commit();
    keep_part(context, file_, file);
    return {};
  }

 private:
  std::string file_;
  Json index_ = Json::array();
  std::vector<float> values_;
};

class Embedder final : public InputVisitor {
 public:
  Embedder(pipeline::Recognizer& recognizer, EmbeddingSink& sink)
      : recognizer_(recognizer), sink_(sink) {}

  Status picture(const std::string& name, const image::Reduced& whole) override {
    const auto frame = recognizer_.picture(whole, name);
    if (!frame.ok()) return frame.status().with_prefix(name);
    return add(*frame);
  }
  image::Enough enough() const override { return {.beyond_limits = true}; }

  Status clip(const std::string& name, const std::filesystem::path&,
              video::VideoSource& source) override {
    pipeline::ClipSink sink;
    sink.frame = [&](const pipeline::ClipFrame& frame) { return add(frame.result); };
    return recognizer_.clip(source, name, sink, &interrupted()).status();
  }

  void failed(const std::string&, const Status&) override {}

 private:
  Status add(const pipeline::FrameResult& frame) {
    for (const engine::FaceResult& face : frame.faces) {
      const Json box =
          Json::Array{face.face.box.x, face.face.box.y, face.face.box.w, face.face.box.h};
      Json row = Json::object();
      row.set("input", frame.input);
      row.set("kind", "face");
      if (frame.is_clip) {
        row.set("frame", frame.frame);
        row.set("time", static_cast<double>(frame.timestamp_us) * 1e-6);
        if (frame.clock) row.set("clock", to_iso(frame.clock->after(frame.timestamp_us)));
        row.set("track", face.face.track);
      }
      row.set("box", box);
      MIEN_RETURN_IF_ERROR(sink_.add(std::move(row), face.embedding));
    }
    return {};
  }

  pipeline::Recognizer& recognizer_;
  EmbeddingSink& sink_;
};

Status embed_texts(const engine::Bundle& bundle, const std::vector<std::string>& texts,
                   EmbeddingSink& sink) {
  if (texts.empty()) return {};
  engine::Session session;
  MIEN_ASSIGN_OR_RETURN(const Tensor rows, engine::encode_texts(bundle, texts, session));
  const auto width = static_cast<std::size_t>(rows.dim(1));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Json row = Json::object();
    row.set("kind", "text");
    row.set("text", texts[i]);
    const auto values = rows.f32().subspan(i * width, width);
    MIEN_RETURN_IF_ERROR(sink.add(std::move(row), {values.begin(), values.end()}));
  }
  return {};
}

bool has_inputs(const EmbedOptions& options) {
  return !options.inputs.names.empty() || !options.inputs.from_file.empty() ||
         !options.inputs.from_file0.empty();
}

Status check_embed_files(const EmbedOptions& options, const InputList& inputs) {
  if (options.safetensors.empty()) return {};
  MIEN_RETURN_IF_ERROR(check_ending("--safetensors", options.safetensors, {".safetensors"}));
  OutputGuard guard = guard_of({.inputs = &inputs,
                                .bundle = options.model.bundle,
                                .boxes = options.faces.finder.boxes_file,
                                .landmarks = options.faces.finder.landmark_model});
  MIEN_RETURN_IF_ERROR(guard.writes("--safetensors", options.safetensors));
  return AtomicFile::check(options.safetensors);
}

void embed(Context& context, const EmbedOptions& options) {
  if (const Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  if (!has_inputs(options) && options.texts.empty()) {
    return context.fail(invalid_argument("embed: nothing to do (expected inputs or --text)"),
                        kExitUsage);
  }
  auto finder = finder_options(options.faces);
  if (!finder.ok()) return context.fail(finder.status(), kExitUsage);
  const auto inputs =
      has_inputs(options) ? list_inputs(context, options.inputs) : Result<InputList>(InputList());
  if (!inputs.ok()) return context.fail(inputs.status(), kExitUsage);
  if (const Status status = check_embed_files(options, *inputs); !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  const auto bundle = load_bundle(options.model);
  if (!bundle.ok()) {
    return context.fail(bundle.status(),
                        options.model.bundle.empty() ? kExitUsage : kExitEnvironment);
  }
  tell_precision(context, options.model, **bundle);
  EmbeddingSink sink(options.safetensors);
  if (const Status status = embed_texts(**bundle, options.texts, sink); !status.ok()) {
    return context.fail(status, kExitEnvironment);
  }
  bool complete = true;
  if (has_inputs(options)) {
    pipeline::RecognizerOptions recognizer_options;
    recognizer_options.finder = std::move(*finder);
    recognizer_options.finder.landmarks = false;
    recognizer_options.embeddings = true;
    recognizer_options.scores = false;
    auto recognizer = pipeline::Recognizer::make(*bundle, {}, recognizer_options);
    if (!recognizer.ok()) return context.fail(recognizer.status(), kExitEnvironment);
    Embedder visitor(**recognizer, sink);
    complete = visit_inputs(context, options.inputs, *inputs, visitor);
  }
  const Status status = sink.finish(context, (*bundle)->info().architecture.embed, complete);
  if (!status.ok()) context.fail(status, kExitSomeFailed);
}

}  // namespace

void add_embed(CLI::App& app, Context& context) {
  auto options = std::make_shared<EmbedOptions>();
  CLI::App* verb = app.add_subcommand("embed", "Write embeddings of faces and texts");
  add_input_options(*verb, options->inputs);
  add_model_options(*verb, options->model);
  begin_group(*verb, "Input");
  verb->add_option("--text", options->texts, "Embed this text (repeatable)");
  begin_group(*verb, "Output");
  verb->add_option(
          "--safetensors", options->safetensors,
          "Write one file with the tensor 'embeddings' and an index, instead of JSON lines")
      ->type_name("FILE");
  add_face_options(*verb, options->faces);
  verb->footer("\n" + std::string(responsible_use()));
  verb->callback([options, &context] { embed(context, *options); });
}

}  // namespace mien::cli
