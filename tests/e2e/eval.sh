#!/usr/bin/env bash
# `mien eval`: figures, files and every kind of bad input.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
mkdir set
for i in 1 2 3 4; do media png "set/$i.png" $((40 + i)) 48; done
printf 'path,label,subject,sequence,split\nset/1.png,happiness,A,,train\nset/2.png,sad,B,,train\nset/3.png,,B,,train\nset/4.png,sad,C,,val\n' >m.csv
value() { check "$1" python3 -c "import json,sys; d=json.load(open('.out')); sys.exit(not ($1))"; }

section "figures"
run eval tiny --data m.csv --json
ok
value "d['n'] == 3 and d['unlabelled'] == 1 and d['classes'] == ['happiness', 'sad']"
value "0 <= d['war'] <= 100 and len(d['confusion']) == 2 and d['absent'] == []"
value "d['war_interval'][0] <= d['war'] <= d['war_interval'][1]"
run eval tiny --data m.csv --split val
exits 0
err_is "m: only one label, 'sad', so every answer is right \\(expected at least two, such as --labels basic7\\)"
out_has "1 samples"
run eval tiny --data m.csv --protocol closed --json
ok
value "d['protocol'] == 'closed'"
run eval tiny --data m.csv --labels 'sad,happy,angry' --json
ok

section "same from a tar"
tar -cf t.tar set
cp m.csv t.csv
mkdir elsewhere && mv t.tar t.csv elsewhere/
run eval tiny --data elsewhere/t.csv --json
ok
value "d['n'] == 3"

section "files"
run eval tiny --data m.csv --report r.html --predictions p.csv
ok
check "page" grep -q '<svg' r.html
check "notice on the page" grep -q 'not what a person feels' r.html
check "rows of predictions" test "$(wc -l <p.csv)" -eq 4
check "header of predictions" grep -q '^id,truth,prediction,p_happiness,p_sad$' p.csv
for flag in "--report nowhere/r.html" "--predictions nowhere/r.csv"; do
  # shellcheck disable=SC2086
  run eval tiny --data m.csv $flag
  exits 2
  out_is_empty
  err_is 'nowhere/r\.(html|csv): cannot be written .*'
done
no_leftovers

section "page with everything, and without images unless asked"
check "command" grep -q 'mien eval tiny --data m.csv --report r.html' r.html
check "curves" grep -q 'ROC of happiness' r.html
check "hashes" bash -c "test \$(grep -oE '>[0-9a-f]{64}<' r.html | wc -l) -eq 2"
check "nothing is loaded" bash -c "! grep -qE '<img|<script|https?:' r.html"
run eval tiny --data m.csv --report w.html --with-images
ok
if grep -q 'Most confident mistakes' w.html; then
  check "thumbnails" grep -q 'src="data:image/jpeg;base64,' w.html
fi
run eval tiny --data m.csv --with-images
exits 2
err_is '--with-images: no page .*'

section "compare"
run eval tiny --data m.csv --json --with-samples
ok
value "len(d['samples']) == 3 and d['samples'][0]['id'] and len(d['data_hash']) == 64"
cp .out a.json
run eval tiny --data m.csv --protocol closed --json --with-samples
cp .out b.json
run eval compare a.json b.json --json
ok
value "d['n'] == 3 and 0 < d['mcnemar_p'] <= 1 and len(d['war']) == 2"
value "d['both_right'] + d['only_first_right'] + d['only_second_right'] + d['both_wrong'] == 3"
value "d['war_difference']['interval'][0] <= d['war_difference']['difference'] <= d['war_difference']['interval'][1]"
run eval compare a.json p.csv
ok
out_has 'McNemar \(exact, two-sided\): p 1\.0000'
run eval compare a.json none.json
exits 2
err_is 'none\.json: .*'
run eval tiny --data m.csv --json
cp .out bare.json
run eval compare a.json bare.json
exits 2
err_is 'bare\.json: has no samples \(expected .*'
run eval compare a.json
exits 2
run eval tiny
exits 2
err_is '--data: missing .*'

section "bad input"
run eval tiny --data none.csv
exits 2
err_is 'none.csv: .*'
printf 'path,name\na,b\n' >bad.csv
run eval tiny --data bad.csv
exits 2
err_is "bad.csv:1: has no column 'label'.*"
run eval tiny --data m.csv --split test
exits 2
err_is "m.csv: has no row of split 'test'"
run eval tiny --data m.csv --labels 'bored,calm'
exits 2
err_is "class 'happiness': has no label .*"
run eval tiny --data m.csv --protocol open
exits 2
run eval none --data m.csv
exits 3
out_is_empty
printf 'path,label\nset/1.png,sad\nset/none.png,sad\nset/2.png,happy\n' >hole.csv
run eval tiny --data hole.csv --max-bad-share 0.5 --json
exits 1
err_has 'none.png'
value "d['n'] == 2 and d['unreadable'] == 1"
printf 'path,label\n../../etc/passwd,sad\nset/1.png,sad\n' >leaves.csv
run eval tiny --data leaves.csv
exits 1
err_has 'not a name inside the data set'
printf 'junk' >elsewhere/t.tar
run eval tiny --data elsewhere/t.csv
exits 2
err_has 't.tar'
finish
