# SPDX-License-Identifier: GPL-2.0-or-later
"""What keeps a box from its share, and what is said of it."""

import os
import re
import sys

import pytest

from netns import wait_until
from other_member import Other
from small import ADDRESSES, Small

HERE = os.path.dirname(os.path.abspath(__file__))
BOX1, BOX2 = ADDRESSES.values()
DYNAMIC = "id = {}\n    ports = {{ {} }}\n    priority = {}"


def lines(box, event, service=None):
    return [line for line in box.log().splitlines() if f"event={event}" in line and
            (service is None or f"service={service} " in line)]


@pytest.fixture
def small(net):
    return Small(net)


def reason(box, name):
    shown = box.show()
    return shown and next(s["routers"][0]["reason"] for s in shown["services"]
                          if s["name"] == name)


def test_routers_that_do_not_answer(small):
    """One warning each, the likely causes in order; it takes 3 T of 10 s."""
    one, two = small.boxes
    # The group has another description before box1 comes.
    two.configure(("others", DYNAMIC.format(70, 443, 240)))
    small.start_router(("web-cache", 'password = "secret"'),
                       ("70", f"group-list = {{ {BOX1}, {BOX2} }}"),
                       ("71", f"group-list = {{ {BOX2} }}"))
    two.start()
    wait_until(lambda: two.state() in ("joined", "assigned"), 15, two.log)
    one.ns.route("unreachable", "10.3.77.0/24")
    one.configure(
        ("web-cache", 'password = "wrong"'),            # another password
        ("unlisted", DYNAMIC.format(71, 81, 200)),      # not in the group-list
        ("missing", DYNAMIC.format(72, 82, 200)),       # no such service there
        ("described", DYNAMIC.format(70, 443, 231)),    # another description
        ("routeless", DYNAMIC.format(74, 84, 200)))
    text = open(one.conf).read()
    last = text.rindex(one.router)
    open(one.conf, "w").write(text[:last] + "10.3.77.1" + text[last + len(one.router):])
    one.start()
    names = ["web-cache", "unlisted", "missing", "described", "routeless"]
    wait_until(lambda: all(lines(one, "no-answer", n) for n in names), 60, one.log)
    said = {n: lines(one, "no-answer", n) for n in names}
    assert [len(said[n]) for n in names] == [1] * 5, one.log()
    assert "(1) its password is not ours" in said["web-cache"][0]
    for n in ("unlisted", "missing"):
        assert re.search(r"\(1\) it has a password.*\(2\) its group-list does not have "
                         rf"our address, {BOX1}.*\(3\) the service is not configured",
                         said[n][0])
    assert "priority 231, protocol 6, flags 0x12, ports 443" in said["described"][0]
    assert "(1) it cannot be reached: no route" in said["routeless"][0]
    assert "level=warning" in said["described"][0]
    assert "password (none here)" in reason(one, "missing")
    assert "no route" in reason(one, "routeless")


def test_router_without_wccp(small):
    """The network tells that nobody has the port."""
    one = small.boxes[0]
    one.configure(("web-cache", ""))
    one.start()  # no wccprouter runs
    wait_until(lambda: lines(one, "no-answer"), 60, one.log)
    assert "(1) nothing has UDP port 2048 there" in lines(one, "no-answer")[0]
    assert "nothing has UDP port 2048" in reason(one, "web-cache")
    small.start_router("web-cache")
    wait_until(lambda: one.state() == "assigned", 30, one.log)


@pytest.fixture
def beside(small):
    """other(...), and then wccpd at the other box."""
    made = []

    def start(box, **kw):
        small.start_router("web-cache")
        made.append(Other(small.boxes[box], transmit_t=500, **kw))
        mine = small.boxes[1 - box]
        mine.configure(("web-cache", "assign = { hash }"))
        mine.start()
        return mine
    yield start
    for other in made:
        other.close()


@pytest.mark.parametrize("weight,remedy", [(10000, "Set weight = 10000"),
                                           (0, "Give it one")])
def test_weights_of_another_scale(beside, weight, remedy):
    """Squid states 10000 unless told otherwise, some others 0."""
    one = beside(1, weight=weight)
    wait_until(lambda: lines(one, "unlike-weight"), 20, one.log)
    said = lines(one, "unlike-weight")
    assert len(said) == 1
    assert f"web-cache {BOX2} states weight {weight} beside our 100" in said[0]
    assert remedy in said[0] and "level=warning" in said[0]


def test_another_one_assigns_as_well(beside):
    """The table flips for ever: who it is must be told."""
    one = beside(1, assigns=True)
    wait_until(lambda: lines(one, "rival-assigns"), 30, one.log)
    said = lines(one, "rival-assigns")
    assert len(said) == 1 and f"peer={BOX2}" in said[0]
    assert f"see why {BOX2} does not leave it to that" in said[0]


def test_the_lowest_never_assigns(beside, small):
    """It is named, and after a minute of nothing the next one stands in for it."""
    two = beside(0, weight=100)
    wait_until(lambda: two.state() == "joined", 15, two.log)
    wait_until(lambda: lines(two, "idle-designated"), 80, two.log)
    assert f"web-cache {BOX1} has the lowest address" in lines(two, "idle-designated")[0]
    small.wait_shares(128, 128)
    assert two.show()["services"][0]["designated_cache"] == BOX2


def test_many_mask_values_where_fragments_are_filtered(small):
    """The table has arrived; what says it is still wanted must be small."""
    one = small.boxes[0]
    small.start_router("web-cache")
    one.configure(("web-cache", "assign = { mask }\n    mask-bits = 9"))
    one.start()
    wait_until(lambda: small.share("box1") == 512, 20, one.log)
    said = lines(one, "large-message")
    assert len(said) == 1 and "512 values" in said[0]
    wait_until(lambda: one.show()["services"][0]["buckets"] == 512, 5, one.log)
    small.router.run("nft", "add table ip f; add chain ip f in { type filter hook "
                     "prerouting priority raw; }; add rule ip f in iifname box1 "
                     "ip frag-off & 0x3fff != 0 drop")

    def hellos():
        return one.show()["services"][0]["counters"]["sent"]["HERE_I_AM"]
    before = hellos()
    wait_until(lambda: hellos() >= before + 10, 20, one.log)  # 3 T are a time-out
    assert small.share("box1") == 512
    assert one.state() == "assigned"
    assert "event=lost" not in one.log()


def test_all_listeners_of_an_smp_instance(small):
    """Its workers have sockets of their own on one port (SO_REUSEPORT)."""
    one = small.boxes[0]
    one.ns.popen([sys.executable, os.path.join(HERE, "dp_listener.py"), "box1", "3139", "4"],
                 log="box1.workers")
    one.configure(("web-cache", ""))
    text = open(one.conf).read().replace("port = 3129", "port = 3139")
    open(one.conf, "w").write(text)
    small.start_router("web-cache")
    one.start()
    wait_until(lambda: one.state() == "assigned", 15, one.log)
    wait_until(lambda: one.show()["pools"][0]["instances"][0]["listeners"] == 4, 5, one.log)
    small.wait_served(["box1"])
