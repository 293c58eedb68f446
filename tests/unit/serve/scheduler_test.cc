#include "serve/scheduler.h"

#include <atomic>
#include <future>

#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::serve {
namespace {

TEST(Scheduler, RefusesWhenTheQueueIsFullAndFinishesWhatItTook) {
  auto scheduler = Scheduler::start({.workers = 1, .queue = 2}).value();
  std::promise<void> begun, release;
  const std::shared_future<void> go = release.get_future().share();
  std::atomic<int> ran{0};
  ASSERT_TRUE(scheduler->post([&](Worker&) {
    begun.set_value();
    go.wait();
    ++ran;
  }));
  begun.get_future().wait();
  const auto count = [&](Worker&) { ++ran; };
  EXPECT_TRUE(scheduler->post(count));
  EXPECT_TRUE(scheduler->post(count));
  EXPECT_FALSE(scheduler->post(count));
  EXPECT_TRUE(scheduler->full());
  EXPECT_TRUE(scheduler->post_first(count));
  release.set_value();
  scheduler->finish();
  EXPECT_EQ(ran, 4);
  EXPECT_FALSE(scheduler->post(count));
  EXPECT_FALSE(scheduler->post_first(count));
}

TEST(Scheduler, BatchesFacesOfSeveralRequestsWithoutChangingThem) {
  const test::TempDir dir;
  const auto bundle = test::tiny_bundle(dir / "tiny").value();
  const auto side = static_cast<std::size_t>(bundle->info().architecture.image_size());
  const auto embed = static_cast<std::size_t>(bundle->info().architecture.embed);
  const auto pixels_of = [&](int i) {
    std::vector<float> out(3 * side * side);
    for (std::size_t k = 0; k < out.size(); ++k) {
      out[k] = static_cast<float>((k * 7 + static_cast<std::size_t>(i) * 13) % 17) / 17.0F;
    }
    return out;
  };
  constexpr int kRequests = 8;
  std::vector<std::vector<float>> rows(kRequests);
  auto scheduler = Scheduler::start({.workers = 1, .queue = 64, .batch = 4}).value();
  std::promise<void> release;
  const std::shared_future<void> go = release.get_future().share();
  ASSERT_TRUE(scheduler->post([go](Worker&) { go.wait(); }));
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(scheduler->post([&, i](Worker&) {
      scheduler->encode({.bundle = bundle,
                         .pixels = pixels_of(i),
                         .count = 1,
                         .done = [&, i](Worker&, const Status& status, const float* row) {
                           MIEN_ASSERT_OK(status);
                           rows[static_cast<std::size_t>(i)].assign(row, row + embed);
                         }});
    }));
  }
  release.set_value();
  scheduler->finish();
  const auto counts = scheduler->counts();
  EXPECT_EQ(counts.faces, kRequests);
  EXPECT_LT(counts.batches, kRequests);
  const auto encoder = bundle->image_encoder().value();
  engine::Session session;
  for (int i = 0; i < kRequests; ++i) {
    std::vector<float> alone(embed);
    MIEN_ASSERT_OK(encoder->encode(pixels_of(i).data(), 1, alone.data(), session));
    ASSERT_EQ(rows[static_cast<std::size_t>(i)].size(), embed);
    for (std::size_t k = 0; k < embed; ++k) {
      EXPECT_NEAR(rows[static_cast<std::size_t>(i)][k], alone[k], 1e-4);
    }
  }
}

}  // namespace
}  // namespace mien::serve
