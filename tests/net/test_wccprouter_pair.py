# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter's services on interfaces of their own: a pair of them for the two directions
of a connection, and redirect-out on the web-caches' own interface."""

import socket

import pytest

import wccpcache as w
from netns import wait_until
from wccprouter_lab import (CACHE, CLIENT, ORIGIN, Returner, expect_gre,
                             tc_state)
from wccprouter_lab import world  # noqa: F401 (a fixture)

# As WAAS has them: all of TCP, by the client's address in each direction.
SRC, DST = 1, 2
PAIR = {61: w.dynamic(61, 34, 6, SRC), 62: w.dynamic(62, 34, 6, DST)}
NEIGHBOUR, NEIGHBOUR_MAC = "10.2.0.77", "02:00:00:00:00:77"  # beside the web-cache


def join_pair(world, **kw):
    for number, service in enumerate(PAIR.values()):
        first = world.caches[0] if world.caches else None
        world.give_all(world.join(service=service, socket_of=first, **kw), number)


def send(ns, packet):
    with ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))


def redirected(world):
    return [world.show(i)["packets"]["redirected"] for i in range(2)]


def goes_straight(world, ns, packet, to):
    sent = w.Ip(packet)
    with w.Tap(to, "eth0") as tap:
        send(ns, packet)
        _, got = tap.find(lambda ip: (ip.src, ip.sport, ip.dport) == (
            sent.src, sent.sport, sent.dport))
    assert got.payload == sent.payload


def test_each_direction_has_its_interface(world):
    """ip wccp 61 redirect in on the clients' interface, 62 on the other: one packet fits
    both, and the interface decides."""
    world.start("service 61 { redirect-in = { cl0 } } service 62 { redirect-in = { or0 } }")
    join_pair(world)
    there, back = w.tcp(CLIENT, ORIGIN, 4001, 7000, 4), w.tcp(ORIGIN, CLIENT, 7000, 4001, 4)
    with w.Tap(world.cache, "eth0") as tap:
        send(world.client, there)
        _, header, _ = expect_gre(tap, there)
        assert (header[0] & 1, header[1], header[3]) == (1, 61, w.fold(w.address(CLIENT)))
        send(world.origin, back)
        _, header, _ = expect_gre(tap, back)
        assert (header[0] & 1, header[1], header[3]) == (1, 62, w.fold(w.address(CLIENT)))
    assert redirected(world) == [1, 1]
    # Whatever web-caches return is left alone on every interface (nobody answers a RST).
    with Returner(world):
        goes_straight(world, world.client, w.tcp(CLIENT, ORIGIN, 4002, 7000, 4), world.origin)
        goes_straight(world, world.origin, w.tcp(ORIGIN, CLIENT, 7000, 4002, 4), world.client)
    assert redirected(world) == [2, 2]
    assert world.show(0)["redirect_in"] == ["cl0"]
    assert world.show(1)["redirect_in"] == ["or0"]


def test_others_have_the_interfaces_of_the_file(world):
    """A service that has neither list of its own, and one that has only redirect-out."""
    world.start("service 61 { } service 62 { redirect-out = { or0 } }")
    world.give_all(world.join(service=w.dynamic(61, 34, 6, 0x12, [80])), 0)
    world.give_all(world.join(service=w.dynamic(62, 240, 6, DST),
                              socket_of=world.caches[0]), 1)
    # 62 has the higher priority, but on its way in 61 is asked alone.
    for dport, service in ((80, 61), (81, 62)):
        packet = w.tcp(CLIENT, ORIGIN, 4003, dport)
        with w.Tap(world.cache, "eth0") as tap:
            send(world.client, packet)
            assert expect_gre(tap, packet)[1][1] == service
    assert world.show(1)["redirect_out"] == ["or0"] and world.show(1)["redirect_in"] == []


def test_a_closed_service_is_closed_on_its_interfaces(world):
    world.start("service web-cache { closed = true redirect-in = { or0 } }")
    goes_straight(world, world.client, w.tcp(CLIENT, ORIGIN, 4004, 80, 4), world.origin)
    send(world.origin, w.tcp(ORIGIN, CLIENT, 4004, 80, 4))
    wait_until(lambda: world.show()["packets"]["dropped"] == 1, 3, world.log)


@pytest.fixture
def shared(world):
    """Somebody on the web-cache's own network is answered by port 80 of the origin."""
    world.router.ip("neigh", "replace", NEIGHBOUR, "lladdr", NEIGHBOUR_MAC, "dev", "bx1")
    world.before = tc_state(world)
    world.start("service 62 { redirect-out = { bx1 } }")
    return world


ANSWER = w.dynamic(62, 34, 6, 0x32, [80])  # from that port


def test_out_on_the_caches_interface_by_gre(shared):
    shared.give_all(shared.join(service=ANSWER))
    packet = w.tcp(ORIGIN, NEIGHBOUR, 80, 5001, 0x12, ttl=9)
    with w.Tap(shared.cache, "eth0") as tap:
        send(shared.origin, packet)
        outer, header, inner = expect_gre(tap, packet)
    assert (outer.dst, header[1], inner.ttl, inner.sound) == (CACHE, 62, 8, True)
    with Returner(shared), w.Tap(shared.cache, "eth0") as tap:
        send(shared.origin, w.tcp(ORIGIN, NEIGHBOUR, 80, 5002, 0x12))
        ethernet, _ = tap.find(lambda ip: ip.dport == 5002 and ip.src == ORIGIN)
    assert ethernet[:6].hex(":") == NEIGHBOUR_MAC
    assert shared.show()["packets"]["redirected"] == 2
    shared.stop()
    assert tc_state(shared) == shared.before


def test_out_on_the_caches_interface_by_l2(shared):
    """The frame to the web-cache leaves by that interface, too, and is let pass there."""
    shared.give_all(shared.join(service=ANSWER, forward=w.L2, ret=w.L2))
    for port in (5003, 5004):
        with w.Tap(shared.cache, "eth0") as tap:
            send(shared.origin, w.tcp(ORIGIN, NEIGHBOUR, 80, port, 0x12, ttl=9))
            ethernet, ip = tap.find(lambda ip, p=port: ip.dport == p)
        assert ethernet[:6].hex(":") == shared.cache.mac("eth0")
        assert (ip.ttl, ip.dst, ip.sound) == (8, NEIGHBOUR, True)
    assert shared.show()["packets"]["redirected"] == 2
    with w.Tap(shared.cache, "eth0") as tap, \
            shared.cache.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        s.send(ethernet[6:12] + ethernet[:6] + b"\x08\0" + ip.octets)
        back, _ = tap.find(lambda ip: ip.dport == 5004 and ip.ttl == 7)
    assert back[:6].hex(":") == NEIGHBOUR_MAC
    assert shared.show()["packets"]["redirected"] == 2


def test_what_is_for_a_web_cache_gets_to_it(shared):
    """Answers to its own requests leave by that interface as well."""
    shared.give_all(shared.join(service=ANSWER))
    goes_straight(shared, shared.origin, w.tcp(ORIGIN, CACHE, 80, 5005, 0x10), shared.cache)
    assert shared.show()["packets"]["redirected"] == 0
