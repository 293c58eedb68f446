#!/usr/bin/env bash
# predict: every kind of input and every kind of output.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 96 80
media png b.png 64 64
clip c.mp4 1.5 10
whole=(-b tiny --face whole)

section "table of a picture"
run predict a.png "${whole[@]}"
ok
out_has 'a\.png +96x80, 1 face'
out_has ' [0-9]+%'
check "no escape sequences in a pipe" bash -c '! grep -q $'"'\\x1b'"' .out'

section "JSON of a picture"
run predict a.png "${whole[@]}" --json
ok
rows 'len(rows) == 1' 'rows[0]["input"] == "a.png"' 'rows[0]["kind"] == "image"' \
  '(rows[0]["width"], rows[0]["height"]) == (96, 80)' 'len(rows[0]["faces"]) == 1' \
  'rows[0]["faces"][0]["box"] == [0, 0, 96, 80]' 'rows[0]["faces"][0]["source"] == "whole"' \
  'rows[0]["faces"][0]["track"] is None' 'len(rows[0]["faces"][0]["labels"]) == 7' \
  'rows[0]["faces"][0]["top"] == rows[0]["faces"][0]["labels"][0]["label"]'
cp .out first.json

section "the same again is the same"
run predict a.png "${whole[@]}" --json
check "same bytes" cmp .out first.json

section "CSV of a picture"
run predict a.png b.png "${whole[@]}" --csv
ok
check "header and a row each" test "$(wc -l <.out)" -eq 3
out_has '^input,frame,face_id,timestamp,confidence,success,source,x,y,w,h,top,unknown,p_angry,.*,c_surprise,steady,cut_short$'
check "as many cells as columns" awk -F, 'NR == 1 {n = NF} NF != n {exit 1}' .out
run predict a.png "${whole[@]}" --csv --json
exits 2
err_is '--json and --csv: '
out_is_empty

section "clip"
run predict c.mp4 "${whole[@]}" --json
ok
rows 'len(of("frame")) == 15' 'len(of("track")) == 1' 'len(of("summary")) == 1' \
  'rows[-1]["kind"] == "summary" and rows[-2]["kind"] == "track"' \
  '[r["frame"] for r in of("frame")] == list(range(15))' \
  'all(abs(r["time"] - r["frame"] / 10) < 1e-3 for r in of("frame"))' \
  'all(f["track"] == 0 for r in of("frame") for f in r["faces"])' \
  'of("track")[0]["frames"] == 15 and abs(of("track")[0]["to"] - 1.4) < 1e-3' \
  'rows[-1]["media"] == "clip" and rows[-1]["frames"] == 15 == rows[-1]["analysed_frames"]' \
  'rows[-1]["corrupt_frames"] == 0 and abs(rows[-1]["seconds"] - 1.5) < 0.2'
run predict c.mp4 "${whole[@]}"
ok
out_has 'c\.mp4'
run predict c.mp4 "${whole[@]}" --csv
ok
check "one row per frame" test "$(wc -l <.out)" -eq 16

run predict c.mp4 "${whole[@]}" --json
rows 'of("track")[0]["aggregate"] == "mean"' 'not any("aggregate" in r for r in of("frame"))'

section "a bundle with a temporal model"
"$mien" convert --random-tiny --temporal moving >.out 2>.err || fail "bundle with a temporal model"
run predict c.mp4 -b moving --face whole --json
ok
rows 'of("track")[0]["aggregate"] == "temporal"' 'len(of("frame")) == 15' \
  'not any("aggregate" in r for r in of("frame"))'
cp .out clip.json
run predict c.mp4 -b moving --face whole --json --batch 3
ok
check "the batch changes no track" diff <(grep '"kind":"track"' clip.json) <(grep '"kind":"track"' .out)
run predict c.mp4 -b moving --face whole
ok
out_has 'whole track read as one, by the temporal model'
run predict a.png -b moving --face whole --json
ok
rows 'rows[0]["aggregate"] == "temporal"'
run predict a.png -b moving --face whole
ok
out_has 'read by the temporal model, as a clip that repeats the picture'
# The picture and the same picture as a sample of an evaluation have one answer.
printf 'path,label\na.png,happy\nb.png,sad\n' >one.csv
run eval moving --data one.csv --protocol closed --predictions p.csv
ok
run predict a.png -b moving --face whole --json
cp .out a.json
check "predict and eval agree" python3 - <<'PYTHON'
import csv, json
labels = {r["label"]: r["probability"] for r in json.loads(open("a.json").readline())["faces"][0]["labels"]}
row = next(csv.DictReader(open("p.csv")))
both = labels["happy"] + labels["sad"]
assert abs(float(row["p_happy"]) - labels["happy"] / both) < 1e-3, (row, labels)
PYTHON

section "--every and --max-fps"
run predict c.mp4 "${whole[@]}" --json --every 4
ok
rows '[r["frame"] for r in of("frame")] == [0, 4, 8, 12]' 'rows[-1]["frames"] == 15' \
  'rows[-1]["analysed_frames"] == 4'
run predict c.mp4 "${whole[@]}" --json --max-fps 5
ok
rows '[r["frame"] for r in of("frame")] == list(range(0, 15, 2))'
for wrong in '--every 0' '--every x' '--max-fps -1' '--batch 0' '--top 0'; do
  # shellcheck disable=SC2086
  run predict c.mp4 "${whole[@]}" --json $wrong
  exits 2
  out_is_empty
