#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "mien/core/status.h"

namespace mien::test {

/// A temporary folder for one test, removed at the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The root of the checkout. A function, so that only one object file depends on its path and a
/// compiler cache works across checkouts.
std::filesystem::path source_dir();

/// Golden file of the repository, for example golden("image/a.png").
std::filesystem::path golden(std::string_view name);

/// The shared evaluation data (`../shared/data` beside the repository, or $MIEN_DATA); empty when
/// absent.
std::filesystem::path shared_data();

inline const Status& status_of(const Status& s) { return s; }
template <class T>
const Status& status_of(const Result<T>& r) {
  return r.status();
}

template <class T>
std::string problem_of(const T& outcome) {
  const Status& status = status_of(outcome);
  return status.ok() ? "" : std::string(to_string(status.code())) + ": " + status.message();
}
template <class T>
StatusCode code_of(const T& outcome) {
  return status_of(outcome).code();
}

}  // namespace mien::test

/// More text can be streamed into these two.
#define MIEN_ASSERT_OK(expr) ASSERT_EQ(::mien::test::problem_of(expr), "")
#define MIEN_EXPECT_CODE(expr, expected) \
  EXPECT_EQ(::mien::test::code_of(expr), expected) << ::mien::test::problem_of(expr) << ' '
