#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include "support/test_support.h"
#include "unit/checkpoint/builders.h"

namespace mien::checkpoint {
namespace {

using test::bytes_of;
using test::safetensors_file;

const std::string kData(24, '\x01');
const std::string kGood = R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                          R"("b":{"dtype":"I64","shape":[],"data_offsets":[16,24]}})";

// One tensor with the given description.
std::string one(const std::string& info) { return test::join({"{\"t\":{", info, "}}"}); }

void expect_damage(const std::string& header, StatusCode code, std::string_view word,
                   const std::string& data = kData, const Limits& limits = {}) {
  const std::string file = safetensors_file(header, data);
  const auto parsed = parse_safetensors(bytes_of(file), "model", limits);
  MIEN_EXPECT_CODE(parsed, code) << header;
  EXPECT_NE(parsed.status().message().find(word), std::string::npos) << parsed.status().message();
  EXPECT_EQ(parsed.status().message().rfind("model: ", 0), 0U) << parsed.status().message();
}

TEST(Safetensors, ReadsViewsInPlace) {
  const std::string file = safetensors_file(kGood, kData);
  const auto parsed = parse_safetensors(bytes_of(file), "model");
  MIEN_ASSERT_OK(parsed);
  EXPECT_EQ((*parsed)->format(), "safetensors");
  ASSERT_EQ((*parsed)->tensors().size(), 2U);
  const TensorView* a = (*parsed)->find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->shape(), (Shape{2, 2}));
  EXPECT_EQ(reinterpret_cast<const char*>(a->bytes().data()), file.data() + 8 + kGood.size());
  EXPECT_EQ((*parsed)->find("b")->rank(), 0U);
  EXPECT_EQ((*parsed)->find("c"), nullptr);
}

TEST(Safetensors, NoTensorsIsFine) {
  const std::string file = safetensors_file("{}", "");
  const auto parsed = parse_safetensors(bytes_of(file), "model");
  MIEN_ASSERT_OK(parsed);
  EXPECT_TRUE((*parsed)->tensors().empty());
}

TEST(Safetensors, PaddingSpacesAndOrderDoNotMatter) {
  const std::string header =
      R"({"b":{"shape":[2],"data_offsets":[16,24],"dtype":"F32"},)"
      R"("__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}}   )";
  const std::string file = safetensors_file(header, kData);
  const auto parsed = parse_safetensors(bytes_of(file), "model");
  MIEN_ASSERT_OK(parsed);
  EXPECT_EQ((*parsed)->metadata().at("k"), "v");
}

TEST(Safetensors, EmptyTensorsTakeNoBytes) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},)"
                             R"("b":{"dtype":"U8","shape":[24],"data_offsets":[0,24]},)"
                             R"("c":{"dtype":"F32","shape":[0],"data_offsets":[24,24]}})";
  const std::string file = safetensors_file(header, kData);
  MIEN_ASSERT_OK(parse_safetensors(bytes_of(file), "model"));
}

TEST(SafetensorsDamage, Truncated) {
  const std::string file = safetensors_file(kGood, kData);
  for (std::size_t size = 0; size < file.size(); ++size) {
    MIEN_EXPECT_CODE(parse_safetensors(bytes_of(file).first(size), "model"), StatusCode::kCorrupt)
        << size;
  }
}

TEST(SafetensorsDamage, LyingHeaderLength) {
  for (const std::uint64_t length :
       {std::uint64_t{33}, ~std::uint64_t{0}, std::uint64_t{1} << 40}) {
    const std::string file = test::little(length) + "{" + std::string(31, ' ');
    MIEN_EXPECT_CODE(parse_safetensors(bytes_of(file), "model"), StatusCode::kCorrupt) << length;
  }
}

TEST(SafetensorsDamage, HeaderAboveTheLimit) {
  Limits limits;
  limits.max_header_bytes = kGood.size() - 1;
  expect_damage(kGood, StatusCode::kResourceLimit, "header is too long", kData, limits);
}

TEST(SafetensorsDamage, HeaderThatIsNotJson) {
  expect_damage(" {}", StatusCode::kCorrupt, "expected '{' first", "");
  expect_damage("[1, 2]", StatusCode::kCorrupt, "expected '{' first", "");
  expect_damage("{\"a\":}", StatusCode::kCorrupt, "JSON", "");
  expect_damage("{}\n", StatusCode::kCorrupt, "padding", "");
  expect_damage("{}x", StatusCode::kCorrupt, "padding", "");
  expect_damage(std::string("{}\0}", 4), StatusCode::kCorrupt, "NUL", "");
  expect_damage("{\"\xff\":1}", StatusCode::kCorrupt, "JSON", "");
}

