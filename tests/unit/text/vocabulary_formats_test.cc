#include "text/vocabulary_formats.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "core/file.h"
#include "mien/core/json.h"
#include "unit/text/text_test_support.h"

namespace mien::text {
namespace {

constexpr std::string_view kSample = "A happy face doesn't look sad \U0001F600 123";

std::string gzip(std::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in(text);
  std::string out(deflateBound(&stream, static_cast<uLong>(in.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

void write(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

Vocabulary tiny() { return read_merges(bytes_of(tiny_merges_text()), "tiny", {}).value(); }

Json vocab_json(const Vocabulary& vocabulary) {
  Json::Object out;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    out.emplace_back(std::string(vocabulary.token(id)), id);
  }
  return Json(std::move(out));
}

// As fast tokenizers write it, with merges as strings or as pairs.
Json tokenizer_json(const Vocabulary& vocabulary, bool pairs) {
  Json merges = Json::array();
  std::string_view text = tiny_merges_text();
  text.remove_prefix(text.find('\n') + 1);
  while (!text.empty()) {
    const std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(line.size() + 1);
    const std::size_t space = line.find(' ');
    merges.push_back(pairs ? Json(Json::Array{line.substr(0, space), line.substr(space + 1)})
                           : Json(line));
  }
  Json model = Json::object();
  model.set("type", "BPE");
  model.set("end_of_word_suffix", "</w>");
  model.set("vocab", vocab_json(vocabulary));
  model.set("merges", std::move(merges));
  Json root = Json::object();
  root.set("model", std::move(model));
  return root;
}

StatusCode code_of_merges(std::string_view text) {
  return test::code_of(parse_bpe_merges(bytes_of(text)));
}

TEST(VocabularyFormats, OrderIsBytesWordEndsMergesSpecials) {
  const auto out = read_merges(bytes_of("#version: 0.2\nh a\nha p\nha p</w>\n"), "small", {});
  MIEN_ASSERT_OK(out);
  EXPECT_EQ(out->size(), 512 + 3 + 2);
  EXPECT_EQ(out->token(0), "!");
  EXPECT_EQ(out->token(187), "\u00FF");
  EXPECT_EQ(out->token(188), "\u0100");  // byte 0
  EXPECT_EQ(out->token(255), "\u0143");  // byte 0xAD
  EXPECT_EQ(out->token(256), "!</w>");
  EXPECT_EQ(out->token(514), "hap</w>");
  EXPECT_EQ(out->token(515), "<|startoftext|>");
  EXPECT_EQ(out->bytes_of(out->byte_token(0xAD)), "\xAD");
}

TEST(VocabularyFormats, NoMergesAtAllIsAVocabularyOfBytes) {
  const auto tokenizer = parse_bpe_merges(bytes_of("#version: 0.2\n"));
  MIEN_ASSERT_OK(tokenizer);
  EXPECT_EQ((*tokenizer)->vocabulary_size(), 514);
  EXPECT_EQ((*tokenizer)->encode("!!").value(), (std::vector<std::int32_t>{0, 256}));
}

TEST(VocabularyFormats, WindowsLineEndsAndMissingLastLineEnd) {
  EXPECT_EQ(code_of_merges("#version: 0.2\r\nh a\r\nha p\r\n"), StatusCode::kOk);
  EXPECT_EQ(code_of_merges("#version: 0.2\nh a\nha p"), StatusCode::kOk);
}

TEST(VocabularyFormats, DamagedMergesNameTheirLine) {
  EXPECT_EQ(code_of_merges(""), StatusCode::kCorrupt);
  EXPECT_EQ(code_of_merges("h a\nha p\n"), StatusCode::kCorrupt) << "no header";
  EXPECT_EQ(code_of_merges("#version: 0.2\nh\n"), StatusCode::kCorrupt) << "one token";
  EXPECT_EQ(code_of_merges("#version: 0.2\nh a p\n"), StatusCode::kCorrupt) << "three tokens";
  EXPECT_EQ(code_of_merges("#version: 0.2\nh \n"), StatusCode::kCorrupt) << "empty token";
  EXPECT_EQ(code_of_merges("#version: 0.2\n\nh a\n"), StatusCode::kCorrupt) << "empty line";
  EXPECT_EQ(code_of_merges("#version: 0.2\nha p\n"), StatusCode::kCorrupt) << "unknown part";
  EXPECT_EQ(code_of_merges("#version: 0.2\nh \xE4\xBD\xA0\n"), StatusCode::kCorrupt);
  EXPECT_EQ(code_of_merges("#version: 0.2\nh a\nh a\n"), StatusCode::kCorrupt) << "repeated";
  EXPECT_EQ(code_of_merges("#version: 0.2\na b\nb c\na bc\nab c\n"), StatusCode::kCorrupt)
      << "two merges make one token";
  const auto out = parse_bpe_merges(bytes_of("#version: 0.2\nh a\nbroken\n"));
  EXPECT_NE(out.status().message().find("line 3"), std::string::npos) << out.status().message();
}

TEST(VocabularyFormats, AMergeMayNotMakeASpecialToken) {
  std::string text = "#version: 0.2\n";
  const std::string special = "<|endoftext|>";
  for (std::size_t i = 1; i < special.size(); ++i) {
    text += special.substr(0, i) + " " + special[i] + "\n";
  }
  EXPECT_EQ(code_of_merges(text), StatusCode::kCorrupt);
}

TEST(VocabularyFormats, GzipReadsAsThePlainFile) {
  const auto packed = parse_bpe_merges(bytes_of(gzip(tiny_merges_text())));
  MIEN_ASSERT_OK(packed);
  EXPECT_EQ((*packed)->merges_text(), tiny_merges_text());
}

TEST(VocabularyFormats, DamagedGzip) {
  const std::string good = gzip(tiny_merges_text());
  for (const std::size_t length :
       {std::size_t{2}, std::size_t{9}, good.size() / 2, good.size() - 1}) {
    EXPECT_EQ(code_of_merges(good.substr(0, length)), StatusCode::kCorrupt) << length;
  }
  std::string flipped = good;
  flipped[good.size() / 2] = static_cast<char>(~flipped[good.size() / 2]);
  EXPECT_EQ(code_of_merges(flipped), StatusCode::kCorrupt);
  std::string checksum = good;
  checksum[good.size() - 6] = static_cast<char>(~checksum[good.size() - 6]);
  EXPECT_EQ(code_of_merges(checksum), StatusCode::kCorrupt) << "wrong checksum";
  EXPECT_EQ(code_of_merges(good + "more"), StatusCode::kCorrupt) << "bytes after the end";
}

TEST(VocabularyFormats, GzipBombIsStopped) {
  const std::string bomb = gzip("#version: 0.2\n" + std::string(70 << 20, 'a'));
  EXPECT_LT(bomb.size(), 200'000U);
  EXPECT_EQ(code_of_merges(bomb), StatusCode::kResourceLimit);
}

TEST(VocabularyFormats, MergesTextRoundTrip) {
  const auto first = tiny_tokenizer();
  const std::string text = first->merges_text();
  EXPECT_EQ(text, tiny_merges_text());
  const auto second = parse_bpe_merges(bytes_of(text)).value();
  EXPECT_EQ(second->vocabulary_size(), first->vocabulary_size());
  EXPECT_EQ(second->encode(kSample).value(), first->encode(kSample).value());
}

TEST(VocabularyFormats, AllThreeFormatsGiveTheSameIds) {
  const Vocabulary vocabulary = tiny();
  const auto expected = tiny_tokenizer()->encode(kSample).value();
  const test::TempDir dir;
  const auto check = [&](const std::filesystem::path& path) {
    const auto tokenizer = load_bpe(path);
    MIEN_ASSERT_OK(tokenizer) << path;
    EXPECT_EQ((*tokenizer)->encode(kSample).value(), expected) << path;
    EXPECT_EQ((*tokenizer)->merges_text(), tiny_merges_text()) << path;
  };
  for (const char* folder : {"plain", "gz", "hf", "strings", "pairs", "bundle"}) {
    std::filesystem::create_directory(dir / folder);
  }
  write(dir / "plain/bpe_simple_vocab_16e6.txt", tiny_merges_text());
  write(dir / "gz/bpe_simple_vocab_16e6.txt.gz", gzip(tiny_merges_text()));
  write(dir / "hf/vocab.json", vocab_json(vocabulary).dump());
  write(dir / "hf/merges.txt", tiny_merges_text());
  write(dir / "strings/tokenizer.json", tokenizer_json(vocabulary, false).dump());
  write(dir / "pairs/tokenizer.json", tokenizer_json(vocabulary, true).dump(2));
  write(dir / "bundle/tokenizer.txt", tiny_merges_text());
  for (const char* path :
       {"plain", "plain/bpe_simple_vocab_16e6.txt", "gz", "gz/bpe_simple_vocab_16e6.txt.gz", "hf",
        "hf/vocab.json", "hf/merges.txt", "strings", "strings/tokenizer.json", "pairs", "bundle"}) {
    check(dir / path);
  }
}

TEST(VocabularyFormats, ClipTableRoundTripKeepsEveryId) {
  MIEN_SKIP_WITHOUT_CLIP_TABLE();
  const auto original = load_bpe(clip_table());
  MIEN_ASSERT_OK(original);
  const std::string text = (*original)->merges_text();
  const auto again = read_merges(bytes_of(text), "again", {});
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(again->size(), 49408);
  EXPECT_EQ(again->merges_text(), text);
  // Hugging Face's pair of files made from it gives the same vocabulary.
  const auto hf = read_vocab_json(vocab_json(*again).dump(), bytes_of(text), "hf", {});
  MIEN_ASSERT_OK(hf);
  EXPECT_EQ(hf->merges_text(), text);
}

TEST(VocabularyFormats, VocabJsonMustAgreeWithTheMerges) {
  const Vocabulary vocabulary = tiny();
  const auto code = [&](const Json& vocab) {
    return test::code_of(read_vocab_json(vocab.dump(), bytes_of(tiny_merges_text()), "v", {}));
  };
  Json changed = vocab_json(vocabulary);
  EXPECT_EQ(code(changed), StatusCode::kOk);
  changed.set("!", 7);
  EXPECT_EQ(code(changed), StatusCode::kUnsupported) << "another order";
  changed = vocab_json(vocabulary);
  changed.set("<new>", 5);
  EXPECT_EQ(code(changed), StatusCode::kUnsupported) << "a token that no merge makes";
  changed = vocab_json(vocabulary);
  changed.set("!", "0");
  EXPECT_EQ(code(changed), StatusCode::kCorrupt) << "an id that is text";
  changed = vocab_json(vocabulary);
  changed.as_object().pop_back();
  EXPECT_EQ(code(changed), StatusCode::kCorrupt) << "a missing token";
  EXPECT_EQ(code(Json::array()), StatusCode::kCorrupt);
}

TEST(VocabularyFormats, DamagedTokenizerJson) {
  const Vocabulary vocabulary = tiny();
  const auto code = [](const std::string& text) {
    return test::code_of(read_tokenizer_json(text, "t", {}));
  };
  const Json good = tokenizer_json(vocabulary, false);
  const std::string text = good.dump();
  EXPECT_EQ(code(text), StatusCode::kOk);
  EXPECT_EQ(code(text.substr(0, text.size() / 2)), StatusCode::kCorrupt) << "truncated";
  EXPECT_EQ(code("{}"), StatusCode::kCorrupt);
  EXPECT_EQ(code(R"({"model":{"vocab":{}}})"), StatusCode::kCorrupt) << "no merges";
  EXPECT_EQ(code(R"({"model":{"vocab":[],"merges":[]}})"), StatusCode::kCorrupt);
  EXPECT_EQ(code(R"({"model":{"vocab":{},"merges":[["a"]]}})"), StatusCode::kCorrupt);
  EXPECT_EQ(code(R"({"model":{"vocab":{},"merges":[["a",""]]}})"), StatusCode::kCorrupt);
  EXPECT_EQ(code(R"({"model":{"vocab":{},"merges":[7]}})"), StatusCode::kCorrupt);
  EXPECT_EQ(code(R"({"model":{"type":"WordPiece","vocab":{},"merges":[]}})"),
            StatusCode::kUnsupported);
  EXPECT_EQ(code(R"({"model":{"end_of_word_suffix":"","vocab":{},"merges":[]}})"),
            StatusCode::kUnsupported);
  EXPECT_EQ(code(std::string(100'000, '[')), StatusCode::kResourceLimit) << "deep nesting";
}

TEST(VocabularyFormats, MissingFilesAreNamed) {
  const test::TempDir dir;
  MIEN_EXPECT_CODE(load_bpe(dir / "none.txt"), StatusCode::kNotFound);
  const auto empty = load_bpe(dir.path());
  MIEN_EXPECT_CODE(empty, StatusCode::kNotFound);
  EXPECT_NE(empty.status().message().find("tokenizer.json"), std::string::npos);
  write(dir / "vocab.json", "{}");
  MIEN_EXPECT_CODE(load_bpe(dir / "vocab.json"), StatusCode::kNotFound);
  write(dir / "empty.txt", "");
  MIEN_EXPECT_CODE(load_bpe(dir / "empty.txt"), StatusCode::kCorrupt);
}

TEST(VocabularyFormats, FilesAboveTheLimitAreRejected) {
  Limits limits;
  limits.max_file_bytes = 20;
  MIEN_EXPECT_CODE(parse_bpe_merges(bytes_of(tiny_merges_text()), limits),
                   StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(parse_bpe_merges(bytes_of(gzip(tiny_merges_text())), limits),
                   StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::text
