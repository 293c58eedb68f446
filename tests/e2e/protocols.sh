#!/usr/bin/env bash
# `mien eval`: prompts, shared classes, groups, open set, corrupted pictures, folds.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
mkdir set
printf 'path,label,subject,age,split\n' >m.csv
labels=(happiness sadness anger fear)
for i in 0 1 2 3 4; do media png "base$i.png" $((40 + 7 * i)) 48; done
for i in $(seq 0 15); do
  cp "base$((i % 5)).png" "set/$i.png"
  printf 'set/%s.png,%s,S%s,%s,test\n' "$i" "${labels[$((i % 4))]}" $((i / 4)) "$([ "$i" -lt 8 ] && echo old || echo young)" >>m.csv
done
value() { check "$1" python3 -c "import json,sys; d=json.load(open('.out')); sys.exit(not ($1))"; }

section "prompts"
for set in P1 P2 P3 P4 P5; do
  run eval tiny --data m.csv --prompts $set --json
  ok
  value "d['prompts'] == '$set' and d['n'] == 16"
done
run eval tiny --data m.csv --prompts P4 --labels 'happy,sad,angry,afraid'
exits 2
err_is '--prompts: cannot be combined with --labels .*'
run eval tiny --data m.csv --prompts P9
exits 2

section "logits of an ensemble are averaged, from embeddings of every prompt by itself"
printf 'path,label\nset/2.png,anger\nset/3.png,fear\n' >two.csv
run eval tiny --data two.csv --prompts P4 --predictions p4.csv
ok
texts=()
for class in anger fear; do
  for text in "an expression of $class." "a photo of a face with an expression of $class." "a photo radiating $class in a person." \
    "a photo showing someone immersed in $class." "a photo capturing $class within an individual."; do texts+=(--text "$text"); done
done
run embed set/2.png set/3.png --face whole --bundle tiny "${texts[@]}"
ok
"$mien" inspect tiny --json >about.json
check "P4 by hand" python3 - <<'PY'
import csv, json, math
rows = [json.loads(line) for line in open(".out")]
texts = {r["text"]: r["embedding"] for r in rows if r["kind"] == "text"}
faces = {r["input"]: r["embedding"] for r in rows if r["kind"] == "face"}
about = json.load(open("about.json"))["bundle"]
scale = about.get("logit_scale", 100) / about.get("temperature", 1)
dot = lambda a, b: sum(x * y for x, y in zip(a, b))
said = list(csv.DictReader(open("p4.csv")))
assert len(texts) == 10 and len(said) == 2
for row in said:
    mean = {c: sum(dot(faces[row["id"]], e) for t, e in texts.items() if f" {c}" in t) / 5 for c in ("anger", "fear")}
    p = 1 / (1 + math.exp(scale * (mean["fear"] - mean["anger"])))
    assert abs(p - float(row["p_anger"])) < 2e-5, (p, row)
    # The other rule, one embedding that is the mean of the texts, tells something else.
    one = {}
    for c in mean:
        sums = [sum(v) for v in zip(*(e for t, e in texts.items() if f" {c}" in t))]
        one[c] = dot(faces[row["id"]], sums) / math.sqrt(dot(sums, sums))
    q = 1 / (1 + math.exp(scale * (one["fear"] - one["anger"])))
    assert abs(q - float(row["p_anger"])) > 1e-4, (q, row)
PY

section "every figure, recounted from the predictions"
run eval tiny --data m.csv --predictions p.csv --json
ok
check "WAR, UAR, F1, top 2, ECE" python3 - <<'PY'
import csv, json
d = json.load(open(".out"))
rows = list(csv.DictReader(open("p.csv")))
p = [{c: float(r["p_" + c]) for c in d["classes"]} for r in rows]
right = [r["truth"] == r["prediction"] for r in rows]
mean = lambda v: 100 * sum(v) / len(v)
f1 = []
for c in d["classes"]:
    hit = sum(r["truth"] == r["prediction"] == c for r in rows)
    f1.append(2 * hit / (sum(r["truth"] == c for r in rows) + sum(r["prediction"] == c for r in rows)))
top2 = [r["truth"] in sorted(q, key=q.get, reverse=True)[:2] for r, q in zip(rows, p)]
bins = {}
for q, ok in zip(p, right):
    sure = max(q.values())
    bins.setdefault(min(14, int(sure * 15)), []).append(sure - ok)
ece = 100 * sum(abs(sum(b)) for b in bins.values()) / len(rows)
uar = mean([sum(r["truth"] == r["prediction"] == c for r in rows) / sum(r["truth"] == c for r in rows) for c in d["classes"]])
for name, value in dict(war=mean(right), uar=uar, macro_f1=mean(f1), top2=mean(top2), ece=ece).items():
    assert abs(d[name] - value) < 1e-3, (name, d[name], value)
PY

