# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of wccprouter, and what the real wccpd makes of them."""

import os

import pytest

from netns import program, run, wait_until
from small import ADDRESSES, Small, ask

BOX1, BOX2 = ADDRESSES.values()
SECRET = ("web-cache", 'assign = { hash }\n    password = "secret"')


@pytest.fixture
def formed(net):
    """Two boxes that share the buckets."""
    small = Small(net)
    small.start_router(SECRET)
    for box in small.boxes:
        box.configure(("web-cache", 'password = "secret"'))
        box.start()
    small.wait_shares(128, 128)
    return small


def command(small, *words, check=True):
    sock = os.path.join(small.net.tmpdir, "router.sock")
    return run(program("wccprouter"), "-s", sock, *words, check=check, timeout=10)


def faults(small):
    return ask("wccprouter", os.path.join(small.net.tmpdir, "router.sock"), "-j", "fault")


def hits(small):
    return faults(small)["faults"][-1]["hits"]


def router_of(box):
    return box.show()["services"][0]["routers"][0]


def refused(box):
    """Of its service, and what could not be told to be of any."""
    shown = box.show()
    return sum(shown["services"][0]["counters"]["refused"].values()) + \
        sum(shown["refused"].values())


def all_alive(small):
    return [p.poll() for p in [small.wccprouter] + [b.wccpd for b in small.boxes]] == \
        [None] * 3


@pytest.mark.parametrize("what", ["unknown-component", "unknown-element"])
def test_what_is_legal_is_not_noticed(formed, what):
    before = refused(formed.boxes[0])
    command(formed, "fault", what)
    command(formed, "fault", what)
    wait_until(lambda: hits(formed) >= 6, 15, lambda: faults(formed))
    assert refused(formed.boxes[0]) == before
    command(formed, "restart")  # joining goes on as well
    formed.wait_shares(128, 128)


@pytest.mark.parametrize("what,reason", [
    ("wrong-digest", "auth-failed"), ("bad-count", "malformed"), ("bad-length", None),
    ("truncate", "truncated"), ("corrupt", None)])
def test_what_is_wrong_is_refused_and_does_no_harm(formed, what, reason):
    """Counted and logged; the box stays where it was, and when all its answers are wrong
    for too long it loses that router, and is back when they are right again."""
    box = formed.boxes[0]
    before = refused(box)
    command(formed, "fault", what, "out", "peer", BOX1)
    wait_until(lambda: refused(box) > before, 10, box.log)
    if reason:
        assert f"event={reason}" in box.log()
    wait_until(lambda: hits(formed) >= 5, 15, lambda: faults(formed))
    assert all_alive(formed)
    command(formed, "fault", "clear")
    formed.wait_shares(128, 128)
    wait_until(lambda: box.state() == "assigned", 10, box.log)
    formed.wait_served(["box1", "box2"])


def test_silent(formed):
    """Our own time-out notices; the other box gets all."""
    box = formed.boxes[0]
    command(formed, "fault", "silent", "peer", BOX1)
    wait_until(lambda: box.state() == "lost", 10, box.log)
    command(formed, "fault", "clear", "1")
    formed.wait_shares(128, 128)


def test_half_deaf(formed):
    """The router hears one box no more: it asks, then removes it."""
    command(formed, "fault", "deaf", "peer", BOX1)
    formed.wait_shares(0, 256)
    formed.wait_served(["box2"])
    command(formed, "fault", "clear")
    formed.wait_shares(128, 128)


def test_a_bad_network(formed):
    """The group forms anew although a third is lost, doubled, late and out of order."""
    for what in ("seed 7", "loss 30%", "duplicate 30%", "reorder 30%", "delay 20-100 30%"):
        command(formed, "fault", *what.split())
    command(formed, "restart")
    formed.wait_shares(128, 128, timeout=60)
    assert all(f["hits"] for f in faults(formed)["faults"])


def test_wrong_receive_ids(formed):
    """What states them is answered with them, and that is not accepted; half of the time
    it is right, and that is enough."""
    command(formed, "fault", "wrong-receive-id", "50%")
    wait_until(lambda: hits(formed) >= 6, 15, lambda: faults(formed))
    assert all_alive(formed)
    command(formed, "fault", "clear")
    formed.wait_shares(128, 128)


@pytest.mark.parametrize("words", [
    ("receive-id", "web-cache", "jump"), ("receive-id", "web-cache", "wrap"),
    ("fault", "stale-change-number", "50%")])
def test_numbers(formed, words):
    """Neither is a reason to leave, or to move a bucket."""
    before = formed.owners()
    router = router_of(formed.boxes[0])
    command(formed, *words)
    wait_until(lambda: router_of(formed.boxes[0])["receive_id"] != router["receive_id"],
               5, formed.boxes[0].log)
    for _ in range(10):
        assert formed.owners() == before
    formed.wait_served(["box1", "box2"])
    assert "state=lost" not in formed.boxes[0].log()


def test_another_router_id(formed):
    box = formed.boxes[0]
    command(formed, "router-id", "web-cache", "10.3.255.9")
    wait_until(lambda: router_of(box)["id"] == "10.3.255.9", 10, box.log)
    assert "event=router-id" in box.log()
    formed.wait_shares(128, 128)


def test_from_the_start(net):
    small = Small(net)
    small.start_router("web-cache", options=("-F", "silent", "-F", "loss 1% in"))
    small.boxes[0].configure(("web-cache", ""))
    small.boxes[0].start()
    wait_until(lambda: faults(small)["faults"][0]["hits"] >= 1, 10, lambda: faults(small))
    assert small.boxes[0].state() == "waiting for first answer"
    shown = command(small, "fault").stdout
    assert shown.startswith("1: loss 100% out (") and "\n2: loss 1% in (" in shown
    assert command(small, "fault", "clear").stdout == "no faults\n"
    small.wait_shares(256, 0)
    bad = command(small, "fault", "lost", check=False)
    assert bad.returncode == 1 and "lost is not a fault" in bad.stderr
    bad = command(small, "fault", "clear", "1", check=False)
    assert bad.returncode == 1 and "not the number of a fault" in bad.stderr
    for words in (("receive-id", "web-cache"), ("router-id", "web-cache", "::1"),
                  ("receive-id", "81", "jump")):
        assert command(small, *words, check=False).returncode == 1
