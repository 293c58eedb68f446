#!/usr/bin/env bash
# predict -o FILE.sqlite: many files, killed and gone on with, and what it refuses.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
mkdir album
for i in 0 1 2 3; do media png "base$i.png" $((50 + 9 * i)) 48; done
for i in $(seq 10 49); do cp "base$((i % 4)).png" "album/p$i.png"; done
for i in 1 2 3; do clip "album/c$i.mp4" 1 10; done
printf 'no picture' >album/broken.png
whole=(-b tiny --face whole)
result() { check "$1" test "$(sqlite3 r.sqlite "$1")" = "$2"; }
command -v sqlite3 >/dev/null || { echo "skipped: no sqlite3"; exit 77; }

section "an unbroken run"
run predict album "${whole[@]}" -o r.sqlite
exits 1
err_is 'album/broken\.png: .*'
out_has '^r\.sqlite: 43 read, 1 failed$'
result "SELECT count(*) FROM files WHERE state = 'done'" 43
result "SELECT count(*) FROM frames" 70
result "SELECT count(*) FROM faces" 70
result "SELECT count(*) FROM tracks" 3
result "PRAGMA integrity_check" ok
run data export r.sqlite --csv
ok
cp .out whole.csv
run predict album "${whole[@]}" --csv -o direct.csv
exits 1
check "the export is what predict writes" cmp whole.csv direct.csv
run data export r.sqlite --csv --table tracks -o tracks.csv
ok
check "tracks" test "$(wc -l <tracks.csv)" -eq 4
run data export r.sqlite --csv --table images
check "pictures" test "$(wc -l <.out)" -eq 41
run data export r.sqlite --csv --table frames
check "frames" test "$(wc -l <.out)" -eq 31
run data export r.sqlite --csv --table failures
out_has '^album/broken\.png,unsupported,"album/broken\.png: '
run data export r.sqlite --csv --table files
check "files" test "$(wc -l <.out)" -eq 45

section "again: nothing is done twice"
run predict album "${whole[@]}" --out r.sqlite
exits 1
err_is
out_has '^r\.sqlite: 0 read, 0 failed, 43 done earlier, 1 failed earlier \(--retry-failed retries them\)$'
run predict album "${whole[@]}" -o r.sqlite --retry-failed
exits 1
out_has '0 read, 1 failed, 43 done earlier$'

section "killed at any time, then gone on with"
for jobs in 1 3; do
  rm -f k.sqlite*
  kills=0
  for wait in 0.05 0.1 0.15 0.2 0.25 0.3; do
    "$mien" predict album "${whole[@]}" -o k.sqlite --jobs $jobs >.out 2>.err &
    victim=$!
    sleep $wait
    kill -9 $victim 2>/dev/null && kills=$((kills + 1))
    wait $victim 2>/dev/null
  done
  check "some were killed" test $kills -ge 1
  run predict album "${whole[@]}" -o k.sqlite --jobs $jobs
  exits 1
  run data export k.sqlite --csv
  ok
  check "jobs $jobs: as the unbroken run" cmp .out whole.csv
  run data export k.sqlite --csv --table failures
  check "the failure is there once" test "$(wc -l <.out)" -eq 2
done

section "interrupted"
rm -f i.sqlite
"$mien" predict album "${whole[@]}" -o i.sqlite >.out 2>.err &
victim=$!
sleep 0.3
kill -INT $victim
wait $victim
code=$?
exits 1
run predict album "${whole[@]}" -o i.sqlite
run data export i.sqlite --csv
check "as the unbroken run" cmp .out whole.csv

section "a file that changed is read again"
cp album/p11.png album/p10.png
run predict album "${whole[@]}" -o r.sqlite
out_has '^r\.sqlite: 1 read, 0 failed, 42 done earlier, 1 changed, 1 failed earlier'
media png album/new.png 50 50
rm album/p20.png
run predict album "${whole[@]}" -o r.sqlite
out_has '^r\.sqlite: 1 read, 0 failed, 42 done earlier, 1 failed earlier'
result "SELECT count(*) FROM files" 45

section "another model, other labels, other options are refused"
"$mien" convert --random-tiny --temporal other >/dev/null 2>&1
run predict album -b other --face whole -o r.sqlite
exits 2
err_is 'r\.sqlite: made with bundle .* \(got .*\); use another file for this run'
run predict album "${whole[@]}" --labels happy,sad -o r.sqlite
exits 2
err_is 'r\.sqlite: made with (labels|other descriptions of the labels) .*'
run predict album "${whole[@]}" --every 2 -o r.sqlite
exits 2
err_is 'r\.sqlite: made with --every 1 \(got 2\).*'

section "two runs on one file"
# The first is held still while it has the file, or it could end before the second has started.
rm -f t.sqlite
clip long.mp4 1 400
"$mien" predict long.mp4 album "${whole[@]}" --jobs 1 -o t.sqlite >.first 2>&1 &
first=$!
for _ in $(seq 3000); do [ -s t.sqlite ] && break; sleep 0.01; done
kill -STOP $first
run predict long.mp4 album "${whole[@]}" -o t.sqlite
exits 2
err_is 't\.sqlite: another run is writing to it .*'
kill -CONT $first
wait $first
run predict long.mp4 album "${whole[@]}" -o t.sqlite
out_has '0 read'

section "a full disk"
# A limit on the size of files stands for it.
rm -f f.sqlite
(
  trap '' XFSZ
  ulimit -f 400
  "$mien" predict album "${whole[@]}" -o f.sqlite </dev/null >.out 2>.err
)
code=$?
exits 1
err_has 'f\.sqlite'
run predict album "${whole[@]}" -o f.sqlite
exits 1
check "the next run has all" test "$(sqlite3 f.sqlite "SELECT count(*) FROM files WHERE state = 'done'")" -eq 43

section "bad input"
run predict - "${whole[@]}" -o s.sqlite
exits 2
err_is '-: cannot be read twice .*'
for flag in --json --csv '--format srt' '--annotate x' '--report x.html' --explain --embedding; do
  # shellcheck disable=SC2086
  run predict album "${whole[@]}" -o s.sqlite $flag
  exits 2
done
run predict album "${whole[@]}" --format sqlite
exits 2
err_is '--format sqlite: no file given .*'
printf 'this is text, not a database, and long enough to have a header of one hundred bytes, which is what SQLite reads\n' >text.sqlite
run predict album "${whole[@]}" -o text.sqlite
exits 2
err_is 'text\.sqlite: not a SQLite database.*'
check "it is as it was" grep -q 'this is text' text.sqlite
run predict none.png album/p11.png "${whole[@]}" -o n.sqlite
exits 1
err_is 'none\.png: no such file.*'
out_has '1 read'
run data export none.sqlite --csv
exits 2
err_is 'none\.sqlite: no such file .*'
run data export text.sqlite --csv
exits 2
run data export r.sqlite --csv -o no/such/x.csv
exits 2
run predict album "${whole[@]}" -o no/such/r.sqlite
exits 2
err_is 'no/such/r\.sqlite: cannot be opened .*'
finish
