#pragma once

#include <filesystem>
#include <optional>

namespace mien {

/// Processors that this process may keep busy, as the limit of its container says (cgroup v2
/// `cpu.max`, v1 `cpu.cfs_quota_us`): the least of its own group's and those above. No value: no
/// limit. `root` is where /proc and /sys are looked for.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

/// How many threads this process keeps busy at most: the processors that it may run on (its
/// affinity), or the quota, rounded up, when that is less. At least 1. Read once.
int available_cpus();

}  // namespace mien
