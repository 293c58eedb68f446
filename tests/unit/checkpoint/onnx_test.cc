#include "checkpoint/onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/onnx_writer.h"

namespace mien::checkpoint {
namespace {

using test::OnnxMessage;
using test::OnnxWriter;
using testing::ElementsAre;
using testing::HasSubstr;

Result<OnnxGraph> parse(const std::string& text) {
  return parse_onnx(std::as_bytes(std::span(text)), "m.onnx");
}
std::string problem(const std::string& text) {
  const auto parsed = parse(text);
  return parsed.ok() ? "parsed" : parsed.status().message();
}

OnnxWriter small_graph() {
  OnnxWriter out;
  out.input("picture");
  out.input("w");  // older exports also list weights as inputs
  out.weight("w", {2, 3}, {1, 2, 3, 4, 5, 6});
  out.node("Conv", {"picture", "w"}, "y", {{"strides", {2, 2}}, {"group", {3}}});
  out.output("y");
  return out;
}

TEST(Onnx, ReadsNodesWeightsAndEnds) {
  const std::string text = small_graph().model();
  const auto graph = parse(text);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_THAT(graph->inputs, ElementsAre("picture"));
  EXPECT_THAT(graph->outputs, ElementsAre("y"));
  ASSERT_EQ(graph->nodes.size(), 1U);
  EXPECT_EQ(graph->nodes[0].op, "Conv");
  EXPECT_THAT(graph->nodes[0].inputs, ElementsAre("picture", "w"));
  EXPECT_THAT(graph->nodes[0].integers.at("strides"), ElementsAre(2, 2));
  const TensorView& w = graph->weights.at("w");
  EXPECT_EQ(w.shape(), (Shape{2, 3}));
  std::vector<float> values(6);
  ASSERT_TRUE(copy_to_f32(w, values).ok());
  EXPECT_THAT(values, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Onnx, WeightsInFieldsOfFloats) {
  OnnxWriter out;
  const float value = 2.5F;
  std::string packed(4, '\0');
  std::memcpy(packed.data(), &value, 4);
  out.graph().bytes(5,
                    OnnxMessage().number(1, 1).number(2, 1).bytes(4, packed).bytes(8, "w").text());
  const std::string text = out.model();
  const auto graph = parse(text);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  std::vector<float> values(1);
  ASSERT_TRUE(copy_to_f32(graph->weights.at("w"), values).ok());
  EXPECT_EQ(values[0], 2.5F);
}

TEST(Onnx, EveryCutIsAnError) {
  const std::string text = small_graph().model();
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(problem(text.substr(0, size)), "parsed") << size;
  }
}

TEST(Onnx, DamageIsNamed) {
  EXPECT_THAT(problem("hello, this is no model"), HasSubstr("not an ONNX model"));
  EXPECT_THAT(problem(""), HasSubstr("it has no graph"));
  OnnxWriter doubled = small_graph();
  doubled.weight("w", {1}, {1});
  EXPECT_THAT(problem(doubled.model()), HasSubstr("duplicate tensor 'w'"));
  OnnxWriter short_one = small_graph();
  short_one.weight("v", {3, 1000}, {1, 2});
  EXPECT_THAT(problem(short_one.model()),
              HasSubstr("'v' has 8 bytes (expected 3000 numbers of 4)"));
  OnnxWriter huge = small_graph();
  huge.weight("v", {1LL << 40, 1LL << 40}, {1});
  EXPECT_THAT(problem(huge.model()), HasSubstr("impossible shape"));
  OnnxWriter negative = small_graph();
  negative.weight("v", {-1}, {1});
  EXPECT_THAT(problem(negative.model()), HasSubstr("impossible shape"));
  OnnxWriter external = small_graph();
  external.graph().bytes(5, OnnxMessage().number(2, 1).bytes(8, "far").number(14, 1).text());
  EXPECT_THAT(problem(external.model()), HasSubstr("'far' is stored in another file"));
  const std::string graph = small_graph().graph().text();
  EXPECT_THAT(problem(OnnxMessage().bytes(7, graph).bytes(7, graph).text()),
              HasSubstr("two graphs"));
}

}  // namespace
}  // namespace mien::checkpoint
