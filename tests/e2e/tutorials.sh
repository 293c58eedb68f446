#!/usr/bin/env bash
# docs/tutorials: every block of commands runs, in order, and prints what the page says that it prints; the C++ in them is
# that of the examples. Numbers that come from the demo clip may differ a little: the encoder makes another clip on every
# machine.
source "$(dirname "$0")/lib.sh"
for need in "$root/build/demo/astronaut.png" "$root/build/demo/hopper.jpg"; do
  [ -s "$need" ] || { echo "skipped: $need is missing (scripts/fetch_demo_media fetches it)"; exit 77; }
done
command -v ffmpeg >/dev/null || { echo 'skipped: no ffmpeg (Debian package ffmpeg)'; exit 77; }
"$root/scripts/make_demo_clip" || { echo 'skipped: the demo clip could not be made'; exit 77; }
export PATH="$(dirname "$mien"):$PATH"

for page in "$root"/docs/tutorials/*.md; do
  name=$(basename "$page" .md)
  section "$name"
  mkdir -p "$name/build"
  ln -s "$root/build/demo" "$name/build/demo"
  ln -s "$root/scripts" "$root/recipes" "$name"
  (cd "$name" && python3 "$here/run_page.py" "$page" "$root/examples") >"$name.log" 2>&1
  code=$?
  last_command="commands of docs/tutorials/$name.md"
  cp "$name.log" .out
  : >.err
  exits 0
  check "it has commands" grep -qE '^[1-9][0-9]* blocks' "$name.log"
  grep -E 'blocks|^skipped' "$name.log"
done
check "three tutorials" test "$(find . -maxdepth 1 -name '*.log' | wc -l)" -eq 3
check "every subject of the toy set is whole" test "$(find researcher/toy -name '*.png' | wc -l)" -eq 57
finish
