#include "checkpoint/pickle.h"

#include <gtest/gtest.h>

#include "support/test_support.h"
#include "unit/checkpoint/builders.h"

namespace mien::checkpoint {
namespace {

using namespace test::pickle;  // NOLINT: the pieces read like the program
using test::bytes_of;
using test::little;

void expect_pickle_damage(const std::string& body, StatusCode code, std::string_view word) {
  const auto graph = run_pickle(bytes_of(body), "file", {});
  MIEN_EXPECT_CODE(graph, code) << word;
  EXPECT_NE(graph.status().message().find(word), std::string::npos) << graph.status().message();
}

std::int64_t integer(const std::string& body) {
  const std::string whole = program(body);
  const auto graph = run_pickle(bytes_of(whole), "file", {});
  EXPECT_EQ(test::problem_of(graph), "");
  EXPECT_EQ((*graph)[graph->root].kind, PickleKind::kInt);
  return (*graph)[graph->root].integer;
}

TEST(Pickle, ReadsIntegers) {
  EXPECT_EQ(integer(number(-2)), -2);
  EXPECT_EQ(integer("K\xff"), 255);
  EXPECT_EQ(integer("M\xff\xff"), 65535);
  EXPECT_EQ(integer(std::string("\x8a\x00", 2)), 0);
  EXPECT_EQ(integer("\x8a\x01\x80"), -128);
  EXPECT_EQ(integer(std::string("\x8a\x02\x80\x00", 4)), 128);
  EXPECT_EQ(integer(number64(INT64_MIN)), INT64_MIN);
  EXPECT_EQ(integer(std::string("\x8b\x01\x00\x00\x00\x05", 6)), 5);
}

TEST(Pickle, MemoAndSharedValues) {
  const std::string whole = program(
      "]q\x01(h\x01h\x01"
      "e");  // a list that contains itself twice
  const auto graph = run_pickle(bytes_of(whole), "file", {});
  MIEN_ASSERT_OK(graph);
  EXPECT_EQ((*graph)[graph->root].items, (std::vector<PickleId>{graph->root, graph->root}));
  EXPECT_EQ(graph->consumed, whole.size());
}

TEST(Pickle, CallsAreRecordedNotExecuted) {
  const std::string whole = program(call(global("os", "system"), {text("echo")}));
  const auto graph = run_pickle(bytes_of(whole), "file", {});
  MIEN_ASSERT_OK(graph);
  const PickleNode& node = (*graph)[graph->root];
  EXPECT_EQ(node.kind, PickleKind::kCall);
  EXPECT_EQ(global_name(*graph, node.first), "os.system");
}

TEST(Pickle, StackGlobalAndFrames) {
  const std::string whole = std::string("\x80\x04\x95") + little<std::uint64_t>(12) +
                            "\x8c\x02os\x94\x8c\x04name\x94\x93.";
  const auto graph = run_pickle(bytes_of(whole), "file", {});
  MIEN_ASSERT_OK(graph);
  EXPECT_EQ(global_name(*graph, graph->root), "os.name");
}

TEST(Pickle, NamesInMessagesArePrintable) {
  const std::string whole = program(global("a\x1b[31m", std::string(1000, 'b')));
  const auto graph = run_pickle(bytes_of(whole), "file", {});
  MIEN_ASSERT_OK(graph);
  EXPECT_EQ(global_name(*graph, graph->root), "a?[31m." + std::string(200, 'b'));
}

TEST(PickleDamage, UnknownOpcode) {
  expect_pickle_damage("\x80\x02!.", StatusCode::kCorrupt, "opcode 0x21");
  // Instructions of protocols 0 and 1 that only code needs.
  expect_pickle_damage("(S'echo'\nios\nsystem\n.", StatusCode::kCorrupt, "opcode 0x53");
  expect_pickle_damage(program(global("os", "system") + "o"), StatusCode::kCorrupt,
                       "after 'os.system'");
  expect_pickle_damage(program("\x82\x01"), StatusCode::kCorrupt, "opcode 0x82");
}

TEST(PickleDamage, UnknownProtocol) {
  expect_pickle_damage("\x80\x06N.", StatusCode::kUnsupported, "protocol 6");
  expect_pickle_damage(std::string("\x80\x00N.", 4), StatusCode::kUnsupported, "protocol 0");
}

TEST(PickleDamage, Truncated) {
  const std::string whole = program(map({{"a", tensor({{2}, {1}, 0, 2})}, {"b", numbers({1, 2})}}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    MIEN_EXPECT_CODE(run_pickle(bytes_of(whole).first(size), "file", {}), StatusCode::kCorrupt)
        << size;
  }
}

TEST(PickleDamage, LyingLengths) {
  expect_pickle_damage("X\xff\xff\xff\xffio", StatusCode::kCorrupt, "truncated");
  expect_pickle_damage(test::join({"\x8d", little(~std::uint64_t{0}), "a"}), StatusCode::kCorrupt,
                       "truncated");
  expect_pickle_damage(test::join({"\x8b", little<std::int32_t>(-1)}), StatusCode::kCorrupt,
                       "negative");
  expect_pickle_damage(test::join({"\x80\x04\x95", little<std::uint64_t>(100), "N."}),
                       StatusCode::kCorrupt, "truncated");
}

TEST(PickleDamage, MemoMiss) {
  expect_pickle_damage(program("h\x07"), StatusCode::kCorrupt, "memo 7");
}

TEST(PickleDamage, EmptyStack) {
  for (const char* body :
       {".", "0.", "2.", "\x85.", "R.", "b.", "Q.", "q\x01.", "a.", "s.", "\x93."}) {
    MIEN_EXPECT_CODE(run_pickle(bytes_of(body), "file", {}), StatusCode::kCorrupt) << body;
  }
}

TEST(PickleDamage, NothingBelowAMarkMayBePopped) {
  expect_pickle_damage("NN(\x86.", StatusCode::kCorrupt, "stack is empty");
  expect_pickle_damage("](a.", StatusCode::kCorrupt, "nothing");
  expect_pickle_damage("](Na.", StatusCode::kCorrupt, "nothing");
}

TEST(PickleDamage, MissingMark) {
  for (const char* body : {"t.", "]e.", "}u.", "1."}) {
    MIEN_EXPECT_CODE(run_pickle(bytes_of(body), "file", {}), StatusCode::kCorrupt) << body;
  }
}

TEST(PickleDamage, WrongTargets) {
  expect_pickle_damage("K\x01Na.", StatusCode::kCorrupt, "not a list");
  expect_pickle_damage("]NNs.", StatusCode::kCorrupt, "not a map");
  expect_pickle_damage("}(Nu.", StatusCode::kCorrupt, "without a value");
  expect_pickle_damage("NNR.", StatusCode::kCorrupt, "without a tuple");
  expect_pickle_damage("K\x01K\x02\x93.", StatusCode::kCorrupt, "without text");
}

TEST(PickleDamage, LeftOvers) {
  expect_pickle_damage("NN.", StatusCode::kCorrupt, "left over");
  expect_pickle_damage("(N.", StatusCode::kCorrupt, "left over");
}

TEST(PickleLimits, DeepNestingNeedsNoRecursion) {
  std::string body;
  for (int i = 0; i < 1'000'000; ++i) body += ']';
  for (int i = 0; i < 999'999; ++i) body += 'a';
  const std::string whole = program(body);
  const auto graph = run_pickle(bytes_of(whole), "file", {});
  MIEN_ASSERT_OK(graph);
  EXPECT_EQ(graph->nodes.size(), 1'000'000U);
}

TEST(PickleLimits, ValuesStackMemoAndMarks) {
  Limits limits;
  limits.max_tensors = 1;
  const std::string values = std::string(2000, 'N') + ".";
  MIEN_EXPECT_CODE(run_pickle(bytes_of(values), "file", limits), StatusCode::kResourceLimit);
  const std::string stack = test::join({"N", std::string(2000, '2'), "."});
  MIEN_EXPECT_CODE(run_pickle(bytes_of(stack), "file", limits), StatusCode::kResourceLimit);
  std::string memo = "N";
  for (std::uint32_t i = 0; i < 2000; ++i) memo += test::join({"r", little(i)});
  MIEN_EXPECT_CODE(run_pickle(bytes_of(memo), "file", limits), StatusCode::kResourceLimit);
  const std::string marks(200'000, '(');
  MIEN_EXPECT_CODE(run_pickle(bytes_of(marks), "file", {}), StatusCode::kResourceLimit);
}

TEST(PickleLimits, ProgramLength) {
  Limits limits;
  limits.max_header_bytes = 100;
  const std::string whole = program(text(std::string(200, 'x')));
  MIEN_EXPECT_CODE(run_pickle(bytes_of(whole), "file", limits), StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::checkpoint
