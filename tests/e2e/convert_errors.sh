#!/usr/bin/env bash
# Refusals of `mien convert` and their messages. Needs no PyTorch.
. "$(dirname "$0")/convert_lib.sh"

# --- the random tiny bundle ---
expect 0 "its answers mean nothing" convert --random-tiny tiny
expect 0 '"kind":"convert"' convert --random-tiny tiny2 --seed 2 --json
json 'd["destination"] == "tiny2" and d["bytes"] > 100000'
cmp -s tiny/model.safetensors tiny2/model.safetensors && problem "another seed gives the same weights"
expect 0 "wrote" convert --random-tiny same
cmp -s tiny/model.safetensors same/model.safetensors || problem "the same seed gives other weights"
expect 2 "already exists" convert --random-tiny tiny
expect 0 "wrote" convert --random-tiny tiny2 --overwrite
expect 0 "--force: renamed to --overwrite" convert --random-tiny tiny2 --force   # the old spelling

# --- usage ---
expect 2 "expected SRC and DST" convert tiny
expect 2 "expected DST with --random-tiny" convert --random-tiny a b
expect 2 "--dtype" convert x y --dtype int4
expect 2 "--activation" convert x y --activation relu
expect 2 "--preprocess" convert x y --preprocess none
expect 2 "paths" convert
expect 2 "--labels" convert tiny y --labels 'happy,happy'
absent y

# --- the source ---
expect 1 "no such file or folder" convert missing.pt dst
mkdir empty
expect 1 "no weights in this folder" convert empty dst
: >zero.pt
expect 1 "file is empty" convert zero.pt dst
echo "hello, this is no model" >text.pt
expect 1 "not a weights file" convert text.pt dst
head -c 5000 tiny/model.safetensors >cut.safetensors
expect 1 "cut.safetensors" convert cut.safetensors dst
mkdir several && touch several/a.pt several/b.pt
expect 1 "2 weights files" convert several dst
absent dst

# A pickle that wants to run a command is read without running it, and refused.
"$PYTHON" - <<'PYTHON'
import io, os, pickle, zipfile

class Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)

for name, value in (("evil.pt", Evil()), ("evil_value.pt", {"visual.conv1.weight": Evil()})):
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, protocol=2))
        archive.writestr("archive/version", "3\n")
with open("evil_legacy.pt", "wb") as file:
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, Evil(), []):
        file.write(pickle.dumps(part, protocol=2))
PYTHON
for file in evil.pt evil_value.pt evil_legacy.pt; do
  expect 1 "$file" convert $file dst
  [ ! -e pwned ] || problem "$file was executed"
done

# Weights of another architecture, and of a tower without words.
"$PYTHON" - <<'PYTHON'
import json, struct

def write(path, shapes):
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for n in shape:
            size *= n
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + bytes(at))

write("resnet.safetensors", {"conv1.weight": [64, 3, 7, 7], "fc.weight": [1000, 512]})
write("partial.safetensors", {"visual.conv1.weight": [64, 3, 8, 8], "visual.class_embedding": [64]})
PYTHON
expect 1 "no known CLIP naming" convert resnet.safetensors dst
expect 1 "are missing" convert partial.safetensors dst
absent dst

# --- the destination ---
expect 2 "already exists" convert tiny/model.safetensors tiny2
expect 2 "no such folder" convert tiny/model.safetensors nowhere/dst
expect 2 "is a file" convert tiny/model.safetensors text.pt --overwrite
mkdir photos && touch photos/holiday.jpg
expect 2 "not a bundle, so it is not replaced" convert tiny/model.safetensors photos --overwrite
expect 2 "so it is not replaced" convert --random-tiny photos --overwrite
[ -e photos/holiday.jpg ] || problem "a folder that is not a bundle was replaced"
expect 2 "would overwrite an input" convert tiny/model.safetensors tiny --overwrite
[ -e tiny/model.safetensors ] || problem "the source was removed"
if [ "$(id -u)" -eq 0 ]; then locked=/proc; else mkdir locked && chmod 555 locked && locked=locked; fi
expect 3 "$locked/dst" convert --random-tiny $locked/dst

# --- inspect ---
expect 0 "hashes" inspect tiny
expect 0 '"kind":"bundle"' inspect tiny --json
json 'd["verified"] is True and d["bundle"]["name"] == "tiny-random" and d["parameters"]["image"] > 1000'
json 'len(d["tensors"]) == 8 and d["tensor_count"] > 8'
expect 0 "" inspect tiny --json --tensors --no-verify
json 'len(d["tensors"]) == d["tensor_count"] and d["verified"] is None'
tar --format=ustar -cf tiny.tar tiny
expect 0 "bundle, format version 1" inspect tiny.tar
expect 0 "resnet.safetensors: weights, safetensors, unknown names" inspect resnet.safetensors
expect 0 '"naming":"unknown"' inspect resnet.safetensors --json
json 'd["architecture"] is None and d["tensor_count"] == 2'
expect 1 "no such file or folder" inspect missing
mkfifo pipe
expect 1 "pipe" inspect pipe
expect 1 "evil.pt" inspect evil.pt
[ ! -e pwned ] || problem "inspect executed a pickle"
cp -r tiny changed && echo more >>changed/CARD.md
expect 1 "CARD.md was changed" inspect changed
expect 0 "not verified" inspect changed --no-verify
echo '{' >changed/bundle.json
expect 1 "bundle.json" inspect changed

# The example in docs/reference/bundle.md has the keys of a real bundle.json.
"$PYTHON" - "$ROOT/docs/reference/bundle.md" >out 2>err <<'PYTHON' || problem "docs/reference/bundle.md tells other keys"
import json, re, sys

def keys(value, key=""):
    if not isinstance(value, dict) or key in ("provenance", "files"):
        return {key}
    return {key}.union(*[keys(v, k) for k, v in value.items()])

example = json.loads(re.search(r"```json\n(.*?)```", open(sys.argv[1]).read(), re.S).group(1))
sys.exit(keys(example) != keys(json.load(open("tiny/bundle.json"))))
PYTHON

# --- doctor ---
"$MIEN" doctor --json >out 2>err
code=$?
[ $code -eq 0 ] || [ $code -eq 3 ] || problem "doctor ended with $code"
json 'd["kind"] == "doctor" and all(c["state"] in ("ok", "warn", "fail") for c in d["checks"])'
json "d['healthy'] is ($code == 0)"
json '{"cpu", "instructions", "onednn", "landmarks", "ffmpeg"} <= {c["name"] for c in d["checks"]}'
"$MIEN" doctor >out 2>err
grep -q "instructions" out || problem "doctor tells no instruction set"
grep -q $'\x1b' out && problem "doctor paints what is no terminal"
expect 2 "--isa" doctor --isa sse9

finish
