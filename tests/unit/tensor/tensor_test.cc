#include "mien/tensor/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "support/test_support.h"

namespace mien {
namespace {

TEST(Tensor, ShapesAndCounts) {
  EXPECT_EQ(element_count({}), 1U);
  EXPECT_EQ(element_count({2, 0, 3}), 0U);
  EXPECT_FALSE(element_count({INT64_MAX, 3}));
  EXPECT_FALSE(element_count({-1}));
  EXPECT_EQ(to_string(Shape{2, 3}), "[2, 3]");
  EXPECT_EQ(find_dtype("BF16"), DType::kBF16);
  EXPECT_FALSE(find_dtype("F8"));
}

TEST(Tensor, OwnsZeroedAlignedMemory) {
  Tensor t(DType::kF32, {3, 5});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.bytes().data()) % 64, 0U);
  for (const float v : t.f32()) EXPECT_EQ(v, 0.0F);
  t.f32()[4] = 2.0F;
  EXPECT_EQ(t.clone().f32()[4], 2.0F);
  EXPECT_EQ(Tensor(DType::kF32, {0}).size(), 0U);
  EXPECT_THROW(Tensor(DType::kF32, {INT64_MAX, 8}), ContractError);
}

TEST(Half, AllBitPatternsRoundTrip) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
    } else {
      EXPECT_EQ(float_to_half(value), half);
    }
    const float wide = bf16_to_float(half);
    if (!std::isnan(wide)) {
      EXPECT_EQ(float_to_bf16(wide), half);
    }
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(float_to_half(1.0F + 0x1.0p-11F), 0x3C00);
  EXPECT_EQ(float_to_half(1.0F + 0x1.8p-10F), 0x3C02);
  EXPECT_EQ(float_to_half(65519.0F), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0F), 0x7C00);
  EXPECT_EQ(float_to_half(0x1.0p-25F), 0);
  EXPECT_EQ(float_to_half(0x1.8p-25F), 1);
  EXPECT_EQ(float_to_bf16(1.0F + 0x1.0p-8F), 0x3F80);
  EXPECT_EQ(float_to_bf16(1.0F + 0x1.8p-7F), 0x3F82);
}

TEST(ToF32, ConvertsUnalignedBytes) {
  std::vector<std::byte> raw(1 + 3 * 2);
  const std::uint16_t halves[3] = {0x3C00, 0xC000, 0x0001};
  std::memcpy(raw.data() + 1, halves, 6);
  const auto out = to_f32(TensorView(DType::kF16, {3}, std::span<const std::byte>(raw).subspan(1)));
  MIEN_ASSERT_OK(out);
  EXPECT_EQ(out->f32()[0], 1.0F);
  EXPECT_EQ(out->f32()[1], -2.0F);
  EXPECT_EQ(out->f32()[2], 0x1.0p-24F);
  const Tensor ints(DType::kI64, {2});
  MIEN_EXPECT_CODE(to_f32(ints), StatusCode::kUnsupported);
  EXPECT_EQ(ints.view().as<std::int64_t>().size(), 2U);
  EXPECT_THROW((void)ints.view().as<float>(), ContractError);
}

}  // namespace
}  // namespace mien
