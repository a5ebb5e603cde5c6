# SPDX-License-Identifier: GPL-2.0-or-later
"""A web-cache joins and takes its share of the slots, and no open connection breaks.

Those through the web-caches that were there before are handed over to them where their
slot has moved; those older than any redirection go back to the router, and on to the
origin server.  By every method, for the second, third and fourth web-cache, with the
lowest address and with the highest."""

import collections
import functools
import itertools
import operator
import socket

import pytest

from flows import broken, open_flows
from netns import DELIVERIES, wait_until
from small import CLIENT, ORIGIN_PORT, Small, address_of

FLOWS, OLD_FLOWS = 192, 32
METHODS = ("gre", "l2")
MASKS = {
    "hash": None,
    "hash-hot": None,  # half of the buckets by the alternate hash
    "mask": {"dst": 0x1741},  # the usual one
    # Bits of several fields; numbered from those of the ports up.
    "mask-fields": {"dst": 0x0103, "sport": 0x0012, "dport": 0x0001},
}
OPTIONS = {"dst": "dst-ip", "sport": "src-port", "dport": "dst-port"}
ORDERS = {"highest": ("box1", "box2", "box3", "box4"),
          "lowest": ("box4", "box3", "box2", "box1")}


def servers(n, third=0):
    """Different ones, that differ in all bits of the masks."""
    return [f"10.9.{third + i * 37 % 32}.{i}" for i in range(n)]


def slot_of(flow, mask, hot):
    """As slots_of() names it."""
    sport = flow.socket.getsockname()[1]
    if mask is None:
        bucket = fold(socket.inet_aton(flow.server))
        if hot and bucket < 128:
            return fold(socket.inet_aton(CLIENT) + sport.to_bytes(2, "big"))
        return bucket
    return (0, number_of(flow.server) & mask["dst"], sport & mask.get("sport", 0),
            ORIGIN_PORT & mask.get("dport", 0))


def fold(octets):
    return functools.reduce(operator.xor, octets)


def number_of(address):
    return int.from_bytes(socket.inet_aton(address), "big")


def slots_of(lab):
    """Slot -> its web-cache, with addresses as numbers."""
    return {tuple(number_of(x) if isinstance(x, str) else x for x in slot)
            if isinstance(slot, tuple) else slot: owner
            for slot, owner in lab.owners().items()}


def wait_shares(lab, names, mask):
    """Until each of these has its share."""
    slots = 2 ** sum(bin(v).count("1") for v in mask.values()) if mask else 256
    least = slots // len(names)

    def shares():
        table = collections.Counter(lab.owners().values())
        return [table[address_of(n)] for n in names]
    wait_until(lambda: sum(shares()) == slots and min(shares()) >= least, 20,
               lambda: f"{slots} slots for {names}, not {shares()}")


def join(lab, names, mask, hot):
    """The last of `names` joins the others.  Returns how many connections there were of
    slots that moved, of slots that did not, and those that broke."""
    with open_flows(lab, servers(FLOWS), names[:-1]) as flows:
        before = slots_of(lab)
        lab.box(names[-1]).start()
        wait_shares(lab, names, mask)
        after = slots_of(lab)
        moved = sum(before[slot_of(f, mask, hot)] != after[slot_of(f, mask, hot)]
                    for f in flows)
        return moved, FLOWS - moved, broken(flows, f"after-{names[-1]}")


@pytest.fixture
def lab(net, assign, forward, back):
    small = Small(net, boxes=ORDERS["highest"], origin=True)
    mask = MASKS[assign]
    more = f"forward = {{ {forward} }}\n    return = {{ {back} }}\n"
    by = "assign = { hash }"
    if assign == "hash-hot":
        by += "\n    hot-buckets = { 0-127 }"
    if mask:
        bits = " ".join(f"{OPTIONS[f]} = {v:#x}" for f, v in mask.items())
        by = f"assign = {{ mask }}\n    mask {{ {bits} }}"
    for i, box in enumerate(small.boxes):
        box.delivery = DELIVERIES[i % 2]
        box.configure(("web-cache", more + by))
    small.start_router(("web-cache", more))
    return small


# All of what everybody has; and what is peculiar to the rest.
CELLS = [*itertools.product(("hash", "mask"), METHODS, METHODS, ORDERS),
         ("hash-hot", "l2", "gre", "lowest"), ("hash-hot", "gre", "l2", "highest"),
         ("mask-fields", "gre", "gre", "lowest"), ("mask-fields", "l2", "l2", "highest"),
         ("mask-fields", "gre", "l2", "lowest"), ("mask-fields", "l2", "gre", "highest")]


@pytest.mark.parametrize("assign, forward, back, order", CELLS)
def test_joining_breaks_nothing(lab, assign, order):
    mask, names = MASKS[assign], ORDERS[order]
    with open_flows(lab, servers(OLD_FLOWS, 96), ["origin"]) as old:
        lab.box(names[0]).start()
        wait_shares(lab, names[:1], mask)
        assert broken(old, "redirected-now") == []
        for n in 2, 3, 4:
            moved, kept, lost = join(lab, names[:n], mask, assign == "hash-hot")
            print(f"{n} web-caches: {moved} moved, {kept} stayed, {len(lost)} lost")
            assert moved and kept
            assert not lost, (len(lost), collections.Counter(map(str, lost)))
            assert broken(old, f"with-{n}") == []
        # Something was handed over, or nothing has been shown.
        assert lab.box(names[3]).show()["services"][0]["packets"]["handed_over"]
