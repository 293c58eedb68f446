#pragma once

#include <cstdlib>
#include <filesystem>

#include "support/test_support.h"

namespace mien::test {

/// The public-domain portrait that scripts/fetch_demo_media fetches; empty when absent.
inline std::filesystem::path astronaut() {
  const char* folder = std::getenv("MIEN_DEMO_MEDIA");
  const std::filesystem::path path =
      (folder != nullptr ? std::filesystem::path(folder) : source_dir() / "build" / "demo") /
      "astronaut.png";
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) ? path : std::filesystem::path();
}

}  // namespace mien::test

#define MIEN_SKIP_WITHOUT_ASTRONAUT() \
  if (::mien::test::astronaut().empty()) GTEST_SKIP() << "run scripts/fetch_demo_media first"
