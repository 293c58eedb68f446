#!/usr/bin/env bash
# The words: --labels, --unknown, --reduce, --explain, --embedding.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 64 64
base=(a.png -b tiny --face whole --json)
names='sorted(s["label"] for s in rows[0]["faces"][0]["labels"])'

section "free words"
run predict "${base[@]}" --labels 'happy, sad,"politely bored"'
ok
rows "$names == ['happy', 'politely bored', 'sad']"
run predict "${base[@]}" --labels '"tired, but kind",calm'
ok
rows "$names == ['calm', 'tired, but kind']"
run predict "${base[@]}" --labels 'happy+surprise,sad'
ok
rows "$names == ['happy+surprise', 'sad']"
run predict "${base[@]}" --labels 'müde,😀,怒り'
ok
rows "$names == sorted(['müde', '😀', '怒り'])"

section "built-in sets"
for set in basic7:7 basic8:8 mafw11:11 shapes7:7; do
  run predict "${base[@]}" --labels "${set%:*}"
  ok
  rows "len($names) == ${set#*:}"
done
run predict "${base[@]}" --labels basic-7
exits 2
err_is '.*did you mean .?basic7'
out_is_empty

section "label file"
cat >l.yaml <<'YAML'
bored: a face that waits for the end
amused:
  - a face that holds back a laugh
  - small folds beside the eyes
bitter:
  parts: [amused, contempt]
YAML
run predict "${base[@]}" --labels l.yaml
ok
rows "$names == ['amused', 'bitter', 'bored']"
run predict a.png -b tiny --face whole --csv --labels l.yaml
ok
out_has ',p_bored,p_amused,p_bitter,c_bored,c_amused,c_bitter,steady,cut_short$'

# refused NAME LABELS PATTERN: a usage error with one line that names the place.
refused() {
  section "$1"
  run predict "${base[@]}" --labels "$2"
  exits 2
  err_is "$3"
  out_is_empty
}
printf 'a: x\na: y\n' >duplicate.yaml
refused "duplicate label in a file" duplicate.yaml 'duplicate\.yaml:2: '
printf -- '- happy\n- ""\n' >empty_label.yaml
refused "empty label in a file" empty_label.yaml 'empty_label\.yaml:2: '
: >empty.yaml
refused "empty file" empty.yaml 'empty\.yaml'
printf 'a: [x\n' >broken.yaml
refused "not YAML" broken.yaml 'broken\.yaml'
printf 'a: %s\n' "$(head -c 1000000 /dev/zero | tr '\0' x)" >long.yaml
refused "text of 1 MB in a file" long.yaml 'long\.yaml'
refused "text of 20 kB as a word" "$(head -c 20000 /dev/zero | tr '\0' x),b" '.{1,500}$'
refused "missing file" none.yaml '.*none\.yaml.*no such file'
refused "folder as a file" ./tiny '.*\./tiny.*is a folder'
refused "duplicate words" happy,sad,happy '.*happy'
refused "empty word" happy,,sad '.*'
refused "no words" , '.*'
refused "open quote" '"happy,sad' '.*'
refused "plus alone" happy+,sad '.*'

section "long texts are cut, not refused"
printf 'a: %s\nb: short\n' "$(yes 'word' | head -500 | tr '\n' ' ')" >wordy.yaml
run predict "${base[@]}" --labels wordy.yaml
ok

section "--unknown"
run predict "${base[@]}" --unknown off
ok
rows 'not rows[0]["faces"][0]["unknown"]'
run predict "${base[@]}" --unknown auto
ok
run predict "${base[@]}" --unknown 0.999
ok
rows 'rows[0]["faces"][0]["unknown"]' 'rows[0]["faces"][0]["top"] == "unknown"' \
  'len(rows[0]["faces"][0]["labels"]) == 7'
run predict a.png -b tiny --face whole --unknown 0.999
ok
out_has unknown
for wrong in never nan inf 1e999 ''; do
  run predict "${base[@]}" --unknown "$wrong"
  exits 2
  out_is_empty
done

section "--explain and --reduce"
for reduce in mean mean-cosine max; do
  run predict "${base[@]}" --labels l.yaml --explain --reduce $reduce
  ok
  rows 'len(rows[0]["faces"][0]["reasons"]) >= 4' \
    '"a face that holds back a laugh" in [r["text"] for r in rows[0]["faces"][0]["reasons"]]' \
    'sorted((r["cosine"] for r in rows[0]["faces"][0]["reasons"]), reverse=True) == [r["cosine"] for r in rows[0]["faces"][0]["reasons"]]'
done
run predict "${base[@]}" --reduce median
exits 2
err_is '--reduce: .*median.*expected auto, mean, mean-cosine or max'
run predict "${base[@]}" --labels l.yaml
rows '"reasons" not in rows[0]["faces"][0]'

section "--embedding"
run predict "${base[@]}" --embedding
ok
rows 'abs(sum(v * v for v in rows[0]["faces"][0]["embedding"]) - 1) < 1e-4'
run predict "${base[@]}"
rows '"embedding" not in rows[0]["faces"][0]'
finish
