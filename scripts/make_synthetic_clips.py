#!/usr/bin/env python3
"""Combines pictures of a manifest into clips: writes a manifest of sequences over the same files.

  scripts/make_synthetic_clips.py fer2013.csv OUT.csv [--frames 16] [--clips 4000] [--neutral 14] [--seed 1]

A clip of a class starts with up to --neutral pictures labelled neutral and continues with pictures of the class, all of
different people as far as the data tells. Splits are not mixed. Classes get clips by their share of the pictures, at least
20. OUT.csv needs a tar of the same name beside it, so make OUT.tar a link to the tar of the manifest. The rule by which
HESP, CLIPER and Exp-CLIP choose 8 frames of a test clip reads only the first frame of a clip with 8 frames or fewer,
so clips are longer than that.
"""
import argparse
import collections
import csv
import os
import random


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest")
    parser.add_argument("out")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--clips", type=int, default=4000, help="of the largest split; the others get their share")
    parser.add_argument("--neutral", type=int, default=14, help="most neutral pictures at the start")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    pictures = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(args.manifest, newline="") as file:
        for row in csv.DictReader(file):
            if row["label"]:
                pictures[row["split"]][row["label"]].append(row["path"])
    largest = max(sum(map(len, classes.values())) for classes in pictures.values())
    with open(args.out + ".part", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["path", "label", "subject", "sequence", "split", "frame"])
        for split, classes in sorted(pictures.items()):
            clips = []
            for label, paths in sorted(classes.items()):
                for number in range(max(20, round(args.clips * len(paths) / largest))):
                    start = draw.randint(0, args.neutral) if label != "neutral" and "neutral" in classes else 0
                    frames = [draw.choice(classes["neutral"]) for _ in range(start)]
                    frames += [draw.choice(paths) for _ in range(args.frames - start)]
                    clips.append([[path, label, "", f"{split}-{label}-{number}", split, place + 1]
                                  for place, path in enumerate(frames)])
            draw.shuffle(clips)  # the first ones (data.limit) are of all classes
            for clip in clips:
                out.writerows(clip)
    os.replace(args.out + ".part", args.out)


if __name__ == "__main__":
    main()
