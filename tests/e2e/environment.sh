#!/usr/bin/env bash
# Bundles, threads, instruction sets, precision, help, and how the program ends.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 64 64
whole=(a.png --face whole --json)

section "libraries of clips and drawings are loaded late"
if nm "$mien" 2> /dev/null | grep -q ' mien_late_load$'; then
  if readelf -d "$mien" | grep NEEDED | grep -E 'libav|libsw|pango|cairo'; then
    fail 'the program needs them at start'
  fi
fi

section "help and usage"
run
exits 2
out_is_empty
for verb in '' predict detect embed convert inspect doctor; do
  # shellcheck disable=SC2086
  run $verb --help
  exits 0
  err_is
  out_has 'how a face looks, not what a person feels'
  out_has 'AI Act'
done
run --version
exits 0
out_has '^mien [0-9]+\.[0-9]+\.[0-9]+'
run perform
exits 2
run predict
exits 2
run predict a.png --no-such-flag
exits 2
out_is_empty

section "help in groups"
run predict --help
out_has '^Input:$'
out_has '^Labels:$'
out_has '^Faces:$'
out_has '^Time:$'
out_has '^Output:$'
out_has '^  --top N  +Number of labels to show per face \(default: 3\)$'
check "lines fit the terminal" test "$(wc -L <.out)" -le 100
run convert --help
out_has '^  --overwrite  +Replace an existing bundle at DST$'
check "old spellings are not listed" bash -c '! grep -qE -e "--force|Old spellings" .out'
run eval --help
out_has '^Published data sets'
check "old spellings are not listed" bash -c '! grep -qE -e "--folds|Old spellings" .out'
run convert --random-tiny old-spelling --fore
exits 2
err_is 'convert: --fore: unknown option \(.*'
run inspect --bundle tiny
ok

section "the shipped bundle is the default"
run predict "${whole[@]}"
exits 0
run inspect compact
exits 0

section "no bundle"
run predict "${whole[@]}" -b nowhere
exits 3
err_is 'nowhere'
out_is_empty

# broken_bundle NAME: `broken` does not load.
broken_bundle() {
  section "bundle: $1"
  run predict "${whole[@]}" -b broken
  exits 3
  err_is '.*broken'
  out_is_empty
  rm -rf broken
}
mkdir broken
broken_bundle "empty folder"
echo text >broken
broken_bundle "a text file"
cp -r tiny broken
echo '{' >broken/bundle.json
broken_bundle "bundle.json is not JSON"
cp -r tiny broken
media cut broken/model.safetensors tiny/model.safetensors 0.7
broken_bundle "truncated weights"
cp -r tiny broken
printf '\377' | dd of=broken/model.safetensors bs=1 seek=500000 conv=notrunc 2>/dev/null
section "bundle: a changed byte in the weights"
run inspect broken
exits 1
err_is 'broken: model\.safetensors was changed'
rm -rf broken
cp -r tiny broken
rm broken/tokenizer.txt
broken_bundle "missing tokenizer"
cp -r tiny broken
: >broken/model.safetensors
broken_bundle "empty weights"

section "bundle as a tar file"
run predict "${whole[@]}" -b tiny
ok
cp .out folder.json
tar -cf tiny.tar -C tiny .
run predict "${whole[@]}" -b tiny.tar
ok
check "same answers as the folder" cmp .out folder.json
head -c 300000 tiny.tar >cut.tar
run predict "${whole[@]}" -b cut.tar
exits 3
err_is '.*cut\.tar'

section "--threads"
for threads in 0 1 2; do
  run --threads $threads predict "${whole[@]}" -b tiny
  ok
  rows "rows[0]['faces'][0]['top'] == json.loads(pathlib.Path('folder.json').read_text())['faces'][0]['top']"
done
for threads in -1 1025 x; do
  run predict "${whole[@]}" -b tiny --threads $threads
  exits 2
  out_is_empty
