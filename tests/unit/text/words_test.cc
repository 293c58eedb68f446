#include "text/words.h"

#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::text {
namespace {

using Ids = std::vector<std::int32_t>;

std::shared_ptr<const WordTokenizer> words() {
  return parse_words("mien-words 1 100\nhappy\nlight-hearted\nlight\na\nface\n").value();
}

TEST(Words, KnownWordsInAnyCaseAndAmongPunctuation) {
  EXPECT_EQ(words()->encode("A HAPPY, light-hearted face!").value(), (Ids{4, 1, 2, 5}));
  EXPECT_EQ(words()->encode(" ...  ").value(), Ids{});
  EXPECT_EQ(words()->word(2), "light-hearted");
  EXPECT_EQ(words()->find("sad"), 0);
}

TEST(Words, UnknownWordsAreSplitAndSpelt) {
  // "light-face" is unknown as a whole, known in parts.
  EXPECT_EQ(words()->encode("light-face").value(), (Ids{3, 5}));
  const Ids spelt = words()->encode("grumpy").value();
  EXPECT_EQ(spelt, words()->spell("grumpy"));
  ASSERT_EQ(spelt.size(), 6U);  // <gr gru rum ump mpy py>
  for (const std::int32_t id : spelt) {
    EXPECT_GT(id, 5);
    EXPECT_LT(id, words()->vocabulary_size());
  }
  EXPECT_EQ(words()->spell("rum")[0] == words()->spell("gru")[0], false);
}

TEST(Words, PaddingAndCutting) {
  bool cut = true;
  EXPECT_EQ(words()->encode_padded("happy face", 4, &cut).value(), (Ids{1, 5, 0, 0}));
  EXPECT_FALSE(cut);
  EXPECT_EQ(words()->encode_padded("a happy face", 2, &cut).value(), (Ids{4, 1}));
  EXPECT_TRUE(cut);
  MIEN_EXPECT_CODE(words()->encode_padded("a", 0), StatusCode::kInvalidArgument);
}

TEST(Words, FileReadsBack) {
  const auto again = parse_words(words()->file_text());
  MIEN_ASSERT_OK(again);
  EXPECT_EQ((*again)->encode("light faces").value(), words()->encode("light faces").value());
  EXPECT_TRUE(is_word_list(words()->file_text()));
}

TEST(Words, DamagedFiles) {
  for (const char* file :
       {"", "happy\n", "mien-words 1 x\na\n", "mien-words 1 -1\na\n", "mien-words 1 10\na\n\nb\n",
        "mien-words 1 10\na\na\n", "mien-words 1 10\n\xff\n"}) {
    MIEN_EXPECT_CODE(parse_words(file), StatusCode::kCorrupt);
  }
}

}  // namespace
}  // namespace mien::text
