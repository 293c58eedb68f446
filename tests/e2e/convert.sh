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
check emoclip.pt torch-zip openai

# A file inside a folder, and an index, are the same as the folder.
for source in hf/model.safetensors hf-sharded/model.safetensors.index.json; do
  expect 0 "wrote" convert $source "again-$(dirname $source)" --tokenizer bpe.txt
  cmp -s b-hf/model.safetensors "again-$(dirname $source)/model.safetensors" || problem "$source: other weights"
done

# --- what is left out, and what is assumed, is told ---
expect 0 "the temporal model is left out" convert emoclip.pt emo --tokenizer bpe.txt --force
expect 0 "2 tensors: temporal.cls_token" convert emoclip.pt emo --tokenizer bpe.txt --force
expect 0 "--activation gelu is right" convert openai.pt note --tokenizer bpe.txt
expect 0 '"notes":[]' convert openai-torchscript.pt quiet --tokenizer bpe.txt --json
mkdir bare && cp hf/model.safetensors bare/
expect 0 "no config.json: took quick_gelu" convert bare bare-b --tokenizer bpe.txt
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
expect 2 "as the text tower" convert other_words.pt dst --tokenizer bpe.txt
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
refuse hf config.json '"hidden_act": "quick_gelu"' '"hidden_act": "swish"' "activation 'swish' is not known"
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
expect 2 "exists already" convert openai.pt named --tokenizer bpe.txt
expect 0 "wrote" convert openai.pt named --tokenizer bpe.txt --force
expect 1 "not finite" convert nan.pt named --tokenizer bpe.txt --force
expect 0 "verified" inspect named

finish
