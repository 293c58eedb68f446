#include "data/store.h"
#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Registry : public Miniature {};

TEST_F(Registry, EveryDataSetIsInTheTable) {
  EXPECT_THAT(dataset_names(), ElementsAre("dfew", "ferv39k", "mafw", "afew", "fer2013", "ferplus",
                                           "ckplus", "rafdb", "affectnet"));
  ASSERT_NE(find_dataset("mafw"), nullptr);
  EXPECT_EQ(find_dataset("mafw")->folds, 5);
  EXPECT_EQ(find_dataset("none"), nullptr);
}

TEST_F(Registry, EmptyAndMissingFolders) {
  for (const std::string_view name : dataset_names()) {
    EXPECT_THAT(problem(name), HasSubstr("not_found: DIR: has no ")) << name;
    EXPECT_EQ(test::code_of(load_dataset(name, dir_ / "none")), StatusCode::kNotFound) << name;
  }
}

TEST_F(Registry, UnknownNameAndFiles) {
  EXPECT_THAT(problem("kdef"), HasSubstr("data set 'kdef': unknown (expected dfew, "));
  file("x.txt", "x");
  EXPECT_THAT(test::problem_of(load_dataset("dfew", dir_ / "x.txt")),
              HasSubstr("is a file (expected the folder of dfew)"));
}

TEST_F(Registry, FromATar) {
  clip("set/DFEW_Frame_Face/00001");
  file("set/DFEW_set_1_test.txt", "/x/00001 2 4\n");
  const std::string command =
      fmt::format("tar -cf '{0}/dfew.tar' -C '{0}/set' .", dir_.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto set = load_dataset("dfew", dir_ / "dfew.tar", {.split = "test"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_TRUE(set->store->contains(set->samples[0].frames[1]));
}

TEST_F(Registry, WordsOfOptions) {
  EXPECT_EQ(parse_label_order("peers").value(), LabelOrder::kPeers);
  EXPECT_EQ(parse_caption_use("without").value(), CaptionUse::kWithout);
  EXPECT_EQ(test::code_of(parse_label_order("mine")), StatusCode::kInvalidArgument);
  EXPECT_EQ(test::code_of(parse_caption_use("")), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::data
