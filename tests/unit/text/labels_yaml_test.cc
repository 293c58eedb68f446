#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mien/text/labels.h"
#include "mien/text/prompts.h"
#include "support/test_support.h"

namespace mien::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<LabelSet> parse(std::string_view yaml) { return parse_labels_yaml(yaml, "l.yaml"); }

std::string with_xs(std::string_view start, std::size_t count) {
  std::string out(start);
  return out.append(count, 'x');
}

void expect_error(std::string_view yaml, StatusCode code, std::string_view message) {
  const auto set = parse(yaml);
  MIEN_EXPECT_CODE(set, code) << '[' << yaml.substr(0, 80) << ']';
  EXPECT_THAT(set.status().message(), HasSubstr(std::string(message))) << yaml.substr(0, 80);
  EXPECT_EQ(set.status().message().find('\n'), std::string::npos);
}

TEST(LabelsYaml, ListOfNames) {
  const auto set = parse("- happy\n- politely bored\n- tired, but kind\n- sad + angry\n");
  MIEN_ASSERT_OK(set);
  EXPECT_EQ(set->name, "l.yaml");
  ASSERT_EQ(set->labels.size(), 4U);
  EXPECT_EQ(set->labels[0].texts, describe("happy"));
  EXPECT_EQ(set->labels[2].name, "tired, but kind");
  EXPECT_EQ(set->labels[3].name, "sad+angry");
  ASSERT_EQ(set->labels[3].parts.size(), 2U);
  EXPECT_EQ(set->labels[3].parts[1].texts, describe("angry"));
}

TEST(LabelsYaml, MapWithEveryForm) {
  const auto set = parse(R"(# our labels
bored: a face that waits
happy:
  - a face with a grin
  - >
    a face that
    laughs
"yes+no": {texts: [a face that cannot decide, an undecided face]}
one: {texts: a single text}
mixed: {parts: [bored, happy, surprise, free words]}
1.5: a number as a name
.nan: not a number as a name
true: 7
)");
  MIEN_ASSERT_OK(set);
  ASSERT_EQ(set->labels.size(), 8U);
  EXPECT_THAT(set->labels[0].texts, ElementsAre("a face that waits"));
  EXPECT_THAT(set->labels[1].texts, ElementsAre("a face with a grin", "a face that laughs"));
  EXPECT_EQ(set->labels[2].name, "yes+no");
  EXPECT_TRUE(set->labels[2].parts.empty());
  const Label& mixed = set->labels[4];
  EXPECT_TRUE(mixed.texts.empty());
  ASSERT_EQ(mixed.parts.size(), 4U);
  EXPECT_THAT(mixed.parts[0].texts, ElementsAre("a face that waits")) << "of this file";
  EXPECT_THAT(mixed.parts[1].texts, ElementsAre("a face with a grin", "a face that laughs"));
  EXPECT_EQ(mixed.parts[2].texts, describe("surprise"));
  EXPECT_EQ(mixed.parts[3].texts, prompt_texts("free words"));
  EXPECT_EQ(set->labels[5].name, "1.5");
  EXPECT_EQ(set->labels[6].name, ".nan");
  EXPECT_THAT(set->labels[7].texts, ElementsAre("7"));
}

TEST(LabelsYaml, DuplicateLabelNamesTheFileAndBothLines) {
  expect_error("a: x\nb: y\na: z\n", StatusCode::kInvalidArgument,
               "l.yaml:3: duplicate label \"a\" (first on line 1)");
  expect_error("- a\n- ' a '\n", StatusCode::kInvalidArgument, "l.yaml:2: duplicate label");
}

TEST(LabelsYaml, EmptyLabelNamesTheFileAndLine) {
  expect_error("- a\n- ''\n", StatusCode::kInvalidArgument, "l.yaml:2: empty label");
  expect_error("- a\n-\n", StatusCode::kInvalidArgument, "empty label");
  expect_error("a: x\n'  ': y\n", StatusCode::kInvalidArgument, "l.yaml:2: empty label");
  expect_error("~: y\n", StatusCode::kInvalidArgument, "l.yaml:1: empty label");
}

TEST(LabelsYaml, EmptySet) {
  for (const char* yaml : {"", "# nothing\n", "[]", "{}", "---\n...\n", "~"}) {
    expect_error(yaml, StatusCode::kInvalidArgument, "l.yaml: empty set");
  }
}

TEST(LabelsYaml, LabelWithoutText) {
  expect_error("a: x\nb:\n", StatusCode::kInvalidArgument, "l.yaml:2: label \"b\" has no text");
  expect_error("b: []\n", StatusCode::kInvalidArgument, "has no text");
  expect_error("b: ''\n", StatusCode::kInvalidArgument, "empty text");
  expect_error("b: [x, ' ']\n", StatusCode::kInvalidArgument, "empty text");
  expect_error("b: {texts: []}\n", StatusCode::kInvalidArgument, "has no text");
}

