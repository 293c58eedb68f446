#!/usr/bin/env python3
"""Makes src/text/unicode_tables.inc and src/text/html_entities.inc from Python's own tables.

The tokenizer must agree with Python on what a letter, a number and a lower-case form are
(unicodedata, str.lower) and on HTML entities (html.entities). Run without arguments.
"""
import html.entities
import pathlib
import unicodedata

OUT = pathlib.Path(__file__).resolve().parent.parent / "src" / "text"
SURROGATES = range(0xD800, 0xE000)
ALL = [c for c in range(0x110000) if c not in SURROGATES]


def ranges(accept):
    out = []
    for c in ALL:
        if accept(c):
            if out and out[-1][1] == c - 1:
                out[-1][1] = c
            else:
                out.append([c, c])
    return out


def is_cased(c):
    """Cased and not case-ignorable: what makes a following capital sigma final."""
    return (chr(c) + "\u03a3").lower()[-1] == "\u03c2"


def is_ignorable(c):
    return ("A" + chr(c) + "\u03a3").lower()[-1] == "\u03c2" and not is_cased(c)


def lower_runs():
    """[first, last, stride, delta] such that lower(c) = c + delta for c in range(first, last + 1, stride)."""
    runs = []
    for c in ALL:
        lower = chr(c).lower()
        if lower == chr(c) or c == 0x130:
            continue
        assert len(lower) == 1, hex(c)
        delta = ord(lower) - c
        if runs and runs[-1][3] == delta:
            first, last, stride, _ = runs[-1]
            step = c - last
            if step == stride or (first == last and step in (1, 2)):
                runs[-1] = [first, c, step, delta]
                continue
        runs.append([c, c, 1, delta])
    return runs


def wrap(items, indent="    ", width=100):
    lines, line = [], indent
    for item in items:
        if len(line) + len(item) + 1 > width:
            lines.append(line.rstrip())
            line = indent
        line += item + " "
    lines.append(line.rstrip())
    return "\n".join(lines)


def unicode_tables():
    tables = {
        "kLetters": ranges(lambda c: unicodedata.category(chr(c))[0] == "L"),
        "kNumbers": ranges(lambda c: unicodedata.category(chr(c))[0] == "N"),
        "kCased": ranges(is_cased),
        "kCaseIgnorable": ranges(is_ignorable),
    }
    text = f"// Made by scripts/make_text_tables.py, Unicode {unicodedata.unidata_version}. clang-format off\n"
    for name, table in tables.items():
        items = [f"{{{a:#x}, {b:#x}}}," for a, b in table]
        text += f"constexpr Range {name}[] = {{\n{wrap(items)}\n}};\n"
    items = [f"{{{a:#x}, {b:#x}, {s}, {d}}}," for a, b, s, d in lower_runs()]
    text += f"constexpr LowerRun kLowerRuns[] = {{\n{wrap(items)}\n}};\n"
    (OUT / "unicode_tables.inc").write_text(text)


def entity_table():
    html5 = html.entities.html5
    names = sorted(name[:-1] for name in html5 if name.endswith(";"))
    records = []
    for name in names:
        value = html5[name + ";"]
        bare = name in html5
        assert not bare or html5[name] == value
        assert 1 <= len(value) <= 2 and name.isascii() and name.isalnum()
        points = ",".join(f"{ord(c):x}" for c in value)
        records.append(f"{name}{'!' if bare else '='}{points} ")
    assert all(name.endswith(";") or name + ";" in html5 for name in html5)
    text = "// Made by scripts/make_text_tables.py. clang-format off\n"
    text += "// Records \"name=code points \", in order; '!' instead of '=' where the semicolon may be missing.\n"
    text += "constexpr std::string_view kEntityRecords =\n"
    line, lines = "", []
    for record in records:
        if len(line) + len(record) > 92:
            lines.append(line)
            line = ""
        line += record
    lines.append(line)
    text += "\n".join(f'    "{line}"' for line in lines) + ";\n"
    (OUT / "html_entities.inc").write_text(text)


if __name__ == "__main__":
    unicode_tables()
    entity_table()
