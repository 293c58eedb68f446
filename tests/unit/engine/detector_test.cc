#include "mien/engine/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "engine/detectors/pyramid.h"
#include "mien/core/rng.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

using testing::HasSubstr;

PyramidSizes small_sizes() {
  PyramidSizes out;
  out.stem_width = 6;
  out.stages = {{false, {8}}, {true, {8, 12}}, {true, {12}}, {true, {12}}};
  out.levels = 3;
  return out;
}

// A network of random weights, and the tensors that its views belong to.
struct RandomDetector {
  std::vector<Tensor> tensors;
  DetectorContent content;

  explicit RandomDetector(std::uint64_t seed) {
    content.info.name = "random";
    content.info.sizes = small_sizes();
    content.info.licence = "none";
    content.card = "# random\n";
    Rng rng(seed);
    for (const auto& [name, shape] : detector_tensors(content.info.sizes)) {
      std::size_t count = 1, inputs = 1;
      for (std::size_t d = 0; d < shape.size(); ++d) {
        count *= static_cast<std::size_t>(shape[d]);
        if (d > 0) inputs *= static_cast<std::size_t>(shape[d]);
      }
      std::vector<float> values(count);
      const double scale =
          name == "stem.weight" ? 0.003 : std::sqrt(1.5 / static_cast<double>(inputs));
      for (float& v : values) v = static_cast<float>(rng.normal() * scale);
      tensors.push_back(Tensor::from_f32(shape, values));
      content.tensors.emplace_back(name, tensors.back().view());
    }
  }
};

// [channels, height, width] in double: the network by its definition, map by map.
struct Map {
  std::int64_t channels = 0, height = 0, width = 0;
  std::vector<double> values;
  double& at(std::int64_t c, std::int64_t y, std::int64_t x) {
    return values[static_cast<std::size_t>((c * height + y) * width + x)];
  }
  double padded(std::int64_t c, std::int64_t y, std::int64_t x) {
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : at(c, y, x);
  }
};

Map make_map(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return {channels, height, width,
          std::vector<double>(static_cast<std::size_t>(channels * height * width))};
}

class Reference {
 public:
  explicit Reference(const checkpoint::Checkpoint& weights) : weights_(weights) {}

  Map convolve(Map& in, const std::string& name, int stride, bool grouped, bool relu) {
    const TensorView& view = *weights_.find(name + ".weight");
    std::vector<float> w(view.size()), b(static_cast<std::size_t>(view.dim(0)));
    EXPECT_TRUE(copy_to_f32(view, w).ok());
    EXPECT_TRUE(copy_to_f32(*weights_.find(name + ".bias"), b).ok());
    const std::int64_t kernel = view.dim(2), each = view.dim(1), pad = kernel / 2;
    Map out = make_map(view.dim(0), in.height / stride, in.width / stride);
    for (std::int64_t o = 0; o < out.channels; ++o) {
      for (std::int64_t y = 0; y < out.height; ++y) {
        for (std::int64_t x = 0; x < out.width; ++x) {
          double sum = b[static_cast<std::size_t>(o)];
          for (std::int64_t i = 0; i < each; ++i) {
            for (std::int64_t t = 0; t < kernel; ++t) {
              for (std::int64_t u = 0; u < kernel; ++u) {
                sum +=
                    double{
                        w[static_cast<std::size_t>(((o * each + i) * kernel + t) * kernel + u)]} *
                    in.padded(grouped ? o : i, y * stride + t - pad, x * stride + u - pad);
              }
            }
          }
          out.at(o, y, x) = relu ? std::max(0.0, sum) : sum;
        }
      }
    }
    return out;
  }
  Map separable(Map& in, const std::string& name, bool relu) {
    Map inner = convolve(in, name + ".point", 1, false, false);
    return convolve(inner, name + ".depth", 1, true, relu);
  }
  static Map halve(Map& in) {
    Map out = make_map(in.channels, in.height / 2, in.width / 2);
    for (std::int64_t c = 0; c < in.channels; ++c) {
      for (std::int64_t y = 0; y < out.height; ++y) {
        for (std::int64_t x = 0; x < out.width; ++x) {
          out.at(c, y, x) = std::max({in.at(c, 2 * y, 2 * x), in.at(c, 2 * y, 2 * x + 1),
                                      in.at(c, 2 * y + 1, 2 * x), in.at(c, 2 * y + 1, 2 * x + 1)});
        }
      }
    }
    return out;
  }

