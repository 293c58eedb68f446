#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/check.h"
#include "mien/core/status.h"

namespace mien {

/// Element type, named as in safetensors.
enum class DType : std::uint8_t { kF32, kF16, kBF16, kF64, kI8, kU8, kI16, kI32, kI64, kBool };

/// Bytes of one element.
std::size_t byte_size(DType dtype);
/// The safetensors name: "F32", "F16", "BF16", "F64", "I8", "U8", "I16", "I32", "I64", "BOOL".
std::string_view to_string(DType dtype);
/// The inverse of to_string(DType).
std::optional<DType> find_dtype(std::string_view name);

using Shape = std::vector<std::int64_t>;

/// "[2, 3]".
std::string to_string(const Shape& shape);
/// Number of elements, or nullopt on overflow or a negative size. A scalar (empty shape) has one.
std::optional<std::uint64_t> element_count(const Shape& shape);

/// A borrowed, contiguous, row-major tensor. Does not own its bytes.
class TensorView {
 public:
  TensorView() = default;
  /// Precondition: bytes.size() == element_count(shape) * byte_size(dtype).
  TensorView(DType dtype, Shape shape, std::span<const std::byte> bytes);

  /// Element type and sizes. Precondition of dim(): axis < rank().
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t axis) const {
    MIEN_CHECK(axis < shape_.size());
    return shape_[axis];
  }
  std::size_t rank() const { return shape_.size(); }
  std::size_t size() const { return size_; }  ///< elements
  std::span<const std::byte> bytes() const { return bytes_; }

  /// The elements. Precondition: dtype() is that of T (float: kF32, std::int64_t: kI64, ...) and
  /// the bytes are aligned for T, which those of a mapped file need not be (copy_to_f32 reads any).
  template <class T>
  std::span<const T> as() const;

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  std::size_t size_ = 0;
  std::span<const std::byte> bytes_;
};

/// An owned, contiguous, row-major tensor, 64-byte aligned. Movable; copies are explicit (`clone`).
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled. Precondition: the element count does not overflow.
  Tensor(DType dtype, Shape shape);
  /// A kF32 tensor with a copy of `values`. Precondition: as many values as `shape` has elements.
  static Tensor from_f32(Shape shape, std::span<const float> values);
  static Tensor from_f32(Shape shape, std::initializer_list<float> values);

  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;

  /// A deep copy.
  Tensor clone() const;
  /// Borrows: valid while this tensor lives and is not moved from.
  TensorView view() const { return TensorView(dtype_, shape_, bytes()); }
  operator TensorView() const { return view(); }  // NOLINT(google-explicit-constructor)

  /// As for TensorView.
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t axis) const {
    MIEN_CHECK(axis < shape_.size());
    return shape_[axis];
  }
  std::size_t size() const { return size_; }  ///< elements
  std::span<const std::byte> bytes() const;
  std::span<std::byte> mutable_bytes();
  /// Precondition: dtype() == kF32.
  std::span<const float> f32() const;
  std::span<float> f32();

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  DType dtype_ = DType::kF32;
  Shape shape_;
  std::size_t size_ = 0;
  std::unique_ptr<std::byte, Free> data_;
};

/// Copies a floating tensor (F64, F32, F16, BF16) to F32. Errors: kUnsupported for other types.
Result<Tensor> to_f32(const TensorView& source);
/// As to_f32, into memory of the caller; the source may be unaligned.
/// Precondition: out.size() == source.size(). Errors: as to_f32.
Status copy_to_f32(const TensorView& source, std::span<float> out);

/// Conversions of the bits of one IEEE half or bfloat16. Widening is exact.
float half_to_float(std::uint16_t bits);
std::uint16_t float_to_half(float value);  ///< round to nearest even
float bf16_to_float(std::uint16_t bits);
std::uint16_t float_to_bf16(float value);  ///< round to nearest even

}  // namespace mien
