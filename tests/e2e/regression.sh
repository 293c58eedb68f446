#!/usr/bin/env bash
# A regression head: bundles that have one, predict, eval --protocol regression, convert, training.
source "$(dirname "$0")/lib.sh"
value() { check "$1" python3 -c "import json,sys; d=json.load(open('.out')); sys.exit(not ($1))"; }
"$mien" convert --random-tiny --temporal both --targets 'flat face,rapport' >.out 2>.err || { fail "tiny bundle"; exit 1; }
mkdir set
for i in 1 2 3 4 5 6; do media png "set/$i.png" $((40 + i)) 48; done
cat >m.csv <<'CSV'
path,subject,sequence,frame,split,flat face,rapport,interview
set/1.png,A,a,1,train,1,2,i
set/2.png,A,a,2,train,1,2,i
set/3.png,A,b,1,train,2,4,i
set/4.png,B,c,1,test,3,6,j
set/5.png,C,d,1,test,4,,k
set/6.png,C,e,1,test,5,10,k
CSV

section "inspect"
run inspect both
ok
out_has 'regression  .*two layers, 16 hidden, 2 targets'
out_has 'targets .*flat face, rapport'
run inspect both --json
ok
value "d['bundle']['architecture']['regression'] == {'type': 'mlp', 'hidden': 16, 'targets': 2}"
value "d['bundle']['targets'] == [{'name': 'flat face', 'range': None}, {'name': 'rapport', 'range': None}]"
value "d['parameters']['regression'] == 16 * 32 + 16 + 2 * 16 + 2"

section "predict: pictures"
run predict set/1.png set/2.png --bundle both --face whole
ok
out_has '^      rapport +-?[0-9]+\.[0-9]{3}$'
run predict set/1.png --bundle both --face whole --json
ok
rows '[v["target"] for v in rows[0]["faces"][0]["values"]] == ["flat face", "rapport"]' '"top" in rows[0]["faces"][0]'
cp .out picture.json
run predict set/1.png --bundle both --face whole --csv
ok
check "columns" python3 -c '
import csv, json
row = next(csv.DictReader(open(".out")))
said = {v["target"]: v["value"] for v in json.load(open("picture.json"))["faces"][0]["values"]}
assert abs(float(row["v_rapport"]) - said["rapport"]) < 1e-5 and "v_flat face" in row, row'

section "predict: clips"
clip move.mp4 1
run predict move.mp4 --bundle both --face whole
ok
out_has '^      rapport +-?[0-9]'
out_has 'tracks: read by the temporal model'
run predict move.mp4 --bundle both --face whole --json
ok
rows 'of("track")[0]["values"][1]["target"] == "rapport"' 'len(of("frame")) == 10' \
  'all(len(f["values"]) == 2 for r in of("frame") for f in r["faces"])'

section "eval"
eval_of=(eval both --data m.csv --unit sequence --protocol regression)
run "${eval_of[@]}" --json
ok
value "d['n'] == 4 and d['unlabelled'] == 1 and d['resampled'] == 3 and d['resampled_by'] == 'subject'"
value "all(t[f + '_interval'][0] <= t[f + '_interval'][1] for t in d['targets'] for f in ('pcc', 'ccc', 'mae', 'rmse'))"
value "abs(d['mean']['mae'] - sum(t['mae'] for t in d['targets']) / 2) < 1e-9 and d['split'] is None"
run "${eval_of[@]}" --split test --json
ok
value "d['n'] == 2 and d['split'] == 'test'"
run "${eval_of[@]}" --average-by interview --json --predictions p.csv
ok
value "d['n'] == 3 and d['average_by'] == 'interview'"
check "truths are averaged" python3 -c '
import csv
rows = list(csv.DictReader(open("p.csv")))
assert [r["id"] for r in rows] == ["i", "j", "k"] and float(rows[0]["truth_rapport"]) == 3, rows
assert set(rows[0]) == {"id", "subject", "truth_flat face", "prediction_flat face", "truth_rapport", "prediction_rapport"}'
for fold in 0 1 2; do
  run "${eval_of[@]}" --part $((fold + 1))/3 --json --predictions "fold$fold.csv"
  ok
  value "d['folds'] == 3 and d['fold'] == $fold"