done

section "--isa"
for isa in generic avx2; do
  run predict "${whole[@]}" -b tiny --isa $isa
  [ $isa = generic ] || [ "$code" -eq 0 ] || continue
  ok
  rows "[s['label'] for s in rows[0]['faces'][0]['labels']][:3] == [s['label'] for s in json.loads(pathlib.Path('folder.json').read_text())['faces'][0]['labels']][:3]"
done
run predict "${whole[@]}" -b tiny --isa sse9
exits 2
err_is "--isa: unknown value 'sse9'"

section "--views"
for views in 1 2 4; do
  run predict "${whole[@]}" -b tiny --embedding --views $views
  ok
  cp .out views$views.json
done
check "one embedding for each view" test "$(python3 -c 'import json
print(len({tuple(json.loads(open(f"views{n}.json").readline())["faces"][0]["embedding"]) for n in (1, 2, 4)}))')" = 3
run predict "${whole[@]}" -b tiny --views 3
exits 2
err_has "--views: 3 not in"

section "a misspelt verb"
run pridict a.png
exits 2
err_is "'pridict' is not a verb; did you mean predict\\? .*"
run data chek m.csv
exits 2
err_is "data: 'chek' is not a verb; did you mean check\\? \\(mien data --help lists the verbs\\)"
run predict a.png --lables happy
exits 2
err_is 'predict: --lables: unknown option; did you mean --labels\? \(see mien predict --help\)'
run detect a.png --min-fase=20
exits 2
err_is 'detect: --min-fase: unknown option; did you mean --min-face\? .*'
run predict a.png --photograph
exits 2
err_is 'predict: --photograph: unknown option \(.*'
run
exits 2

section "--precision"
for precision in fp32 auto bf16; do
  run predict "${whole[@]}" -b tiny --precision $precision
  exits 0
  if [ -s .err ]; then err_is '.*: runs in fp32, because this CPU has no bf16.*'; fi
  rows "rows[0]['faces'][0]['top'] == json.loads(pathlib.Path('folder.json').read_text())['faces'][0]['top']"
done
run predict "${whole[@]}" -b tiny --precision fp8
exits 2

section "--face and --boxes"
printf 'path,x,y,w,h\na.png,8,8,32,32\na.png,1,2,10,12\n' >boxes.csv
run predict a.png -b tiny --json --boxes boxes.csv
ok
rows 'len(rows[0]["faces"]) == 2' 'rows[0]["faces"][0]["box"] == [8, 8, 32, 32]' \
  'all(f["source"] == "boxes" for f in rows[0]["faces"])'
run predict a.png -b tiny --json --face boxes
exits 2
err_is '--face boxes: no file given'
run predict a.png -b tiny --json --face hog --boxes boxes.csv
exits 2
err_is '--boxes: cannot be combined with --face hog'
run predict a.png -b tiny --json --boxes none.csv
[ "$code" -eq 2 ] || exits 3
err_is '.*none\.csv'
printf 'path,x,y,w\na.png,8,8,32\n' >short.csv
run predict a.png -b tiny --json --boxes short.csv
[ "$code" -eq 2 ] || exits 3
err_is '.*short\.csv'
printf 'path,x,y,w,h\nother.png,8,8,32,32\n' >other.csv
run predict a.png -b tiny --json --boxes other.csv
exits 1
err_is '.*a\.png'
rows 'rows[0]["code"] == "not_found"'
run predict a.png -b tiny --json --face hog
ok
rows 'rows[0]["faces"] == []'
run predict a.png -b tiny --face hog
ok
out_has 'no face'
run predict a.png -b tiny --face hog --csv
ok
out_has '^a\.png,0,,'
run predict a.png -b tiny --face nose
exits 2

section "a landmark model that is missing"
run detect a.png --landmark-model nowhere.dat
exits 3
err_is '.*nowhere\.dat'
finish
