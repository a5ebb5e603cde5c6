# SPDX-License-Identifier: GPL-2.0-or-later
"""Redirected packets of senders that the protocol did not name: told, admitted by an
option, and never let in twice."""

import pytest
from scapy.all import GRE, IP, TCP, Ether, Raw, fragment

from dp_lab import Wire
from netns import wait_until
from small import Small

STRANGER = "10.3.255.9"  # another address of the router
VIRTUAL = "00:00:5e:00:01:07"
CLIENT = "10.3.0.2"


def syn(port, octets=0):
    return IP(src=CLIENT, dst="10.9.1.1") / TCP(sport=port, dport=80, flags="S", seq=7) / \
        Raw(b"z" * octets)


def wrapped(port, octets=0):
    return IP(src=STRANGER, dst="10.3.1.2") / GRE(proto=0x883e) / \
        Raw(bytes([0, 0, 0, 0]) + bytes(syn(port, octets)))


class Strange:
    """One box that has all buckets, and the router's end of its link."""

    def __init__(self, net, method):
        self.lab = Small(net)
        self.box = self.lab.boxes[0]
        self.wire = Wire(self.lab.router, "box1")
        net.finally_do(self.wire.close)
        self.mac = self.box.ns.mac("eth0")
        self.lab.start_router(("web-cache", f"forward = {{ {method} }}  return = {{ gre }}"))

    def start(self, more=""):
        self.box.configure(("web-cache", more))
        self.box.start()
        wait_until(lambda: self.lab.share("box1") == 256, 15, self.box.log)
        return self

    def send(self, packet, source=None):
        self.wire.send(Ether(dst=self.mac, src=source or self.lab.router.mac("box1")) /
                       packet)

    def answer(self, port, timeout=3):
        """Is this SYN answered?  To the client, as the box has no other way."""
        def is_answer(octets):
            p = Ether(octets)
            return TCP in p and p[TCP].dport == port and p[TCP].flags == "SA"
        try:
            self.wire.heard(is_answer, timeout)
            return True
        except AssertionError:
            return False

    def lines(self):
        return [line for line in self.box.log().split("\n") if "event=unknown-sender" in line]

    def problems(self):
        """{who: what} of strangers, as show problems has them."""
        return {p["about"]: p["text"] for p in self.box.show()["problems"]
                if p["kind"] == "stranger"}

    def gre(self):
        return self.box.show()["gre"]


def test_gre_of_a_stranger(net):
    lab = Strange(net, "gre").start()
    lab.send(wrapped(2000))
    assert not lab.answer(2000, 0.5)

    def told():
        lab.send(wrapped(2000))
        return lab.lines()
    line, = wait_until(told, 15, lab.box.log, interval=0.2)
    assert "level=warning" in line and "service=web-cache" in line
    assert f"gre-sources = {{ {STRANGER} }} in service web-cache" in line
    assert lab.problems().keys() == {STRANGER}
    assert "gre-sources admits it" in lab.problems()[STRANGER]
    before = lab.gre()["strangers"]
    for _ in range(100):
        lab.send(wrapped(2000))
    wait_until(lambda: lab.gre()["strangers"] >= before + 100, 10, lab.gre)
    assert len(lab.lines()) == 1


def test_kernel_does_not_refuse_gre(net):
    """"Protocol unreachable" makes some routers give up."""
    lab = Strange(net, "gre").start()
    lab.send(wrapped(2000))
    wait_until(lambda: lab.gre()["strangers"] == 1, 5, lab.gre)
    shown = lab.box.ns.run("nstat", "-asz", "IcmpOutDestUnreachs").stdout
    assert shown.split()[-2] == "0", shown


def test_gre_source_is_admitted(net):
    lab = Strange(net, "gre").start(f"gre-sources = {{ 10.3.255.8, {STRANGER} }}")
    lab.send(wrapped(2000))
    assert lab.answer(2000)
    assert lab.gre()["strangers"] == 0 and not lab.problems()
    # What the box does not take goes back to who sent it.
    lab.wire.send(Ether(dst=lab.mac, src=lab.lab.router.mac("box1")) /
                  IP(src=STRANGER, dst="10.3.1.2") / GRE(proto=0x883e) /
                  Raw(bytes(4) + bytes(IP(src=CLIENT, dst="10.9.1.1") /
                                       TCP(sport=9, dport=80, flags="A"))))
    lab.wire.heard(lambda o: o[23] == 47 and IP(o[14:]).dst == STRANGER)


def test_fragments_are_let_in_once(net):
    """What is put together and is of a stranger all the same comes back whole; if it was
    let in once more, it would go round for ever."""
    lab = Strange(net, "gre").start()
    for n in range(20):
        for part in fragment(wrapped(3000 + n, 1460), 1200):
            lab.send(part)
    wait_until(lambda: lab.gre()["strangers"] == 20, 10, lab.gre)
    lab.send(wrapped(2000))
    wait_until(lambda: lab.gre()["strangers"] >= 21, 10, lab.gre)
    assert lab.gre() == {"reassembled": 20, "strangers": 21, "too_long": 0, "not_let_in": 0}


def test_too_long_to_be_let_in(net):
    lab = Strange(net, "gre").start()
    for part in fragment(wrapped(3000, 5000), 1200):
        lab.send(part)
    wait_until(lambda: lab.gre()["too_long"] == 1, 10, lab.gre)
    assert "event=gre-fragments" in lab.box.log()


@pytest.mark.parametrize("forwards", [False, True])
def test_frames_of_an_unknown_mac(net, forwards):
    """A virtual MAC address of a pair of routers; it answers ARP for neither."""
    lab = Strange(net, "l2")
    lab.box.ns.sysctl("net.ipv4.ip_forward", int(forwards))
    lab.start()
    lab.send(syn(2000), VIRTUAL)
    assert lab.answer(2000, 0.5 if forwards else 3) == (not forwards)

    def told():
        lab.send(syn(2001), VIRTUAL)
        return [line for line in lab.lines() if VIRTUAL in line]
    line, = wait_until(told, 20, lab.box.log, interval=0.2)
    if forwards:
        assert "level=warning" in line and "not taken" in line
        assert "l2-sources = { " in line
        assert "l2-sources admits it" in lab.problems()[VIRTUAL]
    else:
        assert "level=info" in line and "taken as from router 10.3.1.1" in line
        assert not lab.problems()


def test_l2_source_is_admitted(net):
    lab = Strange(net, "l2")
    lab.box.ns.sysctl("net.ipv4.ip_forward", 1)
    lab.start(f'l2-sources = {{ "{VIRTUAL}" }}')
    lab.send(syn(2000), VIRTUAL)
    assert lab.answer(2000)
