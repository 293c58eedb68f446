#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>

#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/run_files.h"
#include "pipeline/pace.h"

namespace mien::cli {
namespace {

struct DetectOptions {
  InputOptions inputs;
  FaceOptions faces;
  PaceOptions pace;
  OutputOptions outputs;
};

engine::FaceResult without_labels(face::Face face) {
  engine::FaceResult out;
  out.face = std::move(face);
  return out;
}

class Detector final : public InputVisitor {
 public:
  Detector(face::FaceFinder& finder, const PaceOptions& pace, ResultWriter& results,
           AnnotationWriter& drawings)
      : finder_(finder), pace_(pace), results_(results), drawings_(drawings) {}

  Status picture(const std::string& name, const image::Reduced& whole) override {
    const image::Image& picture = whole.image;
    auto faces = finder_.find_reduced(whole, name);
    if (!faces.ok()) return faces.status().with_prefix(name);
    pipeline::FrameResult frame = to_result(name, picture, std::move(*faces));
    const auto drawn = frame.faces;  // in pixels of the decoded picture
    const float x = static_cast<float>(whole.width) / static_cast<float>(picture.width());
    const float y = static_cast<float>(whole.height) / static_cast<float>(picture.height());
    for (engine::FaceResult& face : frame.faces) face::scale_face(face.face, x, y);
    frame.width = whole.width;
    frame.height = whole.height;
    MIEN_RETURN_IF_ERROR(results_.frame(frame));
    return drawings_.picture(name, picture, drawn);
  }
  image::Enough enough() const override { return {.beyond_limits = true}; }

  Status clip(const std::string& name, const std::filesystem::path& path,
              video::VideoSource& source) override {
    const auto begin = std::chrono::steady_clock::now();
    finder_.reset();
    MIEN_RETURN_IF_ERROR(drawings_.begin_clip(name, path, source.info()));
    results_.begin_clip(source.info());
    report::ClipTimeline timeline;
    Progress progress("frames", source.info().frames);
    std::map<std::int64_t, pipeline::TrackResult> tracks;
    pipeline::ClipResult clip;
    video::Covered covered;
    pipeline::Pace pace(pace_.every, pace_.max_fps);
    pipeline::ClipFrame frame;
    while (!interrupted()) {
      bool asked = false, wanted = false;
      MIEN_ASSIGN_OR_RETURN(auto next, source.next_if([&](const video::Frame& coming) {
        asked = true;
        wanted = pace.wants(coming.index, coming.timestamp_us);
        return wanted || drawings_.enabled();
      }));
      if (!next) break;
      covered.add(*next);
      ++clip.summary.frames;
      frame.analysed = asked ? wanted : pace.wants(next->index, next->timestamp_us);
      if (frame.analysed) {
        MIEN_ASSIGN_OR_RETURN(auto faces,
                              finder_.track(next->image, next->index, next->timestamp_us, name));
        frame.result = to_result(name, next->image, std::move(faces));
        frame.result.is_clip = true;
        frame.result.clock = source.info().clock;
      }
      frame.result.frame =
          next->index;  // a frame in between keeps the faces of the last analysed one
      frame.result.timestamp_us = next->timestamp_us;
      frame.image = &next->image;
      progress.update(next->index + 1);
      if (!frame.analysed) {
        MIEN_RETURN_IF_ERROR(drawings_.clip_frame(frame, timeline));
        continue;
      }
      note_tracks(frame.result, tracks);
      ++clip.summary.analysed_frames;
      clip.summary.smallest_face =
          std::max(clip.summary.smallest_face,
                   finder_.smallest_face(next->image.width(), next->image.height()));
      clip.summary.faces += static_cast<std::int64_t>(frame.result.faces.size());
      if (results_.wants_frames()) MIEN_RETURN_IF_ERROR(results_.frame(frame.result));
      MIEN_RETURN_IF_ERROR(drawings_.clip_frame(frame, timeline));
    }
    progress.finish();
    if (interrupted() && !source.info().live) return cancelled(name + ": cancelled");
    MIEN_RETURN_IF_ERROR(drawings_.end_clip(true));
    for (auto& [id, track] : tracks) clip.tracks.push_back(std::move(track));
    clip.summary.input = name;
    clip.summary.is_clip = true;
    clip.summary.tracks = static_cast<std::int64_t>(clip.tracks.size());
    pipeline::tell_end(source, covered, clip.summary);
    clip.summary.elapsed_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return results_.clip(clip);
  }

