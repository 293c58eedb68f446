#include "text/word_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"
#include "text/tiny_vocabulary.h"
#include "text/words.h"

namespace mien::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The words of our templates and a few more; frequent ones first.
std::shared_ptr<const WordTokenizer> template_words() {
  return parse_words(
             "mien-words 1 100\nthe\na\nof\non\nthat\nand\nthis\nwhat\nits\nexpression\nface\n"
             "close-up\nlook\nphoto\nperson\nfacial\neyes\nmouth\nsay\nnot\nportrait\nshows\none\n"
             "feeling\nhappy\nhay\nsurprise\nwinking\nwinding\npolitely\nbored\nneutral\n")
      .value();
}

std::vector<std::string> notes(std::string_view list) {
  const auto out = word_notes(*load_labels(list), *template_words());
  return out.ok() ? *out : std::vector<std::string>{"error: " + out.status().message()};
}

TEST(WordNotes, KnownWordsGiveNoNotes) {
  EXPECT_THAT(notes("winking,politely bored,POLITELY-bored face"), IsEmpty());
}

TEST(WordNotes, MisspeltWordsGetSuggestions) {
  EXPECT_THAT(notes("suprise,winking"),
              ElementsAre("suprise: unknown word; did you mean surprise?"));
  // A word for an expression comes before a word with fewer edits.
  EXPECT_THAT(notes("hapy,bored"), ElementsAre("hapy: unknown word; did you mean happy?"));
  EXPECT_THAT(notes("Neutrla,bored"), ElementsAre("neutrla: unknown word; did you mean neutral?"));
  EXPECT_THAT(notes("winkimg,bored"), ElementsAre("winkimg: unknown word; did you mean winking?"));
  EXPECT_THAT(notes("suprise+bored,bored"), ElementsAre(HasSubstr("suprise: unknown word")));
}

TEST(WordNotes, ForeignWordsGetNoSuggestion) {
  EXPECT_THAT(
      notes("w\u00fctend,bored"),
      ElementsAre(
          "w\u00fctend: unknown word, known only by its letters, so its scores mean little"));
  EXPECT_THAT(notes("\u6012\u308a,bored"), ElementsAre(HasSubstr("unknown word")));
}

TEST(WordNotes, MissingCommasAreNoticed) {
  EXPECT_THAT(notes("happy neutral surprise"),
              ElementsAre("\"happy neutral surprise\": is one label; did you mean "
                          "happy,neutral,surprise?"));
  EXPECT_THAT(notes("happy face,bored"), IsEmpty());
}

TEST(WordNotes, NegationsAreReported) {
  EXPECT_THAT(notes("bored face,\"this face, not bored\""),
              ElementsAre(HasSubstr("'not' is not understood")));
}

TEST(WordNotes, TextsOfAFileAreRead) {
  const auto set = parse_label_file("a: the face of a hapy person\nb: what this mouth say\n", "l");
  MIEN_ASSERT_OK(set);
  EXPECT_THAT(*word_notes(*set, *template_words()),
              ElementsAre("hapy: unknown word; did you mean happy?"));
}

TEST(WordNotes, UnreadableTextIsAnError) {
  EXPECT_THAT(notes("\U0001F600,bored"),
              ElementsAre("error: labels: \"\U0001F600\": contains no readable word (expected "
                          "words)"));
  MIEN_EXPECT_CODE(word_notes(*parse_label_file("a: '...'\nb: face\n", "l"), *template_words()),
                   StatusCode::kInvalidArgument);
}

TEST(WordNotes, ManyNotesAreCounted) {
  std::string list = "happy";
  for (char c = 'a'; c <= 'z'; ++c) list += std::string(",qqqq") + c;
  const auto out = notes(list);
  ASSERT_EQ(out.size(), 11U);
  EXPECT_EQ(out.back(), "and 16 more words of that kind");
}

TEST(WordNotes, ByteLevelTokenizersReportOnlyNearExpressions) {
  const auto tokenizer = parse_bpe_merges(std::as_bytes(std::span(tiny_merges_text())));
  MIEN_ASSERT_OK(tokenizer);
  const auto out = word_notes(*load_labels("suprise,m\u00fcde,xylophone,happy"), **tokenizer);
  MIEN_ASSERT_OK(out);
  EXPECT_THAT(*out, ElementsAre("suprise: unknown word; did you mean surprise?"));
}

}  // namespace
}  // namespace mien::text
