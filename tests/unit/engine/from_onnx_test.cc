#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "mien/core/rng.h"
#include "mien/engine/detector.h"
#include "support/onnx_writer.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

using testing::HasSubstr;

// YuNet's graph with few channels: stem, two stages before the pyramid, three levels, four heads
// each.
class SmallYunet {
 public:
  explicit SmallYunet(std::int64_t width = 6) : width_(width), rng_(5) {
    graph_.input("input");
    std::string value = relu(convolve("input", 3, 4, 3, 2, 1));
    value = separable(value, 4, 4, true);
    std::vector<std::string> ends;
    std::int64_t in = 4;
    for (int stage = 0; stage < 4; ++stage) {
      if (stage > 0) ends.push_back(value);
      graph_.node("MaxPool", {value}, value + "/2",
                  {{"kernel_shape", {2, 2}}, {"strides", {2, 2}}});
      value = separable(value + "/2", in, width_, true);
      in = width_;
    }
    ends.push_back(value);
    std::vector<std::string> merged(3);
    for (int l = 3; l-- > 0;) {
      if (l < 2) {
        graph_.node("Resize", {merged[static_cast<std::size_t>(l) + 1]}, fmt_name("up", l));
        graph_.node("Add", {ends[static_cast<std::size_t>(l) + 1], fmt_name("up", l)},
                    fmt_name("sum", l));
        value = fmt_name("sum", l);
      }
      merged[static_cast<std::size_t>(l)] = value = separable(value, width_, width_, true);
    }
    for (int l = 0; l < 3; ++l)
      add_heads(l, separable(merged[static_cast<std::size_t>(l)], width_, width_, true));
  }
  std::string model() const { return graph_.model(); }
  test::OnnxWriter& graph() { return graph_; }

 private:
  static std::string fmt_name(const std::string& what, int level) {
    return what + "_" + std::to_string(8 << level);
  }
  void add_heads(int level, const std::string& value) {
    const std::vector<std::pair<std::string, std::int64_t>> heads = {
        {"cls", 1}, {"obj", 1}, {"bbox", 4}, {"kps", 10}};
    for (const auto& [name, width] : heads) {
      const std::string out = fmt_name(name, level), made = separable(value, width_, width, false);
      graph_.node("Transpose", {made}, made + "t");
      graph_.node("Reshape", {made + "t"}, width == 1 ? made + "r" : out);
      if (width == 1) graph_.node("Sigmoid", {made + "r"}, out);
      graph_.output(out);
    }
  }
  std::string convolve(const std::string& from, std::int64_t in, std::int64_t out,
                       std::int64_t kernel, std::int64_t stride, std::int64_t group) {
    const std::string name = std::to_string(next_++);
    std::vector<float> values(static_cast<std::size_t>(out * in * kernel * kernel)),
        bias(static_cast<std::size_t>(out));
    for (float& v : values) v = static_cast<float>(rng_.normal());
    for (float& v : bias) v = static_cast<float>(rng_.normal());
    graph_.weight(name + "w", {out, in, kernel, kernel}, values);
    graph_.weight(name + "b", {out}, bias);
    graph_.node("Conv", {from, name + "w", name + "b"}, name,
                {{"strides", {stride, stride}},
                 {"pads", std::vector<std::int64_t>(4, kernel / 2)},
                 {"group", {group}}});
    return name;
  }
  std::string relu(const std::string& value) {
    graph_.node("Relu", {value}, value + "+");
    return value + "+";
  }
  std::string separable(const std::string& from, std::int64_t in, std::int64_t out,
                        bool with_relu) {
    const std::string name = convolve(convolve(from, in, out, 1, 1, 1), 1, out, 3, 1, out);
    return with_relu ? relu(name) : name;
  }

  std::int64_t width_;
  Rng rng_;
  test::OnnxWriter graph_;
  int next_ = 0;
};

class FromOnnx : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    const auto path = folder_.path() / "m.onnx";
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string problem(const std::string& text) {
    const auto made = detector_from_onnx(write(text));
    return made.ok() ? "converted" : made.status().message();
  }
  test::TempDir folder_;
};

TEST_F(FromOnnx, SizesAndTensorsOfYunet) {
  auto made = detector_from_onnx(write(SmallYunet().model()));
  ASSERT_TRUE(made.ok()) << made.status().message();
  const PyramidSizes& sizes = made->content.info.sizes;
  EXPECT_EQ(sizes.stem_width, 4);
  ASSERT_EQ(sizes.stages.size(), 5U);
  EXPECT_FALSE(sizes.stages[0].halve);
  EXPECT_EQ(sizes.stages[1].widths, std::vector<int>{6});
  EXPECT_EQ(sizes.levels, 3);
  EXPECT_EQ(sizes.shared, 1);
  EXPECT_EQ(sizes.stride(0), 8);
  EXPECT_EQ(made->content.info.name, "m");
  const auto path = folder_.path() / "bundle";
  ASSERT_TRUE(write_detector(path, std::move(made->content)).ok());
  EXPECT_TRUE(DetectorBundle::load(path).ok());
}

TEST_F(FromOnnx, OtherGraphsAreRefused) {
  EXPECT_THAT(problem(SmallYunet(0).model()),
              HasSubstr("expected the graph of a YuNet face detector"));
  test::OnnxWriter two;
  two.input("a");
  two.input("b");
  EXPECT_THAT(problem(two.model()), HasSubstr("2 inputs"));
  test::OnnxWriter loop;  // a way that comes back to itself
  loop.input("a");
  loop.weight("w", {4, 3, 3, 3}, std::vector<float>(108, 1));
  loop.weight("b", {4}, std::vector<float>(4, 1));
  loop.node("Conv", {"a", "w", "b"}, "c", {{"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
  loop.node("Relu", {"c"}, "d");
  loop.weight("p", {4, 4, 1, 1}, std::vector<float>(16, 1));
  loop.weight("q", {4, 1, 3, 3}, std::vector<float>(36, 1));
  loop.node("Conv", {"d", "p", "b"}, "e");
  loop.node("Conv", {"e", "q", "b"}, "d", {{"pads", {1, 1, 1, 1}}, {"group", {4}}});
  EXPECT_THAT(problem(loop.model()), HasSubstr("expected the graph of a YuNet face detector"));
}

}  // namespace
}  // namespace mien::engine
