#include "jobs/results_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "jobs/sqlite.h"
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

std::unique_ptr<ResultsFile> open(const std::filesystem::path& path) {
  auto out = ResultsFile::open_for_run(path, kLabels, kFacts);
  EXPECT_EQ(mien::test::problem_of(out), "");
  return out.ok() ? std::move(*out) : nullptr;
}

std::vector<FileRow> rows_of(const ResultsFile& results) {
  std::vector<FileRow> out;
  const Status status = results.for_each_file([&](const FileRow& row) -> Status {
    out.push_back(row);
    return {};
  });
  EXPECT_EQ(mien::test::problem_of(status), "");
  return out;
}

std::vector<pipeline::FrameResult> frames_of(const ResultsFile& results, const FileRow& row) {
  std::vector<pipeline::FrameResult> out;
  const Status status = results.for_each_frame(row, [&](const pipeline::FrameResult& f) -> Status {
    out.push_back(f);
    return {};
  });
  EXPECT_EQ(mien::test::problem_of(status), "");
  return out;
}

void execute(const std::filesystem::path& path, const char* sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
}

// Hashes of descriptions say nothing to people.
TEST(ResultsFile, OtherDescriptionsOfTheLabelsNameTheLabels) {
  const TempDir dir;
  const auto path = dir / "r.sqlite";
  MIEN_ASSERT_OK(ResultsFile::open_for_run(path, kLabels, {{ResultsFile::kLabelTexts, "0a1b"}}));
  const auto other = ResultsFile::open_for_run(path, kLabels, {{ResultsFile::kLabelTexts, "ffff"}});
  MIEN_EXPECT_CODE(other, StatusCode::kInvalidArgument);
  EXPECT_THAT(other.status().message(), HasSubstr("other descriptions of the labels happy, sad"));
  EXPECT_EQ(other.status().message().find("ffff"), std::string::npos);
  const auto words =
      ResultsFile::open_for_run(path, {"happy", "fear"}, {{ResultsFile::kLabelTexts, "ffff"}});
  EXPECT_THAT(words.status().message(), HasSubstr("(got happy, fear)"));
}

TEST(ResultsFile, DevicesAndPipesAreRefused) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  MIEN_EXPECT_CODE(ResultsFile::open_for_run(dir / "pipe", kLabels, kFacts),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(ResultsFile::open_for_run("/dev/null", kLabels, kFacts),
                   StatusCode::kInvalidArgument);
}

TEST(ResultsFile, GivesBackWhatItWasGiven) {
  const TempDir dir;
  const auto results = open(dir / "r.sqlite");
  const auto plan = results->plan(std::vector<InputFile>{file_of("a.mp4"), file_of("b.png")});
  MIEN_ASSERT_OK(plan);
  ASSERT_EQ(plan->todo.size(), 2U);
  const std::int64_t a = plan->todo[0].id, b = plan->todo[1].id;
  std::vector<pipeline::FrameResult> frames;
  for (int i = 0; i < 4; ++i) frames.push_back(frame_of(i, i % 3));
  MIEN_ASSERT_OK(results->append(a, frames));
  const auto clip = clip_of(4);
  MIEN_ASSERT_OK(results->finish(a, clip.summary, clip.tracks));
  MIEN_ASSERT_OK(results->append(b, std::vector{frame_of(0, 1, false)}));
  MIEN_ASSERT_OK(results->finish(b, {}, {}));

  const auto reader = ResultsFile::open_to_read(dir / "r.sqlite");  // while the run has it
  MIEN_ASSERT_OK(reader);
  EXPECT_EQ((*reader)->labels(), kLabels);
  const auto rows = rows_of(**reader);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].input, "a.mp4");
  EXPECT_EQ(rows[0].state, "done");
  EXPECT_TRUE(rows[0].is_clip);
  EXPECT_EQ(rows[0].summary.frames, 4);
  EXPECT_FALSE(rows[1].is_clip);
  const auto back = frames_of(**reader, rows[0]);
  ASSERT_EQ(back.size(), 4U);
  EXPECT_EQ(back[3].frame, 3);
  EXPECT_EQ(back[3].timestamp_us, 120'000);
  EXPECT_TRUE(back[0].faces.empty());
  ASSERT_EQ(back[2].faces.size(), 2U);
  const engine::FaceResult& face = back[2].faces[1];
  EXPECT_EQ(face.face.track, 1);
  EXPECT_EQ(face.face.box, (image::Box{1.5F, 2, 10, 12}));
  EXPECT_EQ(face.face.source, face::FaceSource::kWhole);
  EXPECT_TRUE(face.unknown);
  ASSERT_EQ(face.labels.size(), 2U);
  EXPECT_EQ(face.labels[0].label, kLabels[1]);
  EXPECT_FLOAT_EQ(face.labels[0].probability, 0.6124F);
  EXPECT_FLOAT_EQ(face.labels[1].cosine, -0.125F);
  EXPECT_EQ(frames_of(**reader, rows[1])[0].faces[0].face.track, -1);
  const auto tracks = (*reader)->tracks(rows[0]);
  MIEN_ASSERT_OK(tracks);
  ASSERT_EQ(tracks->size(), 1U);
  EXPECT_EQ((*tracks)[0].aggregate, engine::Aggregate::kTemporal);
  EXPECT_EQ((*tracks)[0].top(), "happy");
}

