#!/usr/bin/env bash
# --annotate: pictures, clips, folders; nothing half-written stays.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 320 240
clip c.mp4 1
whole=(-b tiny --face whole)
probe() { ffprobe -v error -select_streams "$2" -show_entries "$3" -of csv=p=0 "$1"; }

section "picture"
run predict a.png "${whole[@]}" --annotate out.png
ok
check "a PNG at least as large as the picture" python3 - <<PY
import sys; sys.path.insert(0, "$here")
from media import png_size
w, h = png_size("out.png")
assert w >= 320 and h >= 240, (w, h)
PY
media png small.png 64 64
run detect small.png --face whole --annotate small-out.png
ok
check "small pictures are enlarged" python3 - <<PY
import sys; sys.path.insert(0, "$here")
from media import png_size
assert png_size("small-out.png")[0] >= 128
PY

section "clip"
run predict c.mp4 "${whole[@]}" --every 3 --json --annotate out.mp4
ok
rows 'len(of("frame")) == 4'
check "all frames are drawn" test "$(ffprobe -v error -select_streams v -count_frames -show_entries stream=nb_read_frames -of csv=p=0 out.mp4 | tr -d ,)" = 10
check "audio is kept" test "$(probe out.mp4 a stream=codec_name | tr -d ,)" = aac
check "it plays to the end" ffmpeg -nostdin -v error -xerror -i out.mp4 -f null -
run detect c.mp4 --face whole --annotate detect.mp4
ok
check "detect draws too" ffmpeg -nostdin -v error -xerror -i detect.mp4 -f null -
movie -f lavfi -i testsrc=d=0.5:s=161x121:r=10 -c:v ffv1 odd.mkv
run predict odd.mkv "${whole[@]}" --annotate odd.mp4
ok
check "odd sizes" ffmpeg -nostdin -v error -xerror -i odd.mp4 -f null -

section "folder"
run predict a.png c.mp4 "${whole[@]}" --annotate drawn
ok
check "picture" test -s drawn/a.png
check "clip" test -s drawn/c.mp4
mkdir again && cp a.png again/a.png
run predict a.png again/a.png "${whole[@]}" --annotate drawn2/
ok
check "same names do not collide" test -s drawn2/a.png -a -s drawn2/again/a.png
mkdir one && cp a.png small.png one
run predict one "${whole[@]}" --annotate drawn3
ok
check "one folder of pictures is several inputs" test -s drawn3/a.png -a -s drawn3/small.png
run predict 'one/*.png' "${whole[@]}" --annotate drawn4
ok
check "one pattern is several inputs" test -s drawn4/a.png -a -s drawn4/small.png

section "wrong ending"
run predict a.png "${whole[@]}" --annotate out.jpg
exits 2
err_is '--annotate out\.jpg: wrong ending.*expected \.png'
out_is_empty
run predict a.png c.mp4 "${whole[@]}" --annotate both.png
exits 2
err_is '--annotate both\.png: is one file'
out_is_empty
run predict c.mp4 "${whole[@]}" --annotate clip.png
exits 1
err_is '--annotate clip\.png: wrong ending.*expected \.mp4'
check "nothing is written" test ! -e out.jpg -a ! -e clip.png -a ! -e both.png

section "cannot be written"
run predict a.png "${whole[@]}" --annotate no/such/out.png
exits 1
err_is 'no/such/out\.png: '
run predict c.mp4 "${whole[@]}" --annotate no/such/out.mp4
exits 1
err_is 'no/such/out\.mp4: '
run predict a.png c.mp4 "${whole[@]}" --annotate a.png/folder
exits 2
err_is 'a\.png/folder: '

section "a broken clip leaves no drawing"
media cut cut.mp4 c.mp4 0.3
run predict cut.mp4 "${whole[@]}" --annotate cut-out.mp4
exits 1
err_is 'cut\.mp4: '
check "no drawing" test ! -e cut-out.mp4
no_leftovers
finish
