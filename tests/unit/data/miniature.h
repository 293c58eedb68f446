#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "data/registry.h"
#include "support/test_support.h"

namespace mien::data {

/// A data set of a few files in a folder of its own, laid out as the real one.
class Miniature : public testing::Test {
 protected:
  void file(std::string_view name, std::string_view text) {
    std::filesystem::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name, std::ios::binary) << text;
  }
  /// `count` frames; readers never look into them.
  void clip(std::string_view folder, int count = 2) {
    for (int i = 1; i <= count; ++i) file(fmt::format("{}/{:03}.jpg", folder, i), "x");
  }
  std::string problem(std::string_view name, const DatasetOptions& options = {}) const {
    std::string out = test::problem_of(load_dataset(name, dir_.path(), options));
    const std::string place = dir_.path().generic_string();
    for (std::size_t at = 0; (at = out.find(place, at)) != std::string::npos;) {
      out.replace(at, place.size(), "DIR");
    }
    return out;
  }
  test::TempDir dir_;
};

}  // namespace mien::data
