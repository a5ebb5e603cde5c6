# SPDX-License-Identifier: GPL-2.0-or-later
"""Links with a smaller MTU, in front of the box or of the client, and nobody who gets told
so: connections through a real Squid get through all the same."""

import pytest
from scapy.all import IP, TCP

from dp_lab import Wire
from netns import wait_until
from one_squid import CLIENT, ORIGIN, OneSquid


def announced_mss(lab, source):
    """In the next SYN of the box with this source address."""
    with Wire(lab.router, "box") as wire:
        lab.box.popen(["curl", "-s", "-m", "1", f"http://{ORIGIN}/10"], log="curl")
        if source == CLIENT:
            lab.client.popen(["curl", "-s", "-m", "1", f"http://{ORIGIN}/10"], log="curl")
        syn = wire.heard(lambda o: o[12:14] == b"\x08\0" and o[23] == 6 and
                         IP(o[14:]).src == source and IP(o[14:])[TCP].flags == "S")
        return dict(IP(syn[14:])[TCP].options)["MSS"]


@pytest.mark.parametrize("mtu, forward", [(1492, "l2"), (1400, "gre"), (1400, "l2")])
def test_client_behind_a_link_of_a_small_mtu(net, mtu, forward):
    """"Fragmentation needed" goes to the origin, whose address the answers come from."""
    lab = OneSquid(net)
    # Only the way to the client: its own interface knows nothing of it.
    lab.router.ip("link", "set", "client", "mtu", str(mtu))
    lab.start(forward)
    assert lab.download(100000) == (200, 100000, "via")
    assert lab.wccpd.stop() == 0
    wait_until(lambda: lab.download(10, timeout=2)[2] == "", 10, "directly from the origin")


@pytest.mark.parametrize("forward", ["gre", "l2"])
def test_origin_that_does_not_listen(net, forward):
    """Squid connects with the client's address; answers come back by GRE.  The origin
    filters ICMP, and so learns only from the MSS what fits."""
    lab = OneSquid(net, spoof=True)
    lab.origin.run("nft", "add table ip f; add chain ip f in "
                   "{ type filter hook input priority 0; }; "
                   "add rule ip f in icmp type destination-unreachable drop")
    lab.start(forward)
    assert lab.download(100000) == (200, 100000, "via")
    limited = "egress" in lab.box.run("tc", "filter", "show", "dev", "eth0",
                                      "egress").stdout
    assert limited == (forward == "gre")
    assert announced_mss(lab, CLIENT) == (1460 - 28 if limited else 1460)
    assert announced_mss(lab, lab.address) == 1460
    assert lab.wccpd.stop() == 0
    assert lab.box.state() == lab.before


def gre(lab):
    return lab.show()["gre"]


@pytest.mark.parametrize("offload", [False, True])
def test_wrapped_packets_come_in_fragments(net, offload):
    """A link on the way from the router to the box is too narrow for what is wrapped, and
    only the router's next hop knows."""
    lab = OneSquid(net, hop=True)
    # Of this direction only; the interface itself would refuse long ones of the other.
    lab.hop.ip("route", "change", "10.4.3.0/24", "dev", "box", "mtu", "1400")
    lab.start("gre")
    if offload:  # as a virtual machine's interface: checksums are not finished
        lab.client.run("ethtool", "-K", "eth0", "tx", "on")
    assert lab.upload(20000) == (200, 5, "via")
    counted = gre(lab)
    assert counted["reassembled"] >= 20000 // 1432 - 1
    assert [counted[k] for k in ("too_long", "not_let_in", "strangers")] == [0, 0, 0]
    # What is let in again and goes back finds its way: nobody takes it any more.
    lab.squid.kill()
    wait_until(lambda: lab.show()["pools"][0]["healthy"] == 0, 10, "Squid is down")
    assert lab.upload(20000)[2] == ""
