#!/usr/bin/env bash
# Clips and pictures of odd devices: times of a player's clock in every output, clips that are cut
# short, interlaced and animated ones, rarer picture formats, parts of a clip.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
whole=(-b tiny --face whole)
# Twenty frames a clip: every run decodes all of them.
movie -f lavfi -i testsrc=d=1:s=96x64:r=20 -f lavfi -i sine=d=1 \
  -map 0:v -map 1:a -c:v mpeg4 -q:v 4 -g 8 -c:a mp2 -movflags +faststart plain.mp4 \
  -map 0:v -c:v mpeg4 -q:v 4 -bf 2 -g 4 bframes.avi \
  -map 0:v -map 1:a -c:v mpeg4 -q:v 4 -c:a mp2 -output_ts_offset 3600 late.mkv \
  -map 0:v -map 1:a -c:v mpeg2video -q:v 4 -c:a mp2 one.ts \
  -map 0:v -c:v mpeg4 -q:v 4 -vf 'setpts=PTS+gte(N\,8)*10/TB' -enc_time_base 1:1000 -fps_mode vfr gap.mkv \
  -map 0:v -c:v apng -frames:v 12 -plays 0 -f apng anim.png
movie -itsoffset 0.5 -i plain.mp4 -i plain.mp4 -map 0:v -map 1:a -c copy offset.mp4

section "sound before the pictures: JSON, page, annotated clip"
run predict offset.mp4 "${whole[@]}" --json --report page.html --annotate drawn.mp4
ok
rows 'of("frame")[0]["time"] == 0.5' 'abs(of("frame")[-1]["time"] - 1.45) < 1e-6' \
  'of("track")[0]["from"] == 0.5' 'abs(of("track")[0]["to"] - 1.45) < 1e-6' \
  'rows[-1]["start"] == 0.5 and rows[-1]["offset"] == 0 and rows[-1]["seconds"] == 1' \
  'rows[-1]["cut_short"] is False and "expected_frames" not in rows[-1]'
check "the page starts there" grep -q '0:00\.5' page.html
probe_start() {
  ffprobe -v error -select_streams "$2" -show_entries frame=pts_time -of csv=p=0 "$1" | sed -n '1s/,.*//p'
}
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a - b < 0.03 && b - a < 0.03) }'; }
check "pictures at 0.5 s" near "$(probe_start drawn.mp4 v:0)" 0.5
check "sound at 0 s" near "$(probe_start drawn.mp4 a:0)" 0

section "sound before the pictures: CSV, OpenFace"
run predict offset.mp4 "${whole[@]}" --csv
ok
check "first time" test "$(sed -n 2p .out | cut -d, -f4)" = 0.500000
run predict offset.mp4 "${whole[@]}" --format openface
ok
check "first time" test "$(sed -n 2p .out | cut -d, -f3)" = 0.500

section "sound before the pictures: subtitles, ELAN, table"
run predict offset.mp4 "${whole[@]}" --format srt
ok
out_has '^00:00:00,500 --> '
run predict offset.mp4 "${whole[@]}" --format vtt
ok
out_has '^00:00:00.500 --> '
run predict offset.mp4 "${whole[@]}" --format eaf
ok
out_has 'TIME_VALUE="500"'
check "no earlier slot" bash -c '! grep -qE "TIME_VALUE=\"([0-9]{1,2}|[1-4][0-9]{2})\"" .out'
run predict offset.mp4 "${whole[@]}"
ok
out_has '0:00\.5 to 0:01\.5'

section "a clip that starts after an hour lasts as long as it lasts"
run predict late.mkv "${whole[@]}" --json
ok
rows 'abs(rows[-1]["seconds"] - 1) < 0.002' 'abs(rows[-1]["offset"] - 3600) < 0.03' \
  'of("frame")[0]["time"] < 0.03' 'of("frame")[-1]["time"] < 1'
run predict late.mkv "${whole[@]}"
ok
out_has 'late\.mkv +0:01\.0, 20 frames'
out_has 'timeline, 0:00\.0 to 0:01\.0'

section "joined transport streams go on"
cat one.ts one.ts >two.ts
run predict two.ts "${whole[@]}" --json
ok
rows '39 <= len(of("frame")) <= 40' 'abs(rows[-1]["seconds"] - 2) < 0.01' \
  'abs(of("frame")[-1]["time"] - rows[-1]["start"] - 1.95) < 1e-3'

section "AVI with B frames: frame n at n / fps"
run predict bframes.avi "${whole[@]}" --json
ok
rows 'len(of("frame")) == 20' 'all(abs(r["time"] - r["frame"] / 20) < 1e-5 for r in of("frame"))'

section "nothing is made up for a gap"
run predict gap.mkv "${whole[@]}" --json
ok
rows 'len(of("frame")) == 20' 'abs(of("frame")[8]["time"] - of("frame")[7]["time"] - 10.05) < 2e-3' \
  'abs(rows[-1]["seconds"] - 11) < 0.01'

section "cut short: MP4, in the table and JSON"
head -c "$(($(wc -c <plain.mp4) * 6 / 10))" plain.mp4 >cut.mp4
run predict cut.mp4 "${whole[@]}" --json
exits 1
err_is 'cut\.mp4: cut short: [0-9]+ of about 20 frames'
rows 'rows[-1]["cut_short"] and rows[-1]["expected_frames"] == 20' \
  '5 < rows[-1]["frames"] < 18 and len(of("frame")) == rows[-1]["frames"]' \
  'len(of("track")) == 1 and not of("error")'
