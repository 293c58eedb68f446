#include "mien/core/json.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/test_support.h"

namespace mien {
namespace {

TEST(Json, RoundTripsEveryKindInOrder) {
  const std::string text =
      R"({"z":1,"a":[true,false,null,-2.5,"x\"\\\n"],"n":{"k":9007199254740993},"e":{},"f":[]})";
  const auto parsed = Json::parse(text);
  MIEN_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->dump(), text);
  EXPECT_EQ(parsed->find("n")->find("k")->as_integer(), 9007199254740993);
  EXPECT_EQ(parsed->find("missing"), nullptr);
  const auto again = Json::parse(parsed->dump(2));
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, *parsed);
}

TEST(Json, PrintsFloatsShort) {
  EXPECT_EQ(Json(0.3F).dump(), "0.3");
  EXPECT_EQ(Json(0.1).dump(), "0.1");
  EXPECT_EQ(Json(NAN).dump(), "null");
  EXPECT_EQ(Json(std::string("\xFF"
                             "a\x01"))
                .dump(),
            "\"\xEF\xBF\xBD"
            "a\\u0001\"");
}

TEST(Json, RejectsDamage) {
  for (const char* bad :
       {"", "{", "[1,]", "{\"a\":1,\"a\":2}", "nul", "1 2", "{\"a\" 1}", "\"\xFF\"", "1e999"}) {
    MIEN_EXPECT_CODE(Json::parse(bad), StatusCode::kCorrupt) << bad;
  }
}

TEST(Json, LimitsDepth) {
  const std::string deep(100000, '[');
  MIEN_EXPECT_CODE(Json::parse(deep), StatusCode::kResourceLimit);
  const std::string fits = std::string(64, '[') + std::string(64, ']');
  MIEN_ASSERT_OK(Json::parse(fits));
}

TEST(Json, TypedLookUpsNameTheKey) {
  const auto parsed = Json::parse(R"({"width":3,"name":"x","ok":true,"scale":1.5})");
  MIEN_ASSERT_OK(parsed);
  EXPECT_EQ(*json_integer(*parsed, "width", "b"), 3);
  EXPECT_EQ(*json_string(*parsed, "name", "b"), "x");
  EXPECT_TRUE(*json_bool(*parsed, "ok", "b"));
  EXPECT_EQ(*json_number(*parsed, "width", "b"), 3.0);
  const auto bad = json_integer(*parsed, "scale", "bundle.json");
  EXPECT_EQ(bad.status().message(),
            "bundle.json: 'scale' is missing or of the wrong type (expected an integer)");
  MIEN_EXPECT_CODE(json_reject_unknown(*parsed, {"width", "name", "ok"}, "b"),
                   StatusCode::kCorrupt);
  MIEN_ASSERT_OK(json_reject_unknown(*parsed, {"width", "name", "ok", "scale"}, "b"));
}

}  // namespace
}  // namespace mien
