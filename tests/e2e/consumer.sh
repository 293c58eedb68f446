#!/usr/bin/env bash
# Installs the build into a folder of its own, builds the examples against it alone, and runs them.
# Usage: consumer.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
source_dir=$1
build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# An install needs the program and the libraries, and no test is compiled for it.
make -n -C "$source_dir" install PREFIX="$work/none" > "$work/make.log"
grep -q -- '--target mien-wing-plain' "$work/make.log"
if grep -E -- '--build [^ ]+ -j' "$work/make.log"; then echo 'consumer: make install builds everything'; exit 1; fi
ninja -C "$build_dir" -t commands mien-wing-plain > "$work/commands.log"
grep -q 'apps/cli/CMakeFiles/mien.dir' "$work/commands.log"
if grep -E 'tests/(unit|support|fuzz|parity)/|src/(nn|methods|train)/' "$work/commands.log"; then echo 'consumer: an install compiles more than it needs'; exit 1; fi
cmake --install "$build_dir" --prefix "$work/prefix" --component plain > "$work/install.log" || { cat "$work/install.log"; exit 1; }
for example in read_picture read_clip; do
  cp -r "$source_dir/examples/$example" "$work/$example"
  cmake -S "$work/$example" -B "$work/build/$example" -DCMAKE_PREFIX_PATH="$work/prefix" > "$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
  cmake --build "$work/build/$example" > "$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
done
"$work/prefix/bin/mien" convert --random-tiny "$work/tiny" > /dev/null
printf 'P6\n64 64\n255\n' > "$work/grey.ppm"
head -c 12288 /dev/zero | tr '\0' '\200' >> "$work/grey.ppm"
found=$("$work/build/read_picture/read_picture" "$work/tiny" "$work/grey.ppm" 'happy,sad')
case $found in
  "0,0 64x64 happy "* | "0,0 64x64 sad "*) echo "consumer: $found" ;;
  "") echo 'consumer: no face in a grey picture, as expected' ;;
  *) echo "consumer: unexpected output '$found'"; exit 1 ;;
esac
"$work/build/read_picture/read_picture" "$work/tiny" "$work/none.png" happy 2> "$work/message" && exit 1
grep -q 'none.png' "$work/message"
# A clip of three grey frames, as YUV4MPEG2.
printf 'YUV4MPEG2 W64 H64 F10:1 Ip A1:1 C420jpeg\n' > "$work/grey.y4m"
for _ in 1 2 3; do
  printf 'FRAME\n' >> "$work/grey.y4m"
  head -c 6144 /dev/zero | tr '\0' '\200' >> "$work/grey.y4m"
done
found=$("$work/build/read_clip/read_clip" "$work/tiny" "$work/grey.y4m" 'happy,sad')
echo "consumer: $found"
grep -qx '0 faces in the frames, 0 tracks' <<< "$found"
"$work/build/read_clip/read_clip" "$work/tiny" "$work/none.mp4" happy 2> "$work/message" && exit 1
grep -q 'none.mp4' "$work/message"
# The C ABI: the same answers from C99, found by pkg-config.
export PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name mien.pc)")
libraries=$(dirname "$PKG_CONFIG_PATH")
for example in read_picture read_clip live; do
  # shellcheck disable=SC2046
  cc -std=c99 -Wall -Werror -pedantic "$source_dir/examples/c/$example.c" $(pkg-config --cflags --libs mien) -o "$work/c_$example"
done
export LD_LIBRARY_PATH=$libraries
"$work/c_read_picture" "$work/tiny" "$work/grey.ppm" 'happy,sad' > "$work/c.out"
"$work/build/read_picture/read_picture" "$work/tiny" "$work/grey.ppm" 'happy,sad' | diff - "$work/c.out"
"$work/c_read_picture" "$work/tiny" "$work/none.png" happy 2> "$work/message" && exit 1
grep -q 'none.png' "$work/message"
"$work/c_read_picture" compact "$work/grey.ppm" 'happy,sad'  # by name, beside the installed library
"$work/c_read_clip" "$work/tiny" "$work/grey.y4m" 'happy,sad' | grep -qx '0 faces in the frames, 0 tracks'
"$work/c_read_clip" "$work/tiny" "$work/grey.y4m" 'happy,sad' 2 | grep -qx 'stopped after 2 frames'
head -c 36864 /dev/zero | "$work/c_live" compact 64 64 > "$work/live.out"
test "$(wc -l < "$work/live.out")" -eq 3
# The program on the page of the C ABI.
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source_dir/docs/reference/c.md" > "$work/page.c"
# shellcheck disable=SC2046
cc -std=c99 -Wall -Werror -pedantic "$work/page.c" $(pkg-config --cflags --libs mien) -o "$work/page"
"$work/page" "$work/grey.ppm" 'happy,sad'
"$work/page" "$work/none.png" 'happy,sad' 2> "$work/message" && exit 1
grep -q 'none.png' "$work/message"
