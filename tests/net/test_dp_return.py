# SPDX-License-Identifier: GPL-2.0-or-later
"""The data plane alone: what becomes of packets that nobody here takes, octet by octet."""

import socket

import pytest
from scapy.all import GRE as GREH
from scapy.all import ICMP, IP, UDP, Raw, raw
from scapy.all import TCP as TCPH

import netns
from dp_lab import (BOX, CLIENT, FELLOW, GRE, L2, METHODS, NO_SERVICE, ROUTER, SERVER, WEB,
                    Driver, Lab, Wire, driver, lab, pool, router, wait_until)
from dp_packets import (REDIRECT, UNAVAILABLE, aged, answer_syn, bucket, check_frame,
                        check_gre, frame, inner_of, is_gre, outer, tcp,
                        tried)


# -- return --------------------------------------------------------------------------------


def arrive(lab, wire, how, packet, **kw):
    wire.send(frame(lab, outer(packet, **kw) if how == "gre" else packet))


@pytest.mark.parametrize("ret", METHODS)
@pytest.mark.parametrize("how", METHODS)
@pytest.mark.parametrize("flags", ["S", "A", "PA", "FA", "R"])
def test_returns_what_nobody_takes(lab, driver, how, ret, flags):
    """SYNs when the pool is dead; all others when no socket knows the flow, with the
    pool alive."""
    inst = lab.instances(1)
    driver.plan(WEB, *pool(*inst), router(METHODS[how], METHODS[ret]))
    if flags == "S":
        inst[0].kill()
    packet = tcp(flags, load=b"x" * 100 if "P" in flags else b"")
    with Wire(lab.router) as wire:
        arrive(lab, wire, how, packet)
        if ret == "gre":
            back = wire.heard(is_gre)
            if how == "gre":
                check_gre(lab, back, packet, REDIRECT)
            else:
                check_gre(lab, back, packet, UNAVAILABLE, bare=True)
        else:
            back = wire.heard(lambda o: o[14:][:20] == raw(aged(packet))[:20])
            check_frame(lab, back, packet)
    c = driver.counters()
    assert (c["redirected"], c["returned"], c["delivered"]) == (1, 1, 0)
    assert c["octets"] == len(packet)


def test_tells_the_sender_when_wrapping_makes_it_too_long(lab, driver):
    """L2 there, GRE back: 28 octets more.  A flow older than the redirection has packets
    of full size."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, GRE))
    fits, long = (IP(src=CLIENT, dst=SERVER, ttl=57, flags="DF") /
                  TCPH(sport=4000, dport=80, flags="PA") / Raw(b"x" * (n - 40))
                  for n in (1472, 1473))
    divisible = long.copy()
    divisible.flags = 0
    with Wire(lab.router) as wire:
        wire.send(frame(lab, divisible))  # may be fragmented, but not by us
        wire.send(frame(lab, long))
        wire.send(frame(lab, fits))
        told = wire.heard(lambda o: o[23] in (1, 47))
        assert told[:14] == frame(lab, b"", "box", "router")[:14]
        message = IP(told[14:])
        assert (message.src, message.dst, message.len) == (BOX, CLIENT, 68)
        assert (message[ICMP].type, message[ICMP].code) == (3, 4)
        assert message[ICMP].nexthopmtu == 1472
        assert told[14 + 28:14 + 68] == raw(long)[:40]
        again = IP(raw(message))
        del again.chksum, again[ICMP].chksum
        assert raw(IP(raw(again))) == told[14:14 + 68]  # both checksums are right
        check_gre(lab, wire.heard(is_gre), fits, UNAVAILABLE, bare=True)
    c = driver.counters()
    assert (c["returned"], c["dropped"]) == (1, 2)


def test_an_old_upload_survives_redirection(lab, driver):
    """With the real TCP of a client, whose path has room for 1500 until the router
    redirects by L2 and takes its packets back by GRE only."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, GRE))
    lab.redirect_l2()
    lab.client.ip("link", "set", "eth0", "gso_max_segs", "1")  # packets as on a cable
    with lab.client.socket() as s:
        s.setsockopt(socket.SOL_IP, 10, 2)  # IP_MTU_DISCOVER: DF
        s.settimeout(5)
        with Wire(lab.router) as wire:
            lab.router.ip("route", "replace", "198.51.100.0/24", "via", FELLOW)
            with Wire(lab.fellow) as fellow:  # plays the origin server
                answer_syn(lab, s, fellow)
                lab.router.ip("route", "replace", "198.51.100.0/24", "via", BOX)
                s.sendall(b"x" * 4000)
            # The first is refused and told; what is sent again fits.
            back = wire.heard(lambda o: is_gre(o) and len(o) >= 1400)
            assert len(back) <= 1514
            assert IP(inner_of(back)).len <= 1472


