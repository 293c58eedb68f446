#pragma once

#include <filesystem>
#include <optional>

namespace mien {

/// Number of processors that the limit of the container allows (cgroup v2 `cpu.max`, v1
/// `cpu.cfs_quota_us`): the smallest limit of the own group and its parents; none: no limit.
/// `root`: prefix of /proc and /sys, for tests.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

/// Number of threads that can run at once: the processors in the affinity mask, or the quota
/// rounded up if that is less. At least 1. Read once.
int available_cpus();

}  // namespace mien
