#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace mien::kernels {

/// Aligned memory that grows and is never shrunk; on large pages where the system has them.
class Buffer {
 public:
  /// At least `bytes`, 64-byte aligned; what was inside is lost when it grows.
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

/// Memory for many parts that live as long as each other, such as the weights of a tower: side by
/// side on large pages, which the system gives faster than as many small ones. Not for several
/// threads at once.
class Shelf {
 public:
  /// `bytes` of memory of its own, 64-byte aligned.
  void* take(std::size_t bytes);
  /// Memory to work in while parts are made: `bytes`, until the next call or clear_bench().
  void* bench(std::size_t bytes);
  void clear_bench() { bench_ = Buffer(); }

 private:
  std::vector<Buffer> boards_;
  Buffer bench_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace mien::kernels
