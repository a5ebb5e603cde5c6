# SPDX-License-Identifier: GPL-2.0-or-later
"""The decisions of wccprouter's eBPF program are those of a plain reference
(decide/decide.h) for 100,000 random packets of each kind."""

import os
import re

from netns import program

PACKETS = 100_000
SEED = os.environ.get("DECIDE_SEED", "2048")
KINDS = ("IPv4", "IPv6", "fragments", "options, extension headers", "VLAN", "leaving")
# What every kind must have met: not all packets may be of no service.
MET = ("denied", "unassigned", "closed", "expired", "hash", "alt. hash", "mask")


def make_network(net):
    """An interface with a VLAN where packets come in, another one behind which the
    web-caches are; nobody is at their other ends.

    Not every kernel has VLANs.  What the program sees on the interface of one is what
    it sees on any: frames without a tag."""
    router, nobody = net.namespace("router"), net.namespace("nobody")
    # A packet of its own would get in the way of one that is being tested.
    nobody.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    net.veth(router, "cl0", None, nobody, "cl0", None)
    net.veth(router, "bx1", "10.2.0.1/24", nobody, "bx1", None)
    made = router.ip("link", "add", "link", "cl0", "name", "cl0.7", "type", "vlan",
                     "id", "7", check=False)
    if made.returncode:
        net.veth(router, "cl0.7", None, nobody, "cl0.7", None)
    router.ip("link", "set", "cl0.7", "up")
    router.address("bx1", "2001:db8:2::1/64")
    router.address("lo", "10.0.9.1/32")
    router.address("lo", "2001:db8:9::1/128")
    return router


def figures(text):
    """{kind: {column: number}} of the table that is printed."""
    head, *rows = text.splitlines()
    names = re.split(r"\s{2,}", head.strip())
    found = {}
    for row in rows:
        kind, *numbers = re.split(r"\s{2,}", row.strip())
        found[kind] = dict(zip(names, map(int, numbers)))
    return found


def test_decisions(net):
    router = make_network(net)
    done = router.run(program("tests/net/decide/decide"), SEED, PACKETS, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    found = figures(done.stdout)
    assert tuple(found) == KINDS
    for kind, counts in found.items():
        assert counts["compared"] == PACKETS, kind
        # What leaves has expired before, if at all.
        met = [m for m in MET if (kind, m) != ("leaving", "expired")]
        assert all(counts[m] > 100 for m in met), (kind, counts)
