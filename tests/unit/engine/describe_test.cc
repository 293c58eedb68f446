#include "engine/describe.h"

#include <gtest/gtest.h>

#include "engine/tiny_bundle.h"
#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

TEST(Describe, ModelsByTheirUsualNames) {
  ImageTower tower = VitSizes{.image_size = 224, .patch = 32, .width = 768};
  EXPECT_EQ(model_name(tower), "ViT-B/32");
  tower = VitSizes{.image_size = 336, .patch = 14, .width = 1024};
  EXPECT_EQ(model_name(tower), "ViT-L/14@336");
  tower = VitSizes{.image_size = 32, .patch = 8, .width = 64};
  EXPECT_EQ(model_name(tower), "ViT of width 64, patch 8");
  tower = ResidualSizes{};
  EXPECT_EQ(model_name(tower), "residual network");
}

TEST(Describe, CountsAndSizesWithThreeDigits) {
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1.0 k");
  EXPECT_EQ(count_text(151'277'313), "151.3 M");
  EXPECT_EQ(count_text(999'949), "999.9 k");
  EXPECT_EQ(count_text(999'950), "1.0 M");
  EXPECT_EQ(size_text(605'200'000), "605.2 MB");
  EXPECT_EQ(size_text(12'340'000'000), "12.34 GB");
}

TEST(Describe, HeadsAndTargets) {
  EXPECT_EQ(tower_text(RegressionHead{.hidden = 0, .targets = 1}), "linear probe, 1 target");
  EXPECT_EQ(tower_text(RegressionHead{.hidden = 24, .targets = 3}),
            "two layers, 24 hidden, 3 targets");
  EXPECT_EQ(targets_text({{.name = "affect", .range = {{1, 7}}}, {.name = "rapport"}}),
            "affect (1 to 7), rapport");
}

TEST(Describe, TextsOfCompoundsFollowTheirOwn) {
  const text::Label part{.name = "b", .texts = {"3"}, .parts = {}};
  const std::vector<text::Label> labels = {{.name = "a", .texts = {"1", "2"}, .parts = {}},
                                           {.name = "b+b", .texts = {}, .parts = {part, part}}};
  EXPECT_EQ(all_texts(labels), (std::vector<std::string>{"1", "2", "3", "3"}));
  EXPECT_EQ(labels_text(labels), "a (2), b+b (2)");
}

TEST(Describe, ParametersOfEveryPart) {
  const test::TempDir dir;
  MIEN_ASSERT_OK(write_tiny_bundle(dir / "tiny", {.temporal = true, .targets = {"x"}}));
  const auto bundle = Bundle::load(dir / "tiny");
  MIEN_ASSERT_OK(bundle);
  const Parameters parameters = count_parameters((*bundle)->info().architecture);
  EXPECT_GT(parameters.image, 0U);
  EXPECT_GT(parameters.text, 0U);
  EXPECT_GT(parameters.temporal, 0U);
  EXPECT_EQ(parameters.regression, 32U * 16 + 16 + 16 + 1);
  std::uint64_t elements = 0;
  for (const auto& [name, view] : (*bundle)->weights().tensors()) elements += view.size();
  EXPECT_EQ(parameters.total(), elements);
  EXPECT_EQ(dtypes_json((*bundle)->weights()).find("F32")->find("bytes")->as_integer(),
            static_cast<std::int64_t>(4 * elements));
}

}  // namespace
}  // namespace mien::engine
