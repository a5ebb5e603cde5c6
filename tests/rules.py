# SPDX-License-Identifier: GPL-2.0-or-later
"""Does every rule in doc/rules.md, and every attack in doc/security.md, name tests, and
is every one of them there and run?

    tests/rules.py [FILE]...

Complains as "FILE:LINE: what", exit code 1.  A table is read by the names in its
head: columns that begin with "Shown" hold tests, separated by blanks; other columns
that are known are `Id`, `Side` and `Draft`.  A test of Check is FILE.c:NAME, one of
pytest FILE.py::NAME, both in backticks and relative to the top of the sources.
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
ID = re.compile(r"([RMA])-(?:(\d)-)?(\d\d+)")
NAME = re.compile(r"`([^`]*)`")
NONE = "–"
SIDES = ("cache", "router", "both")


def tests_of(path):
    """Names of the tests in a file that are run."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return set(re.findall(r"^(?:async )?def (test_\w+)\(", text, re.M))
    added = set(re.findall(r"\btcase_add_(?:loop_)?test\(\s*\w+,\s*(\w+)", text))
    added &= set(re.findall(r"^START_TEST\((\w+)\)", text, re.M))
    # These register themselves (tests/unit/suite.h).
    return added | set(re.findall(r"^TEST(?:_LOOP)?\((\w+)", text, re.M))


class Checker:
    def __init__(self, top=TOP):
        self.top = top
        self.complaints = []
        self.files = {}
        self.last = {}  # number of the last row, by the beginning of its id
        self.rows = 0
        self.tests = set()

    def complain(self, line, what):
        self.complaints.append((line, what))

    def names_in(self, file):
        if file not in self.files:
            path = self.top / file
            self.files[file] = tests_of(path) if path.is_file() else None
        return self.files[file]

    def check_test(self, line, name):
        found = re.fullmatch(r"(tests/[\w/]+\.c):(\w+)|(tests/[\w/]+\.py)::(\w+)", name)
        if not found:
            self.complain(line, f"{name}: neither FILE.c:NAME nor FILE.py::NAME")
            return
        file, test = found[1] or found[3], found[2] or found[4]
        names = self.names_in(file)
        if names is None:
            self.complain(line, f"{name}: there is no such file")
        elif test not in names:
            self.complain(line, f"{name}: there is no such test, or it is not run")
        self.tests.add(name)

    def check_id(self, line, text):
        found = ID.fullmatch(text)
        if not found or (found[1] != "M") != bool(found[2]):
            self.complain(line, f"{text or 'nothing'} is no id")
            return
        group = (found[1], found[2])
        expected = self.last.get(group, 0) + 1
        if int(found[3]) != expected:
            prefix = text[:-len(found[3])]
            self.complain(line, f"id {text}, expected {prefix}{expected:02}")
        self.last[group] = int(found[3])

    def check_tests(self, line, head, cell, needed):
        names = NAME.findall(cell)
        if not needed:
            if cell != NONE:
                self.complain(line, f'"{head}" is about the other side: write {NONE}')
            return
        if not names:
            self.complain(line, f'"{head}" names no test')
        elif NAME.sub("", cell).strip():
            self.complain(line, f'"{head}" has more than tests: {cell}')
        for name in names:
            self.check_test(line, name)

    def check_row(self, line, head, cells):
        row = dict(zip(head, cells))
        self.rows += 1
        if len(cells) != len(head):
            self.complain(line, f"{len(cells)} cells for {len(head)} columns")
            return
        self.check_id(line, row["Id"])
        side = row.get("Side", "both")
        if side not in SIDES:
            self.complain(line, f"side {side}, not one of {', '.join(SIDES)}")
        if "Draft" in row and "§" not in row["Draft"]:
            self.complain(line, "no section of a draft")
        for name, cell in row.items():
            if not cell:
                self.complain(line, f'"{name}" is empty')
            if name.startswith("Shown"):
                other = {"cache": "router", "router": "cache"}.get(side, NONE)
                self.check_tests(line, name, cell, other not in name)

    def check(self, text):
        head = None
        for number, line in enumerate(text.splitlines(), 1):
            if not line.startswith("|"):
                head = None
                continue
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if head is None:
                head = cells
                if "Id" not in head or not any(h.startswith("Shown") for h in head):
                    self.complain(number, "a table without ids or without tests")
                    head += ["Id"]
            elif not set("".join(cells)) <= set("-:"):
                self.check_row(number, head, cells)
        if not self.rows:
            self.complain(1, "not one rule")


def main(path):
    checker = Checker()
    checker.check(path.read_text(encoding="utf-8"))
    for line, what in checker.complaints:
        print(f"{path}:{line}: {what}", file=sys.stderr)
    if checker.complaints:
        return 1
    print(f"{path.name}: {checker.rows} rules, {len(checker.tests)} tests")
    return 0


if __name__ == "__main__":
    FILES = sys.argv[1:] or [TOP / "doc" / "rules.md", TOP / "doc" / "security.md"]
    sys.exit(max([main(pathlib.Path(file)) for file in FILES]))
