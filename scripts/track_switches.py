#!/usr/bin/env python3
"""Counts how often faces change their ids in clips with known ground truth.

  scripts/track_switches.py MIEN PICTURE [--keep FOLDER]

Makes clips with ffmpeg from one portrait (walks at several frame rates, blackouts, flashes, tiles that come and go,
people who cross), runs `MIEN detect --json` on them and prints for each: frames, people, the share of their frames in
which they are found, ids, and switches (a person gets another id than before).
"""
import argparse
import json
import math
import pathlib
import subprocess
import tempfile

GROUND = "0x6e7680"


def walk(t):
    return 530 + 500 * math.sin(1.2 * t)


def crossing(t):
    return 40 + 220 * t


# name, size, frames per second, seconds, filter ([0] ground, [1] head of 220 pixels), people: time -> corner of the head
# or None while it cannot be seen.
CLIPS = [
    *[(f"walk at {rate} frames per second", (1280, 480), rate, 6, "[0][1]overlay=x='530+500*sin(1.2*t)':y=120",
       [lambda t: (walk(t), 120)]) for rate in (30, 10, 5, 3)],
    ("blackouts of 0.2 to 1 s", (640, 480), 25, 6,
     "[0][1]overlay=200:60,drawbox=c=black:t=fill:enable='between(t,1,1.2)+between(t,2,2.5)+between(t,3.5,4.5)'",
     [lambda t: None if 1 <= t <= 1.2 or 2 <= t <= 2.5 or 3.5 <= t <= 4.5 else (200, 60)]),
    ("flashes", (640, 480), 25, 3, "[0][1]overlay=200:60,drawbox=c=white:t=fill:enable='lt(mod(t,0.5),0.03)'",
     [lambda t: None if t % 0.5 < 0.03 else (200, 60)]),
    ("a tile that comes and goes", (1280, 720), 25, 6,
     "[1]split[a][b];[0][a]overlay=60:60[c];[c]drawbox=x=640:w=640:h=720:c=white:t=fill:enable='gt(mod(t,2),1)'[d];"
     "[d][b]overlay=860:300:enable='gt(mod(t,2),1)'",
     [lambda t: (60, 60), lambda t: (860, 300) if t % 2 > 1 else None]),
    ("one who goes behind another", (1280, 480), 25, 4,
     "[1]split[a][b];[0][a]overlay=x='40+220*t':y=120[c];[c][b]overlay=480:120",
     [lambda t: (480, 120), lambda t: (crossing(t), 120) if abs(crossing(t) - 480) > 150 else None]),
]


def make(path, picture, size, rate, seconds, graph):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
                    f"color=c={GROUND}:s={size[0]}x{size[1]}:r={rate}:d={seconds}", "-loop", "1", "-framerate", str(rate),
                    "-t", str(seconds), "-i", picture, "-filter_complex",
                    f"[1]crop=220:220:112:12[h];{graph.replace('[1]', '[h]')}", "-c:v", "mpeg4", "-q:v", "3", path],
                   check=True)


def measure(program, path, people):
    lines = subprocess.run([program, "detect", path, "--json"], capture_output=True, check=True, text=True).stdout
    frames = [row for row in map(json.loads, lines.splitlines()) if row["kind"] == "frame"]
    ids, last, switches, seen, found = set(), [None] * len(people), 0, 0, 0
    for row in frames:
        ids.update(face["track"] for face in row["faces"])
        for number, person in enumerate(people):
            corner = person(row["time"])
            if corner is None:
                continue
            seen += 1
            centre = (corner[0] + 110, corner[1] + 110)  # of the head; the face is within 45 pixels of it
            near = [face for face in row["faces"]
                    if math.hypot(face["box"][0] + face["box"][2] / 2 - centre[0],
                                  face["box"][1] + face["box"][3] / 2 - centre[1]) < 60]
            if not near:
                continue
            found += 1
            track = near[0]["track"]
            switches += last[number] is not None and last[number] != track
            last[number] = track
    return len(frames), found / max(1, seen), len(ids), switches


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("picture", help="512 x 512, with a face around (222, 122) as in build/demo/astronaut.png")
    parser.add_argument("--keep", help="folder for the clips")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(args.keep or folder)
        folder.mkdir(exist_ok=True)
        print("| clip | frames | people | found | ids | switches |\n|---|---|---|---|---|---|")
        for name, size, rate, seconds, graph, people in CLIPS:
            path = str(folder / (name.replace(" ", "-") + ".mp4"))
            make(path, args.picture, size, rate, seconds, graph)
            frames, found, ids, switches = measure(args.program, path, people)
            print(f"| {name} | {frames} | {len(people)} | {100 * found:.0f} % | {ids} | {switches} |")


if __name__ == "__main__":
    main()