 private:
  const checkpoint::Checkpoint& weights_;
};

std::vector<Map> by_definition(const DetectorBundle& bundle, image::ImageView picture,
                               std::int64_t height, std::int64_t width) {
  const PyramidSizes& sizes = bundle.info().sizes;
  Reference net(bundle.weights());
  Map map = make_map(3, height, width);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      for (int c = 0; c < 3; ++c) map.at(2 - c, y, x) = picture.row(y)[3 * x + c];  // RGB to BGR
    }
  }
  map = net.convolve(map, "stem", 2, false, true);
  std::vector<Map> ends;
  for (std::size_t s = 0; s < sizes.stages.size(); ++s) {
    if (sizes.stages[s].halve) map = Reference::halve(map);
    for (std::size_t i = 0; i < sizes.stages[s].widths.size(); ++i) {
      map = net.separable(map, "stages." + std::to_string(s) + "." + std::to_string(i), true);
    }
    ends.push_back(map);
  }
  std::vector<Map> out(3);
  Map coarser;
  for (int l = 3; l-- > 0;) {
    Map here = ends[ends.size() - static_cast<std::size_t>(3 - l)];
    for (std::int64_t c = 0; l < 2 && c < here.channels; ++c) {
      for (std::int64_t y = 0; y < here.height; ++y) {
        for (std::int64_t x = 0; x < here.width; ++x)
          here.at(c, y, x) += coarser.at(c, y / 2, x / 2);
      }
    }
    const std::string level = std::to_string(l);
    coarser = net.separable(here, "lateral." + level, true);
    Map shared = net.separable(coarser, "shared." + level + ".0", true);
    out[static_cast<std::size_t>(l)] = net.separable(shared, "answers." + level, false);
  }
  return out;
}

image::Image noise(int width, int height, std::uint64_t seed) {
  image::Image out(width, height);
  Rng rng(seed);
  for (std::uint8_t& v : out.pixels()) v = static_cast<std::uint8_t>(rng.below(256));
  return out;
}

class DetectorBundles : public testing::Test {
 protected:
  std::string write(std::uint64_t seed, double largest = 0) {
    RandomDetector made(seed);
    made.content.info.largest_face = largest;
    const auto path = folder_.path() / ("d" + std::to_string(seed) + "-" + std::to_string(largest));
    EXPECT_TRUE(write_detector(path, std::move(made.content)).ok());
    return path.string();
  }
  test::TempDir folder_;
};

TEST_F(DetectorBundles, MapsEqualTheDefinition) {
  const auto bundle = DetectorBundle::load(write(1));
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  PyramidScratch scratch;
  // A size of whole places, and one that is continued in black; twice, with the same scratch
  // memory.
  for (const auto& [width, height] :
       {std::pair{64, 32}, std::pair{37, 45}, std::pair{1, 1}, std::pair{64, 32}}) {
    const image::Image picture = noise(width, height, 7);
    const auto maps = (*bundle)->network().run(picture.view(), scratch);
    auto expected =
        by_definition(**bundle, picture.view(), (height + 15) / 16 * 16, (width + 15) / 16 * 16);
    ASSERT_EQ(maps.size(), 3U);
    for (std::size_t l = 0; l < 3; ++l) {
      ASSERT_EQ(maps[l].stride, 4 << l);
      ASSERT_EQ(maps[l].height, expected[l].height);
      ASSERT_EQ(maps[l].width, expected[l].width);
      for (std::int64_t y = 0; y < maps[l].height; ++y) {
        for (std::int64_t x = 0; x < maps[l].width; ++x) {
          for (std::int64_t c = 0; c < kAnswers; ++c) {
            ASSERT_NEAR(maps[l].values[(y * maps[l].width + x) * kAnswers + c],
                        expected[l].at(c, y, x), 2e-4)
                << l << " " << y << " " << x << " " << c;
          }
        }
      }
    }
  }
}

