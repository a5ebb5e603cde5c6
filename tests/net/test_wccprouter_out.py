# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter's redirect-out and exclude-in: packets are redirected where they would
leave, unless they came in on an excluded interface or from a web-cache.

Beside the network of test_wccprouter_ipv6 there is a second client:

    client2 10.4.0.2 --- cl1 router
"""

import socket

import pytest

import wccpcache as w
import wccpip6 as six
from netns import wait_until
from wccprouter_lab import (CACHE, CLIENT, CONF, ORIGIN, ROUTER_ID, Returner,
                             expect_gre, tc_state)
from test_wccprouter_ipv6 import (CACHE6, CLIENT6, ORIGIN6, ROUTER_ID6, Returner6,
                                  World6, expect_gre6, goes_straight)

CLIENT2 = "10.4.0.2"


class WorldOut(World6):
    def __init__(self, net):
        super().__init__(net)
        self.client2 = net.namespace("client2")
        net.veth(self.client2, "eth0", f"{CLIENT2}/24", self.router, "cl1", "10.4.0.1/24")
        self.client2.route("default", "via", "10.4.0.1")
        self.router.sysctl("net.ipv4.conf.cl1.rp_filter", 0)
        self.origin.ip("-6", "route", "replace", "default", "via", "2001:db8:3::1")

    def start_out(self, more="", service="web-cache"):
        text = CONF.format(id=ROUTER_ID, control=self.control, more=(
            f"router-id6 = \"{ROUTER_ID6}\"\nredirect-out = {{ or0 }}\n"
            f"service {service} {{ }}\n{more}"))
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(text.replace("redirect-in = { cl0 }\n", ""))
        self.launch()

    def inject2(self, packet):
        """Have the second client send this IPv4 packet."""
        with self.client2.socket(socket.AF_INET, socket.SOCK_RAW,
                                 socket.IPPROTO_RAW) as s:
            s.sendto(packet, (ORIGIN, 0))


@pytest.fixture
def world(net):
    made = WorldOut(net)
    yield made
    made.close()


def test_gre(world):
    """As on the way in, and one hop is counted once."""
    before = tc_state(world)
    world.start_out()
    world.give_all(world.join())
    packet = w.tcp(CLIENT, ORIGIN, 33333, 80, ttl=17)
    with w.Tap(world.cache, "eth0") as tap, w.Tap(world.origin, "eth0") as origin:
        world.inject(packet)
        outer, header, inner = expect_gre(tap, packet)
        world.inject(w.tcp(CLIENT, ORIGIN, 33334, 81))
        _, ip = origin.find(lambda ip: ip.sport in (33333, 33334))
    assert ip.sport == 33334
    assert (outer.src, outer.dst, outer.sound) == (ROUTER_ID, CACHE, True)
    assert header == bytes([0, 0, 0, w.fold(w.address(ORIGIN))])
    assert (inner.ttl, inner.sound, inner.payload) == (16, True, packet[20:])
    assert world.show()["packets"]["redirected"] == 1
    world.stop()
    assert tc_state(world) == before
    assert "clsact" not in world.router.run("tc", "qdisc", "show", "dev", "or0").stdout


def test_l2(world):
    world.start_out()
    world.give_all(world.join(forward=w.L2, ret=w.L2))
    packet = w.tcp(CLIENT, ORIGIN, 44444, 80)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(packet)
        ethernet, ip = tap.find(lambda ip: ip.sport == 44444)
    assert ethernet[:6].hex(":") == world.cache.mac("eth0")
    assert (ip.ttl, ip.sound, ip.payload) == (63, True, packet[20:])
    # By L2 they return with nothing but the web-cache's link-layer address.
    with w.Tap(world.origin, "eth0") as origin, \
            world.cache.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        s.send(ethernet[6:12] + ethernet[:6] + b"\x08\0" + ip.octets)
        assert origin.find(lambda ip: ip.sport == 44444)[1].ttl == 62


def test_returned_by_gre(world):
    world.start_out()
    world.give_all(world.join())
    with Returner(world), w.Tap(world.origin, "eth0") as tap:
        world.inject(w.tcp(CLIENT, ORIGIN, 55555, 80))
        tap.find(lambda ip: ip.sport == 55555)
    wait_until(lambda: world.show()["packets"]["returned"] == 1, 3, world.text)
    assert world.show()["packets"]["redirected"] == 1


def test_excluded(world):
    world.start_out("exclude-in = { cl1 }")
    world.give_all(world.join())
    with w.Tap(world.cache, "eth0") as tap, w.Tap(world.origin, "eth0") as origin:
        world.inject2(w.tcp(CLIENT2, ORIGIN, 6001, 80))
        origin.find(lambda ip: ip.sport == 6001)
        packet = w.tcp(CLIENT, ORIGIN, 6002, 80)
        world.inject(packet)
        expect_gre(tap, packet)
    world.stop()
    world.start_out()
    world.give_all(world.join(socket_of=world.caches[0]))
    packet = w.tcp(CLIENT2, ORIGIN, 6003, 80)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject2(packet)
        expect_gre(tap, packet)


def test_own_packets(world):
    """What the router itself sends is its own business."""
    world.start_out(service="80")
    world.give_all(world.join(service=w.dynamic(80, 100, 0, 2)))
    with w.Tap(world.origin, "eth0") as tap, \
            world.router.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"own", (ORIGIN, 80))
        tap.find(lambda ip: ip.protocol == 17 and ip.payload[8:] == b"own")
    assert world.show()["packets"]["redirected"] == 0


def test_ipv6(world):
    world.start_out()
    world.all_to_one()
    packet = six.tcp6(CLIENT6, ORIGIN6, 33333, 80, b"hello", hops=9)
    with six.Tap6(world.cache, "eth0") as tap:
        world.inject6(packet)
        outer, _, inner = expect_gre6(tap, packet)
    assert (outer.src, outer.dst) == (ROUTER_ID6, CACHE6)
    assert inner.octets == packet[:7] + b"\x08" + packet[8:]
    with Returner6(world):
        goes_straight(world, six.tcp6(CLIENT6, ORIGIN6, 33334, 80))
