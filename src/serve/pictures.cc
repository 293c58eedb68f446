#include "serve/pictures.h"

#include <fmt/format.h>

#include <exception>
#include <future>
#include <new>
#include <span>

#include "mien/image/decode.h"
#include "mien/report/json_lines.h"
#include "pipeline/face_reader.h"

namespace mien::serve {
namespace {

std::string finder_key(const face::FinderOptions& options) {
  return fmt::format("{}|{}|{}", static_cast<int>(options.mode), options.single, options.min_face);
}

Result<face::FaceFinder*> finder_for(Worker& worker, const face::FinderOptions& options) {
  const std::string key = finder_key(options);
  if (auto* found = worker.finders.find(key)) return found->get();
  MIEN_ASSIGN_OR_RETURN(auto made, face::make_finder(options));
  return worker.finders.put(key, std::move(made)).get();
}

pipeline::FaceReader::Encoder no_encoder() { return internal_error("faces: no encoder"); }

// A reader that only scores: faces are encoded by the scheduler.
pipeline::FaceReader make_reader(Model& model, const ReadyLabels* labels, bool embeddings) {
  std::promise<pipeline::FaceReader::Encoder> none;
  none.set_value(no_encoder());
  return {std::shared_ptr<const engine::Bundle>(std::shared_ptr<void>(), &model.bundle()),
          none.get_future(),
          model.clips(),
          labels == nullptr ? nullptr : labels->scorer,
          {.embeddings = embeddings}};
}

void cut_labels(std::vector<engine::LabelScore>& labels, int top) {
  if (top > 0 && labels.size() > static_cast<std::size_t>(top)) {
    labels.resize(static_cast<std::size_t>(top));
  }
}

}  // namespace

Status without_exceptions(const std::function<Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return resource_limit("request: not enough memory");
  } catch (const std::exception& error) {
    return internal_error(std::string("request: ") + error.what());
  }
}

face::FinderOptions finder_of(const PictureOptions& options, const Ask& ask) {
  face::FinderOptions out = options.finder;
  out.landmarks = true;
  if (ask.face) {
    out.mode = *ask.face;
    if (*ask.face != face::Mode::kAuto) out.detector = nullptr;
  }
  if (ask.single) out.single = true;
  if (ask.min_face > 0) {
    out.min_face = ask.min_face;
    out.upsample = -1;
  }
  return out;
}

struct Pictures::Job {
  EndPoint of;
  Ask ask;
  std::string bytes;
  Reply reply;
  std::shared_ptr<Model> model;
  std::shared_ptr<const ReadyLabels> labels;
  std::shared_ptr<const engine::Bundle> bundle;
  std::vector<face::Face> faces;
  pipeline::FrameResult frame;
  float scale_x = 1;
  float scale_y = 1;

  const std::string& input() const { return ask.name; }
  void fail(const Status& status) {
    // An unknown format is a matter of the body; anything else that is unsupported, of the labels.
    const bool of_picture = faces.empty() && frame.width == 0 && labels_known;
    const int http =
        status.code() == StatusCode::kUnsupported && !of_picture ? 422 : http_status_of(status);
    reply(error_answer(http, input(), status));
  }
  bool labels_known = false;
};

void Pictures::answer(EndPoint of, Ask ask, std::string bytes, Reply reply) {
  auto job = std::make_shared<Job>();
  job->of = of;
  job->ask = std::move(ask);
  if (job->ask.name.empty()) job->ask.name = "picture";
  job->bytes = std::move(bytes);
  job->reply = std::move(reply);
  const bool posted = scheduler_.post([this, job](Worker& worker) { prepare(job, worker); });
  if (!posted) job->reply(busy_answer("server is busy (expected fewer requests at once)"));
}

void Pictures::prepare(const std::shared_ptr<Job>& job, Worker& worker) {
  const Status status = without_exceptions([&] { return prepare_faces(job, worker); });
  if (!status.ok()) job->fail(status);
}

