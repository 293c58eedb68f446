#include "methods/compact/labels_by_votes.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <numeric>

#include "methods/compact/votes.h"
#include "support/test_support.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;

// Ten annotators: all neutral, all sad, half and half; the labels follow with some noise.
class LabelsByVotes : public testing::Test {
 protected:
  LabelsByVotes() {
    manifest_.classes = {"neutral", "sad"};
    add(80, 10, 0, 0);
    add(20, 10, 0, 1);
    add(10, 0, 10, 0);
    add(90, 0, 10, 1);
    add(30, 5, 5, 0);
    add(70, 5, 5, 1);
    view_.resize(manifest_.samples.size());
    std::iota(view_.begin(), view_.end(), std::int64_t{0});
  }

  void add(int count, int neutral, int sad, int label) {
    for (int i = 0; i < count; ++i) {
      data::Sample sample{.id = fmt::format("s{}", manifest_.samples.size()), .labels = {label}};
      sample.extra = {{"fp_neutral", fmt::format("{}", neutral)},
                      {"fp_sadness", fmt::format("{}", sad)}};
      manifest_.samples.push_back(std::move(sample));
    }
  }

  data::Manifest manifest_;
  data::View view_;
};

TEST_F(LabelsByVotes, AreTheLabelsOfThoseWithTheSameVotes) {
  const auto found = labels_by_votes(manifest_, view_, -1);
  MIEN_ASSERT_OK(found.status());
  ASSERT_EQ(found->sizes(), at::IntArrayRef({300, 2}));
  EXPECT_NEAR((*found)[0][0].item<double>(), 0.8, 0.01);
  EXPECT_NEAR((*found)[150][1].item<double>(), 0.9, 0.01);
  EXPECT_NEAR((*found)[250][1].item<double>(), 0.7, 0.01);
  EXPECT_TRUE(at::allclose(found->sum(1), torch::ones({300})));
}

TEST_F(LabelsByVotes, PredictPicturesThatWereNotFitted) {
  view_.resize(299);
  manifest_.samples.back().labels.clear();
  manifest_.samples.push_back({.id = "no votes"});
  const auto found = labels_by_votes(manifest_, view_, -1);
  MIEN_ASSERT_OK(found.status());
  EXPECT_NEAR((*found)[299][1].item<double>(), 0.7, 0.02);
  EXPECT_TRUE((*found)[300].isnan().all().item<bool>());
}

TEST_F(LabelsByVotes, DoNotKnowTheVotesOfAClassLeftOut) {
  const auto place = vote_places({"sad"}).front();
  const auto found = labels_by_votes(manifest_, view_, place);
  MIEN_ASSERT_OK(found.status());
  EXPECT_TRUE(at::equal((*found)[0], (*found)[250]));  // neutral in either
  EXPECT_TRUE((*found)[150].isnan().all().item<bool>());
}

TEST_F(LabelsByVotes, NeedVotes) {
  for (data::Sample& sample : manifest_.samples) sample.extra.clear();
  const auto found = labels_by_votes(manifest_, view_, -1);
  MIEN_EXPECT_CODE(found, StatusCode::kInvalidArgument);
  EXPECT_THAT(found.status().message(), HasSubstr("fp_*"));
}

}  // namespace
}  // namespace mien::methods
