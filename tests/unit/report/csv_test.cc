#include "mien/report/csv.h"

#include <cmath>
#include <limits>

#include "support/test_support.h"
#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;
using test::kHappy;
using test::picture_of;

// A strict RFC 4180 reader with "\n" line ends.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& cell = rows.back().back();
    if (quoted) {
      if (c != '"') {
        cell += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cell += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      EXPECT_TRUE(cell.empty());
      quoted = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\n') {
      rows.emplace_back(1);
    } else {
      cell += c;
    }
  }
  EXPECT_FALSE(quoted);
  rows.pop_back();
  return rows;
}

TEST(Csv, HeaderAndRowAreAsDocumented) {
  const FaceCsv table({"happy", "sad"});
  EXPECT_EQ(table.header(),
            "input,frame,face_id,timestamp,confidence,success,source,x,y,w,h,top,unknown,"
            "p_happy,p_sad,c_happy,c_sad,steady,cut_short\n");
  auto frame =
      frame_of(0.04, {face_at({10, 20.25F, 30, 40}, {{"sad", 0.75F}, {"happy", 0.25F}}, 3)});
  EXPECT_EQ(table.rows(frame),
            "clip.mp4,1,3,0.040000,1.2500,1,detected,10.0,20.2,30.0,40.0,sad,0,"
            "0.2500,0.7500,0.0750,0.2250,,0\n");
  frame.faces[0].steady = engine::SteadyAnswer{.labels = {{.label = "happy"}}};
  EXPECT_TRUE(table.rows(frame).ends_with(",0.2250,happy,0\n"));
  frame.faces[0].steady->unknown = true;
  EXPECT_TRUE(table.rows(frame).ends_with(",0.2250,unknown,0\n"));
  EXPECT_TRUE(table.rows(frame, true).ends_with(",unknown,1\n")) << "the clip is cut short here";
  frame.faces.clear();
  EXPECT_TRUE(table.rows(frame, true).ends_with(",,1\n"));
  EXPECT_TRUE(table.rows(picture_of({})).ends_with(",,\n")) << "a picture cannot be cut short";
  EXPECT_EQ(FaceCsv({}).header().find("steady"), std::string::npos) << "detected faces have none";
}

TEST(Csv, ChangesAgainstABaselineComeAfterTheLabels) {
  const FaceCsv table({"happy", "sad"}, {}, {.changes = true});
  auto face = face_at({1, 2, 3, 4}, {{"sad", 0.75F}, {"happy", 0.25F}});
  const auto none = table.rows(picture_of({face}));
  face.change = {0.5F, -0.5F};
  const auto rows = parse_csv(table.header() + table.rows(picture_of({face})) + none +
                              table.rows(picture_of({})));
  EXPECT_EQ(rows[0][18], "d_happy");
  EXPECT_EQ(rows[1][18], "-0.5000");
  EXPECT_EQ(rows[1][19], "0.5000");
  EXPECT_EQ(rows[2][19], "");
  for (const auto& row : rows) EXPECT_EQ(row.size(), 21U);
}

TEST(Csv, TheWallTimeIsTheLastColumn) {
  const FaceCsv table({"happy"}, {}, {.changes = true, .clock = true});
  auto frame = frame_of(2.04, {face_at({1, 2, 3, 4}, {{"happy", 1.0F}}, 0)});
  const std::string none = table.rows(frame);
  frame.clock = *parse_wall_time("2028-02-28T23:59:58.5Z");
  auto empty = frame;
  empty.faces.clear();
  const auto rows = parse_csv(table.header() + table.rows(frame) + table.rows(empty) + none);
  EXPECT_EQ(rows[0].back(), "clock");
  EXPECT_EQ(rows[1].back(), "2028-02-29T00:00:00.540000+00:00");
  EXPECT_EQ(rows[2].back(), "2028-02-29T00:00:00.540000+00:00");
  EXPECT_EQ(rows[3].back(), "");
  for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
}