Status Pictures::prepare_faces(const std::shared_ptr<Job>& job, Worker& worker) {
  const Ask& ask = job->ask;
  MIEN_ASSIGN_OR_RETURN(job->model, models_.find(ask.bundle));
  if (job->of == kPredict) {
    MIEN_ASSIGN_OR_RETURN(job->labels, job->model->labels(ask, worker.session));
  }
  MIEN_ASSIGN_OR_RETURN(job->bundle, job->model->with_views(ask.views));
  job->labels_known = true;
  const face::FinderOptions finding = finder_of(options_, ask);
  const engine::BundleInfo& info = job->bundle->info();
  const image::Enough enough = ask.boxes.empty() && job->of != kDetect
                                   ? face::enough_to_find(finding, info.architecture.image_size())
                                   : image::Enough();
  MIEN_ASSIGN_OR_RETURN(const image::Reduced picture,
                        image::decode_reduced(std::as_bytes(std::span(job->bytes)), job->input(),
                                              enough, options_.limits));
  job->bytes = {};
  MIEN_ASSIGN_OR_RETURN(face::FaceFinder* const finder, finder_for(worker, finding));
  job->frame.input = job->input();
  job->frame.width = picture.width;
  job->frame.height = picture.height;
  job->scale_x = static_cast<float>(picture.width) / static_cast<float>(picture.image.width());
  job->scale_y = static_cast<float>(picture.height) / static_cast<float>(picture.image.height());
  if (ask.boxes.empty()) {
    MIEN_ASSIGN_OR_RETURN(job->faces, finder->find_reduced(picture, job->input()));
  } else {
    MIEN_ASSIGN_OR_RETURN(job->faces, finder->place(picture.image, ask.boxes));
  }
  if (job->of == kDetect || job->faces.empty()) return finish(*job, nullptr);
  MIEN_ASSIGN_OR_RETURN(pipeline::FacePixels cut,
                        pipeline::cut_faces(info, picture.image, std::move(job->faces)));
  job->faces = std::move(cut.faces);
  Crops crops;
  crops.bundle = job->bundle;
  crops.pixels = std::move(cut.pixels);
  crops.count = static_cast<std::int64_t>(job->faces.size());
  crops.done = [job](Worker&, const Status& encoded, const float* rows) {
    const Status status =
        encoded.ok() ? without_exceptions([&] { return finish(*job, rows); }) : encoded;
    if (!status.ok()) job->fail(status);
  };
  scheduler_.encode(std::move(crops));
  return {};
}

// Scores the faces, if there are embeddings, and replies.
Status Pictures::finish(Job& job, const float* rows) {
  Model& model = *job.model;
  pipeline::FrameResult& frame = job.frame;
  if (job.of != kDetect) frame.aggregate = model.clips().picture_aggregate();
  if (rows != nullptr) {
    pipeline::FaceReader reader =
        make_reader(model, job.labels.get(), job.of == kEmbed || job.ask.embedding);
    if (job.labels != nullptr && job.ask.explain) {
      MIEN_ASSIGN_OR_RETURN(auto neutral, model.neutral());
      reader.tell_intensity(std::move(neutral));
    }
    for (std::size_t i = 0; i < job.faces.size(); ++i) {
      MIEN_ASSIGN_OR_RETURN(
          engine::FaceResult face,
          reader.read(job.faces[i], rows + i * reader.embed(), pipeline::FaceReader::Of::kPicture));
      cut_labels(face.labels, job.ask.top);
      frame.faces.push_back(std::move(face));
    }
  } else {
    for (face::Face& face : job.faces) {
      frame.faces.emplace_back().face = std::move(face);
    }
  }
  for (engine::FaceResult& face : frame.faces) {
    face::scale_face(face.face, job.scale_x, job.scale_y);
  }
  job.reply(json_answer(200, report::to_json(frame)));
  return {};
}

void Pictures::probe(std::function<void(const Status&)> done) {
  auto shared = std::make_shared<std::function<void(const Status&)>>(std::move(done));
  const bool posted = scheduler_.post_first([this, shared](Worker&) {
    const Status status = without_exceptions([&]() -> Status {
      MIEN_ASSIGN_OR_RETURN(const auto model, models_.find(""));
      Crops crops;
      MIEN_ASSIGN_OR_RETURN(crops.bundle, model->with_views(0));
      const auto side = static_cast<std::size_t>(model->info().architecture.image_size());
      crops.pixels.resize(3 * side * side);
      crops.count = 1;
      crops.done = [shared](Worker&, const Status& encoded, const float*) { (*shared)(encoded); };
      scheduler_.encode(std::move(crops));
      return {};
    });
    if (!status.ok()) (*shared)(status);
  });
  if (!posted) (*shared)(cancelled("server stops"));
}

}  // namespace mien::serve
