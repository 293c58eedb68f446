// Compiled once per instruction set with MIEN_HOG_ENTRY set; CMakeLists.txt hides every symbol but
// the entry, so that no code compiled here for AVX2 can be linked into other callers.
//
// It computes what dlib's fhog_object_detector computes (features of Felzenszwalb et al., PAMI
// 2010; five filters; pyramid of 5/6), with other loops: features are planar, histograms are filled
// by comparing whole vectors with each orientation, and all filters of a plane share its pixels in
// cache. Sums are added in another order, so scores differ from dlib's in the sixth digit.
#include "face/hog_kernel.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <vector>

namespace {

using mien::face::HogFilters;
using mien::face::HogHit;
using mien::face::HogTerm;

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

constexpr int kCell = 8;     // pixels
constexpr int kWindow = 10;  // cells
constexpr int kBorder = 4;   // empty cells above and to the left of the features
constexpr int kOrientations = 18;
constexpr int kPlanes = 31;
constexpr int kDetectors = 5;
constexpr int kSmallestLevel = 64;

using Floats [[gnu::vector_size(4 * kLanes)]] = float;
using Ints [[gnu::vector_size(4 * kLanes)]] = std::int32_t;
using Bytes [[gnu::vector_size(16)]] = std::uint8_t;

template <class Vector>
Vector load(const void* from) {
  Vector out;
  std::memcpy(&out, from, sizeof(out));
  return out;
}

void store(float* to, Floats value) { std::memcpy(to, &value, sizeof(value)); }

Floats all(float value) { return Floats{} + value; }

/// The square root of integers; a Newton step makes the fast inverse square root exact in float.
Floats root(Floats value) {
#if defined(__AVX512F__)
  const Floats quick =
      _mm512_maskz_rsqrt14_ps(_mm512_cmp_ps_mask(value, Floats{}, _CMP_GT_OQ), value);
  return value * quick * (1.5F - 0.5F * value * quick * quick);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(value);
#else
  for (int i = 0; i < kLanes; ++i) value[i] = std::sqrt(value[i]);
  return value;
#endif
}

Ints widen(const std::uint8_t* from) {
#if defined(__AVX512F__)
  __m128i bytes;
  std::memcpy(&bytes, from, sizeof(bytes));
  return reinterpret_cast<Ints>(_mm512_maskz_cvtepu8_epi32(0xFFFF, bytes));
#elif defined(__AVX2__)
  return reinterpret_cast<Ints>(
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
#else
  return Ints{from[0], from[1], from[2], from[3]};
#endif
}

Floats least(Floats a, Floats b) { return a < b ? a : b; }

/// Adds `first` to `sum` and `second` to `other` in the lanes in which `which` equals `wanted`.
void add_where(Ints which, int wanted, Floats first, Floats second, Floats& sum, Floats& other) {
#if defined(__AVX512F__)
  const auto lanes =
      _mm512_cmpeq_epi32_mask(reinterpret_cast<__m512i>(which), _mm512_set1_epi32(wanted));
  sum = _mm512_mask_add_ps(sum, lanes, sum, first);
  other = _mm512_mask_add_ps(other, lanes, other, second);
#else
  const Ints lanes = which == wanted;
  sum += reinterpret_cast<Floats>(reinterpret_cast<Ints>(first) & lanes);
  other += reinterpret_cast<Floats>(reinterpret_cast<Ints>(second) & lanes);
#endif
}

int round_up(int value) { return (value + kLanes - 1) / kLanes * kLanes; }

struct Grey {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;

  const std::uint8_t* row(int y) const {
    return pixels.data() + static_cast<std::ptrdiff_t>(y) * width;
  }
};

/// Shrinks to 5/6 by bilinear interpolation. Positions along a row are accumulated in float, as in
/// dlib.
class Shrinker {
 public:
  void run(const Grey& from, Grey& to) {
    to.width = 5 * from.width / 6;
    to.height = 5 * from.height / 6;
    to.pixels.resize(static_cast<std::size_t>(to.width) * static_cast<std::size_t>(to.height));
    place_columns(from.width, to.width);
    line_.resize(static_cast<std::size_t>(from.width) + 1);
    const double step = (from.height - 1) / static_cast<double>(std::max(to.height - 1, 1));
    double y = -step;
    for (int r = 0; r < to.height; ++r) {
      y += step;
      const int top = static_cast<int>(y);
      const auto share = static_cast<float>(y - top);
      const std::uint8_t* upper = from.row(top);
      const std::uint8_t* lower = from.row(std::min(top + 1, from.height - 1));
      float* line = line_.data();
      for (int x = 0; x < from.width; ++x) line[x] = (1 - share) * upper[x] + share * lower[x];
      line[from.width] = line[from.width - 1];
      std::uint8_t* out = to.pixels.data() + static_cast<std::ptrdiff_t>(r) * to.width;
      const int* left = left_.data();
      const float* right_share = share_.data();
      const float* rounding = rounding_.data();
      for (int c = 0; c < to.width; ++c) {
        const float value = line[left[c]] + right_share[c] * (line[left[c] + 1] - line[left[c]]);
        out[c] = static_cast<std::uint8_t>(static_cast<int>(value + rounding[c]));
      }
    }
  }

 private:
  void place_columns(int from, int to) {
    left_.resize(static_cast<std::size_t>(to));
    share_.resize(left_.size());
    rounding_.assign(left_.size(), 0.5F);
    const double step = (from - 1) / static_cast<double>(std::max(to - 1, 1));
    std::array<float, 4> x{};
    for (int i = 0; i < 4; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>((i - 4) * step);
    int c = 0;
    for (; c + 4 <= to; c += 4) {
      for (float& one : x) one += static_cast<float>(4 * step);
      if (static_cast<int>(x[3]) + 1 >= from) break;
      for (std::size_t i = 0; i < 4; ++i) place(static_cast<std::size_t>(c) + i, x[i], from);
    }
    for (; c < to; ++c) {
      place(static_cast<std::size_t>(c), static_cast<float>(c * step), from);
      rounding_[static_cast<std::size_t>(c)] = 0;  // dlib drops the last columns
    }
  }

  void place(std::size_t column, float x, int from) {
    const int left = std::min(static_cast<int>(x), from - 1);
    left_[column] = left;
    share_[column] = x - static_cast<float>(left);
  }

  std::vector<int> left_;
  std::vector<float> share_;
  std::vector<float> rounding_;
  std::vector<float> line_;
};

/// Orientation histograms of the cells of one picture, planar: a row of cells stores its 18 planes
/// one after another, with a border of one cell on every side.
struct Histograms {
  int rows = 0;     // of cells, without the border
  int columns = 0;  // of cells, without the border
  int stride = 0;
  std::vector<float> sums;

  float* plane(int row, int orientation) {
    return sums.data() + (static_cast<std::ptrdiff_t>(row) * kOrientations + orientation) * stride;
  }
};

/// The pixels of 8 rows around the border of two rows of cells, of kLanes times 8 columns.
struct Votes {
  std::array<Ints, kCell> orientation;
  std::array<Floats, kCell> length;
  std::array<Floats, kCell> lower;  // the part of `length` that belongs to the lower row of cells
};

/// The nearest of 18 directions, 20 degrees apart, computed with dlib's nine unit vectors.
Ints orientation_of(Floats dx, Floats dy) {
  const Floats across = dx < 0 ? -dx : dx;
  const Floats down = dy < 0 ? -dy : dy;
  Ints steep = Ints{};  // 0..4, from flat to steep
  steep -= across * 0.0603F < down * 0.3420F;
  steep -= across * 0.1737F < down * 0.3008F;
  steep -= across * 0.2660F < down * 0.2232F;
  steep -= across * 0.3264F < down * 0.1188F;
  const Ints below = dy < 0;
  const Ints leftward = (dx < 0) | (below & (dx == 0));
  const Ints above = leftward ? 9 - steep : steep;
  const Ints mirrored = steep == 0 ? Ints{} : 18 - steep;
  return below ? (leftward ? steep + 9 : mirrored) : above;
}

class Features {
 public:
  void make(const Grey& picture);
  int rows() const { return rows_; }
  int columns() const { return columns_; }
  int stride() const { return stride_; }
  /// With kBorder empty cells above and to the left, and as many below and to the right as a window
  /// needs.
  const float* plane(int i) const {
    return planes_.data() + static_cast<std::ptrdiff_t>(i) * (rows_ + kWindow - 1) * stride_;
  }

 private:
  void split_columns(const Grey& picture);
  const std::uint8_t* column(int y, int k) const {
    return split_.data() + (static_cast<std::ptrdiff_t>(y) * kCell + k) * split_stride_ + 16;
  }
  void vote(int group, int first, const Grey& picture);
  void count(const Votes& votes, float right);
  void normalise();
  void write(int y);
  float* out(int plane, int y, int x) {
    return planes_.data() +
           (static_cast<std::ptrdiff_t>(plane) * (rows_ + kWindow - 1) + y + kBorder) * stride_ +
           kBorder + x;
  }

  int rows_ = 0;  // of features: two less than for cells
  int columns_ = 0;
  int stride_ = 0;
  int visible_rows_ = 0;
  int visible_columns_ = 0;
  int split_stride_ = 0;
  std::vector<std::uint8_t> padded_;
  std::vector<std::uint8_t> split_;  // pixel 8 j - 4 + k of row y is at [y][k][j]
  Histograms histograms_;
  // For kLanes columns of cells and two rows of cells: the totals, and the part of the cell to the
  // right.
  std::array<std::array<Floats, 4>, kOrientations> counts_;
  std::vector<float> energy_;
  std::vector<float> ceiling_;  // of 2 x 2 cells: upper bound of their features
  std::vector<float> planes_;
};

/// Every second byte of 32.
Bytes even_ones(Bytes low, Bytes high) {
  return __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28,
                                 30);
}
Bytes odd_ones(Bytes low, Bytes high) {
  return __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29,
                                 31);
}

void Features::split_columns(const Grey& picture) {
  const int groups = histograms_.columns + 1;
  // Blocks of 16 groups are written whole, and one vector is read on both sides.
  split_stride_ = (groups + 15) / 16 * 16 + 2 * 16;
  split_.resize(static_cast<std::size_t>(picture.height) * kCell *
                static_cast<std::size_t>(split_stride_));
  padded_.assign(static_cast<std::size_t>(kCell) * static_cast<std::size_t>(split_stride_), 0);
  const auto width = static_cast<std::size_t>(std::min(picture.width, kCell * groups - kCell / 2));
  for (int y = 0; y < picture.height; ++y) {
    std::memcpy(padded_.data() + kCell / 2, picture.row(y), width);
    std::uint8_t* to = split_.data() + static_cast<std::ptrdiff_t>(y) * kCell * split_stride_ + 16;
    for (int first = 0; first < groups; first += 16) {
      std::array<Bytes, kCell> parts;
      for (std::size_t i = 0; i < kCell; ++i) {
        parts[i] = load<Bytes>(padded_.data() + static_cast<std::size_t>(first) * kCell + 16 * i);
      }
      // Splits even and odd positions three times; in the end part k holds positions 8 j + k, with
      // the bits of k reversed.
      for (int round = 0; round < 3; ++round) {
        std::array<Bytes, kCell> next;
        for (std::size_t i = 0; i < kCell / 2; ++i) {
          next[i] = even_ones(parts[2 * i], parts[2 * i + 1]);
          next[i + kCell / 2] = odd_ones(parts[2 * i], parts[2 * i + 1]);
        }
        parts = next;
      }
      for (std::size_t k = 0; k < kCell; ++k) {
        std::memcpy(to + static_cast<std::ptrdiff_t>(k) * split_stride_ + first, &parts[k], 16);
      }
    }
  }
}

void Features::count(const Votes& votes, float right) {
  for (int o = 0; o < kOrientations; ++o) {
    Floats both{};
    Floats lower{};
    for (std::size_t r = 0; r < kCell; ++r) {
      add_where(votes.orientation[r], o, votes.length[r], votes.lower[r], both, lower);
    }
    auto& counts = counts_[static_cast<std::size_t>(o)];
    const Floats upper = both - lower;
    counts[0] += upper;
    counts[1] += upper * right;
    counts[2] += lower;
    counts[3] += lower * right;
  }
}

/// Adds the pixels of rows 8 group - 4 to 8 group + 3 to the rows of cells `group` and group + 1 of
/// the histograms, for kLanes columns of cells from `first` on.
void Features::vote(int group, int first, const Grey& picture) {
  for (auto& one : counts_) one = {};
  Ints lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  for (int k = 0; k < kCell; ++k) {
    const int before = k == 0 ? -1 : 0;
    const int after = k == kCell - 1 ? 1 : 0;
    const Ints x = (lane + first) * kCell + (k - kCell / 2);
    const Ints seen = (x >= 1) & (x < visible_columns_);
    Votes votes{};
    for (int r = 0; r < kCell; ++r) {
      const int y = kCell * group - kCell / 2 + r;
      if (y < 1 || y >= visible_rows_ || y + 1 >= picture.height) continue;
      const auto pixels = [&](int line, int part, int shift) {
        return widen(column(line, part) + first + shift);
      };
      const Floats dx = __builtin_convertvector(
          pixels(y, (k + 1) % kCell, after) - pixels(y, (k + kCell - 1) % kCell, before), Floats);
      const Floats dy = __builtin_convertvector(pixels(y + 1, k, 0) - pixels(y - 1, k, 0), Floats);
      const Floats length = seen ? root(dx * dx + dy * dy) : Floats{};
      const auto index = static_cast<std::size_t>(r);
      votes.orientation[index] = orientation_of(dx, dy);
      votes.length[index] = length;
      votes.lower[index] = length * ((static_cast<float>(r) + 0.5F) / kCell);
    }
    count(votes, (static_cast<float>(k) + 0.5F) / kCell);
  }
  for (int o = 0; o < kOrientations; ++o) {
    const auto& counts = counts_[static_cast<std::size_t>(o)];
    for (int part = 0; part < 2; ++part) {
      const Floats right = counts[static_cast<std::size_t>(2 * part + 1)];
      float* to = histograms_.plane(group + part, o) + first;
      store(to, load<Floats>(to) + counts[static_cast<std::size_t>(2 * part)] - right);
      store(to + 1, load<Floats>(to + 1) + right);
    }
  }
}

/// Energy of each cell, then the upper bound of the features of 2 x 2 cells.
void Features::normalise() {
  const int stride = histograms_.stride;
  const int rows = histograms_.rows;
  energy_.assign(static_cast<std::size_t>((rows + 1) * stride), 0);
  ceiling_.resize(energy_.size());
  for (int r = 0; r < rows; ++r) {
    float* energy = energy_.data() + static_cast<std::ptrdiff_t>(r) * stride;
    for (int o = 0; o < 9; ++o) {
      const float* one = histograms_.plane(r + 1, o) + 1;
      const float* other = histograms_.plane(r + 1, o + 9) + 1;
      for (int c = 0; c < histograms_.columns; ++c) {
        energy[c] += (one[c] + other[c]) * (one[c] + other[c]);
      }
    }
  }
  constexpr float kEpsilon = 0.0001F;
  for (int r = 0; r + 1 < rows; ++r) {
    const float* energy = energy_.data() + static_cast<std::ptrdiff_t>(r) * stride;
    float* ceiling = ceiling_.data() + static_cast<std::ptrdiff_t>(r) * stride;
    for (int c = 0; c + 1 < histograms_.columns; ++c) {
      const float sum = energy[c] + energy[c + 1] + energy[c + stride] + energy[c + stride + 1];
      ceiling[c] = 0.2F * std::sqrt(sum + kEpsilon);
    }
  }
}

void Features::write(int y) {
  const int stride = histograms_.stride;
  constexpr float kTexture = 2 * 0.2357F;
  for (int x = 0; x < columns_; x += kLanes) {
    // Lanes beyond the last column hold meaningless values and are dropped.
    const int kept = std::min(kLanes, columns_ - x);
    const auto put = [&](int plane, Floats value) {
      std::memcpy(out(plane, y, x), &value, sizeof(float) * static_cast<std::size_t>(kept));
    };
    std::array<Floats, 4> top;
    std::array<Floats, 4> factor;
    std::array<Floats, 4> texture{};
    for (int k = 0; k < 4; ++k) {
      const auto index = static_cast<std::size_t>(k);
      const int from = (y + 1 - k % 2) * stride + x + 1 - k / 2;
      top[index] = load<Floats>(ceiling_.data() + from);
      factor[index] = 0.1F / top[index];
    }
    for (int o = 0; o < kOrientations; ++o) {
      const Floats value = load<Floats>(histograms_.plane(y + 2, o) + x + 2);
      Floats sum{};
      for (std::size_t k = 0; k < 4; ++k) {
        const Floats cut = least(value, top[k]) * factor[k];
        sum += cut;
        texture[k] += cut;
      }
      put(o, sum);
    }
    for (int o = 0; o < 9; ++o) {
      const Floats value = load<Floats>(histograms_.plane(y + 2, o) + x + 2) +
                           load<Floats>(histograms_.plane(y + 2, o + 9) + x + 2);
      Floats sum{};
      for (std::size_t k = 0; k < 4; ++k) sum += least(value, top[k]) * factor[k];
      put(kOrientations + o, sum);
    }
    for (int k = 0; k < 4; ++k) put(27 + k, texture[static_cast<std::size_t>(k)] * kTexture);
  }
}

void Features::make(const Grey& picture) {
  Histograms& cells = histograms_;
  cells.rows = (picture.height + kCell / 2) / kCell;
  cells.columns = (picture.width + kCell / 2) / kCell;
  rows_ = std::max(cells.rows - 2, 0);
  columns_ = std::max(cells.columns - 2, 0);
  if (rows_ == 0 || columns_ == 0) {
    rows_ = columns_ = 0;
    return;
  }
  cells.stride = round_up(cells.columns + 1) + 2 * kLanes;
  cells.sums.assign(static_cast<std::size_t>(cells.rows + 2) * kOrientations *
                            static_cast<std::size_t>(cells.stride) +
                        kLanes,
                    0);
  visible_rows_ = std::min(cells.rows * kCell, picture.height) - 1;
  visible_columns_ = std::min(cells.columns * kCell, picture.width) - 1;
  split_columns(picture);
  for (int group = 0; group <= cells.rows; ++group) {
    for (int first = 0; first <= cells.columns; first += kLanes) vote(group, first, picture);
  }
  normalise();
  stride_ = round_up(columns_ + kWindow - 1) + kLanes;
  planes_.assign(static_cast<std::size_t>(kPlanes) * static_cast<std::size_t>(rows_ + kWindow - 1) *
                     static_cast<std::size_t>(stride_),
                 0);
  for (int y = 0; y < rows_; ++y) write(y);
}

/// Scores of all windows of one picture, kLanes columns of windows at a time.
class Scores {
 public:
  /// Calls found(detector, row, column, score) for every window that reaches its threshold.
  template <class Found>
  void find(const Features& features, const HogFilters& filters, double extra, Found&& found) {
    const auto rows = static_cast<std::size_t>(features.rows());
    const std::size_t all_rows = rows + kWindow - 1;
    across_rows_ = all_rows + kUnroll;
    across_.resize(kTogether * across_rows_);
    for (auto& one : scores_) one.resize(rows + kUnroll);
    for (int first = 0; first < features.columns(); first += kLanes) {
      for (auto& one : scores_) std::fill(one.begin(), one.end(), Floats{});
      for (std::size_t t = 0; t < filters.count;) {
        const HogTerm* terms = filters.terms + t;
        std::size_t count = 1;
        while (count < kTogether && t + count < filters.count &&
               terms[count].plane == terms->plane) {
          ++count;
        }
        go_across(features.plane(terms->plane) + first, features.stride(), all_rows,
                  {terms, count});
        for (std::size_t i = 0; i < count; ++i) {
          go_down(rows, across_.data() + i * across_rows_, terms[i],
                  scores_[static_cast<std::size_t>(terms[i].detector)].data());
        }
        t += count;
      }
      for (int d = 0; d < kDetectors; ++d) {
        const double threshold = filters.thresholds[d] + extra;
        const int kept = std::min(kLanes, features.columns() - first);
        for (std::size_t r = 0; r < rows; ++r) {
          const Floats row = scores_[static_cast<std::size_t>(d)][r];
          for (int i = 0; i < kept; ++i) {
            const auto score = static_cast<double>(row[i]);
            if (score >= threshold) found(d, static_cast<int>(r), first + i, score);
          }
        }
      }
    }
  }

