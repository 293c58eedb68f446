#include "mien/engine/encoders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "engine/tiny_bundle.h"
#include "mien/core/rng.h"
#include "mien/engine/bundle.h"
#include "support/test_support.h"
#include "text/tokenizer.h"

namespace mien::engine {
namespace {

using test::TempDir;
using Matrix = std::vector<double>;  // row-major

// A plain double-precision CLIP, written from the definition, against which the engine is held.
class Reference {
 public:
  explicit Reference(const Bundle& bundle) : bundle_(bundle) {}

  Matrix get(const std::string& name) const {
    const auto tensor = to_f32(*bundle_.weights().find(name));
    return Matrix(tensor->f32().begin(), tensor->f32().end());
  }

  static Matrix norm(const Matrix& x, std::size_t width, const Matrix& gain, const Matrix& bias) {
    Matrix out(x.size());
    for (std::size_t r = 0; r < x.size() / width; ++r) {
      double mean = 0;
      double variance = 0;
      for (std::size_t i = 0; i < width; ++i) mean += x[r * width + i] / static_cast<double>(width);
      for (std::size_t i = 0; i < width; ++i) {
        variance += std::pow(x[r * width + i] - mean, 2) / static_cast<double>(width);
      }
      for (std::size_t i = 0; i < width; ++i) {
        out[r * width + i] =
            (x[r * width + i] - mean) / std::sqrt(variance + 1e-5) * gain[i] + bias[i];
      }
    }
    return out;
  }

  static Matrix linear(const Matrix& x, std::size_t in, const Matrix& w, const Matrix& b) {
    const std::size_t rows = x.size() / in;
    const std::size_t out_width = w.size() / in;
    Matrix out(rows * out_width);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t o = 0; o < out_width; ++o) {
        double sum = b.empty() ? 0 : b[o];
        for (std::size_t i = 0; i < in; ++i) sum += x[r * in + i] * w[o * in + i];
        out[r * out_width + o] = sum;
      }
    }
    return out;
  }

  Matrix blocks(Matrix x, const std::string& prefix, std::size_t layers, std::size_t width,
                std::size_t heads, bool causal) const {
    const std::size_t tokens = x.size() / width;
    const std::size_t head = width / heads;
    for (std::size_t l = 0; l < layers; ++l) {
      const std::string p = prefix + "transformer.resblocks." + std::to_string(l) + ".";
      const Matrix qkv = linear(norm(x, width, get(p + "ln_1.weight"), get(p + "ln_1.bias")), width,
                                get(p + "attn.in_proj_weight"), get(p + "attn.in_proj_bias"));
      Matrix attended(x.size());
      for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t i = 0; i < tokens; ++i) {
          std::vector<double> weight(causal ? i + 1 : tokens);
          double total = 0;
          for (std::size_t j = 0; j < weight.size(); ++j) {
            double dot = 0;
            for (std::size_t d = 0; d < head; ++d) {
              dot += qkv[i * 3 * width + h * head + d] * qkv[j * 3 * width + width + h * head + d];
            }
            total += weight[j] = std::exp(dot / std::sqrt(static_cast<double>(head)));
          }
          for (std::size_t j = 0; j < weight.size(); ++j) {
            for (std::size_t d = 0; d < head; ++d) {
              attended[i * width + h * head + d] +=
                  weight[j] / total * qkv[j * 3 * width + 2 * width + h * head + d];
            }
          }
        }
      }
      const Matrix out =
          linear(attended, width, get(p + "attn.out_proj.weight"), get(p + "attn.out_proj.bias"));
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += out[i];
      Matrix hidden = linear(norm(x, width, get(p + "ln_2.weight"), get(p + "ln_2.bias")), width,
                             get(p + "mlp.c_fc.weight"), get(p + "mlp.c_fc.bias"));
      for (double& v : hidden) v /= 1 + std::exp(-1.702 * v);
      const std::size_t mlp = hidden.size() / tokens;
      const Matrix back =
          linear(hidden, mlp, get(p + "mlp.c_proj.weight"), get(p + "mlp.c_proj.bias"));
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += back[i];
    }
    return x;
  }

  static Matrix project(const Matrix& row, const Matrix& proj) {
    Matrix out(proj.size() / row.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      for (std::size_t o = 0; o < out.size(); ++o) out[o] += row[i] * proj[i * out.size() + o];
    }
    return out;
  }

  Matrix image(const float* pixels) const {
    const auto& t = std::get<VitSizes>(bundle_.info().architecture.image);
    const auto width = static_cast<std::size_t>(t.width);
    const auto size = static_cast<std::size_t>(t.image_size);
    const auto patch = static_cast<std::size_t>(t.patch);
    const std::size_t grid = size / patch;
    const Matrix conv = get("visual.conv1.weight");
    Matrix x = get("visual.class_embedding");
    x.resize(width * (grid * grid + 1));
    for (std::size_t gy = 0; gy < grid; ++gy) {
      for (std::size_t gx = 0; gx < grid; ++gx) {
        for (std::size_t o = 0; o < width; ++o) {
          double sum = 0;
          for (std::size_t c = 0; c < 3; ++c) {
            for (std::size_t y = 0; y < patch; ++y) {
              for (std::size_t u = 0; u < patch; ++u) {
                sum += conv[((o * 3 + c) * patch + y) * patch + u] *
                       static_cast<double>(
                           pixels[(c * size + gy * patch + y) * size + gx * patch + u]);
              }
            }
          }
          x[(1 + gy * grid + gx) * width + o] = sum;
        }
      }
    }
    const Matrix positions = get("visual.positional_embedding");
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += positions[i];
    x = norm(x, width, get("visual.ln_pre.weight"), get("visual.ln_pre.bias"));
    x = blocks(x, "visual.", static_cast<std::size_t>(t.layers), width,
               static_cast<std::size_t>(t.heads), false);
    x.resize(width);
    return project(norm(x, width, get("visual.ln_post.weight"), get("visual.ln_post.bias")),
                   get("visual.proj"));
  }

  Matrix text(const std::vector<std::int32_t>& ids) const {
    const auto& t = std::get<ClipTextSizes>(*bundle_.info().architecture.text);
    const auto width = static_cast<std::size_t>(t.width);
    const Matrix table = get("token_embedding.weight");
    Matrix x = get("positional_embedding");
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] += table[static_cast<std::size_t>(ids[i / width]) * width + i % width];
    }
    x = blocks(x, "", static_cast<std::size_t>(t.layers), width, static_cast<std::size_t>(t.heads),
               true);
    const auto end =
        static_cast<std::size_t>(std::max_element(ids.begin(), ids.end()) - ids.begin());
    const Matrix row(x.begin() + static_cast<std::ptrdiff_t>(end * width),
                     x.begin() + static_cast<std::ptrdiff_t>((end + 1) * width));
    return project(norm(row, width, get("ln_final.weight"), get("ln_final.bias")),
                   get("text_projection"));
  }

 private:
  const Bundle& bundle_;
};

