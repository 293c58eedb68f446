#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace mien::serve {

/// The values that were used last, at most `capacity`. Threads: not thread-safe.
template <class Value>
class Lru {
 public:
  explicit Lru(std::size_t capacity) : capacity_(capacity) {}

  /// nullptr when `key` is not kept. Valid until the next call of put().
  Value* find(const std::string& key) {
    const auto it = places_.find(key);
    if (it == places_.end()) return nullptr;
    items_.splice(items_.begin(), items_, it->second);
    return &it->second->second;
  }

  Value& put(const std::string& key, Value value) {
    if (const auto it = places_.find(key); it != places_.end()) {
      items_.erase(it->second);
      places_.erase(it);
    }
    items_.emplace_front(key, std::move(value));
    places_[key] = items_.begin();
    if (items_.size() > capacity_) {
      places_.erase(items_.back().first);
      items_.pop_back();
    }
    return items_.front().second;
  }

  std::size_t size() const { return items_.size(); }

 private:
  std::size_t capacity_;
  std::list<std::pair<std::string, Value>> items_;
  std::map<std::string, typename std::list<std::pair<std::string, Value>>::iterator> places_;
};

}  // namespace mien::serve
