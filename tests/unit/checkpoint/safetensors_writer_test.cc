#include <gtest/gtest.h>

#include <algorithm>

#include "checkpoint/safetensors.h"
#include "core/file.h"
#include "support/test_support.h"

namespace mien::checkpoint {
namespace {

constexpr DType kAll[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI8,
                          DType::kU8,  DType::kI16, DType::kI32,  DType::kI64, DType::kBool};

template <class T>
Tensor tensor_of(DType dtype, Shape shape, std::initializer_list<T> values) {
  Tensor out(dtype, std::move(shape));
  MIEN_CHECK(out.bytes().size() == values.size() * sizeof(T));
  std::copy(values.begin(), values.end(), reinterpret_cast<T*>(out.mutable_bytes().data()));
  return out;
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST(SafetensorsWriter, GivesTheFileMadeByHand) {
  const test::TempDir folder;
  const Tensor half = tensor_of<std::uint16_t>(
      DType::kF16, {3}, {float_to_half(1.0F), float_to_half(-2.5F), float_to_half(0.125F)});
  const Tensor full = Tensor::from_f32({2, 2}, {1.5F, -2.0F, 3.25F, 0.0F});
  const Tensor scalar = tensor_of<std::int64_t>(DType::kI64, {}, {-7});
  const Tensor none(DType::kBF16, {0, 4});
  MIEN_ASSERT_OK(
      write_safetensors(folder / "out.safetensors",
                        {{"b.half", half}, {"a.float", full}, {"scalar", scalar}, {"none", none}},
                        {{"format", "mien"},
                         {"note",
                          "gr\xc3\xbc\xc3\x9f"
                          "e \"q\""}}));
  const auto written = read_file(folder / "out.safetensors", 1 << 20);
  const auto by_hand = read_file(test::golden("checkpoint/hand.safetensors"), 1 << 20);
  MIEN_ASSERT_OK(written);
  MIEN_ASSERT_OK(by_hand);
  EXPECT_EQ(*written, *by_hand);
}

TEST(SafetensorsWriter, RoundTripsEveryDtypeAndBitPattern) {
  const test::TempDir folder;
  std::vector<Tensor> tensors;
  for (const DType dtype : kAll) {
    Tensor tensor(dtype, {3, 1, 43});
    unsigned value = static_cast<unsigned>(dtype);
    // All byte values occur, and so do NaNs and infinities.
    for (std::byte& byte : tensor.mutable_bytes()) byte = static_cast<std::byte>(value += 37);
    tensors.push_back(std::move(tensor));
  }
  NamedTensors named;
  for (const Tensor& tensor : tensors) {
    named.emplace_back("t." + std::string(to_string(tensor.dtype())), tensor.view());
  }
  MIEN_ASSERT_OK(write_safetensors(folder / "a.safetensors", named));
  const auto read = open_checkpoint(folder / "a.safetensors");
  MIEN_ASSERT_OK(read);
  EXPECT_TRUE((*read)->metadata().empty());
  ASSERT_EQ((*read)->tensors().size(), named.size());
  for (const auto& [name, view] : named) {
    const TensorView* back = (*read)->find(name);
    ASSERT_NE(back, nullptr) << name;
    EXPECT_EQ(back->dtype(), view.dtype());
    EXPECT_EQ(back->shape(), view.shape());
    EXPECT_TRUE(same_bytes(back->bytes(), view.bytes())) << name;
  }
}

TEST(SafetensorsWriter, DataStartsAtAMultipleOf64) {
  const test::TempDir folder;
  const Tensor tensor = Tensor::from_f32({1}, {1.0F});
  for (std::size_t length = 1; length < 70; ++length) {
    MIEN_ASSERT_OK(write_safetensors(folder / "a", {{std::string(length, 'n'), tensor}}));
    const auto bytes = read_file(folder / "a", 1 << 20);
    MIEN_ASSERT_OK(bytes);
    EXPECT_EQ((bytes->size() - sizeof(float)) % 64, 0U) << length;
    MIEN_ASSERT_OK(parse_safetensors(*bytes, "a"));
  }
}

TEST(SafetensorsWriter, NothingToWriteIsFine) {
  const test::TempDir folder;
  MIEN_ASSERT_OK(write_safetensors(folder / "a", {}, {{"k", "v"}}));
  const auto read = open_safetensors(folder / "a");
  MIEN_ASSERT_OK(read);
  EXPECT_TRUE((*read)->tensors().empty());
  EXPECT_EQ((*read)->metadata().at("k"), "v");
}

TEST(SafetensorsWriter, RejectsNamesThatCannotBeReadBack) {
  const test::TempDir folder;
  const Tensor tensor = Tensor::from_f32({1}, {1.0F});
  const NamedTensors bad[] = {
      {{"a", tensor}, {"a", tensor}}, {{"__metadata__", tensor}}, {{"\xff", tensor}}};
  for (const NamedTensors& tensors : bad) {
    MIEN_EXPECT_CODE(write_safetensors(folder / "a", tensors), StatusCode::kInvalidArgument);
  }
  MIEN_EXPECT_CODE(write_safetensors(folder / "a", {}, {{"k", "\xff"}}),
                   StatusCode::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, FailureLeavesTheOldFile) {
  const test::TempDir folder;
  MIEN_EXPECT_CODE(write_safetensors(folder / "missing" / "a", {}), StatusCode::kNotFound);
  MIEN_ASSERT_OK(write_file_atomically(folder / "a", "old"));
  const Tensor tensor = Tensor::from_f32({1}, {1.0F});
  MIEN_EXPECT_CODE(write_safetensors(folder / "a", {{"x", tensor}, {"x", tensor}}),
                   StatusCode::kInvalidArgument);
  const auto kept = read_text_file(folder / "a", 100);
  MIEN_ASSERT_OK(kept);
  EXPECT_EQ(*kept, "old");
}

}  // namespace
}  // namespace mien::checkpoint
