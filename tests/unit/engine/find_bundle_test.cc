#include "mien/engine/find_bundle.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "mien/core/file.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

TEST(FindBundle, PathsThenShippedNames) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "models" / "small");
  MIEN_ASSERT_OK(write_file_atomically(dir / "models" / "small" / "bundle.json", "{}"));
  ASSERT_EQ(::setenv("MIEN_MODELS", (dir / "models").c_str(), 1), 0);
  EXPECT_EQ(model_folders().front(), dir / "models");
  EXPECT_EQ(find_bundle("small").value(), dir / "models" / "small");
  EXPECT_EQ(find_bundle(dir.path().string()).value(), dir.path());
  const auto missing = find_bundle("nobody");
  MIEN_EXPECT_CODE(missing, StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find((dir / "models").string()), std::string::npos);
  MIEN_EXPECT_CODE(find_bundle("no/such/place"), StatusCode::kNotFound);
  ::unsetenv("MIEN_MODELS");
}

}  // namespace
}  // namespace mien::engine
