#include "convert/source.h"

#include <gtest/gtest.h>

#include <fstream>

#include "convert/destination.h"
#include "engine/tiny_bundle.h"
#include "unit/convert/models.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;

void touch(const fs::path& path) { std::ofstream{path} << "x"; }

TEST(FindWeights, PrefersTheUsualNames) {
  const test::TempDir dir;
  MIEN_EXPECT_CODE(find_weights(dir / "missing"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(find_weights(dir.path()), StatusCode::kNotFound);
  touch(dir / "a.pt");
  EXPECT_EQ(*find_weights(dir.path()), dir / "a.pt");
  EXPECT_EQ(*find_weights(dir / "a.pt"), dir / "a.pt");
  touch(dir / "b.pt");
  MIEN_EXPECT_CODE(find_weights(dir.path()), StatusCode::kUnsupported);
  for (const char* better : {"pytorch_model.bin", "model.index.json", "open_clip_model.safetensors",
                             "model.safetensors"}) {
    touch(dir / better);
    EXPECT_EQ(*find_weights(dir.path()), dir / better);
  }
}

TEST(DefaultName, IsThatOfTheSourceWithoutItsEnding) {
  const test::TempDir dir;
  fs::create_directory(dir / "clip-b32.v1");
  touch(dir / "ViT-B-32.pt");
  EXPECT_EQ(default_name(dir / "ViT-B-32.pt"), "ViT-B-32");
  EXPECT_EQ(default_name(dir / "clip-b32.v1"), "clip-b32.v1");
  EXPECT_EQ(default_name(dir / "clip-b32.v1" / ""), "clip-b32.v1");
  EXPECT_EQ(default_name(dir / "clip-b32.v1" / "."), "clip-b32.v1");
  EXPECT_EQ(default_name(dir / "clip-b32.v1" / ".." / "ViT-B-32.pt"), "ViT-B-32");
  fs::create_symlink("clip-b32.v1", dir / "link");
  EXPECT_EQ(default_name(dir / "link"), "clip-b32.v1");
  EXPECT_EQ(default_name("/"), "clip");
}

TEST(OpenSource, FilesThatAreNotWeights) {
  const test::TempDir dir;
  touch(dir / "text.pt");
  MIEN_EXPECT_CODE(open_source(dir / "text.pt", {}), StatusCode::kUnsupported);
  MIEN_EXPECT_CODE(open_source(dir / "none.pt", {}), StatusCode::kNotFound);
  // bundle.json says that it is a bundle, so that a broken one is not taken for plain weights.
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir / "tiny"));
  std::ofstream(dir / "tiny/bundle.json") << "{";
  EXPECT_TRUE(is_bundle(dir / "tiny"));
  MIEN_EXPECT_CODE(open_source(dir / "tiny", {}), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(open_weights(dir / "tiny", {}), StatusCode::kOk);
}

TEST(HashFiles, NamesThemWithoutFolders) {
  const test::TempDir dir;
  touch(dir / "a.pt");
  const auto hashes = hash_files({dir / "a.pt"});
  MIEN_ASSERT_OK(hashes);
  EXPECT_EQ(*hashes,
            (std::map<std::string, std::string>{
                {"a.pt", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}));
  MIEN_EXPECT_CODE(hash_files({dir / "b.pt"}), StatusCode::kNotFound);
}

TEST(Destination, IsNewEmptyOrABundle) {
  const test::TempDir dir;
  MIEN_EXPECT_CODE(check_destination(dir / "new", false), StatusCode::kOk);
  MIEN_EXPECT_CODE(check_destination(dir / "new" / "", false), StatusCode::kOk);
  MIEN_EXPECT_CODE(check_destination(dir / "none/new", false), StatusCode::kInvalidArgument);
  touch(dir / "file");
  MIEN_EXPECT_CODE(check_destination(dir / "file", true), StatusCode::kInvalidArgument);
  fs::create_directory(dir / "empty");
  MIEN_EXPECT_CODE(check_destination(dir / "empty", false), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(check_destination(dir / "empty", true), StatusCode::kOk);
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir / "tiny"));
  MIEN_EXPECT_CODE(check_destination(dir / "tiny", false), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(check_destination(dir / "tiny", true), StatusCode::kOk);
}

TEST(Destination, NothingButABundleIsEverReplaced) {
  const test::TempDir dir;
  fs::create_directory(dir / "photos");
  touch(dir / "photos/holiday.jpg");
  MIEN_EXPECT_CODE(check_destination(dir / "photos", true), StatusCode::kInvalidArgument);
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir / "tiny"));
  touch(dir / "tiny/notes.txt");
  MIEN_EXPECT_CODE(check_destination(dir / "tiny", true), StatusCode::kInvalidArgument);
  fs::create_symlink("nowhere", dir / "link");
  MIEN_EXPECT_CODE(check_destination(dir / "link", true), StatusCode::kInvalidArgument);
}

TEST(Destination, MustNotContainInputs) {
  const test::TempDir dir;
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir / "tiny"));
  MIEN_EXPECT_CODE(check_reads(dir / "tiny/model.safetensors", dir / "tiny", {}),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(check_reads(dir / "other", dir / "new", {}), StatusCode::kOk);
  Options options;
  options.text_from = dir / "tiny";
  MIEN_EXPECT_CODE(check_reads(dir / "other", dir / "tiny", options), StatusCode::kInvalidArgument);
  const auto source = open_source(dir / "tiny", {});
  MIEN_ASSERT_OK(source);
  MIEN_EXPECT_CODE(check_outside(*source, dir / "tiny"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(check_outside(*source, dir.path()), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(check_outside(*source, dir / "tin"), StatusCode::kOk);
}

}  // namespace
}  // namespace mien::convert
