#!/usr/bin/env bash
# How a run ends early: signals and closed pipes. What is incomplete is called so (NAME.part).
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
clip long.mp4 100 25
whole=(-b tiny --face whole)

# interrupt SIGNAL ARGS...: stops the program once it has written a line.
interrupt() {
  local signal=$1 pid waited=0
  shift
  last_command="$* (SIG$signal)"
  : >.out
  "$mien" "$@" </dev/null >.out 2>.err &
  pid=$!
  until [ -s .out ] || find . -name '*.part*' | grep -q . || [ $waited -ge 300 ]; do
    sleep 0.05
    waited=$((waited + 1))
  done
  sleep 0.3
  kill -"$signal" "$pid"
  wait "$pid"
  code=$?
}

section "in the middle of a clip"
interrupt INT predict long.mp4 "${whole[@]}" --json
exits 1
err_is 'long\.mp4: cancelled'
rows 'len(of("frame")) > 0' 'rows[-1]["kind"] == "error" and rows[-1]["code"] == "cancelled"' \
  'len(of("frame")) < 2500'
interrupt TERM detect long.mp4 --face whole --json
exits 1
err_is 'long\.mp4: cancelled'

section "with files being written"
# kept NAME...: not written, but NAME.part is there, and nothing else half-written.
kept() {
  local name
  for name in "$@"; do
    check "no $name" test ! -e "$name"
    check "$name.part" test -s "$name.part"
    rm -f "$name.part"
  done
  no_leftovers
}
interrupt INT predict long.mp4 "${whole[@]}" --annotate drawn.mp4 --json
exits 1
err_is 'drawn\.mp4: incomplete.*drawn\.mp4\.part' 'long\.mp4: cancelled'
kept drawn.mp4
interrupt INT predict long.mp4 "${whole[@]}" --json -o lines.jsonl --annotate drawn.mp4
exits 1
kept drawn.mp4 lines.jsonl

section "the inputs after it are not begun"
interrupt INT predict long.mp4 long.mp4 "${whole[@]}" --json
exits 1
rows 'len(of("error")) == 1' 'rows[-1]["kind"] == "error"'

section "live stream"
mkfifo live
ffmpeg -nostdin -v quiet -re -f lavfi -i testsrc=d=60:s=160x120:r=20 -c:v mpeg2video -f mpegts - >live &
feeder=$!
last_command="predict - (live, SIGINT)"
: >.out  # else the wait below may still see the lines of the run before
"$mien" predict - "${whole[@]}" --json --annotate live.mp4 <live >.out 2>.err &
pid=$!
waited=0
until [ "$(wc -l <.out)" -ge 5 ] || [ $waited -ge 300 ]; do sleep 0.05; waited=$((waited + 1)); done
kill -INT $pid
wait $pid
code=$?
kill $feeder 2>/dev/null
wait $feeder 2>/dev/null
exits 1
err_is
rows 'rows[-1]["kind"] == "summary" and len(of("track")) == 1 and len(of("frame")) >= 5'
check "its drawing is kept" ffmpeg -nostdin -v error -xerror -i live.mp4 -f null -

section "closed pipe"
last_command='predict | head -1'
"$mien" predict long.mp4 "${whole[@]}" --json --annotate drawn.mp4 2>.err | head -1 >.out
code=${PIPESTATUS[0]}
exits 1
check "quiet" test ! -s .err
rows 'len(rows) == 1'
check "no drawing" test ! -e drawn.mp4
rm -f drawn.mp4.part
no_leftovers
finish
