#include "serve/parameters.h"

#include <fstream>

#include "support/test_support.h"

namespace mien::serve {
namespace {

TEST(Parameters, ReadsEachTypeFromTextAndJson) {
  AskReader text(kPredict);
  MIEN_ASSERT_OK(text.set("labels", "happy,sad"));
  MIEN_ASSERT_OK(text.set("unknown", "0.5"));
  MIEN_ASSERT_OK(text.set("top", "3"));
  MIEN_ASSERT_OK(text.set("explain", "true"));
  MIEN_ASSERT_OK(text.set("views", "2"));
  MIEN_ASSERT_OK(text.set("face", "whole"));
  MIEN_ASSERT_OK(text.set("boxes", "1,2,3,4;5,6,7.5,8"));
  MIEN_ASSERT_OK(text.set("min_face", "20"));
  AskReader json(kPredict);
  MIEN_ASSERT_OK(json.set_json("labels", Json::Array{"happy", "sad, but calm"}));
  MIEN_ASSERT_OK(json.set_json("unknown", 0.5));
  MIEN_ASSERT_OK(json.set_json("top", 3));
  MIEN_ASSERT_OK(json.set_json("explain", true));
  MIEN_ASSERT_OK(json.set_json("views", 2));
  MIEN_ASSERT_OK(json.set_json(
      "boxes", Json::Array{Json(Json::Array{1, 2, 3, 4}), Json(Json::Array{5, 6, 7.5, 8})}));
  EXPECT_EQ(text.ask().labels, "happy,sad");
  EXPECT_EQ(json.ask().labels, "\"happy\",\"sad, but calm\"");
  EXPECT_EQ(text.ask().unknown.value, 0.5);
  EXPECT_EQ(json.ask().unknown.value, 0.5);
  EXPECT_EQ(text.ask().face, face::Mode::kWhole);
  EXPECT_EQ(text.ask().min_face, 20);
  for (const Ask* ask : {&text.ask(), &json.ask()}) {
    EXPECT_EQ(ask->top, 3);
    EXPECT_EQ(ask->views, 2);
    EXPECT_TRUE(ask->explain);
    EXPECT_EQ(ask->boxes, (std::vector<image::Box>{{1, 2, 3, 4}, {5, 6, 7.5, 8}}));
  }
}

TEST(Parameters, RefusesWrongValues) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"top", "-1"},        {"top", "1.5"},         {"top", "nan"},         {"top", ""},
      {"top", "3x"},        {"views", "3"},         {"views", "0"},         {"explain", "maybe"},
      {"face", "boxes"},    {"unknown", "much"},    {"boxes", ""},          {"boxes", "1,2,3"},
      {"boxes", "1,2,0,4"}, {"boxes", "1,2,3,4,5"}, {"boxes", "1,2,3,nan"}, {"min_face", "1"},
      {"nonsense", "1"},    {"smooth", "1"}};
  for (const auto& [name, value] : cases) {
    MIEN_EXPECT_CODE(AskReader(kPredict).set(name, value), StatusCode::kInvalidArgument)
        << name << "=" << value;
  }
  AskReader twice(kPredict);
  MIEN_ASSERT_OK(twice.set("top", "1"));
  MIEN_EXPECT_CODE(twice.set("top", "1"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(AskReader(kPredict).set_json("top", "x"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(AskReader(kPredict).set_json("top", Json::object()),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(AskReader(kPredict).set_json("labels", Json::Array{1}),
                   StatusCode::kInvalidArgument);
}

TEST(Parameters, LimitsLabelsBoxesAndNames) {
  MIEN_EXPECT_CODE(AskReader(kPredict).set("labels", std::string(kMostLabelBytes + 1, 'a')),
                   StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(AskReader(kPredict).set("name", std::string(kMostNameBytes + 1, 'a')),
                   StatusCode::kResourceLimit);
  std::string boxes;
  for (std::size_t i = 0; i <= kMostBoxes; ++i) boxes += "1,1,1,1;";
  MIEN_EXPECT_CODE(AskReader(kPredict).set("boxes", boxes), StatusCode::kResourceLimit);
  std::string many;
  for (std::size_t i = 0; i <= kMostLabels; ++i)
    many.append("w").append(std::to_string(i)).append(",");
  MIEN_EXPECT_CODE(read_labels(many), StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(read_labels(std::string(kMostBytesPerLabel + 1, 'a')),
                   StatusCode::kResourceLimit);
}

TEST(Parameters, NeverReadsALabelFile) {
  const test::TempDir dir;
  const std::filesystem::path file = dir / "labels.txt";
  std::ofstream(file) << "secret\n";
  const auto labels = read_labels(file.string());
  ASSERT_TRUE(!labels.ok() || labels->labels.front().name != "secret");
}

TEST(Parameters, EveryRowIsRead) {
  for (const Parameter& row : parameters()) {
    const EndPoint of = static_cast<EndPoint>(row.of & (~row.of + 1));
    const char* value = row.name == "boxes"                     ? "1,1,5,5"
                        : row.name == "face"                    ? "hog"
                        : row.name == "format"                  ? "csv"
                        : row.name == "unknown"                 ? "off"
                        : row.type == Parameter::Type::kBoolean ? "true"
                        : row.name == "min_face"                ? "20"
                                                                : "1";
    MIEN_ASSERT_OK(AskReader(of).set(row.name, value)) << row.name;
    EXPECT_FALSE(end_point_names(row.of).empty());
  }
}

}  // namespace
}  // namespace mien::serve
