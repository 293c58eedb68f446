#!/usr/bin/env bash
# What README.md shows is what the program prints.
source "$(dirname "$0")/lib.sh"
if [ ! -s "$root/build/demo/astronaut.png" ]; then
  echo "skipped: build/demo/astronaut.png is missing (make demo fetches it)"
  exit 77
fi
mkdir build
ln -s "$root/build/demo" build/demo

section "console blocks"
python3 - "$root/README.md" "$mien" >samples.txt <<'PY'
import pathlib, re, shlex, subprocess, sys
text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
blocks = re.findall(r"^```console\n(.*?)^```", text, re.S | re.M)
commands = differ = 0
for block in blocks:
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        words = shlex.split(command)
        if words[0] != "build/release/bin/mien":
            continue
        commands += 1
        done = subprocess.run([sys.argv[2], *words[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        printed = done.stdout + done.stderr
        if printed.rstrip("\n") != shown.rstrip("\n"):
            differ += 1
            print(f"$ {command}\nREADME.md shows\n{shown}\nthe program prints\n{printed}")
print(f"{commands} commands, {differ} differ")
PY
cat samples.txt
check "there are samples" grep -qE '^[1-9][0-9]* commands' samples.txt
check "they are what the program prints" grep -qE ' 0 differ$' samples.txt
finish
