#include "mien/pipeline/recognizer.h"

#include <future>
#include <optional>

#include "mien/kernels/cpu.h"
#include "pipeline/clip_run.h"
#include "pipeline/face_reader.h"
#include "pipeline/track_book.h"
#include "pipeline/track_places.h"

namespace mien::pipeline {

struct Recognizer::Impl {
  RecognizerOptions options;
  std::unique_ptr<face::FaceFinder> finder;
  std::unique_ptr<FaceReader> reader;
  std::optional<TrackBook> book;  // borrows from the reader
  TrackPlaces places;             // of tracks that are pushed
  LabelSegments segments;         // of the frames that are pushed
  std::int64_t pushed = 0;
  int image_size = 0;  // of the bundle's tower

  Result<std::vector<engine::FaceResult>> read(image::ImageView picture,
                                               std::vector<face::Face> faces, FaceReader::Of of,
                                               std::vector<float>& embeddings) {
    std::vector<engine::PromptPlace> of_tracks;
    MIEN_ASSIGN_OR_RETURN(const FacePixels cut,
                          cut_faces(reader->info(), picture, std::move(faces)));
    if (of == FaceReader::Of::kFrame) {
      MIEN_RETURN_IF_ERROR(
          places.add(*reader, cut.faces, cut.pixels.data(), reader->session(), of_tracks));
    }
    MIEN_RETURN_IF_ERROR(reader->encode(cut.pixels.data(),
                                        static_cast<std::int64_t>(cut.faces.size()), embeddings,
                                        reader->session(), of_tracks));
    std::vector<engine::FaceResult> out;
    for (std::size_t i = 0; i < cut.faces.size(); ++i) {
      MIEN_ASSIGN_OR_RETURN(
          out.emplace_back(),
          reader->read(cut.faces[i], embeddings.data() + i * reader->embed(), of));
    }
    return out;
  }

  void forget_answers() {
    book->clear();
    const engine::LabelScorer* scorer = reader->scorer();
    segments = LabelSegments(scorer == nullptr ? std::vector<std::string>() : scorer->names(),
                             options.smooth_seconds, LabelSegments::Use::kLive);
    segments.set_baseline(options.baseline);
  }

  Result<std::vector<engine::FaceResult>> push(image::ImageView frame, std::int64_t timestamp_us,
                                               std::vector<face::Face> faces) {
    std::vector<float> embeddings;
    MIEN_ASSIGN_OR_RETURN(auto out,
                          read(frame, std::move(faces), FaceReader::Of::kFrame, embeddings));
    const std::size_t width = reader->embed();
    for (std::size_t i = 0; i < out.size(); ++i) {
      MIEN_RETURN_IF_ERROR(book->add(out[i].face.track, timestamp_us,
                                     std::span(embeddings).subspan(i * width, width),
                                     reader->session()));
    }
    if (reader->scorer() == nullptr) return out;
    FrameResult result;
    result.timestamp_us = timestamp_us;
    result.faces = std::move(out);
    segments.add(result);
    (void)segments.take(result);
    return std::move(result.faces);
  }
};

Recognizer::Recognizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recognizer::~Recognizer() = default;

Result<std::unique_ptr<Recognizer>> Recognizer::make(std::shared_ptr<const engine::Bundle> bundle,
                                                     const text::LabelSet& labels,
                                                     const RecognizerOptions& options) {
  return make(std::move(bundle), labels, options, nullptr);
}

Result<std::unique_ptr<Recognizer>> Recognizer::make(std::shared_ptr<const engine::Bundle> bundle,
                                                     const text::LabelSet& labels,
                                                     const RecognizerOptions& options,
                                                     std::unique_ptr<face::FaceDetector> detector) {
  return build(bundle, options, std::move(detector),
               [&]() -> Result<std::shared_ptr<const engine::LabelScorer>> {
                 engine::Session session;
                 return engine::LabelScorer::make(*bundle, labels, options.scorer, session);
               });
}

Result<std::unique_ptr<Recognizer>> Recognizer::make_with_scorer(
    std::shared_ptr<const engine::Bundle> bundle, std::shared_ptr<const engine::LabelScorer> scorer,
    const RecognizerOptions& options, std::unique_ptr<face::FaceDetector> detector) {
  RecognizerOptions used = options;
  used.scores = scorer != nullptr;
  return build(std::move(bundle), used, std::move(detector),
               [&]() -> Result<std::shared_ptr<const engine::LabelScorer>> { return scorer; });
}

Result<std::unique_ptr<Recognizer>> Recognizer::build(std::shared_ptr<const engine::Bundle> bundle,
                                                      const RecognizerOptions& options,
                                                      std::unique_ptr<face::FaceDetector> detector,
                                                      const MakeScorer& make_scorer) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->image_size = bundle->info().architecture.image_size();
  // The image tower is packed while the texts are encoded and the first faces are searched: none of
  // these keeps two cores busy. If no faces are searched, another thread costs more than it saves.
  const int threads = kernels::threads();
  const bool searches = options.finder.mode != face::Mode::kWhole;
  auto packing = std::async(
      threads > 1 && searches ? std::launch::async | std::launch::deferred : std::launch::deferred,
      [bundle, threads]() -> FaceReader::Encoder {
        kernels::set_threads(threads);  // a new thread starts with the default
        return bundle->image_encoder();
      });
  std::shared_ptr<const engine::LabelScorer> scorer;
  if (options.scores) {
    MIEN_ASSIGN_OR_RETURN(scorer, make_scorer());
  }
  MIEN_ASSIGN_OR_RETURN(engine::ClipReader clips, engine::ClipReader::make(*bundle));
  std::shared_ptr<const engine::NeutralDifference> neutral;
  if (options.scores && options.scorer.explain) {
    MIEN_ASSIGN_OR_RETURN(
        neutral, engine::NeutralDifference::load(bundle->weights(), bundle->info().architecture));
  }
  face::FinderOptions finder = options.finder;
  if (bundle->info().crop.align) finder.landmarks = true;
  MIEN_ASSIGN_OR_RETURN(impl->finder, face::make_finder(finder, std::move(detector)));
  impl->reader = std::make_unique<FaceReader>(
      std::move(bundle), std::move(packing), std::move(clips), std::move(scorer),
      FaceReader::Options{.embeddings = options.embeddings, .frame_values = options.frame_values});
  impl->reader->tell_intensity(std::move(neutral));
  impl->book.emplace(impl->reader->clips());
  std::unique_ptr<Recognizer> out(new Recognizer(std::move(impl)));
  out->reset();
  return out;
}

