#include "serve/jobs.h"

#include <sys/stat.h>

#include <fstream>

#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::serve {
namespace {

namespace fs = std::filesystem;

class JobsTest : public testing::Test {
 protected:
  JobsTest() : models_({}) {}
  Result<std::unique_ptr<Jobs>> open() {
    JobOptions options;
    options.folder = dir_ / "state";
    return Jobs::open(models_, {}, options);
  }
  void leave(const std::string& id, const std::string& state) const {
    fs::create_directories(dir_ / "state" / id);
    std::ofstream(dir_ / "state" / id / "clip") << "private";
    if (!state.empty()) std::ofstream(dir_ / "state" / id / "job.json") << state;
  }
  static std::string stored(const std::string& id, const std::string& phase) {
    return R"({"id":")" + id + R"(","state":")" + phase +
           R"(","input":"clip","created_at":1,"finished_at":99999999999,"frames":3,)" +
           R"("expected_frames":9})";
  }
  test::TempDir dir_;
  Models models_;
};

const std::string kOne(32, '1');
const std::string kTwo(32, '2');
const std::string kThree(32, '3');

TEST_F(JobsTest, TellsWhatBecameOfJobsOfAKilledServer) {
  fs::create_directories(dir_ / "state");
  fs::permissions(dir_ / "state", fs::perms::owner_all);
  leave(kOne, stored(kOne, "running"));
  leave(kTwo, stored(kTwo, "done"));
  leave(kThree, "");  // an upload that did not end
  leave("kept", "not ours");
  const auto jobs = open();
  MIEN_ASSERT_OK(jobs);
  const auto one = (*jobs)->find(kOne);
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->phase, JobState::Phase::kFailed);
  EXPECT_EQ(one->code, "cancelled");
  EXPECT_FALSE(fs::exists(dir_ / "state" / kOne / "clip"));
  EXPECT_EQ((*jobs)->find(kTwo)->phase, JobState::Phase::kDone);
  EXPECT_FALSE((*jobs)->find(kThree).has_value());
  EXPECT_FALSE(fs::exists(dir_ / "state" / kThree));
  EXPECT_TRUE(fs::exists(dir_ / "state" / "kept"));
}

TEST_F(JobsTest, RefusesAFolderThatOthersCanRead) {
  fs::create_directories(dir_ / "state");
  fs::permissions(dir_ / "state", fs::perms::all);
  MIEN_EXPECT_CODE(open(), StatusCode::kInvalidArgument);
}

TEST_F(JobsTest, RefusesAFolderInUse) {
  const auto first = open();
  MIEN_ASSERT_OK(first);
  MIEN_EXPECT_CODE(open(), StatusCode::kInvalidArgument);
}

TEST_F(JobsTest, UploadsArePrivateAndRemoved) {
  const auto jobs = open();
  MIEN_ASSERT_OK(jobs);
  auto upload = (*jobs)->begin().value();
  MIEN_ASSERT_OK(upload->write("bytes"));
  struct stat facts {};
  ASSERT_EQ(::stat(upload->folder().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700U);
  ASSERT_EQ(::stat((upload->folder() / "clip").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  const fs::path folder = upload->folder();
  upload.reset();
  EXPECT_FALSE(fs::exists(folder));
}

TEST(JobState, IsStoredAndReadAgain) {
  MIEN_EXPECT_CODE(parse_job("{}"), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(parse_job("["), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::serve
