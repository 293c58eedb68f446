#!/usr/bin/env bash
# The pages of --report: what they hold, and how they look in headless Chromium (browser.py).
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
mkdir set
printf 'path,label,age,who is this with a long name\n' >m.csv
labels=(happiness sadness anger fear 'a rather long name of a class')
for i in $(seq 0 19); do
  media png "set/$i.png" $((40 + 3 * i)) 48
  printf 'set/%s.png,%s,%s,x\n' "$i" "${labels[$((i % 5))]}" "$([ "$i" -lt 8 ] && echo old || echo young)" >>m.csv
done
has() { check "$1 has '$2'" grep -qF -- "$2" "$1"; }
pages=()
# page NAME EXIT ARGS...: a run that writes NAME.html, which is whole, tells its command, and loads nothing.
page() {
  local name=$1
  run "${@:3}" --report "$name.html"
  exits "$2"
  has "$name.html" '</html>'
  has "$name.html" "mien $3"
  has "$name.html" 'bundle hash'
  has "$name.html" 'not what a person feels'
  check "$name.html loads nothing and runs nothing" bash -c "! grep -qE '<script|<link|https?:|url\(' '$name.html'"
  pages+=("$name.html")
}

section "evaluation"
page closed 0 eval tiny --data m.csv --group-by age --with-images
for text in 'data hash' 'By age' '>young<' 'Reliability' 'aria-label="ROC of fear"' 'Confusion matrix' 'data:image/jpeg'; do
  has closed.html "$text"
done
page open 0 eval tiny --data m.csv --protocol open-set --known happiness,sadness
for text in 'aria-label="OSCR"' 'aria-label="ROC"' 'Acc of known' 'largest probability' 'data hash'; do has open.html "$text"; done
printf 'path,label\n' >seven.csv
seven=(anger disgust fear happiness neutral sadness surprise)
for i in $(seq 0 13); do printf 'set/%s.png,%s\n' "$i" "${seven[$((i % 7))]}" >>seven.csv; done
page splits 0 eval tiny --data seven.csv --protocol open-set --splits afew --resamples 100
has splits.html 'Means over splits'
has splits.html '<h2>Split 20</h2>'
page robust 0 eval tiny --data m.csv --protocol robustness --corruptions blur,occlusion --resamples 100
for text in 'WAR on corrupted pictures, mean' 'aria-label="WAR under blur"' 'occlusion'; do has robust.html "$text"; done
mkdir -p dfew
for i in 1 2 3; do
  mkdir -p "dfew/DFEW_Frame_Face/0000$i"
  cp "set/$i.png" "dfew/DFEW_Frame_Face/0000$i/00001.png"
done
for fold in 1 2 3 4 5; do printf 'x/00001 1 0\nx/00002 1 1\nx/00003 1 2\n' >"dfew/DFEW_set_${fold}_test.txt"; done
page folds 0 eval tiny --data dfew:dfew --protocol k-fold
for text in 'Means over folds' 'absent: anger' 'Confusion over all folds' 'hash, fold 5'; do has folds.html "$text"; done
for class in happiness anger; do
  cp -r tiny "no-$class"
  python3 - "no-$class/bundle.json" $class <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
d.setdefault("provenance", {})["left_out"] = sys.argv[2]
json.dump(d, open(sys.argv[1], "w"))
PY
done
run eval no-happiness no-anger --data m.csv --protocol leave-one-out --labels "$(sed 1d m.csv | cut -d, -f2 | sort -u | paste -sd,)" --report left.html
exits 0
out_has '^  WAR [0-9.]+ \([0-9.]+ to [0-9.]+\)'
for text in 'AUROC of unknown' 'Classes that no bundle left out: a rather long name' 'without anger'; do has left.html "$text"; done
pages+=(left.html)
left=(eval no-happiness --data m.csv --protocol leave-one-out --json)
python3 - <<'PY'
import csv, json
shape = ["A face with a broad smile.", "The face has the corners of the mouth pulled up and the mouth stretched wide.",
         "A face with a smile and a wide mouth."]
words = sorted({row["label"] for row in csv.DictReader(open("m.csv"))})
for name, texts in (("words.yaml", ["glad"]), ("named.yaml", shape)):
    with open(name, "w") as file:
        for word in words:
            file.write(f"{json.dumps(word)}: {json.dumps(texts if word == 'happiness' else [word])}\n")
PY
run "${left[@]}" --labels words.yaml --unseen shapes7
exits 0
cp .out unseen.json
run "${left[@]}" --labels named.yaml
exits 0
check "the class left out takes its texts from the set" python3 -c '
import json
one, two = json.load(open("unseen.json")), json.load(open(".out"))
assert one["answers"] == two["answers"] and one["aurocs"] == two["aurocs"], (one, two)'
run eval no-happiness --data m.csv --protocol leave-one-out --labels words.yaml --outliers 'bored,proud' --report outliers.html
exits 0
out_has '; by outlier words [0-9.]+ \('
has outliers.html '<th class=n>by outlier words'
pages+=(outliers.html)
run "${left[@]}" --labels words.yaml --unseen bored
exits 2
err_is "--unseen: bored has no label for 'happiness', the class that a bundle left out"
"$mien" convert --random-tiny --temporal head --targets 'flat face,rapport' >.out 2>.err || fail "regression head"
printf 'path,subject,flat face,rapport\n' >r.csv
for i in $(seq 0 9); do printf 'set/%s.png,S%s,%s,%s\n' "$i" $((i / 2)) $((i % 7)) $((i * 3 % 5)) >>r.csv; done
page regression 0 eval head --data r.csv --protocol regression
has regression.html 'data hash'

section "predictions"
clip c.mp4 1.5 10
page predict 0 predict c.mp4 set/3.png -b tiny --face whole --with-images -o t.txt

section "in Chromium"
"$mien" eval tiny --data m.csv --report wide.html >/dev/null 2>&1
sed -i 's|</main>|<p style="white-space:nowrap;width:2000px;color:#888;background:#999">a line that is far too wide</p></main>|' wide.html
python3 "$here/browser.py" check wide.html >.browser
case $? in
  77) cat .browser ;;
  *)
    for what in 'px wider than the window' 'faint: '; do check "a bad page is reported: $what" grep -q "$what" .browser; done
    check "pages at 1280 and 400 px, light and dark" python3 "$here/browser.py" check "${pages[@]}"
    ;;
esac
no_leftovers
finish
