#!/usr/bin/env bash
# Builds the wheel around an installed tree of this build, installs it in an empty virtual environment and runs the
# tests and the tutorial notebook there. Nothing of mien but the binding is compiled.
# Usage: wheel.sh SOURCE_DIR BUILD_DIR. Exit code 77: the Python package index cannot be reached.
set -euo pipefail
source_dir=$1 build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=/usr/bin/python3
[ -x "$python" ] || python=python3
"$python" -c 'import venv, ensurepip, sysconfig, os, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' ||
  { echo 'python.wheel: python3-venv or python3-dev is missing, skipped' >&2; exit 77; }
install() {  # VENV ARGUMENT...: with the one pip; modules are not compiled ahead, which takes longer than they run
  "$work/build/bin/pip" --python "$1/bin/python" install -q --no-compile "${@:2}"
}
fetch() {  # VENV PACKAGE...: a failure here is one of the network
  install "$1" --retries 1 --timeout 30 "${@:2}" > "$work/fetch.log" 2>&1 && return
  tail -n 3 "$work/fetch.log" >&2
  echo 'python.wheel: the Python package index cannot be reached, skipped' >&2
  exit 77
}
"$python" -m venv "$work/build"
fetch "$work/build" scikit-build-core nanobind
cmake --install "$build_dir" --prefix "$work/prefix" --component plain > "$work/install.log"
"$work/build/bin/pip" wheel -q --no-build-isolation --no-deps "$source_dir/python" -w "$work/dist" \
  --config-settings=build-dir="$work/cmake" --config-settings=cmake.define.MIEN_PREFIX="$work/prefix"
wheel=$(ls "$work"/dist/mien-*.whl)
echo "wheel: $(basename "$wheel"), $(stat -c %s "$wheel") bytes"

# NumPy alone: what the package says it needs.
"$python" -m venv --without-pip "$work/empty"
fetch "$work/empty" numpy
install "$work/empty" --no-index --no-deps "$wheel"
cd "$work"
env -u PYTHONPATH -u MIEN_MODELS "$work/empty/bin/python" "$source_dir/python/tests/test_mien.py"

# The examples; a picture and a clip of grey frames, and the demo's portrait where it is.
printf 'P6\n64 64\n255\n' > grey.ppm
head -c 12288 /dev/zero | tr '\0' '\200' >> grey.ppm
{
  printf 'YUV4MPEG2 W64 H64 F10:1 Ip A1:1 C420jpeg\n'
  for _ in 1 2 3; do printf 'FRAME\n'; head -c 6144 /dev/zero | tr '\0' '\200'; done
} > grey.y4m
mkdir pictures
cp grey.ppm pictures/one.ppm
echo 'not a picture' > pictures/two.png
demo=$source_dir/build/demo
if [ -s "$demo/astronaut.png" ]; then
  cp "$demo/astronaut.png" pictures
  "$work/empty/bin/python" "$source_dir/examples/python/read_picture.py" "$demo/astronaut.png" 'delighted,worried' |
    grep -qE '^[0-9]+,[0-9]+ [0-9]+x[0-9]+ delighted 0[.]'
fi
"$work/empty/bin/python" "$source_dir/examples/python/read_picture.py" grey.ppm 'happy,sad'
test "$("$work/empty/bin/python" "$source_dir/examples/python/live_camera.py" grey.y4m | grep -c ' s  ')" -eq 3

# The table and the notebook need more.
fetch "$work/empty" pandas pyarrow
"$work/empty/bin/python" "$source_dir/examples/python/folder_to_parquet.py" pictures out.parquet > parquet.log
grep -qE '^[12] pictures' parquet.log
grep -q '^failed: .*two.png' parquet.log
"$work/empty/bin/python" -c 'import pandas; table = pandas.read_parquet("out.parquet"); assert "p_happy" in table and len(table) >= 1'
[ -s "$demo/hopper.jpg" ] || { echo 'notebook: skipped, no demo pictures (scripts/fetch_demo_media)'; exit 0; }
fetch "$work/empty" nbclient ipykernel matplotlib pillow  # nbclient is what nbconvert --execute runs
cp "$source_dir/docs/tutorials/python.ipynb" "$work"
MIEN_DEMO=$demo PATH="$work/empty/bin:$PATH" "$work/empty/bin/jupyter" execute --kernel_name=python3 python.ipynb \
  > "$work/notebook.log" 2>&1 || { tail -n 30 "$work/notebook.log" >&2; exit 1; }
echo 'notebook: ran'
