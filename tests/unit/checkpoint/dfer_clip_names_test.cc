#include "checkpoint/dfer_clip_names.h"

#include <gtest/gtest.h>

#include "checkpoint/name_map.h"
#include "support/test_support.h"
#include "unit/checkpoint/fake_clip.h"

namespace mien::checkpoint {
namespace {

// The published layout: the trained parts, and a second copy of CLIP.
std::shared_ptr<test::FakeCheckpoint> published(const std::string& wrapper) {
  const ClipShape s = test::tiny_clip();
  test::FakeCheckpoint clip;
  add_openai_image(clip, "", s);
  add_openai_text(clip, "", "", s);
  auto out = std::make_shared<test::FakeCheckpoint>();
  const std::string visual = "visual.";
  for (const auto& [name, view] : clip.tensors()) {
    out->set(wrapper + "clip_model_." + name, view.shape());
    if (name.starts_with(visual)) {
      out->set(wrapper + "image_encoder." + name.substr(visual.size()), view.shape());
    } else if (name != "token_embedding.weight" && name != "logit_scale") {
      out->set(wrapper + "text_encoder." + name, view.shape());
    }
  }
  test::FakeCheckpoint temporal;
  test::add_temporal(temporal, "", 32);
  for (const auto& [name, view] : temporal.tensors()) {
    out->set(wrapper + "temporal_net." + name.substr(std::string("temporal.").size()),
             view.shape());
  }
  out->set(wrapper + "prompt_learner.ctx", {7, 8, s.text_width});
  out->set(wrapper + "prompt_learner.token_prefix", {7, 1, s.text_width});
  out->set(wrapper + "prompt_learner.token_suffix", {7, 68, s.text_width});
  return out;
}

TEST(DferClipNames, GiveAWholeModelWithOurNames) {
  for (const char* wrapper : {"module.", ""}) {
    const auto file = published(wrapper);
    ASSERT_TRUE(is_dfer_clip(*file));
    const auto parts = open_dfer_clip(file);
    MIEN_ASSERT_OK(parts);
    EXPECT_EQ(parts->classes, 7);
    EXPECT_EQ(parts->contexts.dim(1), 8);
    EXPECT_EQ(parts->model->format(), "fake");
    ASSERT_EQ(detect_clip_naming(*parts->model), ClipNaming::kOpenAi);
    const auto plan = map_clip_names(*parts->model, ClipNaming::kOpenAi);
    MIEN_ASSERT_OK(plan);
    const auto temporal = map_temporal_names(*parts->model, ClipNaming::kOpenAi);
    MIEN_ASSERT_OK(temporal);
    EXPECT_EQ(temporal->size(), 24U);
    EXPECT_EQ(plan->size() + temporal->size(), parts->model->tensors().size());
    const auto shape = infer_clip_shape(*parts->model, ClipNaming::kOpenAi);
    MIEN_ASSERT_OK(shape);
    EXPECT_TRUE(*shape == test::tiny_clip());
  }
}

TEST(DferClipNames, TakeTheTrainedImageTower) {
  const auto file = published("module.");
  file->set("module.clip_model_.visual.proj", {1, 1});
  const auto parts = open_dfer_clip(file);
  MIEN_ASSERT_OK(parts);
  EXPECT_EQ(parts->model->find("visual.proj")->shape(),
            file->find("module.image_encoder.proj")->shape());
}

TEST(DferClipNames, RejectOtherCheckpoints) {
  test::FakeCheckpoint clip;
  add_openai_image(clip, "", test::tiny_clip());
  EXPECT_FALSE(is_dfer_clip(clip));
  auto half = published("");
  half->erase("image_encoder.conv1.weight");
  EXPECT_FALSE(is_dfer_clip(*half));
}

TEST(DferClipNames, SharedContextsAndImpossibleShapes) {
  const std::int64_t width = test::tiny_clip().text_width;
  auto file = published("");
  file->set("prompt_learner.ctx", {4, width});
  const auto shared = open_dfer_clip(file);
  MIEN_ASSERT_OK(shared);
  EXPECT_EQ(shared->contexts.rank(), 2U);
  for (const Shape& shape :
       {Shape{6, 8, width}, Shape{7, 8, width + 1}, Shape{width}, Shape{7, 0, width}}) {
    file->set("prompt_learner.ctx", shape);
    MIEN_EXPECT_CODE(open_dfer_clip(file), StatusCode::kCorrupt);
  }
  file = published("");
  file->erase("prompt_learner.token_suffix");
  MIEN_EXPECT_CODE(open_dfer_clip(file), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace mien::checkpoint
