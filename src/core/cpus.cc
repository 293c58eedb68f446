#include "core/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mien {
namespace {

namespace fs = std::filesystem;

/// A cgroup hierarchy as this process sees it.
struct Mount {
  std::string at;    // mount point
  std::string from;  // group that is mounted there
};

bool has_word(std::string_view list, std::string_view word) {
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    if (list.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

std::optional<double> read_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The words of a one-line file; empty when it cannot be read.
std::vector<std::string> words_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> words;
  for (std::string word; words.size() < 8 && in >> word;) words.push_back(word);
  return words;
}

std::optional<double> ratio(std::string_view quota, std::string_view period) {
  const auto most = read_number(quota), each = read_number(period);
  if (!most || !each) return std::nullopt;                                       // "max"
  if (!std::isfinite(*most) || *most <= 0 || !(*each > 0)) return std::nullopt;  // -1: no limit
  return *most / *each;
}

std::optional<double> quota_of(const fs::path& group, bool v2) {
  if (v2) {
    const auto words = words_of(group / "cpu.max");
    return words.size() == 2 ? ratio(words[0], words[1]) : std::nullopt;
  }
  const auto quota = words_of(group / "cpu.cfs_quota_us");
  const auto period = words_of(group / "cpu.cfs_period_us");
  return quota.size() == 1 && period.size() == 1 ? ratio(quota[0], period[0]) : std::nullopt;
}

/// A line of mountinfo: ID PARENT DEVICE ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPER
std::optional<Mount> find_mount(const fs::path& root, bool v2) {
  std::ifstream in(root / "proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash)), behind(line.substr(dash + 3));
    std::string skip, from, at, type, source, super;
    before >> skip >> skip >> skip >> from >> at;
    behind >> type >> source >> super;
    if (v2 ? type == "cgroup2" : type == "cgroup" && has_word(super, "cpu")) return Mount{at, from};
  }
  return std::nullopt;
}

/// The group of this process. Lines of the file: NUMBER:CONTROLLERS:PATH, or 0::PATH for v2.
std::optional<std::string> find_group(const fs::path& root, bool v2) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers(line.data() + first + 1, second - first - 1);
    if (v2 ? controllers.empty() : has_word(controllers, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

std::optional<double> smallest_quota(const fs::path& root, bool v2) {
  const auto mount = find_mount(root, v2);
  const auto group = find_group(root, v2);
  if (!mount || !group) return std::nullopt;
  // Inside a container the group often has a path that only the host knows; the mounted group is
  // then that of the container.
  const fs::path top(mount->from), own(*group);
  fs::path below = own.lexically_relative(top);
  if (below.empty() || *below.begin() == ".." || below == ".") below.clear();
  fs::path here = root / fs::path(mount->at).relative_path();
  std::optional<double> least = quota_of(here, v2);
  for (const fs::path& name : below) {
    here /= name;
    const auto quota = quota_of(here, v2);
    if (quota && (!least || *quota < *least)) least = quota;
  }
  return least;
}

/// The processors in the affinity mask of this process.
int affinity_cpus() {
  // Large machines have more processors than a fixed cpu_set_t holds.
  for (int most = 1024; most <= (1 << 20); most *= 4) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(most),
                                                               [](cpu_set_t* of) { CPU_FREE(of); });
    const std::size_t bytes = CPU_ALLOC_SIZE(most);
    if (set == nullptr) break;
    if (::sched_getaffinity(0, bytes, set.get()) == 0) return CPU_COUNT_S(bytes, set.get());
    if (errno != EINVAL) break;
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& root) {
  const auto unified = smallest_quota(root, true), legacy = smallest_quota(root, false);
  if (unified && legacy) return std::min(*unified, *legacy);
  return unified ? unified : legacy;
}

int available_cpus() {
  static const int count = [] {
    const int cpus = std::max(affinity_cpus(), 1);
    const auto quota = cpu_quota();
    // Round up: a fraction of a processor would otherwise stay unused.
    return quota && *quota < cpus ? std::max(static_cast<int>(std::ceil(*quota - 1e-9)), 1) : cpus;
  }();
  return count;
}

}  // namespace mien
