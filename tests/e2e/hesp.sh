#!/usr/bin/env bash
# HESP: recipes, training on known classes, kill and resume, unknown in predict.
source "$(dirname "$0")/lib.sh"
[ -x "$(dirname "$mien")/mien-train" ] || { echo 'no mien-train (built without LibTorch)'; exit 77; }
media faces data 24
run convert --random-tiny data/tiny
ok
cat >r.yaml <<'YAML'
method: hesp
data: {train: faces.csv, val_split: train, classes: [angry, happy, sad]}
hesp: {init: tiny, known: [angry, happy], epochs: 3, batch: 6, frames: 1, patch: 8, contexts: 4}
train: {optimiser: sgd, lr: 0.01, momentum: 0.9, log_every: 1, checkpoint_steps: 1, seed: 5}
YAML
train=(train r.yaml --data data --threads 1)

section "recipes are read, with the published values"
for recipe in "$root"/recipes/hesp/*.yaml; do
  run train "$recipe" --print-recipe
  ok
  out_has 'train.lr: 0.01'
  out_has 'hesp.contexts: 16'
  out_has 'hesp.train_text_ctx: true'
done
run train "$root/recipes/hesp/mafw.yaml" --print-recipe
for value in 'epochs: 100' 'batch: 64' 'frames: 8' 'patch: 56' 'step: 50' 'margin_weight: 0.1'; do
  out_has "hesp.$value"
done

section "known classes train, the others are detected"
run "${train[@]}" -o whole
ok
out_has 'bundle: whole/bundle'
check "figures of every epoch, losses of every step" python3 -c '
import json
rows = [json.loads(line) for line in open("whole/log.jsonl")]
steps = [r for r in rows if "lr" in r]
assert steps and all({"kn_ce", "kn_cl", "ne_ce", "ne_clip", "h"} <= set(r) for r in steps), steps[:1]
epochs = [r for r in rows if "war" in r]
assert len(epochs) == 3 and all(0 <= r["auroc"] <= 100 and 0 <= r["oscr"] <= 100 for r in epochs), epochs'
run inspect whole/bundle
ok

section "killed, then finished: the same result"
for wait in 0.4 0.7; do
  timeout -s KILL "$wait" "$mien" "${train[@]}" -o broken >/dev/null 2>&1
done 2>/dev/null
run "${train[@]}" -o broken
ok
check "same bundle" cmp whole/bundle/model.safetensors broken/bundle/model.safetensors

section "unknown in predict"
run predict data/faces/0.png --bundle whole/bundle --face whole --json
ok
check "labels are the known classes" python3 -c '
import json
row = json.loads(open(".out").readline())
face = (row.get("faces") or [row])[0]
names = {label["label"] for label in face["labels"]}
assert names == {"angry", "happy"}, names
assert isinstance(face["unknown"], bool)'
run predict data/faces/0.png --bundle whole/bundle --face whole --unknown 1 --json
ok
out_has '"unknown":true'
run predict data/faces/0.png --bundle whole/bundle --face whole --labels 'glad, bored' --json
ok
out_has '"unknown":false'

section "the first face of a track places the patch"
run "${train[@]}" -o clips --set hesp.mask=per_clip
ok
check "the bundle says so" python3 -c '
import json
prompt = json.load(open("clips/bundle/bundle.json"))["architecture"]["prompt"]
assert prompt == {"size": 8, "labels": 2}, prompt'
clip walk.mp4 1 12
run predict walk.mp4 --bundle clips/bundle --face whole --unknown auto --json --threads 1
ok
cp .out one.jsonl
run predict walk.mp4 --bundle clips/bundle --face whole --unknown auto --json --threads 3
ok
check "threads change nothing" python3 -c '
import json
def answers(name):
    rows = [json.loads(line) for line in open(name)]
    return [row.get("faces") for row in rows if row["kind"] == "frame"]
one = answers("one.jsonl")
assert len([row for row in one if row]) == 12 and one == answers(".out")'
run eval clips/bundle --data data/faces.csv --protocol open-set --json
ok
out_has '"max_logit"'

section "evaluation with the classes that the bundle does not know"
run eval whole/bundle --data data/faces.csv --protocol open-set --json
ok
out_has '"max_logit"'

section "outlier words"
run eval data/tiny --data data/faces.csv --protocol open-set --known angry,happy --outliers expressions --json
ok
out_has '"outlier_words"'
run eval data/tiny --data data/faces.csv --protocol open-set --known angry,happy --outliers 'bored, proud'
ok
out_has 'outlier_words'
run eval data/tiny --data data/faces.csv --protocol open-set --known angry,happy --outliers missing.yaml
check "fails" test "$code" -ne 0
err_has '--outliers'

section "ARPL"
for recipe in "$root"/recipes/arpl/*.yaml; do
  run train "$recipe" --print-recipe
  ok
  out_has 'train.lr: 0.1'
done
cat >arpl.yaml <<'YAML'
method: arpl
data: {train: faces.csv, val_split: train, classes: [angry, happy, sad]}
arpl: {init: tiny, known: [angry, happy], epochs: 3, batch: 6, frames: 1}
train: {optimiser: sgd, lr: 0.1, momentum: 0.9, log_every: 1, seed: 5}
YAML
run train arpl.yaml --data data --threads 1 -o points
ok
run predict data/faces/0.png --bundle points/bundle --face whole --unknown auto --json
ok
out_has '"unknown":'
run eval points/bundle --data data/faces.csv --protocol open-set --json
ok
out_has '"max_logit"'
run train arpl.yaml --data data -o x --set arpl.known=angry,bored
check "fails" test "$code" -ne 0
err_has "bored"

section "tables of runs by a plan"
cat >plan.json <<'JSON'
{"recipe": "arpl.yaml", "vary": {"seed": [1, 2, 3]}, "set": ["train.seed={seed}"],
 "measures": [{"name": "val", "arguments": ["--data", "{data}/faces.csv", "--protocol", "open-set"],
   "figures": {"Acc": "splits.0.acc", "AUROC": "splits.0.scores.max_logit.auroc"}}],
 "rows": [{"name": "untrained", "bundle": "data/tiny", "vary": {"seed": [0]}, "measures": [{"name": "val",
   "arguments": ["--data", "{data}/faces.csv", "--protocol", "open-set", "--known", "angry,happy"],
   "figures": {"Acc": "splits.0.acc", "AUROC": "splits.0.scores.max_cosine.auroc"}}]}, {"name": "ARPL"}]}
JSON
table() { python3 "$root/scripts/run_table.py" plan.json --data data --out table --mien "$mien"; }
table >first.md 2>table.err
check "makes the table" grep -Eq '^\| ARPL \| 3 \| [0-9.]+ ± ' first.md
check "the row that was not trained" grep -q '^| untrained | 1 |' first.md
check "one line per result" test "$(wc -l <table/results.jsonl)" -eq 4
sed -i '$d' table/results.jsonl
table >second.md 2>table.err
check "goes on, to the same table" cmp first.md second.md

section "bad input"
run train r.yaml --data data -o x --set hesp.known=angry,bored
check "fails" test "$code" -ne 0
err_has "bored"
run train r.yaml --data data -o x --set hesp.known= --set hesp.split=afew:99
check "fails" test "$code" -ne 0
err_has "afew"
run train r.yaml --data data -o x --set hesp.patch=3
check "fails" test "$code" -ne 0
err_has "even"

finish
