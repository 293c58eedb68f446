#include "methods/compact/pool_train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>

#include "engine/tiny_bundle.h"
#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::methods {
namespace {

constexpr const char* kPoolClasses[] = {"happy", "neutral", "sad"};

// One colour per class, in noise.
image::Image picture(int kind, Rng& rng) {
  image::Image out(32, 32);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      for (int c = 0; c < 3; ++c) {
        out.row(y)[3 * x + c] = static_cast<std::uint8_t>((c == kind ? 180 : 40) + rng.below(40));
      }
    }
  }
  return out;
}

class TemporalPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    std::ofstream csv(dir_ / "set.csv");
    csv << "path,label,subject,sequence,split\n";
    Rng rng(2);
    for (int i = 0; i < 36; ++i) {
      const std::string file = fmt::format("p{}.png", i);
      const auto png = image::encode_png(picture(i % 3, rng));
      MIEN_ASSERT_OK(png);
      std::ofstream(dir_ / file, std::ios::binary)
          .write(reinterpret_cast<const char*>(png->data()),
                 static_cast<std::streamsize>(png->size()));
      csv << file << "," << kPoolClasses[i % 3] << ",,," << (i < 24 ? "train" : "val") << "\n";
    }
  }
  TemporalPoolRecipe recipe() const {
    TemporalPoolRecipe out;
    out.data.train = "set.csv";
    out.data.threads = 1;
    out.training.init = (dir_ / "tiny").string();
    out.training.hidden = 16;
    out.training.frames = 8;
    out.training.views = 2;
    out.training.batch = 32;
    out.training.validation = 64;
    out.training.augment.flip = 0.5;
    return out;
  }
  MethodContext context() const {
    MethodContext out;
    out.data = dir_.path();
    out.cache = dir_ / "cache";
    return out;
  }
  test::TempDir dir_;
};

TEST_F(TemporalPoolTest, TrainsThePoolAloneAndKeepsTheBundle) {
  const auto method = make_run<TemporalPoolMethod>(recipe(), context());
  ASSERT_TRUE(method.ok()) << method.status().message();
  const auto groups = (*method)->begin_stage(0);
  MIEN_ASSERT_OK((*method)->begin_epoch(0, 0, 0));
  double first = 0, last = 0;
  for (int step = 0; step < 120; ++step) {
    const auto output = (*method)->step();
    MIEN_ASSERT_OK(output);
    output->loss.backward();
    last = 0.9 * last + 0.1 * output->loss.item<double>();
    if (step == 9) first = last / (1 - std::pow(0.9, 10));
    const at::NoGradGuard no_grad;
    for (const auto& [name, tensor] : groups.front().parameters) {
      torch::Tensor(tensor).add_(tensor.grad(), -0.5);
      tensor.grad().zero_();
    }
  }
  EXPECT_LT(last, first);
  const at::NoGradGuard no_grad;
  MIEN_ASSERT_OK((*method)->export_bundle(dir_ / "out", false));
  const auto before = engine::Bundle::load(dir_ / "tiny"),
             after = engine::Bundle::load(dir_ / "out");
  ASSERT_TRUE(after.ok()) << after.status().message();
  EXPECT_EQ(std::get<engine::AttentionPoolSizes>(*(*after)->info().architecture.temporal).hidden,
            16);
  EXPECT_EQ((*after)->info().sampling.frames, 8);
  for (const auto& [name, tensor] : (*before)->weights().tensors()) {
    const TensorView* same = (*after)->weights().find(name);
    ASSERT_NE(same, nullptr) << name;
    EXPECT_TRUE(std::ranges::equal(tensor.bytes(), same->bytes())) << name;
  }
  // A clip that does not change is its frame.
  const auto reader = engine::ClipReader::make(**after);
  MIEN_ASSERT_OK(reader);
  EXPECT_EQ(reader->aggregate(), engine::Aggregate::kTemporal);
  EXPECT_EQ(reader->picture_aggregate(), engine::Aggregate::kMean);
  const auto plan = reader->plan(1);
  MIEN_ASSERT_OK(plan);
  std::vector<float> row(32, 0.0F);
  row[3] = 3;
  row[5] = 4;
  engine::Session session;
  const auto reading = reader->read(*plan, row.data(), session);
  MIEN_ASSERT_OK(reading);
  EXPECT_NEAR(reading->embedding[3], 0.6F, 1e-5F);
  EXPECT_NEAR(reading->embedding[5], 0.8F, 1e-5F);
}

TEST_F(TemporalPoolTest, StepsDependOnSeedAndPositionOnly) {
  const auto a = make_run<TemporalPoolMethod>(recipe(), context()),
             b = make_run<TemporalPoolMethod>(recipe(), context());
  ASSERT_TRUE(a.ok() && b.ok());
  (*a)->begin_stage(0);
  (*b)->begin_stage(0);
  MIEN_ASSERT_OK((*a)->begin_epoch(0, 1, 0));
  MIEN_ASSERT_OK((*b)->begin_epoch(0, 1, 2));
  for (int i = 0; i < 2; ++i) MIEN_ASSERT_OK((*a)->step());
  const auto x = (*a)->step(), y = (*b)->step();
  MIEN_ASSERT_OK(x);
  MIEN_ASSERT_OK(y);
  EXPECT_EQ(x->loss.item<float>(), y->loss.item<float>());
}

TEST_F(TemporalPoolTest, RefusesWhatItCannotUse) {
  TemporalPoolRecipe none = recipe();
  none.training.init.clear();
  MIEN_EXPECT_CODE(make_run<TemporalPoolMethod>(none, context()), StatusCode::kInvalidArgument);
  TemporalPoolRecipe one = recipe();
  one.data.classes = {"happy", "neutral", "sad"};
  one.data.leave_out = "neutral";
  MIEN_EXPECT_CODE(make_run<TemporalPoolMethod>(one, context()), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::methods
