# SPDX-License-Identifier: GPL-2.0-or-later
"""Profiles: wccpd as it is out of the box, and routers that behave like particular models."""

import contextlib
import socket

import pytest

import wccpcache as w
from netns import Net, wait_until
from small import ADDRESSES, Small

PROFILES = {
    # name: (forward, return, assign, slots, version) as agreed; L2 is liked better
    "ios": ("L2", "L2", "HASH", 256, "2.0"),
    "ios-xe": ("L2", "L2", "MASK", 64, "2.0"),
    "catalyst3750": ("L2", "L2", "MASK", 64, "2.0"),
    "catalyst4500": ("L2", "L2", "MASK", 64, "2.0"),
    "catalyst6500": ("L2", "L2", "HASH", 256, "2.0"),
    "nxos": ("L2", "L2", "MASK", 64, "2.0"),
    "asa": ("GRE", "GRE", "HASH", 256, "2.0"),
    "fortigate": ("L2", "L2", "HASH", 256, "2.0"),
}
BOX1 = ADDRESSES["box1"]
TIMERS = {"ios", "ios-xe", "catalyst4500"}  # the web-cache may set the pace
OTHERS_T_S = 10


def start(net, profile, more=""):
    small = Small(net)
    small.start_router("web-cache", profile=profile)
    small.boxes[0].configure(("web-cache", more))
    small.boxes[0].start()
    return small


def test_wccpd_joins_every_one():
    """With its default methods; each carries connections.  All at once, since most of
    them let nobody set the pace: an assignment takes 1.5 times 10 s."""
    with contextlib.ExitStack() as stack:
        labs = {name: start(stack.enter_context(Net(name)), name) for name in PROFILES}
        for name, small in labs.items():
            slots = PROFILES[name][3]
            wait_until(lambda s=small, n=slots: s.share("box1") == n,
                       3 * OTHERS_T_S, lambda s=small: s.boxes[0].log())
        for name, small in labs.items():
            service, = small.show()["services"]
            client, = service["clients"]
            assert (client["forward"], client["return"], client["assign"],
                    small.share("box1"), client["version"]) == PROFILES[name], name
            small.wait_served(["box1"], 5)
            router, = small.boxes[0].show()["services"][0]["routers"]
            assert router["state"] == "assigned" and router["id"] == "10.3.255.1", name
            assert (router["transmit_t_ms"] == 500) == (name in TIMERS), (name, router)


@pytest.mark.parametrize("profile,wants,both", [
    ("catalyst3750", "forward = { gre }", ("gre", "l2")),
    ("nxos", "assign = { hash }", ("hash", "mask")),
    ("asa", "forward = { l2 }", ("l2", "gre"))])
def test_what_cannot_be_is_said(net, profile, wants, both):
    """In the words of both sides, at once, and nothing is redirected."""
    small = start(net, profile, wants)
    box = small.boxes[0]
    wait_until(lambda: box.state() == "capability mismatch", 10, box.log)
    line, = [l for l in box.log().split("\n") if "event=mismatch" in l]
    assert all(word in line.lower() for word in both), line
    assert small.show()["services"][0]["clients"] == [] or \
        small.show()["services"][0]["clients"][0]["state"] == "NOT Usable"


@pytest.mark.parametrize("profile,heard", [("ios", False), ("nxos", True)])
def test_identification_zero(net, profile, heard):
    """Cisco IOS takes such datagrams for duplicates."""
    small = Small(net)
    small.start_router("web-cache", profile=profile)
    box = small.boxes[0]
    received = lambda: small.show()["services"][0]["counters"]["received"]["here_i_am"]
    # Linux puts an identification of its own for 0 into what raw sockets send, so this
    # one goes by the cable.
    ethernet = (bytes.fromhex(small.router.mac("box1").replace(":", "")) +
                bytes.fromhex(box.ns.mac("eth0").replace(":", "")) + b"\x08\x00")
    cache = w.Cache(box.ns, BOX1, box.router)
    hello = cache.here_i_am()
    with contextlib.closing(box.ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)) as cable:
        cable.bind(("eth0", 0))
        def send(ident):
            cable.send(ethernet + w.udp(BOX1, box.router, 2048, 2048, hello,
                                        ident=ident))
        for _ in range(3):
            send(0)
        send(7)
        wait_until(lambda: received() >= (4 if heard else 1), 5, small.show)
        send(8)
        wait_until(lambda: received() >= (5 if heard else 2), 5, small.show)
    assert received() == (5 if heard else 2)
    cache.close()
