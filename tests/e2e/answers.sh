#!/usr/bin/env bash
# Answers for clips: shares of time, segments, smoothing, the same in every output.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
whole=(-b tiny --face whole --unknown off)

# Two colours that the model reads differently, whatever its random weights are.
colours=()
seen=
for colour in black white red blue green yellow; do
  movie -f lavfi -i "color=$colour:s=64x64" -frames:v 1 $colour.png
  label=$("$mien" predict $colour.png "${whole[@]}" --json | sed 's/.*"top":"\([^"]*\)".*/\1/')
  case " $seen " in *" $label "*) continue ;; esac
  seen="$seen $label"
  colours+=("$colour")
done
[ "${#colours[@]}" -ge 2 ] || { fail "one label for all colours"; finish; }
read -r first second _ <<<"$seen"

# 3 s of one, 3 s of the other, 20 frames a second; every tenth frame is of the other colour.
movie -f lavfi -i "color=${colours[0]}:s=64x64:r=20:d=6" -f lavfi -i "color=${colours[1]}:s=64x64:r=20:d=6" \
  -filter_complex "[0][1]overlay=enable='lt(t\,2.99)-(2*lt(t\,2.99)-1)*eq(mod(floor(t*20+0.5)\,10)\,7)'" \
  -c:v ffv1 -pix_fmt bgr0 flicker.mkv

section "a track tells the share of time of every label and its segments"
run predict flicker.mkv "${whole[@]}" -o c.jsonl
ok
rows_of c.jsonl 'len(of("track")) == 1' \
  "[s['label'] for s in of('track')[0]['segments']] == ['$second', '$first']" \
  'of("track")[0]["segments"][0]["from"] == 0' 'abs(of("track")[0]["segments"][1]["from"] - 3) <= 0.2' \
  'of("track")[0]["segments"][0]["to"] == of("track")[0]["segments"][1]["from"]' \
  'of("track")[0]["segments"][1]["to"] == 6' \
  'all(abs(s["share"] - (0.5 if s["seconds"] else 0)) < 0.04 for s in of("track")[0]["shares"])' \
  'of("track")[0]["shares"][-1] == {"label": "unknown", "unknown": True, "seconds": 0, "share": 0}' \
  'sum(f["faces"][0]["top"] != f["faces"][0]["steady"]["label"] for f in of("frame")) > 10'

section "without smoothing every frame is for itself"
run predict flicker.mkv "${whole[@]}" --smooth 0 --json
ok
rows 'len(of("track")[0]["segments"]) > 20' \
  'all(f["faces"][0]["top"] == f["faces"][0]["steady"]["label"] for f in of("frame"))'

section "every output of a clip tells the same segments"
for format in csv tracks segments vtt srt eaf table openface; do
  run predict flicker.mkv "${whole[@]}" --format $format -o c.$format
  ok
done
run predict flicker.mkv "${whole[@]}" --report c.html
ok
check "agreement" python3 - <<'PY'
import csv, json, re
lines = [json.loads(line) for line in open("c.jsonl")]
track = [line for line in lines if line["kind"] == "track"][0]
truth = [(s["from"], s["to"], s["label"]) for s in track["segments"]]
shares = {s["label"]: s["share"] for s in track["shares"]}
rows = list(csv.DictReader(open("c.segments")))
assert [(float(r["from"]), float(r["to"]), r["label"]) for r in rows] == truth, rows
assert [float(r["probability"]) for r in rows] == [s["probability"] for s in track["segments"]]
(row,) = csv.DictReader(open("c.tracks"))
assert {k[6:]: float(v) for k, v in row.items() if k.startswith("share_")} == shares, row
assert row["whole_top"] == track["top"]
def at(time): return [label for a, b, label in truth if a <= time < b][0]
rows = list(csv.DictReader(open("c.csv")))
assert len(rows) == 120 and all(r["steady"] == at(float(r["timestamp"])) for r in rows)
for a, b, label in truth:  # the mean of a segment is that of its rows
    mean = [float(r["p_" + label]) for r in rows if a <= float(r["timestamp"]) < b]
    told = [s["probability"] for s in track["segments"] if s["from"] == a][0]
    assert abs(sum(mean) / len(mean) - told) < 1e-3
for r in csv.DictReader(open("c.openface")):
    assert r[at(float(r["timestamp"])) + "_c"] == "1", r
