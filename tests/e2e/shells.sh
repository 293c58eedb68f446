#!/usr/bin/env bash
# Manual pages and completions that are made from the program's help.
source "$(dirname "$0")/lib.sh"
section "manual pages"
check "pages are made" "$root/scripts/man_pages" "$mien" out
for verb in predict detect embed eval train export data convert inspect doctor; do
  check "a page for $verb" test -s "out/man/man1/mien-$verb.1"
done
check "it names the verbs" grep -q '^\.B predict' out/man/man1/mien.1
check "and their options" grep -q '\\-\\-labels' out/man/man1/mien-predict.1
check "verbs of verbs too" grep -q '^\.SH EVAL COMPARE' out/man/man1/mien-eval.1
if command -v groff > /dev/null; then
  for page in out/man/man1/*.1; do
    groff -man -Tutf8 -ww "$page" > rendered 2> complaints
    check "$page renders without complaints" test ! -s complaints
  done
  groff -man -Tutf8 out/man/man1/mien-predict.1 | sed 's|.\x08||g; s|\x1b\[[0-9;]*m||g' > rendered
  grep -qE -- '(-|−){2}labels' rendered
  check "the page shows --labels" test $? -eq 0
fi

section "completion"
complete_words() {  # WORD...: what bash offers for the last word
  bash -c 'source out/bash/mien; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mien; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
check "verbs" test "$(complete_words mien pred)" = predict
check "options of a verb" test "$(complete_words mien predict --annot)" = --annotate
check "options before a verb" test "$(complete_words mien --vers)" = --version
check "not those of another verb" test -z "$(complete_words mien inspect --annot)"
check "values" test "$(complete_words mien predict --precision bf)" = bf16
check "verbs of verbs" test "$(complete_words mien eval comp)" = compare
touch picture.png
check "files" test "$(complete_words mien predict pict)" = picture.png
for shell in zsh fish; do
  command -v "$shell" > /dev/null || { echo "$shell is not installed: its completion is not checked"; continue; }
  check "$shell reads its completion" "$shell" -n "out/$shell"/*mien*
done
finish