@pytest.mark.parametrize("how", METHODS)
def test_drops_new_connections_of_a_closed_service(lab, driver, how):
    inst = lab.instances(1)
    closed = "service 0 0 0 0 0 0 1"
    driver.plan(closed, *pool(*inst), router(METHODS[how], GRE))
    inst[0].kill()
    with Wire(lab.router) as wire:
        arrive(lab, wire, how, tcp("S"))
        arrive(lab, wire, how, tcp("A", sport=5000))
        # Flows older than the redirection are not the closed service's.
        back = wire.heard(is_gre)
        assert TCPH(inner_of(back)[20:]).sport == 5000
    c = driver.counters()
    assert (c["dropped"], c["returned"]) == (1, 1)


@pytest.mark.parametrize("packet", [
    IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=443) / Raw(b"quic"),
    IP(src=CLIENT, dst=SERVER) / ICMP(),
], ids=["udp", "icmp"])
def test_returns_what_is_not_tcp(lab, driver, packet):
    every = "service 1 90 100 0 0 0 0"
    driver.plan(every, *pool(*lab.instances(1)), router(L2, GRE))
    with Wire(lab.router) as wire:
        wire.send(frame(lab, packet))
        check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE, bare=True)


def test_returns_services_that_are_not_ours(lab, driver):
    """After a reload the router may go on with a service that we have no more."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    header = bytes([1, 51, 0, 9])
    with Wire(lab.router) as wire:
        packet = tcp("S", dport=443)
        wire.send(frame(lab, outer(packet, redirect_header=header)))
        check_gre(lab, wire.heard(is_gre), packet, header)
    c = driver.counters(NO_SERVICE)
    assert (c["redirected"], c["returned-no-service"]) == (1, 1)


@pytest.mark.parametrize("header", [bytes([0x80, 0, 0, 9]), bytes([1, 0, 0, 9]),
                                    bytes([0, 51, 0, 9]), bytes([0xff, 1, 2, 3])],
                         ids=["bit7", "dynamic", "id", "junk"])
def test_an_odd_redirect_header_decides_nothing(lab, driver, header):
    """Which service it is: by what was agreed on with the router, and by the packet."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    with Wire(lab.router) as wire:
        wire.send(frame(lab, outer(tcp("S"), redirect_header=header)))
        wire.heard(lambda o: o[23] == 6 and o[47] == 0x12)  # SYN, ACK
    c = driver.counters()
    assert (c["redirected"], c["new"]) == (1, 1)


@pytest.mark.parametrize("left", [1, 0])
def test_a_syn_that_meets_a_time_wait(lab, driver, left):
    """The flow's last socket says nothing about who would take a new one."""
    lab.redirect_l2()
    inst = lab.instances(2)
    driver.plan(WEB, *pool(*inst), router(L2, GRE))
    with lab.client.socket() as s:
        s.settimeout(5)
        s.bind((CLIENT, 4000))
        s.connect((SERVER, 80))
        with s.makefile() as f:
            name = f.readline().split()[0]
            died, other = inst if inst[0].name == name else inst[::-1]
            died.kill()  # ends the connection first, and so keeps the TIME_WAIT
            assert f.readline() == ""
    wait_until(lambda: "TIME-WAIT" in lab.box.run("ss", "-Htan").stdout, 5, "TIME-WAIT")
    if not left:
        other.kill()
    packet = tcp("S", sport=4000)
    with Wire(lab.router) as wire:
        wire.send(frame(lab, packet))
        if not left:
            check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE, bare=True)
    wait_until(lambda: driver.counters()["new"] == 1 + left, 3, driver.counters)
    assert driver.counters()["returned"] >= 1 - left


@pytest.mark.parametrize("forwards", [0, 1])
def test_frames_of_another_mac(lab, driver, forwards):
    """A pair of routers shares an address, but not the MAC address that frames come from.
    On a box that sends nothing on for others, whatever is not for it was redirected."""
    lab.box.sysctl("net.ipv4.conf.eth0.forwarding", forwards)
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, L2))
    with Wire(lab.fellow) as wire:
        wire.send(frame(lab, tcp("S"), src="fellow"))
        if not forwards:
            wait_until(lambda: driver.counters()["new"] == 1, 3, driver.counters)
    assert driver.counters()["redirected"] == 1 - forwards


