#!/usr/bin/env bash
# DFER-CLIP, CoOp and Exp-CLIP: every recipe for a step on miniatures, resume after a kill, the bundles in predict and eval.
source "$(dirname "$0")/lib.sh"
[ -x "$(dirname "$mien")/mien-train" ] || { echo 'no mien-train (built without LibTorch)'; exit 77; }
python3 "$here/miniatures.py" data || exit 1
for name in clip-vit-b32 clip-vit-b16 clip-vit-l14; do
  run convert --random-tiny "data/$name"
  ok
done
# Teacher vectors of the right shape: eight pictures, 24 numbers each.
mkdir data/caer
python3 - "$here" <<'PY'
import json, pathlib, random, struct, sys
sys.path.insert(0, sys.argv[1])
from miniatures import picture
data, rows, width = pathlib.Path("data"), 8, 24
names = [f"caer/{i}.png" for i in range(rows)]
for i, name in enumerate(names):
    (data / name).write_bytes(picture(3 * i))
(data / "caer-s.csv").write_text("path,label,split\n" + "".join(f"{n},,train\n" for n in names))
random.seed(1)
values = [random.gauss(0, 1) for _ in range(rows * width)]
header = json.dumps({"vectors": {"dtype": "F32", "shape": [rows, width], "data_offsets": [0, 4 * len(values)]}}).encode()
(data / "caer-s-teacher.safetensors").write_bytes(
    struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(values)}f", *values))
(data / "caer-s-teacher.txt").write_text("".join(n + "\n" for n in reversed(names)))
PY

section "recipes of DFER-CLIP have the published values"
for name in dfew ferv39k mafw; do
  run train "$root/recipes/dfer-clip/$name.yaml" --print-recipe
  ok
  for value in 'contexts.tokens: 8' 'contexts.place: end' 'contexts.init_std: 0.02' 'lr_temporal: 0.01' \
    'lr_image: 1e-05' 'lr_contexts: 0.001' 'epochs: 50' 'batch: 48' 'frames: 16' 'view.crop_area: 0.08' 'view.flip: 0.5'; do
    out_has "dfer-clip.$value"
  done
  out_has 'train.milestones: .*30, 40'
  run train "$root/recipes/dfer-clip/$name.yaml" --data data --threads 1 -o "runs/$name" --set dfer-clip.epochs=1 \
    --set dfer-clip.batch=7 --set train.log_every=1
  ok
  check "one step" test "$(grep -c '"loss"' "runs/$name/log.jsonl")" -ge 1
  run inspect "runs/$name/bundle"
  ok
  out_has 'dfer_clip'
done
run train "$root/recipes/dfer-clip/own-clips.yaml" --print-recipe
ok

section "DFER-CLIP: its bundle answers for clips"
run eval runs/dfew/bundle --data dfew:data/DFEW --split test --protocol closed --json
ok
check "clips through the temporal model" python3 -c '
import json
d = json.load(open(".out"))
assert d["n"] == 7, d'
run predict data/DFEW/DFEW_Frame_Face/00101/000.png --bundle runs/dfew/bundle --face whole --explain
ok
out_has 'its tokens: .* \| '
run predict data/DFEW/DFEW_Frame_Face/00101/000.png --bundle runs/dfew/bundle --face whole --labels 'happy,bored'
ok

section "DFER-CLIP: killed, then finished, is the same"
train=(train "$root/recipes/dfer-clip/dfew.yaml" --data data --threads 1 --set dfer-clip.epochs=3 --set dfer-clip.batch=3
  --set train.checkpoint_steps=1)
run "${train[@]}" -o whole
ok
for wait in 0.7 1.1; do
  timeout -s KILL "$wait" "$mien" "${train[@]}" -o broken >/dev/null 2>&1
done 2>/dev/null
run "${train[@]}" -o broken
ok
check "the same weights" cmp whole/bundle/model.safetensors broken/bundle/model.safetensors

section "CoOp: a run, and its bundle answers for clips and pictures"
recipe=$root/recipes/coop/own-clips.yaml
run train "$recipe" --print-recipe
ok
for value in 'contexts.tokens: 16' 'contexts.shared: true' 'contexts.place: end' 'contexts.init_std: 0.02'; do
  out_has "coop.$value"
done
run train "$recipe" --data data --threads 1 -o runs/coop --set data.train=dfew:DFEW --set data.val_split=test \
  --set data.folds=0 --set coop.init=clip-vit-b32 --set coop.epochs=2 --set coop.batch=3
