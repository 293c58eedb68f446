#include "mien/engine/regressor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "checkpoint/safetensors.h"
#include "engine/tiny_bundle.h"
#include "mien/engine/clip_reader.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

Tensor tensor(Shape shape, std::initializer_list<float> values) {
  Tensor out(DType::kF32, std::move(shape));
  std::copy(values.begin(), values.end(), out.f32().begin());
  return out;
}

class RegressorTest : public testing::Test {
 protected:
  std::shared_ptr<const Regressor> load(int hidden, int targets,
                                        const checkpoint::NamedTensors& tensors) {
    EXPECT_TRUE(checkpoint::write_safetensors(dir_ / "w.safetensors", tensors).ok());
    const auto weights = checkpoint::open_safetensors(dir_ / "w.safetensors");
    Architecture sizes;
    sizes.embed = 2;
    sizes.regression = RegressionHead{.hidden = hidden, .targets = targets};
    const auto out = Regressor::load(**weights, sizes);
    EXPECT_TRUE(out.ok());
    return *out;
  }

  test::TempDir dir_;
  Session session_;
};

TEST_F(RegressorTest, LinearProbeByHand) {
  const Tensor weight = tensor({2, 2}, {1, 2, -1, 0.5F});
  const Tensor bias = tensor({2}, {10, 20});
  const auto head = load(0, 2, {{"mlp.0.weight", weight.view()}, {"mlp.0.bias", bias.view()}});
  const std::vector<float> clips = {1, 1, -2, 4};
  std::vector<float> out(4);
  MIEN_ASSERT_OK(head->predict(clips.data(), 2, out.data(), session_));
  EXPECT_THAT(out, ElementsAre(13, 19.5F, 16, 24));
}

TEST_F(RegressorTest, TwoLayersByHand) {
  const Tensor first = tensor({3, 2}, {1, 0, 0, 1, -1, -1});
  const Tensor first_bias = tensor({3}, {0, 0, 1});
  const Tensor second = tensor({1, 3}, {2, 3, 5});
  const Tensor second_bias = tensor({1}, {-1});
  const auto head = load(3, 1,
                         {{"mlp.0.weight", first.view()},
                          {"mlp.0.bias", first_bias.view()},
                          {"mlp.2.weight", second.view()},
                          {"mlp.2.bias", second_bias.view()}});
  // (2, -4): the hidden values are 2, -4 and 3; ReLU makes 2, 0 and 3.
  const std::vector<float> clip = {2, -4};
  float out = 0;
  MIEN_ASSERT_OK(head->predict(clip.data(), 1, &out, session_));
  EXPECT_FLOAT_EQ(out, 2 * 2 + 5 * 3 - 1);
}

// Through ClipReader: the head reads what is not normalised, and windows count alike.
class ClipValuesTest : public testing::Test {
 protected:
  std::shared_ptr<const Bundle> bundle(bool temporal) {
    EXPECT_TRUE(write_tiny_bundle(dir_ / "b", {.temporal = temporal, .targets = {"x", "y"}}).ok());
    const auto out = Bundle::load(dir_ / "b");
    EXPECT_TRUE(out.ok()) << out.status().message();
    return *out;
  }
  static std::vector<float> rows(std::size_t count) {
    std::vector<float> out(count * 32);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>((i * 37) % 101) / 50.0F - 1.0F;
    }
    return out;
  }

  test::TempDir dir_;
  Session session_;
};

TEST_F(ClipValuesTest, WithoutATemporalModelTheMeanOfTheRows) {
  const auto from = bundle(false);
  const auto reader = ClipReader::make(*from);
  MIEN_ASSERT_OK(reader);
  EXPECT_THAT(reader->target_names(), ElementsAre("x", "y"));
  const auto plan = reader->plan(3);
  MIEN_ASSERT_OK(plan);
  const auto all = rows(plan->frames.size());
  const auto reading = reader->read(*plan, all.data(), session_);
  MIEN_ASSERT_OK(reading);
  std::vector<float> mean(32);
  std::size_t count = 0;
  for (const auto& window : plan->windows) {
    for (const std::int64_t place : window) {
      for (std::size_t i = 0; i < 32; ++i) mean[i] += all[static_cast<std::size_t>(place) * 32 + i];
      ++count;
    }
  }
  for (float& v : mean) v /= static_cast<float>(count);
  std::vector<float> expected(2);
  MIEN_ASSERT_OK((*from->regressor())->predict(mean.data(), 1, expected.data(), session_));
  EXPECT_THAT(reading->values, Pointwise(FloatNear(1e-5F), expected));
  const auto named = reader->named(reading->values);
  EXPECT_EQ(named[1].target, "y");
  EXPECT_EQ(named[1].value, reading->values[1]);
}

TEST_F(ClipValuesTest, WithATemporalModelTheMeanOverWindows) {
  const auto from = bundle(true);
  const auto reader = ClipReader::make(*from);
  MIEN_ASSERT_OK(reader);
  const auto plan = reader->plan(64);
  MIEN_ASSERT_OK(plan);
  ASSERT_GT(plan->windows.size(), 1U);
  const auto all = rows(plan->frames.size());
  const auto reading = reader->read(*plan, all.data(), session_);
  MIEN_ASSERT_OK(reading);
  std::vector<float> expected(2);
  for (const auto& window : plan->windows) {
    std::vector<float> frames, clip(32), values(2);
    for (const std::int64_t place : window) {
      const auto first = all.begin() + 32 * place;
      frames.insert(frames.end(), first, first + 32);
    }
    MIEN_ASSERT_OK((*from->temporal_encoder())
                       ->encode(frames.data(), 1, static_cast<std::int64_t>(window.size()),
                                clip.data(), session_));
    MIEN_ASSERT_OK((*from->regressor())->predict(clip.data(), 1, values.data(), session_));
    for (std::size_t t = 0; t < 2; ++t) {
      expected[t] += values[t] / static_cast<float>(plan->windows.size());
    }
  }
  EXPECT_THAT(reading->values, Pointwise(FloatNear(1e-5F), expected));
}

TEST_F(ClipValuesTest, WithoutAHeadThereAreNone) {
  ASSERT_TRUE(write_tiny_bundle(dir_ / "plain").ok());
  const auto plain = Bundle::load(dir_ / "plain");
  const auto reader = ClipReader::make(**plain);
  MIEN_ASSERT_OK(reader);
  const auto plan = reader->plan(1);
  const auto all = rows(1);
  EXPECT_TRUE(reader->read(*plan, all.data(), session_)->values.empty());
}

}  // namespace
}  // namespace mien::engine
