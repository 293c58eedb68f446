#!/usr/bin/env bash
# A real face, found by the detector: needs the picture that `make demo` fetches.
source "$(dirname "$0")/lib.sh"
face=$root/build/demo/astronaut.png
if [ ! -s "$face" ]; then
  echo "skipped: build/demo/astronaut.png is missing (make demo fetches it)"
  exit 77
fi
tiny_bundle tiny

section "picture"
run detect "$face" --json
ok
rows 'len(rows[0]["faces"]) == 1' 'rows[0]["faces"][0]["source"] == "detected"' \
  'len(rows[0]["faces"][0]["landmarks"]) == 5' 'rows[0]["faces"][0]["score"] > 0' \
  '(lambda b: 150 < b[0] + b[2] / 2 < 290 and 60 < b[1] + b[3] / 2 < 180)(rows[0]["faces"][0]["box"])'
run predict "$face" -b tiny --json --annotate drawn.png
ok
rows 'len(rows[0]["faces"][0]["labels"]) == 7'
check "drawn" test -s drawn.png

section "a large JPEG is decoded at a half, coordinates are those of the file"
movie -i "$face" -vf scale=5200:5200 -q:v 3 large.jpg
run predict large.jpg -b compact --json --min-score 0.2
ok
rows 'rows[0]["width"] == rows[0]["height"] == 5200' 'len(rows[0]["faces"]) == 1' \
  '(lambda b: 1500 < b[0] + b[2] / 2 < 3000 and 600 < b[1] + b[3] / 2 < 1900)(rows[0]["faces"][0]["box"])' \
  'all(1500 < x < 3000 for x, y in rows[0]["faces"][0]["landmarks"])'
cp "$tmp/.out" half.json
# Drawn, the whole is decoded: the same face, nearly the same scores.
run predict large.jpg -b compact --json --min-score 0.2 --annotate large-drawn.png
ok
check "as from the whole" python3 - half.json "$tmp/.out" <<'PY'
import json, sys
half, whole = (json.loads(open(name).readline())["faces"][0] for name in sys.argv[1:])
assert all(abs(a - b) < 60 for a, b in zip(half["box"], whole["box"])), (half["box"], whole["box"])
scores = [{l["label"]: l["probability"] for l in face["labels"]} for face in (half, whole)]
assert all(abs(scores[0][k] - scores[1][k]) < 0.05 for k in scores[0]), scores
PY

section "tight crop"
movie -i "$face" -vf crop=120:120:165:60 crop.png
run predict crop.png -b tiny --json
ok
rows 'len(rows[0]["faces"]) == 1'
run predict crop.png -b tiny --json --face whole
ok
rows 'rows[0]["faces"][0]["source"] == "whole"'

section "clip of one track, with a rotation flag"
movie -loop 1 -i "$face" -t 1 -r 10 -vf "crop=300:300:x='70+20*t':y=0" -c:v mpeg4 -q:v 3 still.mp4
run predict still.mp4 -b tiny --json --annotate drawn.mp4
ok
rows 'len(of("track")) == 1' 'of("track")[0]["frames"] == 10' \
  'all(f["source"] == "detected" for r in of("frame") for f in r["faces"])'
check "drawn" ffmpeg -nostdin -v error -xerror -i drawn.mp4 -f null -

section "a picture without a face"
movie -f lavfi -i testsrc=s=320x240 -frames:v 1 none.png
run detect none.png --json
ok
rows 'rows[0]["faces"] == []'

section "its shape in words"
cp "$face" face.png
printf 'path,label\nface.png,happy\nnone.png,neutral\n' >shape.csv
run data caption shape.csv -o captioned.csv --landmarks
ok
out_has 'captioned.csv: 1 captions made, 0 kept, 1 rows without'
out_has 'no face found in 1 pictures'
# She smiles with open lips.
check "smile" grep -qE '^face.png.*(smile|corners of the mouth pulled|curve)' captioned.csv
run data caption captioned.csv -o again.csv --landmarks
ok
check "measured once" cmp captioned.csv again.csv
finish
