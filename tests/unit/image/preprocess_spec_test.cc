#include <gtest/gtest.h>

#include <limits>

#include "mien/image/preprocess.h"
#include "unit/image/image_test_support.h"

namespace mien::image {
namespace {

using Kind = PreprocessStep::Kind;

Result<PreprocessSpec> parse(std::string_view text) {
  return PreprocessSpec::parse(Json::parse(text).value(), "bundle.json: preprocessing");
}

TEST(PreprocessSpec, FactoriesAreValidAndReadBack) {
  for (const auto& spec : {PreprocessSpec::clip(224), PreprocessSpec::normalized_first(224),
                           PreprocessSpec::stretched(112), PreprocessSpec::clip(336)}) {
    MIEN_ASSERT_OK(spec.validate());
    const auto text = spec.to_json().dump();
    const auto again = parse(text);
    MIEN_ASSERT_OK(again) << text;
    EXPECT_EQ(*again, spec);
  }
  EXPECT_EQ(PreprocessSpec::clip(336).output_size(), 336);
  EXPECT_EQ(PreprocessSpec::stretched(112).output_size(), 112);
}

TEST(PreprocessSpec, JsonForm) {
  EXPECT_EQ(PreprocessSpec::stretched(224).to_json().dump(),
            R"({"steps":[{"kind":"resize_exact","size":224,"filter":"bilinear","antialias":true},)"
            R"({"kind":"to_float"}]})");
}

TEST(PreprocessSpec, ParseErrorsNameSubjectAndStep) {
  const auto bad = parse(R"({"steps":[{"kind":"to_float"},{"kind":"blur"}]})");
  MIEN_EXPECT_CODE(bad, StatusCode::kCorrupt);
  EXPECT_EQ(bad.status().message().rfind("bundle.json: preprocessing: steps[1]: ", 0), 0U)
      << bad.status().message();
}

TEST(PreprocessSpec, ParseRejects) {
  for (
      const char* text :
      {"null",
       "[]",
       "{}",
       R"({"steps":3})",
       R"({"steps":[]})",
       R"({"steps":[3]})",
       R"({"steps":[{}]})",
       R"({"steps":[{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"center_crop","size":9},{"kind":"to_float"}],"more":1})",
       R"({"steps":[{"kind":"center_crop","size":9,"filter":"bicubic"},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"center_crop","size":0},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"center_crop","size":-9},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"center_crop","size":4294967305},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"center_crop","size":9.5},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"center_crop"},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"resize_exact","size":9,"filter":"lanczos","antialias":true},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"resize_exact","size":9,"filter":"bicubic"},{"kind":"to_float"}]})",
       R"({"steps":[{"kind":"center_crop","size":9},{"kind":"to_float"},{"kind":"normalize","mean":[0,0],"std":[1,1,1]}]})",
       R"({"steps":[{"kind":"center_crop","size":9},{"kind":"to_float"},{"kind":"normalize","mean":[0,0,1e300],"std":[1,1,1]}]})",
       R"({"steps":[{"kind":"center_crop","size":9},{"kind":"to_float"},{"kind":"normalize","mean":[0,0,"0"],"std":[1,1,1]}]})",
       R"({"steps":[{"kind":"center_crop","size":9},{"kind":"to_float"},{"kind":"normalize","mean":[0,0,0],"std":[1,0,1]}]})"}) {
    MIEN_EXPECT_CODE(parse(text), StatusCode::kCorrupt) << text;
  }
}

TEST(PreprocessSpec, ParseRejectsEndlessSteps) {
  Json steps = Json::array();
  for (int i = 0; i < 1000; ++i) steps.push_back(Json::parse(R"({"kind":"grey"})").value());
  Json json = Json::object();
  json.set("steps", std::move(steps));
  MIEN_EXPECT_CODE(PreprocessSpec::parse(json, "x"), StatusCode::kCorrupt);
}

TEST(PreprocessSpec, ValidateRejects) {
  const PreprocessStep to_float{.kind = Kind::kToFloat};
  const PreprocessStep crop{.kind = Kind::kCenterCrop, .size = 8};
  const PreprocessStep shorter{.kind = Kind::kResizeShorter, .size = 8};
  const PreprocessStep grey{.kind = Kind::kGrey};
  PreprocessStep normalize{.kind = Kind::kNormalize};
  using Steps = std::vector<PreprocessStep>;
  for (const Steps& steps :
       {Steps{}, Steps{crop}, Steps{to_float}, Steps{crop, to_float, to_float},
        Steps{crop, to_float, grey}, Steps{crop, normalize, to_float}, Steps{shorter, to_float},
        Steps{crop, shorter, to_float}, Steps{to_float, crop, shorter}}) {
    MIEN_EXPECT_CODE(PreprocessSpec{steps}.validate(), StatusCode::kInvalidArgument);
  }
  for (const float bad : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    normalize.std[1] = bad;
    MIEN_EXPECT_CODE((PreprocessSpec{{crop, to_float, normalize}}.validate()),
                     StatusCode::kInvalidArgument);
  }
  for (const int size : {0, -1, 4097}) {
    const PreprocessStep wrong{.kind = Kind::kCenterCrop, .size = size};
    MIEN_EXPECT_CODE((PreprocessSpec{{wrong, to_float}}.validate()), StatusCode::kInvalidArgument);
  }
  MIEN_ASSERT_OK((PreprocessSpec{{to_float, shorter, crop}}.validate()));
}

}  // namespace
}  // namespace mien::image
