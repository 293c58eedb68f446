#include "mien/text/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "mien/text/prompts.h"
#include "unit/text/text_test_support.h"

namespace mien::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names_of(const LabelSet& set) {
  std::vector<std::string> out;
  for (const Label& label : set.labels) out.push_back(label.name);
  return out;
}

TEST(Labels, BuiltInSetsHaveADocumentedOrder) {
  ASSERT_THAT(builtin_label_names(), ElementsAre("basic7", "basic8", "mafw11", "shapes7"));
  EXPECT_THAT(names_of(*find_builtin_labels("basic7")),
              ElementsAre("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"));
  EXPECT_EQ(names_of(*find_builtin_labels("basic8")).back(), "contempt");
  EXPECT_THAT(names_of(*find_builtin_labels("mafw11")),
              ElementsAre("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
                          "contempt", "anxiety", "helplessness", "disappointment"));
  EXPECT_EQ(names_of(*find_builtin_labels("shapes7")), names_of(*find_builtin_labels("basic7")));
  EXPECT_EQ(find_builtin_labels("basic9"), nullptr);
}

TEST(Labels, BuiltInTextsAreDistinctAndFitTheContext) {
  std::set<std::string> seen;
  const auto path = clip_table();
  const auto tokenizer = path.empty() ? nullptr : load_bpe(path).value();
  for (const Label& label : find_builtin_labels("mafw11")->labels) {
    EXPECT_GE(label.texts.size(), 4U) << label.name;
    EXPECT_LE(label.texts.size(), 6U) << label.name;
    EXPECT_TRUE(label.parts.empty());
    for (const std::string& text : label.texts) {
      EXPECT_TRUE(seen.insert(text).second) << text;
      if (tokenizer != nullptr) {
        EXPECT_LE(tokenizer->encode(text).value().size(), 75U) << text;
      }
    }
  }
}

TEST(Labels, ShapesDoNotNameExpressions) {
  std::set<std::string> seen;
  for (const Label& label : find_builtin_labels("shapes7")->labels) {
    EXPECT_EQ(label.texts.size(), 3U) << label.name;
    for (const std::string& text : label.texts) {
      EXPECT_TRUE(seen.insert(text).second) << text;
      for (const Label& named : find_builtin_labels("basic7")->labels) {
        EXPECT_EQ(text.find(named.name), std::string::npos) << text;
      }
    }
  }
}

TEST(Labels, NameOfASetLoadsTheSet) {
  const auto set = load_labels(" basic7 ");
  MIEN_ASSERT_OK(set);
  EXPECT_EQ(set->name, "basic7");
  EXPECT_EQ(set->labels, find_builtin_labels("basic7")->labels);
}

TEST(Labels, AliasesTakeTheBuiltInTextsAndKeepTheUsersName) {
  const auto set = load_labels("Happiness,anger,sadness,surprised,afraid,disgusted,calm");
  MIEN_ASSERT_OK(set);
  EXPECT_EQ(set->name, "custom");
  EXPECT_EQ(set->labels[0].name, "Happiness");
  const auto& basic = find_builtin_labels("basic7")->labels;
  EXPECT_EQ(set->labels[0].texts, basic[3].texts);
  EXPECT_EQ(set->labels[1].texts, basic[0].texts);
  EXPECT_EQ(set->labels[4].texts, basic[2].texts);
  EXPECT_EQ(set->labels[6].texts, prompt_texts("calm")) << "calm is not neutral";
  EXPECT_EQ(builtin_label_of("SADNESS"), "sad");
  EXPECT_EQ(builtin_label_of("bored"), "");
}

TEST(Labels, FreeWordsFillTheTemplates) {
  const auto set = load_labels("politely bored, smug");
  MIEN_ASSERT_OK(set);
  ASSERT_EQ(set->labels.size(), 2U);
  ASSERT_EQ(set->labels[0].texts.size(), prompt_templates().size());
  for (const std::string& text : set->labels[0].texts)
    EXPECT_THAT(text, HasSubstr("politely bored"));
  EXPECT_EQ(set->labels[1].name, "smug");
}

TEST(Labels, ASingleFreeWordIsASet) {
  const auto set = load_labels("bored");
  MIEN_ASSERT_OK(set);
  EXPECT_EQ(set->labels.size(), 1U);
}

