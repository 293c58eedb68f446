#include <gtest/gtest.h>

#include "checkpoint/torch_zip.h"
#include "support/test_support.h"
#include "unit/checkpoint/builders.h"

namespace mien::checkpoint {
namespace {

using namespace test::pickle;  // NOLINT: the pieces read like the program
using test::bytes_of;
using test::floats;
using test::torch_zip;
using test::ZipBuilder;

const std::string kSix = floats({0, 1, 2, 3, 4, 5});

test::pickle::Tensor six() { return {{2, 3}, {3, 1}, 0, 6}; }

struct Parsed {
  std::string file;
  std::vector<std::string> skipped;
  Result<std::shared_ptr<const Checkpoint>> checkpoint = Status(StatusCode::kInternal, "unset");
};

Parsed parse(std::string file, const Limits& limits = {}) {
  Parsed out{std::move(file), {}};
  out.checkpoint = parse_torch(bytes_of(out.file), "file", limits, &out.skipped);
  return out;
}
Parsed parse_program(const std::string& body, const std::string& data = kSix,
                     const Limits& limits = {}) {
  return parse(torch_zip(body, data), limits);
}

void expect_torch_damage(const Parsed& parsed, StatusCode code, std::string_view word) {
  MIEN_EXPECT_CODE(parsed.checkpoint, code) << word;
  EXPECT_NE(parsed.checkpoint.status().message().find(word), std::string::npos)
      << parsed.checkpoint.status().message();
}

std::vector<std::string> names(const Parsed& parsed) {
  std::vector<std::string> out;
  for (const auto& [name, view] : (*parsed.checkpoint)->tensors()) out.push_back(name);
  return out;
}

std::vector<float> values(const Parsed& parsed, std::string_view name) {
  const auto tensor = to_f32(*(*parsed.checkpoint)->find(name));
  MIEN_CHECK(tensor.ok());
  return {tensor->f32().begin(), tensor->f32().end()};
}

TEST(TorchZip, ContiguousTensorsAreViewsAndOthersCopies) {
  auto transposed = six();
  transposed.shape = {3, 2};
  transposed.strides = {1, 3};
  const Parsed parsed = parse_program(map({{"a", tensor(six())}, {"b", tensor(transposed)}}));
  MIEN_ASSERT_OK(parsed.checkpoint);
  const auto* begin = reinterpret_cast<const std::byte*>(parsed.file.data());
  const std::byte* a = (*parsed.checkpoint)->find("a")->bytes().data();
  EXPECT_TRUE(a > begin && a < begin + parsed.file.size());
  EXPECT_EQ(values(parsed, "a"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values(parsed, "b"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(TorchZip, ParametersAndTorchSize) {
  const std::string size = call(global("torch", "Size"), {numbers({6})});
  const std::string rebuilt = call(global("torch._utils", "_rebuild_tensor"),
                                   {storage(six()), number(0), size, numbers({1})});
  const std::string parameter =
      call(global("torch._utils", "_rebuild_parameter"), {rebuilt, "\x88", "N"});
  const std::string with_state =
      call(global("torch._utils", "_rebuild_parameter_with_state"), {rebuilt, "\x88", "N", "}"});
  const Parsed parsed = parse_program(map({{"p", parameter}, {"q", with_state}}));
  MIEN_ASSERT_OK(parsed.checkpoint);
  EXPECT_EQ(values(parsed, "p").size(), 6U);
  EXPECT_EQ(values(parsed, "q").size(), 6U);
}

TEST(TorchZip, OrderedDictOfPairsAsPython2Wrote) {
  const std::string pair = test::join({"](", text("w"), tensor(six()), "e"});
  const Parsed parsed =
      parse_program(call(global("collections", "OrderedDict"), {test::join({"](", pair, "e"})}));
  MIEN_ASSERT_OK(parsed.checkpoint);
  EXPECT_EQ(names(parsed), (std::vector<std::string>{"w"}));
}

TEST(TorchNames, WrappersAreSkipped) {
  const std::string weights = map({{"w", tensor(six())}});
  for (const char* key : {"state_dict", "model", "anything"}) {
    const Parsed parsed = parse_program(map({{"epoch", number(3)}, {key, weights}}));
    MIEN_ASSERT_OK(parsed.checkpoint);
    EXPECT_EQ(names(parsed), (std::vector<std::string>{"w"})) << key;
    EXPECT_TRUE(parsed.skipped.empty());
  }
  const Parsed nested = parse_program(map({{"checkpoint", map({{"state_dict", weights}})}}));
  MIEN_ASSERT_OK(nested.checkpoint);
  EXPECT_EQ(names(nested), (std::vector<std::string>{"w"}));
}

TEST(TorchNames, ModelIsPreferredToItsAverageAndOptimizer) {
  const Parsed parsed = parse_program(map({{"ema", map({{"e", tensor(six())}})},
                                           {"model", map({{"w", tensor(six())}})},
                                           {"optimizer", map({{"m", tensor(six())}})}}));
  MIEN_ASSERT_OK(parsed.checkpoint);
  EXPECT_EQ(names(parsed), (std::vector<std::string>{"w"}));
  EXPECT_EQ(parsed.skipped.size(), 2U);
}

TEST(TorchNames, SeveralMapsGiveDottedNames) {
  const Parsed parsed = parse_program(map({{"a", map({{"w", tensor(six())}})},
                                           {"b", map({{"w", tensor(six())}})},
                                           {"optimizer", map({{"m", tensor(six())}})}}));
  MIEN_ASSERT_OK(parsed.checkpoint);
  EXPECT_EQ(names(parsed), (std::vector<std::string>{"a.w", "b.w"}));
}

TEST(TorchNames, DuplicateNameIsCorrupt) {
  expect_torch_damage(parse_program(map({{"a", tensor(six())}, {"a", tensor(six())}})),
                      StatusCode::kCorrupt, "duplicate");
}

TEST(TorchHostile, CodeAtTheTopIsNamedAndNotRun) {
  for (const auto& [module, name] : {std::pair{"os", "system"},
                                     {"builtins", "eval"},
                                     {"posix", "system"},
                                     {"subprocess", "Popen"}}) {
    const std::string full = test::join({module, ".", name});
    expect_torch_damage(parse_program(call(global(module, name), {text("touch /tmp/never")})),
                        StatusCode::kUnsupported, full);
    expect_torch_damage(parse_program(global(module, name)), StatusCode::kUnsupported, full);
    // A state dict that would be built by code.
    expect_torch_damage(parse_program(call(global(module, name), {map({{"w", tensor(six())}})})),
                        StatusCode::kUnsupported, full);
  }
}

TEST(TorchHostile, CodeBesideTheWeightsIsSkippedAndReported) {
  const std::string hostile = call(global("os", "system"), {text("touch /tmp/never")});
  const Parsed parsed = parse_program(map({{"x", hostile}, {"w", tensor(six())}}));
  MIEN_ASSERT_OK(parsed.checkpoint);
  EXPECT_EQ(names(parsed), (std::vector<std::string>{"w"}));
  EXPECT_EQ(parsed.skipped, (std::vector<std::string>{"x: object of 'os.system'"}));
}

TEST(TorchHostile, TensorThatNeedsCodeIsUnsupported) {
  const std::string hostile = call(global("os", "system"), {text("x")});
  const std::string rebuild = global("torch._utils", "_rebuild_tensor_v2");
  expect_torch_damage(
      parse_program(map({{"w", call(rebuild, {hostile, number(0), numbers({1}), numbers({1})})}})),
      StatusCode::kUnsupported, "os.system");
  expect_torch_damage(
      parse_program(
          map({{"w", call(rebuild, {storage(six()), hostile, numbers({1}), numbers({1})})}})),
      StatusCode::kUnsupported, "os.system");
  expect_torch_damage(
      parse_program(
          map({{"w", call(global("torch._utils", "_rebuild_qtensor"), {storage(six())})}})),
      StatusCode::kUnsupported, "_rebuild_qtensor");
  expect_torch_damage(
      parse_program(
          map({{"w", call(global("torch._utils", "_rebuild_parameter"), {hostile, "\x88", "N"})}})),
      StatusCode::kUnsupported, "os.system");
}

TEST(TorchHostile, UnknownStorageTypeIsNamed) {
  auto complex = six();
  complex.type = "ComplexFloatStorage";
  expect_torch_damage(parse_program(map({{"w", tensor(complex)}})), StatusCode::kUnsupported,
                      "ComplexFloatStorage");
  complex.type = "EvilStorage";
  expect_torch_damage(parse_program(map({{"w", tensor(complex)}})), StatusCode::kUnsupported,
                      "torch.EvilStorage");
}

TEST(TorchDamage, StorageTooSmall) {
  auto big = six();
  big.count = 7;
  expect_torch_damage(parse_program(map({{"w", tensor(big)}})), StatusCode::kCorrupt, "too small");
  big.count = INT64_MAX;
  expect_torch_damage(parse_program(map({{"w", tensor(big)}})), StatusCode::kCorrupt, "too small");
}

TEST(TorchDamage, TensorBeyondItsStorage) {
  auto bad = six();
  bad.offset = 1;
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "beyond");
  bad = six();
  bad.strides = {4, 1};
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "beyond");
  bad.strides = {INT64_MAX, INT64_MAX};
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "beyond");
  bad = six();
  bad.offset = INT64_MAX;
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "beyond");
}

TEST(TorchDamage, OverflowingProduct) {
  auto bad = six();
  bad.shape = {std::int64_t{1} << 32, std::int64_t{1} << 32};
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt,
                      "overflowing");
}

TEST(TorchDamage, ExpandedTensorBeyondTheBudget) {
  test::pickle::Tensor bomb{{1 << 20, 1 << 20}, {0, 0}, 0, 6};
  expect_torch_damage(parse_program(map({{"w", tensor(bomb)}})), StatusCode::kResourceLimit,
                      "far more than the file");
}

TEST(TorchDamage, NegativeAndOddSizes) {
  auto bad = six();
  bad.shape = {-2, -3};
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "negative");
  bad = six();
  bad.strides = {3};
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "strides");
  bad = six();
  bad.count = -1;
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "negative");
  bad = six();
  bad.shape = bad.strides = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kResourceLimit,
                      "dimensions");
}

