#!/usr/bin/env python3
"""Compares the exported symbols and the sizes of structs with a list: abi_check.py LIST LIBRARY SIZES-PROGRAM.

A change of the list is a change of the ABI: symbols and fields are only added within SOVERSION 0."""
import pathlib
import subprocess
import sys

listed, library, program = sys.argv[1:4]
names = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
found = sorted("symbol " + line.split()[2] for line in names.splitlines() if not line.endswith(" MIEN_0"))
dynamic = subprocess.run(["objdump", "-p", library], capture_output=True, text=True, check=True).stdout
found += ["soname " + line.split()[1] for line in dynamic.splitlines() if "SONAME" in line]
found += subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
expected = pathlib.Path(listed).read_text().splitlines()
if "symbol mien_version@@MIEN_0" not in found:
    sys.exit(f"{library}: mien_version is not exported (expected it among {len(found)} entries)")
if found != expected:
    for line in sorted(set(expected) - set(found)):
        print(f"missing: {line}")
    for line in sorted(set(found) - set(expected)):
        print(f"new: {line}")
    sys.exit(f"{listed}: differs from the library (if that is intended, update the list and the changelog)")
print(f"{len(found)} entries, as listed")
