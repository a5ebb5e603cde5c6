# SPDX-License-Identifier: GPL-2.0-or-later
"""The data plane alone: packets that no router should have redirected, or not like that.
Each is counted as what it is, and none is delivered to somebody it is not for."""

import pytest
from scapy.all import ICMP, IP, UDP, Dot1Q, Ether, IPOption, Raw, fragment, raw
from scapy.all import TCP as TCPH

from dp_lab import (BOX, CLIENT, DST_IP_HASH, FELLOW, GRE, L2, METHODS, NO_SERVICE,
                    PORTS_DEFINED, ROUTER, SERVER, TCP, WEB, Driver, Instance, Wire,
                    driver, lab, pool, router, wait_until)
from dp_packets import (REDIRECT, UNAVAILABLE, aged, bucket, check_gre, frame, inner_of,
                        is_gre, outer, tcp, tried)

DYNAMIC = f"service 1 51 100 {TCP} {PORTS_DEFINED | DST_IP_HASH} 0 0 80"
SYN_ACK = 0x12
BOTH = GRE | L2


def arrive(lab, wire, how, packet, **kw):
    wire.send(frame(lab, outer(packet, **kw) if how == "gre" else packet))


def is_syn_ack(octets):
    return octets[12:14] == b"\x08\x00" and octets[23] == 6 and octets[47] == SYN_ACK


def wait_counted(driver, service=0, **wanted):
    """Until these counters ("_" for "-") are at these figures."""
    def now():
        c = driver.counters(service)
        return {k: c.get(k.replace("_", "-")) for k in wanted}
    wait_until(lambda: now() == wanted, 3, lambda: f"{wanted}, not {now()}")


def heard_back(wire, wanted, n):
    return [wire.heard(wanted) for _ in range(n)]


# -- addresses -------------------------------------------------------------------------


@pytest.mark.parametrize("how", METHODS)
def test_own_request_redirected(lab, driver, how):
    """A router redirects what the box itself has sent: the kernel would drop it as
    martian.  It goes back, as a loop."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(METHODS[how], GRE))
    packet = tcp("S", src=BOX)
    with Wire(lab.router) as wire:
        arrive(lab, wire, how, packet)
        if how == "gre":
            check_gre(lab, wire.heard(is_gre), packet, REDIRECT)
        else:
            check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE, bare=True)
    c = driver.counters()
    assert (c["redirected"], c["returned-loop"], c["delivered"]) == (1, 1, 0)


@pytest.mark.parametrize("flags", ["S", "A"])
@pytest.mark.parametrize("end, address", [
    ("dst", "10.2.0.255"), ("dst", "255.255.255.255"), ("dst", "224.0.0.1"),
    ("dst", "239.255.255.250"), ("dst", "0.0.0.0"), ("dst", "127.0.0.1"),
    ("dst", "169.254.169.254"), ("src", "169.254.1.2"), ("src", "10.2.0.255"),
    ("src", "0.0.0.1"), ("src", "127.0.0.1"), ("src", "224.0.0.9"),
    ("src", "255.255.255.255"), ("src", "10.2.0.255")])
def test_martians(lab, driver, end, address, flags):
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    with Wire(lab.router) as wire:
        wire.send(frame(lab, outer(tcp(flags, **{end: address}))))
    reason = f"dropped_martian_{'source' if end == 'src' else 'destination'}"
    wait_counted(driver, redirected=1, dropped=1, delivered=0, **{reason: 1})


@pytest.mark.parametrize("where", ["interface", "lo", "other"])
def test_no_way_to_other_addresses_of_the_box(lab, driver, where):
    """A member of the group reaches nothing on the box by wrapping a packet: not past a
    packet filter that looks at where packets go."""
    lab.box.address("lo", "10.5.0.9/32")
    lab.net.veth(lab.box, "eth9", "10.6.0.9/24", lab.switch, "eth9", None)
    address = {"interface": BOX, "lo": "10.5.0.9", "other": "10.6.0.9"}[where]
    Instance(lab.box, "bystander", 22, plain=True)
    every = f"service 1 90 100 {TCP} 0 0 0"
    driver.plan(every, *pool(*lab.instances(1)), router(GRE, GRE), f"fellow {FELLOW}")
    with Wire(lab.router) as wire, Wire(lab.fellow) as fellow:
        for sender, at, src in (("router", wire, ROUTER), ("fellow", fellow, FELLOW)):
            for port in (22, 80):
                at.send(frame(lab, outer(tcp("S", dst=address, dport=port), src=src),
                              sender))
        for octets in heard_back(wire, lambda o: is_gre(o) or is_syn_ack(o), 4):
            assert is_gre(octets) and IP(inner_of(octets)).dst == address
    wait_counted(driver, returned_own_address=4, delivered=0, redirected=2)


@pytest.mark.parametrize("option", [b"\x83\x07\x04", b"\x89\x07\x04", b"\x01\x83\x07\x04"],
                         ids=["loose", "strict", "later"])
def test_source_routes_end_here(lab, driver, option):
    """The box would be one host among several on their way, whatever the sysctl says."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    packet = tcp("S")
    packet[IP].options = [IPOption(option + b"\x0a\x06\x00\x09" +
                                   bytes(5 - len(option)))]
    with Wire(lab.router) as wire:
        wire.send(frame(lab, outer(packet)))
    wait_counted(driver, redirected=1, delivered=0, dropped_martian_destination=1)


