#!/usr/bin/env bash
# Bad input, each kind by name: one line that names the input, exit code 1, the others are done.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png good.png 64 64
whole=(-b tiny --face whole --json)
clip c.mp4 1
movie -f lavfi -i testsrc=s=200x150 -frames:v 1 good.jpg
movie -f lavfi -i sine=d=1 -c:a aac audio.mp4

# bad FILE CODE PATTERN: predict and detect both say so once, and do the good picture after it.
bad() {
  section "$1 ($4)"
  run predict "$1" good.png "${whole[@]}"
  exits 1
  err_is "${1//./\\.}: $3"
  rows '[r["kind"] for r in rows] == ["error", "image"]' "rows[0]['code'] == '$2'" \
    "rows[0]['message'].startswith(rows[0]['input'] + ': ')"
  run detect "$1" good.png --face whole
  exits 1
  err_is "${1//./\\.}: $3"
  out_has 'good\.png'
}
: >zero.jpg
bad zero.jpg corrupt 'is empty' "zero bytes"
: >zero.mp4
bad zero.mp4 corrupt 'is empty' "zero bytes"
media cut cut.jpg good.jpg 0.5
bad cut.jpg corrupt '' "truncated JPEG"
media cut head.jpg good.jpg 0.02
bad head.jpg corrupt '' "JPEG of a header only"
media cut cut.png good.png 0.5
bad cut.png corrupt '' "truncated PNG"
media cut cut.mp4 c.mp4 0.5
bad cut.mp4 corrupt '' "truncated MP4 without index"
media lying huge.png 30000 30000
bad huge.png resource_limit '.*30000' "header of 30000 x 30000"
media lying lying.png 5000 5000
bad lying.png corrupt '' "header of 5000 x 5000 without pixels"
media lying none.png 0 10
bad none.png corrupt '' "no width"
bad audio.mp4 unsupported '' "sound only"
movie -f lavfi -i testsrc=d=0.5:s=64x48 -c:v ffv1 known.mkv
media replace unknown.mkv known.mkv FFV1 ZZZZ
bad unknown.mkv unsupported '' "unknown codec"
bad missing.png not_found 'no such file' "missing"
mkdir hollow
echo text >hollow/.note
bad hollow not_found 'has no pictures or clips' "folder without pictures"
head -c 3000 /dev/urandom | tr '\211\377\000-\040B' x >noise.png
bad noise.png unsupported '' "noise with the name of a picture"
cp noise.png noise.mp4
run predict noise.mp4 good.png "${whole[@]}"
exits 1
rows '[r["kind"] for r in rows] == ["error", "image"]'
ln -s loop loop
bad loop not_found '' "link to itself"
printf '#EXTM3U\n#EXTINF:1,\nc.mp4\n' >list.m3u8
bad list.m3u8 unsupported '' "playlist"
if [ "$(id -u)" -ne 0 ]; then
  cp good.png secret.png
  chmod 000 secret.png
  bad secret.png io 'cannot be opened' "unreadable"
else
  echo "skipped: unreadable file (root reads every file)"
fi

section "name with a line feed and escapes"
run predict $'bad\n\e]0;name.png' good.png "${whole[@]}"
exits 1
err_is 'bad.*name\.png: no such'
check "no escape reaches the terminal" bash -c '! grep -q $'"'\\x1b'"' .err'

section "1x1"
media png dot.png 1 1
run predict dot.png "${whole[@]}"
ok
rows 'rows[0]["width"] == 1' 'len(rows[0]["faces"]) == 1'
run predict dot.png -b tiny --json
ok
rows 'len(rows) == 1'
run predict dot.png -b tiny --face whole --annotate dot-out.png
ok

section "16 bits"
media png deep.png 48 48 16
media png flat.png 48 48 8
run predict deep.png flat.png "${whole[@]}"
ok
rows 'rows[0]["faces"][0]["labels"] == rows[1]["faces"][0]["labels"]'

section "other formats"
for kind in bmp ppm webp; do
  movie -f lavfi -i testsrc=s=64x48 -frames:v 1 "x.$kind"
  run predict "x.$kind" "${whole[@]}"
  ok
  rows 'rows[0]["width"] == 64 and rows[0]["height"] == 48'
done

section "wrong ending of a good file"
cp good.png really-a-png.jpg
cp good.png picture
cp c.mp4 clip.dat
run predict really-a-png.jpg picture clip.dat "${whole[@]}"
ok
rows '[r["kind"] for r in rows[:3]] == ["image", "image", "frame"]'

section "a clip with a damaged middle"
movie -f lavfi -i testsrc=d=2:s=160x120:r=10 -c:v mpeg2video -g 5 -f mpegts good.ts
python3 - <<'PY'
data = bytearray(open("good.ts", "rb").read())
middle = len(data) // 2
for i in range(middle, middle + 188 * 20):
    if i % 188 > 3:
        data[i] = (data[i] * 31 + 7) & 255
open("bad.ts", "wb").write(data)
PY
run predict bad.ts "${whole[@]}"
ok
rows 'of("summary")[0]["frames"] > 5'
no_leftovers
finish
