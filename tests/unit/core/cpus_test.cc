// Trees of /proc and /sys as container runtimes create them.
#include "core/cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>
#include <string>
#include <thread>

#include "support/test_support.h"

namespace mien {
namespace {

namespace fs = std::filesystem;

class CpuQuota : public ::testing::Test {
 protected:
  void put(const std::string& file, const std::string& text) {
    const fs::path path = folder_.path() / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void put_v2(const std::string& group, const std::string& from = "/") {
    put("proc/self/cgroup", "0::" + group + "\n");
    put("proc/self/mountinfo",
        "24 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
        "31 24 0:27 " +
            from + " /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  void put_v1(const std::string& group, const std::string& from) {
    put("proc/self/cgroup", "12:memory:/elsewhere\n5:cpu,cpuacct:" + group + "\n3:cpuset:/\n");
    put("proc/self/mountinfo",
        "40 24 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "41 24 0:30 " +
            from + " /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  }
  std::optional<double> quota() const { return cpu_quota(folder_.path()); }

  test::TempDir folder_;
};

TEST_F(CpuQuota, NoneWithoutAnyLimit) {
  EXPECT_EQ(quota(), std::nullopt);
  put_v2("/");
  EXPECT_EQ(quota(), std::nullopt);
  put("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, OfAContainerInAGroupNamespace) {
  put_v2("/");
  put("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, OfAContainerWhoseGroupOnlyTheHostKnows) {
  put_v2("/docker/0123abcd", "/docker/0123abcd");
  put("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(), 0.5);
  put_v2("/../../user.slice");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, UsesTheSmallestLimitOfAllParents) {
  put_v2("/user.slice/user-1000.slice/run-1.scope");
  put("sys/fs/cgroup/user.slice/cpu.max", "800000 100000\n");
  put("sys/fs/cgroup/user.slice/user-1000.slice/cpu.max", "300000 100000\n");
  put("sys/fs/cgroup/user.slice/user-1000.slice/run-1.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 3.0);
  put("sys/fs/cgroup/user.slice/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2.0);
  put("sys/fs/cgroup/neighbour/cpu.max", "10000 100000\n");
  EXPECT_EQ(quota(), 2.0);
}

TEST_F(CpuQuota, OfVersion1) {
  put_v1("/docker/0123abcd", "/docker/0123abcd");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(quota(), std::nullopt);
  put_v1("/slurm/job_7", "/");
  put("sys/fs/cgroup/cpu,cpuacct/slurm/job_7/cpu.cfs_quota_us", "400000\n");
  put("sys/fs/cgroup/cpu,cpuacct/slurm/job_7/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(quota(), 8.0);
}

TEST_F(CpuQuota, UnexpectedFilesAreNoLimit) {
  put_v2("/");
  for (const std::string text : {"", "\n", "0 100000\n", "100000 0\n", "-5 100000\n", "100000\n",
                                 "many 100000\n", "1e999 100000\n", "nan 100000\n", "1 2 3\n"}) {
    put("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(quota(), std::nullopt) << text;
  }
  put("sys/fs/cgroup/cpu.max", "100000 100000\n");
  put("proc/self/mountinfo", "nonsense\n - \n1 2 3 - cgroup2\n");
  EXPECT_EQ(quota(), std::nullopt);
  put("proc/self/cgroup", "nonsense\n0:\n::\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST(AvailableCpus, IsAtMostTheAffinity) {
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
  EXPECT_GE(available_cpus(), 1);
  EXPECT_LE(available_cpus(), CPU_COUNT(&set));
}

}  // namespace
}  // namespace mien
