#!/usr/bin/env bash
# `mien export --precision`: smaller bundles with the same answers, and refusals.
. "$(dirname "$0")/lib.sh"

section made
run convert --random-tiny tiny
exits 0

for type in int8 bf16; do
  section "$type"
  run export --precision $type tiny $type --force
  exits 0
  if [ $type = int8 ] || "$mien" doctor --json | grep -q '"value":"avx512"'; then
    check "told how far it is from fp32" grep -q "$type on 16 made-up pictures: least cosine to fp32 0.99" "$tmp/.err"
    check "provenance tells it" grep -q '"least_cosine"' $type/bundle.json
  fi
  check "is smaller" test "$(stat -c %s $type/model.safetensors)" -lt "$(stat -c %s tiny/model.safetensors)"
  run inspect $type
  exits 0
  run embed --bundle tiny --precision $type --text "a happy face" --json
  cp "$tmp/.out" rounded.json
  run embed --bundle $type --precision $type --text "a happy face" --json
  if [ $type = int8 ] || "$mien" doctor --json | grep -q '"value":"avx512"'; then
    check "same answers as rounding at load" cmp -s rounded.json "$tmp/.out"
  fi
  run export --precision $type $type again --force
  exits 2
  check "told that nothing changes" grep -q "already stored in $type" "$tmp/.err"
done

section back
run export --precision fp32 int8 wide
exits 0
check "as large as before" test "$(stat -c %s wide/model.safetensors)" -ge 400000

section told
run embed --bundle compact --precision int8 --text "a happy face"
exits 0
check "int8 has no meaning for it" grep -q "image tower has no int8 form; it runs in" "$tmp/.err"
run embed --bundle int8 --precision int8 --text "a happy face"
check "nothing to tell" test ! -s "$tmp/.err"
run export --help
ok
for option in --check --reference --last; do out_has "$option"; done

section "one definition"
run export
exits 2
err_is 'export: --bundle is required .*'
run export --precision int8 --bundle tiny by-name --threads 1 --force
exits 0
check "the bundle by option" test -s by-name/model.safetensors
run export tiny other --check faces
exits 2
err_is 'export: --check requires --precision .*'
run export tiny other --precision int8 --reference m.csv
exits 2
err_has 'excludes'
run export tiny other --precision int8 --last
exits 2
err_has 'excludes'

section "a folder to measure the rounding on"
mkdir faces && media png faces/a.png 48 48 && ln -s nowhere faces/b.png && echo x >faces/notes.txt
run export --precision int8 tiny checked --check faces
exits 0
err_has 'int8 on 1 pictures: least cosine'

section refused
run export --precision int8 tiny int8 --force
exits 2
check "exists" grep -q "already exists" "$tmp/.err"
run export --precision int4 tiny other
exits 2
run export --precision int8 nowhere other
exits 3
run export --precision int8 tiny other --check nothing.png
exits 3
run export --precision int8 "$root/models/compact" other
exits 3
check "told before anything is measured" test "$(grep -c 'pictures: least cosine' "$tmp/.err")" = 0
check "no such layers" grep -q "none to store in another type" "$tmp/.err"
check "nothing is left behind" test ! -e other
finish
