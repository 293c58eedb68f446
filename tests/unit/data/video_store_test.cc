#include "data/video_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "mien/data/manifest.h"
#include "mien/image/decode.h"
#include "mien/video/writer.h"
#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr int kFrames = 70;  // more than are read on without a seek

// A clip whose frame i is grey 3 i, which survives any codec within a few steps.
class VideoStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    video::WriterOptions size;
    size.width = 64;
    size.height = 48;
    auto writer = video::open_writer(dir_ / "c.mp4", size);
    ASSERT_TRUE(writer.ok()) << writer.status().message();
    for (int i = 0; i < kFrames; ++i) {
      image::Image picture(64, 48);
      for (auto& value : picture.pixels()) value = static_cast<std::uint8_t>(3 * i);
      MIEN_ASSERT_OK((*writer)->write(picture, 40'000 * i));
    }
    MIEN_ASSERT_OK((*writer)->finish());
    const auto files = Store::open(dir_.path());
    ASSERT_TRUE(files.ok());
    store_ = std::make_unique<VideoStore>(*files, Limits{});
  }
  int grey(int frame) const {
    const auto bytes = store_->read("c.mp4#" + std::to_string(frame));
    if (!bytes.ok()) return -1;
    const auto picture = image::decode(*bytes);
    return picture.ok() ? picture->pixels()[3 * 64 * 24 + 96] : -2;
  }
  void write(const char* name, std::string_view text) { std::ofstream(dir_ / name) << text; }

  test::TempDir dir_;
  std::unique_ptr<VideoStore> store_;
};

TEST_F(VideoStoreTest, FramesInAnyOrder) {
  const auto frames = store_->frames("c.mp4");
  ASSERT_TRUE(frames.ok()) << frames.status().message();
  ASSERT_THAT(*frames, SizeIs(kFrames));
  EXPECT_EQ(frames->back(), "c.mp4#69");
  for (const int i : {0, 1, 2, 9, 60, 61, 3, 69, 0, 33}) EXPECT_NEAR(grey(i), 3 * i, 6) << i;
}

TEST_F(VideoStoreTest, FromSeveralThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([this, t] {
      for (int i = t; i < kFrames; i += 5) EXPECT_NEAR(grey(i), 3 * i, 6) << i;
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(VideoStoreTest, OtherNamesAreThoseOfTheFiles) {
  write("a.txt", "text");
  EXPECT_TRUE(store_->read("a.txt").ok());
  EXPECT_TRUE(store_->contains("a.txt"));
  EXPECT_TRUE(store_->contains("c.mp4#3"));
  EXPECT_FALSE(store_->contains("d.mp4#3"));
  EXPECT_EQ(test::code_of(store_->read("c.mp4#70")), StatusCode::kNotFound);
  EXPECT_FALSE(store_->read("c.mp4#x").ok());
  EXPECT_FALSE(store_->read("d.mp4#0").ok());
  EXPECT_FALSE(store_->read("../c.mp4#0").ok());
  write("e.mp4", "no video");
  EXPECT_FALSE(store_->read("e.mp4#0").ok());
}

TEST_F(VideoStoreTest, AManifestNamesVideosInFoldersAndTars) {
  write("m.csv", "path,label\nc.mp4,sad\nnone.mp4,happy\n");
  const std::string tar = "tar -cf " + (dir_ / "t.tar").string() + " -C " + dir_.path().string() +
                          " c.mp4 && cp " + (dir_ / "m.csv").string() + " " +
                          (dir_ / "t.csv").string();
  ASSERT_EQ(std::system(tar.c_str()), 0);
  for (const char* name : {"m.csv", "t.csv"}) {
    const auto manifest = load_manifest(dir_ / name);
    ASSERT_TRUE(manifest.ok()) << manifest.status().message();
    EXPECT_EQ(manifest->samples[0].id, "c.mp4");
    ASSERT_THAT(manifest->samples[0].frames, SizeIs(kFrames));
    EXPECT_TRUE(manifest->store->read(manifest->samples[0].frames[7]).ok());
    EXPECT_THAT(manifest->samples[1].frames, SizeIs(1));
    EXPECT_FALSE(manifest->store->read(manifest->samples[1].frames[0]).ok());
  }
}

TEST_F(VideoStoreTest, APixelSetHasNoVideos) {
  class Pictures final : public Store {
   public:
    Result<std::vector<std::byte>> read(std::string_view) const override { return not_found("x"); }
    bool contains(std::string_view) const override { return false; }
    Result<std::vector<std::string>> list(std::string_view) const override {
      return std::vector<std::string>();
    }
    Result<std::vector<std::string>> list_folders(std::string_view) const override {
      return std::vector<std::string>();
    }
  };
  EXPECT_THAT(test::problem_of(Pictures().open_video("a.mp4", {})),
              HasSubstr("videos are not supported in this data set"));
}

}  // namespace
}  // namespace mien::data