section "shared classes"
run eval tiny --data m.csv --labels 'happy,sad,bored'
exits 2
err_is "class 'anger': has no label .*"
run eval tiny --data m.csv --labels 'happy,sad,bored' --shared-classes --json
ok
value "d['n'] == 8 and d['classes'] == ['happiness', 'sadness'] or d['classes_left_out'] == ['anger', 'fear']"
value "d['samples_left_out'] == 8"
run eval tiny --data m.csv --labels 'happy,sad,bored' --shared-classes
out_has 'left out: 8 samples of anger, fear, which no label covers'
run eval tiny --data m.csv --labels 'happy,bored' --shared-classes
exits 2
err_has '1 of its classes match a label'

section "groups"
run eval tiny --data m.csv --group-by age --json
ok
value "d['groups']['column'] == 'age' and [g['value'] for g in d['groups']['groups']] == ['old', 'young']"
value "sum(g['n'] for g in d['groups']['groups']) == d['n'] == 16"
value "abs(sum(g['n'] * g['war'] for g in d['groups']['groups']) / 16 - d['war']) < 1e-9"
run eval tiny --data m.csv --group-by subject
ok
out_has 'by subject'
out_has 'largest difference'
run eval tiny --data m.csv --group-by none
exits 2
err_is "--group-by: .*no sample has a value in column 'none'.*"

section "open set"
run eval tiny --data m.csv --protocol open-set --known happiness,sadness --json
ok
value "d['splits'][0]['n_known'] == 8 and d['splits'][0]['n_unknown'] == 8"
value "set(d['splits'][0]['scores']) == {'max_softmax', 'energy', 'max_cosine', 'max_logit'}"
value "all(0 <= x <= 100 for f in d['splits'][0]['scores'].values() for v in f.values() for x in (v if type(v) is list else [v]))"
value "all(f[k + '_interval'][0] <= f[k] <= f[k + '_interval'][1] for f in d['splits'][0]['scores'].values() for k in ('auroc', 'oscr'))"
run eval tiny --data m.csv --protocol open-set --known happiness,sadness
ok
out_has 'max_cosine +AUROC'
run eval tiny --data m.csv --protocol open-set
exits 2
err_is '--protocol open-set: known classes not given .*'
run eval tiny --data m.csv --protocol open-set --known happiness,joy
exits 2
err_is "--known: the data has no class 'joy' .*"
run eval tiny --data m.csv --protocol open-set --splits mafw
exits 2
err_has "the data has no class 'disgust'|the data has no class"
sed 's/,anger,/,surprise,/' m.csv >six.csv
printf 'path,label\n' >seven.csv
seven=(anger disgust fear happiness neutral sadness surprise)
for i in $(seq 0 13); do printf 'set/%s.png,%s\n' "$i" "${seven[$((i % 7))]}" >>seven.csv; done
run eval tiny --data seven.csv --protocol open-set --splits afew --json
ok
value "len(d['splits']) == 20 and [m['known_classes'] for m in d['means']] == [2, 3, 4, 5]"
value "all(m['splits'] == 5 for m in d['means'])"
value "abs(sum(s['acc'] for s in d['splits'][:5]) / 5 - d['means'][0]['acc']) < 1e-9"

section "robustness"
run eval tiny --data m.csv --protocol robustness --corruptions blur,jpeg --json
ok
value "len(d['runs']) == 11 and d['runs'][0]['corruption'] == 'none' and d['runs'][0]['war'] == d['war']"
value "[r['level'] for r in d['runs'][1:6]] == [1, 2, 3, 4, 5]"
value "all(r['war_interval'][0] <= r['war'] <= r['war_interval'][1] and r['uar_interval'][0] <= r['uar'] for r in d['runs'])"
value "abs(d['spoiled_war'] - sum(r['war'] for r in d['runs'][1:]) / 10) < 1e-9 and abs(d['drop'] - d['war'] + d['spoiled_war']) < 1e-9"
value "d['spoiled_war_interval'][0] <= d['spoiled_war'] <= d['spoiled_war_interval'][1] and len(d['drop_interval']) == 2"
cp .out first.json
run eval tiny --data m.csv --protocol robustness --corruptions blur,jpeg --json
check "the same again" cmp .out first.json
run eval tiny --data m.csv --protocol robustness --corruptions noise
ok
out_has '^noise +1 +[0-9.]+ \([0-9.]+ to [0-9.]+\)'
out_has '^mean over corrupted pictures [0-9.]+ \([0-9.]+ to'
run eval tiny --data m.csv --protocol robustness --corruptions fog
exits 2
err_is "--corruptions: unknown corruption 'fog' .*"

section "options that a protocol does not take are refused"
refused() {
  run eval tiny --data m.csv "$@"
  exits 2
  out_is_empty
  err_is "$1: not supported by --protocol .* \(expected .*\)"
}
refused --predictions p.csv --protocol robustness
refused --with-samples --protocol k-fold
refused --with-images --protocol open-set --report x.html
refused --group-by age --protocol robustness
refused --shared-classes --protocol leave-one-out
refused --prompts P1 --protocol regression
refused --known fear
refused --splits afew --protocol closed
refused --corruptions blur
refused --targets a --protocol open-set
refused --average-by age
refused --unseen shapes7
refused --outliers expressions

