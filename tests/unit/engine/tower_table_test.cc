// Every alternative of the towers has a whole row.
#include "engine/towers/table.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/architecture_parts.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

static_assert(std::tuple_size_v<decltype(kImageKinds)> == std::variant_size_v<ImageTower>);
static_assert(std::tuple_size_v<decltype(kTextKinds)> == std::variant_size_v<TextTower>);
static_assert(std::tuple_size_v<decltype(kTemporalKinds)> == std::variant_size_v<TemporalTower>);

// Calls `use` with default sizes of every alternative.
template <class Tower, std::size_t... kIndex, class Use>
void for_each_alternative(std::index_sequence<kIndex...> /*all*/, Use use) {
  (use(std::variant_alternative_t<kIndex, Tower>()), ...);
}
template <class Tower, class Use>
void for_each_alternative(Use use) {
  for_each_alternative<Tower>(std::make_index_sequence<std::variant_size_v<Tower>>(), use);
}

template <class Kind>
void expect_common_parts(const Kind& kind, std::set<std::string>& types) {
  EXPECT_FALSE(kind.type.empty());
  EXPECT_FALSE(kind.name.empty());
  EXPECT_NE(kind.parse, nullptr) << kind.type;
  EXPECT_NE(kind.write, nullptr) << kind.type;
  EXPECT_NE(kind.check, nullptr) << kind.type;
  EXPECT_NE(kind.add_tensors, nullptr) << kind.type;
  EXPECT_NE(kind.load, nullptr) << kind.type;
  EXPECT_NE(kind.describe, nullptr) << kind.type;
  EXPECT_TRUE(types.insert(std::string(kind.type)).second) << "duplicate type " << kind.type;
}

TEST(TowerTable, EveryImageTowerHasAWholeRow) {
  std::set<std::string> types;
  for_each_alternative<ImageTower>([&](const auto& sizes) {
    const auto& kind = kind_of(sizes);
    expect_common_parts(kind, types);
    EXPECT_NE(kind.model_name, nullptr) << kind.type;
    EXPECT_NE(kind.operations, nullptr) << kind.type;
    EXPECT_NE(kind.has_projection, nullptr) << kind.type;
  });
  EXPECT_EQ(types.size(), std::variant_size_v<ImageTower>);
}

TEST(TowerTable, EveryTextTowerHasAWholeRow) {
  std::set<std::string> types;
  for_each_alternative<TextTower>([&](const auto& sizes) {
    const auto& kind = kind_of(sizes);
    expect_common_parts(kind, types);
    EXPECT_NE(kind.parse_tokenizer, nullptr) << kind.type;
    EXPECT_FALSE(kind.projections.empty()) << kind.type;
  });
  EXPECT_EQ(types.size(), std::variant_size_v<TextTower>);
}

TEST(TowerTable, EveryTemporalModelHasAWholeRow) {
  std::set<std::string> types;
  for_each_alternative<TemporalTower>(
      [&](const auto& sizes) { expect_common_parts(kind_of(sizes), types); });
  EXPECT_EQ(types.size(), std::variant_size_v<TemporalTower>);
}

TEST(TowerTable, UnknownKindsAreRefusedWithTheListOfKnownOnes) {
  Architecture a;
  a.embed = 64;
  a.image = VitSizes{.image_size = 32, .patch = 8, .width = 64, .layers = 1, .heads = 1, .mlp = 64};
  Json json = a.to_json();
  MIEN_ASSERT_OK(Architecture::parse(json, "a"));
  const auto problem = [&](const char* part) {
    Json other = json;
    other.set(part, *Json::parse(R"({"type": "mamba"})"));
    const Status status = Architecture::parse(other, "a").status();
    EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    return status.message();
  };
  EXPECT_EQ(problem("image"),
            "a.image: unknown image tower 'mamba' (expected vit, residual or swin)");
  EXPECT_EQ(problem("text"), "a.text: unknown text tower 'mamba' (expected clip_text or words)");
  EXPECT_EQ(problem("temporal"),
            "a.temporal: unknown temporal model 'mamba' (expected transformer or attention_pool)");
}

TEST(TowerTable, TheActivationIsSetWhereItIsAChoice) {
  Architecture a;
  a.image = VitSizes{};
  a.text = WordTextSizes{};
  EXPECT_TRUE(set_activation(a, kernels::Activation::kGelu));
  EXPECT_EQ(std::get<VitSizes>(a.image).activation, kernels::Activation::kGelu);
  EXPECT_EQ(std::get<WordTextSizes>(*a.text).activation, kernels::Activation::kQuickGelu);
  a.image = SwinSizes{};
  EXPECT_FALSE(set_activation(a, kernels::Activation::kGelu));
  a.text = ClipTextSizes{};
  EXPECT_TRUE(set_activation(a, kernels::Activation::kGelu));
  EXPECT_EQ(std::get<ClipTextSizes>(*a.text).activation, kernels::Activation::kGelu);
}

// Worked by hand: 16 patches and the class token, width 64, one block, embed 32.
TEST(TowerTable, OperationsOfOnePicture) {
  const VitSizes vit = {
      .image_size = 32, .patch = 8, .width = 64, .layers = 1, .heads = 1, .mlp = 128};
  const double patches = 2.0 * 16 * 3 * 64 * 64;
  const double block = 2.0 * 17 * 64 * (4 * 64 + 2 * 128) + 4.0 * 17 * 17 * 64;
  EXPECT_EQ(kVitKind.operations(vit, 32), patches + block + 2.0 * 64 * 32);
  // Stem of 3 x 3 over one plane, then one block that halves the picture with a shortcut.
  const ResidualSizes residual = {.image_size = 8, .stem_width = 4, .widths = {8}, .blocks = {1}};
  EXPECT_EQ(kResidualKind.operations(residual, 32),
            2.0 * (64 * 9 * 4 + 16 * 9 * (4 * 8 + 8 * 8) + 16 * 4 * 8));
}

}  // namespace
}  // namespace mien::engine
