#include "mien/engine/find_bundle.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

TEST(FindBundle, PathsThenShippedNames) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "models" / "small");
  MIEN_ASSERT_OK(write_file_atomically(dir / "models" / "small" / "bundle.json", "{}"));
  const std::vector<std::filesystem::path> first = {dir / "models"};
  EXPECT_FALSE(model_folders().empty());
  EXPECT_EQ(find_bundle("small", first).value(), dir / "models" / "small");
  MIEN_EXPECT_CODE(find_bundle("small"), StatusCode::kNotFound);
  EXPECT_EQ(find_bundle(dir.path().string()).value(), dir.path());
  const auto missing = find_bundle("nobody", first);
  MIEN_EXPECT_CODE(missing, StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find((dir / "models").string()), std::string::npos);
  const std::string near = find_bundle("smal", first).status().message();
  EXPECT_NE(near.find("did you mean 'small'?"), std::string::npos) << near;
  EXPECT_EQ(missing.status().message().find("did you mean"), std::string::npos);
  MIEN_EXPECT_CODE(find_bundle("no/such/place"), StatusCode::kNotFound);
}

}  // namespace
}  // namespace mien::engine
