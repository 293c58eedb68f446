#!/usr/bin/env python3
"""Makes the tiny vocabulary and the golden token ids of the text room.

An independent, slow and plain CLIP tokenizer (unicodedata and html of the standard library; the
pattern by hand) writes
  src/text/tiny_merges.inc           merges learnt from the words below, compiled into the library
  tests/golden/text/tiny_merges.txt  the same merges as a file
  tests/golden/text/tiny_ids.json    ids of NASTY with the tiny vocabulary
  tests/golden/text/clip_ids.json    ids of NASTY with CLIP's own vocabulary (--clip FILE)
If the `regex` module can be imported, every split is compared with it.
"""
import argparse
import collections
import gzip
import html
import json
import pathlib
import unicodedata

try:
    import regex
except ImportError:
    regex = None

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "text"
PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
LITERALS = ["<|startoftext|>", "<|endoftext|>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
SPACES = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
MAX_MERGES = 49152 - 256 - 2
TINY_MERGES = 250

WORDS = """
a a a an the the the of of of and and with with in on one is are that this it its as at by face face face faces facial expression
expression expressions photo photo picture person person people looking looks look close up portrait shows showing
angry anger disgust disgusted fear afraid scared happy happy happiness joy neutral calm sad sad sadness surprise
surprised contempt scornful anxiety anxious worried helpless helplessness disappointment disappointed bored tired
politely curious proud ashamed amused confused smiling smile smiling frown frowning mouth mouth mouth lips lips eyes
eyes eyes eye brow brows brows eyebrows nose cheeks cheek chin jaw teeth forehead head raised raised lowered open open
closed wide tight pressed together drawn down down turned corners corner corners wrinkled narrow stare staring gaze
slightly very not no looking away tears crying laughing shouting relaxed tense tension lifted pulled back half shut
it's don't you're i'll we've café naïve über señor 1 2 3 10 😀 😢 顔 лицо
""".split()


def byte_alphabet():
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {b: chr(b) for b in own}
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + len(table) - len(own))
    return table


ALPHABET = byte_alphabet()


def is_letter(c):
    return unicodedata.category(c)[0] == "L"


def is_number(c):
    return unicodedata.category(c)[0] == "N"


def is_symbol(c):
    return not (c in SPACES or is_letter(c) or is_number(c) or c == "\u0345")


def clean(text):
    text = html.unescape(html.unescape(text)).strip()
    out = ""
    for c in text:
        c = " " if c in SPACES else c
        if not (c == " " and out.endswith(" ")):
            out += c
    return out.strip().lower()


def split(text):
    pieces, i = [], 0
    while i < len(text):
        plain = text[i : i + 16].replace("\u017f", "s")
        literal = next((x for x in LITERALS if plain.startswith(x)), None)
        end = i
        if literal:
            end = i + len(literal)
        elif is_letter(text[i]):
            while end < len(text) and is_letter(text[end]):
                end += 1
        elif is_number(text[i]):
            end = i + 1
        else:
            while end < len(text) and is_symbol(text[end]):
                end += 1
        if end == i:
            i += 1
            continue
        pieces.append(text[i:end])
        i = end
    if regex:
        assert pieces == regex.findall(PATTERN, text, regex.IGNORECASE), repr(text)
    return pieces


