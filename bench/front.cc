#include "front.h"

#include <string>

#include "core/file.h"
#include "image/resize.h"
#include "mien/face/detector.h"
#include "mien/face/finder.h"
#include "mien/image/decode.h"
#include "mien/image/preprocess.h"
#include "mien/kernels/cpu.h"

namespace mien::bench {
namespace {

constexpr int kSide = 224;

Status time_one(const std::string& name, int threads, const Plan& plan,
                const std::function<Status()>& work) {
  MIEN_ASSIGN_OR_RETURN(const auto samples, measure(plan, work));
  Json facts = Json::object();
  facts.set("group", "front");
  facts.set("case", name);
  facts.set("threads", threads);
  report(std::move(facts), samples);
  return {};
}

Status time_pixels(const std::filesystem::path& path, image::ImageView picture, int threads,
                   const Plan& plan) {
  MIEN_ASSIGN_OR_RETURN(const auto bytes, read_file(path, Limits{}.max_image_bytes));
  MIEN_RETURN_IF_ERROR(
      time_one("decode", threads, plan, [&] { return image::decode(bytes).status(); }));
  MIEN_RETURN_IF_ERROR(time_one("resize to 224x224, bicubic", threads, plan, [&] {
    const auto out = image::resize_u8(picture, kSide, kSide, image::Filter::kBicubic);
    return out.empty() ? internal_error("resize: nothing came out") : Status();
  }));
  const image::PreprocessSpec spec = image::PreprocessSpec::clip(kSide);
  std::vector<float> out(3U * kSide * kSide);
  return time_one("preprocess as CLIP", threads, plan,
                  [&] { return image::preprocess(picture, spec, out); });
}

Status time_faces(image::ImageView picture, int threads, const Plan& plan) {
  MIEN_ASSIGN_OR_RETURN(const auto detector, face::make_hog_detector());
  for (const float scale : {1.0F, 2.0F}) {
    const std::string name = scale > 1 ? "detect, one upsampling" : "detect";
    MIEN_RETURN_IF_ERROR(time_one(
        name, threads, plan, [&] { return detector->detect(picture, {.scale = scale}).status(); }));
  }
  MIEN_ASSIGN_OR_RETURN(const auto finder, face::make_finder({}));
  MIEN_RETURN_IF_ERROR(time_one("find faces of a picture (with landmarks)", threads, plan,
                                [&] { return finder->find(picture, "picture").status(); }));
  // A face that stands still: search in every fifth frame, tracking between.
  std::int64_t frame = 0;
  constexpr std::int64_t kFrameUs = 40'000;
  return time_one("find faces of five frames of a clip", threads, plan, [&] {
    for (int i = 0; i < 5; ++i, ++frame) {
      MIEN_RETURN_IF_ERROR(finder->track(picture, frame, frame * kFrameUs, "clip").status());
    }
    return Status();
  });
}

}  // namespace

Status run_front(const std::filesystem::path& picture, const std::vector<int>& threads,
                 const Plan& plan) {
  MIEN_ASSIGN_OR_RETURN(const auto pixels, image::load(picture));
  for (const int count : threads) {
    kernels::set_threads(count);
    MIEN_RETURN_IF_ERROR(time_pixels(picture, pixels, count, plan));
    MIEN_RETURN_IF_ERROR(time_faces(pixels, count, plan));
  }
  return {};
}

}  // namespace mien::bench
