#!/usr/bin/env bash
# train, kill, resume, export, predict; two processes; recipes that are wrong.
source "$(dirname "$0")/lib.sh"
[ -x "$(dirname "$mien")/mien-train" ] || { echo 'no mien-train (built without LibTorch)'; exit 77; }
media faces data 24
cat >r.yaml <<'YAML'
method: emoclip
data: {train: faces.csv, val_split: train, classes: [angry, happy, sad]}
model:
  trains: all
  temporal: none
  tower: {embed: 16, image_size: 16, patch: 8, width: 16, layers: 1, heads: 1, text_width: 16, text_layers: 1, text_heads: 1}
emoclip: {texts: classes, frames: 1, batch: 6, epochs: 6, preprocess: clip}
train: {lr: 0.01, optimiser: adam, log_every: 1, checkpoint_steps: 1, seed: 5}
YAML
train=(train r.yaml --data data --threads 1)
losses() { sed -n 's/.*"step":\([0-9]*\),.*"loss":\([^,]*\),.*/\1 \2/p' "$1/log.jsonl"; }

section "an unbroken run"
run "${train[@]}" -o whole
ok
out_has 'epoch 6  war '
out_has 'bundle: whole/bundle'
out_has '24 steps in .*; best epoch [1-6] \(war '
out_has "class texts: mien's own, not the authors' sentences"
out_has '^  angry: '
check "TensorBoard events" ls whole/events.out.tfevents.*
check "24 steps" test "$(losses whole | wc -l)" -eq 24
run predict data/faces/0.png --bundle whole/bundle --face whole
ok
run eval whole/bundle --data data/faces.csv --protocol closed --json
ok

section "killed again and again, then finished"
for wait in 0.5 0.8 1.1; do
  timeout -s KILL "$wait" "$mien" "${train[@]}" -o broken >/dev/null 2>&1
done 2>/dev/null
run "${train[@]}" -o broken
ok
check "the same losses" diff <(losses whole) <(losses broken)
check "the same weights" cmp whole/bundle/model.safetensors broken/bundle/model.safetensors

section "interrupted"
"$mien" "${train[@]}" -o stopped --set emoclip.epochs=4000 >/dev/null 2>.stopped &
pid=$!
for _ in $(seq 100); do [ -s stopped/log.jsonl ] && break; sleep 0.1; done
kill -INT $pid
wait $pid
check "exit code" test $? -eq 1
check "message" grep -q 'the same command continues the run' .stopped

section "export"
run export whole copy
ok
check "the best epoch" cmp copy/model.safetensors whole/bundle/model.safetensors
run export whole copy
exits 3
err_has 'copy'
run export whole copy --last --overwrite
ok

section "JSON lines"
run "${train[@]}" -o json --set emoclip.epochs=1 --json
ok
check "shape" python3 -c '
import json
lines = [json.loads(line) for line in open(".out")]
assert set(lines[0]["values"]) == {"war", "uar"}, lines[0]
assert {"run", "steps", "seconds", "resumed", "best_epoch", "best", "selected_by", "notes", "bundle"} == set(lines[-1]), lines[-1]
assert lines[-1]["selected_by"] == "war" and lines[-1]["notes"][0].startswith("class texts"), lines[-1]'

section "nothing that validates: the last epoch, and no invented figure"
run "${train[@]}" -o blind --set emoclip.epochs=2 --set data.val_split=
ok
out_has '8 steps in .*; last epoch 2 \(no figure selects one\)'

section "the authors' own file of class texts, and few samples that validate"
printf 'angry: "tight lips and narrow eyes."\nhappy: "a smile."\nsad: "tears."\n' >data/class_descriptions.yml
run "${train[@]}" -o texts --set emoclip.epochs=1 --set emoclip.class_texts=class_descriptions.yml --set data.val_limit=5
ok
out_has 'class texts: class_descriptions.yml$'
out_has '  happy: a smile\.$'
check "the bundle has them" python3 -c '
import json
d = json.load(open("texts/bundle/bundle.json"))
assert [l["texts"] for l in d["labels"]] == [["tight lips and narrow eyes."], ["a smile."], ["tears."]], d["labels"]
assert d["provenance"]["class_texts"] == "class_descriptions.yml", d["provenance"]'
run "${train[@]}" -o none-texts --set emoclip.class_texts=missing.yml
exits 1
err_has 'missing.yml'

section "two processes"
port=$((20000 + RANDOM % 20000))
process() {
  WORLD_SIZE=2 RANK=$1 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
    "$mien" "${train[@]}" -o two --set emoclip.batch=3 >/dev/null 2>".process$1"
}
process 1 &
check "process 0" process 0
check "process 1" wait $!
run "${train[@]}" -o chunks --set emoclip.local_chunks=2
ok
losses two >.two
losses chunks >.chunks
check "the same losses as one with two chunks" python3 -c '
a, b = ([tuple(map(float, line.split())) for line in open(name)] for name in (".two", ".chunks"))
assert len(a) == len(b) == 24, (len(a), len(b))
assert all(abs(x[1] - y[1]) < 1e-4 for x, y in zip(a, b)), (a, b)'

