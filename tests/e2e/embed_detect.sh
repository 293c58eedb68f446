#!/usr/bin/env bash
# embed and detect.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 64 64
media png b.png 96 64
clip c.mp4 0.5

section "embed: JSON lines"
run embed a.png c.mp4 -b tiny --face whole
ok
check "rows" python3 - <<'PY'
import json
rows = [json.loads(l) for l in open(".out")]
assert [r["kind"] for r in rows] == ["face"] * 6
assert [r["input"] for r in rows] == ["a.png"] + ["c.mp4"] * 5
assert [r["frame"] for r in rows[1:]] == list(range(5)) and all(r["track"] == 0 for r in rows[1:])
assert all(abs(sum(v * v for v in r["embedding"]) - 1) < 1e-4 for r in rows)
PY
run predict a.png -b tiny --face whole --json --embedding
check "same as predict --embedding" python3 - <<PY
import json, subprocess
row = json.loads(subprocess.run(["$mien", "embed", "a.png", "-b", "tiny", "--face", "whole"],
                                capture_output=True, check=True).stdout)
face = json.loads(open(".out").read())["faces"][0]
assert len(row["embedding"]) == len(face["embedding"])
assert max(abs(a - b) for a, b in zip(row["embedding"], face["embedding"])) < 1e-5
PY

section "embed: texts"
run embed --text 'a happy face' --text 'ein Gesicht 😀' -b tiny
ok
check "rows" python3 - <<'PY'
import json
rows = [json.loads(l) for l in open(".out")]
assert [(r["kind"], r["text"]) for r in rows] == [("text", "a happy face"), ("text", "ein Gesicht 😀")]
assert all(abs(sum(v * v for v in r["embedding"]) - 1) < 1e-4 for r in rows)
PY

section "embed: safetensors"
run embed a.png b.png --text happy -b tiny --face whole --safetensors e.safetensors
ok
out_is_empty
check "file" python3 - <<'PY'
import json, struct
data = open("e.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8:8 + size])
index = json.loads(head.pop("__metadata__")["index"])
(name, tensor), = head.items()
assert name == "embeddings" and tensor["dtype"] == "F32", head
rows, width = tensor["shape"]
begin, end = tensor["data_offsets"]
assert rows == 3 == len(index) and begin == 0 and end == rows * width * 4 == len(data) - 8 - size
values = struct.unpack(f"<{rows * width}f", data[8 + size:])
for i in range(rows):
    assert abs(sum(v * v for v in values[i * width:(i + 1) * width]) - 1) < 1e-4
assert sorted(r["kind"] for r in index) == ["face", "face", "text"]
PY
run embed a.png nothing.png -b tiny --face whole --safetensors part.safetensors
exits 1
err_is 'nothing\.png: no such file'
check "the good ones are kept" test -s part.safetensors
run embed a.png -b tiny --face whole --safetensors no/such/e.safetensors
exits 2
err_is '.*no/such/e\.safetensors'
run embed a.png -b tiny --face hog --safetensors none.safetensors
ok
check "no face is a tensor without rows" grep -q '"shape":\[0,' none.safetensors

section "embed: usage"
run embed -b tiny
exits 2
err_is 'embed: nothing to do'
run embed --text x
exits 0
run embed --text x -b nowhere
exits 3
err_is '.*nowhere'
run embed --text '' -b tiny
[ "$code" -le 2 ] || fail "an empty text is an answer or a usage error"

section "embed: closed output"
last_command='embed >/dev/full'
"$mien" embed a.png -b tiny --face whole >/dev/full 2>.err
code=$?
exits 1
err_has 'standard output: cannot be written'

section "detect"
run detect a.png b.png --face whole --json
ok
rows 'len(rows) == 2' 'all("labels" not in r["faces"][0] and "top" not in r["faces"][0] for r in rows)'
run detect c.mp4 --face whole --json
ok
rows 'len(of("frame")) == 5' '"labels" not in of("track")[0]' 'of("summary")[0]["faces"] == 5'
run detect c.mp4 --face whole
ok
out_has 'c\.mp4'
run detect a.png --face whole --csv
ok
check "columns without labels" grep -qx 'input,frame,face_id,timestamp,confidence,success,source,x,y,w,h,top,unknown,cut_short' <(head -1 .out)
run detect a.png nothing.png --json
exits 1
err_is 'nothing\.png: no such file'
rows '[r["kind"] for r in rows] == ["image", "error"]' 'rows[0]["faces"] == []'
finish