def cues(name):
    clock = r"(\d+):(\d+):(\d+)[.,](\d+)"
    out = []
    for m in re.finditer(clock + " --> " + clock + "\n(.*)\n", open(name).read()):
        t = [int(v) for v in m.groups()[:8]]
        out.append((*(round(t[i] * 3600 + t[i + 1] * 60 + t[i + 2] + t[i + 3] / 1000, 3) for i in (0, 4)), m[9]))
    return out
assert cues("c.vtt") == truth and cues("c.srt") == truth, cues("c.vtt")
eaf = open("c.eaf").read()
slots = dict(re.findall(r'TIME_SLOT_ID="(\w+)" TIME_VALUE="(\d+)"', eaf))
told = re.findall(r'TIME_SLOT_REF1="(\w+)" TIME_SLOT_REF2="(\w+)">\s*<ANNOTATION_VALUE>(.*?)<', eaf)
assert [(int(slots[a]) / 1000, int(slots[b]) / 1000, v) for a, b, v in told] == truth, told
html = open("c.html").read()
told = re.findall(r"<td class=n>([\d.]+)</td><td class=n>([\d.]+)</td><td>(.*?)</td>", html)
assert [(float(a), float(b), v) for a, b, v in told] == truth, told
for label, share in shares.items():
    if share: assert f"{label}, {share:.0%} of the time" in html
table = open("c.table").read()
told = re.findall(r"^ {6}(\S+) +\d+% +0:0(\d\.\d) to 0:0(\d\.\d)$", table, re.M)
assert [v for v, a, b in told] == [label for a, b, label in truth], table
assert all(abs(float(a) - c) <= 0.051 and abs(float(b) - d) <= 0.051 for (v, a, b), (c, d, w) in zip(told, truth))
assert re.search("whole track read as one, the mean of its frames: " + track["top"], table)
bar = re.search(r"^ {2}#0 +([^ ]+)$", table, re.M)[1]
half = len(bar) // 2
assert len(set(bar)) == 2 and bar[1] * (half - 4) in bar and bar[-2] * (half - 4) in bar, bar
PY