TEST(ResultsFile, ContinuesWhereARunStopped) {
  const TempDir dir;
  const std::vector<InputFile> files = {file_of("a"), file_of("b"), file_of("c"), file_of("d")};
  {
    const auto results = open(dir / "r.sqlite");
    const auto plan = results->plan(files);
    MIEN_ASSERT_OK(plan);
    MIEN_ASSERT_OK(results->append(plan->todo[0].id, std::vector{frame_of(0, 1)}));
    MIEN_ASSERT_OK(results->finish(plan->todo[0].id, clip_of(1).summary, clip_of(1).tracks));
    MIEN_ASSERT_OK(results->fail(plan->todo[1].id, corrupt("b: is broken")));
    MIEN_ASSERT_OK(results->append(plan->todo[2].id, std::vector{frame_of(0, 1)}));  // half
  }
  const auto results = open(dir / "r.sqlite");
  auto more = files;
  more.push_back(file_of("e"));
  const auto plan = results->plan(more);
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->done_before, 1);
  EXPECT_EQ(plan->failed_before, 1);
  EXPECT_EQ(plan->changed, 0);
  std::string names;
  for (const BatchPlan::Item& item : plan->todo) names += item.file.input;
  EXPECT_EQ(names, "cde");
  const auto rows = rows_of(*results);
  EXPECT_EQ(frames_of(*results, rows[0]).size(), 1U);
  EXPECT_EQ(frames_of(*results, rows[2]).size(), 0U);  // the half one starts anew
  EXPECT_EQ(rows[1].code, "corrupt");
  EXPECT_EQ(rows[1].message, "b: is broken");

  const auto retried = results->plan(more, {.retry_failed = true});
  MIEN_ASSERT_OK(retried);
  EXPECT_EQ(retried->failed_before, 0);
  EXPECT_EQ(retried->todo[0].file.input, "b");
}

TEST(ResultsFile, AChangedFileIsReadAgain) {
  const TempDir dir;
  const auto results = open(dir / "r.sqlite");
  const auto first = results->plan(std::vector{file_of("a"), file_of("b")});
  MIEN_ASSERT_OK(first);
  for (const BatchPlan::Item& item : first->todo) {
    MIEN_ASSERT_OK(results->append(item.id, std::vector{frame_of(0, 1)}));
    MIEN_ASSERT_OK(results->finish(item.id, {}, {}));
  }
  const auto plan = results->plan(std::vector{file_of("a", 10, 6), file_of("b"), file_of("b")});
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->changed, 1);
  EXPECT_EQ(plan->done_before, 1);
  ASSERT_EQ(plan->todo.size(), 1U);
  EXPECT_TRUE(frames_of(*results, rows_of(*results)[0]).empty());
  EXPECT_EQ(rows_of(*results)[0].state, "pending");
  const auto size = results->plan(std::vector{file_of("b", 11)});
  MIEN_ASSERT_OK(size);
  EXPECT_EQ(size->changed, 1);
}

