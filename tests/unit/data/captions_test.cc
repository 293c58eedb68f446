#include "data/captions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// All wordings that many ids give.
std::set<std::string> wordings(const ExpressionVotes& votes) {
  std::set<std::string> out;
  for (int i = 0; i < 30000; ++i) out.insert(caption_from_votes(votes, std::to_string(i), 1));
  return out;
}

TEST(Captions, MostlyAndALittle) {
  const auto all = wordings({.expressions = {0, 0, 0, 7, 0, 0, 3, 0}});
  EXPECT_GT(all.size(), 300u);
  EXPECT_TRUE(all.contains("The expression looks mostly sad, a little afraid."));
  for (const std::string& text : all) {
    EXPECT_THAT(text, AnyOf(HasSubstr("mostly"), HasSubstr("mainly"), HasSubstr("largely")));
  }
}

TEST(Captions, ManyWordingsForOneExpression) {
  const auto all = wordings({.expressions = {0, 10, 0, 0, 0, 0, 0, 0}});
  EXPECT_GT(all.size(), 50u);
  EXPECT_TRUE(all.contains("An expression of happiness."));
  EXPECT_TRUE(all.contains("A face with a cheerful expression."));
  EXPECT_TRUE(wordings({.expressions = {0, 0, 0, 0, 10, 0, 0, 0}})
                  .contains("A face with an angry expression."));
}

TEST(Captions, LevelVotesAndThreeExpressions) {
  EXPECT_TRUE(wordings({.expressions = {5, 0, 0, 5, 0, 0, 0, 0}})
                  .contains("The expression looks both neutral and sad."));
  EXPECT_TRUE(wordings({.expressions = {5, 0, 0, 3, 2, 0, 0, 0}})
                  .contains("The expression looks mostly neutral, partly sad and a little angry."));
}

TEST(Captions, DrawOfThree) {
  for (const std::string& text : wordings({.expressions = {3, 0, 0, 3, 3, 0, 0, 0}})) {
    EXPECT_THAT(text, AnyOf(HasSubstr(" at once."), HasSubstr(" in about equal parts.")));
  }
}

TEST(Captions, NeutralBesideAnotherMutesIt) {
  const auto all = wordings({.expressions = {2, 8, 0, 0, 0, 0, 0, 0}});
  EXPECT_TRUE(all.contains("The expression looks mostly happy, a little restrained."));
  for (const std::string& text : all) EXPECT_THAT(text, Not(HasSubstr("neutral")));
}

TEST(Captions, SingleVotesAreLeftOut) {
  for (const std::string& text : wordings({.expressions = {0, 8, 1, 0, 0, 0, 0, 1}})) {
    EXPECT_THAT(text, Not(AnyOf(HasSubstr("surpris"), HasSubstr("contempt"), HasSubstr("scorn"))));
  }
}

// The sentence is on the face as seen; it does not know what anybody feels.
TEST(Captions, SpeaksOfTheExpressionOnly) {
  for (const ExpressionVotes& votes :
       {ExpressionVotes{.expressions = {0, 0, 0, 7, 0, 0, 3, 0}},
        ExpressionVotes{.expressions = {10, 0, 0, 0, 0, 0, 0, 0}},
        ExpressionVotes{.expressions = {0, 0, 0, 0, 3, 3, 0, 0}, .unknown = 4}}) {
    for (const std::string& text : wordings(votes)) {
      EXPECT_THAT(text, HasSubstr("expression"));
      EXPECT_THAT(text, Not(AnyOf(HasSubstr("feel"), HasSubstr("person"), HasSubstr("emotion"),
                                  HasSubstr("mood"), HasSubstr(" he "), HasSubstr(" she "))));
      EXPECT_TRUE(text.ends_with('.')) << text;
      EXPECT_THAT(text, Not(AnyOf(HasSubstr("  "), HasSubstr("{"), HasSubstr(" ,"))));
    }
  }
}

TEST(Captions, UnsureAndNoFace) {
  const ExpressionVotes unsure{.expressions = {0, 6, 0, 0, 0, 0, 0, 0}, .unknown = 4};
  EXPECT_TRUE(wordings(unsure).contains("An expression of happiness, though it is hard to read."));
  EXPECT_THAT(caption_from_votes({.expressions = {0, 5, 0, 0, 0, 0, 0, 0}, .unknown = 5}, "a", 1),
              IsEmpty());
  EXPECT_THAT(caption_from_votes({.not_a_face = 10}, "a", 1), IsEmpty());
  EXPECT_THAT(caption_from_votes({}, "a", 1), IsEmpty());
}

TEST(Captions, SameSeedAndIdGiveTheSameSentence) {
  const ExpressionVotes votes{.expressions = {0, 0, 0, 7, 0, 0, 3, 0}};
  EXPECT_EQ(caption_from_votes(votes, "fer0000001", 7), caption_from_votes(votes, "fer0000001", 7));
  int other = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string id = std::to_string(i);
    other += caption_from_votes(votes, id, 7) != caption_from_votes(votes, id, 8) ? 1 : 0;
  }
  EXPECT_GT(other, 40);
}

TEST(Captions, IntoAManifest) {
  Manifest set{.name = "x"};
  set.samples = {{.id = "a", .extra = {{"fp_happiness", "9"}, {"fp_neutral", "1"}}},
                 {.id = "b", .caption = "kept", .extra = {{"fp_happiness", "9"}}},
                 {.id = "c"},
                 {.id = "d", .extra = {{"fp_nf", "10"}}}};
  EXPECT_EQ(add_vote_captions(set, 1).value(), 1);
  EXPECT_THAT(set.samples[0].caption, HasSubstr("expression"));
  EXPECT_EQ(set.samples[1].caption, "kept");
  EXPECT_THAT(set.samples[2].caption, IsEmpty());
  EXPECT_THAT(set.samples[3].caption, IsEmpty());
  set.samples[2].extra["fp_fear"] = "many";
  EXPECT_EQ(test::problem_of(add_vote_captions(set, 1)),
            "corrupt: c: fp_fear is 'many' (expected a number of votes)");
}

}  // namespace
}  // namespace mien::data
