# SPDX-License-Identifier: GPL-2.0-or-later
"""Do routers pass through the states that doc/architecture.md says, and no others?

    tests/states.py [TOP [BUILD]]

Two tables of doc/architecture.md are read: what happens at a router, with the reasons
that are logged for it (`| event | what happens | logged as |`), and where it leads
(`| state | event | next | seen in |`; several states are separated by blanks).
Transitions are taken from the traces in tests/golden and from what tests/sim/test_sim
says of some seeds.  Each of them must be in the table, and each of the table must be
seen where its last column says: `golden`, `sim`, or in tests of Check, FILE.c:NAME.
That the code has the same table is shown by tests/unit/test_peer_fsm.c.

Complains as "FILE:LINE: what", exit code 1.  BUILD is where the simulation was built, by
default the working directory.
"""

import collections
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True  # the sources may be read-only
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import rules  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent
SEEDS = range(1, 41)
SKIPPED = 77  # what automake calls a test that could not be run
NAMES = {
    "idle": "idle", "waiting for first answer": "waiting",
    "negotiating": "negotiating", "joined": "joined", "assigned": "assigned",
    "draining": "draining", "withdrawn": "withdrawn", "lost": "lost",
    "capability mismatch": "mismatch", "authentication failed": "auth-failed",
}
NAME = re.compile(r"`([^`]*)`")
# "1.5 cache1 notes joined: router A: joined (was negotiating): why", and in the
# simulation "1.5 cache1/80 joined: ...".  A mismatch does not say what was before.
NOTE = re.compile(
    r"^ *[\d.]+ +(?P<node>\S+) (?:notes )?(?P<event>[\w-]+): (?:warning: )?"
    r"router (?P<router>\S+?):? (?P<text>.*)$")
MOVE = re.compile(r"(?P<next>[a-z ]+) \(was (?P<was>[a-z ]+)\): (?P<reason>.*)")
STARTS = re.compile(r"^ *[\d.]+ (?:\* )?(?P<node>\w+) (?:is gone|starts?|stops?|crash\w*)\b")

Row = collections.namedtuple("Row", "line state event next seen")
Move = collections.namedtuple("Move", "was next reason")


def rows_of(lines, head):
    """The rows of the first table with this head, each with its line number."""
    start = next((i for i, line in enumerate(lines) if line == head), None)
    if start is None:
        return
    for i in range(start + 2, len(lines)):
        if not lines[i].startswith("|"):
            return
        yield i + 1, [cell.strip() for cell in lines[i].strip("|").split("|")]


def moves_of(lines):
    """The transitions in a trace, each with its line number."""
    states = {}
    for number, line in enumerate(lines, 1):
        starts = STARTS.match(line)
        if starts:
            states = {k: v for k, v in states.items()
                      if k[0].split("/")[0] != starts["node"]}
        note = NOTE.match(line)
        if not note:
            continue
        key = note["node"], note["router"]
        move = MOVE.fullmatch(note["text"])
        if note["event"] == "mismatch":
            # All else that is said of a mismatch is why a version cannot be spoken.
            fits = note["text"].startswith("offers ")
            yield number, Move(states.get(key, "idle"), "mismatch",
                               "offers" if fits else note["text"])
            states[key] = "mismatch"
        elif note["event"] == "forgotten":
            states.pop(key, None)
        elif move and move["next"] in NAMES and move["was"] in NAMES:
            was, state = NAMES[move["was"]], NAMES[move["next"]]
            yield number, Move(was, state, move["reason"])
            states[key] = state


class Checker:
    def __init__(self, top=TOP):
        self.top = top
        self.file = top / "doc" / "architecture.md"
        self.complaints = []
        self.reasons = {}  # event: what is logged
        self.rows = []
        self.seen = collections.defaultdict(set)  # row: where

    def complain(self, file, line, what):
        self.complaints.append((file, line, what))

    def read(self):
        lines = self.file.read_text(encoding="utf-8").splitlines()
        for line, cells in rows_of(lines, "| event | what happens | logged as |"):
            self.reasons[NAME.findall(cells[0])[0]] = set(NAME.findall(cells[2]))
        for line, cells in rows_of(lines, "| state | event | next | seen in |"):
            for state in cells[0].split():
                self.rows.append(Row(line, state, cells[1].strip("`"), cells[2], cells[3]))
        if not self.rows or not self.reasons:
            self.complain(self.file, 1, "there are no tables of states")
        for row in self.rows:
            if row.event not in self.reasons:
                self.complain(self.file, row.line, f"{row.event}: there is no such event")
            if not {row.state, row.next} <= set(NAMES.values()):
                self.complain(self.file, row.line, "there is no such state")

    def logs(self, event, reason):
        words = self.reasons.get(event, ())
        return reason in words or any(
            w.endswith("…") and reason.startswith(w[:-1]) for w in words)

    def take(self, where, file, lines):
        for number, move in moves_of(lines):
            rows = [r for r in self.rows if (r.state, r.next) == (move.was, move.next)
                    and self.logs(r.event, move.reason)]
            if len(rows) != 1:
                self.complain(file, number, f"{move.was} -> {move.next} ({move.reason}): "
                              f"{len(rows)} transitions of the table are like this")
            for row in rows:
                self.seen[row].add(where)

    def check_seen(self):
        checker = rules.Checker(self.top)
        for row in self.rows:
            for where in row.seen.split():
                if where in ("golden", "sim"):
                    if where not in self.seen[row]:
                        self.complain(self.file, row.line,
                                      f"{row.state}, {row.event}: not seen in {where}")
                else:
                    checker.check_test(row.line, where.strip("`"))
            if not row.seen:
                self.complain(self.file, row.line, "seen nowhere")
        for line, what in checker.complaints:
            self.complain(self.file, line, what)


def main(top, build):
    checker = Checker(top)
    checker.read()
    for file in sorted((top / "tests" / "golden").glob("*.trace")):
        checker.take("golden", file, file.read_text(encoding="utf-8").splitlines())
    sim = build / "tests" / "sim" / "test_sim"
    if not sim.is_file():
        print(f"{sim} is not built", file=sys.stderr)
        return SKIPPED
    for seed in SEEDS:
        run = subprocess.run([sim, str(seed)], capture_output=True, text=True, check=False)
        checker.take("sim", f"{sim} {seed}", run.stdout.splitlines())
    checker.check_seen()
    for file, line, what in checker.complaints:
        print(f"{file}:{line}: {what}", file=sys.stderr)
    print(f"{len(checker.rows)} transitions, {len(checker.complaints)} complaints")
    return 1 if checker.complaints else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TOP,
                  pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path()))
