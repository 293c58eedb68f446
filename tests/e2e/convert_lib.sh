# Sourced by convert*.sh: MIEN, PYTHON, ROOT, a folder of its own, and checks.
set -uo pipefail
MIEN=$(realpath "${1:?usage: $0 PATH_OF_MIEN}")
# The system's interpreter has Debian's python3-torch; others usually have not.
PYTHON=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
WORK=$(mktemp -d)
trap 'chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
failures=0

problem() {
  echo "FAILED: $1" >&2
  sed 's/^/    /' out err >&2
  failures=$((failures + 1))
}

# expect CODE TEXT ARGS...: the program ends with CODE, and TEXT is in what it wrote. A failure is one
# line on standard error that begins with "mien: ".
expect() {
  local code=$1 text=$2
  shift 2
  timeout 120 "$MIEN" "$@" >out 2>err </dev/null
  local got=$?
  [ $got -eq "$code" ] || { problem "mien $* ended with $got (expected $code)"; return; }
  grep -qF -- "$text" out err || { problem "mien $*: no '$text'"; return; }
  if [ "$code" -eq 1 ] || [ "$code" -eq 3 ]; then
    [ "$(wc -l <err)" -eq 1 ] && grep -q '^mien: ' err || problem "mien $*: not one line on standard error"
  fi
}

# json EXPRESSION: the JSON on the last standard output, as `d`, fulfils a Python expression.
json() {
  "$PYTHON" -c "import json, sys; d = json.loads(open('out').read()); sys.exit(0 if ($1) else 1)" ||
    problem "JSON does not fulfil: $1"
}

absent() { [ ! -e "$1" ] && [ -z "$(ls -d "$1".part* 2>/dev/null)" ] || problem "$1 was left behind"; }

finish() {
  [ "$failures" -eq 0 ] || { echo "$failures checks failed" >&2; exit 1; }
  echo ok
  exit 0
}