std::vector<float> random_picture_pixels(std::size_t count) {
  Rng rng(5);
  std::vector<float> out(count);
  for (float& v : out) v = static_cast<float>(rng.normal());
  return out;
}

double cosine(const float* a, const Matrix& b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    bb += b[i] * b[i];
  }
  return dot / std::sqrt(aa * bb);
}

class EncodersTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Bundle> load(PrecisionChoice precision) {
    if (!std::filesystem::exists(path_) && !write_tiny_bundle(path_).ok()) return nullptr;
    return *Bundle::load(path_, {.precision = precision});
  }
  TempDir dir_;
  std::filesystem::path path_ = dir_ / "tiny";
  static constexpr std::size_t kPixels = 3 * 32 * 32;
};

TEST_F(EncodersTest, ImageTowerMatchesTheDefinition) {
  const auto bundle = load(PrecisionChoice::kF32);
  const Reference reference(*bundle);
  const auto encoder = bundle->image_encoder();
  MIEN_ASSERT_OK(encoder);
  const auto pixels = random_picture_pixels(5 * kPixels);
  std::vector<float> out(5 * 32);
  Session session;
  MIEN_ASSERT_OK((*encoder)->encode(pixels.data(), 5, out.data(), session));
  for (std::size_t n = 0; n < 5; ++n) {
    const Matrix want = reference.image(pixels.data() + n * kPixels);
    for (std::size_t i = 0; i < 32; ++i) ASSERT_NEAR(out[n * 32 + i], want[i], 1e-4);
  }
}

TEST_F(EncodersTest, Bf16StaysCloseToTheDefinition) {
  const auto bundle = load(PrecisionChoice::kBf16);
  const Reference reference(*bundle);
  const auto encoder = bundle->image_encoder();
  MIEN_ASSERT_OK(encoder);
  const auto pixels = random_picture_pixels(3 * kPixels);
  std::vector<float> out(3 * 32);
  Session session;
  MIEN_ASSERT_OK((*encoder)->encode(pixels.data(), 3, out.data(), session));
  for (std::size_t n = 0; n < 3; ++n) {
    EXPECT_GT(cosine(out.data() + n * 32, reference.image(pixels.data() + n * kPixels)), 0.9995);
  }
}

TEST_F(EncodersTest, ABatchEqualsSinglePictures) {
  const auto bundle = load(PrecisionChoice::kF32);
  const auto encoder = *bundle->image_encoder();
  const std::size_t count = 200;  // more than one pass
  const auto pixels = random_picture_pixels(count * kPixels);
  std::vector<float> all(count * 32);
  Session session;
  MIEN_ASSERT_OK(encoder->encode(pixels.data(), count, all.data(), session));
  for (const std::size_t n : {std::size_t{0}, std::size_t{93}, std::size_t{199}}) {
    std::vector<float> one(32);
    MIEN_ASSERT_OK(encoder->encode(pixels.data() + n * kPixels, 1, one.data(), session));
    for (std::size_t i = 0; i < 32; ++i) ASSERT_NEAR(one[i], all[n * 32 + i], 1e-5);
  }
}