@pytest.mark.parametrize("what", [UDP(sport=53, dport=2048), ICMP(), Raw(b"")],
                         ids=["udp", "icmp", "none"])
def test_other_caches_hand_over_tcp_only(lab, driver, what):
    """A service of all protocols: from a router such a packet goes back, and it is that
    router's.  From another web-cache nothing becomes of it."""
    every = "service 1 90 100 0 0 0 0"
    driver.plan(every, *pool(*lab.instances(1)), router(GRE, GRE), f"fellow {FELLOW}")
    packet = IP(src=CLIENT, dst=SERVER) / what
    with Wire(lab.router) as wire, Wire(lab.fellow) as fellow:
        fellow.send(frame(lab, outer(packet, src=FELLOW), "fellow"))
        wait_counted(driver, dropped_stray=1, returned=0, redirected=0)
        wire.send(frame(lab, outer(packet)))
        wire.heard(is_gre)
    reason = "returned_udp" if isinstance(what, UDP) else "returned_protocol"
    wait_counted(driver, delivered=0, **{reason: 1})


# -- redirect headers ------------------------------------------------------------------


@pytest.mark.parametrize("flags", ["S", "A"])
@pytest.mark.parametrize("header", [b"\x80\x33\0\x09", b"\0\x33\0\x09", b"\x81\x33\0\x09",
                                    b"\0\0\0\0"], ids=["bit7", "no-T", "T-bit7", "empty"])
def test_the_header_does_not_decide_the_service(lab, driver, header, flags):
    """Of a dynamic service whose router does not set the T bit, or sets another."""
    driver.plan(DYNAMIC, *pool(*lab.instances(1)), router(GRE, GRE),
                f"handover 0 {bucket(SERVER)} {FELLOW}", f"handover 0 9 {BOX}",
                f"fellow {FELLOW}")
    packet = tcp(flags)
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        wire.send(frame(lab, outer(packet, redirect_header=header)))
        if flags == "S":
            wire.heard(is_syn_ack)
        elif header[0] != 0x81:
            # Nor the bucket: it is computed.
            check_gre(lab, there.heard(is_gre), packet, tried(header), FELLOW, "fellow")
    wait_counted(driver, redirected=1, new=int(flags == "S"),
                 handed=int(flags == "A" and header[0] != 0x81))


# -- fragments -------------------------------------------------------------------------


def pieces(packet):
    """Three fragments."""
    found = fragment(packet, 24)
    assert len(found) >= 3
    return found


@pytest.mark.parametrize("how", METHODS)
def test_fragments_of_what_is_returned(lab, driver, how):
    """All of them come back to the router, whoever knows the flow there gets it whole."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(METHODS[how], METHODS[how]))
    parts = pieces(tcp("PA", load=b"x" * 50))
    with Wire(lab.router) as wire:
        for p in parts:
            arrive(lab, wire, how, p)
        for p in parts:
            if how == "gre":
                check_gre(lab, wire.heard(is_gre), p, REDIRECT)
            else:
                assert wire.heard(lambda o, p=p: o[14:34] == raw(aged(p))[:20])
    wait_counted(driver, returned_unknown_flow=len(parts), delivered=0)


def test_fragments_of_what_is_handed_over(lab, driver):
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE),
                f"handover 0 -1 {FELLOW}", f"fellow {FELLOW}")
    parts = pieces(tcp("PA", load=b"x" * 50))
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        for p in parts:
            wire.send(frame(lab, outer(p)))
        for p in parts:
            check_gre(lab, there.heard(is_gre), p, tried(REDIRECT), FELLOW, "fellow")
    wait_counted(driver, handed=len(parts), delivered=0)


def test_fragments_that_overtake_the_first(lab, driver):
    """Nobody knows yet what is to become of them: they go back."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    first, *later = pieces(tcp("S", load=b"x" * 50))
    with Wire(lab.router) as wire:
        for p in later:
            wire.send(frame(lab, outer(p)))
            check_gre(lab, wire.heard(is_gre), p, REDIRECT)
        wire.send(frame(lab, outer(first)))
    wait_counted(driver, returned_fragment=len(later), new=1)