 private:
  static constexpr std::size_t kUnroll = 4;

  void go_across(const float* plane, int stride, std::size_t rows, std::span<const HogTerm> terms) {
    for (std::size_t r = 0; r < rows; ++r, plane += stride) {
      std::array<Floats, kWindow> shifted;
#pragma GCC unroll 10
      for (std::size_t n = 0; n < kWindow; ++n) shifted[n] = load<Floats>(plane + n);
      Floats* out = across_.data() + r;
      for (const HogTerm& term : terms) {
        Floats sum = shifted[0] * term.row[0];
        Floats more = shifted[1] * term.row[1];
#pragma GCC unroll 4
        for (std::size_t n = 2; n < kWindow; n += 2) {
          sum += shifted[n] * term.row[n];
          more += shifted[n + 1] * term.row[n + 1];
        }
        *out = sum + more;
        out += across_rows_;
      }
    }
  }

  // Rows beyond the last hold meaningless values and are never read.
  static void go_down(std::size_t rows, const Floats* across, const HogTerm& term, Floats* scores) {
    std::array<Floats, kWindow> weights;
    for (std::size_t n = 0; n < kWindow; ++n) weights[n] = all(term.column[n]);
    for (std::size_t r = 0; r < rows; r += kUnroll) {
      std::array<Floats, kUnroll> sums;
      for (std::size_t i = 0; i < kUnroll; ++i) sums[i] = scores[r + i];
#pragma GCC unroll 13
      for (std::size_t m = 0; m < kWindow + kUnroll - 1; ++m) {
        const Floats value = across[r + m];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < kUnroll; ++i) {
          if (m >= i && m - i < kWindow) sums[i] += value * weights[m - i];
        }
      }
      for (std::size_t i = 0; i < kUnroll; ++i) scores[r + i] = sums[i];
    }
  }

