# SPDX-License-Identifier: GPL-2.0-or-later
"""A service and its mirror at wccprouter: their tables are one, whoever makes it."""

import pytest

from netns import wait_until
from small import Small

SPOOF = "template = http\n    spoof = true\n    assign = {{ {} }}"
MASK = SPOOF.format("mask") + "\n    mask { src-ip = 0x7  dst-ip = 0x3 }"


@pytest.fixture
def lab(net):
    small = Small(net)
    small.start_router("80", "90")
    yield small


def mirrored(table):
    """What it must be in the other service."""
    return {slot if isinstance(slot, int) else
            (slot[1], slot[0], slot[3], slot[2]): owner for slot, owner in table.items()}


def check_alike(lab):
    first, second = lab.owners(0), lab.owners(1)
    assert mirrored(first) == second


@pytest.mark.parametrize("more, slots", [(SPOOF.format("hash"), 256), (MASK, 32)])
def test_one_table_for_both(lab, more, slots):
    one, two = lab.boxes
    for box in lab.boxes:
        box.configure(("forward", more))
    two.start()
    lab.wait_shares(0, slots)
    check_alike(lab)
    before = lab.owners()
    one.start()  # the lower address: it takes over
    for service in (0, 1):
        lab.wait_shares(slots // 2, slots // 2, service=service)
    check_alike(lab)
    moved = [s for s, owner in lab.owners().items() if before[s] != owner]
    assert len(moved) == slots // 2
    # A restart within 3 T, by SIGKILL: nothing moves in either.
    before = lab.owners()
    one.wccpd.kill()
    one.wccpd.wait()
    one.start()
    wait_until(lambda: one.state() == "assigned" and one.state(1) == "assigned", 10,
               one.log)
    wait_until(lambda: "echoes key" in one.log(), 10, one.log)
    assert lab.owners() == before
    check_alike(lab)
    # A clean stop: the other one takes over both.
    assert one.wccpd.stop() == 0
    for service in (0, 1):
        lab.wait_shares(0, slots, service=service)
    check_alike(lab)


def test_half_a_pair_is_not_assigned(net):
    lab = Small(net)
    lab.start_router("80")
    box = lab.boxes[0]
    box.configure(("forward", SPOOF.format("hash")))
    box.start()
    wait_until(lambda: "no router has its mirror" in box.log(), 15, box.log)
    assert lab.owners() == {}
    assert box.state() == "joined"
