# SPDX-License-Identifier: GPL-2.0-or-later
"""A web-cache joins and takes its share of the slots, and no open connection breaks.

Those through the web-caches that were there before are handed over to them where their
slot has moved; those older than any redirection go back to the router, and on to the
origin server.  By every method, for the second, third and fourth web-cache, with the
lowest address and with the highest."""

import collections
import contextlib
import functools
import operator
import select
import socket

import pytest

from netns import wait_until
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


class Flow:
    """A connection that stays open."""

    def __init__(self, lab, server):
        self.server, self.by = server, None
        self.socket = lab.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.connect_ex((server, ORIGIN_PORT))

    def slot(self, mask, hot):
        """As Small.owners() names it."""
        if mask is None:
            bucket = fold(socket.inet_aton(self.server))
            if hot and bucket < 128:
                source = socket.inet_aton(CLIENT)
                return fold(source + self.socket.getsockname()[1].to_bytes(2, "big"))
            return bucket
        dst = int.from_bytes(socket.inet_aton(self.server), "big") & mask["dst"]
        sport = self.socket.getsockname()[1] & mask.get("sport", 0)
        return (number_of("0.0.0.0"), dst, sport, ORIGIN_PORT & mask.get("dport", 0))


def fold(octets):
    return functools.reduce(operator.xor, octets)


def number_of(address):
    return int.from_bytes(socket.inet_aton(address), "big")


def hear(flows, timeout=10):
    """One line of each: {flow: its words, or what came instead}."""
    heard, waiting = {}, {f.socket.fileno(): f for f in flows}
    poll = select.poll()
    for fd in waiting:
        poll.register(fd, select.POLLIN)
    while waiting:
        ready = poll.poll(timeout * 1000)
        if not ready:
            break
        for fd, _ in ready:
            flow = waiting.pop(fd)
            poll.unregister(fd)
            try:
                heard[flow] = flow.socket.recv(1000).decode().split()
            except OSError as e:
                heard[flow] = e.strerror
    return heard


@contextlib.contextmanager
def open_flows(lab, n, among, third):
    """n connections to different servers, each answered by one of `among`."""
    flows = [Flow(lab, f"10.9.{third + i * 37 % 32}.{i}") for i in range(n)]
    try:
        heard = hear(flows)
        for f in flows:
            f.by = heard.get(f, ["nobody"])[0]
        assert {f.by for f in flows} <= set(among), collections.Counter(
            f.by for f in flows)
        yield flows
    finally:
        for f in flows:
            f.socket.close()


def broken(flows, word):
    """Those that do not echo a line, as (who served it, what came instead)."""
    for f in flows:
        with contextlib.suppress(OSError):  # it is told when hearing
            f.socket.send(word.encode() + b"\n")
    heard = hear(flows)
    return [(f.by, heard.get(f, "nothing")) for f in flows if heard.get(f) != [word]]


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
    with open_flows(lab, FLOWS, names[:-1], third=0) as flows:
        before = slots_of(lab)
        lab.box(names[-1]).start()
        wait_shares(lab, names, mask)
        after = slots_of(lab)
        moved = sum(before[f.slot(mask, hot)] != after[f.slot(mask, hot)]
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
    for box in small.boxes:
        box.configure(("web-cache", more + by))
    small.start_router(("web-cache", more))
    return small


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("back", METHODS)
@pytest.mark.parametrize("forward", METHODS)
@pytest.mark.parametrize("assign", MASKS)
def test_joining_breaks_nothing(lab, assign, order):
    mask, names = MASKS[assign], ORDERS[order]
    with open_flows(lab, OLD_FLOWS, ["origin"], third=96) as old:
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
