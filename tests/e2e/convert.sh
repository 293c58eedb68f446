#!/usr/bin/env bash
# `mien convert` on every layout of CLIP checkpoints, and what `mien inspect` says of them.
. "$(dirname "$0")/convert_lib.sh"
"$PYTHON" -c 'import torch' 2>/dev/null || { echo "skipped: PyTorch is not installed (Debian: python3-torch)"; exit 77; }

expect 0 "wrote" convert --random-tiny tiny
cp tiny/tokenizer.txt bpe.txt
"$PYTHON" -B - "$ROOT/scripts" <<'PYTHON' || problem "no checkpoints"
import argparse, json, pathlib, sys
sys.path.insert(0, sys.argv[1])
import make_random_clip as maker
vocab = json.load(open("tiny/bundle.json"))["architecture"]["text"]["vocabulary"]
for layout in maker.LAYOUTS:
    folder = layout.startswith("hf") or layout in ("openclip", "openclip-text")
    args = argparse.Namespace(model="tiny", dtype="f32", activation="quick_gelu", vocab=vocab, context=77, seed=1)
    maker.write(args, layout, pathlib.Path(layout if folder else layout + ".pt"))
    args.dtype = "f16"
    maker.write(args, "openai-torchscript", pathlib.Path("half.pt"))
    args.dtype, args.activation = "f32", "gelu"
    maker.write(args, "hf", pathlib.Path("hf-gelu"))
    maker.write(args, "openclip", pathlib.Path("openclip-gelu"))
args.vocab += 1
maker.write(args, "openai", pathlib.Path("other_words.pt"))
# With the published number of layers the map has the published number of tensors.
deep = dict(maker.MODELS["tiny"], layers=12, text_layers=12)
assert len(maker.emoclip(maker.openai_weights(deep, vocab, 77, 1), deep, 1)) == 327
PYTHON

# --- every layout ---
check() {  # SRC FORMAT NAMING
  expect 0 "" convert "$1" "b-$1" --tokenizer bpe.txt --json
  json "d['format'] == '$2' and d['naming'] == '$3' and abs(d['logit_scale'] - 100) < 1e-3"
  json "d['architecture']['image']['heads'] == 2 and d['architecture']['text']['width'] == 64"
  json "d['parameters']['total'] > 0 and len(d['labels']) == 7"
  expect 0 "verified" inspect "b-$1"
  expect 0 "$2, $3 names" inspect "$1"
  cmp -s b-openai-torchscript.pt/model.safetensors "b-$1/model.safetensors" || problem "$1: other weights"
}
check openai-torchscript.pt torchscript openai
check openai.pt torch-zip openai
check openai-legacy.pt torch-legacy openai
check hf safetensors huggingface
check hf-bin torch-zip huggingface
check hf-sharded safetensors-shards huggingface
check openclip safetensors openai
check openclip-text safetensors openclip
check openclip-train.pt torch-zip openai

# --- EmoCLIP: the temporal model is kept, from both published layouts, with and without `module.` ---
"$PYTHON" - <<'PYTHON' || problem "no EmoCLIP variants"
import torch
state = torch.load("emoclip.pt")
torch.save({k[len("module."):]: v for k, v in state.items()}, "emoclip-bare.pt")
torch.save({k: v.half() if "backbone" in k and v.dim() > 1 else v for k, v in state.items()}, "emoclip-half.pt")
broken = dict(state)
del broken["module.temporal.temporal_transformer.layers.1.0.fn.norm.bias"]
torch.save(broken, "emoclip-hole.pt")
broken = dict(state)
broken["module.temporal.temporal_transformer.layers.0.0.fn.fn.to_qkv.weight"] = torch.zeros(100, 48)
torch.save(broken, "emoclip-turned.pt")
image = torch.load("emoclip-image.pt")
torch.save({"module." + k: v for k, v in image.items()}, "emoclip-image-module.pt")
# The trap: what stands at `backbone.transformer.` is the text tower, though the picture's side is bare.
for name, value in state.items():
    if name.startswith("module.backbone.transformer."):
        image[name[len("module."):]] = value
