#include "video/tone_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace mien::video {
namespace {

using Rgb = std::array<double, 3>;

constexpr double kWhite = 203.0;  // cd/m2, BT.2408
constexpr double kPeak = 1000.0;
constexpr double kLinearUpTo = 0.5;  // of kWhite

double pq_light(double v) {
  constexpr double m1 = 2610.0 / 16384, m2 = 2523.0 / 4096 * 128;
  constexpr double c1 = 3424.0 / 4096, c2 = 2413.0 / 4096 * 32, c3 = 2392.0 / 4096 * 32;
  const double p = std::pow(v, 1 / m2);
  return 10'000 * std::pow(std::max(p - c1, 0.0) / (c2 - c3 * p), 1 / m1);
}

double hlg_scene(double v) {
  constexpr double a = 0.17883277, b = 0.28466892, c = 0.55991073;
  return v <= 0.5 ? v * v / 3 : (std::exp((v - c) / a) + b) / 12;
}

// Light on the screen, in units of reference white.
Rgb light_of(const Rgb& v, HdrTransfer transfer) {
  Rgb out{};
  if (transfer == HdrTransfer::kPq) {
    for (std::size_t i = 0; i < 3; ++i) out[i] = pq_light(v[i]) / kWhite;
    return out;
  }
  for (std::size_t i = 0; i < 3; ++i) out[i] = hlg_scene(v[i]);
  const double luminance = 0.2627 * out[0] + 0.6780 * out[1] + 0.0593 * out[2];
  const double gain = kPeak / kWhite * std::pow(std::max(luminance, 1e-9), 0.2);
  for (double& value : out) value *= gain;
  return out;
}

// The Möbius curve: the identity up to kLinearUpTo, then smooth up to 1 at the peak.
double roll_off(double value) {
  constexpr double j = kLinearUpTo, peak = kPeak / kWhite;
  if (value <= j) return value;
  constexpr double a = -j * j * (peak - 1) / (j * j - 2 * j + peak);
  constexpr double b = (j * j - 2 * j * peak + peak) / (peak - 1);
  return (b * b + 2 * b * j + j * j) / (b - a) * (value + a) / (value + b);
}

Rgb to_bt709(const Rgb& v, HdrGamut gamut) {
  constexpr std::array<Rgb, 3> kFrom2020 = {
      Rgb{1.6605, -0.5876, -0.0728}, Rgb{-0.1246, 1.1329, -0.0083}, Rgb{-0.0182, -0.1006, 1.1187}};
  constexpr std::array<Rgb, 3> kFromP3 = {Rgb{1.2249, -0.2247, 0.0}, Rgb{-0.0420, 1.0419, 0.0},
                                          Rgb{-0.0196, -0.0786, 1.0979}};
  if (gamut == HdrGamut::kBt709) return v;
  const auto& matrix = gamut == HdrGamut::kP3 ? kFromP3 : kFrom2020;
  Rgb out{};
  for (std::size_t i = 0; i < 3; ++i) {
    out[i] = std::inner_product(v.begin(), v.end(), matrix[i].begin(), 0.0);
  }
  return out;
}

}  // namespace

ToneMap::ToneMap(HdrTransfer transfer, HdrGamut gamut)
    : table_(static_cast<std::size_t>(kNodes) * kNodes * kNodes * 3) {
  auto out = table_.begin();
  for (int r = 0; r < kNodes; ++r) {
    for (int g = 0; g < kNodes; ++g) {
      for (int b = 0; b < kNodes; ++b) {
        constexpr double kLast = kNodes - 1;
        Rgb light = to_bt709(light_of({r / kLast, g / kLast, b / kLast}, transfer), gamut);
        for (double& value : light) value = std::max(value, 0.0);
        // A single gain for all three channels keeps the hue.
        const double most = std::max({light[0], light[1], light[2], 1e-9});
        const double gain = roll_off(most) / most;
        for (const double value : light) {
          const double shown = std::pow(std::min(value * gain, 1.0), 1 / 2.2);
          *out++ = static_cast<float>(255 * shown);
        }
      }
    }
  }
}

// Tetrahedral interpolation between the nodes, from black to white.
void ToneMap::apply(const std::uint16_t* from, std::uint8_t* to, std::size_t pixels) const {
  constexpr std::array<std::size_t, 3> kStep = {std::size_t{kNodes} * kNodes * 3,
                                                std::size_t{kNodes} * 3, 3};
  constexpr unsigned kFraction = 2048;
  for (std::size_t i = 0; i < pixels; ++i, from += 3, to += 3) {
    std::array<unsigned, 3> part{};
    const float* node = table_.data();
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned at = from[c] + (from[c] >> 15U);  // 0..65536
      const unsigned cell = std::min(at / kFraction, unsigned{kNodes - 2});
      part[c] = at - cell * kFraction;
      node += cell * kStep[c];
    }
    std::array<std::size_t, 3> order = {0, 1, 2};
    if (part[order[0]] < part[order[1]]) std::swap(order[0], order[1]);
    if (part[order[1]] < part[order[2]]) std::swap(order[1], order[2]);
    if (part[order[0]] < part[order[1]]) std::swap(order[0], order[1]);
    std::array<float, 3> sum{};
    unsigned before = kFraction;
    for (std::size_t step = 0; step < 4; ++step) {
      const unsigned now = step < 3 ? part[order[step]] : 0;
      const float weight = static_cast<float>(before - now);
      for (std::size_t c = 0; c < 3; ++c) sum[c] += weight * node[c];
      if (step < 3) node += kStep[order[step]];
      before = now;
    }
    for (std::size_t c = 0; c < 3; ++c) {
      to[c] = static_cast<std::uint8_t>(sum[c] * (1.0F / kFraction) + 0.5F);
    }
  }
}

}  // namespace mien::video
