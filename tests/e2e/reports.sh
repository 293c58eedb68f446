#!/usr/bin/env bash
# predict for analysts: pages, subtitles, ELAN documents, OpenFace's columns.
source "$(dirname "$0")/lib.sh"
source "$here/damage_eaf.sh"
tiny_bundle tiny
media png a.png 96 80
clip c.mp4 1.5 10
whole=(-b tiny --face whole)
# Two faces, the second from 0.5 to 1.0 s only.
printf 'path,frame,x,y,w,h\n' >boxes.csv
for i in $(seq 0 14); do
  printf 'c.mp4,%s,10,10,50,50\n' "$i" >>boxes.csv
  [ "$i" -ge 5 ] && [ "$i" -lt 10 ] && printf 'c.mp4,%s,90,60,50,50\n' "$i" >>boxes.csv
done
two=(-b tiny --boxes boxes.csv)
eaf() { check "EAF of $1" python3 "$here/check_eaf.py" "$@"; }

section "the format follows the ending, a flag wins"
run predict c.mp4 "${whole[@]}" -o c.jsonl
ok
rows_of c.jsonl 'len(of("frame")) == 15'
run predict c.mp4 "${whole[@]}" -o c.csv
ok
check "CSV" grep -q '^input,frame,face_id' c.csv
run predict c.mp4 "${whole[@]}" --json -o c.txt
ok
rows_of c.txt 'len(of("frame")) == 15'
run predict c.mp4 "${whole[@]}" --format json
ok
rows 'len(of("frame")) == 15'
run predict c.mp4 "${whole[@]}" --format yaml
exits 2
err_is "--format: unsupported format 'yaml' \(expected table, .*\)"
run predict c.mp4 "${whole[@]}" --format srt --json
exits 2
err_is '--json and --format srt: cannot be combined .*'
run detect a.png --face whole --format srt
exits 2
err_is "--format: unsupported format 'srt' .*"

section "subtitles"
run predict c.mp4 "${two[@]}" -o c.srt --smooth 0
ok
out_is_empty
check "SRT" python3 - c.srt <<'PY'
import re, sys
cues = open(sys.argv[1]).read().strip().split("\n\n")
end = 0
for number, cue in enumerate(cues, 1):
    first, times, *lines = cue.split("\n")
    assert first == str(number)
    t = [int(v) for v in re.fullmatch(r"(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})", times).groups()]
    a, b = (((t[i] * 60 + t[i + 1]) * 60 + t[i + 2]) * 1000 + t[i + 3] for i in (0, 4))
    assert end <= a < b <= 1500
    end = b
    faces = [re.fullmatch(r"face (\d): \w+", line).group(1) for line in lines]
    assert faces == (["0", "1"] if 500 <= a < 1000 else ["0"]), (a, faces)
assert end == 1500
PY
run predict c.mp4 "${two[@]}" --format vtt
ok
out_has '^WEBVTT$'
out_has 'not what a person feels'
out_has '^00:00:00\.000 --> 00:00:'
run predict a.png "${whole[@]}" --format srt
exits 1
err_is 'a\.png: is a picture \(expected a clip for --format srt\)'
run predict c.mp4 "${whole[@]}" -o none/c.srt
exits 2
err_is 'none/c\.srt: .*'

section "several clips go to a folder"
cp c.mp4 d.mp4
mkdir -p more && cp c.mp4 more/c.mp4
run predict c.mp4 d.mp4 more/c.mp4 "${whole[@]}" --format srt -o subs
ok
check "a file each" test "$(find subs -name '*.srt' | sort | tr '\n' ' ')" = "subs/c.srt subs/d.srt subs/more/c.srt "
run predict c.mp4 d.mp4 "${whole[@]}" -o one.srt
exits 2
err_is '-o one\.srt: several inputs need a folder \(expected .*'
run predict c.mp4 a.png "${whole[@]}" --format eaf -o elan
exits 1
err_is 'a\.png: is a picture .*'
check "the clip is done" test -s elan/c.eaf

section "ELAN"
run predict c.mp4 "${two[@]}" -o c.eaf --smooth 0
ok
eaf c.eaf 'list(tiers) == ["face 0", "face 1"]' 'tiers["face 0"][0][0] == 0' 'tiers["face 0"][-1][1] == 1500' \
  '(tiers["face 1"][0][0], tiers["face 1"][-1][1]) == (500, 1000)' 'media["RELATIVE_MEDIA_URL"] == "./c.mp4"' \
  'media["MIME_TYPE"] == "video/mp4"' 'media["MEDIA_URL"].startswith("file:///")'
damage_eaf c.eaf
eaf elan/c.eaf 'list(tiers) == ["face 0"]' 'media["RELATIVE_MEDIA_URL"] == "../c.mp4"'
mkdir 'odd & "dir"'
cp c.mp4 'odd & "dir"/ä <x>.mp4'
run predict 'odd & "dir"/ä <x>.mp4' "${whole[@]}" --labels '"a & b <c>",sad' --unknown off -o 'odd & "dir"/x.eaf'
ok
eaf 'odd & "dir"/x.eaf' '"%20" in media["RELATIVE_MEDIA_URL"] and "<" not in media["MEDIA_URL"]'
run predict c.mp4 "${whole[@]}" --unknown 1 --format eaf
ok
cp .out unknown.eaf
eaf unknown.eaf '[v for _, _, v in tiers["face 0"]] == ["unknown"]' 'media["MIME_TYPE"] == "video/mp4"'

section "OpenFace's columns"
run predict c.mp4 a.png "${two[@]}" --format openface
exits 1
err_is 'a\.png: .*'
run predict c.mp4 "${two[@]}" --format openface --every 5
ok
check "rows" python3 - <<'PY'
import csv
rows = list(csv.DictReader(open(".out")))
assert list(rows[0])[:5] == ["frame", "face_id", "timestamp", "confidence", "success"]
assert [r["frame"] for r in rows] == ["1", "6", "6", "11"], rows
assert [r["face_id"] for r in rows] == ["0", "0", "1", "0"]
for r in rows:
    shares = [float(v) for k, v in r.items() if k.endswith("_p")]
    assert abs(sum(shares) - 1) < 1e-3 and len(shares) == 7
    assert sum(v == "1" for k, v in r.items() if k.endswith("_c")) <= 1
    assert r["success"] == "1" and 0 <= float(r["confidence"]) <= 1
PY
run detect c.mp4 --boxes boxes.csv --format openface
ok
out_has '^frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,unknown,input$'

section "page"
run predict c.mp4 a.png broken.png "${whole[@]}" --report r.html -o t.txt
exits 1
err_is 'broken\.png: .*'
page=r.html
check "one page" grep -q '</html>' $page
check "notice" grep -q 'not what a person feels' $page
check "command" grep -q 'mien predict c.mp4 a.png' $page
check "failures" grep -q 'Failed' $page
check "no pictures" bash -c "! grep -qE '<img|<script|https?:' $page"
run predict c.mp4 a.png "${whole[@]}" --report w.html --with-images -o t.txt
ok
check "pictures" bash -c "test \$(grep -o 'src=\"data:image/jpeg;base64,' w.html | wc -l) -ge 2"
run predict c.mp4 "${two[@]}" --report two.html --format srt
ok
out_has 'face 1: '
check "both faces" bash -c "grep -q '<h3>face 0' two.html && grep -q '<h3>face 1' two.html"
run predict a.png "${whole[@]}" --with-images
exits 2
err_is '--with-images: no page to add them to .*'
run predict a.png "${whole[@]}" --report no/such/r.html
exits 2
err_is 'no/such/r\.html: .*'
no_leftovers
finish