torch.save(image, "emoclip-trap.pt")
PYTHON
temporal='{"type": "transformer", "width": 48, "layers": 2, "heads": 8, "head_width": 16, "mlp": 48, "positions": 64, "activation": "gelu_tanh"}'
emoclip() {  # SRC NAMING OPTIONS...
  local source=$1 naming=$2
  shift 2
  expect 0 "" convert "$source" "b-$source" --tokenizer bpe.txt --json "$@"
  json "d['naming'] == '$naming' and d['architecture']['temporal'] == json.loads('$temporal')"
  json "d['parameters']['temporal'] == 64 * 48 + 48 + 2 * (4 * 48 + 4 * 48 * 128 + 48 + 2 * 48 * 48 + 2 * 48)"
  cp out converted
  expect 0 "verified" inspect "b-$source"
  expect 0 "32, every 4th frame (emoclip)" inspect "b-$source"
  expect 0 "normalise by (0.4815 0.4578 0.4082) / (0.2686 0.2613 0.2758), shorter side to 32 (bicubic, no antialias)" inspect "b-$source"
  expect 0 "8 heads of 16" inspect "$source"
  cp converted out  # for the checks that follow
}
same_tensors() {  # BUNDLE BUNDLE PREFIXES...: equal bytes of the tensors with these prefixes, and some of each
  "$PYTHON" -B - "$@" <<'PYTHON' || problem "$1 and $2: other tensors"
import json, struct, sys
def tensors(path):
    data = open(path + "/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {k: data[8 + size + v["data_offsets"][0]:8 + size + v["data_offsets"][1]]
            for k, v in header.items() if k != "__metadata__"}
one, two = tensors(sys.argv[1]), tensors(sys.argv[2])
for prefix in sys.argv[3:]:
    names = [k for k in one if k.startswith(prefix)]
    if not names or any(one[k] != two[k] for k in names):
        sys.exit(prefix)
PYTHON
}
emoclip emoclip.pt openai
json "abs(d['logit_scale'] - 60) < 1e-3 and d['left_out'] == ['module.backbone.logit_scale']"
same_tensors b-emoclip.pt b-openai.pt visual. transformer. token_embedding text_projection label_features
emoclip emoclip-bare.pt openai
cmp -s b-emoclip.pt/model.safetensors b-emoclip-bare.pt/model.safetensors || problem "emoclip without module.: other weights"
emoclip emoclip-half.pt openai
json 'set(d["dtypes"]) == {"F16", "F32"}'
same_tensors b-emoclip-half.pt b-emoclip.pt temporal.
for source in emoclip-image.pt emoclip-image-module.pt; do
  emoclip $source bare_image --text-from openai.pt
  json "d['architecture']['text']['width'] == 64 and len(d['labels']) == 7 and d['left_out'] == []"
  json "d['architecture']['regression'] == {'type': 'mlp', 'hidden': 24, 'targets': 3}"
  json "d['targets'] == ['target_1', 'target_2', 'target_3'] and any('--targets sets them' in n for n in d['notes'])"
  json "any('text tower taken from openai.pt' in n for n in d['notes'])"
  same_tensors b-$source b-openai.pt visual. transformer. token_embedding text_projection label_features
  same_tensors b-$source b-emoclip.pt temporal.