run predict cut.mp4 "${whole[@]}"
exits 1
out_has 'cut short: [0-9]+ of about 20 frames'
run detect cut.mp4 --face whole --json
exits 1
rows 'rows[-1]["cut_short"]'
run predict cut.mp4 "${whole[@]}" --csv
exits 1
check "CSV: the last row says so, and no other" python3 -c '
import csv
cells = [row["cut_short"] for row in csv.DictReader(open(".out"))]
assert cells[-1] == "1" and set(cells[:-1]) == {"0"} and len(cells) > 5, cells'
for format in tracks segments; do
  run predict cut.mp4 "${whole[@]}" --format $format
  exits 1
  out_has ',cut_short,expected_frames$'
  out_has '^cut\.mp4,.*,1,20$'
done
last_command='predict - (a cut MP4)'
cat cut.mp4 | "$mien" predict - "${whole[@]}" --json >.out 2>.err
code=$?
exits 1
err_is '-: cut short: [0-9]+ of about 20 frames'

section "cut short: other containers"
for name in late.mkv bframes.avi; do
  head -c "$(($(wc -c <$name) * 6 / 10))" $name >cut_$name
  run predict cut_$name "${whole[@]}" --json
  exits 1
  err_is "cut_$name: cut short: [0-9]+ of about (19|2[01]) frames"
done

section "cut short: results in SQLite"
run predict cut.mp4 plain.mp4 "${whole[@]}" -o results.sqlite
exits 1
out_has '2 read, 0 failed, 1 cut short'
check "what was read is kept" test "$(sqlite3 results.sqlite \
  "SELECT group_concat(state || ' ' || code || ' ' || (frames > 5), ',') FROM files WHERE code IS NOT NULL")" = 'done corrupt 1'
run predict cut.mp4 plain.mp4 "${whole[@]}" -o results.sqlite
exits 1
out_has '0 read, 0 failed, 2 done earlier, 1 cut short'
check "as columns" test "$(sqlite3 results.sqlite \
  'SELECT group_concat(cut_short || ifnull(" of " || expected_frames, ""), ",") FROM files')" = '1 of 20,0'
run data export results.sqlite --csv --table files
out_has '^cut\.mp4,done,.*,1,20,$'
out_has '^plain\.mp4,done,.*,0,,$'
run data export results.sqlite --csv
check "one frame is marked" test "$(grep -c '^cut\.mp4,.*,1$' .out)" = 1
run data export results.sqlite --csv --table failures
out_has 'cut\.mp4,corrupt,.*cut short'

section "an animated PNG is a clip"
run predict anim.png "${whole[@]}" --json
ok
rows 'len(of("frame")) == 12 and rows[-1]["media"] == "clip"' \
  'abs(of("frame")[-1]["time"] - 11 / 20) < 1e-3'
run_from anim.png predict - "${whole[@]}" --json
ok
rows 'len(of("frame")) == 12'

section "frames of a folder in natural order, without hidden files"
mkdir frames
for i in 1 2 10 9 21; do media png frames/f_$i.png $((20 + i)) 24; done
printf 'resource fork' >frames/._f_1.png
run predict frames --frames "${whole[@]}" --json
ok
rows '[r["width"] - 20 for r in of("frame")] == [1, 2, 9, 10, 21]' 'rows[-1]["corrupt_frames"] == 0'

section "rarer picture formats are read"
movie -f lavfi -i testsrc=s=96x64 -frames:v 1 a.tif
movie -f lavfi -i testsrc=s=96x64 -frames:v 1 -c:v jpeg2000 a.jp2
for name in a.tif a.jp2; do
  run predict $name "${whole[@]}" --json
  ok
  rows '(rows[0]["kind"], rows[0]["width"], rows[0]["height"]) == ("image", 96, 64)'
done

section "what is not read is named"
printf '\377\012 not really' >a.jxl
printf '8BPS\000\001' >a.psd
for name in a.jxl a.psd; do
  run predict $name "${whole[@]}"
  exits 1
  err_is "$name: is a (JPEG XL picture|Photoshop document), which is not supported \(expected .*; convert it\)"
done

section "--from and --to"
run predict plain.mp4 "${whole[@]}" --json --from 0.27 --to 0:00.5
ok
rows '[r["frame"] for r in of("frame")] == [6, 7, 8, 9]' 'of("frame")[0]["time"] == 0.3' \
  'rows[-1]["start"] == 0.3 and abs(rows[-1]["seconds"] - 0.2) < 1e-6 and rows[-1]["frames"] == 4'
run predict cut.mp4 "${whole[@]}" --json --to 0.2
ok
run predict plain.mp4 "${whole[@]}" --annotate part.mp4 --from 500ms
ok
check "the drawn part starts at 0" near "$(probe_start part.mp4 v:0)" 0
run predict plain.mp4 "${whole[@]}" --from 1:00:00
exits 1
err_is 'plain\.mp4: has no frames in the requested time \(expected a start of at most 0\.950 s, got 3600\.000 s\)'
for bad in 1:99 -1 x 1:2:3:4 ''; do
  run predict plain.mp4 "${whole[@]}" --from "$bad"
  exits 2
done
run predict plain.mp4 "${whole[@]}" --from 2 --to 1
exits 2
err_has 'is not after --from'

section "frames between are not converted, but counted"
run predict plain.mp4 "${whole[@]}" --json --max-fps 5
ok
rows '[r["frame"] for r in of("frame")] == list(range(0, 20, 4))' 'rows[-1]["frames"] == 20'
finish
