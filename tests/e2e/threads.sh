#!/usr/bin/env bash
# How many threads a run has by default, and that results do not depend on it.
source "$(dirname "$0")/lib.sh"
media png a.png 96 96
clip c.mp4 2

threads_are() {
  check "threads: $1" python3 -c "
import json, sys
checks = {c['name']: c for c in json.load(open('$tmp/.out'))['checks']}
sys.exit(checks['threads']['value'].split()[0] != '$1' and checks['threads']['value'] or 0)"
}

section "the default is what the process may use"
run --threads 3 doctor --json
threads_are 3
if first=$(taskset -cp $$ 2> /dev/null | grep -oE '[0-9]+' | sed -n 2p) && [ -n "$first" ]; then
  last_command='doctor --json (on one processor)'
  taskset -c "$first" "$mien" doctor --json > .out 2> .err
  code=$?
  threads_are 1
fi

section "results do not depend on it"
for threads in 1 2 5; do
  run --threads $threads predict a.png --face whole --json
  exits 0
  cp .out picture-$threads
  run --threads $threads predict c.mp4 --face whole --json
  exits 0
  grep -v '"kind":"summary"' .out > clip-$threads
done
for threads in 2 5; do
  check "a picture with $threads threads" cmp picture-1 picture-$threads
  check "a clip with $threads threads" cmp clip-1 clip-$threads
done

finish