TEST(ResultsFile, ADuplicateFileIsReadOnce) {
  const TempDir dir;
  const auto results = open(dir / "r.sqlite");
  const auto plan = results->plan(std::vector{file_of("a"), file_of("a"), file_of("b")});
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->todo.size(), 2U);
}

TEST(ResultsFile, RefusesASecondRun) {
  const TempDir dir;
  const auto results = open(dir / "r.sqlite");
  const auto second = ResultsFile::open_for_run(dir / "r.sqlite", kLabels, kFacts);
  MIEN_EXPECT_CODE(second, StatusCode::kInvalidArgument);
  EXPECT_THAT(second.status().message(), HasSubstr("another run is writing to it"));
}

TEST(ResultsFile, RefusesAnotherModelOrOtherLabels) {
  const TempDir dir;
  open(dir / "r.sqlite");
  const auto model = ResultsFile::open_for_run(dir / "r.sqlite", kLabels,
                                               {{"bundle", "other 99"}, {"--face", "whole"}});
  MIEN_EXPECT_CODE(model, StatusCode::kInvalidArgument);
  EXPECT_THAT(model.status().message(), HasSubstr("made with bundle tiny 1234 (got other 99)"));
  const auto labels = ResultsFile::open_for_run(dir / "r.sqlite", {"happy"}, kFacts);
  EXPECT_THAT(labels.status().message(), HasSubstr("made with labels happy, sad"));
  const auto fact = ResultsFile::open_for_run(dir / "r.sqlite", kLabels, {{"new", "1"}});
  EXPECT_THAT(fact.status().message(), HasSubstr("made with new none (got 1)"));
}

TEST(ResultsFile, KeepsWhereAClipWasCutAndItsClock) {
  const TempDir dir;
  auto clip = clip_of(4);
  clip.summary.cut_short = video::CutShort{4, 9};
  clip.summary.clock = *parse_wall_time("2026-03-01T14:05:00.25+01:00");
  {
    const auto results = open(dir / "r.sqlite");
    const auto plan = results->plan(std::vector{file_of("a"), file_of("b")});
    MIEN_ASSERT_OK(results->append(plan->todo[0].id, std::vector{frame_of(0, 1)}));
    MIEN_ASSERT_OK(results->finish(plan->todo[0].id, clip.summary, clip.tracks));
    MIEN_ASSERT_OK(results->finish(plan->todo[1].id, clip_of(2).summary, {}));
  }
  {
    const auto results = ResultsFile::open_to_read(dir / "r.sqlite");
    MIEN_ASSERT_OK(results);
    const auto rows = rows_of(**results);
    ASSERT_TRUE(rows[0].summary.cut_short);
    EXPECT_EQ(rows[0].summary.cut_short->expected, 9);
    EXPECT_EQ(rows[0].summary.clock, clip.summary.clock);
    EXPECT_EQ(frames_of(**results, rows[0])[0].clock, clip.summary.clock);
    EXPECT_EQ((*(*results)->tracks(rows[0]))[0].clock, clip.summary.clock);
    EXPECT_FALSE(rows[1].summary.cut_short);
    EXPECT_FALSE(rows[1].summary.clock);
  }
  // A file from before there were these columns.
  execute(dir / "r.sqlite",
          "ALTER TABLE files DROP COLUMN cut_short; ALTER TABLE files DROP COLUMN "
          "expected_frames; ALTER TABLE files DROP COLUMN clock");
  {
    const auto results = ResultsFile::open_to_read(dir / "r.sqlite");
    MIEN_ASSERT_OK(results);
    const auto rows = rows_of(**results);
    ASSERT_TRUE(rows[0].summary.cut_short) << "its code says so";
    EXPECT_EQ(rows[0].summary.cut_short->expected, 0);
    EXPECT_FALSE(rows[1].summary.cut_short);
  }
  const auto results = open(dir / "r.sqlite");  // goes on with it
  const auto plan = results->plan(std::vector{file_of("a"), file_of("b"), file_of("c")});
  MIEN_ASSERT_OK(plan);
  ASSERT_EQ(plan->todo.size(), 1U);
  MIEN_ASSERT_OK(results->finish(plan->todo[0].id, clip.summary, {}));
  EXPECT_EQ(rows_of(*results)[2].summary.cut_short->expected, 9);
}

