#include "mien/report/json_lines.h"

#include <limits>

#include "core/file.h"
#include "support/test_support.h"
#include "unit/report/report_samples.h"
#include "unit/report/schema_checker.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;
using test::kHappy;
using test::picture_of;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Checks a line against the schema of its kind, after a round trip through text.
std::string problem_of(const Json& value) {
  const std::string line = json_line(value);
  if (line.empty() || line.back() != '\n' || line.find('\n') + 1 != line.size()) {
    return "not one line";
  }
  const auto parsed = Json::parse(line);
  if (!parsed.ok()) return parsed.status().message();
  const Json* kind = parsed->find("kind");
  if (!kind || !kind->is_string()) return "no kind";
  const auto text = read_text_file(
      mien::test::source_dir() / "docs" / "schemas" / (kind->as_string() + ".json"), 1 << 20);
  if (!text.ok()) return text.status().message();
  const auto schema = Json::parse(*text);
  if (!schema.ok()) return schema.status().message();
  return test::schema_problem(*parsed, *schema, *schema);
}

TEST(JsonLines, PictureHasExactlyTheDocumentedForm) {
  auto face = face_at({10.04F, 20.06F, 30, 40}, {{"happy", 0.912345F}, {"sad", 0.08F}});
  const Json value = to_json(picture_of({face}));
  EXPECT_EQ(value.dump(),
            R"({"input":"photos/party.jpg","kind":"image","width":640,"height":480,"faces":[)"
            R"({"box":[10.0,20.1,30.0,40.0],"score":1.25,)"
            R"("landmarks":[[19.0,36.1],[31.0,36.1],[25.0,44.1],[20.5,52.1],[29.5,52.1]],)"
            R"("track":null,"source":"detected","top":"happy","unknown":false,)"
            R"("labels":[{"label":"happy","probability":0.9123,"cosine":0.2737},)"
            R"({"label":"sad","probability":0.08,"cosine":0.024}]}]})");
  EXPECT_EQ(problem_of(value), "");
}

TEST(JsonLines, ValuesOfARegressionWithAndWithoutLabels) {
  for (const bool labels : {true, false}) {
    auto face = face_at({1, 2, 3, 4}, labels ? kHappy : test::Scores());
    face.values = {{"rapport", 2.25F}, {"speech", kNan}};
    const Json picture = to_json(picture_of({face}));
    EXPECT_EQ(problem_of(picture), "");
    EXPECT_EQ(picture.find("faces")->as_array()[0].find("values")->dump(),
              R"([{"target":"rapport","value":2.25},{"target":"speech","value":null}])");
    EXPECT_EQ(problem_of(to_json(frame_of(1, {face}))), "");
    pipeline::TrackResult track;
    track.input = "x";
    track.labels = face.labels;
    track.values = face.values;
    const Json line = to_json(track);
    EXPECT_EQ(problem_of(line), "");
    EXPECT_EQ(line.find("aggregate")->as_string(), "mean");
  }
}

TEST(JsonLines, ATrackHasSharesAndSegments) {
  pipeline::TrackResult track = test::track_of("happy");
  track.labels = face_at({}, kHappy).labels;
  track.segments_left_out = 3;
  const Json json = to_json(track);
  EXPECT_EQ(problem_of(json), "");
  EXPECT_NE(json.dump().find(
                R"("shares":[{"label":"happy","unknown":false,"seconds":1.5,"share":0.75},)"
                R"({"label":"unknown","unknown":true,"seconds":0.5,"share":0.25}],)"
                R"("segments":[{"label":"happy","unknown":false,"from":0.0,"to":1.5,)"
                R"("probability":0.8765},{"label":"unknown","unknown":true,"from":1.5,"to":2.0,)"
                R"("probability":null}],"segments_left_out":3,"aggregate":"mean")"),
            std::string::npos)
      << json.dump();
}

TEST(JsonLines, ChangesAgainstABaseline) {
  auto face = face_at({1, 2, 3, 4}, {{"happy", 0.6F}, {"sad", 0.4F}}, 0);
  face.change = {0.25F, -0.25F};
  const Json frame = to_json(frame_of(1, {face}));
  EXPECT_EQ(problem_of(frame), "");
  EXPECT_NE(frame.dump().find(
                R"("change":[{"label":"happy","change":0.25},{"label":"sad","change":-0.25}])"),
            std::string::npos);
  pipeline::TrackResult track;
  track.labels = face.labels;
  track.shares = {{.label = "happy", .seconds = 1, .share = 1}};
  track.segments = {{.to_us = 1'000'000,
                     .label = "happy",
                     .probability = 0.6,
                     .change = 0.25,
                     .risen = "happy",
                     .risen_by = 0.25},
                    {.to_us = 1'000'000, .label = "unknown", .unknown = true, .risen = "sad"}};
  track.baseline = pipeline::BaselineResult{
      .seconds = 1.5,
      .labels = {{.label = "happy", .baseline = 0.35, .mean = 0.6, .change = 0.25}}};
  Json json = to_json(track);
  EXPECT_EQ(problem_of(json), "");
  const std::string text = json.dump();
  EXPECT_NE(text.find(R"("change":0.25,"risen":"happy","risen_by":0.25)"), std::string::npos);
  EXPECT_NE(text.find(R"("change":null,"risen":"sad","risen_by":0.0)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("baseline":{"seconds":1.5,"labels":[{"label":"happy","baseline":0.35,)"
                      R"("mean":0.6,"change":0.25}]})"),
            std::string::npos)
      << text;
}

