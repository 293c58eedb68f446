#include <gtest/gtest.h>

#include <cstring>

#include "checkpoint/torch_zip.h"
#include "core/file.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "support/test_support.h"
#include "unit/checkpoint/builders.h"

namespace mien::checkpoint {
namespace {

double value_at(const TensorView& view, std::size_t i) {
  const auto read = [&]<class T>(T value) {
    std::memcpy(&value, view.bytes().data() + i * sizeof(T), sizeof(T));
    return value;
  };
  switch (view.dtype()) {
    case DType::kF32: return read(float{});
    case DType::kF64: return read(double{});
    case DType::kF16: return half_to_float(read(std::uint16_t{}));
    case DType::kBF16: return bf16_to_float(read(std::uint16_t{}));
    case DType::kI8: return read(std::int8_t{});
    case DType::kU8:
    case DType::kBool: return read(std::uint8_t{});
    case DType::kI16: return read(std::int16_t{});
    case DType::kI32: return read(std::int32_t{});
    case DType::kI64: return static_cast<double>(read(std::int64_t{}));
  }
  return 0;
}

void expect_tensor(const TensorView& view, const Json& expected) {
  EXPECT_EQ(to_string(view.dtype()), expected.find("dtype")->as_string());
  Shape shape;
  for (const Json& size : expected.find("shape")->as_array()) shape.push_back(size.as_integer());
  EXPECT_EQ(view.shape(), shape);
  const Json::Array& values = expected.find("values")->as_array();
  ASSERT_EQ(view.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(value_at(view, i), values[i].as_number()) << "element " << i;
  }
}

class GoldenFiles : public testing::TestWithParam<std::string> {};

TEST_P(GoldenFiles, ReadAsPyTorchWroteThem) {
  const auto text = read_text_file(test::golden("checkpoint/expected.json"), 1 << 20);
  MIEN_ASSERT_OK(text);
  const auto json = Json::parse(*text);
  MIEN_ASSERT_OK(json);
  const Json* expected = json->find(GetParam());
  ASSERT_NE(expected, nullptr);
  std::vector<std::string> skipped;
  const auto file = open_checkpoint(test::golden("checkpoint/" + GetParam()), {}, &skipped);
  MIEN_ASSERT_OK(file);
  EXPECT_EQ((*file)->format(), expected->find("format")->as_string());
  std::vector<std::string> should_skip;
  for (const Json& line : expected->find("skipped")->as_array()) {
    should_skip.push_back(line.as_string());
  }
  EXPECT_EQ(skipped, should_skip);
  const Json::Object& tensors = expected->find("tensors")->as_object();
  EXPECT_EQ((*file)->tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    SCOPED_TRACE(name);
    const TensorView* view = (*file)->find(name);
    ASSERT_NE(view, nullptr);
    expect_tensor(*view, tensor);
    // Only a hint: the values must still be readable, from the file or from our own memory.
    (*file)->release(*view);
    expect_tensor(*view, tensor);
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, GoldenFiles,
                         testing::Values("all_dtypes.pt", "all_dtypes_legacy.pt", "views.pt",
                                         "views_legacy.pt", "views_protocol4.pt", "wrapped.pt",
                                         "wrapped_legacy.pt", "parallel.pt", "towers.pt",
                                         "deflated.pt", "big_endian.pt", "scripted.pt",
                                         "hand.safetensors"),
                         [](const auto& test_info) {
                           std::string name = test_info.param;
                           for (char& c : name) {
                             if (c == '.') c = '_';
                           }
                           return name;
                         });

TEST(GoldenErrors, WholeObjectIsUnsupportedAndNamed) {
  const auto file = open_checkpoint(test::golden("checkpoint/object.pt"));
  MIEN_EXPECT_CODE(file, StatusCode::kUnsupported);
  EXPECT_NE(file.status().message().find("'__main__.RecorderMeter'"), std::string::npos);
}

TEST(GoldenErrors, TensorWithoutNameIsUnsupported) {
  const auto file = open_checkpoint(test::golden("checkpoint/nameless.pt"));
  MIEN_EXPECT_CODE(file, StatusCode::kUnsupported);
  EXPECT_NE(file.status().message().find("without a name"), std::string::npos);
}

// A file cut at any byte, or with any one byte changed, gives an error or a valid checkpoint.
TEST(GoldenErrors, DamageAnywhereIsSafe) {
  for (const char* name : {"wrapped.pt", "views_legacy.pt", "deflated.pt", "scripted.pt"}) {
    const auto whole = read_file(test::golden(std::string("checkpoint/") + name), 1 << 20);
    MIEN_ASSERT_OK(whole);
    for (std::size_t size = 0; size < whole->size(); ++size) {
      const auto cut = parse_torch(std::span(*whole).first(size), "cut");
      EXPECT_FALSE(cut.ok()) << name << " of " << size << " bytes";
    }
    for (std::size_t at = 0; at < whole->size(); ++at) {
      std::vector<std::byte> changed = *whole;
      changed[at] ^= std::byte{0x41};
      const auto file = parse_torch(changed, "changed");
      if (!file.ok()) continue;
      for (const auto& [key, view] : (*file)->tensors()) {
        for (std::size_t i = 0; i < view.size(); ++i) (void)value_at(view, i);
      }
    }
  }
}

TEST(OpenCheckpoint, MissingFileIsNotFound) {
  MIEN_EXPECT_CODE(open_checkpoint("/nowhere/model.pt"), StatusCode::kNotFound);
}

TEST(OpenCheckpoint, EmptyFileIsCorrupt) {
  const test::TempDir folder;
  MIEN_ASSERT_OK(write_file_atomically(folder / "a.pt", ""));
  MIEN_EXPECT_CODE(open_checkpoint(folder / "a.pt"), StatusCode::kCorrupt);
}

TEST(OpenCheckpoint, FolderIsInvalidArgument) {
  const test::TempDir folder;
  MIEN_EXPECT_CODE(open_checkpoint(folder.path()), StatusCode::kInvalidArgument);
}

TEST(OpenCheckpoint, OtherContentIsUnsupported) {
  const test::TempDir folder;
  for (const char* content : {"x", "hello, this is a text", "{\"a\": 1}"}) {
    MIEN_ASSERT_OK(write_file_atomically(folder / "a.bin", content));
    MIEN_EXPECT_CODE(open_checkpoint(folder / "a.bin"), StatusCode::kUnsupported) << content;
  }
}

// The first two bytes of this safetensors file are those of a zip archive, or of a pickle.
TEST(OpenCheckpoint, SafetensorsIsRecognisedWhateverItsLength) {
  const test::TempDir folder;
  for (const std::size_t length : {std::size_t{0x4b50}, std::size_t{0x0280}}) {
    std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
    header.resize(length, ' ');
    test::write_bytes((folder / "a.bin").string(), test::safetensors_file(header, "x"));
    const auto file = open_checkpoint(folder / "a.bin");
    MIEN_ASSERT_OK(file);
    EXPECT_EQ((*file)->format(), "safetensors");
  }
}

TEST(OpenCheckpoint, FileAboveTheLimitIsRejected) {
  const test::TempDir folder;
  MIEN_ASSERT_OK(write_file_atomically(folder / "a.pt", std::string(100, 'x')));
  Limits limits;
  limits.max_file_bytes = 99;
  MIEN_EXPECT_CODE(open_checkpoint(folder / "a.pt", limits), StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::checkpoint