const std::vector<std::string>& Recognizer::label_names() const {
  static const std::vector<std::string> kNone;
  const engine::LabelScorer* scorer = impl_->reader->scorer();
  return scorer == nullptr ? kNone : scorer->names();
}

const std::vector<std::string>& Recognizer::target_names() const {
  return impl_->reader->clips().target_names();
}

engine::Aggregate Recognizer::aggregate() const { return impl_->reader->clips().aggregate(); }
engine::Aggregate Recognizer::picture_aggregate() const {
  return impl_->reader->clips().picture_aggregate();
}

image::Enough Recognizer::enough() const {
  return face::enough_to_find(impl_->options.finder, impl_->image_size);
}

Result<std::vector<engine::FaceResult>> Recognizer::image(image::ImageView picture,
                                                          const std::string& name) {
  MIEN_ASSIGN_OR_RETURN(auto faces, impl_->finder->find(picture, name));
  std::vector<float> embeddings;
  return impl_->read(picture, std::move(faces), FaceReader::Of::kPicture, embeddings);
}

Result<std::vector<engine::FaceResult>> Recognizer::image(image::ImageView picture,
                                                          std::span<const image::Box> boxes) {
  MIEN_ASSIGN_OR_RETURN(auto faces, impl_->finder->place(picture, boxes));
  std::vector<float> embeddings;
  return impl_->read(picture, std::move(faces), FaceReader::Of::kPicture, embeddings);
}

Result<FrameResult> Recognizer::picture(const image::Reduced& picture, const std::string& name) {
  MIEN_ASSIGN_OR_RETURN(auto found, impl_->finder->find_reduced(picture, name));
  std::vector<float> embeddings;
  MIEN_ASSIGN_OR_RETURN(auto faces, impl_->read(picture.image, std::move(found),
                                                FaceReader::Of::kPicture, embeddings));
  const float x = static_cast<float>(picture.width) / static_cast<float>(picture.image.width());
  const float y = static_cast<float>(picture.height) / static_cast<float>(picture.image.height());
  for (engine::FaceResult& face : faces) face::scale_face(face.face, x, y);
  FrameResult out;
  out.input = name;
  out.width = picture.width;
  out.height = picture.height;
  out.aggregate = picture_aggregate();
  out.faces = std::move(faces);
  return out;
}

Result<ClipResult> Recognizer::clip(video::VideoSource& source, const std::string& name,
                                    const ClipSink& sink, const std::atomic<bool>* cancel) {
  reset();
  ClipRun run(source, name, *impl_->finder, *impl_->reader, *impl_->book, impl_->options, sink,
              cancel);
  return run.run();
}

Result<std::vector<engine::FaceResult>> Recognizer::push(image::ImageView frame,
                                                         std::int64_t timestamp_us) {
  MIEN_ASSIGN_OR_RETURN(auto faces,
                        impl_->finder->track(frame, impl_->pushed++, timestamp_us, "live"));
  return impl_->push(frame, timestamp_us, std::move(faces));
}

Result<std::vector<engine::FaceResult>> Recognizer::push(image::ImageView frame,
                                                         std::int64_t timestamp_us,
                                                         std::span<const image::Box> boxes) {
  MIEN_ASSIGN_OR_RETURN(auto faces, impl_->finder->track(frame, timestamp_us, boxes));
  ++impl_->pushed;
  return impl_->push(frame, timestamp_us, std::move(faces));
}

Result<std::vector<TrackResult>> Recognizer::tracks() const {
  MIEN_ASSIGN_OR_RETURN(auto out, impl_->book->results("live", impl_->reader->scorer()));
  LabelSegments until_now = impl_->segments;
  until_now.finish();
  add_segments(until_now, out);
  return out;
}

void Recognizer::reset() {
  impl_->finder->reset();
  impl_->places.clear();
  impl_->forget_answers();
  impl_->pushed = 0;
}

void Recognizer::change_scorer(std::shared_ptr<const engine::LabelScorer> scorer) {
  MIEN_CHECK(scorer != nullptr && impl_->reader->scorer() != nullptr);
  impl_->reader->change_scorer(std::move(scorer));
  impl_->forget_answers();
}

}  // namespace mien::pipeline
