#!/usr/bin/env bash
# docs/reference/own-data.md, command by command; the manifest scripts; what a newcomer gets wrong.
source "$(dirname "$0")/lib.sh"
[ -x "$(dirname "$mien")/mien-train" ] || { echo 'no mien-train (built without LibTorch)'; exit 77; }
ln -s "$root/scripts" "$root/recipes" .
export PATH="$(dirname "$mien"):$PATH"
python3 - "$here" <<'PY'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from miniatures import picture
for c, name in enumerate(("calm", "tense")):
    folder = pathlib.Path("photos", name)
    folder.mkdir(parents=True)
    for i in range(30):
        (folder / f"{('anna', 'ben', 'cleo', 'dan')[i % 4]}_{i:02}.png").write_bytes(picture(40 * c + i, 48))
pathlib.Path("photos/calm/.DS_Store").write_bytes(b"x")
pathlib.Path("photos/calm/notes.txt").write_text("x")
PY

section "every command of the guide"
python3 - "$root/docs/reference/own-data.md" <<'PY'
import pathlib, re, sys
blocks = re.findall(r"^```sh\n(.*?)^```", pathlib.Path(sys.argv[1]).read_text(), re.M | re.S)
for i, block in enumerate(blocks):
    pathlib.Path(f"step{i}.sh").write_text("set -e\n" + block)
PY
check "six commands" test "$(ls step*.sh | wc -l)" -eq 6
for step in step?.sh; do
  last_command=$(sed 1d "$step")
  bash "$step" >.out 2>.err </dev/null
  code=$?
  exits 0
  check "nothing but what was skipped" test -z "$(grep -v 'skipped 1 file' "$tmp/.err")"
  cp .out "$step.out"
done
check "splits" grep -q 'faces.csv: 60 samples of 2 classes; train 36, val 12, test 12; skipped 1 other files' step0.sh.out
check "nothing is wrong" grep -q 'no problems found' step2.sh.out
check "an epoch was chosen" grep -q 'best epoch [0-9]* (war ' step3.sh.out
check "twelve pictures are tested" grep -q '12' step4.sh.out
check "it answers with the own classes" grep -qE 'calm|tense' step5.sh.out
run data check by_person.csv --json
ok
check "people are kept together" python3 -c '
import csv
of = {}
for row in csv.DictReader(open("by_person.csv")):
    of.setdefault(row["subject"], set()).add(row["split"])
assert len(of) == 4 and all(len(s) == 1 for s in of.values()), of'

section "what goes wrong first"
train=(train recipes/cliper/own-pictures.yaml --data . -o wrong)
run "${train[@]}" --set data.classes=calm,tence
exits 1
err_has "faces.csv:[0-9]*: label 'tense' .expected one of calm, tence"
run "${train[@]}" --set data.train_split=training
exits 1
err_has "no sample to train with in split 'training' .* one of 'test', 'train', 'val'"
run "${train[@]}" --set cliper.batch=100
exits 1
err_has 'training set is smaller than one batch'
check "not a folder" test "$(scripts/make_manifest nothing -o x.csv 2>&1)" = 'make_manifest: nothing: not a folder'

section "FER2013 from Kaggle's file"
mkdir kaggle
python3 - <<'PY'
import csv
with open("kaggle/fer2013.csv", "w") as file, open("kaggle/fer2013new.csv", "w") as votes:
    writer, voted = csv.writer(file), csv.writer(votes)
    writer.writerow(["emotion", "pixels", "Usage"])
    voted.writerow(["Usage", "Image name", "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"])
    for i in range(14):
        writer.writerow([i % 7, " ".join(str((i * 7 + p) % 256) for p in range(48 * 48)), "Training" if i < 7 else "PublicTest"])
        voted.writerow(["", "", 0, 10, 0, 0, 0, 0, 0, 0, 0, 0])
PY
check "made" scripts/fer2013_manifest kaggle fer
run data check fer/fer2013.csv --json
ok
check "fourteen with votes" python3 -c '
import json
d = json.load(open(".out"))
assert d["samples"] == 14 and d["splits"] == {"train": 7, "val": 7} and d["votes"] == 14, d'
run train recipes/cliper/fer2013-compact.yaml --data fer -o fer-run --set cliper.init=compact --set cliper.batch=4 \
  --set cliper.stage1.epochs=1
ok

section "help without reading any further"
run help train
ok
out_has 'YAML recipe'
cp .out help.txt
run train --help
ok
check "the same" diff help.txt .out
run version
ok
out_has '^mien [0-9]'
mkdir bare
cp "$mien" bare/
bare/mien train --help >.out 2>.err
code=$?
last_command='train --help (without mien-train)'
exits 0
out_has 'YAML recipe'
run predict photos/calm --bundle compct
exits 3
err_has "did you mean 'compact'"
run train
exits 2
err_is 'train: recipe is required .*'
no_leftovers
finish