TEST(TorchDamage, MissingStorage) {
  auto bad = six();
  bad.key = "1";
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt,
                      "archive/data/1");
  bad.key = "../data.pkl";
  expect_torch_damage(parse_program(map({{"w", tensor(bad)}})), StatusCode::kCorrupt, "missing");
}

TEST(TorchDamage, WrongByteOrder) {
  const std::string file = ZipBuilder()
                               .add("a/data.pkl", program(map({{"w", tensor(six())}})))
                               .add("a/data/0", kSix)
                               .add("a/byteorder", "middle")
                               .build();
  expect_torch_damage(parse(file), StatusCode::kUnsupported, "middle");
}

TEST(TorchDamage, DamagedDataIsFoundByItsChecksum) {
  std::string file = torch_zip(map({{"w", tensor(six())}}), kSix);
  file[file.find(kSix) + 5] ^= 1;
  expect_torch_damage(parse(file), StatusCode::kCorrupt, "checksum");
}

TEST(TorchDamage, ZipWithoutPickleOrWithTwo) {
  expect_torch_damage(parse(ZipBuilder().add("word/document.xml", "x").build()),
                      StatusCode::kUnsupported, "not a PyTorch file");
  expect_torch_damage(parse(ZipBuilder().add("a/data.pkl", "N.").add("b/data.pkl", "N.").build()),
                      StatusCode::kCorrupt, "several");
}

