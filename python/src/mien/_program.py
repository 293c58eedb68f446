"""Measuring, converting and training: the program of this package as a process."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
from typing import Any, Dict, List, Optional, Sequence, Union

from ._errors import Error, InvalidArgument, IoError

PROGRAM = pathlib.Path(__file__).resolve().parent / "_dist" / "bin" / "mien"


def program_path() -> str:
    """Path of the program that comes with this package.

    >>> import mien
    >>> mien.program_path().endswith("mien")
    True
    """
    if not PROGRAM.is_file():
        raise IoError(f"{PROGRAM}: does not exist (expected the program of this package)")
    return str(PROGRAM)


def _arguments(options: Dict[str, Any]) -> List[str]:
    """`no_text_tower=True` is --no-text-tower; a list is the option several times."""
    out: List[str] = []
    for name, value in options.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            out.append(flag)
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            out += [flag, os.fspath(one) if isinstance(one, os.PathLike) else str(one)]
    return out


def _run(arguments: Sequence[str]) -> str:
    done = subprocess.run([program_path(), *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return done.stdout
    lines = [line.removeprefix("mien: ") for line in done.stderr.splitlines() if line.strip()]
    message = "\n".join(lines) or f"mien {arguments[0]}: exit code {done.returncode}"
    raise (InvalidArgument if done.returncode == 2 else Error)(message)


def evaluate(data: "Union[str, os.PathLike[str]]", bundle: "Union[str, os.PathLike[str]]" = "compact", *,
             labels: Optional[str] = None, **options: Any) -> Dict[str, Any]:
    """Measures a bundle on labelled data and returns the JSON of `mien eval` (docs/reference/eval.md). `options` are
    those of the program, with underscores: split="test" is --split test.

    >>> import mien
    >>> try:
    ...     mien.evaluate("none.csv")
    ... except mien.Error as problem:
    ...     print("none.csv" in str(problem))
    True
    """
    return json.loads(_run(["eval", os.fspath(bundle), "--data", os.fspath(data),
                            *_arguments(dict(options, labels=labels)), "--json"]))


def convert(source: "Union[str, os.PathLike[str]]", destination: "Union[str, os.PathLike[str]]",
            **options: Any) -> Dict[str, Any]:
    """Makes a bundle from weights and returns what `mien convert --json` reports (docs/reference/convert.md).

    >>> import mien
    >>> try:
    ...     mien.convert("none.pt", "bundle")
    ... except mien.Error as problem:
    ...     print("none.pt" in str(problem))
    True
    """
    return json.loads(_run(["convert", os.fspath(source), os.fspath(destination), *_arguments(options), "--json"]))


def train(recipe: "Union[str, os.PathLike[str]]", *, data: "Optional[Union[str, os.PathLike[str]]]" = None,
          output: "Optional[Union[str, os.PathLike[str]]]" = None, settings: Optional[Dict[str, Any]] = None,
          **options: Any) -> List[Dict[str, Any]]:
    """Trains by a recipe and returns the JSON lines of `mien train` (docs/reference/training.md). It needs the torch
    wing, which this package does not contain: `mien-train` is looked for beside the program and in PATH.

    >>> import mien
    >>> try:
    ...     mien.train("none.yaml")
    ... except mien.Error as problem:
    ...     print(type(problem).__name__ in ("Error", "InvalidArgument"))
    True
    """
    sets = [f"{name}={value}" for name, value in (settings or {}).items()]
    text = _run(["train", os.fspath(recipe), *_arguments(dict(options, data=data, output=output, set=sets)), "--json"])
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
