#!/usr/bin/env bash
# Words that are easily got wrong: lists, sets among words, duplicates, misspelt words, --unknown.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 64 64
base=(a.png -b tiny --face whole --json)
names='sorted(s["label"] for s in rows[0]["faces"][0]["labels"])'
compact=$root/models/compact

section "semicolons and bars separate labels"
for list in 'happy;sad' 'happy; sad' 'happy|sad' 'happy，sad'; do
  run predict "${base[@]}" --labels "$list"
  ok
  rows "$names == ['happy', 'sad']"
done
run predict "${base[@]}" --labels '"eyes open; mouth shut",calm'
ok
rows "$names == ['calm', 'eyes open; mouth shut']"

section "sets among words"
run predict "${base[@]}" --labels 'basic7,contempt'
ok
rows "len($names) == 8" "'contempt' in $names" "'basic7' not in $names"
run predict "${base[@]}" --labels 'basic7,mafw11,happy'
ok
rows "len($names) == 11"
run predict "${base[@]}" --labels 'basic-7,contempt'
exits 2
err_is 'labels: "basic-7": no such set .*did you mean basic7'
out_is_empty

section "labels that cannot be distinguished"
for list in 'Happy,happy' 'happy,happiness' 'happy+sad,sad+happy' 'politely bored,Politely  Bored'; do
  run predict "${base[@]}" --labels "$list"
  exits 2
  err_is 'labels: duplicate label .* \(the same as .*'
  out_is_empty
done

section "an empty value is not the default"
for option in --labels --unknown --bundle --format; do
  run predict a.png -b tiny --face whole "$option" ''
  exits 2
  err_has "$option"
  out_is_empty
done
run eval tiny --data m.csv --labels ''
exits 2
err_has '--labels'

section "a file with one word per line"
printf 'happy\nsad\nneutral\n' >plain.txt
run predict "${base[@]}" --labels plain.txt
ok
rows "$names == ['happy', 'neutral', 'sad']"
printf '\xef\xbb\xbfhappy\r\n\r\n# a remark\r\npolitely bored\r\n' >windows.txt
run predict "${base[@]}" --labels windows.txt
ok
rows "$names == ['happy', 'politely bored']"
printf 'basic7\ncontempt\n' >sets.txt
run predict "${base[@]}" --labels sets.txt
ok
rows "len($names) == 8"
printf 'happy\nsad\nHappy\n' >twice.txt
run predict "${base[@]}" --labels twice.txt
exits 2
err_is 'twice\.txt:3: duplicate label "Happy" \(the same as "happy"\)'
printf 'happy\n' | iconv -t UTF-16 >utf16.txt
run predict "${base[@]}" --labels utf16.txt
exits 2
err_is 'utf16\.txt: is UTF-16 text \(expected UTF-8: .*choose UTF-8\)'

section "misspelt and foreign words are named"
compact_words=(a.png -b "$compact" --face whole --json --labels)
run predict "${compact_words[@]}" 'suprise,happy'
exits 0
err_is 'labels: suprise: unknown word; did you mean surprise\?'
run predict "${compact_words[@]}" 'glücklich,neutral'
exits 0
err_is 'labels: glücklich: unknown word, known only by its letters, so its scores mean little'
run predict "${compact_words[@]}" 'happy sad neutral,angry'
exits 0
err_is 'labels: "happy sad neutral": is one label; did you mean happy,sad,neutral\?'
run predict "${compact_words[@]}" '😀,happy'
exits 2
err_is 'labels: "😀": contains no readable word \(expected words\)'
out_is_empty
run predict "${compact_words[@]}" 'cheerful,"a deep frown",angry'
ok
run predict "${base[@]}" --labels 'suprise,happy'
exits 0
err_is 'labels: suprise: unknown word; did you mean surprise\?'

section "--unknown outside its range"
for value in 2 50 -1 -0.1 1.0001; do
  run predict a.png -b tiny --face whole "--unknown=$value"
  exits 2
  err_is "--unknown: .*expected .*0 to 1.*got $value"
  out_is_empty
done
for value in 0 0.5 1; do
  run predict "${base[@]}" --unknown "$value"
  ok
done
finish
