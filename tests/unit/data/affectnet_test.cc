#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view kHeader =
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
    "valence,arousal\n";

class AffectNet : public Miniature {
 protected:
  void SetUp() override {
    file("training.csv", fmt::format("{}1/a.jpg,0,0,9,9,1;2,1,0.8,0.1\n1/b.jpg,0,0,9,9,1;2,7,-0.6,"
                                     "0.4\n2/c.jpg,0,0,9,9,1;2,10,-2,-2\n",
                                     kHeader));
    file("validation.csv", fmt::format("{}2/d.jpg,0,0,9,9,1;2,6,-0.5,0.7\n", kHeader));
    for (const char* name : {"1/a.jpg", "1/b.jpg", "2/d.jpg"}) {
      file(fmt::format("Manually_Annotated_Images/{}", name), "x");
    }
  }
};

TEST_F(AffectNet, EightClasses) {
  const auto set = load_dataset("affectnet", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->classes, ElementsAre("neutral", "happiness", "sadness", "surprise", "fear",
                                        "disgust", "anger", "contempt"));
  ASSERT_THAT(set->samples, SizeIs(3));
  EXPECT_EQ(set->unlabelled, 1);
  EXPECT_THAT(set->samples[1].labels, ElementsAre(7));
  EXPECT_EQ(set->samples[1].extra.at("valence"), "-0.6");
  EXPECT_EQ(set->samples[2].split, "val");
}

TEST_F(AffectNet, SevenClasses) {
  const auto set = load_dataset("affectnet", dir_.path(), {.variant = "7"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->classes, SizeIs(7));
  EXPECT_THAT(set->samples, SizeIs(2));
  EXPECT_THAT(set->notes, ElementsAre("1 pictures of contempt left out"));
}

TEST_F(AffectNet, Damage) {
  file("validation.csv", fmt::format("{}2/d.jpg,0,0,9,9,1;2,11,0,0\n", kHeader));
  EXPECT_EQ(problem("affectnet"), "corrupt: DIR/validation.csv:2: label '11' (expected 0..10)");
  file("validation.csv", fmt::format("{}2/x.jpg,0,0,9,9,1;2,1,0,0\n", kHeader));
  EXPECT_THAT(
      problem("affectnet"),
      HasSubstr("validation.csv:2: picture 'Manually_Annotated_Images/2/x.jpg' is missing"));
  file("validation.csv", "path,expression\n");
  EXPECT_THAT(problem("affectnet"), HasSubstr("has no column 'subDirectory_filePath'"));
}

}  // namespace
}  // namespace mien::data