def test_fragments_of_what_is_not_tcp(lab, driver):
    every = "service 1 90 100 0 0 0 0"
    driver.plan(every, *pool(*lab.instances(1)), router(GRE, GRE))
    parts = pieces(IP(src=CLIENT, dst=SERVER, id=9) / UDP(sport=4000, dport=443) /
                   Raw(b"x" * 70))
    with Wire(lab.router) as wire:
        for p in parts:
            wire.send(frame(lab, outer(p)))
        assert len(heard_back(wire, is_gre, len(parts))) == len(parts)
    wait_counted(driver, returned_udp=len(parts), delivered=0)


# -- VLANs -----------------------------------------------------------------------------


@pytest.mark.parametrize("number, taken", [(7, 0), (4094, 0), (0, 1)])
def test_frames_of_another_vlan(lab, driver, number, taken):
    """Left alone; number 0 is no VLAN, but a priority."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(BOTH, GRE))
    tagged = [raw(Ether(src=lab.macs["router"], dst=lab.macs["box"]) /
                  Dot1Q(vlan=number, prio=5, type=0x0800) / p)
              for p in (tcp("S"), outer(tcp("S", sport=4001)))]
    with Wire(lab.router) as wire:
        for octets in tagged:
            wire.send(octets)
        wire.send(frame(lab, tcp("A", sport=5555)))  # behind all of them
        wire.heard(is_gre)
    wait_counted(driver, redirected=1 + 2 * taken, new=2 * taken)


# -- figures ---------------------------------------------------------------------------


@pytest.mark.parametrize("cookies", [1, 2], ids=["queued", "cookies"])
def test_connections_are_counted_not_syns(lab, driver, cookies):
    lab.box.sysctl("net.ipv4.tcp_syncookies", cookies)
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, GRE))
    with Wire(lab.router) as wire:
        for _ in range(5):  # as a client that hears nothing
            wire.send(frame(lab, tcp("S")))
            answer = IP(wire.heard(is_syn_ack)[14:])
        assert driver.given() == [0]
        ack = IP(src=CLIENT, dst=SERVER, ttl=57) / TCPH(
            sport=4000, dport=80, flags="A", seq=1001, ack=answer[TCPH].seq + 1)
        for _ in range(3):
            wire.send(frame(lab, ack))
        wait_counted(driver, redirected=8, delivered=8, completed=1)
    assert driver.given() == [1]


# -- circles ---------------------------------------------------------------------------


@pytest.mark.parametrize("one, two", [((GRE, GRE), (GRE, GRE)), ((BOTH, L2), (BOTH, L2)),
                                      ((BOTH, L2), (BOTH, GRE))],
                         ids=["gre", "l2", "both"])
@pytest.mark.parametrize("flags", ["A", "S"])
def test_nothing_circulates(lab, driver, one, two, flags):
    """Two boxes that take each other for routers, as anybody can make them in a group
    without password, give each other the same packet; but it grows older."""
    pools = pool(*lab.instances(1)) if flags == "A" else ("pool web",)
    driver.plan(WEB, *pools, f"router 0 {FELLOW} {FELLOW} {one[0]} {one[1]}")
    second = Driver(lab.fellow)
    second.plan(WEB, "pool web", f"self {FELLOW}",
                f"router 0 {BOX} {BOX} {two[0]} {two[1]}")

    def passes():
        return [d.counters()["redirected"] for d in (driver, second)]

    def old_ones():
        return sum(d.counters()["dropped-ttl"] for d in (driver, second))
    with Wire(lab.fellow) as wire:
        wire.send(frame(lab, outer(tcp(flags), src=FELLOW), "fellow"))
        wait_until(lambda: sum(passes()) > 20, 3,
                   lambda: f"to and fro: {driver.counters()} {second.counters()}")
        wait_until(lambda: sum(passes()) > 64 or old_ones(), 3, "it ends")
    assert sum(passes()) <= 65 and old_ones() == 1
    second.close()


def test_octets_that_are_no_packet(lab, driver):
    """By GRE of a known router: counted, and not answered by the kernel."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(BOTH, GRE))
    whole = raw(tcp("S", load=b"x" * 20))
    with Wire(lab.router) as wire:
        for inside in (b"\x60" + bytes(60), b"", whole[:30], whole[:-1],
                       b"\x44" + whole[1:]):
            wire.send(frame(lab, outer(Raw(inside))))
    wait_counted(driver, NO_SERVICE, redirected=5, dropped_malformed=5)
