#!/usr/bin/env bash
# Outputs never destroy existing things: devices, pipes, links, inputs, folders; what is incomplete
# is kept apart. Device nodes are made here; those of the system are never touched.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 64 64
media png b.png 64 64
clip c.mp4 0.5
whole=(-b tiny --face whole)
sum() { sha256sum "$1" | cut -d' ' -f1; }
same() { check "$1 is as it was" test "$(sum "$1")" = "$2"; }

section "a pipe gets the bytes, and stays a pipe"
mkfifo pipe
cat pipe >got.csv &
run predict a.png "${whole[@]}" --csv -o pipe
wait
ok
check "rows" test "$(wc -l <got.csv)" -eq 2
check "still a pipe" test -p pipe
cat pipe >got.mp4 &
run predict c.mp4 "${whole[@]}" --annotate drawn.mp4 -o none.txt
ln -s pipe linked.mp4
run predict c.mp4 "${whole[@]}" --annotate linked.mp4 -o none.txt
wait
ok
check "a clip goes through a pipe" cmp got.mp4 drawn.mp4
check "the link stays" test -L linked.mp4 -a -p pipe

section "/dev/stdout and /dev/fd"
run predict a.png "${whole[@]}" --csv -o /dev/stdout
ok
check "on standard output" test "$(wc -l <.out)" -eq 2
echo before >log.csv
"$mien" predict a.png "${whole[@]}" --csv -o /dev/fd/5 5>>log.csv
check "appended" test "$(head -1 log.csv)" = before -a "$(wc -l <log.csv)" -eq 3

section "devices stay devices"
mkdir dev
if mknod dev/null c 1 3 2>/dev/null && mknod dev/full c 1 7 && (echo x >dev/null) 2>/dev/null; then
  run predict a.png "${whole[@]}" -o dev/null --report dev/null
  ok
  run embed a.png "${whole[@]}" --safetensors dev/null
  ok
  for input in a.png c.mp4; do
    run predict $input "${whole[@]}" -o dev/null --annotate dev/null
    ok
  done
  run predict a.png b.png "${whole[@]}" --json -o dev/full
  exits 1
  err_is 'dev/full: cannot be written \(No space left on device\)'
  check "still devices" test -c dev/null -a -c dev/full
  check "nothing else is there" test "$(ls dev | wc -l)" -eq 2
  run predict a.png "${whole[@]}" --format sqlite -o dev/null
  exits 2
else
  echo "skipped: device nodes (no right to make or open them)"
fi

section "links are followed, modes are kept"
echo old >real.csv
chmod 600 real.csv
ln -s real.csv link.csv
run predict a.png "${whole[@]}" -o link.csv
ok
check "the link stays" test -L link.csv
check "mode" test "$(stat -c %a real.csv)" = 600
check "rows" test "$(wc -l <real.csv)" -eq 2

section "outputs that are inputs"
before=$(sum a.png)
# refused WHAT FILE ARGS...: exit code 2, one line that names both, and FILE as it was.
refused() {
  local pattern=$1 file=$2 was
  was=$(sum "$file")
  shift 2
  run "$@"
  exits 2
  err_is "$pattern"
  out_is_empty
  same "$file" "$was"
}
ln a.png hard.png
ln -s a.png soft.png
mkdir album && cp a.png b.png album
printf 'path,x,y,w,h\na.png,1,1,30,30\n' >boxes.csv
printf -- '- happy\n- sad\n' >words.yaml
refused '--annotate .*would overwrite an input' a.png predict a.png "${whole[@]}" --annotate a.png
refused '--annotate .*would overwrite' a.png predict a.png "${whole[@]}" --annotate hard.png
refused '--annotate .*would overwrite' a.png predict a.png "${whole[@]}" --annotate soft.png
refused '--annotate .*would overwrite' a.png predict a.png "${whole[@]}" --annotate album/../a.png
refused '-o a\.png: unknown ending' a.png predict a.png "${whole[@]}" -o a.png
refused '-o a\.png: unknown ending' a.png predict a.png "${whole[@]}" --json -o a.png
refused '--report c\.mp4: wrong ending' c.mp4 predict c.mp4 "${whole[@]}" --report c.mp4
refused '--annotate .*would overwrite' album/a.png predict album "${whole[@]}" --annotate album
refused '-o .*would overwrite.*--boxes' boxes.csv predict a.png -b tiny --boxes boxes.csv -o boxes.csv
refused '-o .*would overwrite.*--labels' words.yaml predict a.png "${whole[@]}" --labels words.yaml --format csv -o words.yaml
refused '--annotate .*would overwrite' a.png detect a.png --face whole --annotate a.png
refused '-o .*would overwrite.*--bundle' tiny/bundle.json predict a.png "${whole[@]}" -o tiny/bundle.json
printf 'path,label\na.png,happy\nb.png,sad\n' >lab.csv
refused '--predictions .*would overwrite.*--data' lab.csv eval tiny --data lab.csv --predictions lab.csv
refused '--predictions a\.png: wrong ending' a.png eval tiny --data lab.csv --predictions a.png
refused '--report lab\.csv: wrong ending' lab.csv eval tiny --data lab.csv --report lab.csv
refused '-o .*would overwrite' lab.csv data caption lab.csv -o lab.csv
run predict a.png "${whole[@]}" -o r.sqlite
ok
refused '-o r\.sqlite: wrong ending' r.sqlite data export r.sqlite -o r.sqlite
cp r.sqlite r.csv
refused '-o r\.csv: would overwrite' r.csv data export r.csv -o r.csv
cp words.yaml w2.yaml
"$mien" predict a.png "${whole[@]}" --labels w2.yaml --csv >>w2.yaml 2>.err
code=$?
last_command='predict --labels w2.yaml >>w2.yaml'
exits 2
err_is 'standard output /dev/stdout: would overwrite'
check "no text was written over a.png" test "$(sum a.png)" = "$before"

