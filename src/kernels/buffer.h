#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace mien::kernels {

/// Aligned memory that grows and never shrinks; on large pages if the system has them.
class Buffer {
 public:
  /// At least `bytes`, 64-byte aligned; the content is lost when it grows.
  void* reserve(std::size_t bytes);
  /// As reserve, for `count` elements of T.
  template <class T>
  T* reserve_as(std::size_t count) {
    return static_cast<T*>(reserve(count * sizeof(T)));
  }
  const void* data() const { return data_.get(); }  ///< nullptr before the first reserve
  std::size_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::unique_ptr<void, Free> data_;
  std::size_t capacity_ = 0;
};

/// Memory for many parts with the same lifetime, such as the weights of a tower: contiguous on
/// large pages, which the system allocates faster than many small ones. Threads: not thread-safe.
class Shelf {
 public:
  /// `bytes` of new memory, 64-byte aligned.
  void* take(std::size_t bytes);
  /// Scratch memory while parts are made: `bytes`, until the next call or clear_bench().
  void* bench(std::size_t bytes);
  void clear_bench() { bench_ = Buffer(); }

 private:
  std::vector<Buffer> boards_;
  Buffer bench_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace mien::kernels