  bool stop() const override { return results_.broken(); }

  void failed(const std::string& name, const Status& status) override {
    (void)drawings_.end_clip(false);
    (void)results_.error(name, status);
  }

 private:
  static pipeline::FrameResult to_result(const std::string& name, const image::Image& picture,
                                         std::vector<face::Face> faces) {
    pipeline::FrameResult out;
    out.input = name;
    out.width = picture.width();
    out.height = picture.height();
    for (face::Face& face : faces) out.faces.push_back(without_labels(std::move(face)));
    return out;
  }

  static void note_tracks(const pipeline::FrameResult& frame,
                          std::map<std::int64_t, pipeline::TrackResult>& tracks) {
    for (const engine::FaceResult& face : frame.faces) {
      pipeline::TrackResult& track = tracks[face.face.track];
      if (track.frames++ == 0) {
        track.input = frame.input;
        track.track = face.face.track;
        track.clock = frame.clock;
        track.from_us = frame.timestamp_us;
      }
      track.to_us = frame.timestamp_us;
    }
  }

  face::FaceFinder& finder_;
  PaceOptions pace_;
  ResultWriter& results_;
  AnnotationWriter& drawings_;
};

void detect(Context& context, DetectOptions options) {
  if (const Status status = context.apply(); !status.ok()) return context.fail(status, kExitUsage);
  if (const Status status = choose_format(options.outputs, {"table", "json", "csv", "openface"});
      !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  auto chosen = finder_options(options.faces);
  if (!chosen.ok()) return context.fail(chosen.status(), kExitUsage);
  const auto inputs = list_inputs(context, options.inputs);
  if (!inputs.ok()) return context.fail(inputs.status(), kExitUsage);
  if (const Status status = check_files({.inputs = &*inputs,
                                         .boxes = options.faces.finder.boxes_file,
                                         .landmarks = options.faces.finder.landmark_model},
                                        options.outputs, "");
      !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  options.outputs.extras.clock = options.inputs.clock.given();
  chosen->landmarks = wants_landmarks(options.outputs, options.faces);
  const auto finder = face::make_finder(*chosen);
  if (!finder.ok()) return context.fail(finder.status(), kExitEnvironment);
  ResultWriter results(context, options.outputs, {});
  AnnotationWriter drawings(context, options.outputs);
  if (const Status status = results.open(); !status.ok()) return context.fail(status, kExitUsage);
  if (const Status status = drawings.open(*inputs); !status.ok()) {
    return context.fail(status, kExitUsage);
  }
  Detector visitor(**finder, options.pace, results, drawings);
  const bool complete = visit_inputs(context, options.inputs, *inputs, visitor);
  if (const Status status = results.finish(complete); !status.ok()) {
    context.fail(status, kExitSomeFailed);
  }
}

}  // namespace

void add_detect(CLI::App& app, Context& context) {
  auto options = std::make_shared<DetectOptions>();
  CLI::App* verb =
      app.add_subcommand("detect", "Find faces in pictures and track them through clips");
  add_input_options(*verb, options->inputs);
  add_face_options(*verb, options->faces);
  add_pace_options(*verb, options->pace);
  add_output_options(*verb, options->outputs);
  verb->footer("\n" + std::string(responsible_use()));
  verb->callback([options, &context] { detect(context, *options); });
}

}  // namespace mien::cli
