# SPDX-License-Identifier: GPL-2.0-or-later
"""The ingress program judges as a plain reference does (judge/judge.h), for 100,000
random packets of each kind; and every packet is counted once.  Whatever anybody sends,
nothing but packets of agreed services for hosts elsewhere is delivered, and each that is
sent on is older than before (judge/rules.c)."""

import os
import re

from netns import program

PACKETS = 100_000
SEED = os.environ.get("JUDGE_SEED", "2048")
KINDS = ("plain", "options", "fragments", "mask", "hash", "VLAN")
# For want of memory; and what is sent again after a while.  Nothing here brings it about.
NEVER = "dropped-failed", "returned-unanswered"


def make_network(net):
    """The box alone; nobody is at the other end of its links."""
    box, nobody = net.namespace("box"), net.namespace("nobody")
    # A packet of its own would get in the way of one that is being tested.
    for ns in box, nobody:
        ns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    net.veth(box, "eth0", "10.2.0.2/24", nobody, "eth0", None)
    net.veth(box, "eth1", "10.7.0.1/16", nobody, "eth1", None)
    box.address("lo", "10.5.0.9/32")
    box.route("default", "via", "10.2.0.1")
    for router, mac in (("10.2.0.1", "02:00:00:00:09:01"),
                        ("10.2.0.4", "02:00:00:00:09:04")):
        box.ip("neigh", "replace", router, "lladdr", mac, "dev", "eth0", "nud",
               "permanent")
    return box


def figures(text):
    """{reason: {kind: packets}} of the table that is printed."""
    head, *rows, _ = text.splitlines()
    assert tuple(head.split()) == KINDS
    return {row.split()[0]: dict(zip(KINDS, map(int, row.split()[1:]))) for row in rows}


def test_judgements(net):
    box = make_network(net)
    done = box.run(program("tests/net/judge/judge"), SEED, PACKETS, check=False,
                   timeout=240)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    found = figures(done.stdout)
    for kind in KINDS:
        assert sum(counts[kind] for counts in found.values()) == PACKETS
    alone, *others = map(int, re.findall(r"\d+", done.stdout.splitlines()[-1]))
    assert alone + sum(others) == PACKETS and min(alone, *others) > 300
    for reason, counts in found.items():
        met = sum(counts.values())
        assert met == 0 if reason in NEVER else met > 100, (reason, met)
