#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What restarting, leaving, joining and dying costs: each event beside an account of every
connection, with real Squids.

    sudo WCCPD_BUILD=$PWD/build/main tests/bench/ledger.py [--cells hash-gre-gre,...]
         [--events NAME,... | --part newcomers|two|idle|short] [--downloads N] [--seconds S]
         [--rate N] [--idle N] [--transmit-t MS] [--why] [--json FILE]

Downloads with steady progress run all the time, and new connections come; one event follows
the other.  The aim is 0 in every column but for what a killed Squid itself had open.  Exit
0, whatever the figures are."""

import argparse
import itertools
import json
import os
import resource
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "net")]

import ledger_events  # noqa: E402
from ledger_table import add_options, head, one_cell  # noqa: E402

CELLS = ["hash-gre-gre", "hash-l2-l2", "mask-gre-gre", "mask-l2-l2"]
PARTS = {"all": ledger_events.EVENTS, "newcomers": ledger_events.NEWCOMERS,
         "two": ledger_events.ONE_OF_TWO, "idle": ledger_events.IDLE,
         "short": ledger_events.SHORT}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--part", default="all", choices=PARTS)
    parser.add_argument("--events", default="")
    options = parser.parse_args()
    known = {e.__name__: e for e in PARTS["all"]}
    names = [e for e in options.events.split(",") if e]
    if set(names) - set(known):
        parser.error(f"no such event; there are {', '.join(known)}")
    options.events = [known[n] for n in names] or PARTS[options.part]
    return options


def main():
    options = arguments()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    head()
    rows = list(itertools.chain.from_iterable(
        one_cell(cell, options.events, options) for cell in options.cells.split(",")))
    if options.json:
        with open(options.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
