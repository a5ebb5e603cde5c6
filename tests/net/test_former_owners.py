# SPDX-License-Identifier: GPL-2.0-or-later
"""A slot has had several owners, and flows of it are with all of them: whoever has it
now finds out where each one is.  Every connection is accounted for (ledger.py)."""

import signal

import pytest

from ledger import Ledger
from netns import wait_until
from other_member import Other
from small import Small, address_of
from test_drain import all_well, control

KEPT = 64


def start(net, boxes, weights=None, way="gre", t=500):
    lab = Small(net, boxes=boxes, origin=True)
    methods = f"forward = {{ {way} }}\n    return = {{ {way} }}\n"
    lab.start_router(("web-cache", methods))
    for box in lab.boxes:
        weight = (weights or {}).get(box.name, 100)
        box.configure(("web-cache", f"{methods}    weight = {weight}"), drain_time=30)
        with open(box.conf, "r+") as f:
            text = f.read().replace("transmit-t = 500", f"transmit-t = {t}")
            f.seek(0)
            f.write(text)
            f.truncate()
    return lab


def join(lab, name, *shares):
    lab.box(name).start()
    lab.wait_shares(*shares)
    lab.wait_served([b.name for b, n in zip(lab.boxes, shares) if n])


@pytest.mark.few  # no SYN may be late
@pytest.mark.parametrize("way", ["gre", pytest.param("l2", marks=pytest.mark.long)])
def test_boxes_join_in_turn(net, way):
    lab = start(net, ("box1", "box2", "box3", "box4"), way=way)
    join(lab, "box1", 256, 0, 0, 0)
    with Ledger(lab) as ledger:
        ledger.open(KEPT)
        join(lab, "box2", 128, 128, 0, 0)
        ledger.open(KEPT)
        join(lab, "box3", 86, 85, 85, 0)
        ledger.open(KEPT)
        join(lab, "box4", 64, 64, 64, 64)
        ledger.open(KEPT)
        wait_until(lambda: all(k.sent > 8 or k.end for k in ledger.kept), 10, "progress")
    all_well(ledger)
    assert {k.by for k in ledger.kept} == {b.name for b in lab.boxes}


def test_a_heavy_newcomer_comes_and_goes(net):
    lab = start(net, ("box1", "box2", "box3"), {"box3": 1000})
    join(lab, "box1", 256, 0, 0)
    join(lab, "box2", 128, 128, 0)
    three = lab.boxes[2]
    with Ledger(lab) as ledger:
        ledger.open(KEPT)
        for first in True, False:
            three.start()
            wait_until(lambda: lab.share("box3") > 200, 15, three.log)
            # The second time it has nothing open itself.
            theirs = [k for k in ledger.open(KEPT if first else 0) if k.by == "box3"]
            assert bool(theirs) == first
            three.wccpd.send_signal(signal.SIGTERM)
            lab.wait_shares(128, 128, 0)
            ledger.close(theirs)
            assert three.wccpd.wait(15) == 0
    all_well(ledger)
    assert not ledger.by["origin"], ledger.by


def test_a_member_of_another_make_is_not_asked(net):
    """It hands nothing back: what it got of connections older than the redirection would
    be lost."""
    lab = start(net, ("box1", "box2"))
    with Ledger(lab, rate=0) as ledger:
        ledger.open(KEPT)
        assert {k.by for k in ledger.kept} == {"origin"}
        other = Other(lab.box("box2"), transmit_t=500, weight=0)
        try:
            join(lab, "box1", 256, 0)
            sent = [k.sent for k in ledger.kept]
            wait_until(lambda: all(k.sent > n + 8 or k.end
                                   for k, n in zip(ledger.kept, sent)), 10, "progress")
        finally:
            other.close()
    all_well(ledger)


@pytest.mark.long
def test_reweighted_between(net):
    lab = start(net, ("box1", "box2"))
    join(lab, "box1", 256, 0)
    one, two = lab.boxes
    with Ledger(lab) as ledger:
        ledger.open(KEPT)
        join(lab, "box2", 128, 128)
        ledger.open(KEPT)
        for weight, shares in ((300, (64, 192)), (20, (213, 43))):
            two.configure(("web-cache", f"weight = {weight}"), drain_time=30)
            two.wccpd.send_signal(signal.SIGHUP)
            lab.wait_shares(*shares)
            ledger.open(KEPT // 2)
        theirs = [k for k in ledger.kept if k.by == "box2"]
        assert control(two, "drain")
        lab.wait_shares(256, 0)
        ledger.close(theirs)
        wait_until(lambda: two.state() == "withdrawn", 10, two.log)
    all_well(ledger)


def test_forgotten_by_a_new_process(net):
    """The box that took over is killed: the next process knows no former owners."""
    lab = start(net, ("box1", "box2", "box3"), t=1500)  # it may take a while to start
    join(lab, "box1", 256, 0, 0)
    with Ledger(lab, rate=0) as ledger:
        ledger.open(KEPT)
        join(lab, "box2", 128, 128, 0)
        ledger.open(KEPT)
        join(lab, "box3", 86, 85, 85)
        three = lab.boxes[2]
        three.wccpd.send_signal(signal.SIGKILL)
        three.wccpd.wait()
        three.start()
        wait_until(lambda: three.state() == "assigned", 10, three.log)
        wait_until(lambda: all(k.sent > 8 or k.end for k in ledger.kept), 10, "progress")
        moved = three.show()["services"][0]["packets"]["handed_over"]
        wait_until(lambda: three.show()["services"][0]["packets"]["handed_over"] >
                   moved + 50, 10, three.log)
    print(ledger)
    assert not ledger.broken, str(ledger)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_any_order(net, seed):
    """Boxes come, go and change their weight in random order."""
    import random
    chance = random.Random(seed)
    lab = start(net, ("box1", "box2", "box3", "box4"), t=1500)
    join(lab, "box1", 256, 0, 0, 0)
    running = {"box1"}
    with Ledger(lab) as ledger:
        for _ in range(12):
            ledger.open(KEPT // 2)
            name = chance.choice(["box2", "box3", "box4"])
            box = lab.box(name)
            if name not in running:
                box.start()
                running.add(name)
                wait_until(lambda n=name: lab.share(n) > 20, 15, box.log)
            elif chance.random() < 0.5:
                theirs = [k for k in ledger.kept if k.by == name]
                box.wccpd.send_signal(signal.SIGTERM)
                wait_until(lambda n=name: lab.share(n) == 0, 15, box.log)
                ledger.close(theirs)
                assert box.wccpd.wait(15) == 0
                running.discard(name)
            else:
                box.wccpd.send_signal(signal.SIGKILL)
                box.wccpd.wait()
                box.start()
                wait_until(lambda b=box: b.state() == "assigned", 15, box.log)
        assert address_of("box1") in lab.owners().values()
    print(ledger)
    assert not ledger.broken and not ledger.failed, str(ledger)