TEST(LabelsYaml, WrongShapes) {
  expect_error("just words\n", StatusCode::kCorrupt, "expected a list of names or a map");
  expect_error("- [a, b]\n", StatusCode::kCorrupt, "l.yaml:1: a label must be text");
  expect_error("? [a]\n: b\n", StatusCode::kCorrupt, "a label must be text");
  expect_error("a: [[b]]\n", StatusCode::kCorrupt, "expected a text");
  expect_error("a: {words: b}\n", StatusCode::kCorrupt, "unknown key \"words\"");
  expect_error("a: {}\n", StatusCode::kCorrupt, "one of texts and parts");
  expect_error("a: {texts: b, parts: [c, d]}\n", StatusCode::kCorrupt, "one of texts and parts");
  expect_error("a: {parts: b}\n", StatusCode::kInvalidArgument, "at least two parts");
  expect_error("a: {parts: [b]}\n", StatusCode::kInvalidArgument, "at least two parts");
  expect_error("a: {parts: [b, b]}\n", StatusCode::kInvalidArgument, "duplicate part");
  expect_error("a: {parts: [b, c]}\nd: {parts: [a, b]}\n", StatusCode::kInvalidArgument,
               "l.yaml:2: part \"a\" is a compound itself");
  expect_error("a: {parts: [a, b]}\n", StatusCode::kInvalidArgument, "is a compound itself");
  expect_error("- a+\n", StatusCode::kInvalidArgument, "l.yaml:1: compound label: empty part");
}

TEST(LabelsYaml, NotYaml) {
  expect_error("a: [b\n", StatusCode::kCorrupt, "l.yaml:2: not YAML");
  expect_error("a: b: c\n", StatusCode::kCorrupt, "not YAML");
  expect_error("\tq: @\n", StatusCode::kCorrupt, "not YAML");
  expect_error("a: \xFF\n", StatusCode::kCorrupt, "not UTF-8");
  expect_error(std::string_view("a\0b: c", 6), StatusCode::kCorrupt, "zero byte");
  expect_error("- a\n---\n- b\n", StatusCode::kCorrupt, "more than one YAML document");
}

TEST(LabelsYaml, AliasesAnchorsAndTagsAreRejected) {
  expect_error("a: &x text\nb: *x\n", StatusCode::kUnsupported, "l.yaml:1: anchors");
  expect_error("- *x\n", StatusCode::kCorrupt, "not YAML");
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c < 'z'; ++c) {
    std::string line = "c: &c [*p, *p]\n";
    line[0] = line[4] = c;
    line[8] = line[12] = static_cast<char>(c - 1);
    bomb += line;
  }
  expect_error(bomb, StatusCode::kUnsupported, "anchors are not supported");
  expect_error("- !!python/object x\n", StatusCode::kUnsupported, "l.yaml:1: unknown tag");
  expect_error("!mine [a]\n", StatusCode::kUnsupported, "unknown tag");
  MIEN_ASSERT_OK(parse("- !!str 1\n- '2'\n"));
}

TEST(LabelsYaml, DeepNestingIsRejected) {
  for (const int depth : {9, 100, 1000, 100'000}) {
    const std::string brackets(static_cast<std::size_t>(depth), '[');
    EXPECT_FALSE(parse(brackets).ok()) << depth;
    EXPECT_FALSE(parse(brackets + std::string(static_cast<std::size_t>(depth), ']')).ok()) << depth;
    std::string maps;
    for (int i = 0; i < depth; ++i) maps += "{a: ";
    EXPECT_FALSE(parse(maps).ok()) << depth;
    std::string dashes;
    for (int i = 0; i < depth; ++i) dashes += "- ";
    EXPECT_FALSE(parse(dashes + "a").ok()) << depth;
  }
}

TEST(LabelsYaml, OverlongTextsAndFiles) {
  MIEN_ASSERT_OK(parse(with_xs("a: ", 10'000)));
  expect_error(with_xs("a: ", 10'001), StatusCode::kResourceLimit, "l.yaml:1: label");
  expect_error(with_xs("- ", 1001), StatusCode::kResourceLimit, "l.yaml:1: label");
  expect_error(with_xs("a: ", 1'000'000), StatusCode::kResourceLimit,
               "l.yaml: too large for a label file");
  Limits limits;
  limits.max_labels = 1;
  MIEN_EXPECT_CODE(parse_labels_yaml("[a, b]", "l", limits), StatusCode::kResourceLimit);
}

TEST(LabelsYaml, CompoundsCannotBlowUpTheFile) {
  std::string yaml = "big:\n";
  for (int i = 0; i < 30; ++i) yaml += with_xs("- ", 9'000) + "\n";
  for (int i = 0; i < 5000; ++i)
    yaml.append("c").append(std::to_string(i)).append(": {parts: [big, sad]}\n");
  expect_error(yaml, StatusCode::kResourceLimit, "repeat too much text");
}

TEST(LabelsYaml, ListsMayNameSets) {
  const auto set = parse("- basic7\n- contempt\n- happy\n");
  MIEN_ASSERT_OK(set);
  EXPECT_EQ(set->labels.size(), 8U);
  EXPECT_EQ(parse("- happy\n- basic7\n")->labels.size(), 7U);
  MIEN_EXPECT_CODE(parse("- happy\n- shapes7\n"), StatusCode::kInvalidArgument);
  expect_error("- basic-7\n- contempt\n", StatusCode::kNotFound, "did you mean basic7");
}

TEST(LabelsYaml, IndistinguishableLabels) {
  expect_error("- happy\n- sad\n- Happy\n", StatusCode::kInvalidArgument,
               "l.yaml:3: duplicate label \"Happy\" (the same as \"happy\" on line 1)");
  expect_error("a: a smile\nb: a smile\n", StatusCode::kInvalidArgument,
               "l.yaml:2: duplicate label \"b\" (the same as \"a\" on line 1)");
}

}  // namespace
}  // namespace mien::text
