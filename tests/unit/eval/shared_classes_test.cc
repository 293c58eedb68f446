#include "eval/shared_classes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::eval {
namespace {

text::LabelSet labels_of(const std::string& words) {
  auto out = text::load_labels(words);
  EXPECT_EQ(mien::test::problem_of(out), "");
  return *out;
}

TEST(SharedClasses, OthersAreLeftOutAndCounted) {
  const data::Manifest manifest{.name = "m",
                                .classes = {"anger", "contempt", "happiness"},
                                .samples = {{.id = "1", .labels = {0}},
                                            {.id = "2", .labels = {1}},
                                            {.id = "3", .labels = {2}},
                                            {.id = "4", .labels = {0, 1}},
                                            {.id = "5", .labels = {0, 2}}}};
  const auto shared = keep_shared_classes(manifest, labels_of("happy,angry,bored"));
  MIEN_ASSERT_OK(shared);
  EXPECT_THAT(shared->manifest.classes, testing::ElementsAre("anger", "happiness"));
  EXPECT_THAT(shared->left_out, testing::ElementsAre("contempt"));
  EXPECT_EQ(shared->samples_left_out, 2);
  ASSERT_EQ(shared->manifest.samples.size(), 3U);
  EXPECT_THAT(shared->manifest.samples[1].labels, testing::ElementsAre(1));
  EXPECT_THAT(shared->manifest.samples[2].labels, testing::ElementsAre(0, 1));
}

TEST(SharedClasses, OneIsNotEnough) {
  const data::Manifest manifest{.name = "m", .classes = {"anger", "contempt"}, .samples = {}};
  MIEN_EXPECT_CODE(keep_shared_classes(manifest, labels_of("angry,bored")),
                   StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::eval