def join(word, pair):
    out, i = [], 0
    while i < len(word):
        if tuple(word[i : i + 2]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


def symbols_of(piece):
    word = [ALPHABET[b] for b in piece.encode("utf-8")]
    word[-1] += "</w>"
    return word


class Tokenizer:
    def __init__(self, merges):
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        vocabulary = list(ALPHABET.values())
        order = sorted(ALPHABET, key=lambda b: (ALPHABET[b] != chr(b), b))
        vocabulary = [ALPHABET[b] for b in order]
        vocabulary += [v + "</w>" for v in vocabulary]
        vocabulary += ["".join(pair) for pair in merges]
        vocabulary += LITERALS[:2]
        self.ids = {token: i for i, token in enumerate(vocabulary)}
        self.cache = {}

    def bpe(self, piece):
        if piece in LITERALS[:2]:
            return [piece]
        if piece not in self.cache:
            word = symbols_of(piece)
            while len(word) > 1:
                pair = min(zip(word, word[1:]), key=lambda p: self.ranks.get(p, len(self.ranks)))
                if pair not in self.ranks:
                    break
                word = join(word, pair)
            self.cache[piece] = word
        return self.cache[piece]

    def encode(self, text):
        return [self.ids[t] for piece in split(clean(text)) for t in self.bpe(piece)]


def learn(words, count):
    """Plain byte pair encoding; ties go to the pair that sorts first."""
    corpus = [[symbols_of(w), n] for w, n in sorted(collections.Counter(words).items())]
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, n in corpus:
            for pair in zip(word, word[1:]):
                pairs[pair] += n
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        for entry in corpus:
            entry[0] = join(entry[0], best)
    assert len({"".join(m) for m in merges}) == count
    return merges


def nasty():
    out = """a photo of a face with an expression of happiness.|a person who is politely bored|Hello, World!
it's|don't|you're we've I'm they'll he'd|IT'S DON'T YOU'RE WE'VE I'M THEY'LL HE'D|'s 't 're 've 'm 'll 'd|'S'T'RE|'x'q'1'
''s|'''ll|rock 'n' roll|o'clock|'tis|l'été|d'accord|dogs' toys|it’s don’t|it`s|it''s|'sad|'dare|'tall 'really 'very 'mad 'llama
...|!!!|?!?!|wow!!!'s|--|—|–|…|#hashtag @name|http://example.org/a?b=c&d=e|a_b__c|a-b-c|(parentheses) [brackets] {braces}|$5.00 €3,50 £2
3.14159|1234567890|1,000,000|½²|½ ² ³ ¼ ¾|Ⅳ Ⅻ ⅳ|①②③|٠١٢٣|०१२|৳৪|㊿ 〇 一二三|1st 2nd 3rd|x² + y² = z²|10%|1/2|v2.0
ß|STRASSE Straße straße|ẞ|İstanbul|ISTANBUL|ıstanbul|I İ i ı|DİYARBAKIR ılık|ǅ ǆ Ǆ ǈ|ﬁ ﬂ ﬀ ﬃ ﬆ|ſ ſs 'ſ|it'ſ|K Å Ω|ΑΒΓ αβγ|ΟΔΥΣΣΕΥΣ|Σ|ΑΣ|ΑΣ.|ΑΣΑ|Α'Σ|ΣΑ|Α.Σ.|ΑΣ'Α|ΑΣ' Σ ΣΣ
ὈΔΥΣΣΕΎΣ|ᾼ ᾳ|ͅ|ᾳ|aͅb|ͅͅ ͅ.|Привет, мир!|ПРИВЕТ|Ђ Ѓ Ї|Ⴀ Ⴥ|ა ᲐᲑ|Ꭰ Ꮳ ꭰ|Ⰰ Ⱀ|𐐀𐐨|𞤀𞤢|Ａｂｃ １２|Ⓐ ⓐ|🅰|𝐀𝑩𝒞|ℵ ℓ ™ ® © ℠
你好世界|こんにちは|カタカナ ｶﾀｶﾅ|안녕하세요|각|각|漢字かな交じり文|中文，标点。|「引用」|𠀀𠮷|한국어 조선말|繁體字|㍿ ㌔|〱 々 〆
é|é|é é|à la carte|naïve café|Å|Å|ñ ñ|Ä Ö Ü ä ö ü|ệ ệ|q̣̇|Z̵̡̛a̴l̶g̷o̸|ö̲|x̂ŷ|्|नमस्ते|हिन्दी|தமிழ்|ไทย ภาษา|עברית|שָׁלוֹם|العربية|مَرْحَبًا|ﷺ|ߊߋ|မြန်မာ|ខ្មែរ|བོད་|ᠮᠣᠩᠭᠣᠯ|አማርኛ|ᓀᐦᐃ
😀|😀😀|happy😀face|👍🏽|👨‍👩‍👧‍👦|🏳️‍🌈|🇩🇪🇫🇷|1️⃣ #️⃣|☺️ ☹ ♥|👩🏿‍🚀!|¯\\_(ツ)_/¯|(╯°□°)╯|:-) :( ;-)|<3|^_^|😢's|🥲🫠|♔♕|←↑→↓|▒▓█|∑∫√∞≠|⠓⠑
&amp;|&amp;amp;|&amp;amp;amp;|&lt;b&gt;|&lt;|endoftext|&gt;|AT&T|AT&amp;T|a&b|&|&&|&;|&#;|&#x;|&#|&x|&#65;|&#65|&#x41;|&#X41|&#x41g|&#0;|&#128;|&#x80;|&#x9f;|&#x81;|&#13;|&#10;|&#1;a|&#11;|&#127;|&#xfdd0;z|&#xffff;z|&#xd800;|&#x110000;|&#99999999999999999999;|&#x1F600;|&#38;amp;
&eacute;|&eacute|&Eacute;|&EACUTE;|&nbsp;x&nbsp;|&copy;2020|&copy2020|&notit;|&not;|&notin;|&notinva;|&ampere|&amp=1|&ltfoo|&lt=|&hearts;|&NotEqualTilde;|&nvlt;|&bne;|&fjlig;|&CounterClockwiseContourIntegral;|&thetasym;|&Tab;x&NewLine;y|&quot;hi&quot;|&apos;s|it&apos;s|it&#39;s|it&amp;#39;s|&apos|&frac12;|&frac12|&sup2;|&sigmaf;|&Sigma;|&nosuchentity;|&a;|&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;|&zwj;&zwnj;|&shy;|&lang;&rang;|&Aacute|&acirc|&acirce
<|startoftext|>|<|endoftext|>|<|STARTOFTEXT|>|<|EndOfText|>|a<|endoftext|>b|!<|endoftext|>|<|startoftext|><|endoftext|>|<|ſtartoftext|>|<|endoftext|<|endoftext|>|<|other|>|< |endoftext|>|</w>|a</w>|</w> <|im_start|>""".replace("\n", "|")
    # The bar separates texts; those of special tokens contain bars themselves.
    merged, parts = [], out.split("|")
    i = 0
    while i < len(parts):
        if parts[i].endswith(("<", "< ", "&lt;")) and i + 2 < len(parts) and parts[i + 1]:
            parts[i : i + 3] = ["|".join(parts[i : i + 3])]
        else:
            merged.append(parts[i])
            i += 1
    controls = [
        "", " ", "\n", "\t\t", "a\nb", "a\r\nb", " a  b ", "\u00a0a\u00a0\u00a0b\u00a0", "a\u3000b", "a\u2003b", "a\u200bb", "\u200b",
        "a\u200db", "\ufeffabc", "a\u00adb", "\u202eabc\u202c", "a\u2028b\u2029c", "a\u0085b", "\x1ca\x1c", "a\x1c\x1db", "\x1f", "\x00",
        "a\x00b", "\x01\x02", "\x1b[31mred\x1b[0m", "\x7f", "a\x0bb\x0cc", "\ufffd", "\ufffe", "\uffff", "\ue000", "\U0010fffd",
        "\U000e0001tag", "\u180e", "\u2060", "a\u0300\u0301\u0302", "\u0378", "\U0001fae8", "\\n \\u0041", '"quoted" \'single\'', "\u2018a\u2019 \u201cb\u201d",
        " \x1c a \x1c ", "x\u2009y\u202fz\u205fw\u1680v", "a\u0301\u0345\u03a3", "\u03a3\u0301", "a\u0301\u03a3\u0301", "a\u03a3\u0301b", "a:\u03a3:b",
        "\u0130\u0130", "\u01c5\u01c8\u01cb\u01f2", "\u1e9e\u1e9e", "\u2126\u212a\u212b", "\u13a0\uab70\u13f8", "\u1c90\u10d0",
    ]
    words = " ".join(WORDS)
    long = [
        "a" * 300, "ab" * 200, "happiness" * 40, "abcdefghijklmnopqrstuvwxyz" * 20, "\u00e9" * 150, "\U0001f600" * 60,
        "!" * 200, "1" * 100, "' " * 50, "'" * 99 + "s", "the face " * 100, words, words.upper(), "\u9854" * 90, "aA" * 77, "&amp;" * 60,
        "e\u0301" * 80, "a" * 41, "a" * 40, "a" * 39, "smilingface" * 4, "x" * 20 + " " + "y" * 21,
    ]
    return merged + controls + long


def write_golden(path, tokenizer):
    rows = [{"text": text, "ids": tokenizer.encode(text)} for text in nasty()]
    assert len(rows) >= 200
    lines = ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    path.write_text(f"[\n{lines}\n]\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", help="CLIP's bpe_simple_vocab_16e6.txt.gz; also makes clip_ids.json")
    options = parser.parse_args()
    GOLDEN.mkdir(parents=True, exist_ok=True)
    merges = learn([w.lower() for w in WORDS], TINY_MERGES)
    lines = ["#version: 0.2"] + [" ".join(m) for m in merges]
    (GOLDEN / "tiny_merges.txt").write_text("\n".join(lines) + "\n")
    source = "// Made by scripts/make_text_goldens.py. clang-format off\n"
    source += 'constexpr std::string_view kTinyMerges = R"merges(' + "\n".join(lines) + '\n)merges";\n'
    (ROOT / "src" / "text" / "tiny_merges.inc").write_text(source)
    write_golden(GOLDEN / "tiny_ids.json", Tokenizer(merges))
    if options.clip:
        table = gzip.open(options.clip).read().decode("utf-8").split("\n")[1 : MAX_MERGES + 1]
        write_golden(GOLDEN / "clip_ids.json", Tokenizer([tuple(line.split()) for line in table]))


if __name__ == "__main__":
    main()
