#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "core/file.h"
#include "mien/core/json.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::image::test {

using ByteVector = std::vector<std::byte>;

inline ByteVector golden_bytes(const std::string& name) {
  auto bytes = read_file(mien::test::golden("image/" + name), 10'000'000);
  EXPECT_EQ(mien::test::problem_of(bytes), "");
  return bytes.ok() ? *std::move(bytes) : ByteVector{};
}

inline std::vector<float> golden_floats(const std::string& name) {
  const ByteVector bytes = golden_bytes(name);
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
  return out;
}

/// The member "cases" of a golden JSON file.
inline Json::Array golden_cases(const std::string& name) {
  const auto text = read_text_file(mien::test::golden("image/" + name), 10'000'000);
  EXPECT_EQ(mien::test::problem_of(text), "");
  const auto json = Json::parse(text.ok() ? *text : "null");
  const Json* cases = json.ok() ? json->find("cases") : nullptr;
  EXPECT_TRUE(cases != nullptr && cases->size() > 0) << name;
  return cases != nullptr ? cases->as_array() : Json::Array{};
}

inline Image golden_picture(const std::string& name) {
  auto image = load(mien::test::golden("image/" + name));
  EXPECT_EQ(mien::test::problem_of(image), "");
  return image.ok() ? *std::move(image) : Image();
}

inline int int_of(const Json& object, std::string_view key) {
  return static_cast<int>(object.find(key)->as_integer());
}
inline std::size_t size_of(const Json& object, std::string_view key) {
  return static_cast<std::size_t>(object.find(key)->as_integer());
}
inline const std::string& text_of(const Json& object, std::string_view key) {
  return object.find(key)->as_string();
}

inline ByteVector to_bytes(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

/// A picture whose pixels are all different for up to 256 * 256 of them.
inline Image numbered(int width, int height) {
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      out.row(y)[3 * x] = static_cast<std::uint8_t>(x);
      out.row(y)[3 * x + 1] = static_cast<std::uint8_t>(y);
      out.row(y)[3 * x + 2] = static_cast<std::uint8_t>(x * 7 + y * 13);
    }
  }
  return out;
}

}  // namespace mien::image::test