section "folds of a published data set"
mkdir -p dfew/DFEW_Frame_Face
for i in 1 2 3 4; do
  mkdir -p "dfew/DFEW_Frame_Face/0000$i"
  for f in 1 2; do cp "set/$i.png" "dfew/DFEW_Frame_Face/0000$i/0000$f.png"; done
done
for fold in 1 2 3 4 5; do
  printf 'x/00001 2 0\nx/00002 2 1\nx/00003 2 2\n' >"dfew/DFEW_set_${fold}_test.txt"
  printf 'x/00004 2 3\n' >"dfew/DFEW_set_${fold}_train.txt"
done
printf 'x/00004 2 3\n' >dfew/DFEW_set_5_test.txt
run eval tiny --data dfew:dfew --protocol k-fold --json
ok
value "[f['n'] for f in d['folds']] == [3, 3, 3, 3, 1]"
value "abs(sum(f['war'] for f in d['folds']) / 5 - d['war']) < 1e-9"
value "abs(sum(f['uar'] for f in d['folds']) / 5 - d['uar']) < 1e-9"
value "len(d['folds'][0]['absent']) == 4"
value "d['war_interval'][0] <= d['war'] <= d['war_interval'][1] and d['uar_interval'][0] <= d['uar'] <= d['uar_interval'][1]"
value "all(f['war_interval'][0] <= f['war'] <= f['war_interval'][1] and len(f['data_hash']) == 64 for f in d['folds'])"
# The same figures fold by fold, from the predictions of five runs.
for fold in 1 2 3 4 5; do
  "$mien" eval tiny --data dfew:dfew --split test --fold $fold --predictions "fold$fold.csv" >/dev/null 2>&1
done
check "the mean of five runs" python3 - <<'PY'
import csv, json
d = json.load(open(".out"))
wars, uars = [], []
for fold in range(1, 6):
    rows = list(csv.DictReader(open(f"fold{fold}.csv")))
    wars.append(100 * sum(r["truth"] == r["prediction"] for r in rows) / len(rows))
    classes = {r["truth"] for r in rows}
    recall = lambda c: [r["prediction"] == c for r in rows if r["truth"] == c]
    uars.append(100 * sum(sum(recall(c)) / len(recall(c)) for c in classes) / len(classes))
assert abs(sum(wars) / 5 - d["war"]) < 1e-9 and abs(sum(uars) / 5 - d["uar"]) < 1e-9, (wars, uars, d)
PY
run eval tiny tiny tiny tiny tiny --data dfew:dfew --protocol k-fold
ok
out_has '^mean of 5 folds +WAR'
run eval tiny tiny --data dfew:dfew --protocol k-fold
exits 2
err_is '--bundle: wrong number \(expected one, or one for each of the 5 folds in order, got 2\)'
run eval tiny --data dfew:dfew --protocol k-fold --fold 2
exits 2
err_is '--fold: cannot be combined with --protocol k-fold.*'
run eval tiny --data m.csv --protocol k-fold
exits 2
err_is '--protocol k-fold: m\.csv has no folds .*'
run eval tiny --data dfew:dfew --split test --fold 9
exits 2
err_has 'fold 9|--fold'

section "bad annotation"
printf 'x/00001 2\n' >dfew/DFEW_set_1_test.txt
run eval tiny --data dfew:dfew --split test
exits 2
err_has 'DFEW_set_1_test\.txt:1'
printf 'x/00001 2 0\nx/00002 2 9\n' >dfew/DFEW_set_1_test.txt
run eval tiny --data dfew:dfew --split test
exits 2
err_has 'DFEW_set_1_test\.txt:2.*9'
printf 'path,label,subject,split\nset/1.png,happiness,A,train\nset/2.png,sadness,A,test\n' >leak.csv
run data check leak.csv
exits 1
err_has "subject|'A'"
run eval tiny --data leak.csv --split test --json
exits 0
err_is "leak\.csv: 1 subjects of split test are also in other splits, such as 'A'; .*" \
  "leak: only one label, 'sadness', so every answer is right .*"
value "d['shared_subjects'] == 1 and d['n'] == 1"
run eval tiny --data leak.csv --json
ok
value "d['shared_subjects'] == 0"

section "a class without samples is named, and is no zero"
printf 'path,label,split\nset/1.png,happiness,train\nset/2.png,sadness,test\nset/5.png,sadness,test\nset/3.png,anger,test\n' >absent.csv
run eval tiny --data absent.csv --labels happy,sad,angry --split test --json
ok
check "UAR is over the classes that occur" python3 - <<'PY'
import json
d = json.load(open(".out"))
there = [v for v in d["recall"].values() if v is not None]
assert len(there) == 2 and abs(d["uar"] - sum(there) / 2) < 1e-9, d
assert all(d["recall"][c] is None for c in d["absent"])
PY
printf 'path,label\nset/1.png,happiness\nset/2.png\n' >short.csv
run eval tiny --data short.csv
exits 2
err_is 'short\.csv:3: has 1 cells \(expected 2, one per column\)'
no_leftovers
finish
