#!/usr/bin/env bash
# Clips of different frame rates side by side, and one whose rate changes: every time is the clip's own.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
mkdir clips
clip clips/slow.mp4 2 5
clip clips/fast.mp4 2 25
clip clips/ntsc.mp4 2 30000/1001
# Ten frames at 10 a second, then ten at 5: 1 s and 2 s.
movie -f lavfi -i "testsrc=d=2:s=160x120:r=10" -vf "setpts='if(lt(N,10),N,10+2*(N-10))'" -fps_mode passthrough -c:v mpeg4 -q:v 4 clips/changing.mp4
# What FFmpeg's own tool says of every frame.
for clip in clips/*.mp4; do
  ffprobe -v error -select_streams v:0 -show_entries frame=best_effort_timestamp_time -of csv=p=0 "$clip" | tr -d , >"$clip.times"
done
check "the fourth clip changes its rate" python3 -c '
t = [float(x) for x in open("clips/changing.mp4.times")]
gaps = {round(b - a, 3) for a, b in zip(t, t[1:])}
assert len(t) == 20 and gaps == {0.1, 0.2}, gaps'
whole=(-b tiny --face whole)

section "a folder"
run predict clips "${whole[@]}" --json
exits 0
err_is 'clips: skipped 4 files .*\.times'
cp .out all.jsonl
check "times of every clip" python3 - <<'PY'
import json
rows = [json.loads(line) for line in open("all.jsonl")]
for name in ("slow", "fast", "ntsc", "changing"):
    clip = f"clips/{name}.mp4"
    want = [float(x) for x in open(clip + ".times")]
    frames = [r for r in rows if r["input"] == clip and r["kind"] == "frame"]
    got = [r["time"] for r in frames]
    assert len(got) == len(want) and all(abs(a - b) < 2e-6 for a, b in zip(got, want)), (name, got[:4], want[:4])
    summary = next(r for r in rows if r["input"] == clip and r["kind"] == "summary")
    track = next(r for r in rows if r["input"] == clip and r["kind"] == "track")
    assert abs(track["from"] - want[0]) < 2e-6 and abs(track["to"] - want[-1]) < 2e-6, (name, track)
    assert abs(summary["seconds"] - (3 if name == "changing" else 2)) < 0.21, (name, summary)
PY
run predict clips "${whole[@]}" --csv
exits 0
err_is 'clips: skipped 4 files .*\.times'
check "CSV: the same times" python3 - <<'PY'
import csv, json
rows = [json.loads(line) for line in open("all.jsonl")]
want = {(r["input"], r["frame"]): r["time"] for r in rows if r["kind"] == "frame"}
got = {(r["input"], int(r["frame"])): float(r["timestamp"]) for r in csv.DictReader(open(".out"))}
assert got.keys() == want.keys() and all(abs(got[k] - want[k]) < 1e-6 for k in want)
PY
run predict clips "${whole[@]}" -o r.sqlite --jobs 2
exits 0
err_is 'clips: skipped 4 files .*\.times'
run data export r.sqlite --csv
cp .out exported.csv
run predict clips "${whole[@]}" --csv
check "results file: the same times" cmp .out exported.csv

section "subtitles and ELAN"
for format in srt vtt eaf; do
  run predict clips "${whole[@]}" --smooth 0 --format $format -o out
  exits 0
  err_is 'clips: skipped 4 files .*\.times'
done
for name in slow fast ntsc changing; do
  # The last frame lasts as long as the one before it.
  end=$(python3 -c 'import sys; t = [float(x) for x in open(sys.argv[1])]; print(round(1000 * (2 * t[-1] - t[-2])))' clips/$name.mp4.times)
  check "EAF of $name" python3 "$here/check_eaf.py" out/$name.eaf 'tiers["face 0"][0][0] == 0' \
    "abs(tiers['face 0'][-1][1] - $end) <= 1" "media['RELATIVE_MEDIA_URL'] == '../clips/$name.mp4'"
  check "every boundary of $name is a frame" python3 - out/$name.srt out/$name.vtt clips/$name.mp4.times "$end" <<'PY'
import re, sys
frames = {round(1000 * float(x)) for x in open(sys.argv[3])} | {int(sys.argv[4])}
for file in sys.argv[1:3]:
    stamps = re.findall(r"(\d\d):(\d\d):(\d\d)[.,](\d{3})", open(file).read())
    times = [((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms) for h, m, s, ms in stamps]
    assert times and times[0] == 0 and abs(times[-1] - int(sys.argv[4])) <= 1, (file, times)
    assert all(min(abs(t - f) for f in frames) <= 1 for t in times), (file, times)
PY
done
run predict clips/changing.mp4 "${whole[@]}" --max-fps 5 --json
exits 0
err_is
check "--max-fps counts time, not frames" python3 - <<'PY'
import json
times = [r["time"] for r in map(json.loads, open(".out")) if r["kind"] == "frame"]
gaps = [b - a for a, b in zip(times, times[1:])]
assert all(abs(g - 0.2) < 0.01 for g in gaps) and len(times) == 15, times
PY

section "evaluation"
printf 'path,label\n' >m.csv
for name in slow fast ntsc changing; do printf 'clips/%s.mp4,%s\n' $name "$([ $name = slow ] && echo happiness || echo sadness)" >>m.csv; done
run eval tiny --data m.csv --json --with-samples
exits 0
err_is
cp .out together.json
check "every clip counts as it does alone" python3 - "$mien" <<'PY'
import json, subprocess, sys
together = {s["id"]: s["p"] for s in json.load(open("together.json"))["samples"]}
assert len(together) == 4
for name in ("slow", "fast", "ntsc", "changing"):
    other = "fast" if name == "slow" else "slow"
    labels = {n: "happiness" if n == "slow" else "sadness" for n in (name, other)}
    open("two.csv", "w").write("path,label\n" + "".join(f"clips/{n}.mp4,{v}\n" for n, v in labels.items()))
    out = subprocess.run([sys.argv[1], "eval", "tiny", "--data", "two.csv", "--json", "--with-samples"], capture_output=True)
    alone = {s["id"]: s["p"] for s in json.loads(out.stdout)["samples"]}
    key = next(k for k in together if name in k)
    assert all(abs(a - b) < 1e-5 for a, b in zip(alone[key], together[key])), name
PY
no_leftovers
finish
