# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter redirects packets of IPv6, to a web-cache that shares no code with it.
The network is that of test_wccprouter_multicast, which has both families."""

import random
import socket
import struct
import threading

import pytest

import wccpcache as w
import wccpip6 as six
from netns import wait_until
from wccprouter_lab import ALL_TO_FIRST, CACHE, CLIENT, ORIGIN, expect_gre
from test_wccprouter_multicast import (CACHE6, CACHE6_2, CLIENT6, ORIGIN6, ROUTER6,
                                       ROUTER_ID6, Both)

OVERHEAD = 48  # IPv6 header, GRE, redirect header


class World6(Both):
    """The client can send any packet of IPv6."""

    def __init__(self, net):
        super().__init__(net)
        self.raw6 = self.client.socket(socket.AF_INET6, socket.SOCK_RAW,
                                       socket.IPPROTO_RAW)
        self.router.ip("-6", "route", "add", "2001:db8:93::/48", "via", ORIGIN6)

    def inject6(self, packet):
        dst = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        self.raw6.sendto(packet, (dst, 0))

    def start6(self, more="", name="web-cache"):
        self.start(f"service {name} {{ {more} }}",
                   more=f"router-id6 = \"{ROUTER_ID6}\"")

    def member6(self, own=CACHE6, **kw):
        cache = self.make(own, ROUTER6, **kw)
        cache.join()
        return cache

    def all_to_one(self, **kw):
        cache = self.member6(**kw)
        self.give_all(cache)
        return cache

    def close(self):
        self.raw6.close()
        super().close()


@pytest.fixture
def world(net):
    made = World6(net)
    yield made
    made.close()


def expect_gre6(tap, packet, timeout=3):
    return expect_gre(tap, packet, timeout, six.Ip6)


def goes_straight(world, packet, send=None):
    """Does it get to the origin as it is?"""
    sent = six.Ip6(packet)
    with six.Tap6(world.origin, "eth0") as tap:
        (send or world.inject6)(packet)
        tap.find(lambda ip: (ip.src, ip.payload) == (sent.src, sent.payload))


# ---- forwarding ----

def test_gre_headers(world):
    world.start6()
    world.all_to_one()
    packet = six.tcp6(CLIENT6, ORIGIN6, 33333, 80, b"hello", hops=17, traffic_class=0xb8)
    with six.Tap6(world.cache, "eth0") as tap:
        world.inject6(packet)
        outer, header, inner = expect_gre6(tap, packet)
    assert (outer.src, outer.dst, outer.ttl) == (ROUTER_ID6, CACHE6, 64)
    assert outer.tos == 0xb8 and outer.len == len(packet) + OVERHEAD
    assert header == bytes([0, 0, 0, w.fold(six.address(ORIGIN6))])
    assert inner.ttl == 16
    assert inner.octets == packet[:7] + b"\x10" + packet[8:]
    wait_until(lambda: world.show()["packets"]["redirected"] == 1, 3, world.text)
    assert world.show()["packets"]["redirected_octets"] == len(packet)
    assert world.client_of(CACHE6)["redirected"] == 1
    # The other family's packets are none of its business.
    with w.Tap(world.origin, "eth0") as tap:
        world.inject(w.tcp(CLIENT, ORIGIN, 33333, 80))
        tap.find(lambda ip: ip.sport == 33333)


def test_l2(world):
    world.start6()
    world.all_to_one(forward=w.L2, ret=w.L2)
    packet = six.tcp6(CLIENT6, ORIGIN6, 44444, 80, b"hello")
    with six.Tap6(world.cache, "eth0") as tap:
        world.inject6(packet)
        ethernet, ip = tap.find(lambda ip: ip.sport == 44444)
    assert ethernet[:6].hex(":") == world.cache.mac("eth0")
    assert ethernet[6:12].hex(":") == world.router.mac("bx1")
    assert ip.octets == packet[:7] + b"\x3f" + packet[8:]


def test_both_families_at_once(world):
    """One service of each family, on the same ports."""
    world.start("service web-cache { } service 80 { }",
                more=f"router-id6 = \"{ROUTER_ID6}\"")
    world.give_all(world.join())
    second = world.make(CACHE6, ROUTER6, service=w.dynamic(80, 250, 6, 0x12, [80]))
    second.join()
    world.give_all(second, 1)
    packet, packet6 = (w.tcp(CLIENT, ORIGIN, 5, 80), six.tcp6(CLIENT6, ORIGIN6, 5, 80))
    with w.Tap(world.cache, "eth0") as tap, six.Tap6(world.cache, "eth0") as tap6:
        world.inject(packet)
        world.inject6(packet6)
        assert expect_gre(tap, packet)[0].dst == CACHE
        assert expect_gre6(tap6, packet6)[0].dst == CACHE6


def anywhere(rng):
    return socket.inet_ntop(socket.AF_INET6, six.address("2001:db8:93::")[:6] +
                            rng.randbytes(10))


def test_hash(world):
    """XOR of all octets of the addresses, alternate hash included."""
    rng = random.Random(6)
    world.start6(name="70")
    service = w.dynamic(70, 200, 6, 0x0f | 0x10 | 0x0500, [80])
    first = world.member6(service=service)
    world.member6(CACHE6_2, service=service)
    first.hello()
    owners = [CACHE6, CACHE6_2]
    buckets = [rng.choice([0, 1, 0x80, 0x81]) for _ in range(256)]
    first.assign(owners, buckets)
    wait_until(lambda: world.show()["assigned"], 3, world.text)
    with six.Tap6(world.cache, "eth0") as tap:
        for _ in range(100):
            src, dst, sport = anywhere(rng), anywhere(rng), rng.randrange(1024, 65536)
            sender = six.address(src) + struct.pack("!H", sport)
            primary = w.fold(sender + six.address(dst) + b"\0\x50")
            alternate = w.fold(sender) if buckets[primary] & 0x80 else 0
            packet = six.tcp6(src, dst, sport, 80)
            world.inject6(packet)
            outer, header, _ = expect_gre6(tap, packet)
            bits = 3 if buckets[primary] & 0x80 else 1
            assert header == bytes([bits, 70, alternate, primary])
            owner = buckets[alternate if bits == 3 else primary]
            assert outer.dst == owners[owner & 0x7f]


# ---- headers between IPv6 and TCP ----

@pytest.mark.parametrize("headers", [
    [six.options(six.HOP_BY_HOP)],
    [six.options(six.HOP_BY_HOP), six.options(six.DESTINATION, 3)],
    [six.options(six.DESTINATION)] * 8,
    [six.fragment(0, 1)],
    [six.options(six.HOP_BY_HOP), six.fragment(0, 1), six.options(six.DESTINATION)],
    [(51, bytes([4]) + bytes(22))],  # authentication header of 24 octets
])
def test_extension_headers(world, headers):
    world.start6()
    world.all_to_one()
    packet = six.tcp6(CLIENT6, ORIGIN6, 33333, 80, b"hello", headers)
    with six.Tap6(world.cache, "eth0") as tap:
        world.inject6(packet)
        _, outer = tap.find(lambda ip: ip.redirected())
    assert outer.redirected()[1].octets[40:] == packet[40:]


def test_other_packets_pass(world):
    """What shows no ports, what a member sends, what goes no further, and nonsense."""
    world.start6()
    world.all_to_one()
    for packet in (
            six.tcp6(CLIENT6, ORIGIN6, 33333, 81),
            six.tcp6(CACHE6, ORIGIN6, 33333, 80),
            six.ipv6(CLIENT6, ORIGIN6, *six.chain([six.fragment(1400, 0)], 6,
                                                  b"\0\x50" * 20)),
            # The ports are in another fragment, or the chain is endless.
            six.ipv6(CLIENT6, ORIGIN6, *six.chain([six.fragment(0, 1)], 6, b"\0\x50")),
            six.tcp6(CLIENT6, ORIGIN6, 33333, 80,
                     headers=[six.options(six.DESTINATION)] * 9)):
        with six.Tap6(world.origin, "eth0") as tap:
            world.inject6(packet)
            tap.find(lambda ip, sent=packet: ip.octets[40:] == sent[40:])
    wait_until(lambda: world.show()["packets"]["bypassed"] == 1, 3, world.text)
    assert world.show()["packets"]["redirected"] == 0


def test_link_local_stays_on_its_link(world):
    """Neighbour discovery goes on, and nothing of a link leaves it."""
    world.start6(name="70")
    world.give_all(world.member6(service=w.dynamic(70, 200, 0, 2)))
    world.client.ip("-6", "neigh", "flush", "dev", "eth0")
    packet = six.ipv6(CLIENT6, ORIGIN6, 58, b"\x80\0\0\0\0\1\0\1")
    with six.Tap6(world.cache, "eth0") as tap:
        world.inject6(packet)  # finds the router first
        _, outer = tap.find(lambda ip: ip.redirected())
        assert outer.redirected()[1].payload == packet[40:]
    before = world.show()["packets"]["redirected"]
    with world.client.entered():
        index = socket.if_nametoindex("eth0")
    for dst in ("ff02::1", world.router.run(
            "sh", "-c", "ip -6 -o addr show dev cl0 scope link").stdout.split()[3]
                .split("/")[0]):
        world.raw6.sendto(six.ipv6("fe80::7", dst, 17, bytes(8)), (dst, 0, 0, index))
    goes_straight(world, six.tcp6(CACHE6, ORIGIN6, 1, 80))
    assert world.show()["packets"]["redirected"] == before


# ---- return ----

class Returner6(threading.Thread):
    """Sends every redirected packet back in GRE, as a web-cache that declines."""

    def __init__(self, world, src=CACHE6, dst=ROUTER_ID6):
        super().__init__(daemon=True)
        self.src, self.dst = src, dst
        self.tap = six.Tap6(world.cache, "eth0")
        self.raw = world.cache.socket(socket.AF_INET6, socket.SOCK_RAW,
                                      socket.IPPROTO_RAW)
        self.stopping = False
        self.count, self.longest = 0, 0
        self.start()

    def run(self):
        while not self.stopping:
            for _, ip in self.tap.packets(0.05):
                got = ip.redirected()
                if got and ip.dst == self.src:
                    self.count += 1
                    self.longest = max(self.longest, ip.len)
                    self.send(got[0], got[1].octets)

    def send(self, header, inner):
        self.raw.sendto(six.ipv6(self.src, self.dst, six.GRE,
                                 b"\0\0\x88\x3e" + header + inner), (self.dst, 0))

    def close(self):
        self.stopping = True
        self.join()
        self.raw.close()
        self.tap.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


@pytest.mark.parametrize("to", [ROUTER_ID6, ROUTER6])
def test_gre_return(world, to):
    world.start6()
    world.all_to_one()
    packet = six.tcp6(CLIENT6, ORIGIN6, 55555, 80, b"hello")
    with Returner6(world, dst=to):
        goes_straight(world, packet)
    wait_until(lambda: world.show()["packets"]["returned"] == 1, 3, world.text)


def test_bad_returns(world):
    """From a stranger it is left to the stack, nonsense of a member is dropped, and
    so is a packet of the other family."""
    world.start6()
    world.all_to_one()
    inner = six.tcp6(CLIENT6, ORIGIN6, 56789, 80)
    with Returner6(world, src=CACHE6_2) as stranger, Returner6(world) as member, \
            six.Tap6(world.origin, "eth0") as tap:
        stranger.send(bytes(4), inner)
        member.send(bytes(4), b"\x60\0\0\0\xff\xff" + inner[6:])
        member.send(bytes(4), w.tcp(CLIENT, ORIGIN, 56790, 80))
        member.send(bytes(4), six.tcp6(CLIENT6, ORIGIN6, 56791, 80))
        _, ip = tap.find(lambda ip: ip.sport in (56789, 56790, 56791))
    assert ip.sport == 56791
    wait_until(lambda: world.show()["packets"]["dropped"] == 2, 3, world.text)


def test_one_arm(world):
    """Clients and web-caches behind one interface: L2 return is known by the
    link-layer address."""
    world.start6()
    world.stop()
    with open(world.conf, encoding="ascii") as f:
        text = f.read().replace("cl0", "bx1")
    with open(world.conf, "w", encoding="ascii") as f:
        f.write(text)
    world.launch()
    world.cache.ip("link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode",
                   "private")
    world.cache.ip("link", "set", "mv0", "up")
    world.all_to_one(forward=w.L2, ret=w.L2)
    packet = six.tcp6("2001:db8:2::77", ORIGIN6, 1111, 80)

    def send(dev):
        macs = [bytes.fromhex(m.replace(":", "")) for m in
                (world.router.mac("bx1"), world.cache.mac(dev))]
        with world.cache.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind((dev, 0))
            s.send(b"".join(macs) + b"\x86\xdd" + packet)
    with six.Tap6(world.cache, "eth0") as cache:
        send("mv0")
        cache.find(lambda ip: ip.sport == 1111)  # redirected
    goes_straight(world, packet, lambda _: send("eth0"))
    assert world.show(None)["other_packets"]["bypassed"] >= 1


def serve(world, octets):
    """A server at the origin that takes `octets` and says how many it got."""
    listener = world.origin.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.bind((ORIGIN6, 80))
    listener.listen()

    def once():
        peer = listener.accept()[0]
        with peer:
            peer.settimeout(20)
            got = 0
            while got < octets:
                chunk = peer.recv(1 << 16)
                if not chunk:
                    break
                got += len(chunk)
            peer.sendall(b"%d" % got)
    threading.Thread(target=once, daemon=True).start()
    return listener


@pytest.mark.parametrize("offload", ["on", "off"])
def test_upload_through_a_declining_cache(world, offload):
    """Real TCP with full segments: with segmentation offload at the client's end
    (packets that are cut behind us), and without (Packet Too Big)."""
    size = 2_000_000
    world.start6()
    world.all_to_one()
    world.router.run("ethtool", "-K", "bx1", "tx", "off", "tso", "off", "gso", "off")
    world.client.run("ethtool", "-K", "eth0", "tso", offload, "gso", offload)
    with serve(world, size), Returner6(world) as returner, \
            world.client.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect((ORIGIN6, 80))
        s.sendall(b"x" * size)
        s.shutdown(socket.SHUT_WR)
        assert int(s.recv(100)) == size
    assert returner.count > size / 1500
    assert returner.longest <= 1500
    packets = world.show()["packets"]
    assert packets["returned"] == returner.count
    if offload == "off":
        assert packets["too_big"] > 0
    else:
        assert packets["redirected"] < returner.count  # were cut behind us


def test_too_big_is_answered(world):
    world.start6()
    world.all_to_one()
    packet = six.tcp6(CLIENT6, ORIGIN6, 4321, 80, b"x" * 1393)
    fits = six.tcp6(CLIENT6, ORIGIN6, 4322, 80, b"x" * 1392)
    with six.Tap6(world.client, "eth0") as tap, six.Tap6(world.cache, "eth0") as cache:
        world.inject6(packet)
        _, ip = tap.find(lambda ip: ip.protocol == 58 and ip.payload[0] == 2)
        world.inject6(fits)
        assert expect_gre6(cache, fits)[0].len == 1500
    assert ip.src == "2001:db8:1::1" and ip.len == 1280
    pseudo = six.address(ip.src) + six.address(ip.dst) + struct.pack(
        "!II", len(ip.payload), 58)
    assert w.checksum(pseudo + ip.payload) == 0
    assert struct.unpack("!I", ip.payload[4:8])[0] == 1500 - OVERHEAD
    assert ip.payload[8:] == packet[:1232]
    assert world.show()["packets"]["too_big"] == 1


# ---- closed, and who is gone ----

def test_closed(world):
    """Nobody has the buckets; then the last web-cache has left."""
    world.start6("closed = true")
    cache = world.member6()
    for gone in (False, True):
        with six.Tap6(world.origin, "eth0") as tap, w.Tap(world.origin, "eth0") as tap4:
            for dport in (80, 81):
                world.inject6(six.tcp6(CLIENT6, ORIGIN6, 1000 + dport, dport))
            _, ip = tap.find(lambda ip: ip.sport in (1080, 1081))
            assert ip.dport == 81
            # IPv4 is not its business, then neither.
            world.inject(w.tcp(CLIENT, ORIGIN, 7, 80))
            tap4.find(lambda ip: ip.sport == 7)
        assert world.show()["packets"]["dropped"] == 1 + gone
        if not gone:
            cache.shutdown()
    assert world.show()["family"] == "-"


def test_open_ends_with_the_webcache(world):
    world.start6()
    cache = world.all_to_one()
    cache.hello()
    cache.assign([CACHE6], [0xff] * 256)
    wait_until(lambda: world.show()["unassigned_buckets"] == 256, 3, world.text)
    goes_straight(world, six.tcp6(CLIENT6, ORIGIN6, 1, 80))
    assert world.show()["packets"]["unassigned"] == 1
    cache.hello()
    cache.assign([CACHE6], ALL_TO_FIRST)
    wait_until(lambda: world.show()["unassigned_buckets"] == 0, 3, world.text)
    cache.shutdown()
    goes_straight(world, six.tcp6(CLIENT6, ORIGIN6, 2, 80))
    assert world.show()["packets"]["redirected"] == 0
