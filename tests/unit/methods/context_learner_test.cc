#include "methods/kit/context_learner.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "engine/tiny_bundle.h"
#include "mien/engine/label_scorer.h"
#include "support/test_support.h"

namespace mien::methods {
namespace {

const std::vector<std::string> kTexts = {"a smiling mouth.", "tears, and a long wrinkled face."};

class ContextsOfTiny : public testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    auto towers = Towers::load(dir_ / "tiny");
    ASSERT_TRUE(towers.ok()) << towers.status().message();
    towers_.emplace(std::move(*towers));
  }
  ContextLearner make(const ContextOptions& options) {
    auto made = ContextLearner::make(*towers_, options, kTexts);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }
  test::TempDir dir_;
  std::optional<Towers> towers_;
};

// With the vectors of real tokens a context is plain words: the engine's tower says the same.
TEST_F(ContextsOfTiny, VectorsOfTokensGiveTheTextsEmbedding) {
  const at::NoGradGuard no_grad;
  const auto x = towers_->tokenizer().encode("X");
  const std::pair<const char*, std::vector<std::string>> wanted[] = {
      {"end", {"X X X a smiling mouth.", "X X X tears, and a long wrinkled face."}},
      {"front", {"a smiling mouth. X X X", "tears, and a long wrinkled face. X X X"}},
      {"middle", {"X a smiling mouth. X X", "X tears, and a long wrinkled face. X X"}}};
  for (const auto& [place, texts] : wanted) {
    const ContextLearner contexts = make({.tokens = 3, .place = place});
    torch::Tensor(contexts.vectors())
        .copy_(towers_->token_vectors(torch::full({2, 3}, x->front(), torch::kInt64)));
    const torch::Tensor ours = contexts.encode(*towers_);
    engine::Session session;
    const auto theirs = engine::encode_texts(towers_->bundle(), texts, session);
    ASSERT_TRUE(theirs.ok());
    for (std::int64_t i = 0; i < ours.numel(); ++i) {
      ASSERT_NEAR(ours.flatten()[i].item<float>(), theirs->f32()[static_cast<std::size_t>(i)], 1e-5)
          << place;
    }
  }
}

TEST_F(ContextsOfTiny, OnlyItsOwnClassDependsOnAContext) {
  const at::NoGradGuard no_grad;
  for (const bool shared : {false, true}) {
    const ContextLearner contexts = make({.tokens = 4, .shared = shared});
    EXPECT_EQ(contexts.vectors().size(0), shared ? 1 : 2);
    EXPECT_LT(contexts.vectors().abs().max().item<double>(), 0.1);
    const torch::Tensor before = contexts.encode(*towers_);
    torch::Tensor(contexts.vectors())[0].add_(1);
    const torch::Tensor after = contexts.encode(*towers_);
    EXPECT_FALSE(after[0].equal(before[0]));
    EXPECT_EQ(after[1].equal(before[1]), !shared);
  }
}

TEST_F(ContextsOfTiny, PositionsDecideWhatIsRead) {
  const torch::Tensor end = make({.tokens = 3}).places();
  EXPECT_TRUE(end[0].equal(torch::tensor({1, 2, 3}, torch::kInt64)));
  EXPECT_TRUE(end[1].equal(end[0]));
  const ContextLearner middle = make({.tokens = 3, .place = "middle"});
  const torch::Tensor places = middle.places();
  EXPECT_EQ(places[0][0].item<std::int64_t>(), 1);
  for (std::int64_t r = 0; r < 2; ++r) {
    // The end token follows the last learned one.
    EXPECT_EQ(places[r][2].item<std::int64_t>(), middle.lengths()[r].item<std::int64_t>() - 2);
  }
}

TEST_F(ContextsOfTiny, NearestWordsAreOfTheirContext) {
  const at::NoGradGuard no_grad;
  const Towers::Vocabulary vocabulary = towers_->vocabulary();
  const ContextLearner own = make({.tokens = 2});
  torch::Tensor(own.vectors())[1][0].copy_(vocabulary.vectors[300]);
  const auto near = own.nearest(*towers_, 3);
  ASSERT_EQ(near.size(), 2u);
  EXPECT_EQ(near[1].tokens[0][0].word, vocabulary.words[300]);
  EXPECT_EQ(near[1].tokens[0].size(), 3u);
  const auto same = make({.tokens = 2, .shared = true}).nearest(*towers_, 3);
  ASSERT_EQ(same.size(), 2u);
  EXPECT_EQ(same[0], same[1]);
}

TEST_F(ContextsOfTiny, RefusesWhatDoesNotFit) {
  MIEN_EXPECT_CODE(ContextLearner::make(*towers_, {.tokens = 500}, kTexts),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(ContextLearner::make(*towers_, {.tokens = 0}, kTexts),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(ContextLearner::make(*towers_, {}, {}), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::methods
