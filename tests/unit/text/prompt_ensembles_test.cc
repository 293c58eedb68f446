#include "text/prompt_ensembles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::text {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(std::string_view set, const std::string& name) {
  const auto labels = prompt_ensemble(set, {name});
  EXPECT_EQ(mien::test::problem_of(labels), "");
  return labels->labels[0].texts;
}

TEST(PromptEnsembles, OnePrompt) {
  EXPECT_THAT(texts("P1", "anger"), ElementsAre("anger."));
  EXPECT_THAT(texts("P2", "fear"), ElementsAre("an expression of fear."));
  EXPECT_THAT(texts("P3", "neutral"),
              ElementsAre("a photo of a face with an expression of neutral."));
}

TEST(PromptEnsembles, FiveAndTen) {
  EXPECT_THAT(
      texts("P4", "contempt"),
      ElementsAre("an expression of contempt.", "a photo of a face with an expression of contempt.",
                  "a photo radiating contempt in a person.",
                  "a photo showing someone immersed in contempt.",
                  "a photo capturing contempt within an individual."));
  const auto ten = texts("P5", "anger");
  ASSERT_EQ(ten.size(), 10U);
  EXPECT_EQ(ten[5], "a photo of a face displaying anger.");
  EXPECT_EQ(ten[6], "a photo of a person embodying anger.");
  EXPECT_EQ(ten[7], "a good photo capturing someone's anger.");
  EXPECT_EQ(ten[8], "a cropped photo emphasizing a face expressing anger.");
  EXPECT_EQ(ten[9], "a clean photo showcasing a person's angry expression.");
}

TEST(PromptEnsembles, IrregularitiesAreKept) {
  const auto sad = texts("P5", "sadness");
  EXPECT_EQ(sad[1], "a cropped photo emphasizing a face expressing sadness.");
  EXPECT_EQ(sad[2], "a photo exuding sadness in a person.");
  EXPECT_EQ(sad[8], "a photo of a face with an expression of sadness.");
  EXPECT_EQ(sad[9], "a clean photo showcasing a person's sadness.");
  EXPECT_EQ(texts("P4", "sadness")[1], sad[1]);
  const auto happy = texts("P5", "happiness");
  EXPECT_EQ(happy[2], "a photo radiating happiness in a person.");
  EXPECT_EQ(happy[5], "a photo of a face exuding happiness.");
  EXPECT_EQ(happy[9], "a clean photo showcasing a person's happiness.");
  EXPECT_EQ(texts("P5", "neutral")[7], "a good photo capturing someone's neutral state.");
  EXPECT_EQ(texts("P5", "neutral")[9], "a clean photo showcasing a person's neutral expression.");
}

TEST(PromptEnsembles, AliasesKeepTheirNameAndUnknownClassesAreRejected) {
  const auto labels = prompt_ensemble("P1", {"happy", "sad"});
  MIEN_ASSERT_OK(labels);
  EXPECT_EQ(labels->labels[0].name, "happy");
  EXPECT_EQ(labels->labels[0].texts[0], "happiness.");
  MIEN_EXPECT_CODE(prompt_ensemble("P1", {"bored"}), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(prompt_ensemble("P6", {"happy"}), StatusCode::kInvalidArgument);
}

TEST(PromptEnsembles, OneFacialDescriptorPerClass) {
  const auto labels = facial_descriptors({"anger", "happy", "disappointment"});
  MIEN_ASSERT_OK(labels);
  ASSERT_EQ(labels->labels.size(), 3u);
  EXPECT_EQ(labels->labels[0].texts,
            std::vector<std::string>{
                "furrowed eyebrows, narrow eyes, tightened lips, and flared nostrils."});
  EXPECT_EQ(labels->labels[1].name, "happy");
  EXPECT_EQ(labels->labels[1].texts[0],
            "a smiling mouth, raised cheeks, wrinkled eyes, and arched eyebrows.");
  EXPECT_EQ(labels->labels[2].texts[0],
            "a downturned mouth, lowered eyebrows, narrowed eyes, and a sighing face.");
  MIEN_EXPECT_CODE(facial_descriptors({"bored"}), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::text
