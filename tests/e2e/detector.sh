#!/usr/bin/env bash
# A face detector of one's own: converted from ONNX, and used by the verbs that look for faces.
source "$(dirname "$0")/lib.sh"
teacher=$root/../shared/teachers/yunet_n_dynamic.onnx
face=$root/build/demo/astronaut.png
tiny_bundle tiny

section "the shipped detector"
run inspect face
ok
out_has "bundle of a face detector"
out_has "hashes  *verified"
if [ -s "$face" ]; then
  for how in "--detector face" "--face both" "--face both --detector face"; do
    # shellcheck disable=SC2086
    run detect "$face" $how --json
    ok
    rows 'len(rows[0]["faces"]) == 1' 'rows[0]["faces"][0]["source"] == "detected"' \
      'abs(rows[0]["faces"][0]["box"][0] + rows[0]["faces"][0]["box"][2] / 2 - 221) < 15'
  done
fi
run detect "$face" --face both --boxes "$face"
exits 2
err_has "--boxes: cannot be combined with --face both"

section "what is refused"
run detect "$face" --detector nowhere
exits 2
err_has "nowhere: not a file or folder, and not a shipped bundle"
run detect "$face" --detector tiny
exits 2
err_has "kind 'recognizer' \(expected a detector of faces\)"
run detect "$face" --detector tiny --face hog
exits 2
err_has "--detector: cannot be combined with --face hog"
echo "this is not a model" >text.onnx
run convert text.onnx out
exits 1
err_has "text.onnx: not an ONNX model"
check "nothing was written" test ! -e out
if [ ! -s "$teacher" ] || [ ! -s "$face" ]; then
  echo "skipped: shared/teachers/yunet_n_dynamic.onnx or build/demo/astronaut.png is missing"
  [ "$failures" -eq 0 ] || finish
  exit 77
fi

section "converted"
run convert "$teacher" yunet --licence Apache-2.0
ok
out_has "detector  *a pyramid of 3 levels \(8, 16, 32 pixels from place to place\), 64 channels wide"
out_has "parameters  *73\.8 k"
run convert "$teacher" yunet
exits 2
err_has "yunet: already exists"
run inspect yunet
ok
out_has "bundle of a face detector"
out_has "hashes  *verified"
run predict "$face" -b yunet
exits 3
err_has "kind 'detector' \(expected one that reads expressions\)"

section "the faces that ONNX Runtime finds with the same file"
# At the full size of the picture; five points and score of ONNX Runtime 1.32.
run detect "$face" --detector yunet --upsample 1 --json
ok
rows 'len(rows[0]["faces"]) == 1' \
  'all(abs(a - b) < 0.1 for p, q in zip(rows[0]["faces"][0]["landmarks"], [[203.35, 103.62], [247.52, 104.45], [224.1, 127.69], [203.96, 143.14], [242.91, 143.67]]) for a, b in zip(p, q))' \
  'abs(rows[0]["faces"][0]["score"] - 2.2711) < 0.002'
run predict "$face" -b tiny --detector yunet --json
ok
rows 'len(rows[0]["faces"]) == 1' 'len(rows[0]["faces"][0]["labels"]) == 7'
run embed "$face" -b tiny --detector yunet --safetensors e.safetensors
exits 0

section "pictures without a face, of any shape"
movie -f lavfi -i color=c=gray:s=16x16 -frames:v 1 -vf scale=1:1 dot.png
movie -f lavfi -i color=c=gray:s=100x16000 -frames:v 1 tall.png
movie -f lavfi -i color=c=gray:s=16000x100 -frames:v 1 wide.png
movie -f lavfi -i color=c=gray:s=30000x200 -frames:v 1 huge.png
run detect dot.png tall.png wide.png --detector yunet --json
ok
rows 'len(rows) == 3' 'all(r["faces"] == [] for r in rows)'
run detect huge.png --detector yunet
exits 1
err_has "huge.png: 30000x200 picture is too large"

section "clips"
movie -loop 1 -i "$face" -t 1 -r 10 -vf scale=256:256 -pix_fmt yuv420p clip.mp4
run detect clip.mp4 --detector yunet --json
ok
rows 'len([r for r in rows if r["kind"] == "frame" and len(r["faces"]) == 1]) == 10' \
  '{r["faces"][0]["track"] for r in rows if r["kind"] == "frame"} == {0}'

section "a changed file"
python3 - <<'P'
data = bytearray(open("yunet/model.safetensors", "rb").read())
data[-4:] = b"\x00\x00\xc0\x7f"
open("yunet/model.safetensors", "wb").write(data)
P
run detect "$face" --detector yunet
exits 2
err_has "has values that are not finite"
no_leftovers
finish
