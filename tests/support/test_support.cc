#include "support/test_support.h"

#include <unistd.h>

#include <cstdlib>

namespace mien::test {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "mien-test-XXXXXX").string();
  MIEN_CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path source_dir() { return MIEN_SOURCE_DIR; }

std::filesystem::path golden(std::string_view name) {
  return source_dir() / "tests" / "golden" / name;
}

std::filesystem::path shared_data() {
  const char* from_environment = std::getenv("MIEN_DATA");
  std::filesystem::path path = from_environment != nullptr
                                   ? std::filesystem::path(from_environment)
                                   : source_dir() / ".." / "shared" / "data";
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? std::filesystem::canonical(path)
                                                    : std::filesystem::path();
}

}  // namespace mien::test