TEST(Csv, ValuesOfARegressionComeAfterTheLabels) {
  const FaceCsv table({"happy"}, {"blunted affect", "=x"});
  auto face = face_at({1, 2, 3, 4}, {{"happy", 0.5F}});
  face.values = {{"blunted affect", 2.5F}, {"=x", -1e-9F}};
  const auto rows =
      parse_csv(table.header() + table.rows(picture_of({face})) + table.rows(picture_of({})) +
                table.rows(picture_of({face_at({}, {})})));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0][15], "v_blunted affect");
  EXPECT_EQ(rows[0][16], "v_=x");
  EXPECT_EQ(rows[1][15], "2.500000");
  EXPECT_EQ(rows[1][16], "0.000000");
  EXPECT_EQ(rows[2].size(), 19U);
  EXPECT_EQ(rows[3][15], "");
}

TEST(Csv, FrameWithoutFacesKeepsItsRow) {
  const FaceCsv table({"happy", "sad"});
  const auto rows = parse_csv(table.header() + table.rows(frame_of(1, {})));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].size(), rows[0].size());
  EXPECT_EQ(rows[1][5], "0");
  EXPECT_EQ(rows[1][2], "");
}

TEST(Csv, PicturesNumberTheirFaces) {
  const FaceCsv table({"happy"});
  const auto rows =
      parse_csv(table.rows(picture_of({face_at({1, 2, 3, 4}, kHappy), face_at({5, 6, 7, 8}, {})})));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0][2], "0");
  EXPECT_EQ(rows[1][2], "1");
  EXPECT_EQ(rows[1][11], "") << "a face that was not scored has no top label";
  EXPECT_EQ(rows[1][12], "");
}

TEST(Csv, RepeatedLabelsCountOnceAndStrangeOnesAreLeftOut) {
  const FaceCsv table({"happy", "happy", "bored"});
  const auto rows =
      parse_csv(table.header() + table.rows(picture_of({face_at({1, 2, 3, 4}, kHappy)})));
  ASSERT_EQ(rows[0].size(), 13U + 4U + 2U);  // then steady and cut_short
  EXPECT_EQ(rows[1][13], "0.9100");
  EXPECT_EQ(rows[1][14], "");
}

TEST(Csv, TextIsQuotedAsInRfc4180) {
  EXPECT_EQ(csv_text(""), "");
  EXPECT_EQ(csv_text("plain"), "plain");
  EXPECT_EQ(csv_text("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_text("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_text("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv_text(" edge "), "\" edge \"");
}

TEST(Csv, FormulasAreDisarmed) {
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"}) {
    const auto rows = parse_csv(csv_text(text) + "\n");
    EXPECT_EQ(rows[0][0], std::string("'") + text);
  }
  EXPECT_EQ(csv_text("a=b"), "a=b");
}

TEST(Csv, AnyTextReadsBackAsOneCell) {
  for (const std::string& text : test::hostile_texts()) {
    auto picture = picture_of({face_at({1, 2, 3, 4}, {{text, 0.5F}})});
    picture.input = text;
    const FaceCsv table({text});
    const auto rows = parse_csv(table.header() + table.rows(picture));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].size(), 17U);
    EXPECT_EQ(rows[1].size(), 17U);
    EXPECT_EQ(rows[1][0].find('\0'), std::string::npos);
  }
}

TEST(Csv, NumbersThatAreNotFiniteAreEmpty) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const FaceCsv table({"happy"});
  const auto rows = parse_csv(
      table.rows(picture_of({face_at({nan, -0.01F, HUGE_VALF, 3e38F}, {{"happy", nan}})})));
  EXPECT_EQ(rows[0][7], "");
  EXPECT_EQ(rows[0][8], "0.0");
  EXPECT_EQ(rows[0][9], "");
  EXPECT_EQ(rows[0][10].size(), 41U);
  EXPECT_EQ(rows[0][13], "");
}

}  // namespace
}  // namespace mien::report