  static constexpr std::size_t kTogether = 4;  // terms of one plane that share its pixels
  std::size_t across_rows_ = 0;
  std::vector<Floats> across_;  // one term, after its row
  std::array<std::vector<Floats>, kDetectors> scores_;
};

/// One side of a box of cells in pixels of level 0.
long to_picture(int cell, int level) {
  int pixel = (cell + 1 - kBorder) * kCell + 1;
  pixel += pixel >= 0 ? kCell / 2 : -kCell / 2;
  double out = pixel;
  for (int i = 0; i < level; ++i) out = out * (6.0 / 5.0) + 0.3;
  return static_cast<long>(std::floor(out + 0.5));
}

double area(long left, long top, long right, long bottom) {
  if (right < left || bottom < top) return 0;
  return static_cast<double>(right - left + 1) * static_cast<double>(bottom - top + 1);
}

bool same_face(const HogHit& a, const HogHit& b, const HogFilters& filters) {
  const double inner = area(std::max(a.left, b.left), std::max(a.top, b.top),
                            std::min(a.right, b.right), std::min(a.bottom, b.bottom));
  if (inner == 0) return false;
  const double outer = area(std::min(a.left, b.left), std::min(a.top, b.top),
                            std::max(a.right, b.right), std::max(a.bottom, b.bottom));
  return inner / outer > filters.most_overlap ||
         inner / area(a.left, a.top, a.right, a.bottom) > filters.most_covered ||
         inner / area(b.left, b.top, b.right, b.bottom) > filters.most_covered;
}

