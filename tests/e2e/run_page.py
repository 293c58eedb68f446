"""run_page.py PAGE EXAMPLES: runs the sh and console blocks of a page in order, in the current folder.

A sh block must end with exit code 0. In a console block every line `$ command` must print the lines below it. A block
marked `needs=train` is skipped when there is no mien-train. Every cpp block must be part of a source below EXAMPLES.
Exit code 1 when something differs.
"""
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^```(sh|console|cpp)([^\n]*)\n(.*?)^```", re.S | re.M)
NUMBER = re.compile(r"\d+(?:[.:]\d+)*")
BARS = re.compile(r"[█▏▎▍▌▋▊▉]+")


def run(command):
    return subprocess.run(["bash", "-ec", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def value(number):
    total = 0.0
    for part in number.split(":"):
        total = 60 * total + float(part)
    return total


def text_of(line):
    """What must be the same in any case: no numbers, no bars, runs of a time line as one letter."""
    line = re.sub(r"(?<=#\d  )\S+", lambda match: re.sub(r"(.)\1+", r"\1", match[0]), line)
    return re.sub(r"\s+", " ", NUMBER.sub("0", BARS.sub("", line))).strip()


def same(shown, printed, exact):
    shown, printed = shown.rstrip("\n").split("\n"), printed.rstrip("\n").split("\n")
    if exact or len(shown) != len(printed):
        return shown == printed
    for a, b in zip(shown, printed):
        left, right = [value(n) for n in NUMBER.findall(a)], [value(n) for n in NUMBER.findall(b)]
        if text_of(a) != text_of(b) or any(abs(x - y) > 8 for x, y in zip(left, right)):
            return False
    return True


def main():
    page, examples = map(pathlib.Path, sys.argv[1:])
    text = page.read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in examples.glob("*/*.cc")]
    blocks = commands = bad = 0
    for kind, mark, block in BLOCK.findall(text):
        if kind == "cpp":
            if not any(block in source for source in sources):
                bad += 1
                print(f"no example has these lines:\n{block}")
            continue
        if "needs=train" in mark and not shutil.which("mien-train"):
            print(f"skipped: {block.splitlines()[0]} (no mien-train: built without LibTorch)")
            continue
        blocks += 1
        if kind == "sh":
            done = run(block)
            commands += len(block.strip().splitlines())
            if done.returncode != 0:
                bad += 1
                print(f"exit code {done.returncode}:\n{block}{done.stdout}{done.stderr}")
            continue
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            commands += 1
            done = run(command)
            printed = done.stdout + done.stderr
            if not same(shown, printed, exact="clip.mp4" not in command and "toy" not in text):
                bad += 1
                print(f"$ {command}\nthe page shows\n{shown}\nthe program prints\n{printed}")
    print(f"{blocks} blocks, {commands} lines of commands, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