TEST(Labels, QuotesKeepCommasAndPlusSigns) {
  const auto set = load_labels(R"("tired, but happy", "say ""hi""" ,"a+b","basic7x")");
  MIEN_ASSERT_OK(set);
  EXPECT_THAT(names_of(*set), ElementsAre("tired, but happy", "say \"hi\"", "a+b", "basic7x"));
  for (const Label& label : set->labels) EXPECT_TRUE(label.parts.empty());
}

TEST(Labels, CompoundsHaveResolvedParts) {
  const auto set = load_labels(R"(happiness + surprised, "well, well"+sad)");
  MIEN_ASSERT_OK(set);
  ASSERT_EQ(set->labels.size(), 2U);
  const Label& first = set->labels[0];
  EXPECT_EQ(first.name, "happiness+surprised");
  EXPECT_TRUE(first.texts.empty());
  ASSERT_EQ(first.parts.size(), 2U);
  EXPECT_EQ(first.parts[0].name, "happiness");
  EXPECT_EQ(first.parts[1].texts, describe("surprise"));
  EXPECT_EQ(set->labels[1].parts[0].name, "well, well");
}

TEST(Labels, BadListsAreRejected) {
  const std::string many_parts = "a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q";
  for (const std::string& bad :
       {std::string(""),        std::string("  \n"),      std::string(","),
        std::string("a,"),      std::string("a,,b"),      std::string("\"\",b"),
        std::string("a,b,a"),   std::string("a, a"),      std::string("+"),
        std::string("a+"),      std::string("+a"),        std::string("a++b"),
        std::string("a+a"),     std::string("a+b,a + b"), std::string("\"a"),
        std::string("a\"b\""),  std::string("\"a\"b"),    std::string("a\nb,c"),
        std::string("a\x01,b"), std::string("a,\xFF"),    std::string("a\0b,c", 5)}) {
    MIEN_EXPECT_CODE(load_labels(bad), StatusCode::kInvalidArgument) << '[' << bad << ']';
  }
  MIEN_EXPECT_CODE(load_labels(many_parts), StatusCode::kResourceLimit);
}

TEST(Labels, UnknownSetsAndFilesAreNotFoundWithAHint) {
  for (const char* word : {"basic-7", "Basic7", "basic", "basic9", "mafw", "MAFW-11", "bsic7"}) {
    const auto set = load_labels(word);
    MIEN_EXPECT_CODE(set, StatusCode::kNotFound) << word;
    EXPECT_THAT(set.status().message(), HasSubstr("did you mean")) << word;
  }
  for (const char* path : {"./emotions", "/no/such/file", "emotions.yaml", "x.yml"}) {
    const auto set = load_labels(path);
    MIEN_EXPECT_CODE(set, StatusCode::kNotFound) << path;
    EXPECT_THAT(set.status().message(), HasSubstr("basic7, basic8, mafw11 or shapes7")) << path;
  }
  MIEN_ASSERT_OK(load_labels("\"basic\""));
}

TEST(Labels, OverlongTextIsRejected) {
  MIEN_ASSERT_OK(load_labels(std::string(1000, 'a')));
  MIEN_EXPECT_CODE(load_labels(std::string(1001, 'a')), StatusCode::kResourceLimit);
  const auto megabyte = load_labels(std::string(1'000'000, 'a'));
  MIEN_EXPECT_CODE(megabyte, StatusCode::kResourceLimit);
  EXPECT_LT(megabyte.status().message().size(), 200U);
  Limits limits;
  limits.max_labels = 2;
  MIEN_ASSERT_OK(load_labels("a,b", limits));
  MIEN_EXPECT_CODE(load_labels("a,b,c", limits), StatusCode::kResourceLimit);
}

TEST(Labels, CommonSeparatorsAreAccepted) {
  for (const char* list :
       {"happy,sad", "happy;sad", "happy; sad", "happy|sad", "happy\uff0csad", "happy\u3001sad",
        "happy\uff1bsad", "happy\u060csad", "happy\u061bsad"}) {
    const auto set = load_labels(list);
    MIEN_ASSERT_OK(set) << list;
    EXPECT_THAT(names_of(*set), ElementsAre("happy", "sad")) << list;
  }
  const auto quoted = load_labels(R"("eyes open; mouth shut",calm)");
  MIEN_ASSERT_OK(quoted);
  EXPECT_THAT(names_of(*quoted), ElementsAre("eyes open; mouth shut", "calm"));
  MIEN_EXPECT_CODE(load_labels("happy;"), StatusCode::kInvalidArgument);
}

TEST(Labels, SetsCombineWithWords) {
  const auto& basic = find_builtin_labels("basic7")->labels;
  const auto set = load_labels("basic7, contempt");
  MIEN_ASSERT_OK(set);
  ASSERT_EQ(set->labels.size(), 8U);
  EXPECT_TRUE(std::equal(basic.begin(), basic.end(), set->labels.begin()));
  EXPECT_EQ(set->labels[7].texts, describe("contempt"));
  // A label that sets share counts once, under the first name.
  EXPECT_EQ(load_labels("basic7,mafw11")->labels.size(), 11U);
  EXPECT_EQ(load_labels("basic7,happy")->labels, basic);
  const auto named = load_labels("Happiness,basic7");
  MIEN_ASSERT_OK(named);
  EXPECT_EQ(named->labels.size(), 7U);
  EXPECT_EQ(named->labels[0].name, "Happiness");
  // Quoted, it is a word.
  EXPECT_THAT(names_of(*load_labels("\"basic7\",calm")), ElementsAre("basic7", "calm"));
  // One name, two sets of texts.
  MIEN_EXPECT_CODE(load_labels("basic7,shapes7"), StatusCode::kInvalidArgument);
  for (const char* typo : {"basic-7,contempt", "contempt,mafw_11", "basic7+contempt"}) {
    const auto wrong = load_labels(typo);
    MIEN_EXPECT_CODE(wrong, StatusCode::kNotFound) << typo;
    EXPECT_THAT(wrong.status().message(), HasSubstr("did you mean")) << typo;
  }
}

TEST(Labels, IndistinguishableLabelsAreDuplicates) {
  for (const char* list :
       {"Happy,happy", "happy,happiness", "afraid,fearful", "politely bored,Politely  Bored",
        "politely-bored,politely bored", "happy+sad,sad+happy", "\u00c4rger,\u00e4rger"}) {
    const auto set = load_labels(list);
    MIEN_EXPECT_CODE(set, StatusCode::kInvalidArgument) << list;
    EXPECT_THAT(set.status().message(), HasSubstr("duplicate label")) << list;
    EXPECT_THAT(set.status().message(), HasSubstr("the same as")) << list;
  }
  MIEN_ASSERT_OK(load_labels("happy,glad,happy+sad"));
  // Words that are not labels may be synonyms.
  EXPECT_EQ(load_words("afraid,fearful")->labels.size(), 2U);
  MIEN_EXPECT_CODE(load_words("afraid,Afraid"), StatusCode::kInvalidArgument);
}

TEST(Labels, NotXIsAYesNoQuestion) {
  for (const char* list : {"not winking", "winking,not winking", "Not winking,winking"}) {
    const auto set = load_labels(list);
    MIEN_ASSERT_OK(set) << list;
    EXPECT_THAT(names_of(*set), ElementsAre("winking")) << list;
    EXPECT_EQ(set->labels[0].texts, prompt_texts("winking"));
  }
  EXPECT_EQ(load_labels("happiness,not happy")->labels[0].name, "happiness");
  for (const char* list : {"happy,not sad", "happy,sad,not happy", "happy+not sad,sad",
                           "not happy,not sad", "not not happy"}) {
    const auto set = load_labels(list);
    MIEN_EXPECT_CODE(set, StatusCode::kInvalidArgument) << list;
    EXPECT_THAT(set.status().message(), HasSubstr("yes/no question")) << list;
  }
  MIEN_ASSERT_OK(load_labels("nothing,knotted"));
}

TEST(Labels, AFileWithOneWordPerLine) {
  const auto names = [](std::string_view content) {
    const auto set = parse_label_file(content, "l.txt");
    return set.ok() ? names_of(*set) : std::vector<std::string>{set.status().message()};
  };
  EXPECT_THAT(names("happy\nsad\nneutral\n"), ElementsAre("happy", "sad", "neutral"));
  EXPECT_THAT(names("\xEF\xBB\xBFhappy\r\n\r\n# a remark\r\npolitely bored"),
              ElementsAre("happy", "politely bored"));
  EXPECT_THAT(names("happy, sad\n\"tired, but kind\"\n"),
              ElementsAre("happy", "sad", "tired, but kind"));
  EXPECT_THAT(names("happy"), ElementsAre("happy"));
  EXPECT_EQ(names("basic7\ncontempt\n").size(), 8U);
  EXPECT_THAT(names("happy\nsad\n Happy\n"),
              ElementsAre("l.txt:3: duplicate label \"Happy\" (the same as \"happy\")"));
  EXPECT_THAT(names("happy\na \"b\"\n"), ElementsAre("l.txt:2: text beside a quote at position 3"));
  EXPECT_THAT(names(std::string_view("\xFF\xFEh\0", 4)),
              ElementsAre(testing::HasSubstr("l.txt: is UTF-16 text (expected UTF-8: ")));
  EXPECT_THAT(names(std::string_view("h\0a\0p\0", 6)),
              ElementsAre("l.txt: is not text (expected UTF-8)"));
  EXPECT_THAT(names("m\xFC"
                    "de\n"),
              ElementsAre("l.txt: not UTF-8 text"));
  // YAML stays YAML.
  EXPECT_THAT(names("- happy\n- sad\n"), ElementsAre("happy", "sad"));
  EXPECT_THAT(names("happy: a smile\nsad: tears\n"), ElementsAre("happy", "sad"));
  EXPECT_THAT(names("[happy, sad]"), ElementsAre("happy", "sad"));
}

TEST(Labels, FilesAreRead) {
  const test::TempDir dir;
  const auto path = dir / "my labels.yaml";
  std::ofstream(path) << "bored: a face that waits for the end\n";
  const auto set = load_labels(path.string());
  MIEN_ASSERT_OK(set);
  EXPECT_EQ(set->name, path.string());
  EXPECT_THAT(set->labels[0].texts, ElementsAre("a face that waits for the end"));
  MIEN_EXPECT_CODE(load_labels(dir.path().string()), StatusCode::kInvalidArgument) << "a folder";
}

}  // namespace
}  // namespace mien::text
