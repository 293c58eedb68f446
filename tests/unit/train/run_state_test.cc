#include "mien/train/run_state.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/test_support.h"

namespace mien::train {
namespace {

TEST(RunState, AFolderThatCannotBeListedIsNotANewRun) {
  const test::TempDir dir;
  RunState state;
  state.global_step = 3;
  MIEN_ASSERT_OK(save_run(dir.path(), state, {{"model/x", torch::ones({2})}}, 2));
  std::vector<std::string> skipped;
  // No file can be opened, not even by root.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto unreadable = find_last_run(dir.path(), skipped);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(test::code_of(unreadable), StatusCode::kIo);
  const auto found = find_last_run(dir.path(), skipped);
  MIEN_ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->state.global_step, 3);
  const auto missing = find_last_run(dir / "none", skipped);
  MIEN_ASSERT_OK(missing);
  EXPECT_FALSE(missing->has_value());
  EXPECT_TRUE(skipped.empty());
}

}  // namespace
}  // namespace mien::train
