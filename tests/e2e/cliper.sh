#!/usr/bin/env bash
# CLIPER: recipes, both stages, resume between them, explanations, the map on the evaluation page.
source "$(dirname "$0")/lib.sh"
[ -x "$(dirname "$mien")/mien-train" ] || { echo 'no mien-train (built without LibTorch)'; exit 77; }
media faces data 24
run convert --random-tiny data/tiny
ok
cat >r.yaml <<'YAML'
method: cliper
data: {train: faces.csv, val_split: train, classes: [angry, happy, sad]}
cliper:
  init: tiny
  descriptors: 3
  tokens: 2
  batch: 6
  stage1: {epochs: 2}
  stage2: {epochs: 2, lr: 0.0001}
  augment: {flip: 0}
  view: {brightness: 0, hue: 0, crop_area: 1}
train: {optimiser: adamw, per_epoch: true, log_every: 1, checkpoint_steps: 1, seed: 5}
YAML
train=(train r.yaml --data data --threads 1)

section "recipes are read, with the published values"
for recipe in "$root"/recipes/cliper/*.yaml; do
  run train "$recipe" --print-recipe
  ok
  out_has 'cliper.stage1.lr: 0.01'
  out_has 'cliper.stage1.eps: 0.0001'
done
run train "$root/recipes/cliper/rafdb.yaml" --print-recipe
for value in 'descriptors: 5' 'tokens: 4' 'batch: 128' 'stage2.epochs: 57' 'stage2.lr: 5e-06' \
  'stage2.weight_decay: 0.1' 'stage2.restart_epochs: 10' 'view.crop_area: 0.15' 'view.hue: 0.3'; do
  out_has "cliper.$value"
done

section "two stages"
run "${train[@]}" -o whole
ok
out_has 'bundle: whole/bundle'
check "what ran in each stage" python3 -c '
import json
rows = [json.loads(line) for line in open("whole/log.jsonl")]
steps = [r for r in rows if "lr" in r]
assert {r["stage"] for r in steps} == {0, 1}
for r in steps:
    if r["stage"] == 0:
        assert r["image_tower_pictures"] == 0 and r["lr"] == 0.01, r
    else:
        assert r["text_tower_runs"] == 1 and r["image_tower_pictures"] > 0, r
assert steps[-1]["lr"] < 0.0001, steps[-1]'
run inspect whole/bundle
ok

section "killed in either stage, then finished"
for wait in 0.5 0.9 1.3; do
  timeout -s KILL "$wait" "$mien" "${train[@]}" -o broken >/dev/null 2>&1
done 2>/dev/null
run "${train[@]}" -o broken
ok
check "the same weights" cmp whole/bundle/model.safetensors broken/bundle/model.safetensors
check "the same descriptors" cmp whole/bundle/bundle.json broken/bundle/bundle.json

section "explanations name descriptors and their nearest words"
run predict data/faces/0.png --bundle whole/bundle --face whole --explain
ok
out_has 'because .*learned descriptor [123] of '
out_has 'its tokens: .* \| '
out_has 'against '
run predict data/faces/0.png --bundle whole/bundle --face whole --explain --json
ok
check "shape" python3 -c '
import json
face = json.loads(open(".out").readline())["faces"][0]
assert len(face["reasons"]) == 9
assert all(len(r["near"]) == 2 and len(r["near"][0]) == 5 for r in face["reasons"])
top = max(face["labels"], key=lambda row: row["cosine"])
own = [r["cosine"] for r in face["reasons"] if r["label"] == top["label"]]
assert abs(sum(own) / 3 - top["cosine"]) < 1e-4, (own, top)  # the bundle says mean-cosine'
run predict data/faces/0.png --bundle whole/bundle --face whole --reduce max --json
ok

section "the evaluation page has the map"
run eval whole/bundle --data data/faces.csv --protocol closed --report page.html
ok
check "heat map" grep -q 'Descriptions by class' page.html
check "all cells" test "$(sed -n '/Descriptions by class/,$p' page.html | grep -o 'fill-opacity' | wc -l)" -eq 27

section "what does not fit"
run "${train[@]}" -o bad --set cliper.init=whole/none
exits 1
err_has 'whole/none'
run "${train[@]}" -o bad --set cliper.tokens=500
exits 1
err_has '500 learned tokens'
run "${train[@]}" -o bad --set cliper.descriptors=0
exits 2
err_has 'descriptors'
python3 - <<'PY'
import json
path = "whole/bundle/bundle.json"
info = json.load(open(path))
info["learned"] = info["learned"][1:]
json.dump(info, open(path, "w"))
PY
run predict data/faces/0.png --bundle whole/bundle --face whole
exits 3
err_has 'learned'

finish
