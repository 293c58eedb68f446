#include "data/wordnet.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "support/test_support.h"

namespace mien::data {
namespace {

class WordnetTest : public testing::Test {
 protected:
  void write(const char* name, const std::string& text) {
    MIEN_ASSERT_OK(write_file_atomically(dir_ / name, text));
  }
  void SetUp() override {
    write("data.noun",
          "  1 licence\n00000100 12 n 02 joy 0 high_spirits 0 001 @ 00000200 n 0000 | "
          "the feeling of delight; \"his joy\"  \n"
          "00000200 12 n 01 feeling 0 000 | a state  \n");
    write("data.verb", "00000100 37 v 01 cheer 0 000 01 + 08 00 | make glad  \n");
    write("data.adj",
          "00000300 00 a 01 glad(p) 0 002 ! 00000400 a 0101 & 00000500 a 0000 | "
          "showing joy; made happy  \n"
          "00000400 00 a 01 sad 0 001 ! 00000300 a 0101 | showing sorrow  \n"
          "00000500 00 s 01 gleeful 0 001 & 00000300 a 0000 | full of joy  \n");
    write("data.adv", "00000100 02 r 01 gladly 0 000 | in a glad way  \n");
  }
  test::TempDir dir_;
};

TEST_F(WordnetTest, ReadsSensesAndTheirRelations) {
  const auto senses = load_wordnet(dir_.path());
  MIEN_ASSERT_OK(senses);
  ASSERT_EQ(senses->size(), 7U);
  const Synset& joy = (*senses)[0];
  EXPECT_EQ(joy.words, (std::vector<std::string>{"joy", "high spirits"}));
  EXPECT_EQ(joy.gloss, "the feeling of delight");
  EXPECT_EQ(joy.topic, 12);
  EXPECT_EQ(joy.parents, (std::vector<std::int64_t>{1}));
  const Synset& glad = (*senses)[3];
  EXPECT_EQ(glad.words.front(), "glad");
  EXPECT_EQ(glad.gloss, "showing joy; made happy");
  EXPECT_EQ(glad.antonyms, (std::vector<std::int64_t>{4}));
  EXPECT_EQ(glad.similar, (std::vector<std::int64_t>{5}));
  EXPECT_EQ((*senses)[5].part, 'a');
}

TEST_F(WordnetTest, NamesFileAndLineOfDamage) {
  write("data.verb", "00000100 37 v 01 cheer 0 000 01 + 08 00 | make glad  \n00000200 37 v\n");
  const auto senses = load_wordnet(dir_.path());
  MIEN_EXPECT_CODE(senses, StatusCode::kCorrupt);
  EXPECT_NE(senses.status().message().find("data.verb:2"), std::string::npos);
}

}  // namespace
}  // namespace mien::data
