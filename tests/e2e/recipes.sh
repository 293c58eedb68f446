#!/usr/bin/env bash
# Every recipe of recipes/emoclip, for a step or two, on miniatures of the data sets with tiny random towers: data,
# model, loss, validation, bundle, and an answer of that bundle.
source "$(dirname "$0")/lib.sh"
[ -x "$(dirname "$mien")/mien-train" ] || { echo 'no mien-train (built without LibTorch)'; exit 77; }
python3 "$here/miniatures.py" data || exit 1
"$mien" convert --random-tiny --temporal data/clip-vit-b32 >.out 2>.err || { fail "tiny bundle"; exit 1; }

# steps_of RUN: optimiser steps, from its log.
steps_of() { grep -c '"loss"' "$1/log.jsonl"; }
recipe() { # NAME BATCH OPTIONS...
  local name=$1 batch=$2
  shift 2
  section "$name"
  run train "$root/recipes/emoclip/$name.yaml" --data data --threads 1 -o "runs/$name" --set emoclip.epochs=1 \
    --set emoclip.batch="$batch" --set train.log_every=1 "$@"
  exits 0
  cp .err "$name.err"
  check "one or two steps" test "$(steps_of "runs/$name")" -ge 1 -a "$(steps_of "runs/$name")" -le 2
  run inspect "runs/$name/bundle"
  ok
  out_has 'verified'
}

all=0
for file in "$root"/recipes/emoclip/*.yaml; do
  name=$(basename "$file" .yaml)
  all=$((all + 1))
  case $name in
    symptoms) ;; # comes last: it starts from what mafw-captions trained
    fer2013-small) recipe "$name" 7 ;;
    *) recipe "$name" 5 ;;
  esac
done

section "the source of the zero-shot models"
run eval runs/mafw-captions/bundle --data dfew:data/DFEW --split test --json
ok
run export runs/mafw-captions data/emoclip-mafw-captions
exits 0

recipe symptoms 4
check "every recipe ran" test "$(ls runs | wc -l)" -eq "$all"
check "the temporal model was taken" test "$(grep -c 'other sizes' symptoms.err)" -eq 0
check "one of other sizes is reported" grep -q 'other sizes' dfew-supervised.err
run eval runs/symptoms/bundle --data data/interviews.csv --unit sequence --protocol regression --part 1/5 --json
ok
check "two clips of one person who did not train" python3 -c '
import json
d = json.load(open(".out"))
assert d["n"] == 2 and d["resampled"] == 1 and d["resampled_by"] == "subject" and d["folds"] == 5, d
assert [t["name"] for t in d["targets"]] == ["blunted_affect", "poor_rapport", "lack_of_spontaneity"], d'
no_leftovers
finish
