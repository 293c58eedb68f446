#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "core/file.h"
#include "mien/core/json.h"
#include "unit/text/text_test_support.h"

namespace mien::text {
namespace {

using Ids = std::vector<std::int32_t>;

// Ids of a Python reference, made by scripts/make_text_goldens.py.
void expect_golden_ids(const BpeTokenizer& tokenizer, std::string_view file) {
  const auto text = read_text_file(test::golden(file), 10'000'000);
  MIEN_ASSERT_OK(text);
  const auto rows = Json::parse(*text);
  MIEN_ASSERT_OK(rows);
  ASSERT_GE(rows->size(), 200U);
  for (const Json& row : rows->as_array()) {
    Ids expected;
    for (const Json& id : row.find("ids")->as_array()) {
      expected.push_back(static_cast<std::int32_t>(id.as_integer()));
    }
    const auto ids = tokenizer.encode(row.find("text")->as_string());
    MIEN_ASSERT_OK(ids);
    EXPECT_EQ(*ids, expected) << row.dump();
  }
}

TEST(Tokenizer, TinyVocabularyMatchesThePythonReference) {
  expect_golden_ids(*tiny_tokenizer(), "text/tiny_ids.json");
}

TEST(Tokenizer, TinyVocabularyMatchesTheGoldenFile) {
  const auto file = read_text_file(test::golden("text/tiny_merges.txt"), 100'000);
  MIEN_ASSERT_OK(file);
  EXPECT_EQ(*file, tiny_merges_text());
  EXPECT_EQ(tiny_tokenizer()->vocabulary_size(), 512 + 250 + 2);
}

TEST(Tokenizer, ClipVocabularyMatchesThePythonReference) {
  MIEN_SKIP_WITHOUT_CLIP_TABLE();
  const auto tokenizer = load_bpe(clip_table());
  MIEN_ASSERT_OK(tokenizer);
  expect_golden_ids(**tokenizer, "text/clip_ids.json");
}

TEST(Tokenizer, ClipIdsMatchTheMethodSpecifications) {
  MIEN_SKIP_WITHOUT_CLIP_TABLE();
  const auto loaded = load_bpe(clip_table());
  MIEN_ASSERT_OK(loaded);
  const BpeTokenizer& clip = **loaded;
  EXPECT_EQ(clip.vocabulary_size(), 49408);
  EXPECT_EQ(clip.start_token(), 49406);
  EXPECT_EQ(clip.end_token(), 49407);
  const auto ids = [&](std::string_view text) { return clip.encode(text).value(); };
  EXPECT_EQ(ids("an ID photo of X X X X."), (Ids{550, 1014, 1125, 539, 343, 343, 343, 343, 269}));
  EXPECT_EQ(ids("a photo of a person making a surprise facial expression."),
            (Ids{320, 1125, 539, 320, 2533, 1665, 320, 5099, 11909, 11357, 269}));
  EXPECT_EQ(ids("a photo of a person making an anger facial expression."),
            (Ids{320, 1125, 539, 320, 2533, 1665, 550, 6788, 11909, 11357, 269}));
  EXPECT_EQ(ids("This video is not Happy."), (Ids{589, 1455, 533, 783, 900, 269}));
  EXPECT_EQ(ids("Helplessness"), (Ids{919, 39821, 1294}));
  EXPECT_EQ(ids("Contempt"), Ids{39293});
  EXPECT_EQ(ids("Disappointment"), Ids{23884});
}

TEST(Tokenizer, PaddedShortText) {
  const auto tokenizer = tiny_tokenizer();
  bool truncated = true;
  const auto ids = tokenizer->encode_padded("a face", 8, &truncated);
  MIEN_ASSERT_OK(ids);
  EXPECT_FALSE(truncated);
  const Ids inner = tokenizer->encode("a face").value();
  ASSERT_EQ(inner.size(), 2U);
  const std::int32_t start = tokenizer->start_token();
  EXPECT_EQ(*ids, (Ids{start, inner[0], inner[1], start + 1, 0, 0, 0, 0}));
}

TEST(Tokenizer, PaddedEmptyText) {
  const auto tokenizer = tiny_tokenizer();
  const auto ids = tokenizer->encode_padded(" \n", 4);
  MIEN_ASSERT_OK(ids);
  EXPECT_EQ(*ids, (Ids{tokenizer->start_token(), tokenizer->end_token(), 0, 0}));
}

TEST(Tokenizer, LongTextIsCutAndEndsWithTheEndToken) {
  const auto tokenizer = tiny_tokenizer();
  std::string text;
  for (int words = 1; words <= 90; ++words) {
    text += "face ";
    bool truncated = false;
    const auto ids = tokenizer->encode_padded(text, 77, &truncated);
    MIEN_ASSERT_OK(ids);
    ASSERT_EQ(ids->size(), 77U);
    EXPECT_EQ(truncated, words > 75) << words;
    EXPECT_EQ((*ids)[std::min(words, 75) + 1], tokenizer->end_token());
    EXPECT_EQ(ids->back(), words >= 75 ? tokenizer->end_token() : 0);
  }
}

TEST(Tokenizer, ContextMustHoldStartAndEnd) {
  const auto tokenizer = tiny_tokenizer();
  for (const int context : {-1, 0, 1, 1 << 30}) {
    MIEN_EXPECT_CODE(tokenizer->encode_padded("a", context), StatusCode::kInvalidArgument);
  }
  const auto ids = tokenizer->encode_padded("a", 2);
  MIEN_ASSERT_OK(ids);
  EXPECT_EQ(*ids, (Ids{tokenizer->start_token(), tokenizer->end_token()}));
}

TEST(Tokenizer, TextAboveTheLimitIsRejected) {
  Limits limits;
  limits.max_text_bytes = 10;
  const auto tokenizer = parse_bpe_merges(bytes_of(tiny_merges_text()), limits).value();
  MIEN_ASSERT_OK(tokenizer->encode("0123456789"));
  MIEN_EXPECT_CODE(tokenizer->encode("0123456789a"), StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(tokenizer->encode_padded("0123456789a", 77), StatusCode::kResourceLimit);
}

TEST(Tokenizer, AMegabyteStaysFast) {
  const auto tokenizer = tiny_tokenizer();
  const auto start = std::chrono::steady_clock::now();
  for (const char* unit :
       {"a", "happiness", "!", "\xF0\x9F\x98\x80", "&amp;", "\xCE\xA3'", "\xFF"}) {
    std::string text;
    while (text.size() + 9 <= 1'000'000) text += unit;
    MIEN_ASSERT_OK(tokenizer->encode(text)) << unit;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Tokenizer, IllFormedUtf8CountsAsReplacementCharacters) {
  const auto tokenizer = tiny_tokenizer();
  EXPECT_EQ(tokenizer->encode("a\xFF\x62").value(), tokenizer->encode("a\uFFFD\x62").value());
}

TEST(Tokenizer, DecodeRestoresTheWords) {
  const auto tokenizer = tiny_tokenizer();
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("A happy FACE, caf\u00e9 \U0001F600!").value()),
            "a happy face , caf\u00e9 \U0001F600! ");
  EXPECT_EQ(tokenizer->decode(Ids{-1, 1 << 30, tokenizer->start_token()}), "<|startoftext|>");
  EXPECT_EQ(tokenizer->decode(Ids{}), "");
  const Ids half = {tokenizer->encode("\U0001F610").value().front()};
  EXPECT_EQ(tokenizer->decode(half), "\uFFFD");
}

}  // namespace
}  // namespace mien::text