done
grep -q 'openai.pt.*(the text tower)' b-emoclip-image.pt/CARD.md || problem "the card does not tell where the text tower comes from"
grep -q 'Temporal model: 2 layers' b-emoclip-image.pt/CARD.md || problem "the card does not tell of the temporal model"
emoclip emoclip-image.pt bare_image --text-from b-hf --overwrite   # a bundle gives its text tower and its tokenizer
# Without a text tower it gives embeddings, and says so.
"$PYTHON" - <<'PYTHON' || problem "no EmoCLIP without a head"
import torch
state = torch.load("emoclip-image.pt")
torch.save({k: v for k, v in state.items() if not k.startswith("mlp.")}, "emoclip-headless.pt")
torch.save({k: v for k, v in state.items() if not k.startswith("mlp.2")}, "emoclip-probe.pt")
state["mlp.0.weight"] = state["mlp.0.weight"][:, :40].contiguous()
torch.save(state, "emoclip-narrow.pt")
PYTHON
expect 0 "no text tower: the bundle has no labels and gives embeddings only" convert emoclip-headless.pt wordless
expect 0 "none: embeddings only" inspect wordless
expect 0 "" inspect wordless --json
json 'd["bundle"]["architecture"]["text"] is None and d["bundle"]["labels"] == [] and not d["label_features"]'
printf 'P6 2 2 255 abcabcabcabc' >dot.ppm
expect 0 '"kind":"face"' embed dot.ppm --bundle wordless --face whole
expect 2 "labels" predict dot.ppm --bundle wordless --face whole
# With a head it gives the values of its targets.
expect 0 "gives the values of its targets" convert emoclip-image.pt valued --targets affect,rapport,speech
expect 0 "two layers, 24 hidden, 3 targets" inspect valued
expect 0 "affect, rapport, speech" inspect valued
expect 0 '"target":"speech"' predict dot.ppm --bundle valued --face whole --json
expect 0 "linear probe, 24 targets" convert emoclip-probe.pt probe
expect 0 "the regression head is left out: checkpoint: 'mlp.0.weight' has shape" convert emoclip-narrow.pt narrow
expect 2 "--targets: 2 names (expected 3" convert emoclip-image.pt dst --targets a,b
expect 2 "--targets: the source has no regression head" convert emoclip-headless.pt dst --targets a,b
expect 0 "" convert valued again --json
json "d['targets'] == ['affect', 'rapport', 'speech']"
# A bundle as source keeps temporal model, frames and preprocessing.
expect 0 "" convert b-emoclip.pt rebuilt-emo --json --dtype bf16
json "d['architecture']['temporal'] == json.loads('$temporal')"
expect 0 "32, every 4th frame (emoclip)" inspect rebuilt-emo
# What does not fit is reported.
expect 1 "1 of 24 tensors of the temporal model are missing: 'module.temporal.temporal_transformer.layers.1.0.fn.norm.bias'" convert emoclip-hole.pt dst --tokenizer bpe.txt
expect 1 "to_qkv.weight' has shape [100, 48] (expected [384, 48])" convert emoclip-turned.pt dst --tokenizer bpe.txt
expect 1 "has shape [64] (expected [128])" convert emoclip-trap.pt dst --text-from openai.pt --tokenizer bpe.txt
expect 2 "--text-from: openai.pt already has a text tower" convert openai.pt dst --text-from hf --tokenizer bpe.txt
expect 1 "has no text tower (expected a whole CLIP model)" convert emoclip-image.pt dst --text-from emoclip-image.pt --tokenizer bpe.txt
expect 1 "--text-from: nothing" convert emoclip-image.pt dst --text-from nothing
expect 2 "no tokenizer beside the weights" convert emoclip-image.pt dst --text-from openai.pt
expect 2 "--temporal: only for --random-tiny" convert openai.pt dst --temporal --tokenizer bpe.txt
absent dst

# A file inside a folder, and an index, are the same as the folder.
for source in hf/model.safetensors hf-sharded/model.safetensors.index.json; do
  expect 0 "wrote" convert $source "again-$(dirname $source)" --tokenizer bpe.txt
  cmp -s b-hf/model.safetensors "again-$(dirname $source)/model.safetensors" || problem "$source: other weights"
done

# --- what is left out, and what is assumed, is reported ---
expect 0 "--activation gelu is right" convert openai.pt note --tokenizer bpe.txt
expect 0 '"notes":[]' convert openai-torchscript.pt quiet --tokenizer bpe.txt --json
mkdir bare && cp hf/model.safetensors bare/
expect 0 "no config.json: assumed quick_gelu" convert bare bare-b --tokenizer bpe.txt
cp openclip/open_clip_model.safetensors .
expect 0 "--activation quick_gelu is right" convert open_clip_model.safetensors oc --tokenizer bpe.txt --json
json 'd["architecture"]["image"]["activation"] == "gelu"'

# --- activation ---
for source in hf-gelu openclip-gelu; do
  expect 0 "" convert $source b-$source --tokenizer bpe.txt --json
  json 'd["architecture"]["image"]["activation"] == "gelu" == d["architecture"]["text"]["activation"]'
done
expect 0 "" convert hf-gelu forced --tokenizer bpe.txt --activation quick_gelu --json
json 'd["architecture"]["image"]["activation"] == "quick_gelu"'

# --- types ---
expect 0 "" convert half.pt half --tokenizer bpe.txt --json
json 'set(d["dtypes"]) == {"F16", "F32"}'
expect 0 "" convert half.pt half32 --tokenizer bpe.txt --dtype f32 --json
json 'set(d["dtypes"]) == {"F32"}'
expect 0 "" convert hf brain --tokenizer bpe.txt --dtype bf16 --json
json 'd["dtypes"]["BF16"]["tensors"] > 50 and d["bytes"] < 1600000'