TEST_F(EncodersTest, TextTowerMatchesTheDefinition) {
  const auto bundle = load(PrecisionChoice::kF32);
  const Reference reference(*bundle);
  const auto encoder = bundle->text_encoder();
  MIEN_ASSERT_OK(encoder);
  const auto tokenizer = *bundle->tokenizer();
  std::vector<std::vector<std::int32_t>> rows;
  std::string long_text;
  for (int i = 0; i < 200; ++i) long_text += "smile ";
  for (const std::string& text :
       {std::string(), std::string("a happy face"), long_text, std::string("sad")}) {
    rows.push_back(*tokenizer->encode_padded(text, 77));
  }
  std::vector<float> out(rows.size() * 32);
  Session session;
  MIEN_ASSERT_OK((*encoder)->encode(rows, out.data(), session));
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const Matrix want = reference.text(rows[n]);
    for (std::size_t i = 0; i < 32; ++i) ASSERT_NEAR(out[n * 32 + i], want[i], 1e-4) << n;
  }
}

// Texts with the same beginning are worked on together; that must not show.
TEST_F(EncodersTest, TextsThatShareABeginningAreAsAlone) {
  for (const auto choice : {PrecisionChoice::kF32, PrecisionChoice::kInt8}) {
    const auto bundle = load(choice);
    const auto encoder = *bundle->text_encoder();
    const auto tokenizer = *bundle->tokenizer();
    std::vector<std::vector<std::int32_t>> rows;
    for (int i = 0; i < 700; ++i) {  // several passes, and some texts twice
      std::string text = i % 3 == 0 ? "a photo of a " : "the face of person ";
      text += std::to_string(i % 600);
      for (int more = 0; more < i % 5; ++more) text += " smile";
      rows.push_back(*tokenizer->encode_padded(text, 77));
    }
    // One that ends where another goes on: what counts is the first largest id.
    rows.push_back(std::vector<std::int32_t>(77, 0));
    rows.back()[0] = 5;
    rows.back()[1] = 9;
    rows.push_back(rows.back());
    rows.back()[2] = 9;
    rows.push_back(rows.back());
    rows.back()[2] = 10;
    std::vector<float> all(rows.size() * 32), one(32);
    Session session;
    MIEN_ASSERT_OK(encoder->encode(rows, all.data(), session));
    for (std::size_t n = 0; n < rows.size(); n += n < 690 ? 13 : 1) {
      MIEN_ASSERT_OK(encoder->encode({&rows[n], 1}, one.data(), session));
      for (std::size_t i = 0; i < 32; ++i) ASSERT_NEAR(one[i], all[n * 32 + i], 1e-5) << n;
    }
  }
}

TEST_F(EncodersTest, TextTowerRejectsBadIds) {
  const auto bundle = load(PrecisionChoice::kF32);
  const auto encoder = *bundle->text_encoder();
  Session session;
  std::vector<float> out(32);
  std::vector<std::vector<std::int32_t>> rows = {std::vector<std::int32_t>(76, 1)};
  MIEN_EXPECT_CODE(encoder->encode(rows, out.data(), session), StatusCode::kInvalidArgument);
  rows[0].assign(77, 1);
  rows[0][3] = 1'000'000;
  MIEN_EXPECT_CODE(encoder->encode(rows, out.data(), session), StatusCode::kInvalidArgument);
  rows[0][3] = -1;
  MIEN_EXPECT_CODE(encoder->encode(rows, out.data(), session), StatusCode::kInvalidArgument);
}

TEST_F(EncodersTest, WeightsAreSharedByThreads) {
  const auto bundle = load(PrecisionChoice::kF32);
  const auto encoder = *bundle->image_encoder();
  const auto pixels = random_picture_pixels(4 * kPixels);
  std::vector<float> want(4 * 32);
  Session session;
  MIEN_ASSERT_OK(encoder->encode(pixels.data(), 4, want.data(), session));
  std::vector<std::vector<float>> got(3, std::vector<float>(4 * 32));
  std::vector<std::thread> workers;
  for (auto& out : got) {
    workers.emplace_back([&] {
      Session own;
      for (int i = 0; i < 5; ++i) {
        if (!encoder->encode(pixels.data(), 4, out.data(), own).ok()) out.clear();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  for (const auto& out : got) EXPECT_EQ(out, want);
}

TEST_F(EncodersTest, ABundleWithoutTextTowerSaysSo) {
  MIEN_ASSERT_OK(write_tiny_bundle(dir_ / "image-only", {.text_tower = false}));
  const auto bundle = Bundle::load(dir_ / "image-only");
  MIEN_ASSERT_OK(bundle);
  MIEN_EXPECT_CODE((*bundle)->text_encoder(), StatusCode::kUnsupported);
  ASSERT_NE((*bundle)->label_features(), nullptr);
}

}  // namespace
}  // namespace mien::engine