TEST(SafetensorsDamage, DuplicateName) {
  const std::string info = R"({"dtype":"U8","shape":[24],"data_offsets":[0,24]})";
  expect_damage(test::join({"{\"a\":", info, ",\"a\":", info, "}"}), StatusCode::kCorrupt,
                "duplicate");
}

TEST(SafetensorsDamage, MetadataThatIsNotText) {
  expect_damage(R"({"__metadata__":{"a":1}})", StatusCode::kCorrupt, "__metadata__", "");
  expect_damage(R"({"__metadata__":"a"})", StatusCode::kCorrupt, "__metadata__", "");
}

TEST(SafetensorsDamage, WrongDtype) {
  for (const char* dtype : {"F8_E4M3", "U64", "f32", "C64", ""}) {
    expect_damage(
        one(std::string(R"("dtype":")") + dtype + R"(","shape":[24],"data_offsets":[0,24])"),
        StatusCode::kUnsupported, std::string("'") + dtype + "'");
  }
  expect_damage(one(R"("dtype":3,"shape":[24],"data_offsets":[0,24])"), StatusCode::kCorrupt,
                "dtype");
}

TEST(SafetensorsDamage, MissingParts) {
  expect_damage(one(R"("shape":[24],"data_offsets":[0,24])"), StatusCode::kCorrupt, "dtype");
  expect_damage(one(R"("dtype":"U8","data_offsets":[0,24])"), StatusCode::kCorrupt, "shape");
  expect_damage(one(R"("dtype":"U8","shape":[24])"), StatusCode::kCorrupt, "data_offsets");
  expect_damage(R"({"t":[1]})", StatusCode::kCorrupt, "'t'");
}

TEST(SafetensorsDamage, OffsetsOutsideOrBackwards) {
  for (const char* offsets : {"[0,25]", "[24,0]", "[-8,16]", "[0,99999999999999999999]", "[0.0,24]",
                              "[0]", "[0,24,24]", "24"}) {
    expect_damage(one(std::string(R"("dtype":"U8","shape":[24],"data_offsets":)") + offsets),
                  StatusCode::kCorrupt, "data_offsets");
  }
}

TEST(SafetensorsDamage, OverflowingProduct) {
  expect_damage(one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,24])"),
                StatusCode::kCorrupt, "overflowing");
  // The product fits, the bytes do not.
  expect_damage(one(R"("dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,24])"),
                StatusCode::kCorrupt, "overflowing");
}

TEST(SafetensorsDamage, SizeThatDiffersFromTheShape) {
  expect_damage(one(R"("dtype":"F32","shape":[5],"data_offsets":[0,24])"), StatusCode::kCorrupt,
                "(expected 20)");
  expect_damage(one(R"("dtype":"F32","shape":[-6],"data_offsets":[0,24])"), StatusCode::kCorrupt,
                "bad size");
  expect_damage(one(R"("dtype":"F32","shape":[6.0],"data_offsets":[0,24])"), StatusCode::kCorrupt,
                "bad size");
}

TEST(SafetensorsDamage, OverlappingRanges) {
  expect_damage(R"({"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]},)"
                R"("b":{"dtype":"U8","shape":[12],"data_offsets":[12,24]}})",
                StatusCode::kCorrupt, "overlaps");
}

TEST(SafetensorsDamage, GapsBetweenRanges) {
  expect_damage(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                R"("b":{"dtype":"U8","shape":[12],"data_offsets":[12,24]}})",
                StatusCode::kCorrupt, "gap");
  expect_damage(one(R"("dtype":"U8","shape":[23],"data_offsets":[1,24])"), StatusCode::kCorrupt,
                "gap");
}

TEST(SafetensorsDamage, UnusedBytesAtTheEnd) {
  expect_damage(one(R"("dtype":"U8","shape":[23],"data_offsets":[0,23])"), StatusCode::kCorrupt,
                "at the end");
  expect_damage("{}", StatusCode::kCorrupt, "at the end");
}

TEST(SafetensorsDamage, TooManyTensors) {
  std::string header = "{";
  for (int i = 0; i < 20; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  Limits limits;
  limits.max_tensors = 19;
  expect_damage(header + "}", StatusCode::kResourceLimit, "too many tensors", "", limits);
  limits.max_tensors = 20;
  const std::string file = safetensors_file(header + "}", "");
  MIEN_ASSERT_OK(parse_safetensors(bytes_of(file), "model", limits));
}

TEST(SafetensorsDamage, TooManyDimensions) {
  expect_damage(one(R"("dtype":"U8","shape":[24,1,1,1,1,1,1,1,1],"data_offsets":[0,24])"),
                StatusCode::kResourceLimit, "dimensions");
}

TEST(SafetensorsDamage, DeepJson) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  expect_damage(test::join({"{\"a\":", deep, "}"}), StatusCode::kResourceLimit, "deep", "");
}

}  // namespace
}  // namespace mien::checkpoint
