#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The option table, the sample file and the manual page say the same.

check_options.py [--write] [ROOT]

Every option of daemon/config/config_options.c stands in conf/softofflined.conf, commented, at its
default, with its help text, and in man/softofflined.conf.5 with the same default and help;
neither has any other option, and the order is the table's. --write writes the sample file
anew below its head (what precedes the first section).
"""

import difflib
import pathlib
import re
import sys
import textwrap

STRING = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(r"\{ \{ ((?:%s\s*,?\s*)+)\}" % STRING.replace("(", "(?:", 1))


def read_table(path):
    """Rows (section, key, default, help) of the C source."""
    source = path.read_text()
    rows = []
    for match in ROW.finditer(source):
        # Adjacent literals are one string; a comma ends it.
        fields = [""]
        for token in re.finditer(STRING + r"|(,)", match.group(1)):
            if token.group(2):
                fields.append("")
            else:
                fields[-1] += token.group(1)
        if len(fields) != 4 or any("\\" in field for field in fields):
            sys.exit(f"{path}: a row that this script cannot read: {fields}")
        rows.append(tuple(fields))
    types = len(re.findall(r"^\s+OPTION_[A-Z_]+, IN_", source, re.M))
    if not rows or len(rows) != types:
        sys.exit(f"{path}: {len(rows)} rows were read, the table has {types}")
    return rows


def sample_sections(rows):
    """What the sample file holds below its head."""
    out = []
    section = None
    for row_section, key, default, text in rows:
        if row_section != section:
            out.append(f"[{row_section}]")
            section = row_section
        # What one word of several means begins a line of its own.
        for part in re.split(r"(?<=\.) (?=\S+: )", text):
            out += textwrap.wrap(part, 80, initial_indent="# ", subsequent_indent="# ",
                                 break_on_hyphens=False)
        out += [f"#{key}={default}", ""]
    return "\n".join(out[:-1]) + "\n"


def check_sample(path, rows, write):
    """Returns the number of complaints about the sample file."""
    text = path.read_text()
    start = re.search(r"^\[", text, re.M)
    head, have = (text[:start.start()], text[start.start():]) if start else (text, "")
    want = sample_sections(rows)
    if write:
        path.write_text(head + want)
        return 0
    errors = 0
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > 80:
            print(f"{path}:{number}: longer than 80 columns")
            errors += 1
        if line and not line.startswith(("#", "[")):
            print(f"{path}:{number}: not a comment: {line}")
            errors += 1
    if have != want:
        sys.stdout.writelines(difflib.unified_diff(
            have.splitlines(True), want.splitlines(True), str(path), "the option table"))
        errors += 1
    return errors


def man_text(lines):
    """The words of mdoc lines, macros dropped."""
    words = " ".join(line for line in lines if not line.startswith("."))
    return re.sub(r"\s+", " ", words.replace("\\&", "").replace("\\-", "-"))


def read_man(path):
    """Options (section, key) -> lines, in order, of the page's OPTIONS."""
    options = {}
    section = entry = None
    for line in path.read_text().splitlines():
        if heading := re.match(r"\.Ss \[(\w+)\]$", line):
            section, entry = heading.group(1), None
        elif line.startswith((".Sh", ".El")):
            entry = None
            if line.startswith(".Sh"):
                section = None
        elif section and (item := re.match(r"\.It Ic (\w+) Ns = Ns", line)):
            entry = options.setdefault((section, item.group(1)), [])
        elif entry is not None:
            entry.append(line)
    return options


def check_man(path, rows):
    """Returns the number of complaints about the manual page."""
    options = read_man(path)
    errors = 0

    def complain(message):
        nonlocal errors
        errors += 1
        print(f"{path}: {message}")

    want = [(section, key) for section, key, _, _ in rows]
    for section, key in options:
        if (section, key) not in want:
            complain(f"[{section}] {key}: no such option")
    for section, key, default, text in rows:
        lines = options.get((section, key))
        if lines is None:
            complain(f"[{section}] {key}: missing")
            continue
        quoted = f'"{default}"' if " " in default else default
        if "The default is" not in lines or \
           f".Ql {quoted} ." not in lines:
            complain(f"[{section}] {key}: does not say: The default is / .Ql {quoted} .")
        if text not in man_text(lines):
            complain(f"[{section}] {key}: does not hold the help text: {text}")
    if errors == 0 and list(options) != want:
        complain("the options are not in the table's order")
    return errors


def main():
    args = sys.argv[1:]
    write = "--write" in args
    args = [arg for arg in args if arg != "--write"]
    root = pathlib.Path(args[0] if args else pathlib.Path(__file__).resolve().parents[2])
    rows = read_table(root / "daemon/config/config_options.c")
    errors = check_sample(root / "conf/softofflined.conf", rows, write)
    errors += check_man(root / "man/softofflined.conf.5", rows)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
