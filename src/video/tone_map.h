#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mien::video {

/// Transfer function of high dynamic range: how its numbers represent light.
enum class HdrTransfer { kNone, kPq, kHlg };
enum class HdrGamut { kBt2020, kP3, kBt709 };

/// Converts high dynamic range to ordinary 8-bit RGB as a screen of 203 cd/m2 shows it: up to half
/// of that luminance is unchanged, brighter parts roll off towards white (up to 1000 cd/m2),
/// colours outside BT.709 are clipped. Threads: const after construction.
/// Source: BT.2100 (transfer functions, OOTF), BT.2408 (reference white), BT.2087 (gamut).
class ToneMap {
 public:
  /// Precondition: `transfer` is not kNone.
  ToneMap(HdrTransfer transfer, HdrGamut gamut);
  /// `pixels`: number of triples of non-linear R'G'B' values in full-range 16 bits.
  void apply(const std::uint16_t* from, std::uint8_t* to, std::size_t pixels) const;

 private:
  static constexpr int kNodes = 33;
  std::vector<float> table_;  // [r][g][b][3], 0..255
};

}  // namespace mien::video
