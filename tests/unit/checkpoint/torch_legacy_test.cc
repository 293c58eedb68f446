#include <gtest/gtest.h>

#include "checkpoint/torch_zip.h"
#include "support/test_support.h"
#include "unit/checkpoint/builders.h"

namespace mien::checkpoint {
namespace {

using namespace test::pickle;  // NOLINT: the pieces read like the program
using test::bytes_of;
using test::floats;
using test::little;
using test::torch_legacy;

const std::string kKeys = test::join({"](", text("0"), "e"});
const std::string kLegacyData = little<std::uint64_t>(6) + floats({0, 1, 2, 3, 4, 5});

test::pickle::Tensor legacy_six() { return {{6}, {1}, 0, 6}; }

void expect_legacy_damage(const std::string& file, StatusCode code, std::string_view word) {
  const auto parsed = parse_torch(bytes_of(file), "file");
  MIEN_EXPECT_CODE(parsed, code) << word;
  EXPECT_NE(parsed.status().message().find(word), std::string::npos) << parsed.status().message();
}

TEST(TorchLegacy, ReadsStoragesAfterThePickles) {
  const std::string file = torch_legacy(map({{"w", tensor(legacy_six())}}), kKeys, kLegacyData);
  const auto parsed = parse_torch(bytes_of(file), "file");
  MIEN_ASSERT_OK(parsed);
  EXPECT_EQ((*parsed)->format(), "torch-legacy");
  EXPECT_EQ((*parsed)->find("w")->size(), 6U);
}

TEST(TorchLegacy, StorageViewsAreOffset) {
  auto view = legacy_six();
  view.shape = {3};
  view.offset = 1;
  view.legacy_view = tuple({text("7"), number(2), number(4)});
  const std::string file = torch_legacy(map({{"w", tensor(view)}}), kKeys, kLegacyData);
  const auto parsed = parse_torch(bytes_of(file), "file");
  MIEN_ASSERT_OK(parsed);
  const auto values = to_f32(*(*parsed)->find("w"));
  MIEN_ASSERT_OK(values);
  EXPECT_EQ(std::vector<float>(values->f32().begin(), values->f32().end()),
            (std::vector<float>{3, 4, 5}));
}

TEST(TorchLegacyDamage, ViewOutsideItsStorage) {
  auto view = legacy_six();
  view.legacy_view = tuple({text("7"), number(3), number(4)});
  expect_legacy_damage(torch_legacy(map({{"w", tensor(view)}}), kKeys, kLegacyData),
                       StatusCode::kCorrupt, "outside");
  view.shape = {4};
  view.legacy_view = tuple({text("7"), number(2), number(3)});
  expect_legacy_damage(torch_legacy(map({{"w", tensor(view)}}), kKeys, kLegacyData),
                       StatusCode::kCorrupt, "beyond");
  view.legacy_view = tuple({text("7"), number(2)});
  expect_legacy_damage(torch_legacy(map({{"w", tensor(view)}}), kKeys, kLegacyData),
                       StatusCode::kCorrupt, "view");
}

TEST(TorchLegacyDamage, Truncated) {
  const std::string file = torch_legacy(map({{"w", tensor(legacy_six())}}), kKeys, kLegacyData);
  for (std::size_t size = 0; size < file.size(); ++size) {
    MIEN_EXPECT_CODE(parse_torch(bytes_of(file).first(size), "file"), StatusCode::kCorrupt) << size;
  }
}

TEST(TorchLegacyDamage, StorageOfTheWrongSize) {
  const std::string body = map({{"w", tensor(legacy_six())}});
  expect_legacy_damage(
      torch_legacy(body, kKeys, little<std::uint64_t>(7) + floats({0, 1, 2, 3, 4, 5, 6})),
      StatusCode::kCorrupt, "another size");
  expect_legacy_damage(torch_legacy(body, kKeys, little(~std::uint64_t{0})), StatusCode::kCorrupt,
                       "another size");
}

TEST(TorchLegacyDamage, MismatchedKeys) {
  const std::string body = map({{"w", tensor(legacy_six())}});
  expect_legacy_damage(torch_legacy(body, test::join({"](", text("1"), "e"}), kLegacyData),
                       StatusCode::kCorrupt, "does not belong to a tensor");
  expect_legacy_damage(torch_legacy(body, "]", kLegacyData), StatusCode::kCorrupt, "missing");
  expect_legacy_damage(torch_legacy(body, "N", kLegacyData), StatusCode::kCorrupt, "keys");
  expect_legacy_damage(
      torch_legacy(body, test::join({"](", text("0"), text("0"), "e"}), kLegacyData + kLegacyData),
      StatusCode::kCorrupt, "duplicate");
}

TEST(TorchLegacyDamage, StorageWithTwoDescriptions) {
  auto other = legacy_six();
  other.type = "HalfStorage";
  expect_legacy_damage(
      torch_legacy(map({{"a", tensor(legacy_six())}, {"b", tensor(other)}}), kKeys, kLegacyData),
      StatusCode::kCorrupt, "two different descriptions");
}

TEST(TorchLegacyDamage, OtherPicklesAreNamed) {
  expect_legacy_damage(program(map({{"a", number(1)}})), StatusCode::kUnsupported, "magic number");
  expect_legacy_damage(program(call(global("os", "system"), {text("x")})), StatusCode::kUnsupported,
                       "os.system");
}

TEST(TorchLegacyDamage, HostileObject) {
  expect_legacy_damage(torch_legacy(call(global("builtins", "eval"), {text("1")}), "]", ""),
                       StatusCode::kUnsupported, "builtins.eval");
}

TEST(TorchLegacyDamage, TarFormIsUnsupported) {
  std::string tar(1024, '\0');
  tar.replace(0, 7, "storage");
  tar.replace(257, 5, "ustar");
  expect_legacy_damage(tar, StatusCode::kUnsupported, "tar");
}

}  // namespace
}  // namespace mien::checkpoint
