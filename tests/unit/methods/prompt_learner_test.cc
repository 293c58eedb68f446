#include "methods/cliper/model.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "engine/tiny_bundle.h"
#include "mien/engine/label_scorer.h"
#include "unit/text/text_test_support.h"

namespace mien::methods {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(PromptLearner, IdsOfTheTemplate) {
  MIEN_SKIP_WITHOUT_CLIP_TABLE();
  const auto tokenizer = text::load_bpe(text::clip_table());
  ASSERT_TRUE(tokenizer.ok());
  const auto found = prompt_ids(**tokenizer, "an ID photo of {}.", 4);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->ids, (Ids{550, 1014, 1125, 539, 343, 343, 343, 343, 269}));
  EXPECT_EQ(found->first, 4);  // 5 with the start token
  EXPECT_EQ((*tokenizer)->start_token(), 49406);
  EXPECT_EQ((*tokenizer)->end_token(), 49407);
}

class PromptsOfTiny : public testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    auto towers = Towers::load(dir_ / "tiny");
    ASSERT_TRUE(towers.ok()) << towers.status().message();
    towers_.emplace(std::move(*towers));
  }
  test::TempDir dir_;
  std::optional<Towers> towers_;
};

// The same ids as the template written out, so a tower sees what it would of plain words.
TEST_F(PromptsOfTiny, FillersStandWhereTheTextHasThem) {
  const auto prompts = PromptLearner::make(*towers_, {.per_class = 2, .tokens = 3}, 2);
  ASSERT_TRUE(prompts.ok());
  const auto whole = towers_->tokenizer().encode_padded("an ID photo of X X X.", 77);
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(
      prompts->ids(),
      Ids(whole->begin(), whole->begin() + static_cast<std::ptrdiff_t>(prompts->ids().size())));
  EXPECT_EQ((*whole)[prompts->ids().size()], 0);
}

// With the vectors of real tokens a prompt is a text: the engine's tower says the same of it.
TEST_F(PromptsOfTiny, VectorsOfTokensGiveTheTextsEmbedding) {
  const at::NoGradGuard no_grad;
  const auto prompts = PromptLearner::make(*towers_, {.per_class = 1, .tokens = 1}, 2);
  ASSERT_TRUE(prompts.ok());
  const auto x = towers_->tokenizer().encode("X");
  torch::Tensor vectors = prompts->vectors();
  vectors.copy_(towers_->token_vectors(torch::full({2, 1}, x->front(), torch::kInt64)));
  const torch::Tensor ours = prompts->encode(*towers_);
  engine::Session session;
  const std::vector<std::string> text = {"an ID photo of X."};
  const auto theirs = engine::encode_texts(towers_->bundle(), text, session);
  ASSERT_TRUE(theirs.ok());
  for (std::int64_t i = 0; i < ours.size(1); ++i) {
    EXPECT_NEAR(ours[1][i].item<float>(), theirs->f32()[static_cast<std::size_t>(i)], 1e-5);
  }
}

TEST_F(PromptsOfTiny, NearestEntriesAreTheVocabularysOwn) {
  const at::NoGradGuard no_grad;
  const auto prompts = PromptLearner::make(*towers_, {.per_class = 1, .tokens = 2}, 2);
  ASSERT_TRUE(prompts.ok());
  const Towers::Vocabulary vocabulary = towers_->vocabulary();
  EXPECT_EQ(vocabulary.words.size() + 2,
            static_cast<std::size_t>(towers_->tokenizer().vocabulary_size()));
  torch::Tensor vectors = prompts->vectors();
  vectors[1][0].copy_(vocabulary.vectors[300]);
  vectors[1][1].copy_(vocabulary.vectors[70] + 1e-3);
  const auto near = prompts->nearest(*towers_, 5);
  ASSERT_EQ(near.size(), 2u);
  EXPECT_EQ(near[1].tokens[0][0].word, vocabulary.words[300]);
  EXPECT_NEAR(near[1].tokens[0][0].distance, 0, 1e-6);
  EXPECT_EQ(near[1].tokens[1][0].word, vocabulary.words[70]);
  EXPECT_NEAR(near[1].tokens[1][0].distance, 1e-3 * std::sqrt(64.0), 1e-4);
  ASSERT_EQ(near[0].tokens[1].size(), 5u);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_GE(near[0].tokens[1][i].distance, near[0].tokens[1][i - 1].distance);
  }
}

// The shipped towers over pictures and whole words.
class PromptsOfCompact : public testing::Test {
 protected:
  void SetUp() override {
    auto towers = Towers::load(test::golden("../../models/compact"));
    ASSERT_TRUE(towers.ok()) << towers.status().message();
    towers_.emplace(std::move(*towers));
  }
  std::optional<Towers> towers_;
};

TEST_F(PromptsOfCompact, TrainableTowersAreTheEngines) {
  const at::NoGradGuard no_grad;
  ASSERT_TRUE(std::holds_alternative<engine::WordTextSizes>(*towers_->architecture().text));
  torch::manual_seed(2);
  const torch::Tensor pixels = torch::randn({3, 1, 48, 48}).expand({3, 3, 48, 48}).contiguous();
  const torch::Tensor ours = towers_->images(pixels, false), theirs = towers_->images(pixels, true);
  EXPECT_GT(at::cosine_similarity(ours, theirs).min().item<double>(), 0.99999);
  engine::Session session;
  const std::vector<std::string> texts = {"an ID photo of joy."};
  const auto engines = engine::encode_texts(towers_->bundle(), texts, session);
  ASSERT_TRUE(engines.ok());
  const auto prompts = PromptLearner::make(*towers_, {.per_class = 1, .tokens = 1}, 1);
  ASSERT_TRUE(prompts.ok());
  EXPECT_EQ(prompts->first(), 4);
  const auto joy = towers_->tokenizer().encode("joy");
  torch::Tensor vectors = prompts->vectors();
  vectors.copy_(towers_->token_vectors(torch::full({1, 1}, joy->front(), torch::kInt64)));
  const torch::Tensor row = prompts->encode(*towers_)[0];
  double cosine = 0;
  for (std::int64_t i = 0; i < row.size(0); ++i) {
    cosine +=
        row[i].item<double>() * static_cast<double>(engines->f32()[static_cast<std::size_t>(i)]);
  }
  EXPECT_GT(cosine, 0.99999);
  EXPECT_EQ(prompts->nearest(*towers_, 5)[0].tokens[0][0].word, "joy");
}

}  // namespace
}  // namespace mien::methods