TEST(TorchDamage, NoTensors) {
  for (const std::string& body : {std::string("N"), std::string("}"), std::string("]"), number(3),
                                  map({{"a", number(3)}}), text("x")}) {
    expect_torch_damage(parse_program(body), StatusCode::kUnsupported, "no named tensors");
  }
}

TEST(TorchLimits, DeepMapsAndCycles) {
  std::string deep = tensor(six());
  for (int i = 0; i < 1000; ++i) deep = test::join({"](", deep, "e"});
  expect_torch_damage(parse_program(deep), StatusCode::kResourceLimit, "deep");
  // A list that contains itself and a tensor.
  expect_torch_damage(parse_program(test::join({"]q\x01(h\x01", tensor(six()), "e"})),
                      StatusCode::kResourceLimit, "");
  std::string endless;
  for (int i = 0; i < 100'000; ++i) endless += ']';
  for (int i = 0; i < 99'999; ++i) endless += 'a';
  expect_torch_damage(parse_program(endless), StatusCode::kUnsupported, "no named tensors");
}

TEST(TorchLimits, SharedMapsDoNotExplode) {
  // Each level contains the level below twice: 2^40 paths to one tensor.
  std::string body = test::join({"](", tensor(six()), "e"});
  for (char level = 1; level <= 40; ++level) {
    const std::string memo(1, level);
    body += test::join({"q", memo, "0](h", memo, "h", memo, "e"});
  }
  Limits limits;
  limits.max_tensors = 1000;
  expect_torch_damage(parse_program(body, kSix, limits), StatusCode::kResourceLimit, "");
}

TEST(TorchLimits, TooManyTensors) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < 11; ++i) entries.emplace_back(std::to_string(i), tensor(six()));
  Limits limits;
  limits.max_tensors = 10;
  expect_torch_damage(parse_program(map(entries), kSix, limits), StatusCode::kResourceLimit,
                      "too many tensors");
  limits.max_tensors = 11;
  MIEN_ASSERT_OK(parse_program(map(entries), kSix, limits).checkpoint);
}

TEST(TorchScript, ModulesGiveDottedNames) {
  const auto module = [](const std::string& name, const std::string& attributes) {
    return global("__torch__.net", name) + ")\x81" + attributes + "b";
  };
  const std::string inner = module("Conv", map({{"weight", tensor(six())}, {"stride", number(2)}}));
  const std::string outer =
      module("Clip", map({{"training", "\x89"},
                          {"conv", inner},
                          {"scale", tensor(six())},
                          {"f", call(global("torch.jit._pickle", "build_intlist"), {"]"})}}));
  const std::string file = ZipBuilder()
                               .add("m/data.pkl", program(outer))
                               .add("m/data/0", kSix)
                               .add("m/code/__torch__/net.py", "def f(): pass\n")
                               .build();
  const Parsed parsed = parse(file);
  MIEN_ASSERT_OK(parsed.checkpoint);
  EXPECT_EQ((*parsed.checkpoint)->format(), "torchscript");
  EXPECT_EQ(names(parsed), (std::vector<std::string>{"conv.weight", "scale"}));
  EXPECT_TRUE(parsed.skipped.empty());
  // Without code, the same pickle is a pickled object of torch.save, which needs its class.
  expect_torch_damage(parse_program(outer), StatusCode::kUnsupported, "__torch__.net.Clip");
}

}  // namespace
}  // namespace mien::checkpoint
