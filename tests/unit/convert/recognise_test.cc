#include "convert/recognise.h"

#include <gtest/gtest.h>

#include "engine/tiny_bundle.h"
#include "unit/convert/models.h"

namespace mien::convert {
namespace {

Result<Recognised> recognise_file(const test::Weights& weights) {
  const test::TempDir dir;
  weights.write(dir / "model.safetensors");
  MIEN_ASSIGN_OR_RETURN(const Source source, open_source(dir / "model.safetensors", {}));
  return recognise(source);
}

template <class T>
bool is(const Result<Recognised>& kind) {
  return kind.ok() && std::holds_alternative<T>(*kind);
}

TEST(Recognise, ClipUnderEveryNaming) {
  using checkpoint::ClipNaming;
  const auto openai = recognise_file(test::clip_weights());
  ASSERT_TRUE(is<Clip>(openai)) << test::problem_of(openai);
  EXPECT_EQ(std::get<Clip>(*openai).names.naming, ClipNaming::kOpenAi);
  EXPECT_TRUE(std::get<Clip>(*openai).names.temporal.empty());
  const auto hugging_face = recognise_file(test::hugging_face_weights());
  ASSERT_TRUE(is<Clip>(hugging_face)) << test::problem_of(hugging_face);
  EXPECT_EQ(std::get<Clip>(*hugging_face).names.naming, ClipNaming::kHuggingFace);
  EXPECT_TRUE(is<Clip>(recognise_file(test::clip_weights("module."))));
}

TEST(Recognise, EmoClipInBothLayouts) {
  const auto whole = recognise_file(test::emoclip_weights());
  ASSERT_TRUE(is<EmoClip>(whole)) << test::problem_of(whole);
  EXPECT_EQ(std::get<EmoClip>(*whole).names.temporal.size(), 24U);
  const auto downstream = recognise_file(test::downstream_weights(3));
  ASSERT_TRUE(is<EmoClip>(downstream)) << test::problem_of(downstream);
  EXPECT_EQ(std::get<EmoClip>(*downstream).names.naming, checkpoint::ClipNaming::kBareImage);
}

TEST(Recognise, DferClipBeforeTheClipInside) {
  const auto kind = recognise_file(test::dfer_clip_weights());
  ASSERT_TRUE(is<DferClip>(kind)) << test::problem_of(kind);
  EXPECT_EQ(std::get<DferClip>(*kind).parts.classes, 2);
  EXPECT_FALSE(std::get<DferClip>(*kind).names.temporal.empty());
}

TEST(Recognise, TowersOfAnotherKindAndThoseOfKe2nt) {
  const auto tower = recognise_file(test::swin_weights());
  ASSERT_TRUE(is<ImageTowerAlone>(tower)) << test::problem_of(tower);
  EXPECT_EQ(std::get<ImageTowerAlone>(*tower).tower.naming, checkpoint::TowerNaming::kSwin);
  EXPECT_TRUE(is<Ke2nt>(recognise_file(test::ke2nt_weights())));
}

TEST(Recognise, ABundleByItsFolderItsWeightsOrItsTar) {
  const test::TempDir dir;
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir / "tiny"));
  for (const char* path : {"tiny", "tiny/model.safetensors"}) {
    const auto source = open_source(dir / path, {});
    MIEN_ASSERT_OK(source);
    EXPECT_TRUE(is<OwnBundle>(recognise(*source))) << path;
    EXPECT_EQ(source->weights.filename(), "model.safetensors");
  }
}

TEST(Recognise, TheProjectionOfExpClipAloneIsRefused) {
  test::Weights map;
  map.set("mlp.weight", {40, 32});
  const auto kind = recognise_file(map);
  MIEN_EXPECT_CODE(kind, StatusCode::kInvalidArgument);
  EXPECT_NE(kind.status().message().find("after --projection"), std::string::npos);
}

TEST(Recognise, OtherModelsAreRefusedWithWhatWasSeen) {
  test::Weights other;
  other.set("encoder.weight", {4, 4});
  const auto kind = recognise_file(other);
  MIEN_EXPECT_CODE(kind, StatusCode::kUnsupported);
  EXPECT_NE(kind.status().message().find("no known CLIP naming"), std::string::npos);
  test::Weights part = test::clip_weights();
  part.erase("visual.proj");
  MIEN_EXPECT_CODE(recognise_file(part), StatusCode::kUnsupported);
  test::Weights hole = test::emoclip_weights();
  hole.erase("temporal.cls_token");
  MIEN_EXPECT_CODE(recognise_file(hole), StatusCode::kUnsupported);
}

TEST(Recognise, NamesWhatIsMissingFromHesp) {
  test::Weights prompts;
  prompts.set("patch", {3, 56, 56});
  prompts.set("negatives", {2, 3, 224, 224});
  const auto kind = recognise_file(prompts);
  MIEN_EXPECT_CODE(kind, StatusCode::kUnsupported);
  EXPECT_NE(kind.status().message().find("a model of HESP"), std::string::npos);
}

}  // namespace
}  // namespace mien::convert