# --- tokenizer ---
expect 2 "no tokenizer beside the weights (expected --tokenizer with bpe_simple_vocab_16e6.txt.gz" convert openai.pt dst
expect 2 "as in the text tower" convert other_words.pt dst --tokenizer bpe.txt
expect 2 "nothing.txt" convert openai.pt dst --tokenizer nothing.txt
cp bpe.txt hf/tokenizer.txt
expect 0 "wrote" convert hf found
rm hf/tokenizer.txt

# --- labels, names, licence, preprocessing ---
expect 0 "" convert openai.pt named --tokenizer bpe.txt --name "my model" --labels 'happy,"very, very sad",happy+sad' \
  --licence MIT --preprocess dfer_clip --json
json 'd["name"] == "my model" and d["labels"] == ["happy", "very, very sad", "happy+sad"]'
grep -q '^MIT$' named/CARD.md || problem "the card does not tell the licence"
grep -q 'feel' named/CARD.md || problem "the card has no notice on responsible use"
expect 0 "resize to 32 x 32 (bilinear)" inspect named
expect 0 "MIT" inspect named

# --- without the text tower ---
expect 0 "none: own labels only" convert openai.pt small --tokenizer bpe.txt --image-only --labels 'happy,sad'
expect 0 "" inspect small --json
json 'd["bundle"]["architecture"]["text"] is None and d["label_features"] and "tokenizer.txt" not in d["bundle"]["files"]'

# --- a bundle as source keeps what it knows ---
expect 0 "" convert b-hf-gelu rebuilt --dtype bf16 --json
json 'd["architecture"]["image"]["activation"] == "gelu" and "BF16" in d["dtypes"]'

# --- configurations of other models are refused, with what was expected ---
refuse() {  # FOLDER FILE FROM TO MESSAGE
  rm -rf exotic && cp -r "$1" exotic
  sed -i "s/$3/$4/" "exotic/$2"
  expect 1 "$5" convert exotic dst --tokenizer bpe.txt
}
refuse hf config.json '"model_type": "clip"' '"model_type": "siglip"' "'model_type' is \"siglip\" (expected \"clip\")"
refuse hf config.json '"hidden_act": "quick_gelu"' '"hidden_act": "swish"' "unknown activation 'swish'"
refuse hf config.json '"layer_norm_eps": 1e-05' '"layer_norm_eps": 1e-06' "(expected 1e-05)"
refuse hf config.json '"eos_token_id": 2' '"eos_token_id": 7' "'eos_token_id' is 7"
refuse hf config.json '"patch_size": 8' '"patch_size": 16' "does not belong to these weights: patch size is 16 (expected 8)"
refuse hf config.json '"num_attention_heads": 2' '"num_attention_heads": 5' "with 5 heads"
refuse openclip open_clip_config.json '"patch_size": 8' '"patch_size": 8, "timm_model_name": "vit_b"' "expected a plain CLIP tower"
refuse openclip open_clip_config.json '"heads": 1' '"heads": 1, "hf_tokenizer_name": "bert"' "'hf_tokenizer_name' is \"bert\""
refuse openclip open_clip_config.json '^{' '[' "open_clip_config.json"
absent dst

# --- weights that are no numbers ---
"$PYTHON" - <<'PYTHON'
import torch
state = torch.load("openai.pt")
state["visual.proj"][0, 0] = float("nan")
torch.save(state, "nan.pt")
state = torch.load("openai.pt")
state["visual.proj"][0, 0] = 1e6
torch.save(state, "large.pt")
state["logit_scale"] = torch.tensor(float("inf"))
torch.save(state, "scale.pt")
state = torch.load("openai.pt")
state["text_projection"] = state["text_projection"].t().contiguous()
torch.save(state, "turned.pt")
PYTHON
expect 1 "not finite" convert nan.pt dst --tokenizer bpe.txt
expect 2 "expected at most 65504 for f16" convert large.pt dst --tokenizer bpe.txt --dtype f16
expect 1 "'logit_scale'" convert scale.pt dst --tokenizer bpe.txt
expect 1 "has shape" convert turned.pt dst --tokenizer bpe.txt
absent dst

# --- replacing ---
expect 2 "already exists" convert openai.pt named --tokenizer bpe.txt
expect 0 "wrote" convert openai.pt named --tokenizer bpe.txt --overwrite
expect 1 "not finite" convert nan.pt named --tokenizer bpe.txt --overwrite
expect 0 "verified" inspect named

finish