done
run "${eval_of[@]}" --folds 3 --fold 2 --predictions old.csv # the old spelling, from 0
exits 0
err_is '--folds N --fold K: renamed to --part K/N, where K counts from 1 \(the old name still works\)'
out_has 'part 3 of 3'
check "the same part" cmp fold2.csv old.csv
check "every subject is in one part" python3 -c '
import csv
parts = [{r["subject"] for r in csv.DictReader(open(f"fold{k}.csv"))} for k in range(3)]
assert sorted(s for p in parts for s in p) == ["A", "B", "C"], parts'
run "${eval_of[@]}" --report r.html
ok
out_has 'target +PCC'
out_has 'left out: 1 without targets'
check "plots" test "$(grep -o '<svg' r.html | wc -l)" -eq 2
check "notice" grep -q 'not what a person feels' r.html
sed 's/flat face/affect/;s/rapport/bond/' m.csv >named.csv
run eval both --data named.csv --unit sequence --protocol regression --targets affect,bond --json
ok
value "d['n'] == 4 and d['targets'][0]['name'] == 'flat face'"

section "bad input"
run "${eval_of[@]}" --labels happy,sad
exits 2
run "${eval_of[@]}" --folds 3 --fold 3
exits 2
err_has '3 of 3 folds'
for part in 0/3 4/3 1 1/1 1/3x /3; do
  run "${eval_of[@]}" --part "$part"
  exits 2
  err_is "eval: --part: invalid part '$part' \\(expected K/N with K from 1 to N, such as 1/5\\).*"
done
run "${eval_of[@]}" --part 1/3 --fold 1
exits 2
err_has '(--part|--fold) excludes (--part|--fold)'
run "${eval_of[@]}" --targets rapport
exits 2
err_has 'wrong number of columns \(expected 2'
run "${eval_of[@]}" --average-by room
exits 2
err_has "column 'room'"
run eval both --data named.csv --protocol regression
exits 2
err_has "has no column 'flat face'"
"$mien" convert --random-tiny plain >/dev/null
run eval plain --data m.csv --protocol regression
exits 2
err_has 'no regression head'
sed 's/,10,k/,ten,k/' m.csv >bad.csv
run eval both --data bad.csv --protocol regression
exits 2
err_has "target 'rapport' is 'ten'"
sed -i 's/"range": null/"range": [7, 1]/' both/bundle.json
run predict set/1.png --bundle both
exits 3
err_has "'range' is not a scale"

[ -x "$(dirname "$mien")/mien-train" ] || finish
section "train, export, evaluate out of sample"
python3 "$here/miniatures.py" data || exit 1
cat >r.yaml <<'YAML'
method: emoclip
data: {train: interviews.csv, unit: sequence, targets: [blunted_affect, poor_rapport], train_split: "", folds: 5, fold: 1}
model:
  trains: all
  temporal: conventional
  temporal_layers: 1
  tower: {embed: 16, image_size: 16, patch: 8, width: 16, layers: 1, heads: 1, text_width: 16, text_layers: 1, text_heads: 1}
emoclip: {objective: regression, head: linear, ranges: ["1:7"], frames: 5, stride: 1, val_stride: 1, val_random: false, batch: 4, epochs: 3,
  preprocess: clip, augment: {rotate_deg: 0, flip: 0}}
train: {lr: 0.003, optimiser: adam, seed: 5}
YAML
run train r.yaml --data data --threads 1 -o run
ok
out_has 'ccc_blunted_affect'
run inspect run/bundle
ok
out_has 'linear probe, 2 targets'
out_has 'blunted_affect \(1 to 7\)'
run eval run/bundle --data data/interviews.csv --unit sequence --protocol regression --part 2/5 --json
ok
value "d['n'] == 2 and d['fold'] == 1 and d['targets'][0]['range'] == [1, 7]"
cp .out figures.json
check "the figures of training" python3 -c '
import json
best = max((json.loads(line) for line in open("run/log.jsonl") if "mae_poor_rapport" in line), key=lambda v: v["ccc"])
said = json.load(open("figures.json"))
assert abs(best["mae"] - said["mean"]["mae"]) < 1e-3, (best, said)'
run predict data/interviews/3/000.png --bundle run/bundle --face whole --json
ok
rows '"top" not in rows[0]["faces"][0] and len(rows[0]["faces"][0]["values"]) == 2'
run predict data/interviews/3/000.png --bundle run/bundle --face whole
ok
run predict move.mp4 --bundle run/bundle --face whole --annotate out.mp4
ok
run eval run/bundle --data data/fer2013.csv
exits 1
err_has 'no text tower'
no_leftovers
finish
