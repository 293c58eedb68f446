#!/usr/bin/python3
"""Recall and false alarms of `mien detect` on the photos set (photos.csv and photos.tar).

A box of the manifest is found when a detected box overlaps it by an IoU of 0.3 or more; boxes are matched one to one,
best overlap first. A detection that matches nothing is a false alarm, counted on the photographs whose
faces are all boxed (complete = 1), those without any face among them.
"""
import argparse
import collections
import csv
import json
import pathlib
import subprocess
import tarfile
import tempfile


def iou(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def match(truth, found, least):
    """Number of pairs, each box used once."""
    pairs = sorted(((iou(t, f), i, j) for i, t in enumerate(truth) for j, f in enumerate(found)), reverse=True)
    used_truth, used_found = set(), set()
    for overlap, i, j in pairs:
        if overlap >= least and i not in used_truth and j not in used_found:
            used_truth.add(i)
            used_found.add(j)
    return len(used_truth)


def read_manifest(path):
    photos = collections.OrderedDict()
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            photo = photos.setdefault(row["path"], {"boxes": [], "complete": row["complete"] == "1", "source": ""})
            photo["source"] = row["box_source"]
            if not row["box_source"].startswith("none"):
                photo["boxes"].append([float(row[k]) for k in "xywh"])
    return photos


def detect(mien, folder, names, more):
    command = [mien, "detect", *(str(folder / n) for n in names), "--json", *more]
    lines = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    return {r["input"]: [f["box"] for f in r["faces"] if f["source"] == "detected"] for r in rows if r["kind"] == "image"}


def measure(mien, data, more=(), least=0.3):
    """The counts, or None when the set is not there."""
    data = pathlib.Path(data)
    if not (data / "photos.tar").exists():
        return None
    photos = read_manifest(data / "photos.csv")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(data / "photos.tar") as archive:
            archive.extractall(folder, [m for m in archive.getmembers() if m.isfile() and m.name in photos])
        found = detect(mien, pathlib.Path(folder), photos, list(more))
        found = {str(pathlib.Path(k).relative_to(folder)): v for k, v in found.items()}
    out = {"photos": len(photos), "faces": 0, "found": 0, "complete_photos": 0, "false_alarms": 0, "faceless": 0,
           "faceless_alarms": 0, "missed": {}}
    for name, photo in photos.items():
        boxes = found.get(name, [])
        hits = match(photo["boxes"], boxes, least)
        out["faces"] += len(photo["boxes"])
        out["found"] += hits
        if hits < len(photo["boxes"]):
            out["missed"][name] = len(photo["boxes"]) - hits
        if photo["complete"]:
            out["complete_photos"] += 1
            out["false_alarms"] += len(boxes) - hits
        if not photo["boxes"]:
            out["faceless"] += 1
            out["faceless_alarms"] += len(boxes)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mien")
    parser.add_argument("data", help="folder with photos.tar and photos.csv")
    parser.add_argument("--iou", type=float, default=0.3)
    args, more = parser.parse_known_args()
    result = measure(args.mien, args.data, more, args.iou)
    if result is None:
        raise SystemExit(f"detect_recall: {args.data}: no photos.tar")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
