"""`python -m mien`: the program."""
import os
import sys

from ._program import program_path


def main() -> None:
    """Replaces this process by the program, with the same arguments."""
    program = program_path()
    os.execv(program, ["mien", *sys.argv[1:]])


if __name__ == "__main__":
    main()
