#!/usr/bin/env bash
# From names to inputs: folders, patterns, lists, and names that cannot be read.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 64 64
whole=(-b tiny --face whole --json)
inputs() { rows "[r['input'] for r in rows] == $1"; }

section "folders name what they skip, and skip what is hidden"
mkdir -p d/sub d/.hidden
cp a.png d/a.png && cp a.png d/._a.png && cp a.png d/.b.png && cp a.png d/sub/c.png && cp a.png d/.hidden/x.png
echo x >d/notes.txt
echo x >d/b.docx
run predict d "${whole[@]}"
exits 0
err_is 'd: skipped 2 files that are not a picture or clip: b\.docx, notes\.txt; 1 subfolder \(--recursive'
inputs '["d/a.png"]'
run predict d --recursive "${whole[@]}"
exits 0
err_is 'd: skipped 2 files that are not a picture or clip: b\.docx, notes\.txt'
inputs '["d/a.png", "d/sub/c.png"]'

section "a folder that cannot be read"
if [ "$(id -u)" -ne 0 ]; then
  chmod 000 d/sub
  run predict d --recursive "${whole[@]}"
  exits 1
  err_has 'd/sub: cannot be listed'
  chmod 755 d/sub
fi

section "a dangling link that is named like a pattern"
mkdir odd && ln -s nowhere 'odd/x*.jpg'
run predict 'odd/x*.jpg' "${whole[@]}"
exits 1
err_is 'odd/x\*\.jpg: no such file or folder'
run predict odd "${whole[@]}"
exits 1

section "names that cannot be resolved are all read or named"
long=$(printf 'n%.0s' $(seq 300))
run predict "$long" "${long}2" a.png -b tiny --face whole -o u.sqlite
exits 1
check "both are named" test "$(grep -c 'no such file\|too long' .err)" -eq 2

section "lists"
printf 'a.png\r\n\r\nd/a.png\n' >list.txt
run predict @list.txt "${whole[@]}"
ok
inputs '["a.png", "d/a.png"]'
run predict --from-file list.txt "${whole[@]}"
ok
inputs '["a.png", "d/a.png"]'
printf 'a.png\0d/a.png\0' >list0
run_from list0 predict --from-file0 - "${whole[@]}"
ok
inputs '["a.png", "d/a.png"]'
printf 'a.png\nnone.png\n' >list.txt
run predict @list.txt "${whole[@]}"
exits 1
err_is 'none\.png: no such file'
run predict @none.txt "${whole[@]}"
exits 1
err_is '@none\.txt: .*No such file'
run predict "${whole[@]}"
exits 2
err_is 'input: missing'
run_from list0 predict - --from-file0 - "${whole[@]}"
exits 2
printf 'a.png\n' | iconv -t UTF-16 >list16.txt
run predict @list16.txt "${whole[@]}"
exits 1
err_is '@list16\.txt: .*UTF-16'
cp a.png @really
run predict @really "${whole[@]}"
ok

section "URLs"
run predict https://example.org/a.jpg "${whole[@]}"
exits 1
err_is 'https://example\.org/a\.jpg: is a URL; .*mien predict -'
run predict "file://$PWD/a.png" "${whole[@]}"
exits 1
err_is 'file://.*: is a URL \(expected a file name without file:\)'

section "MP4 on a pipe"
clip c.mp4 60
"$mien" predict - "${whole[@]}" < <(cat c.mp4) >.out 2>.err
code=$?
last_command='cat c.mp4 | predict -'
exits 1
err_is '-: .*index at the end.*faststart.*'

section "CSV in UTF-16"
printf 'path,x,y,w,h\na.png,1,1,9,9\n' | iconv -t UTF-16 >boxes.csv
run predict a.png -b tiny --boxes boxes.csv --json
err_has 'boxes\.csv: is UTF-16 text .*CSV UTF-8'
check "no success" test "$code" -ne 0
printf 'path,label\na.png,happy\n' | iconv -t UTF-16LE | cat <(printf '\xff\xfe') - >m.csv
run eval tiny --data m.csv
exits 2
err_is 'm\.csv: is UTF-16 text .*CSV UTF-8'

section "SQLite refuses with words, not hashes"
run predict a.png -b tiny --face whole --labels happy,sad -o l.sqlite
ok
run predict a.png -b tiny --face whole --labels happy,fear -o l.sqlite
exits 2
err_is 'l\.sqlite: made with labels happy, sad \(got happy, fear\)'
section "named pipes are read once, as standard input is"
mkfifo pipe
clip live.ts 1
for input in a.png live.ts; do
  cat $input >pipe &
  run predict pipe "${whole[@]}" --json
  ok
  wait
  rows 'rows[0]["input"] == "pipe"'
done
cat live.ts >pipe &
run predict pipe "${whole[@]}" --json --clock now
ok
wait
rows 'rows[-1]["clock"].startswith("20")'
last_command='predict <(cat a.png)'
"$mien" predict <(cat a.png) "${whole[@]}" --json >.out 2>.err
code=$?
ok
run predict pipe -b tiny --face whole -o r.sqlite
exits 2
err_is 'pipe: cannot be read twice .*'

finish