def test_strangers_are_not_listened_to(lab, driver):
    """Untouched: GRE from an unknown address, to another address, of another protocol;
    other ports; fragments of GRE."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE | L2, GRE))
    with Wire(lab.router) as wire:
        for f in (frame(lab, outer(tcp(), src="10.2.0.77")),
                  frame(lab, outer(tcp(), dst="10.2.0.88")),
                  frame(lab, IP(src=ROUTER, dst=BOX) / GREH(proto=0x0800) / tcp()),
                  frame(lab, IP(src=ROUTER, dst=BOX) / GREH(
                      proto=0x883E, key_present=1) / Raw(b"keyz" + REDIRECT + raw(tcp()))),
                  frame(lab, IP(src=ROUTER, dst=BOX, flags="MF", proto=47) /
                        Raw(raw(GREH(proto=0x883E)) + REDIRECT + raw(tcp()))),
                  frame(lab, tcp(dport=8080)),
                  frame(lab, outer(Raw(b"\x60" + bytes(60))))):
            wire.send(f)
        wire.send(frame(lab, outer(tcp(sport=5555))))  # behind all of them
        back = wire.heard(is_gre)
        assert TCPH(inner_of(back)[20:]).sport == 5555
    assert driver.counters()["redirected"] == 1


@pytest.mark.parametrize("cut", list(range(14, 84)))
def test_truncated_arrivals_do_no_harm(lab_once, cut):
    """A redirected packet cut anywhere is passed over or returned, never misread."""
    lab, driver, wire = lab_once
    wire.send(frame(lab, outer(tcp("PA", load=b"0123456789")))[:cut])


@pytest.fixture(scope="module")
def lab_once():
    with netns.Net("truncated") as net:
        lab = Lab(net)
        driver = Driver(lab.box)
        driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
        with Wire(lab.router) as wire:
            yield lab, driver, wire
            packet = tcp(sport=5555)
            wire.send(frame(lab, outer(packet)))
            wire.heard(lambda o: is_gre(o) and inner_of(o)[:len(packet)] == raw(aged(packet)))
        assert driver.counters()["delivered"] == 0
        driver.close()


# -- fragments ---------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", netns.DELIVERIES, indirect=True)
def test_fragments_of_a_delivered_packet_come_together(lab, driver):
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, L2))
    lab.router.route("198.51.100.0/24", "via", BOX, "mtu", "lock", "576")
    with lab.client.socket() as s:
        s.settimeout(5)
        s.setsockopt(socket.SOL_IP, 10, 0)  # IP_MTU_DISCOVER: the router may fragment
        s.connect((SERVER, 80))
        f = s.makefile("rb")
        f.readline()
        data = bytes(range(256)) * 4
        s.sendall(data)
        assert f.read(len(data)) == data
    fragments = lab.tcp_counter(lab.box, "ReasmReqds"), lab.tcp_counter(lab.box, "ReasmOKs")
    assert fragments == (2, 1)


# -- handing over ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", METHODS)
def test_hands_unknown_flows_to_who_had_the_bucket(lab, driver, how):
    b = 77 if how == "gre" else bucket(SERVER)
    driver.plan(WEB, *pool(*lab.instances(1)), router(METHODS[how], METHODS[how]),
                f"handover 0 {b} {FELLOW}", f"fellow {FELLOW}")
    packet = tcp("PA", load=b"mid-flow")
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        arrive(lab, wire, how, packet)
        check_gre(lab, there.heard(is_gre), packet, tried(bytes([0, 0, 0, b])), FELLOW,
                  "fellow", bare=how == "l2")
        # A new connection is ours, of whatever bucket.
        arrive(lab, wire, how, tcp("S"))
        wire.heard(lambda o: o[23] == 6 and o[47] == 0x12)  # SYN, ACK
    c = driver.counters()
    assert (c["handed"], c["new"]) == (1, 1)


def test_other_buckets_are_not_handed_over(lab, driver):
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE),
                f"handover 0 76 {FELLOW}", f"handover 0 78 {FELLOW}", f"fellow {FELLOW}")
    packet = tcp()
    with Wire(lab.router) as wire:
        wire.send(frame(lab, outer(packet)))
        check_gre(lab, wire.heard(is_gre), packet, REDIRECT)


def test_the_alternate_bucket_counts_when_it_was_used(lab, driver):
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE),
                f"handover 0 5 {FELLOW}", f"fellow {FELLOW}")
    header = bytes([2, 0, 5, 77])
    packet = tcp()
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        wire.send(frame(lab, outer(packet, redirect_header=header)))
        check_gre(lab, there.heard(is_gre), packet, tried(header), FELLOW, "fellow")


def test_a_header_without_contents_is_not_read(lab, driver):
    """With U set the rest says nothing: service and bucket are those of the packet."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE),
                f"handover 0 {bucket(SERVER)} {FELLOW}", f"fellow {FELLOW}")
    header = bytes([5, 99, 5, 76])
    packet = tcp()
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        wire.send(frame(lab, outer(packet, redirect_header=header)))
        check_gre(lab, there.heard(is_gre), packet, tried(header), FELLOW, "fellow")