TEST_F(DetectorBundles, ReadBackAsWritten) {
  RandomDetector made(2);
  const DetectorInfo wanted = made.content.info;
  const auto bundle = DetectorBundle::load(write(2));
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  EXPECT_EQ((*bundle)->info().sizes, wanted.sizes);
  EXPECT_EQ((*bundle)->info().name, "random");
  EXPECT_EQ((*bundle)->info().sizes.stride(0), 4);
  EXPECT_EQ((*bundle)->info().sizes.stride(2), 16);
  EXPECT_TRUE((*bundle)->verify_hashes().ok());
  EXPECT_TRUE(*is_detector((*bundle)->path()));
}

TEST_F(DetectorBundles, ScaleAndClonesGiveTheSameFaces) {
  const auto bundle = DetectorBundle::load(write(3));
  ASSERT_TRUE(bundle.ok());
  const auto detector = make_network_detector(*bundle);
  const image::Image picture = noise(96, 64, 9);
  const auto found = detector->detect(picture.view(), {.scale = 2, .min_score = -3});
  const auto again = detector->clone()->detect(picture.view(), {.scale = 2, .min_score = -3});
  ASSERT_TRUE(found.ok() && again.ok());
  ASSERT_FALSE(found->empty());
  ASSERT_EQ(found->size(), again->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    EXPECT_EQ((*found)[i].box, (*again)[i].box);
    EXPECT_TRUE((*found)[i].points.has_value());
    if (i > 0) {
      EXPECT_LE((*found)[i].score, (*found)[i - 1].score);
    }
    EXPECT_FLOAT_EQ((*found)[i].box.w, (*found)[i].box.h);
  }
  EXPECT_FALSE(detector->detect(picture.view(), {.scale = 0}).ok());
  EXPECT_TRUE(detector->detect(image::ImageView(), {.scale = 1})->empty());
}

TEST_F(DetectorBundles, WhereLargerFacesHaveRoomThePictureIsSearchedOnceMoreReduced) {
  const auto any = DetectorBundle::load(write(3)), limited = DetectorBundle::load(write(3, 32));
  ASSERT_TRUE(any.ok() && limited.ok());
  EXPECT_EQ((*limited)->info().largest_face, 32);
  const image::Image picture = noise(96, 64, 9);
  const auto faces = [&](const std::shared_ptr<const DetectorBundle>& bundle, float scale) {
    const auto found =
        make_network_detector(bundle)->detect(picture.view(), {.scale = scale, .min_score = -3});
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : std::vector<face::Detection>();
  };
  // 64 pixels have room for more than 32: once more at 0.8 * 32 / 64 of the size.
  const auto full = faces(*any, 2), reduced = faces(*any, 0.8F), both = faces(*limited, 2);
  ASSERT_FALSE(full.empty() || reduced.empty() || both.empty());
  EXPECT_FLOAT_EQ(both[0].score, std::max(full[0].score, reduced[0].score));
  int from_full = 0, from_reduced = 0;
  for (const face::Detection& one : both) {
    const auto is_it = [&](const face::Detection& other) {
      return std::abs(one.box.x - other.box.x) < 1e-3 && one.score == other.score;
    };
    from_full += static_cast<int>(std::any_of(full.begin(), full.end(), is_it));
    from_reduced += static_cast<int>(std::any_of(reduced.begin(), reduced.end(), is_it));
  }
  EXPECT_GT(from_full, 0);
  EXPECT_GT(from_reduced, 0);
  EXPECT_EQ(from_full + from_reduced, static_cast<int>(both.size()));
  // At half the size there is no such room; only boxes that are part of a surer one are left out.
  const auto small = faces(*limited, 1), same = faces(*any, 1);
  ASSERT_FALSE(small.empty());
  EXPECT_EQ(small[0].box, same[0].box);
  EXPECT_LT(small.size(), same.size());
  for (const face::Detection& one : small) {
    EXPECT_TRUE(std::any_of(same.begin(), same.end(),
                            [&](const face::Detection& other) { return one.box == other.box; }));
  }
}

