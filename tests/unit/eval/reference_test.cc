#include "eval/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "engine/tiny_bundle.h"
#include "eval/principal.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::eval {
namespace {

TEST(PrincipalPlane, FindsTheDirectionsOfTheRows) {
  // Along (3, 4) around (1, 2), with a little across.
  std::vector<float> rows;
  for (int i = -10; i <= 10; ++i) {
    const float across = i % 2 == 0 ? 0.01F : -0.01F;
    const auto along = static_cast<float>(i);
    rows.insert(rows.end(),
                {1 + 0.6F * along - 0.8F * across, 2 + 0.8F * along + 0.6F * across, 5});
  }
  const auto plane = principal_plane(rows, 3, 1);
  ASSERT_EQ(plane.size(), 6U);
  EXPECT_NEAR(plane[0], 1, 1e-2);
  EXPECT_NEAR(plane[1], 2, 1e-2);
  EXPECT_NEAR(plane[2], 5, 1e-5);
  EXPECT_NEAR(std::abs(plane[3]), 0.6, 1e-3);
  EXPECT_NEAR(std::abs(plane[4]), 0.8, 1e-3);
  EXPECT_NEAR(plane[5], 0, 1e-5);
}

// Pictures of two kinds: horizontal stripes are happy, vertical ones sad.
class MakeReferenceTest : public testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    bundle_ = *engine::Bundle::load(dir_ / "tiny");
    std::string csv = "path,label,split,caption\n";
    for (int i = 0; i < 24; ++i) {
      image::Image picture(40, 40);
      for (int y = 0; y < 40; ++y) {
        for (int x = 0; x < 120; ++x) {
          const int stripe = (i % 2 == 0 ? y : x / 3) / (2 + i / 8);
          picture.row(y)[x] = static_cast<std::uint8_t>(stripe % 2 == 0 ? 40 + 3 * i : 200);
        }
      }
      const auto png = image::encode_png(picture);
      MIEN_ASSERT_OK(png);
      const std::string name = std::to_string(i) + ".png";
      std::ofstream(dir_ / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(png->data()),
                 static_cast<std::streamsize>(png->size()));
      csv += name + (i % 2 == 0 ? ",happy" : ",sad") + (i < 12 ? ",train" : ",val") +
             ",A Striped face.\n";
    }
    std::ofstream(dir_ / "m.csv") << csv;
  }
  data::Manifest split(const std::string& name) {
    data::ManifestOptions options;
    options.split = name;
    return *data::load_manifest(dir_ / "m.csv", options);
  }

  test::TempDir dir_;
  std::shared_ptr<const engine::Bundle> bundle_;
};

TEST_F(MakeReferenceTest, KeepsFacesOfEveryClassAndFitsTheRule) {
  const auto made = make_reference(bundle_, split("train"), split("val"), {.faces = 4});
  MIEN_ASSERT_OK(made);
  ASSERT_EQ(made->info.classes.size(), 2U);
  EXPECT_EQ(made->info.classes[0].name, "happy");
  EXPECT_EQ(made->info.classes[0].faces, 4);
  EXPECT_NEAR(made->info.classes[0].share, 0.5, 1e-9);
  EXPECT_EQ(made->validated, 12);
  EXPECT_EQ(made->faces.shape(), (Shape{8, 32}));
  EXPECT_EQ(made->faces.dtype(), DType::kF16);
  EXPECT_EQ(made->basis.shape(), (Shape{1 + made->info.directions, 32}));
  const auto& words = made->info.words;
  EXPECT_TRUE(std::binary_search(words.begin(), words.end(), "striped"));
  EXPECT_TRUE(std::binary_search(words.begin(), words.end(), "grin"));
  // What it says of itself is valid in a bundle, and the same again.
  MIEN_ASSERT_OK(engine::ReferenceInfo::parse(made->info.to_json(), "x", {}));
  EXPECT_EQ(make_reference(bundle_, split("train"), split("val"), {.faces = 4})->info, made->info);
}

TEST_F(MakeReferenceTest, ClassesWithoutFacesAreRefused) {
  data::Manifest train = split("train");
  std::erase_if(train.samples, [](const data::Sample& sample) { return sample.labels[0] == 1; });
  MIEN_EXPECT_CODE(make_reference(bundle_, train, split("val"), {}), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::eval