done

section "batch size changes nothing"
run predict c.mp4 "${whole[@]}" --json --batch 1
grep -v '"summary"' .out >one
run predict c.mp4 "${whole[@]}" --json --batch 7
grep -v '"summary"' .out >seven
check "same answers" python3 - <<'PY'
import json
one, seven = ([json.loads(l) for l in open(f)] for f in ("one", "seven"))
assert len(one) == len(seven)
cosines = lambda r: {s["label"]: s["cosine"] for f in r.get("faces", [r]) for s in f["labels"]}
assert all(abs(cosines(a)[k] - cosines(b)[k]) < 2e-4 for a, b in zip(one, seven) for k in cosines(a))
PY

section "folder, --recursive, pattern, frames"
mkdir -p album/deep
cp a.png album/2.png
cp b.png album/1.PNG
cp a.png album/deep/3.png
echo text >album/note.txt
run predict album "${whole[@]}" --json
exits 0
err_is 'album: skipped 1 file .*: note\.txt; 1 subfolder .*'
rows '[r["input"] for r in rows] == ["album/1.PNG", "album/2.png"]'
run predict album --recursive "${whole[@]}" --json
exits 0
err_is 'album: skipped 1 file .*: note\.txt'
rows '[r["input"] for r in rows] == ["album/1.PNG", "album/2.png", "album/deep/3.png"]'
run predict 'album/*.png' "${whole[@]}" --json
ok
rows '[r["input"] for r in rows] == ["album/2.png"]'
run predict 'album/*.gif' a.png "${whole[@]}" --json
exits 1
err_is 'album/\*\.gif: the pattern matches no file'
rows '[r["kind"] for r in rows] == ["error", "image"]'
cp a.png 'odd [1]*.png'
run predict 'odd [1]*.png' "${whole[@]}" --json
ok
rows 'rows[0]["input"] == "odd [1]*.png"'
mkdir frames
for i in 0 1 2 3; do cp a.png frames/$i.png; done
run predict frames --frames --frame-rate 4 "${whole[@]}" --json
ok
rows '[r["time"] for r in of("frame")] == [0, 0.25, 0.5, 0.75]' 'len(of("track")) == 1'
printf broken >frames/1.png
run predict frames --frames --frame-rate 4 "${whole[@]}" --json
ok
rows '[r["time"] for r in of("frame")] == [0, 0.5, 0.75]' 'rows[-1]["corrupt_frames"] == 1'

section "standard input"
run_from a.png predict - "${whole[@]}" --json
ok
rows 'len(rows) == 1 and rows[0]["input"] == "-" and rows[0]["kind"] == "image"'
last_command='predict - (MPEG-TS)'
ffmpeg -nostdin -v error -i c.mp4 -r 25 -fps_mode cfr -c:v mpeg2video -f mpegts - |
  "$mien" predict - "${whole[@]}" --json >.out 2>.err
code=$?
ok
rows 'len(of("frame")) >= 30' 'of("summary")[0]["input"] == "-"' 'len(of("track")) == 1'
run predict - "${whole[@]}" --json
exits 1
err_is '-: is empty'
rows 'rows[0]["code"] == "corrupt"'
head -c 1000 a.png >cut.png
run_from cut.png predict - "${whole[@]}"
exits 1
err_is '-: '
head -c 5000 /dev/urandom | tr '\211\377\000-\040' x >noise
run_from noise predict - "${whole[@]}"
exits 1
err_is '-: '

section "a broken one among several"
printf 'not a picture' >broken.png
run predict a.png broken.png c.mp4 nothing.png b.png "${whole[@]}" --json --every 15
exits 1
err_is 'broken\.png: ' 'nothing\.png: no such file'
rows '[r["kind"] for r in rows] == ["image", "error", "frame", "track", "summary", "error", "image"]' \
  '[r["input"] for r in of("error")] == ["broken.png", "nothing.png"]' \
  '[r["code"] for r in of("error")] == ["unsupported", "not_found"]' \
  'all(r["message"].startswith(r["input"] + ": ") for r in of("error"))'
run predict a.png broken.png b.png "${whole[@]}" --csv
exits 1
check "CSV keeps the good ones" test "$(wc -l <.out)" -eq 3

section "-o"
run predict a.png c.mp4 "${whole[@]}" --json -o out.jsonl
ok
out_is_empty
rows_of out.jsonl 'len(of("image")) == 1' 'len(of("summary")) == 1'
run predict a.png "${whole[@]}" -o table.txt --color always
ok
check "no colours in a file" bash -c '! grep -q $'"'\\x1b'"' table.txt'
run predict a.png "${whole[@]}" --json -o no/such/folder/out.jsonl
exits 2
err_is 'no/such/folder/out\.jsonl: '
echo old >kept.jsonl
run predict a.png "${whole[@]}" --labels no-such-file.yaml --json -o kept.jsonl
exits 2
check "an old file survives a usage error" grep -q old kept.jsonl
run predict a.png "${whole[@]}" --json -o /dev/stdout
ok
rows 'len(rows) == 1'

section "standard output cannot be written"
last_command='predict >/dev/full'
"$mien" predict a.png b.png "${whole[@]}" --json >/dev/full 2>.err
code=$?
exits 1
err_has 'standard output: cannot be written'
no_leftovers
finish
