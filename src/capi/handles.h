#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace mien::capi {

/// Guards every table of handles. A forked process gets it unlocked.
std::mutex& handle_mutex();
/// A number that was never given before in this process.
std::uintptr_t next_handle();

/// The objects behind handles of one kind. A handle is a number that is never used twice, so that
/// a freed or wrong one is found instead of dereferenced. Threads: safe.
template <class Handle, class Object>
class Handles {
 public:
  Handle* add(std::shared_ptr<Object> object) {
    const std::lock_guard lock(handle_mutex());
    const std::uintptr_t id = next_handle();
    objects_.emplace(id, std::move(object));
    return reinterpret_cast<Handle*>(id);  // NOLINT(performance-no-int-to-ptr)
  }

  /// nullptr for a handle that does not exist.
  std::shared_ptr<Object> find(const Handle* handle) const {
    const std::lock_guard lock(handle_mutex());
    const auto it = objects_.find(reinterpret_cast<std::uintptr_t>(handle));
    return it == objects_.end() ? nullptr : it->second;
  }

  /// Nothing happens for a handle that does not exist.
  void remove(const Handle* handle) {
    std::shared_ptr<Object> last;  // declared first, so that it is destroyed without the lock
    const std::lock_guard lock(handle_mutex());
    const auto it = objects_.find(reinterpret_cast<std::uintptr_t>(handle));
    if (it == objects_.end()) return;
    last = std::move(it->second);
    objects_.erase(it);
  }

 private:
  std::unordered_map<std::uintptr_t, std::shared_ptr<Object>> objects_;
};

}  // namespace mien::capi
