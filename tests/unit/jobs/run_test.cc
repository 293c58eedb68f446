#include "jobs/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>

#include "support/test_support.h"
#include "unit/jobs/jobs_samples.h"

namespace mien::jobs {
namespace {

using mien::test::TempDir;
using test::clip_of;
using test::file_of;
using test::frame_of;
using test::kFacts;
using test::kLabels;
using testing::HasSubstr;

// Reads made-up clips; a name says what happens.
class FakeReader final : public FileReader {
 public:
  explicit FakeReader(std::int64_t frames) : frames_(frames) {}
  Result<pipeline::ClipResult> read(const InputFile& file, FrameSink& sink) override {
    for (std::int64_t i = 0; i < frames_; ++i) {
      MIEN_RETURN_IF_ERROR(sink.frame(frame_of(i, 2)));
      if (file.input.starts_with("bad")) return corrupt(file.input + ": is bad");
      if (file.input.starts_with("throws")) throw std::runtime_error("thrown");
      if (file.input.starts_with("huge")) throw std::bad_alloc();
      if (file.input.starts_with("stop")) return cancelled("stopped");
    }
    return clip_of(frames_);
  }

 private:
  std::int64_t frames_;
};

struct Fixture {
  TempDir dir;
  std::unique_ptr<ResultsFile> results;
  BatchPlan plan;

  explicit Fixture(const std::vector<InputFile>& files) {
    auto made = ResultsFile::open_for_run(dir / "r.sqlite", kLabels, kFacts);
    results = std::move(*made);
    plan = *results->plan(files);
  }
  Result<RunCounts> run(const BatchRunOptions& options = {}, std::int64_t frames = 3) {
    return run_plan(
        *results, plan,
        [&]() -> Result<std::unique_ptr<FileReader>> {
          return std::make_unique<FakeReader>(frames);
        },
        options);
  }
  std::int64_t count(const std::string& state) const {
    std::int64_t out = 0;
    (void)results->for_each_file([&](const FileRow& row) -> Status {
      if (row.state == state) ++out;
      return {};
    });
    return out;
  }
};

std::vector<InputFile> many(int count) {
  std::vector<InputFile> out;
  for (int i = 0; i < count; ++i) out.push_back(file_of("clip" + std::to_string(i)));
  return out;
}

TEST(RunPlan, EveryFileOnceWithAnyNumberOfWorkers) {
  for (const int jobs : {1, 2, 7}) {
    Fixture fixture(many(40));
    std::int64_t told = 0;
    const auto counts = fixture.run({.jobs = jobs, .progress = [&](std::int64_t) { ++told; }}, 300);
    MIEN_ASSERT_OK(counts);
    EXPECT_EQ(counts->read, 40);
    EXPECT_EQ(counts->left, 0);
    EXPECT_EQ(told, 40);
    EXPECT_EQ(fixture.count("done"), 40);
    std::int64_t frames = 0;
    MIEN_ASSERT_OK(fixture.results->for_each_file([&](const FileRow& row) {
      return fixture.results->for_each_frame(row,
                                             [&](const pipeline::FrameResult& frame) -> Status {
                                               EXPECT_EQ(frame.frame, frames % 300);
                                               ++frames;
                                               return {};
                                             });
    }));
    EXPECT_EQ(frames, 40 * 300);
  }
}

TEST(RunPlan, AFailureIsRecordedAndTheRestIsRead) {
  Fixture fixture({file_of("a"), file_of("bad"), file_of("throws"), file_of("huge"), file_of("b")});
  std::vector<std::string> told;
  const auto counts = fixture.run(
      {.jobs = 2, .failed = [&](const InputFile& f, const Status&) { told.push_back(f.input); }});
  MIEN_ASSERT_OK(counts);
  EXPECT_EQ(counts->read, 2);
  EXPECT_EQ(counts->failed, 3);
  EXPECT_THAT(told, testing::UnorderedElementsAre("bad", "throws", "huge"));
  std::set<std::string> codes;
  MIEN_ASSERT_OK(fixture.results->for_each_file([&](const FileRow& row) -> Status {
    if (row.state == "failed") codes.insert(row.code + "|" + row.message);
    return {};
  }));
  EXPECT_THAT(codes, testing::UnorderedElementsAre("corrupt|bad: is bad", "internal|throws: thrown",
                                                   "resource_limit|huge: not enough memory"));
}

TEST(RunPlan, ACancelledFileIsLeftForTheNextRun) {
  Fixture fixture({file_of("stop"), file_of("b")});
  const auto counts = fixture.run();
  MIEN_ASSERT_OK(counts);
  EXPECT_EQ(counts->left, 1);
  EXPECT_EQ(fixture.count("pending"), 1);
  const std::atomic<bool> cancel{true};
  Fixture stopped(many(3));
  const auto none = stopped.run({.cancel = &cancel});
  MIEN_ASSERT_OK(none);
  EXPECT_EQ(none->left, 3);
}

TEST(RunPlan, AReaderThatCannotBeMadeEndsTheRun) {
  Fixture fixture(many(2));
  const auto counts = run_plan(
      *fixture.results, fixture.plan,
      []() -> Result<std::unique_ptr<FileReader>> { return not_found("no model"); }, {.jobs = 2});
  MIEN_EXPECT_CODE(counts, StatusCode::kNotFound);
  EXPECT_EQ(fixture.count("pending"), 2);
}

// A file size limit stands for a full disk: writes beyond it fail.
TEST(RunPlan, AFullDiskEndsTheRunAndKeepsWhatWasComplete) {
  Fixture fixture(many(60));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1'500'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto counts = fixture.run({.jobs = 2}, 300);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  MIEN_EXPECT_CODE(counts, StatusCode::kIo);
  EXPECT_THAT(counts.status().message(), HasSubstr("r.sqlite"));
  const std::int64_t done = fixture.count("done");
  EXPECT_GT(done, 0);
  EXPECT_LT(done, 60);
  // The next run finishes the work.
  fixture.plan = *fixture.results->plan(many(60));
  EXPECT_EQ(fixture.plan.done_before, done);
  const auto rest = fixture.run({}, 300);
  MIEN_ASSERT_OK(rest);
  EXPECT_EQ(rest->read, 60 - done);
  EXPECT_EQ(fixture.count("done"), 60);
}

}  // namespace
}  // namespace mien::jobs
