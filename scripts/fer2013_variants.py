#!/usr/bin/env python3
"""Makes the evaluation manifests that the card of the compact bundle (models/compact/CARD.md) refers to.

    fer2013_variants.py DATA OUT

DATA has fer2013.csv, ckseq.csv and lfwexpr.csv with their tars (docs/reference/data.md, "Manifest"; missing ones
are left out). OUT gets, each with a link to its tar:

    fer2013-unique.csv        split val without pictures that have a near duplicate in train (near_dup_of)
    fer2013-votes.csv         split val by FER+'s votes: the class of the seven that has more votes than every other of
                              the ten answers; pictures without such a class are left out
    fer2013-votes-unique.csv  both
    fer2013-majority.csv      split val by the rule of FER+'s authors: single votes are dropped, and more than half of the
                              rest must agree on one of the seven classes
    fer2013-majority-unique.csv  also without near duplicates
    ckseq-ends.csv            of every sequence the first frame as neutral and the last one with its label, as pictures
    lfwexpr-five.csv          angry, happy, neutral, sad, surprise; the other classes have too few pictures

    mien eval compact --data OUT/fer2013-unique.csv
    mien eval compact --data OUT/fer2013-votes.csv --protocol closed
    mien eval compact --data OUT/fer2013-majority.csv --protocol closed
    mien eval compact --data OUT/lfwexpr-five.csv --face whole
    mien eval compact --data OUT/ckseq-ends.csv --face auto
"""
import csv
import pathlib
import sys

VOTES = {"fp_neutral": "neutral", "fp_happiness": "happy", "fp_surprise": "surprise", "fp_sadness": "sad",
         "fp_anger": "angry", "fp_disgust": "disgust", "fp_fear": "fear", "fp_contempt": None, "fp_unknown": None,
         "fp_nf": None}
FIVE = {"angry", "happy", "neutral", "sad", "surprise"}


def most_voted(row):
    """The class with more votes than any other answer; None when there is none among the seven."""
    counts = sorted(((int(row[column] or 0), column) for column in VOTES), reverse=True)
    return VOTES[counts[0][1]] if counts[0][0] > counts[1][0] else None


def majority(row):
    """The class by the published rule ("majority"); None when it is not one of the seven."""
    counts = {column: int(row[column] or 0) for column in VOTES}
    counts = {column: count if count > 1 else 0 for column, count in counts.items()}
    most = max(counts, key=counts.get)
    return VOTES[most] if 2 * counts[most] > sum(counts.values()) else None


def fer2013(rows):
    val = [r for r in rows if r["split"] == "val"]
    columns = ["path", "label", "split"]
    unique = lambda some: [r for r in some if not r["near_dup_of"]]
    out = {"fer2013-unique": (columns, unique(val))}
    for name, label_of in (("votes", most_voted), ("majority", majority)):
        labelled = [{**r, "label": label_of(r)} for r in val]
        labelled = [r for r in labelled if r["label"]]
        out[f"fer2013-{name}"] = (columns, labelled)
        out[f"fer2013-{name}-unique"] = (columns, unique(labelled))
    return out


def ckseq(rows):
    sequences = {}
    for row in rows:
        sequences.setdefault(row["sequence"], []).append(row)
    out = []
    for frames in sequences.values():
        frames.sort(key=lambda r: int(r["frame"]))
        out += [{**frames[0], "label": "neutral"}, frames[-1]]
    return {"ckseq-ends": (["path", "label", "subject", "split"], out)}


def lfwexpr(rows):
    return {"lfwexpr-five": (["path", "label", "subject", "split"], [r for r in rows if r["label"] in FIVE])}


def main():
    if len(sys.argv) != 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    sources = [(name, make) for name, make in (("fer2013", fer2013), ("ckseq", ckseq), ("lfwexpr", lfwexpr))
               if (data / f"{name}.csv").exists()]
    if not sources:
        sys.exit(f"{data}: has none of fer2013.csv, ckseq.csv, lfwexpr.csv (expected manifests as in docs/reference/data.md)")
    out.mkdir(parents=True, exist_ok=True)
    for source, make in sources:
        with open(data / f"{source}.csv", newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        try:
            variants = make(rows)
        except (KeyError, ValueError) as problem:
            sys.exit(f"{data / source}.csv: {problem} (expected the columns that docs/reference/data.md names)")
        for name, (columns, kept) in variants.items():
            with open(out / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
                writer.writeheader()
                writer.writerows(kept)
            link = out / f"{name}.tar"
            link.unlink(missing_ok=True)
            link.symlink_to((data / f"{source}.tar").resolve())
            print(f"{out / name}.csv: {len(kept)} pictures")


main()
