#!/usr/bin/env bash
# Faces in clips and who keeps which id: needs the picture that `make demo` fetches.
source "$(dirname "$0")/lib.sh"
face=$root/build/demo/astronaut.png
if [ ! -s "$face" ]; then
  echo "skipped: build/demo/astronaut.png is missing (make demo fetches it)"
  exit 77
fi
# The face in it is about 100 pixels wide, around (222, 122).
movie -i "$face" -vf crop=220:220:112:12 head.png
# on FILE SECONDS RATE FILTER...: clips of a head on a ground, as FILTER says ([0] the ground, [1] the head).
on() {
  local file=$1 seconds=$2 rate=$3 size=$4
  shift 4
  movie -f lavfi -i "color=c=0x6e7680:s=$size:r=$rate:d=$seconds" -loop 1 -framerate "$rate" -t "$seconds" -i head.png \
    -filter_complex "$1" -c:v mpeg4 -q:v 3 "$file"
}
ids='sorted(r["track"] for r in rows if r["kind"] == "track")'
in_frame='lambda i: [f["track"] for r in rows if r["kind"] == "frame" and r["frame"] == i for f in r["faces"]]'

section "item 9: faces of 100 pixels at 1080p"
on hd.mp4 0.24 25 1920x1080 '[1]split[a][b];[0][a]overlay=100:100[c];[c][b]overlay=900:500'
run detect hd.mp4 --json
ok
rows "$ids == [0, 1]" 'rows[-1]["smallest_face"] == 60'
run detect hd.mp4
ok
out_has 'hd.mp4 .* 2 tracks, faces from 60 px'
run detect hd.mp4 --min-face 200 --json
ok
rows "$ids == []" 'rows[-1]["smallest_face"] == 200'
run detect hd.mp4 --min-face 200
out_has 'no face of 200 pixels or more \(--min-face N searches for smaller ones\)'
run detect "$face" --min-face 200 --json
ok
rows 'all(face["source"] == "whole" for face in rows[0]["faces"])'
for wrong in '--min-face 5' '--min-face x' '--min-face 60 --upsample 1'; do
  # shellcheck disable=SC2086
  run detect hd.mp4 $wrong
  exits 2
done

section "item 10: those who stay keep their ids when others come and go"
on toggle.mp4 2.4 25 640x480 "[1]split[a][b];[0][a]overlay=20:20[c];[c]drawbox=x=320:w=320:h=480:c=white:t=fill:enable='gt(mod(t,0.8),0.4)'[d];[d][b]overlay=360:120:enable='gt(mod(t,0.8),0.4)'"
run detect toggle.mp4 --json
ok
rows "$ids == [0, 1]" "all(0 in ($in_frame)(i) for i in range(60))"

section "item 10: one who walks, at 25, 10 and 5 frames per second"
for rate in 25 10 5; do
  on walk.mp4 4 $rate 1280x480 "[0][1]overlay=x='530+500*sin(1.2*t)':y=120"
  run detect walk.mp4 --json
  ok
  rows "$ids == [0]" "rows[-1]['faces'] >= 0.95 * rows[-1]['frames']"
done

section "item 10: --single is one track of the largest face"
movie -i head.png -vf scale=330:330 large.png
on both.mp4 1 25 640x480 '[1]split[a][b];[b]scale=330:330[l];[0][a]overlay=10:10[c];[c][l]overlay=260:100'
run detect both.mp4 --json
ok
rows "$ids == [0, 1]"
run detect both.mp4 --json --single
ok
rows "$ids == [0]" 'all(f["box"][2] > 120 for r in rows if r["kind"] == "frame" for f in r["faces"])' \
  'rows[-1]["faces"] == rows[-1]["frames"]'
run detect "$face" --single --json
ok
rows 'len(rows[0]["faces"]) == 1'

section "item 26: one person stays one through blackouts"
on black.mp4 3 25 640x360 "[0][1]overlay=200:60,drawbox=c=black:t=fill:enable='between(t,0.5,0.7)+between(t,1.2,1.9)+between(t,2.2,2.3)'"
run detect black.mp4 --json
ok
rows "$ids == [0]" 'rows[-1]["faces"] > 40'

section "item 14: boxes are pixels or shares of the picture, and inside"
printf 'path,x,y,w,h\nhead.png,0.25,0.25,0.5,0.5\n' >shares.csv
run detect head.png --boxes shares.csv --json
ok
rows 'rows[0]["faces"][0]["box"] == [55, 55, 110, 110]'
printf 'path,x,y,w,h\nhead.png,20,20,90,90\nhead.png,0.25,0.25,0.5,0.5\n' >mixed.csv
run detect head.png --boxes mixed.csv
exits 3
err_is 'mixed.csv:3: box is 1 pixel or less, and the one in line 2 is larger'
for box in '500,20,90,90' '-60,0,90,90' '0,-1e5,90,90'; do
  printf 'path,x,y,w,h\nhead.png,%s\n' "$box" >outside.csv
  run detect head.png --boxes outside.csv
  exits 1
  err_is '.*outside.csv:2: box: .* outside the picture \(expected x,y,w,h in pixels, x from 0 to 220 and y from 0 to 220\)'
done

section "item 19: --region"
run detect both.mp4 --region 240,0,400,480 --json
ok
rows "$ids == [0]" 'all(f["box"][0] > 240 for r in rows if r["kind"] == "frame" for f in r["faces"])' \
  'rows[-1]["faces"] == rows[-1]["frames"]'
run detect both.mp4 --region 0,0,0.375,0.6 --json
ok
rows "$ids == [0]" 'all(f["box"][0] < 240 for r in rows if r["kind"] == "frame" for f in r["faces"])'
for wrong in 1,2,3 1,2,3,0 a,b,c,d 1,2,3,4,5 1e9,0,5,5; do
  run detect both.mp4 --region "$wrong"
  exits 2
done
run detect both.mp4 --region 0,0,9,9 --boxes shares.csv
exits 2
err_is '--region: cannot be combined with --boxes'
run detect both.mp4 --region 900,0,90,90
exits 1
err_is '.*region: 900,0,90,90 lies outside the picture \(expected x,y,w,h in pixels, x from 0 to 640 and y from 0 to 480\)'

section "item 19: --every and --max-fps in detect"
run detect both.mp4 --every 5 --json
ok
rows '[r["frame"] for r in rows if r["kind"] == "frame"] == [0, 5, 10, 15, 20]' \
  'rows[-1]["frames"] == 25 and rows[-1]["analysed_frames"] == 5' "$ids == [0, 1]"
run detect both.mp4 --max-fps 5 --json --annotate drawn.mp4
ok
rows '[r["frame"] for r in rows if r["kind"] == "frame"] == [0, 5, 10, 15, 20]'
check "every frame is drawn" test "$(ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 drawn.mp4 | tr -d ,)" -eq 25

finish
