#!/usr/bin/env bash
# A face detector from nothing: one small epoch of the recipe on crops of the demo picture, a bundle, and its answers.
source "$(dirname "$0")/lib.sh"
[ -x "$(dirname "$mien")/mien-train" ] || { echo 'no mien-train (built without LibTorch)'; exit 77; }
teacher=$root/../shared/teachers/yunet_n_dynamic.onnx
picture=$root/build/demo/astronaut.png
if [ ! -s "$teacher" ] || [ ! -s "$picture" ]; then
  echo "skipped: shared/teachers/yunet_n_dynamic.onnx or build/demo/astronaut.png is missing"
  exit 77
fi
mkdir -p data/backgrounds data/frames
"$mien" convert "$teacher" data/teacher >/dev/null || exit 1
# Forty crops around the one face, a few pixels apart, each somebody else's; and pictures of colours without a face.
echo "path,label,subject,sequence,split" >data/crops.csv
for i in $(seq 0 39); do
  movie -i "$picture" -frames:v 1 -vf "crop=150:170:$((146 + i % 8)):$((38 + i / 8))" "data/c$i.png"
  echo "c$i.png,,p$i,,train" >>data/crops.csv
done
movie -f lavfi -i "gradients=s=320x240:n=4:speed=0.3:d=2:r=20" data/backgrounds/%02d.png
movie -i "$picture" -frames:v 1 data/frames/a.png

train() { # OUT OPTIONS...
  local out=$1
  shift
  run train "$root/recipes/face/face.yaml" --data data --threads 1 -o "$out" --set faces.crops=crops.csv \
    --set faces.crop_shares=1 --set faces.frames=frames --set faces.val_pictures=frames --set faces.val_part=4 \
    --set detector.batch=4 --set detector.scenes=16 --set detector.val_scenes=8 --set scenes.side=128 \
    --set train.milestones=1 --set train.log_every=1 "$@"
}

section "one epoch"
train small --set detector.epochs=1
exits 0
check "every picture was used" test "$(grep -c '"score_loss"' small/log.jsonl)" -eq 4
check "recall and threshold are finite" python3 -c '
import json, math
rows = [json.loads(line) for line in open("small/log.jsonl")]
values = [row for row in rows if "recall" in row]
assert len(values) == 1, values
assert all(math.isfinite(values[0][k]) for k in ("recall", "threshold", "recall_pictures")), values'
run inspect small/bundle
ok
out_has "bundle of a face detector"
out_has "hashes  *verified"
run detect "$picture" --detector small/bundle --json
ok
rows 'len(rows) == 1 and rows[0]["kind"] == "image"'
check "no face of more than 141 pixels was placed" python3 -c '
import json
info = json.load(open("small/bundle/bundle.json"))
assert abs(info["largest_face"] - 1.1 * 128) < 1e-6, info["largest_face"]
assert info["provenance"]["training_data"] == ["crops.csv"], info["provenance"]'

section "what is refused"
train none --set detector.epochs=1 --set detector.teacher=nowhere
exits 1
err_has "nowhere: cannot be opened"
cp -r data/backgrounds data/full && cp data/frames/a.png data/full/ && rm data/full/[0-9]*.png
train none --set detector.epochs=1 --set faces.backgrounds=full
exits 1
err_has "faces.backgrounds: too few pictures without a face among 1"
no_leftovers
finish
