#include "data/check.h"

#include <fmt/format.h>

#include <map>

#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// One grey pixel.
const std::string kPicture = std::string("P5\n1 1\n255\n") + '\x7F';

class Check : public Miniature {
 protected:
  Manifest read(std::string_view csv) {
    file("m.csv", csv);
    auto out = load_manifest(dir_ / "m.csv");
    EXPECT_TRUE(out.ok()) << out.status().message();
    return std::move(out).value();
  }
  static std::map<std::string, std::vector<std::string>> found(const CheckReport& report) {
    std::map<std::string, std::vector<std::string>> out;
    for (const Problems& each : report.problems) {
      if (!each.messages.empty()) out[each.kind] = each.messages;
    }
    return out;
  }
  void SetUp() override {
    for (const char* name : {"a.pgm", "b.pgm", "c.pgm"}) file(name, kPicture);
  }
};

TEST_F(Check, CountsPerClassAndSplit) {
  const Manifest set = read(
      "path,label,subject,split,caption,fp_happiness\na.pgm,happy,A,train,x,3\n"
      "b.pgm,sad+happy,B,train,,\nc.pgm,sad,C,val,,\nd.pgm,,C,val,,\n");
  const auto report = check_manifest(set);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->problem_count(), 0);
  EXPECT_THAT(report->splits, ElementsAre("train", "val"));
  EXPECT_THAT(report->counts, ElementsAre(ElementsAre(2, 0), ElementsAre(1, 1)));
  EXPECT_THAT(report->of_split, ElementsAre(2, 1));
  EXPECT_EQ(report->samples, 3);
  EXPECT_EQ(report->frames, 3);
  EXPECT_EQ(report->decoded, 3);
  EXPECT_EQ(report->unlabelled, 1);
  EXPECT_EQ(report->compound, 1);
  EXPECT_EQ(report->with_caption, 1);
  EXPECT_EQ(report->with_votes, 1);
  EXPECT_EQ(report->subjects, 3);
}

TEST_F(Check, ReportDoesNotDependOnThreads) {
  std::string csv = "path,label\n";
  for (int i = 0; i < 60; ++i) {
    csv += fmt::format("{}.pgm,happy\n", i);
    if (i % 7 != 0) file(fmt::format("{}.pgm", i), i % 5 == 0 ? "junk" : kPicture);
  }
  const Manifest set = read(csv);
  std::int64_t last = 0;
  const auto one = check_manifest(set);
  const auto four = check_manifest(
      set, {.threads = 4, .progress = [&](std::int64_t done) { EXPECT_EQ(done, ++last); }});
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(last, 60);
  EXPECT_EQ(found(*one), found(*four));
  EXPECT_THAT(found(*one)["unreadable"], SizeIs(19));
  EXPECT_THAT(found(*one)["unreadable"][0], HasSubstr("0.pgm: "));
}

TEST_F(Check, FirstFramesOrAll) {
  file("bad.pgm", "P5\n9 9\n255\nxx");
  const Manifest set = read(
      "path,label,sequence,frame\na.pgm,sad,x,1\nbad.pgm,sad,x,2\nb.pgm,sad,y,1\nc.pgm,sad,y,2\n");
  const auto first = check_manifest(set);
  EXPECT_EQ(first->decoded, 2);
  EXPECT_EQ(first->problem_count(), 0);
  const auto all = check_manifest(set, {.all_frames = true, .threads = 2});
  EXPECT_EQ(all->decoded, 4);
  EXPECT_THAT(found(*all)["unreadable"], ElementsAre(HasSubstr("bad.pgm: ")));
}

TEST_F(Check, DuplicatesAndLeaks) {
  const Manifest set = read(
      "path,label,subject,split\na.pgm,happy,A,train\na.pgm,sad,B,val\nb.pgm,sad,A,test\n"
      "c.pgm,sad,B,val\n");
  const auto report = check_manifest(set);
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(found(*report)["duplicate"],
              ElementsAre("a.pgm: used by sample 'a.pgm' (train) and again by 'a.pgm' (val), with "
                          "another label"));
  EXPECT_THAT(found(*report)["leak"],
              ElementsAre("subject 'A': is in splits train, test (expected one)"));
}

TEST_F(Check, EmptyClassesMissingAndCaptions) {
  Manifest set = read("path,label\na.pgm,happy\n");
  set.classes.push_back("fear");
  set.missing = {"list.txt:3: folder 'x' has no pictures"};
  EXPECT_THAT(found(*check_manifest(set))["empty_class"],
              ElementsAre("class 'fear': has no sample"));
  EXPECT_THAT(found(*check_manifest(set))["missing"], SizeIs(1));
  EXPECT_THAT(found(*check_manifest(set))["caption"], IsEmpty());
  EXPECT_THAT(found(*check_manifest(set, {.need_captions = true}))["caption"],
              ElementsAre("sample 'a.pgm': has no caption"));
}

TEST_F(Check, Cancelled) {
  const std::atomic<bool> stop = true;
  EXPECT_EQ(test::code_of(check_manifest(read("path,label\na.pgm,happy\n"), {.cancel = &stop})),
            StatusCode::kCancelled);
}

TEST_F(Check, RowsOfFer2013AreDecodedToo) {
  std::string row;
  for (int i = 0; i < 2304; ++i) row += fmt::format("{} ", i % 256);
  file("fer2013.csv", fmt::format("emotion,pixels,Usage\n0,{},Training\n1,1 2 3,Training\n", row));
  const auto set = load_dataset("fer2013", dir_.path());
  ASSERT_TRUE(set.ok());
  EXPECT_THAT(found(*check_manifest(*set))["unreadable"],
              ElementsAre(HasSubstr("fer2013.csv:3: has 3 pixels")));
}

}  // namespace
}  // namespace mien::data
