# SPDX-License-Identifier: GPL-2.0-or-later
"""A short form of tests/bench/ledger.py: real Squids, and an account of every connection
while a wccpd is restarted, upgraded, and killed and started."""

import argparse
import os
import sys

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench")
sys.path.append(BENCH)

from ledger_events import SHORT  # noqa: E402
from ledger_table import add_options, one_cell  # noqa: E402

# T is long enough for a start on a busy machine.
LOAD = ["--downloads", "20", "--seconds", "5", "--rate", "40", "--transmit-t", "2000",
        "--afterwards", "0.5", "--why"]


def test_no_flow_pays():
    parser = argparse.ArgumentParser()
    add_options(parser)
    rows = one_cell("hash-gre-gre", SHORT, parser.parse_args(LOAD))
    assert [row["event"] for row in rows] == ["restart", "upgrade", "killed_for_1_s"]
    for row in rows:
        assert row["new"] >= 20 and row["downloads"] >= 20, row
        assert (row["failed"], row["broken"], row["direct"]) == (0, 0, 0), row
