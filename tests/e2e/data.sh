#!/usr/bin/env bash
# `mien data`: counts, every kind of problem, published layouts, captions; the same sources in eval.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
mkdir set
for i in 1 2 3 4; do media png "set/$i.png" $((40 + i)) 48; done
printf 'path,label,subject,split\nset/1.png,happy,A,train\nset/2.png,sad,B,train\nset/3.png,sad,C,val\n' >m.csv
value() { check "$1" python3 -c "import json,sys; d=[json.loads(l) for l in open('.out')]; sys.exit(not ($1))"; }

section "a manifest in order"
run data check m.csv
ok
out_has '^  happy +1 +0 +1$'
out_has '^  samples +2 +1 +3$'
out_has 'no problems found'
run data check m.csv --json
ok
value "d[0]['samples'] == 3 and d[0]['splits'] == {'train': 2, 'val': 1} and d[0]['subjects'] == 3"
value "d[0]['classes']['sad'] == {'train': 1, 'val': 1} and not any(d[0]['problems'].values())"
run data check m.csv --split val --json
ok
value "d[0]['samples'] == 1"

section "problems"
printf 'junk' >set/bad.png
printf 'path,label,subject,split,caption\nset/1.png,happy,A,train,x\nset/1.png,sad,B,train,\nset/bad.png,sad,A,val,\nset/none.png,sad,C,val,\n' >p.csv
run data check p.csv
exits 1
err_is 'set/bad.png: .*' 'set/none.png: .*' "set/1.png: used by sample .*, with another label" \
  "subject 'A': is in splits train, val \(expected one\)"
out_has '1 with a caption, 3 without'
run data check p.csv --json --need-captions
exits 1
err_is
value "len(d[0]['problems']['caption']) == 3 and len(d[0]['problems']['unreadable']) == 2"
value "len(d[0]['problems']['leak']) == 1 and d[0]['problems']['missing'] == []"
run data check m.csv p.csv m.csv --json
exits 1
value "len(d) == 3"

section "every frame"
printf 'path,label,sequence,frame\nset/1.png,sad,x,1\nset/bad.png,sad,x,2\n' >s.csv
run data check s.csv
ok
run --threads 3 data check s.csv --all
exits 1
err_is 'set/bad.png: .*'

section "many problems are cut short"
{ printf 'path,label\n'; for i in $(seq 30); do printf 'set/no%s.png,sad\n' "$i"; done; } >many.csv
run data check many.csv
exits 1
check "21 lines" test "$(wc -l <.err)" -eq 21
err_has "10 more problems of kind 'unreadable'"
run -v data check many.csv
check "30 lines" test "$(wc -l <.err)" -eq 30

section "a published layout"
mkdir -p DFEW/DFEW_Frame_Face/00001 DFEW/DFEW_Frame_Face/00002
cp set/1.png set/2.png DFEW/DFEW_Frame_Face/00001/
cp set/3.png DFEW/DFEW_Frame_Face/00002/
printf '/x/00001 2 0\n/x/00002 1 1\n' >DFEW/DFEW_set_1_train.txt
printf '/x/00003 2 1\n' >DFEW/DFEW_set_1_test.txt
run data check dfew:DFEW --split train
exits 1
err_has "class 'fear': has no sample"
run data check dfew:DFEW --json
exits 1
value "d[0]['name'] == 'dfew' and d[0]['samples'] == 2 and d[0]['frames'] == 3"
value "d[0]['problems']['missing'][0].startswith('DFEW/DFEW_set_1_test.txt:1: folder')"
run eval tiny --data dfew:DFEW --split train --labels basic7 --json
ok
value "d[0]['data'] == 'dfew' and d[0]['n'] == 2 and d[0]['missing'] == 0"
run eval tiny --data dfew:DFEW --labels basic7
exits 2
err_is "DFEW/DFEW_set_1_test.txt:1: folder 'DFEW_Frame_Face/00003' has no pictures .*"
run eval tiny --data dfew:DFEW --labels basic7 --allow-missing
ok
out_has 'left out: 1 without pictures'