/// As many levels as dlib searches.
int levels_of(int width, int height) {
  const auto shrunk = [](int last) {
    return static_cast<int>(std::floor((last - 0.3) * (5.0 / 6.0) + 0.5));
  };
  int levels = 0;
  do {
    width = shrunk(width - 1) + 1;
    height = shrunk(height - 1) + 1;
    ++levels;
  } while (width >= kSmallestLevel && height >= kSmallestLevel);
  return levels;
}

struct Detector {
  const HogFilters* filters = nullptr;
  std::array<Grey, 2> pictures;
  Shrinker shrinker;
  Features features;
  Scores scores;
  std::vector<HogHit> hits;
  std::vector<HogHit> kept;

  void search(double threshold) {
    hits.clear();
    const int levels = levels_of(pictures[0].width, pictures[0].height);
    for (int level = 0; level < levels; ++level) {
      const auto current = static_cast<std::size_t>(level % 2);
      if (level > 0) shrinker.run(pictures[1 - current], pictures[current]);
      features.make(pictures[current]);
      scores.find(features, *filters, threshold, [&](int d, int row, int column, double score) {
        hits.push_back({score - filters->thresholds[d], to_picture(column, level),
                        to_picture(row, level), to_picture(column + kWindow - 1, level),
                        to_picture(row + kWindow - 1, level)});
      });
    }
    std::stable_sort(hits.begin(), hits.end(),
                     [](const HogHit& a, const HogHit& b) { return a.score > b.score; });
    kept.clear();
    for (const HogHit& hit : hits) {
      const bool again = std::any_of(kept.begin(), kept.end(), [&](const HogHit& other) {
        return same_face(other, hit, *filters);
      });
      if (!again) kept.push_back(hit);
    }
  }
};

void* create(const HogFilters& filters) {
  try {
    auto detector = std::make_unique<Detector>();
    detector->filters = &filters;
    return detector.release();
  } catch (const std::exception&) {
    return nullptr;
  }
}

void destroy(void* detector) { delete static_cast<Detector*>(detector); }  // made by create()

bool detect(void* handle, const std::uint8_t* grey, int width, int height, double threshold,
            void (*sink)(void* user, const HogHit* hit), void* user) {
  auto& detector = *static_cast<Detector*>(handle);
  try {
    Grey& picture = detector.pictures[0];
    picture.width = width;
    picture.height = height;
    picture.pixels.assign(grey, grey + static_cast<std::ptrdiff_t>(width) * height);
    detector.search(threshold);
  } catch (const std::exception&) {
    return false;
  }
  for (const HogHit& hit : detector.kept) sink(user, &hit);
  return true;
}

constexpr mien::face::HogKernel kKernel{&create, &destroy, &detect};

}  // namespace

extern "C" const mien::face::HogKernel* MIEN_HOG_ENTRY() { return &kKernel; }
