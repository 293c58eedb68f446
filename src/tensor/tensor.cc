#include "mien/tensor/tensor.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/checked.h"

namespace mien {
namespace {

constexpr std::size_t kAlignment = 64;

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t bytes;
};

constexpr DTypeRow kDTypes[] = {
    {DType::kF32, "F32", 4},   {DType::kF16, "F16", 2}, {DType::kBF16, "BF16", 2},
    {DType::kF64, "F64", 8},   {DType::kI8, "I8", 1},   {DType::kU8, "U8", 1},
    {DType::kI16, "I16", 2},   {DType::kI32, "I32", 4}, {DType::kI64, "I64", 8},
    {DType::kBool, "BOOL", 1},
};

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::kF32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::kF64;
}
template <>
constexpr DType dtype_of<std::int8_t>() {
  return DType::kI8;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::kU8;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::kI32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::kI64;
}

std::size_t checked_bytes(DType dtype, const Shape& shape) {
  const auto count = element_count(shape);
  MIEN_CHECK(count.has_value());
  const auto bytes = checked_mul<std::uint64_t>(*count, byte_size(dtype));
  MIEN_CHECK(bytes.has_value());
  return static_cast<std::size_t>(*bytes);
}

}  // namespace

std::size_t byte_size(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].bytes; }

std::string_view to_string(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> find_dtype(std::string_view name) {
  for (const DTypeRow& row : kDTypes) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(shape[i]);
  }
  return out + "]";
}

std::optional<std::uint64_t> element_count(const Shape& shape) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    const auto product = checked_mul<std::uint64_t>(count, static_cast<std::uint64_t>(size));
    if (!product) return std::nullopt;
    count = *product;
  }
  return count;
}

TensorView::TensorView(DType dtype, Shape shape, std::span<const std::byte> bytes)
    : dtype_(dtype), shape_(std::move(shape)), bytes_(bytes) {
  MIEN_CHECK(checked_bytes(dtype_, shape_) == bytes_.size());
  size_ = bytes_.size() / byte_size(dtype_);
}

template <class T>
std::span<const T> TensorView::as() const {
  MIEN_CHECK(dtype_ == dtype_of<T>());
  MIEN_CHECK(reinterpret_cast<std::uintptr_t>(bytes_.data()) % alignof(T) == 0);
  return {reinterpret_cast<const T*>(bytes_.data()), size_};
}
template std::span<const float> TensorView::as<float>() const;
template std::span<const double> TensorView::as<double>() const;
template std::span<const std::int8_t> TensorView::as<std::int8_t>() const;
template std::span<const std::uint8_t> TensorView::as<std::uint8_t>() const;
template std::span<const std::int32_t> TensorView::as<std::int32_t>() const;
template std::span<const std::int64_t> TensorView::as<std::int64_t>() const;

void Tensor::Free::operator()(std::byte* p) const { std::free(p); }

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  const std::size_t bytes = checked_bytes(dtype_, shape_);
  size_ = bytes / byte_size(dtype_);
  const std::size_t padded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (padded == 0) return;
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, padded)));
  if (!data_) throw std::bad_alloc();
  std::memset(data_.get(), 0, padded);
}

Tensor Tensor::from_f32(Shape shape, std::span<const float> values) {
  Tensor out(DType::kF32, std::move(shape));
  MIEN_CHECK(out.size() == values.size());
  if (!values.empty()) std::memcpy(out.data_.get(), values.data(), values.size_bytes());
  return out;
}

Tensor Tensor::from_f32(Shape shape, std::initializer_list<float> values) {
  return from_f32(std::move(shape), std::span(values.begin(), values.size()));
}

Tensor Tensor::clone() const {
  Tensor out(dtype_, shape_);
  if (!bytes().empty()) std::memcpy(out.data_.get(), data_.get(), bytes().size());
  return out;
}

std::span<const std::byte> Tensor::bytes() const {
  return {data_.get(), data_ ? size_ * byte_size(dtype_) : 0};
}
std::span<std::byte> Tensor::mutable_bytes() {
  return {data_.get(), data_ ? size_ * byte_size(dtype_) : 0};
}
std::span<const float> Tensor::f32() const {
  MIEN_CHECK(dtype_ == DType::kF32);
  return {reinterpret_cast<const float*>(data_.get()), data_ ? size_ : 0};
}
std::span<float> Tensor::f32() {
  MIEN_CHECK(dtype_ == DType::kF32);
  return {reinterpret_cast<float*>(data_.get()), data_ ? size_ : 0};
}

namespace {

// Branch-free, so that loops over it are vectorised. A multiplication adjusts the exponent, which
// is also right for subnormal halves.
inline float widened(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const float moved = std::bit_cast<float>(static_cast<std::uint32_t>(bits & 0x7FFFU) << 13);
  const std::uint32_t special = (bits & 0x7C00U) == 0x7C00U ? 0x7F800000U : 0U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(moved * 0x1.0p112F) | special | sign);
}

}  // namespace

Status copy_to_f32(const TensorView& source, std::span<float> out) {
  MIEN_CHECK(out.size() == source.size());
  const std::byte* from = source.bytes().data();
  // Bytes of a mapped file may sit at any address, so every element is read with memcpy.
  const auto convert = [&]<class T>(T, auto to_float) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      T bits;
      std::memcpy(&bits, from + i * sizeof(T), sizeof(T));
      out[i] = to_float(bits);
    }
  };
  switch (source.dtype()) {
    case DType::kF32:
      if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
      return {};
    case DType::kF64: convert(double{}, [](double v) { return static_cast<float>(v); }); return {};
    case DType::kF16: convert(std::uint16_t{}, widened); return {};
    case DType::kBF16: convert(std::uint16_t{}, bf16_to_float); return {};
    default:
      return unsupported("tensor of type " + std::string(to_string(source.dtype())) +
                         " cannot be read as F32 (expected F32, F16, BF16 or F64)");
  }
}

Result<Tensor> to_f32(const TensorView& source) {
  Tensor out(DType::kF32, source.shape());
  MIEN_RETURN_IF_ERROR(copy_to_f32(source, out.f32()));
  return out;
}

float half_to_float(std::uint16_t bits) { return widened(bits); }

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x38800000U) {
    // Subnormal halves: adding 0.5 makes the float unit round at the right bit.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
  }
  const std::uint32_t odd = (magnitude >> 13) & 1U;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xFFFU + odd) >> 13));
}

float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace mien