section "wrong arguments"
run data
exits 2
run data check none.csv
exits 2
err_is 'none.csv: .*'
run data check kdef:DFEW
exits 2
err_is "data set 'kdef': unknown \(expected dfew, .*"
run data check DFEW
exits 2
err_is 'DFEW: is a folder \(expected a CSV, or NAME:DFEW with NAME dfew, .*'
run data check dfew:DFEW --fold 9
exits 2
err_is 'dfew: has no fold 9 \(expected 1..5\)'
run data check m.csv --fold 2
exits 2
err_is '--fold: does not apply to m.csv .*'
run data check dfew:DFEW --unit frame
exits 2
err_is '--unit: does not apply to dfew:DFEW .*'
printf '/x/00001 2 9\n' >DFEW/DFEW_set_2_train.txt
run data check dfew:DFEW --fold 2 --json
exits 1
err_is "DFEW/DFEW_set_2_train.txt:1: label '9' \(expected 0..6\)"
value "d[0]['error'].endswith('(expected 0..6)')"

section "captions from the shape of the face"
printf 'path,label,fp_happiness\nnone.png,happy,8\n' >g.csv
run data caption g.csv -o h.csv --landmarks
exits 1
err_is 'g.csv:2: .*none.png.*'
check "the votes are written all the same" grep -qE '^none.png,happy,8,,,,,,,,.+' h.csv
check "columns of measures" grep -q 'geo_mouth_open,geo_mouth_width,geo_corners_up,geo_brows_up,geo_brows_apart,geo_brows_inner_up,geo_eyes_open' h.csv
printf 'path,geo_mouth_open,geo_mouth_width,geo_corners_up,geo_brows_up,geo_brows_apart,geo_brows_inner_up,geo_eyes_open\n1.png,0.5,0.839,0.062,0.311,0.378,0.025,0.127\n2.png,0.069,0.839,0.062,0.311,0.378,0.025,0.127\n' >g.csv
run data caption g.csv -o h.csv
ok
out_has 'h.csv: 1 captions made, 0 kept, 1 rows without'
check "what stands out" grep -qE '^1.png.*(mouth|jaw)' h.csv
printf 'path,geo_eyes_open\n1.png,0.5\n' >g.csv
run data caption g.csv -o i.csv
exits 2
err_is 'g.csv:2: 1.png: 1 of the 7 geo_\* columns \(expected all or none\)'
check "nothing written" test ! -e i.csv

section "captions from votes"
printf 'path,label,fp_happiness,fp_sadness,fp_fear,fp_nf,caption\n1.png,sad,,7,3,,\n2.png,sad,,9,1,,"mine, kept"\n3.png,,,,,10,\n' >v.csv
run data caption v.csv -o c.csv
ok
out_has 'c.csv: 1 captions made, 1 kept, 1 rows without'
check "caption" grep -qE '^1.png,sad,,7,3,,.*expression' c.csv
check "kept" grep -q '"mine, kept"' c.csv
run data caption v.csv -o d.csv
check "the same again" cmp c.csv d.csv
for seed in 2 3 4; do run data caption v.csv -o "e$seed.csv" --seed "$seed"; done
check "other seeds, other words" test "$(cat c.csv e2.csv e3.csv e4.csv | grep -c '^1.png')" -eq 4
check "not all the same" test "$(cat c.csv e2.csv e3.csv e4.csv | grep '^1.png' | sort -u | wc -l)" -gt 1
run data caption m.csv -o f.csv
exits 2
err_is "m.csv:1: columns missing \(expected 'path' and votes .*"
check "nothing written" test ! -e f.csv
printf 'path,label,fp_fear\n1.png,sad,many\n' >w.csv
run data caption w.csv -o f.csv
exits 2
err_is "w.csv:2: 1.png: fp_fear is 'many' .*"
run data caption v.csv -o nowhere/f.csv
exits 2
err_has nowhere
no_leftovers
finish
