#!/usr/bin/env bash
# A conversion gives the same results as the checkpoint, or is refused with what is missing.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
python3 "$here/honest_weights.py" tiny || exit 1
words=tiny/tokenizer.txt
convert() { run convert "$@" --tokenizer "$words" --json; }
json() { check "$1" python3 -c "import json; d = json.load(open('.out')); assert $1, d"; }
# features BUNDLE: the label features of a bundle, one text line per row.
features() {
  python3 - "$here" "$1" <<'PY'
import struct, sys
sys.path.insert(0, sys.argv[1])
from honest_weights import read
_, shape, data = read(sys.argv[2] + "/model.safetensors")["label_features"]
for row in range(shape[0]):
    print(*(f"{v:.4f}" for v in struct.unpack_from(f"<{shape[1]}f", data, 4 * shape[1] * row)))
PY
}

section "a checkpoint of HESP is not a plain CLIP"
convert hesp.safetensors out
exits 1
err_is "hesp.safetensors: checkpoint: a model of HESP, with negative pictures in 'prompt.negatives' .3, 3, 32, 32. and a patch of pixels in 'prompt.patch' .*position of its patch .*names of its classes .* are missing .*"
check "nothing was made" test ! -e out
convert prompts_of_hesp.safetensors out
exits 1
err_has 'a model of HESP'
convert hesp.safetensors clip-inside --leave-out prompt.
exits 0
json 'len(d["left_out"]) == 3 and abs(d["logit_scale"] - 100) < 1e-3'

section "tensors that change the answers are not left out silently"
convert adapter.safetensors out
exits 1
err_has "2 tensors are not part of CLIP's towers .*'adapter.fc.0.weight'"
convert coop.safetensors out
exits 1
err_has "1 tensor is not part .*'prompt_learner.ctx'.*--leave-out"
convert adapter.safetensors without --leave-out adapter.fc
exits 0
json 'd["left_out"] == ["adapter.fc.0.weight", "adapter.fc.2.weight"]'

section "a trained factor above 100 is kept, and reported"
convert loud.safetensors loud
exits 0
json 'abs(d["logit_scale"] - 150) < 1e-3 and any("150.0000, as trained" in n for n in d["notes"])'
convert stock.safetensors stock
exits 0
json 'abs(d["logit_scale"] - 100) < 1e-3 and not any("factor" in n for n in d["notes"])'

section "DFER-CLIP: where the text of a class stands"
cat >texts.yaml <<'YAML'
first: "a b."
second: "c."
YAML
convert dfer.safetensors out --labels texts.yaml
exits 2
err_has 'dfer.safetensors: position of the class text among the learned tokens is unknown .*--class-token-position end, .* front or middle'
convert stock.safetensors out --class-token-position end
exits 2
err_has 'has no learned tokens'
plain() { # NAME TEXT TEXT: the features of these texts
  printf 'first: "%s"\nsecond: "%s"\n' "$2" "$3" >plain.yaml
  convert stock.safetensors "plain-$1" --labels plain.yaml
  exits 0
}
plain end 'x y z w a b.' 'p q r s c.'
plain front 'a b. x y z w' 'c. p q r s'
plain middle 'x y a b. z w' 'p q c. r s'
for position in end front middle; do
  convert dfer.safetensors "dfer-$position" --labels texts.yaml --class-token-position $position
  exits 0
  json "d['labels'] == ['first', 'second'] and any('($position)' in n for n in d['notes'])"
  check "the features of the words at these places" diff <(features "plain-$position") <(features "dfer-$position")
done
check "another place gives other features" test "$(features dfer-end)" != "$(features dfer-front)"
convert dfer_said.safetensors said --labels texts.yaml
exits 0
check "what the file says" diff <(features said) <(features dfer-front)
convert dfer_said.safetensors out --labels texts.yaml --class-token-position end
exits 2
err_has "differs from the file \(expected 'front'\)"
convert dfer.safetensors out --labels plain.yaml --class-token-position end
exits 1
err_has "does not match the text 'x y a b. z w' for class 'first'"

section "KE2NT with its text tower predicts and evaluates"
convert ke2nt.safetensors ke2nt --text-from loud
exits 0
json 'd["labels"] == ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]'
json 'abs(d["logit_scale"] - 150) < 1e-3 and any("transformation network" in n for n in d["notes"])'
cat >sentences.yaml <<'YAML'
surprise: "a photo of a person making a surprise facial expression."
anger: "a photo of a person making an anger facial expression."
YAML
convert stock.safetensors sentences --labels sentences.yaml
exits 0
check "its own sentences" diff <(features sentences) <(features ke2nt | sed -n '1p;6p')
convert ke2nt.safetensors two --text-from stock --labels happy,angry
exits 0
json 'd["labels"] == ["happy", "angry"]'
check "method and sentences" python3 -c '
import json
d = json.load(open("two/bundle.json"))
assert d["method"] == "e2n", d["method"]
assert [l["texts"] for l in d["labels"]] == [["a photo of a person making a happiness facial expression."],
                                             ["a photo of a person making an anger facial expression."]], d["labels"]'
media faces data 12
run predict data/faces/0.png --bundle two --face whole --json
ok
rows '{l["label"] for l in rows[0]["faces"][0]["labels"]} == {"happy", "angry"}'
run predict data/faces/0.png --bundle two --face whole --labels 'bored,"very surprised"' --json
ok
run eval ke2nt --data data/faces.csv --protocol closed --json
ok
json 'd["n"] == 12'
convert ke2nt.safetensors tower
exits 0
json 'd["labels"] == [] and any("--text-from CLIP adds the text tower" in n for n in d["notes"])'
convert swin_face.safetensors out --text-from stock
exits 2
err_has 'was not trained against a text tower'
no_leftovers
finish