section "one class left out"
for class in angry sad; do
  run "${train[@]}" -o "no-$class" --set data.leave_out=$class --set emoclip.epochs=1
  ok
done
run eval no-angry/bundle no-sad/bundle --data data/faces.csv --protocol leave-one-out --json
ok
check "figures" python3 -c '
import json
d = json.load(open(".out"))
assert d["n"] == 16 and d["missing"] == ["happy"] and set(d["recall"]) == {"angry", "sad"}, d
assert abs(d["uar"] - sum(d["recall"].values()) / 2) < 1e-9, d'
run eval no-angry/bundle no-sad/bundle --data data/faces.csv --protocol leave-one-out
ok
out_has 'no bundle left out: happy'
run eval whole/bundle --data data/faces.csv --protocol leave-one-out
exits 2
err_has 'does not say which class'
run eval no-angry/bundle no-angry/bundle --data data/faces.csv --protocol leave-one-out
exits 2
run eval no-angry/bundle no-sad/bundle --data data/faces.csv
exits 2

section "E2N-FER: train, kill, resume, predict with intensity and free labels"
sed -e 's/angry,/happy,/' -e 's/sad,/neutral,/' data/faces.csv >data/calm.csv
run convert --random-tiny data/teacher
ok
cat >e2n.yaml <<'YAML'
method: e2n
data: {train: calm.csv, val_split: train}
model:
  encoder: residual
  image_size: 16
  residual: {channels: 1, stem_kernel: 3, stem_stride: 1, stem_width: 16, stem_pool: false, first_stride: 2, widths: [16, 32], blocks: [1, 1]}
  teacher: teacher
  hidden: 16
e2n: {epochs: 6, batch: 6, text_tower: true}
train: {lr: 0.02, log_every: 1, checkpoint_steps: 1, seed: 5, weight_decay: 0.0005, schedule: e2n, warmup_epochs: 1}
YAML
e2n=(train e2n.yaml --data data --threads 1)
run "${e2n[@]}" -o e2n
ok
out_has 'epoch 6  war '
timeout -s KILL 1.0 "$mien" "${e2n[@]}" -o e2n-broken >/dev/null 2>&1
run "${e2n[@]}" -o e2n-broken
ok
check "the same losses" diff <(losses e2n) <(losses e2n-broken)
check "the same weights" cmp e2n/bundle/model.safetensors e2n-broken/bundle/model.safetensors
run predict data/faces/0.png --bundle e2n/bundle --face whole --labels 'happy,"something else"' --json
ok
run predict data/faces/0.png --bundle e2n/bundle --face whole --explain --json
ok
grep -q '"neutral"' e2n/bundle/bundle.json && out_has '"intensity":'
run eval e2n/bundle --data data/calm.csv --protocol closed --json
ok
run "${e2n[@]}" -o e2n-bad --set model.teacher=nobody
exits 1
err_has 'nobody'

section "bad recipes"
bad() { # what the error must have, then arguments
  local message=$1
  shift
  run train "$@" -o none
  exits 2
  err_has "$message"
}
bad "did you mean 'emoclip.batch'" r.yaml --set emoclip.bach=3
bad 'expected 1 to 65536' r.yaml --set emoclip.batch=0
bad 'no.yaml' no.yaml
echo 'epochs: 3' >bad.yaml
bad "has no 'method'" bad.yaml
printf 'method: emoclip\ntrain:\n  lrr: 1\n' >bad.yaml
bad "bad.yaml:3: unknown option 'train.lrr'" bad.yaml
echo 'method: nothing' >bad.yaml
bad 'expected one of emoclip' bad.yaml
check "nothing was made" test ! -e none

section "a run of an older program, which had an option less"
identity() {
  { echo 'processes: 1'; grep -vE '^(train\.(checkpoint_minutes|checkpoint_steps|keep|log_every)|data\.threads):' "$1"; } | sha256sum | cut -d' ' -f1
}
cp -r whole older
now=$(identity older/recipe.yaml)
check "checkpoints name their recipe" grep -qa "$now" older/best.safetensors
sed -i '/^train\.patience: /d' older/recipe.yaml
LC_ALL=C sed -i "s/$now/$(identity older/recipe.yaml)/" older/*.safetensors
run "${train[@]}" -o older
ok
out_has 'best epoch'
run "${train[@]}" -o older --set train.patience=3
exits 1
err_has 'another recipe: train.patience is 0 there and 3 here'

section "bad runs"
run "${train[@]}" -o whole --set train.lr=0.5
exits 1
err_has 'another recipe: train.lr is '
err_has ' there and 0.5 here'
run "${train[@]}" -o nan --set train.lr=1000 --set train.weight_decay=10 --set train.optimiser=sgd
exits 1
err_has 'the loss is '
run "${train[@]}" -o nodata --set data.train=none.csv
exits 1
err_has 'none.csv'
run train --help
ok
out_has 'RUN/bundle'
no_leftovers
finish