TEST(ResultsFile, IsReadWhereNothingMayBeWritten) {
  const TempDir dir;
  const auto folder = dir / "archive of 50%";
  std::filesystem::create_directory(folder);
  const auto file = folder / "r #1?.sqlite";
  {
    const auto results = open(file);
    const auto plan = results->plan(std::vector{file_of("a")});
    MIEN_ASSERT_OK(results->append(plan->todo[0].id, std::vector{frame_of(0, 1)}));
    MIEN_ASSERT_OK(results->finish(plan->todo[0].id, clip_of(1).summary, clip_of(1).tracks));
  }
  const auto sqlite = Sqlite::open_unchanging(file.string());
  MIEN_ASSERT_OK(sqlite);
  auto count = (*sqlite)->prepare("SELECT count(*) FROM faces");
  MIEN_ASSERT_OK(count);
  ASSERT_TRUE(*count->step());
  EXPECT_EQ(count->integer(0), 1);
  if (::geteuid() == 0) GTEST_SKIP() << "root writes everywhere";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  std::filesystem::permissions(
      folder, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const auto results = ResultsFile::open_to_read(file);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  MIEN_ASSERT_OK(results);
  EXPECT_EQ(frames_of(**results, rows_of(**results)[0]).size(), 1U);
}

TEST(ResultsFile, RefusesOtherFiles) {
  const TempDir dir;
  std::ofstream(dir / "text") << std::string(5000, 'x');
  MIEN_EXPECT_CODE(ResultsFile::open_for_run(dir / "text", kLabels, kFacts), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(ResultsFile::open_to_read(dir / "text"), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(ResultsFile::open_to_read(dir / "none"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(ResultsFile::open_for_run(dir / "no" / "r", kLabels, kFacts), StatusCode::kIo);
  execute(dir / "other", "CREATE TABLE mine(x)");
  MIEN_EXPECT_CODE(ResultsFile::open_for_run(dir / "other", kLabels, kFacts), StatusCode::kCorrupt);
  open(dir / "future");
  execute(dir / "future", "UPDATE meta SET value = '9' WHERE key = 'format_version'");
  MIEN_EXPECT_CODE(ResultsFile::open_for_run(dir / "future", kLabels, kFacts),
                   StatusCode::kUnsupported);
  std::ofstream(dir / "empty");
  MIEN_EXPECT_CODE(ResultsFile::open_to_read(dir / "empty"), StatusCode::kCorrupt);
  open(dir / "empty");  // an empty file becomes a new one
}

TEST(ResultsFile, ReportsDamagedScores) {
  const TempDir dir;
  {
    const auto results = open(dir / "r.sqlite");
    const auto plan = results->plan(std::vector{file_of("a")});
    MIEN_ASSERT_OK(results->append(plan->todo[0].id, std::vector{frame_of(0, 1)}));
    MIEN_ASSERT_OK(results->finish(plan->todo[0].id, clip_of(1).summary, clip_of(1).tracks));
  }
  execute(dir / "r.sqlite",
          "UPDATE faces SET probabilities = '[0.5]'; UPDATE tracks SET cosines = 'x'");
  const auto results = ResultsFile::open_to_read(dir / "r.sqlite");
  MIEN_ASSERT_OK(results);
  const FileRow row = rows_of(**results)[0];
  MIEN_EXPECT_CODE((*results)->for_each_frame(row, [](const auto&) { return Status(); }),
                   StatusCode::kCorrupt);
  MIEN_EXPECT_CODE((*results)->tracks(row), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::jobs
