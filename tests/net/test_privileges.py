# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemons give up what they do not need, and serve all the same."""

import os
import re
import signal
import subprocess


from netns import program, wait_until
from small import Small
from wccprouter_lab import World

NET_ADMIN, SYS_PTRACE, PERFMON, BPF = 12, 19, 38, 39
WCCPD = 1 << NET_ADMIN | 1 << SYS_PTRACE | 1 << PERFMON | 1 << BPF
WCCPROUTER = 1 << NET_ADMIN | 1 << PERFMON | 1 << BPF


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return {key: value.strip() for key, _, value in
                (line.partition(":") for line in f)}


def sets_of(pid):
    """Capabilities by set, as numbers, and whether there are no new privileges."""
    told = status(pid)
    sets = {name: int(told["Cap" + name], 16) for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
    return sets, told["NoNewPrivs"]


def only(keep, inherited=0):
    return {"Inh": inherited, "Prm": keep, "Eff": keep, "Bnd": keep, "Amb": inherited}, "1"


def test_both_keep_only_what_they_need(net):
    lab = Small(net, boxes=("box1",))
    lab.start_router("web-cache")
    box = lab.box("box1")
    box.configure(("web-cache", ""))
    box.start()
    lab.wait_served(["box1"])
    assert sets_of(box.wccpd.pid) == only(WCCPD)
    assert sets_of(lab.wccprouter.pid) == only(WCCPROUTER)
    assert box.wccpd.stop() == 0 and lab.wccprouter.stop() == 0
