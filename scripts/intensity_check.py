#!/usr/bin/env python3
"""Does the intensity of `mien predict --explain` rise along sequences that go from neutral to apex?

  scripts/intensity_check.py BUNDLE ckseq.csv [--mien build/release/bin/mien]

The manifest has columns path, sequence and subject, frames in their order; the pictures are in the tar beside it or in
its folder. Prints Spearman's rank correlation of frame number and intensity of every sequence, their mean with a 95 %
bootstrap interval (over subjects, because sequences of one subject are alike), and the means of first and last frames.
"""
import argparse
import collections
import csv
import json
import pathlib
import random
import subprocess
import tarfile
import tempfile


def ranks(values):
    """Ranks from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    out, at = [0.0] * len(values), 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for i in order[at:end + 1]:
            out[i] = (at + end) / 2 + 1
        at = end + 1
    return out


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    size = (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5
    return top / size if size > 0 else 0.0


def interval(by_subject, repeats=2000):
    rng, names = random.Random(1), sorted(by_subject)
    means = []
    for _ in range(repeats):
        chosen = [value for name in rng.choices(names, k=len(names)) for value in by_subject[name]]
        means.append(sum(chosen) / len(chosen))
    means.sort()
    return means[int(0.025 * repeats)], means[int(0.975 * repeats) - 1]


def intensities(mien, bundle, folder, paths):
    """The intensity of the largest face of every picture; pictures without a face are left out."""
    command = [mien, "predict", *[str(folder / path) for path in paths], "--bundle", bundle, "--explain", "--json"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    out = {}
    for line in map(json.loads, done.stdout.splitlines()):
        if line.get("kind") == "image" and line["faces"]:
            if "intensity" not in line["faces"][0]:
                raise SystemExit("the bundle has no network for the neutral face")
            out[str(pathlib.Path(line["input"]).relative_to(folder))] = line["faces"][0]["intensity"]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("--mien", default="build/release/bin/mien")
    args = parser.parse_args()
    rows = list(csv.DictReader(args.manifest.open()))
    with tempfile.TemporaryDirectory() as temporary:
        folder, tar = args.manifest.parent, args.manifest.with_suffix(".tar")
        if tar.exists():
            folder = pathlib.Path(temporary)
            with tarfile.open(tar) as archive:
                archive.extractall(folder)
        found = intensities(args.mien, args.bundle, folder, [row["path"] for row in rows])
    sequences = collections.defaultdict(list)
    for row in rows:
        if row["path"] in found:
            sequences[row["subject"], row["sequence"]].append(found[row["path"]])
    by_subject, first, last = collections.defaultdict(list), [], []
    for (subject, name), values in sequences.items():
        value = spearman(list(range(len(values))), values)
        by_subject[subject].append(value)
        first.append(values[0])
        last.append(values[-1])
        print(f"{name}: {len(values)} frames, first {values[0]:.2f}, last {values[-1]:.2f}, Spearman {value:.3f}")
    every = [value for values in by_subject.values() for value in values]
    low, high = interval(by_subject)
    print(f"{len(every)} sequences of {len(by_subject)} subjects, {len(found)} of {len(rows)} frames with a face: mean "
          f"Spearman {sum(every) / len(every):.3f} ({low:.3f} to {high:.3f}), positive in "
          f"{sum(value > 0 for value in every)}; intensity of the first frames {sum(first) / len(first):.2f}, of the "
          f"last {sum(last) / len(last):.2f}")


if __name__ == "__main__":
    main()
