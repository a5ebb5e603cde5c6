# SPDX-License-Identifier: GPL-2.0-or-later
"""A web-cache joins where the instances connect with their clients' addresses: of every
request two connections go by way of the web-caches, the client's and, by the mirrored
service, the origin's half of the other one.  None breaks."""

import collections

import pytest

from flows import broken, open_flows
from netns import DELIVERIES, wait_until
from small import Small, address_of

FLOWS = 96
SOURCES = [f"10.4.{n % 4 * 64}.{n}" for n in range(64)]
SERVERS = [f"10.9.{i * 37 % 32}.{i}" for i in range(FLOWS)]
ASSIGN = {
    "hash": ("assign = { hash }", 256),
    "mask": ("assign = { mask }\n    mask { src-ip = 0x7  dst-ip = 0x3 }", 32),
    "mask-ports": ("assign = { mask }\n    mask { src-ip = 0x3  dst-ip = 0x2  "
                   "dst-port = 0x10 }", 16),
}


@pytest.fixture
def lab(net, assign, forward, back):
    small = Small(net, boxes=("box1", "box2", "box3"), origin=True, spoofing=True)
    methods = f"forward = {{ {forward} }}\n    return = {{ {back} }}\n"
    for source in SOURCES:
        small.client.address("lo", source + "/32")
    small.router.route("10.4.0.0/16", "via", "10.3.0.2")
    for i, box in enumerate(small.boxes):
        box.delivery = DELIVERIES[i % 2]
        box.configure(("forward", f"template = http\n    spoof = true\n    {methods}"
                                  f"    {ASSIGN[assign][0]}"))
    small.start_router(("80", methods), ("90", methods))
    return small


def wait_shares(lab, names, slots):
    def shares():
        found = []
        for service in 0, 1:
            table = collections.Counter(lab.owners(service).values())
            found.append(sorted(table[address_of(n)] for n in names))
        return found
    least = slots // len(names)
    wait_until(lambda: all(sum(s) == slots and s[0] >= least for s in shares()), 20,
               lambda: f"{slots} slots for {names}, not {shares()}")


@pytest.mark.parametrize("order", [("box1", "box2", "box3"), ("box3", "box2", "box1")],
                         ids=["highest", "lowest"])
@pytest.mark.parametrize("assign, forward, back", [
    ("hash", "gre", "l2"), ("hash", "l2", "gre"), ("mask", "gre", "gre"),
    ("mask", "l2", "l2"), ("mask-ports", "gre", "l2"), ("mask-ports", "l2", "gre")])
def test_joining_breaks_nothing(lab, assign, order):
    slots = ASSIGN[assign][1]
    lab.box(order[0]).start()
    wait_shares(lab, order[:1], slots)
    for n in 2, 3:
        with open_flows(lab, SERVERS, order[:n - 1], SOURCES) as flows:
            before = lab.owners()
            lab.box(order[n - 1]).start()
            wait_shares(lab, order[:n], slots)
            assert lab.owners() != before
            lost = broken(flows, f"after-{order[n - 1]}")
            assert not lost, (len(lost), collections.Counter(map(str, lost)))
    packets = [s["packets"] for s in lab.box(order[2]).show()["services"]]
    assert all(p["handed_over"] for p in packets), packets
