#include "kernels/workspace.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace mien::kernels {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;
constexpr std::size_t kBoard = 8 * kLargePage;  // untouched pages cost no memory

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

void Buffer::Free::operator()(void* p) const { std::free(p); }

void* Buffer::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return data_.get();
  const std::size_t alignment = bytes >= kLargePage ? kLargePage : 64;
  const std::size_t padded = (bytes + alignment - 1) / alignment * alignment;
  data_.reset();
  capacity_ = 0;
  data_.reset(std::aligned_alloc(alignment, padded));
  if (!data_) throw std::bad_alloc();
  capacity_ = padded;
  if (alignment == kLargePage) ::madvise(data_.get(), padded, MADV_HUGEPAGE);
  return data_.get();
}

void* Shelf::take(std::size_t bytes) {
  const std::size_t padded = (bytes + 63) / 64 * 64;
  if (padded > left_) {
    boards_.emplace_back();
    next_ = static_cast<std::byte*>(boards_.back().reserve(std::max(padded, kBoard)));
    left_ = boards_.back().capacity();
  }
  left_ -= padded;
  return std::exchange(next_, next_ + padded);
}

void* Shelf::bench(std::size_t bytes) { return bench_.reserve(std::max(bytes, kLargePage)); }

Workspace::Impl::Impl() : stream(cpu_engine()) {}
Workspace::Workspace() : impl_(std::make_unique<Impl>()) {}
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;
Workspace::~Workspace() = default;

}  // namespace mien::kernels
