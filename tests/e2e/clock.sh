#!/usr/bin/env bash
# --clock: times of a clip as dates and times, in every output.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
whole=(-b tiny --face whole --labels happy,sad)
movie -f lavfi -i testsrc=d=1.2:s=64x48:r=5 -c:v mpeg4 -q:v 4 clip.mp4
media png one.png 32 24
night=2026-02-28T23:59:59.5+01:00

section "JSON: frames, tracks, segments, summary; the day changes"
run predict clip.mp4 "${whole[@]}" --json --clock $night --report page.html --annotate drawn.mp4
ok
rows '[r["clock"][8:] for r in of("frame")] == ["28T23:59:59.500000+01:00", "28T23:59:59.700000+01:00",
       "28T23:59:59.900000+01:00"] + ["01T00:00:00.%d00000+01:00" % d for d in (1, 3, 5)]' \
  'of("frame")[3]["clock"].startswith("2026-03-01T") and of("frame")[3]["time"] == 0.6' \
  'of("track")[0]["from_clock"] == "2026-02-28T23:59:59.500000+01:00"' \
  'of("track")[0]["to_clock"] == "2026-03-01T00:00:00.500000+01:00"' \
  'of("track")[0]["segments"][-1]["to_clock"] == "2026-03-01T00:00:00.700000+01:00"' \
  'rows[-1]["clock"] == "2026-02-28T23:59:59.500000+01:00"'
check "the page has the time of day" grep -q '0:00\.0 to 0:01\.2 (23:59:59\.5 to 2026-03-01 00:00:00\.7)' page.html
check "the page says what 0 is" grep -q '0:00\.0 is 2026-02-28 23:59:59\.5 +01:00' page.html
check "the clip is drawn" test -s drawn.mp4

section "no clock, no keys"
run predict clip.mp4 "${whole[@]}" --json
ok
rows 'not any("clock" in key for r in rows for key in r)'

section "CSV, tracks, segments, OpenFace"
run predict clip.mp4 one.png "${whole[@]}" --csv --clock 2028-02-28T23:59:59.4
ok
check "column" test "$(sed -n 1p .out | tr , '\n' | tail -1)" = clock
check "first frame" test "$(sed -n 2p .out | tr , '\n' | tail -1)" = 2028-02-28T23:59:59.400000
check "a leap day" test "$(sed -n 5p .out | tr , '\n' | tail -1)" = 2028-02-29T00:00:00.000000
check "a picture has none" test -z "$(sed -n 8p .out | tr , '\n' | tail -1)"
for format in tracks segments; do
  run predict clip.mp4 "${whole[@]}" --format $format --clock '2026-03-01 14:05Z'
  ok
  out_has '^input,.*,from_clock,to_clock$'
  out_has '^clip\.mp4,.*,2026-03-01T14:05:00\.000000\+00:00,2026-03-01T14:05:01\.[02]00000\+00:00$'
done
run predict clip.mp4 "${whole[@]}" --format openface --clock $night
ok
check "its columns are fixed" bash -c '! grep -q 2026 .out'

section "table, subtitles, ELAN"
run predict clip.mp4 "${whole[@]}" --clock $night
ok
out_has '^  0:00\.0 is 2026-02-28 23:59:59\.5 \+01:00$'
out_has 'timeline, 0:00\.0 to 0:01\.2 \(23:59:59\.5 to 2026-03-01 00:00:00\.7\)'
run predict clip.mp4 "${whole[@]}" --format srt --clock $night
ok
out_has '^00:00:00,000 --> '
run predict clip.mp4 "${whole[@]}" --format eaf --clock $night
ok
out_has '<PROPERTY NAME="clock">2026-02-28T23:59:59\.500000\+01:00</PROPERTY>'
out_has 'TIME_VALUE="0"'

section "detect and embed, a part of a clip"
run detect clip.mp4 --face whole --json --from 0.4 --clock 2026-03-01T14:05:00
ok
rows 'of("frame")[0]["clock"] == "2026-03-01T14:05:00.400000"' \
  'of("track")[0]["to_clock"] == "2026-03-01T14:05:01.000000"'
run embed clip.mp4 -b tiny --face whole --clock 2026-03-01T14:05:00
ok
check "embed" test "$(grep -c '"clock":"2026-03-01T14:05:0[01]\.[02468]00000"' .out)" = 6

section "results file and its export"
run predict clip.mp4 one.png "${whole[@]}" -o r.sqlite --clock 2026-03-01T14:05:00Z
ok
check "kept" test "$(sqlite3 r.sqlite 'SELECT group_concat(ifnull(clock, "-")) FROM files')" = \
  2026-03-01T14:05:00.000000+00:00,-
run data export r.sqlite --csv
out_has ',0,2026-03-01T14:05:00\.200000\+00:00$'
run data export r.sqlite --csv --table segments
out_has ',2026-03-01T14:05:00\.000000\+00:00,2026-03-01T14:05:01\.[02]00000\+00:00$'

section "now is for live inputs"
before=$(date +%s)
ffmpeg -nostdin -v error -i clip.mp4 -c:v mpeg2video -f mpegts - | TZ=UTC "$mien" predict - "${whole[@]}" --json --clock now >.out 2>.err
code=$?
last_command='predict - --clock now'
ok
begun=$(python3 -c 'import datetime, json
rows = [json.loads(line) for line in open(".out")]
print(int(datetime.datetime.fromisoformat(rows[-1]["clock"]).timestamp()))')
check "about now" test "$begun" -ge "$before" -a "$begun" -le "$(date +%s)"
out_has '"clock":"[-0-9]+T[:.0-9]+\+00:00"'
last_command='predict - --clock now in another zone'
TZ=Asia/Kathmandu "$mien" predict - "${whole[@]}" --json --clock now <clip.mp4 >.out 2>.err
code=$?
ok
out_has '"clock":"[-0-9]+T[:.0-9]+\+05:45"'
run predict clip.mp4 "${whole[@]}" --clock now
exits 2
err_is '--clock now: clip\.mp4 is a file \(expected a live input, or the time at which it was recorded\)'

section "what is no date and time is refused with the form"
for bad in '' x 14:05:00 2026-03-01 2026-02-29T00:00 2026-03-01T24:00 2026-03-01T14:05:00+25:00 01.03.2026; do
  run predict clip.mp4 "${whole[@]}" --clock "$bad"
  exits 2
  out_is_empty
done
err_is "predict: --clock: '01\.03\.2026' is not a date and time \(expected 2026-03-01T14:05:00, with \.250 for parts of a second and Z or \+01:00 .*; or now for a live input\) .*"
no_leftovers
finish
