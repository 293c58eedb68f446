#include "data/class_doubts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace mien::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Manifest with(const std::vector<std::pair<std::string, int>>& classes) {
  Manifest out{.name = "m"};
  for (const auto& [name, samples] : classes) {
    const int label = static_cast<int>(out.classes.size());
    out.classes.push_back(name);
    for (int i = 0; i < samples; ++i) {
      out.samples.push_back({.id = name + std::to_string(i), .labels = {label}});
    }
  }
  return out;
}

TEST(ClassDoubts, NamesAMisspeltClass) {
  EXPECT_THAT(class_doubts(with({{"hapy", 1}, {"happy", 14}, {"sad", 15}})),
              ElementsAre("class 'hapy' (1 sample): looks like 'happy' (14 samples) misspelt; they "
                          "count as two classes"));
  EXPECT_THAT(class_doubts(with({{"suprize", 2}, {"surprise", 14}})),
              ElementsAre("class 'suprize' (2 samples): looks like 'surprise' (14 samples) "
                          "misspelt; they count as two classes"));
}

TEST(ClassDoubts, AKnownWordIsNeverTheMisspeltOne) {
  for (const int known : {1, 30}) {
    EXPECT_THAT(class_doubts(with({{"happy", known}, {"hapy", 1}, {"sad", 9}})),
                ElementsAre(AllOf(HasSubstr("class 'hapy' (1 sample): looks like 'happy' ("),
                                  HasSubstr("misspelt; they count as two classes"))));
  }
}

TEST(ClassDoubts, NamesOneExpressionUnderTwoNames) {
  EXPECT_THAT(class_doubts(with({{"Happy", 1}, {"happy ", 2}})),
              ElementsAre("class 'Happy' (1 sample): differs from 'happy ' (2 samples) only in "
                          "case, spaces or punctuation (expected one name)"));
  EXPECT_THAT(class_doubts(with({{"anger", 3}, {"angry", 2}})),
              ElementsAre("class 'angry' (2 samples): means the same as 'anger' (3 samples) "
                          "(expected one name)"));
}

TEST(ClassDoubts, NamesNumbersTogether) {
  EXPECT_THAT(class_doubts(with({{"0", 1}, {"1", 1}, {"-1.5", 1}, {"sad", 2}})),
              ElementsAre("classes '0', '1', '-1.5': numbers (expected words such as 'happy', "
                          "which the model reads)"));
  EXPECT_THAT(class_doubts(with({{"7", 1}, {"sad", 2}})),
              ElementsAre("class '7': a number (expected words such as 'happy', which the model "
                          "reads)"));
}

TEST(ClassDoubts, NamesAWordThatIsMisspeltThroughout) {
  EXPECT_THAT(class_doubts(with({{"suprise", 9}, {"sad", 9}})),
              ElementsAre("class 'suprise' (9 samples): not a known expression; did you mean "
                          "'surprise'?"));
}

TEST(ClassDoubts, LeavesUsualNamesAlone) {
  EXPECT_THAT(class_doubts(with({{"angry", 3},
                                 {"disgust", 3},
                                 {"fear", 3},
                                 {"happy", 3},
                                 {"neutral", 3},
                                 {"sad", 3},
                                 {"surprise", 3},
                                 {"contempt", 1},
                                 {"anxiety", 1},
                                 {"helplessness", 1},
                                 {"disappointment", 1}})),
              IsEmpty());
  EXPECT_THAT(class_doubts(with({{"level 1", 9}, {"level 2", 9}, {"mad", 2}, {"sad", 9}})),
              IsEmpty());
  EXPECT_THAT(class_doubts(with({{"happily surprised", 9},
                                 {"happily disgusted", 9},
                                 {"sadly angry", 4},
                                 {"sadly fearful", 1}})),
              IsEmpty());
  EXPECT_THAT(class_doubts(with({{"winking", 9}, {"blinking", 8}, {"calm, content", 9}})),
              IsEmpty());
  EXPECT_THAT(class_doubts(with({{"anger+fear", 9}, {"angry+fear", 8}})), IsEmpty());
  EXPECT_THAT(class_doubts(with({})), IsEmpty());
}

}  // namespace
}  // namespace mien::data