TEST(JsonLines, AFaceOfAClipHasItsSteadyAnswer) {
  auto face = face_at({1, 2, 3, 4}, kHappy, 0);
  face.steady = engine::SteadyAnswer{.labels = {{.label = "sad", .probability = 0.51234F}}};
  const Json json = to_json(frame_of(1, {face}));
  EXPECT_EQ(problem_of(json), "");
  EXPECT_NE(json.dump().find(R"("steady":{"label":"sad","unknown":false,"probability":0.5123})"),
            std::string::npos)
      << json.dump();
}

TEST(JsonLines, DetectedOnlyFaceHasNoVerdict) {
  auto face = face_at({1, 2, 3, 4}, {});
  face.face.landmarks5.reset();
  face.face.source = face::FaceSource::kBoxes;
  const Json value = to_json(picture_of({face}));
  EXPECT_EQ(problem_of(value), "");
  const Json& out = value.find("faces")->as_array()[0];
  EXPECT_EQ(out.find("top"), nullptr);
  EXPECT_EQ(out.find("unknown"), nullptr);
  EXPECT_EQ(out.find("labels"), nullptr);
  EXPECT_TRUE(out.find("landmarks")->is_null());
  EXPECT_EQ(out.find("source")->as_string(), "boxes");
}

TEST(JsonLines, NoFacesIsAnEmptyList) {
  const Json value = to_json(picture_of({}));
  EXPECT_EQ(value.find("faces")->dump(), "[]");
  EXPECT_EQ(problem_of(value), "");
}

TEST(JsonLines, FrameHasItsTimeInSeconds) {
  auto frame = frame_of(0, {face_at({1, 2, 3, 4}, kHappy, 7)});
  frame.frame = 3;
  frame.timestamp_us = 120'001;
  const Json value = to_json(frame);
  EXPECT_EQ(problem_of(value), "");
  EXPECT_EQ(value.find("time")->dump(), "0.120001");
  EXPECT_EQ(value.find("frame")->as_integer(), 3);
  EXPECT_EQ(value.find("faces")->as_array()[0].find("track")->as_integer(), 7);
}

TEST(JsonLines, WallTimesWhereTheClockIsKnown) {
  const WallTime clock = *parse_wall_time("2026-12-31T23:59:59.9-05:00");
  auto frame = frame_of(0.04, {});
  EXPECT_EQ(to_json(frame).find("clock"), nullptr);
  frame.timestamp_us = 100'001;
  frame.clock = clock;
  EXPECT_EQ(problem_of(to_json(frame)), "");
  EXPECT_EQ(to_json(frame).find("clock")->as_string(), "2027-01-01T00:00:00.000001-05:00");
  pipeline::TrackResult track;
  track.from_us = 50'000;
  track.to_us = 1'100'000;
  track.clock = clock;
  track.shares = {{.label = "sad", .seconds = 1, .share = 1}};
  track.segments = {{.from_us = 50'000, .to_us = 600'000, .label = "sad", .probability = 1}};
  const Json line = to_json(track);
  EXPECT_EQ(problem_of(line), "");
  EXPECT_EQ(line.find("from_clock")->as_string(), "2026-12-31T23:59:59.950000-05:00");
  EXPECT_EQ(line.find("to_clock")->as_string(), "2027-01-01T00:00:01.000000-05:00");
  const Json& segment = line.find("segments")->as_array()[0];
  EXPECT_EQ(segment.find("from_clock")->as_string(), "2026-12-31T23:59:59.950000-05:00");
  EXPECT_EQ(segment.find("to_clock")->as_string(), "2027-01-01T00:00:00.500000-05:00");
  pipeline::SummaryResult summary;
  summary.is_clip = true;
  summary.clock = clock;
  EXPECT_EQ(problem_of(to_json(summary)), "");
  EXPECT_EQ(to_json(summary).find("clock")->as_string(), "2026-12-31T23:59:59.900000-05:00");
}

TEST(JsonLines, UnknownKeepsItsScores) {
  auto face = face_at({1, 2, 3, 4}, kHappy);
  face.unknown = true;
  const Json value = to_json(picture_of({face}));
  EXPECT_EQ(problem_of(value), "");
  const Json& out = value.find("faces")->as_array()[0];
  EXPECT_EQ(out.find("top")->as_string(), "unknown");
  EXPECT_EQ(out.find("labels")->size(), 3U);
}