section "two outputs of one name"
run predict a.png "${whole[@]}" -o same.html --format json --report same.html
exits 2
run predict a.png "${whole[@]}" -o x.csv --annotate dir/../x.csv
exits 2
run eval tiny --data lab.csv --report p.html --predictions p.html
exits 2
check "nothing was written" test ! -e same.html -a ! -e x.csv -a ! -e p.html

section "files beside the inputs"
mkdir clips && cp c.mp4 clips/one.mp4
echo "by hand" >clips/one.srt
was=$(sum clips/one.srt)
run predict clips "${whole[@]}" --format srt -o clips
exits 2
err_is 'clips: skipped 1 file .*one\.srt' '-o clips: clips/one\.srt exists beside the inputs'
same clips/one.srt "$was"

section "export --overwrite empties no folder"
"$mien" convert --random-tiny old >/dev/null
echo mine >old/notes.txt
mkdir old/data && echo mine >old/data/x
run export --precision int8 tiny old --overwrite --force
exits 2
err_is 'old: not replaced.*data, notes\.txt'
check "all is there" test -s old/notes.txt -a -s old/data/x -a -s old/bundle.json
rm -r old/notes.txt old/data
chmod 700 old
ln -s old to-old
run export --precision int8 tiny to-old --overwrite --force
exits 0
check "the link and the mode stay" test -L to-old -a "$(stat -c %a old)" = 700
check "replaced" grep -q int8 old/bundle.json
run export --precision int8 tiny tiny --overwrite --force
exits 2
err_is 'bundle tiny/bundle\.json: would overwrite an input'
: >empty
run export --precision int8 tiny empty --overwrite --force
exits 2
check "a file is not a folder" test -f empty

section "an interrupt leaves NAME.part"
clip long.mp4 60 25
# stopped FILE ARGS...: SIGTERM once something was written.
stopped() {
  local waited=0 pid
  last_command="$* (SIGTERM)"
  "$mien" "$@" </dev/null >.out 2>.err &
  pid=$!
  until [ -n "$(find . -name '*.part-*' -size +0)" ] || [ $waited -ge 200 ]; do
    sleep 0.05
    waited=$((waited + 1))
  done
  sleep "${settle:-1}"
  kill -TERM $pid
  wait $pid
  code=$?
}
echo old >x.csv
stopped predict long.mp4 "${whole[@]}" -o x.csv --annotate drawn-long.mp4
exits 1
err_has 'x\.csv: incomplete, so it is not written; finished results are in x\.csv\.part'
err_has 'drawn-long\.mp4: incomplete.*drawn-long\.mp4\.part'
check "the final name is untouched" grep -q old x.csv
check "rows" test "$(wc -l <x.csv.part)" -gt 1
check "the drawing can be played" ffmpeg -nostdin -v error -xerror -i drawn-long.mp4.part -f null -
stopped predict long.mp4 "${whole[@]}" -o x.json
exits 1
check "its JSON is whole" python3 -c 'import json; assert json.load(open("x.json.part"))'
settle=0.1 stopped predict a.png long.mp4 "${whole[@]}" -o y.csv --report y.html
check "no page" test ! -e y.html -a -s y.html.part

section "a full disk"
(
  trap '' XFSZ
  ulimit -f 8
  "$mien" predict long.mp4 a.png "${whole[@]}" -o full.csv </dev/null >.out 2>.err
)
code=$?
last_command="predict -o full.csv (limit)"
exits 1
err_is 'full\.csv: cannot be written' 'full\.csv: incomplete.*full\.csv\.part'
check "no table" test ! -e full.csv

section "endings"
run predict a.png "${whole[@]}" -o x2.json
ok
check "an array" python3 -c 'import json; assert json.load(open("x2.json"))[0]["kind"] == "image"'
run predict a.png b.png "${whole[@]}" -o x2.jsonl
ok
rows_of x2.jsonl 'len(rows) == 2'
run predict a.png b.png "${whole[@]}" --format jsonl -o lines.json
ok
rows_of lines.json 'len(rows) == 2'
run predict a.png -b tiny --face hog --csv -o none.xlsx
exits 2
err_is "-o none\.xlsx: unknown ending '\.xlsx'.*\.csv.*spreadsheets open \.csv"
run predict a.png "${whole[@]}" -o x.cvs
exits 2
err_is "-o x\.cvs: unknown ending '\.cvs' \(expected \.json"

section "one output per input keeps the folders"
mkdir -p s/s1 s/s2 && cp c.mp4 s/s1/video.mp4 && cp c.mp4 s/s2/video.mp4
run predict s --recursive "${whole[@]}" --format srt -o subs
ok
check "names" test -s subs/s1/video.srt -a -s subs/s2/video.srt
run predict s/s1/video.mp4 s/s2/video.mp4 "${whole[@]}" --annotate drawn -o none.txt
ok
check "names of files" test -s drawn/s1/video.mp4 -a -s drawn/s2/video.mp4
finish