TEST_F(DetectorBundles, PicturesOfAnyShapeAreSearched) {
  const auto bundle = DetectorBundle::load(write(3, 40));
  ASSERT_TRUE(bundle.ok());
  const auto detector = make_network_detector(*bundle);
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {6000, 40}, {40, 6000}}) {
    for (const float scale : {0.01F, 1.0F, 2.0F}) {
      const auto found =
          detector->detect(noise(width, height, 2).view(), {.scale = scale, .min_score = -3});
      ASSERT_TRUE(found.ok()) << width << " x " << height << ": " << found.status().message();
      for (const face::Detection& one : *found) {
        EXPECT_TRUE(std::isfinite(one.box.x) && std::isfinite(one.box.w) && one.box.w > 0);
      }
    }
  }
}

TEST_F(DetectorBundles, DetectorsOfOneNameDifferByTheirWeights) {
  const std::string path = write(1);
  const auto one = DetectorBundle::load(path), again = DetectorBundle::load(path);
  const auto other = DetectorBundle::load(write(2));
  ASSERT_TRUE(one.ok() && again.ok() && other.ok());
  const auto identity = [](const auto& bundle) {
    return make_network_detector(*bundle)->identity();
  };
  EXPECT_EQ((*one)->info().name, (*other)->info().name);
  EXPECT_EQ(identity(one), identity(again));
  EXPECT_NE(identity(one), identity(other));
}

TEST_F(DetectorBundles, WeightsThatAreNotFiniteAreRefused) {
  RandomDetector made(4);
  std::vector<float> bad(6, std::numeric_limits<float>::quiet_NaN());
  made.content.tensors[1].second = TensorView(DType::kF32, {6}, std::as_bytes(std::span(bad)));
  const auto path = folder_.path() / "nan";
  ASSERT_TRUE(write_detector(path, std::move(made.content)).ok());
  const auto bundle = DetectorBundle::load(path);
  ASSERT_FALSE(bundle.ok());
  EXPECT_THAT(bundle.status().message(), HasSubstr("'stem.bias' has values that are not finite"));
}

TEST_F(DetectorBundles, WrongTensorsAreNamed) {
  for (const bool lacking : {true, false}) {
    RandomDetector made(5);
    if (lacking) {
      made.content.tensors.pop_back();
    } else {
      made.content.tensors.emplace_back("more", made.tensors[0].view());
    }
    const auto path = folder_.path() / (lacking ? "lacking" : "more");
    ASSERT_TRUE(write_detector(path, std::move(made.content)).ok());
    const auto bundle = DetectorBundle::load(path);
    ASSERT_FALSE(bundle.ok());
    EXPECT_THAT(bundle.status().message(),
                HasSubstr(lacking ? "has no 'answers.2.depth.bias'" : "unknown tensor 'more'"));
  }
}

TEST(DetectorInfo, DamageIsNamed) {
  DetectorInfo info;
  info.name = "x";
  info.sizes = small_sizes();
  const std::string good = info.to_json().dump();
  ASSERT_TRUE(DetectorInfo::parse(good, "b").ok());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto parsed = DetectorInfo::parse(text, "b");
    return parsed.ok() ? std::string("parsed") : parsed.status().message();
  };
  EXPECT_THAT(with("\"detector\"", "\"recognizer\""), HasSubstr("kind 'recognizer'"));
  EXPECT_THAT(with("\"pyramid\"", "\"hog\""), HasSubstr("detector of kind 'hog'"));
  EXPECT_THAT(with("\"stem_stride\":2", "\"stem_stride\":0"),
              HasSubstr("'stem_stride' is out of range"));
  EXPECT_THAT(with("\"stem_kernel\":3", "\"stem_kernel\":4"), HasSubstr("expected an odd number"));
  EXPECT_THAT(with("[12]", "[13]"), HasSubstr("has 13 channels (expected 12"));
  EXPECT_THAT(with("[12]", "[1e9]"), HasSubstr("whole numbers from 1"));
  EXPECT_THAT(with("\"levels\":3", "\"levels\":5"), HasSubstr("5 levels of 4 stages"));
  EXPECT_THAT(with("\"threshold\":0.6", "\"threshold\":2"),
              HasSubstr("'threshold' is out of range"));
  EXPECT_THAT(with("\"shared\":1", "\"shared\":1,\"other\":1"), HasSubstr("other"));
  EXPECT_THAT(with("\"overlap\"", "\"largest_face\":-4,\"overlap\""),
              HasSubstr("'largest_face' is out of range"));
}

}  // namespace
}  // namespace mien::engine
