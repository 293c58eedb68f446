#!/usr/bin/env python3
"""How a bundle's text tower orders words for expressions: the table of a model card.

  scripts/word_order.py MIEN BUNDLE

Prints, in Markdown, for each of 66 words the three nearest words and the farthest one, and the mean cosine of ten pairs
of synonyms and ten pairs of opposites.
"""
import json
import subprocess
import sys

WORDS = """happy cheerful joyful delighted glad amused content proud hopeful grateful relieved loving tender calm serene
relaxed neutral bored indifferent tired exhausted sleepy sad unhappy sorrowful miserable gloomy depressed lonely
disappointed hurt tearful angry furious irritated annoyed outraged resentful hostile bitter afraid scared terrified fearful
frightened worried anxious nervous tense surprised astonished amazed startled shocked disgusted revolted repelled
contemptuous scornful disdainful ashamed embarrassed guilty confused curious sceptical""".split()
SYNONYMS = """happy-joyful sad-sorrowful angry-furious afraid-frightened surprised-astonished annoyed-irritated
worried-anxious contemptuous-scornful disgusted-revolted calm-relaxed""".split()
OPPOSITES = """happy-sad cheerful-gloomy calm-furious relaxed-tense delighted-disgusted proud-ashamed hopeful-depressed
glad-angry loving-hostile content-miserable""".split()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    texts = [part for word in WORDS for part in ("--text", word)]
    done = subprocess.run([sys.argv[1], "embed", "-b", sys.argv[2], *texts], stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line)["embedding"] for line in done.stdout.splitlines()]
    unit = [[x / sum(y * y for y in row) ** 0.5 for x in row] for row in rows]
    place = {word: i for i, word in enumerate(WORDS)}

    def cosine(a, b):
        return sum(x * y for x, y in zip(unit[place[a]], unit[place[b]]))

    for what, pairs in (("synonyms", SYNONYMS), ("opposites", OPPOSITES)):
        values = [cosine(*pair.split("-")) for pair in pairs]
        print(f"Ten pairs of {what}: mean {sum(values) / len(values):.2f}, {min(values):.2f} to {max(values):.2f}.")
    print("\n| word | nearest | farthest |\n|---|---|---|")
    for word in WORDS:
        order = sorted((w for w in WORDS if w != word), key=lambda w: -cosine(word, w))
        near = ", ".join(f"{w} {cosine(word, w):.2f}" for w in order[:3])
        print(f"| {word} | {near} | {order[-1]} {cosine(word, order[-1]):.2f} |")


if __name__ == "__main__":
    main()