section "a results file gives the same segments"
run predict flicker.mkv "${whole[@]}" -o r.sqlite
exits 0
for table in segments:segments shares:tracks faces:csv; do
  run data export r.sqlite --csv --table ${table%:*} -o exported
  ok
  check "as predict --format ${table#*:}" cmp exported c.${table#*:}
done

section "tables of tracks and segments are about clips"
run predict ${colours[0]}.png "${whole[@]}" --format segments
exits 1
err_is ".*${colours[0]}.png: is a picture \(expected a clip for --format segments\)"

section "drawn clips show the steady answer"
if [ -n "$(fc-list 2>/dev/null | head -1)" ]; then
  run predict flicker.mkv "${whole[@]}" --annotate drawn.mp4
  ok
  run predict flicker.mkv "${whole[@]}" --annotate raw.mp4 --smooth 0
  ok
  # Changes of colour along the time line of the last frame.
  check "the drawn time line has the two segments" python3 - <<'PY'
import subprocess
def changes(name):
    size = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height",
                           "-of", "csv=p=0"] + [name], capture_output=True, check=True, text=True).stdout
    width, height = (int(v) for v in size.strip().strip(",").split(","))
    raw = subprocess.run(["ffmpeg", "-v", "error", "-sseof", "-0.06", "-i", name, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         capture_output=True, check=True).stdout[-width * height * 3:]
    best = None  # of the rows that are colours from end to end, without letters, the calmest
    for y in range(height * 3 // 4, height):
        row = [raw[(y * width + x) * 3:(y * width + x) * 3 + 3] for x in range(width // 8, width - 4)]
        jumps = [sum(abs(a - b) for a, b in zip(p, q)) > 60 for p, q in zip(row, row[4:])]
        runs = sum(1 for a, b in zip([False] + jumps, jumps) if b and not a)
        if sum(max(p) - min(p) > 60 for p in row) > 0.6 * len(row):
            best = runs if best is None else min(best, runs)
    return best
steady, raw = changes("drawn.mp4"), changes("raw.mp4")
assert steady <= 3 and raw >= 8, (steady, raw)
PY
fi

section "a live stream is answered at once, from the past only"
movie -i flicker.mkv -c:v mpeg2video -q:v 2 -f mpegts live.ts
run_from live.ts predict - "${whole[@]}" --json
ok
rows 'len(of("track")[0]["segments"]) == 2' \
  '2.8 < of("track")[0]["segments"][1]["from"] - of("track")[0]["segments"][0]["from"] < 3.6' 'all("steady" in f["faces"][0] for f in of("frame"))'

section "a terminal shows the last answer of every track while a clip is read"
check "updated line" python3 - "$mien" "$first" "$second" <<'PY'
import os, pty, re, subprocess, sys, time
master, slave = pty.openpty()
feed = subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-i", "live.ts", "-t", "2.5", "-c", "copy", "-f", "mpegts", "-"],
                        stdout=subprocess.PIPE)
run = subprocess.Popen([sys.argv[1], "predict", "-", "-b", "tiny", "--face", "whole", "--unknown", "off"],
                       stdin=feed.stdout, stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
seen = b""
while True:
    try:
        block = os.read(master, 4096)
    except OSError:
        break
    if not block: break
    seen += block
assert run.wait() == 0
lines = [l for l in seen.decode().replace("\x1b[K", "").split("\r") if "#0" in l]
assert len(lines) >= 2, seen
assert all(re.match(r"0:0\d\.\d  #0 (%s|%s) \d+%%" % tuple(sys.argv[2:4]), l) for l in lines), lines
PY

section "changes against a baseline, in every output"
base=(--baseline 0-2s)
run predict flicker.mkv "${whole[@]}" "${base[@]}" -o b.jsonl
ok
rows_of b.jsonl 'of("track")[0]["baseline"]["seconds"] == 2' 'all(len(f["faces"][0]["change"]) > 1 for f in of("frame"))' \
  'of("track")[0]["segments"][1]["change"] > 0' 'of("track")[0]["segments"][1]["risen_by"] > 0'
for format in csv tracks segments vtt eaf table; do
  run predict flicker.mkv "${whole[@]}" "${base[@]}" --format $format -o b.$format
  ok
done
check "EAF" python3 "$here/check_eaf.py" b.eaf
run predict flicker.mkv "${whole[@]}" "${base[@]}" --report b.html
ok
check "changes agree" python3 - <<'PY'
import csv, json, re
lines = [json.loads(line) for line in open("b.jsonl")]
track = [line for line in lines if line["kind"] == "track"][0]
frames = [line for line in lines if line["kind"] == "frame"]
def values(frame, key): return {l["label"]: l[key if key != "labels" else "probability"] for l in frame["faces"][0]["change" if key == "change" else "labels"]}
early = [values(f, "labels") for f in frames if f["time"] < 2]
base = {l: sum(e[l] for e in early) / len(early) for l in early[0]}
for one in track["baseline"]["labels"]: assert abs(one["baseline"] - base[one["label"]]) < 2e-4
for f in frames:
    now, change = values(f, "labels"), values(f, "change")
    assert all(abs(now[l] - base[l] - change[l]) < 3e-4 for l in now)
for row, f in zip(csv.DictReader(open("b.csv")), frames):
    assert {k[2:]: float(v) for k, v in row.items() if k.startswith("d_")} == values(f, "change")
changes = [s["change"] for s in track["segments"]]
assert [float(r["change"]) for r in csv.DictReader(open("b.segments"))] == changes
(row,) = csv.DictReader(open("b.tracks"))
assert {k[7:]: float(v) for k, v in row.items() if k.startswith("change_")} == {
    l["label"]: l["change"] for l in track["baseline"]["labels"]}
for s in track["segments"]:
    near = [f"{round(100 * s['change']) + d:+d}".replace("+0", "0").replace("-0", "0") for d in (-1, 0, 1)]
    assert any(f"{s['label']} ({p})" in open("b.vtt").read() for p in near), near
    assert any(re.search(rf"{s['label']} +\d+% +{re.escape(p)} ", open("b.table").read()) for p in near)
    assert any(f"<td class=n>{p}</td>" in open("b.html").read() for p in near)
    assert any(f"<ANNOTATION_VALUE>{p}<" in open("b.eaf").read() for p in near)
PY
run predict flicker.mkv "${whole[@]}" --baseline median --json
ok
rows 'all(len(f["faces"][0]["change"]) > 1 for f in of("frame"))' 'of("track")[0]["baseline"]["seconds"] == 6'
run predict flicker.mkv "${whole[@]}" --baseline 90-99s --json
ok
rows 'of("track")[0]["baseline"] == {"seconds": 0, "labels": []}' 'all("change" not in f["faces"][0] for f in of("frame"))'
run predict flicker.mkv "${whole[@]}" --baseline 5-2 --json
exits 2
err_is "--baseline: '5-2' is not an interval \(expected FROM-TO in seconds such as 0-10s, or median\)"
run predict flicker.mkv "${whole[@]}" --baseline median --annotate x.mp4
exits 2
err_is "--baseline median: cannot be combined with --annotate, .*"

no_leftovers
finish
