#include <gtest/gtest.h>

#include <filesystem>

#include "checkpoint/safetensors.h"
#include "core/file.h"
#include "mien/checkpoint/checkpoint.h"
#include "support/test_support.h"
#include "unit/checkpoint/builders.h"

namespace mien::checkpoint {
namespace {

class Shards : public testing::Test {
 protected:
  void SetUp() override {
    const Tensor a = Tensor::from_f32({2}, {1.0F, 2.0F});
    const Tensor b = Tensor::from_f32({1}, {3.0F});
    MIEN_ASSERT_OK(
        write_safetensors(folder_ / "1.safetensors", {{"a", a}, {"x", b}}, {{"format", "pt"}}));
    MIEN_ASSERT_OK(write_safetensors(folder_ / "2.safetensors", {{"b", b}}));
    const std::string torch = test::torch_zip(
        test::pickle::map({{"c", test::pickle::tensor({{1}, {1}, 0, 1})}}), test::floats({4.0F}));
    test::write_bytes((folder_ / "3.bin").string(), torch);
  }

  Result<std::shared_ptr<const Checkpoint>> open(const std::string& index,
                                                 const Limits& limits = {}) {
    test::write_bytes((folder_ / "model.index.json").string(), index);
    return open_checkpoint(folder_ / "model.index.json", limits);
  }

  test::TempDir folder_;
};

TEST_F(Shards, SafetensorsShardsAreOneCheckpoint) {
  const auto file = open(
      R"({"metadata":{"total_size":12},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  MIEN_ASSERT_OK(file);
  EXPECT_EQ((*file)->format(), "safetensors-shards");
  ASSERT_EQ((*file)->tensors().size(), 2U);
  EXPECT_EQ((*file)->metadata().at("format"), "pt");
  const TensorView* a = (*file)->find("a");
  (*file)->release(*a);
  const auto values = to_f32(*a);
  MIEN_ASSERT_OK(values);
  EXPECT_EQ(values->f32()[1], 2.0F);
}

TEST_F(Shards, TorchShards) {
  const auto file = open(R"({"weight_map":{"c":"3.bin"}})");
  MIEN_ASSERT_OK(file);
  EXPECT_EQ((*file)->format(), "torch-shards");
}

TEST_F(Shards, PathsOutsideTheFolderAreRejected) {
  std::filesystem::create_directory(folder_ / "sub");
  std::filesystem::copy(folder_ / "1.safetensors", folder_ / "sub" / "1.safetensors");
  for (const char* name : {"../1.safetensors", "sub/1.safetensors", "/etc/passwd", "..", ".", "",
                           "sub\\\\1.safetensors", "a\\u0000b", "c:1.safetensors"}) {
    const auto file = open(std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    MIEN_EXPECT_CODE(file, StatusCode::kCorrupt) << name;
  }
  MIEN_EXPECT_CODE(open(R"({"weight_map":{"a":1}})"), StatusCode::kCorrupt);
}

TEST_F(Shards, TensorNotInItsFile) {
  MIEN_EXPECT_CODE(open(R"({"weight_map":{"b":"1.safetensors"}})"), StatusCode::kCorrupt);
}

TEST_F(Shards, MissingShard) {
  MIEN_EXPECT_CODE(open(R"({"weight_map":{"a":"9.safetensors"}})"), StatusCode::kNotFound);
}

TEST_F(Shards, TwoFormats) {
  MIEN_EXPECT_CODE(open(R"({"weight_map":{"a":"1.safetensors","c":"3.bin"}})"),
                   StatusCode::kUnsupported);
}

TEST_F(Shards, DamagedIndex) {
  MIEN_EXPECT_CODE(open(""), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(open("{\"weight_map\":"), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(open(R"({"weight_map":{"a":"1.safetensors","a":"1.safetensors"}})"),
                   StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(open("{}"), StatusCode::kUnsupported);
  MIEN_EXPECT_CODE(open(R"({"weight_map":{}})"), StatusCode::kUnsupported);
  MIEN_EXPECT_CODE(open("[1]"), StatusCode::kUnsupported);
  Limits limits;
  limits.max_tensors = 1;
  MIEN_EXPECT_CODE(open(R"({"weight_map":{"a":"1.safetensors","x":"1.safetensors"}})", limits),
                   StatusCode::kResourceLimit);
}

TEST_F(Shards, AnIndexIsNotAShard) {
  test::write_bytes((folder_ / "loop.json").string(), "{}");
  MIEN_EXPECT_CODE(open(R"({"weight_map":{"a":"model.index.json"}})"), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::checkpoint
