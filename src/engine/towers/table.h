#pragma once

// One row per kind of tower, in the order of the variants of mien/engine/architecture.h. Each row
// is filled in the file of its kind, beside this one; nothing else names a kind.

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "engine/towers/image_tower.h"
#include "engine/towers/temporal_tower.h"
#include "engine/towers/text_tower.h"

namespace mien::engine {

extern const ImageKind<VitSizes> kVitKind;
extern const ImageKind<ResidualSizes> kResidualKind;
extern const ImageKind<SwinSizes> kSwinKind;
inline constexpr auto kImageKinds = std::tie(kVitKind, kResidualKind, kSwinKind);

extern const TextKind<ClipTextSizes> kClipTextKind;
extern const TextKind<WordTextSizes> kWordTextKind;
inline constexpr auto kTextKinds = std::tie(kClipTextKind, kWordTextKind);

extern const TemporalKind<TemporalTransformerSizes> kTemporalTransformerKind;
extern const TemporalKind<AttentionPoolSizes> kAttentionPoolKind;
inline constexpr auto kTemporalKinds = std::tie(kTemporalTransformerKind, kAttentionPoolKind);

// Without a row for an alternative these do not compile.
template <class Sizes>
requires std::is_constructible_v<ImageTower, Sizes>
const ImageKind<Sizes>& kind_of(const Sizes& /*sizes*/) {
  return std::get<const ImageKind<Sizes>&>(kImageKinds);
}
template <class Sizes>
requires std::is_constructible_v<TextTower, Sizes>
const TextKind<Sizes>& kind_of(const Sizes& /*sizes*/) {
  return std::get<const TextKind<Sizes>&>(kTextKinds);
}
template <class Sizes>
requires std::is_constructible_v<TemporalTower, Sizes>
const TemporalKind<Sizes>& kind_of(const Sizes& /*sizes*/) {
  return std::get<const TemporalKind<Sizes>&>(kTemporalKinds);
}

/// Calls `use(row, sizes)` with the row of the kind that `tower` is.
template <class Tower, class Use>
decltype(auto) with_kind(Tower& tower, Use&& use) {
  return std::visit([&](auto& sizes) -> decltype(auto) { return use(kind_of(sizes), sizes); },
                    tower);
}

/// Calls `use(row)` for every row.
template <class Kinds, class Use>
void for_each_kind(const Kinds& kinds, Use&& use) {
  std::apply([&](const auto&... row) { (use(row), ...); }, kinds);
}

/// "vit, residual or swin".
template <class Kinds>
std::string type_list(const Kinds& kinds) {
  std::string out;
  std::size_t left = std::tuple_size_v<Kinds>;
  for_each_kind(kinds, [&](const auto& row) {
    --left;
    out += row.type;
    if (left > 0) out += left == 1 ? " or " : ", ";
  });
  return out;
}

}  // namespace mien::engine
