#!/usr/bin/env bash
# `mien eval` says what is doubtful about the data, and how it took the faces.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
mkdir set
for i in $(seq 1 30); do media png "set/$i.png" $((40 + i)) $((40 + i)); done
value() { check "$1" python3 -c "import csv,json,sys; d=json.load(open('.out')); sys.exit(not ($1))"; }
# manifest FILE LABEL...: 30 rows whose labels take turns.
manifest() {
  local file=$1
  shift
  local labels=("$@")
  printf 'path,label\n' >"$file"
  for i in $(seq 1 30); do printf 'set/%s.png,"%s"\n' "$i" "${labels[$((i % $#))]}" >>"$file"; done
}

section "a misspelt class in one of 30 rows"
manifest typo.csv happy surprise
sed -i '2s/surprise/suprise/' typo.csv
typo="class 'suprise' \(1 sample\): looks like 'surprise' \(14 samples\) misspelt; they count as two classes"
run data check typo.csv
exits 1
err_is "$typo"
run data check typo.csv --json
exits 1
value "len(d['problems']['class_name']) == 1"
run eval tiny --data typo.csv --json
exits 0
err_has "typo: $typo"
value "len(d['class_doubts']) == 1 and 'suprise' in d['class_doubts'][0]"
run eval tiny --data typo.csv --report typo.html
exits 0
check "on the page" grep -q 'doubtful classes.*suprise' typo.html
manifest clean.csv happy surprise
run data check clean.csv
ok
run eval tiny --data clean.csv --json
ok
value "d['class_doubts'] == []"

section "classes that are numbers"
manifest numbers.csv 0 1 2 3 4
numbers="classes '0', '1', '2', '3', '4': numbers \(expected words.*"
run data check numbers.csv
exits 1
err_is "$numbers"
run eval tiny --data numbers.csv
exits 0
err_has "numbers: $numbers"

section "one expression under two names"
manifest two.csv angry anger Fear fear
run data check two.csv
exits 1
err_is "class '[fF]ear' .*only in case.*" "class 'angry' .*means the same as 'anger' .*"

section "predictions quote class names"
manifest comma.csv 'calm, content' 'so ""called"" joy'
run eval tiny --data comma.csv --predictions p.csv
ok
check "columns stay in place" python3 - p.csv <<'PY'
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline="")))
assert rows[0] == ["id", "truth", "prediction", "p_calm, content", 'p_so "called" joy'], rows[0]
assert len(rows) == 31 and all(len(row) == 5 for row in rows)
assert {row[1] for row in rows[1:]} == {"calm, content", 'so "called" joy'}
assert all(abs(float(row[3]) + float(row[4]) - 1) < 1e-4 for row in rows[1:])
PY
run eval compare p.csv p.csv --json
ok
value "d['n'] == 30"

section "how faces were taken"
run eval tiny --data clean.csv --json
ok
value "d['faces'] == {'mode': 'whole', 'chosen_by': 'data', 'looked_at': 24, 'crops': 24, 'frames': 0}"
run eval tiny --data clean.csv
out_has '^faces: pictures taken whole \(24 of 24 sampled pictures are face crops; --face auto would search .*'
run eval tiny --data clean.csv --face auto --json
value "d['faces'] == {'mode': 'auto', 'chosen_by': 'option'}"
face=$root/build/demo/astronaut.png
if [ -s "$face" ]; then
  cp "$face" full.png
  movie -i "$face" -vf crop=150:150:147:47 crop.png
  printf 'path,label\nfull.png,happy\n' >full.csv
  printf 'path,label\ncrop.png,happy\n' >crop.csv
  run eval compact --data full.csv --labels basic7 --json
  ok
  value "d['faces']['mode'] == 'auto' and d['faces']['frames'] == 1 and d['without_face'] == 0 and d['war'] == 100"
  run eval compact --data full.csv --labels basic7
  out_has '^faces: the largest face found.*1 of 1 sampled pictures show more than a face.*'
  run eval compact --data crop.csv --labels basic7 --json
  ok
  value "d['faces']['mode'] == 'whole' and d['faces']['crops'] == 1"
  run eval compact --data full.csv --labels basic7 --face whole --json
  value "d['faces']['mode'] == 'whole' and d['faces']['chosen_by'] == 'option'"
fi

section "the bundle, as in predict"
run eval --data clean.csv --bundle tiny --json
ok
cp .out by_option.json
run eval tiny --data clean.csv --json
ok
check "the same" cmp .out by_option.json
run eval -b compact --data clean.csv --json
ok
cp .out compact.json
run eval --data clean.csv --json
ok
check "compact is the default" cmp .out compact.json
run eval -b none --data clean.csv
exits 3
run eval --data clean.csv --protocol leave-one-out
exits 2
err_is '--bundle: missing \(expected one bundle for each left-out class\)'
finish
