# shellcheck shell=bash
# Shared by the end-to-end tests: `source lib.sh` with the program as first argument of the script.
# Every check that fails prints what it saw; the script goes on, and `finish` gives the exit code.
mien=$(realpath "${1:?usage: $0 PATH_OF_MIEN}")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
export LC_ALL=C.UTF-8 COLUMNS=100
# Sanitizer builds know the leaks of fontconfig; do not print that they were suppressed.
export LSAN_OPTIONS=print_suppressions=0:${LSAN_OPTIONS-}
unset NO_COLOR
checks=0
failures=0
case_name=start

section() { case_name=$1; }

fail() {
  failures=$((failures + 1))
  printf 'FAILED [%s] %s\n' "$case_name" "$1"
  [ -z "${last_command-}" ] || printf '  command: mien %s\n  exit code: %s\n' "$last_command" "$code"
  for stream in out err; do
    [ -e "$tmp/.$stream" ] || continue
    printf '  std%s (%s bytes): ' "$stream" "$(wc -c <"$tmp/.$stream")"
    head -c 1500 "$tmp/.$stream" | tr '\n' '|'
    printf '\n'
  done
}

# check WHAT COMMAND...: the command must succeed.
check() {
  checks=$((checks + 1))
  local what=$1
  shift
  "$@" >"$tmp/.check" 2>&1 || fail "$what: $(head -c 2000 "$tmp/.check" | tr '\n' '|')"
}

# run ARGS...: the program with nothing on standard input; leaves $code, .out and .err.
run() { run_from /dev/null "$@"; }
run_from() {
  local from=$1
  shift
  last_command=$*
  "$mien" "$@" <"$from" >"$tmp/.out" 2>"$tmp/.err"
  code=$?
}

exits() { check "exit code $1" test "$code" -eq "$1"; }
# The whole of standard error must be empty, or one line per pattern, in order.
err_is() {
  checks=$((checks + 1))
  if [ "$(wc -l <"$tmp/.err")" -ne $# ]; then
    fail "standard error has $# line(s)"
    return
  fi
  local number=0 pattern
  for pattern in "$@"; do
    number=$((number + 1))
    sed -n "${number}p" "$tmp/.err" | grep -qE -- "^mien: $pattern" ||
      fail "line $number of standard error is 'mien: $pattern'"
  done
}
err_has() { check "standard error has '$1'" grep -qE -- "$1" "$tmp/.err"; }
out_has() { check "standard output has '$1'" grep -qE -- "$1" "$tmp/.out"; }
out_is_empty() { check "standard output is empty" test ! -s "$tmp/.out"; }
ok() { exits 0; err_is; }
# rows EXPR...: .out are JSON lines that match docs/schemas, and the Python expressions hold.
rows() { check "JSON lines" python3 "$here/check_lines.py" "$root/docs/schemas" "$tmp/.out" "$@"; }
rows_of() {
  local file=$1
  shift
  check "JSON lines of $file" python3 "$here/check_lines.py" "$root/docs/schemas" "$file" "$@"
}
no_leftovers() {
  check "no half-written files" test -z "$(find "$tmp" -name '*part*' -o -name '*.tmp*' | head -3)"
}
media() { python3 "$here/media.py" "$@" || exit 1; }
movie() { ffmpeg -nostdin -v error -y "$@" || exit 1; }
# clip FILE SECONDS [RATE]: moving test pattern with a tone.
clip() {
  movie -f lavfi -i "testsrc=d=$2:s=160x120:r=${3:-10}" -f lavfi -i "sine=d=$2" \
    -c:v mpeg4 -q:v 4 -c:a aac -shortest "$1"
}
tiny_bundle() {
  "$mien" convert --random-tiny "$1" >"$tmp/.out" 2>"$tmp/.err" || { fail "tiny bundle"; exit 1; }
}

finish() {
  printf '%s checks, %s failed\n' "$checks" "$failures"
  [ "$failures" -eq 0 ]
  exit
}
