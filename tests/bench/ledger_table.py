# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of ledger.py: a row for each event, with the account of the connections that were
open or began meanwhile."""

import sys
import time

import ledger_events
import netns
from ledger_site import BOXES, Site

COLUMNS = ("seconds", "new", "failed", "direct", "downloads", "broken", "stalled", "longest",
           "late")
IDLE_S = 200  # how long an idle connection lasts


def head():
    print(f"{'cell':<13} {'event':<20}" + "".join(f" {name:>9}" for name in COLUMNS),
          flush=True)


class Table:
    """The rows of a cell.  All are reckoned when the last event is over, because what one
    has done may be seen later."""

    def __init__(self, cell, ledger, options):
        self.cell, self.ledger, self.options = cell, ledger, options
        self.spans, self.problem, self.tells_direct = [], "", True

    def run(self, site, event):
        begin = time.monotonic()
        try:
            event(site)
        except (AssertionError, RuntimeError, OSError) as e:
            self.problem = f"{event.__name__}: {str(e).splitlines()[0][:200]}"
        ledger_events.pause(self.options.afterwards)
        self.spans.append((event.__name__, begin, time.monotonic()))
        if self.options.why:
            print(f"# {event.__name__} {time.monotonic() - begin:.1f} s", file=sys.stderr,
                  flush=True)

    def run_all(self, site, events):
        for event in events:
            if not self.problem:
                self.run(site, event)

    def rows(self):
        rows = [{"cell": self.cell, "event": name, **self.ledger.account(begin, end)}
                for name, begin, end in self.spans]
        return [row if self.tells_direct else {**row, "direct": "-"} for row in rows]

    def print(self):
        for row, (_, begin, end) in zip(self.rows(), self.spans):
            print(f"{self.cell:<13} {row['event']:<20}" +
                  "".join(f" {row[name]:>9}" for name in COLUMNS), flush=True)
            for line in self.ledger.why(begin, end) if self.options.why else []:
                print("    " + line, flush=True)
        if self.problem or self.ledger.trouble:
            print(f"    the rest is left out: {self.problem} {self.ledger.trouble or ''}",
                  flush=True)


def one_cell(cell, events, options):
    with netns.Net("ledger") as net:
        newcomers = set(events) & set(ledger_events.NEWCOMERS[1:])
        site = Site(net, cell, options.transmit_t, BOXES if newcomers else BOXES[:2])
        site.start()
        ledger = site.ledger(options.rate, options.downloads, options.seconds)
        table = Table(cell, ledger, options)
        try:
            with ledger:
                if options.idle:
                    ledger.idle(options.idle, IDLE_S)
                table.run_all(site, events)
        finally:
            table.print()
        if table.problem and options.why:
            for box in site.lab.boxes[:2]:
                print(box.wccpd.output()[-6000:], file=sys.stderr)
    return table.rows()


def add_options(parser):
    """The load, and what is said of it."""
    parser.add_argument("--downloads", type=int, default=100, help="open at any time")
    parser.add_argument("--seconds", type=int, default=30, help="how long a download takes")
    parser.add_argument("--rate", type=int, default=300, help="new connections a second")
    parser.add_argument("--idle", type=int, default=0, help="so many idle ones beside them")
    parser.add_argument("--transmit-t", type=int, default=1000, help="T, in ms")
    parser.add_argument("--afterwards", type=float, default=2.0,
                        help="s that still belong to an event")
    parser.add_argument("--why", action="store_true", help="a few of those not whole")
    parser.add_argument("--json", help="all figures into a file")