TEST(JsonLines, ReasonsAndEmbeddingOnlyWhenThere) {
  auto face = face_at({1, 2, 3, 4}, kHappy);
  EXPECT_EQ(to_json(picture_of({face})).dump().find("reasons"), std::string::npos);
  face.reasons = {{"happy", "a broad smile", 0.31F}};
  face.embedding = {0.5F, -0.25F};
  const Json value = to_json(picture_of({face}));
  EXPECT_EQ(problem_of(value), "");
  const Json& out = value.find("faces")->as_array()[0];
  EXPECT_EQ(out.find("embedding")->dump(), "[0.5,-0.25]");
  EXPECT_EQ(out.find("reasons")->as_array()[0].find("text")->as_string(), "a broad smile");
}

TEST(JsonLines, IntensityOnlyWhenThere) {
  auto face = face_at({1, 2, 3, 4}, kHappy);
  EXPECT_EQ(to_json(picture_of({face})).dump().find("intensity"), std::string::npos);
  face.intensity = 0.43219F;
  for (const auto& frame : {picture_of({face}), frame_of(1, {face})}) {
    const Json value = to_json(frame);
    EXPECT_EQ(problem_of(value), "");
    EXPECT_EQ(value.find("faces")->as_array()[0].find("intensity")->dump(), "0.4322");
  }
  face.intensity = -0.5F;
  EXPECT_NE(problem_of(to_json(picture_of({face}))), "");
}

TEST(JsonLines, TrackSummaryAndErrorFitTheirSchemas) {
  pipeline::TrackResult track;
  track.input = "clip.mp4";
  track.track = 2;
  track.to_us = 1'500'000;
  track.frames = 38;
  EXPECT_EQ(problem_of(to_json(track)), "");
  EXPECT_EQ(to_json(track).find("labels"), nullptr);
  track.labels = {{"happy", 0.7F, 0.2F}};
  track.reasons = {{"happy", "smile", 0.2F}};
  EXPECT_EQ(problem_of(to_json(track)), "");
  EXPECT_EQ(to_json(track).find("aggregate")->as_string(), "mean");
  track.aggregate = engine::Aggregate::kTemporal;
  EXPECT_EQ(problem_of(to_json(track)), "");
  EXPECT_EQ(to_json(track).find("aggregate")->as_string(), "temporal");
  EXPECT_EQ(to_json(track).find("to")->dump(), "1.5");

  pipeline::SummaryResult summary;
  summary.is_clip = true;
  summary.media_seconds = 6.0400001;
  EXPECT_EQ(problem_of(to_json(summary)), "");
  EXPECT_EQ(to_json(summary).find("seconds")->dump(), "6.04");
  EXPECT_EQ(to_json(summary).find("media")->as_string(), "clip");
  EXPECT_EQ(problem_of(error_to_json("a.jpg", corrupt("a.jpg: truncated"))), "");
  EXPECT_THROW(error_to_json("a.jpg", Status()), ContractError);
}

TEST(JsonLines, NumbersThatAreNotFiniteAreNull) {
  auto face =
      face_at({kNan, std::numeric_limits<float>::infinity(), 1e30F, -0.01F}, {{"happy", kNan}});
  const Json value = to_json(picture_of({face}));
  EXPECT_EQ(problem_of(value), "");
  const std::string text = value.dump();
  EXPECT_NE(text.find(R"("box":[null,null,)"), std::string::npos);
  EXPECT_NE(text.find(R"(,0.0],"score")"), std::string::npos) << text.substr(0, 200);
}

TEST(JsonLines, AnyTextStaysOneValidLine) {
  for (const std::string& text : test::hostile_texts()) {
    auto picture = picture_of({face_at({1, 2, 3, 4}, {{text, 0.5F}})});
    picture.input = text;
    EXPECT_EQ(problem_of(to_json(picture)), "");
    EXPECT_EQ(problem_of(error_to_json(text, io_error(text))), "");
  }
}

TEST(SchemaChecker, FindsEachKindOfProblem) {
  const auto schema = Json::parse(
      R"({"type":"object","required":["a"],"additionalProperties":false,"properties":{)"
      R"("a":{"type":"array","items":{"$ref":"#/$defs/n"},"minItems":1,"maxItems":2},)"
      R"("b":{"enum":["x"]}},"dependentRequired":{"b":["c"]},"$defs":{"n":{"type":"integer","minimum":0}}})");
  MIEN_ASSERT_OK(schema);
  const auto problem = [&](const char* text) {
    const auto value = Json::parse(text);
    return test::schema_problem(value.value(), schema.value(), schema.value());
  };
  EXPECT_EQ(problem(R"({"a":[1]})"), "");
  for (const char* bad : {"[]", "{}", R"({"a":[]})", R"({"a":[1,2,3]})", R"({"a":["x"]})",
                          R"({"a":[-1]})", R"({"a":[1],"z":1})", R"({"a":[1],"b":"x"})"}) {
    EXPECT_NE(problem(bad), "") << bad;
  }
}

}  // namespace
}  // namespace mien::report