def test_who_does_not_have_it_hands_it_back(lab, driver):
    """Asked by a web-cache that counts: it can ask the next one."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE), f"handover 0 -1 {FELLOW}",
                f"fellow {FELLOW}")
    packet = tcp("PA", load=b"who has it?")
    with Wire(lab.fellow) as there:
        there.send(frame(lab, outer(packet, src=FELLOW,
                                    redirect_header=tried(REDIRECT, 3)), "fellow"))
        check_gre(lab, there.heard(is_gre), packet, tried(REDIRECT, 3, back=True), FELLOW,
                  "fellow")


def test_the_last_one_hands_it_back(lab, driver):
    """Then nobody has it: the router gets it, as it would have been without web-caches."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE), f"handover 0 -1 {FELLOW}",
                f"fellow {FELLOW}")
    packet = tcp("PA", load=b"who has it?")
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        wire.send(frame(lab, outer(packet)))
        check_gre(lab, there.heard(is_gre), packet, tried(REDIRECT), FELLOW, "fellow")
        there.send(frame(lab, outer(packet, src=FELLOW,
                                    redirect_header=tried(REDIRECT, back=True)), "fellow"))
        check_gre(lab, wire.heard(is_gre), packet, REDIRECT)
        # That is remembered.
        wire.send(frame(lab, outer(packet)))
        check_gre(lab, wire.heard(is_gre), packet, REDIRECT)


@pytest.mark.parametrize("driver", netns.DELIVERIES, indirect=True)
def test_delivers_what_a_fellow_hands_over(lab, driver):
    """A connection of ours whose bucket has moved to the other cache: its packets come
    by way of that one now."""
    lab.redirect_l2()
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, L2), f"fellow {FELLOW}")
    with lab.client.socket() as s, Wire(lab.fellow) as fellow:
        s.settimeout(5)
        s.connect((SERVER, 80))
        f = s.makefile()
        f.readline()
        lab.router.ip("route", "replace", "198.51.100.0/24", "via", FELLOW)
        s.sendall(b"by the other way\n")
        got = fellow.heard(lambda o: o[23] == 6 and o.endswith(b"by the other way\n"))
        packet = IP(got[14:])
        del packet[TCPH].chksum  # veth leaves it to the hardware that is not there
        fellow.send(frame(lab, outer(packet, src=FELLOW), "fellow"))
        assert f.readline() == "by the other way\n"
    assert driver.counters()["delivered"] > driver.counters()["redirected"]


@pytest.mark.parametrize("ret", METHODS)
def test_gives_back_what_a_fellow_hands_over_in_vain(lab, driver, ret):
    """To the router, and never to another web-cache again: no packet goes in circles."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, METHODS[ret]),
                f"handover 0 -1 {FELLOW}", f"fellow {FELLOW}")
    packet = tcp("PA", load=b"nobody knows")
    with Wire(lab.router) as wire, Wire(lab.fellow) as fellow:
        fellow.send(frame(lab, outer(packet, src=FELLOW), "fellow"))
        if ret == "gre":
            check_gre(lab, wire.heard(is_gre), packet, REDIRECT)
        else:
            back = wire.heard(lambda o: o[14:][:20] == raw(aged(packet))[:20])
            check_frame(lab, back, packet)
    c = driver.counters()
    assert (c["redirected"], c["returned"]) == (0, 1)