ok
run eval runs/coop/bundle --data dfew:data/DFEW --split test --protocol closed --json
ok
run predict data/DFEW/DFEW_Frame_Face/00101/000.png --bundle runs/coop/bundle --face whole --explain
ok
out_has 'its tokens: .* \| '

section "recipes of Exp-CLIP have the published values"
for name in caer-s-b32 caer-s-b16 caer-s-l14; do
  run train "$root/recipes/exp-clip/$name.yaml" --print-recipe
  ok
  for value in 'exp-clip.epochs: 5' 'exp-clip.batch: 512' 'train.lr: 0.001' 'train.momentum: 0.9' \
    'train.weight_decay: 0.0001' 'exp-clip.prompts: P3'; do
    out_has "$value"
  done
  run train "$root/recipes/exp-clip/$name.yaml" --data data --threads 1 -o "runs/$name" --set exp-clip.batch=4 \
    --set train.log_every=1
  ok
  check "five epochs of two steps" test "$(grep -c '"match"' "runs/$name/log.jsonl")" -eq 10
done

section "Exp-CLIP: its bundle answers for pictures, clips and other words"
run eval runs/caer-s-b32/bundle --data dfew:data/DFEW --split test --protocol closed --json
ok
run predict data/caer/0.png --bundle runs/caer-s-b32/bundle --face whole --labels 'happy,politely bored' --json
ok
run embed data/caer/0.png --bundle runs/caer-s-b32/bundle --face whole
ok
check "as wide as the teacher" python3 -c '
import json
d = json.loads(open(".out").readline())
assert len(d["embedding"]) == 24, d'

section "what does not fit"
run train "$root/recipes/exp-clip/caer-s-b32.yaml" --data data -o unnamed --set exp-clip.teacher_ids= --set exp-clip.batch=4
exits 0
run train "$root/recipes/exp-clip/caer-s-b32.yaml" --data data -o bad2 --set exp-clip.teacher=none.safetensors
exits 1
err_has 'none.safetensors'
run train "$root/recipes/dfer-clip/dfew.yaml" --data data -o bad3 --set dfer-clip.contexts.tokens=500
exits 1
err_has '500 learned tokens'

section "the projection of a published checkpoint"
python3 - <<'PY'
import json, random, struct
random.seed(2)
def write(path, name, rows, columns):
    values = [random.gauss(0, 0.2) for _ in range(rows * columns)]
    header = json.dumps({name: {"dtype": "F32", "shape": [rows, columns], "data_offsets": [0, 4 * len(values)]}}).encode()
    open(path, "wb").write(struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(values)}f", *values))
write("head.safetensors", "mlp.weight", 40, 32)
write("inner.safetensors", "projection_head.mlp.weight", 40, 32)
write("wide.safetensors", "mlp.weight", 40, 33)
# A stock CLIP: the random towers with a scale of their own.
data = open("data/clip-vit-b32/model.safetensors", "rb").read()
length = struct.unpack("<Q", data[:8])[0]
header, body = json.loads(data[8:8 + length]), data[8 + length:]
header["logit_scale"] = {"dtype": "F32", "shape": [], "data_offsets": [len(body), len(body) + 4]}
text = json.dumps(header).encode()
open("stock.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + body + struct.pack("<f", 4.6052))
PY
tiny=data/clip-vit-b32/tokenizer.txt
for head in head inner; do
  run convert stock.safetensors "exp-$head" --projection $head.safetensors --tokenizer $tiny
  ok
done
run predict data/caer/0.png --bundle exp-head --face whole --json
ok
check "what the method fixes" python3 -c '
import json
info = json.load(open("exp-head/bundle.json"))
assert info["method"] == "exp-clip" and info["architecture"]["embed"] == 40 and info["reduce"] == "mean-cosine"
assert info["sampling"] == {"rule": "exp_clip", "frames": 16, "stride": 1}, info["sampling"]
assert info["labels"][0]["texts"] == ["a photo of a face with an expression of happiness."], info["labels"]
assert [s["kind"] for s in info["preprocess"]["steps"]] == ["resize_exact", "to_float"]
assert any("head.safetensors" in name for name in info["provenance"]["converted_from"]["files"])'
run convert head.safetensors bad4 --tokenizer $tiny
exits 2
err_has 'only the projection of Exp-CLIP'
run convert stock.safetensors bad5 --projection wide.safetensors --tokenizer $tiny
exits 2
err_has 'width 33 .expected 32'
run convert stock.safetensors bad6 --projection data/caer-s-teacher.safetensors --tokenizer $tiny
exits 2
err_has "no 'mlp.weight'"
no_leftovers
finish
