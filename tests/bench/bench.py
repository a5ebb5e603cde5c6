#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of this machine, in one table.

    bench.py [--seconds S] [--only PART,...] [--json FILE] [--against BUILD]

Parts: steering, explicit, deliveries, forwarding, core, idle; each file says what it measures and how.
WCCPD_BUILD names the build.  --seconds is for each of the first four.  --against has the
wccpd of another build beside it in `steering`.  doc/benchmarks.md has figures, and what
to think of them.
"""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import explicit  # noqa: E402
import forwarding  # noqa: E402
import idle  # noqa: E402
import netns  # noqa: E402
import slices  # noqa: E402
import steering  # noqa: E402


def run_core():
    done = netns.run(netns.program("tests/bench/core"))
    return json.loads(done.stdout)


def core_lines(core):
    yield f"{'the protocol core, one processor':<58} {'':>9}  aim"
    rows = [
        ("I_SEE_YOUs with 32 web-caches a second, one router",
         f"{core['i_see_you']['1']:.0f}", ">= 500000"),
        ("  32 routers", f"{core['i_see_you']['32']:.0f}", ""),
        ("  recordings, refused", f"{core['i_see_you']['replayed']:.0f}", ""),
        ("256 buckets for 32 web-caches computed, us",
         f"{core['assign_us']:.1f}", "< 20"),
        ("64 groups, 32 routers, 32 web-caches: memory, MiB",
         f"{core['many']['kib'] / 1024:.1f}", "< 64"),
        ("  processor while idle, every 10 s answered, %",
         f"{core['many']['cpu_share'] * 100:.2f}", "< 1"),
    ]
    for text, figure, aim in rows:
        yield f"{text:<58} {figure:>9}  {aim}"


def idle_lines(figures):
    yield (f"{'wccpd, 64 services with 32 silent routers: memory, MiB':<58} "
           f"{figures['kib'] / 1024:>9.1f}  < 64")
    yield (f"{'  processor while idle, %':<58} "
           f"{figures['cpu_share'] * 100:>9.2f}  < 1")


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    args.add_argument("--seconds", type=float, default=40)
    args.add_argument("--only", default="steering,forwarding,core,idle")
    args.add_argument("--json", help="write every figure there")
    args.add_argument("--against", metavar="BUILD", help="another build, for steering")
    args = args.parse_args()
    os.nice(-15)  # other work on the machine is to wait, not to be measured
    parts = {
        "steering": (lambda: steering.run(args.seconds, args.against),
                     lambda f: slices.table(f, "direct")),
        "explicit": (lambda: explicit.run(args.seconds), explicit.table),
        "bypass": (lambda: steering.bypass(args.seconds),
                   lambda f: slices.table(f, "direct")),
        "deliveries": (lambda: steering.deliveries(args.seconds),
                       lambda f: slices.table(f, "direct")),
        "forwarding": (lambda: forwarding.run(args.seconds),
                       lambda f: slices.table(f, "plain")),
        "core": (run_core, core_lines),
        "idle": (lambda: idle.run(3), idle_lines),
    }
    figures, lines = {}, []
    for name in args.only.split(","):
        run, show = parts[name]
        figures[name] = run()
        lines += [*show(figures[name]), ""]
    print("\n".join(lines), end="")
    if args.json:
        # Who may write into the folder must not choose, by a link, what root overwrites.
        with open(args.json, "w", opener=lambda path, flags:
                  os.open(path, flags | os.O_NOFOLLOW, 0o644)) as f:
            json.dump(figures, f, indent=1)


if __name__ == "__main__":
    main()
