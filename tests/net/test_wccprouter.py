# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter against a web-cache that shares no code with it."""

import random
import socket
import struct
import threading

import pytest

import wccpcache as w
from netns import wait_until
from wccprouter_lab import (ALL_TO_FIRST, CACHE, CACHE2, CLIENT, CONF, ORIGIN, ROUTER,
                            ROUTER_ID, Returner, expect_gre, random_tuple)
from wccprouter_lab import world  # noqa: F401  pylint: disable=unused-import


# ---- the protocol, over the wire ----

def test_join_and_show(world):
    world.start()
    cache = w.Cache(world.cache, CACHE, ROUTER)
    world.caches.append(cache)
    first = cache.hello()
    assert first.router_id == ROUTER_ID and first.receive_id != 0
    assert first.sent_to == ROUTER
    assert struct.unpack("!I", first.capabilities[1])[0] == w.GRE | w.L2
    assert world.show()["clients"] == [] or \
        world.show()["clients"][0]["state"] == "NOT Usable"
    cache.change += 1
    assert CACHE in cache.hello().caches
    line = f"%WCCP-5-SERVICEFOUND: Service web-cache acquired on WCCP client {CACHE}"
    wait_until(lambda: f'msg="{line}"' in world.log(), 3, world.log)

    cache.assign([CACHE], [0] * 100 + [0xff] * 156)
    wait_until(lambda: world.show()["assigned"], 3, "assigned")
    shown = world.show()
    assert (shown["name"], shown["type"], shown["id"]) == ("web-cache", "standard", 0)
    assert shown["assigned_by"] == CACHE and shown["key_change"] == 1
    assert shown["unassigned_buckets"] == 156
    client, = shown["clients"]
    assert client["address"] == CACHE and client["state"] == "Usable"
    assert (client["forward"], client["return"], client["assign"]) == ("GRE", "GRE", "HASH")
    assert client["buckets"] == 100 and client["version"] == "2.0"
    assert cache.hello().key == (CACHE, 1)

    assert "Service Identifier: web-cache" in world.ask("show").stdout
    text = world.ask("show", "web-cache", "detail").stdout
    assert "100 of 256 (39.06%)" in text
    assert f"WCCP Client ID:          {CACHE}" in text


def test_password(world):
    world.start("service web-cache { password = \"secret12\" }")
    stranger = w.Cache(world.cache, CACHE2, ROUTER)
    world.caches.append(stranger)
    stranger.send(stranger.here_i_am())
    wait_until(lambda: world.show()["counters"]["refused"], 3, "refused")
    world.join(password=b"secret12")
    assert [c["address"] for c in world.show()["clients"]] == [CACHE]


def test_unknown_service_is_not_answered(world):
    world.start()
    other = w.Cache(world.cache, CACHE, ROUTER,
                    service=w.dynamic(70, 10, 6, 0x12, [443]))
    world.caches.append(other)
    other.send(other.here_i_am())
    wait_until(lambda: world.show(None)["unknown_service"] == 1, 3, "counted")
    assert "event=unknown-service" in world.log()
    with pytest.raises(TimeoutError):
        other.receive(timeout=0.3)


def test_group_list(world):
    world.start("service web-cache { group-list = { %s } }" % CACHE2)
    stranger = w.Cache(world.cache, CACHE, ROUTER)
    world.caches.append(stranger)
    stranger.send(stranger.here_i_am())
    wait_until(lambda: world.show()["counters"]["not_allowed"] == 1, 3, "counted")
    world.join(CACHE2)
    assert [c["address"] for c in world.show()["clients"]] == [CACHE2]


def test_silence(world):
    """Queried from the address that the web-cache uses, then lost; traffic direct."""
    world.start("service web-cache { transmit-t = { 300, 60000 } }")
    cache = w.Cache(world.cache, CACHE, ROUTER_ID, transmit_t=300)
    world.caches.append(cache)
    assert cache.hello().capabilities[4] == struct.pack("!HH", 60000, 300)
    assert CACHE in cache.hello().caches
    world.give_all(cache)
    query = cache.receive(kind=w.REMOVAL_QUERY)  # checks whom it comes from
    assert query.components[7] == w.address(ROUTER_ID) + struct.pack(
        "!I", cache.seen.receive_id) + w.address(ROUTER_ID) + w.address(CACHE)
    wait_until(lambda: "%WCCP-1-SERVICELOST" in world.log(), 3, world.log)
    with w.Tap(world.origin, "eth0") as tap:
        world.inject(w.tcp(CLIENT, ORIGIN, 1234, 80))
        tap.find(lambda ip: ip.sport == 1234)
    assert world.show()["counters"]["removed_by_timeout"] == 1


def test_l2_is_for_neighbours(world):
    """Neither offered to a web-cache behind a gateway nor accepted from it."""
    world.router.ip("route", "add", "10.5.0.2/32", "via", CACHE)
    world.cache.address("lo", "10.5.0.2/32")
    world.start()
    far = w.Cache(world.cache, "10.5.0.2", ROUTER, forward=w.L2)
    world.caches.append(far)
    assert far.hello().capabilities[1] == struct.pack("!I", w.GRE)
    assert far.hello().caches == []
    assert world.show()["counters"]["bad_capability"] == 1
    far.forward = w.GRE
    assert far.hello().caches == ["10.5.0.2"]
    near = w.Cache(world.cache, CACHE, ROUTER, forward=w.L2)
    world.caches.append(near)
    assert near.join().capabilities[1] == struct.pack("!I", w.GRE | w.L2)


# ---- forwarding ----

def test_gre_headers(world):
    world.start()
    world.give_all(world.join())
    packet = w.tcp(CLIENT, ORIGIN, 33333, 80, ttl=17)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(packet)
        outer, header, inner = expect_gre(tap, packet)
    assert (outer.src, outer.dst) == (ROUTER_ID, CACHE)
    assert outer.sound and outer.id != 0 and outer.frag == 0
    assert outer.len == len(packet) + 28
    assert header == bytes([0, 0, 0, w.fold(w.address(ORIGIN))])
    assert inner.sound and inner.ttl == 16
    assert inner.payload == packet[20:]
    wait_until(lambda: world.show()["packets"]["redirected"] == 1, 3, "counted")
    assert world.show()["clients"][0]["redirected"] == 1


def test_other_packets_pass(world):
    world.start()
    world.give_all(world.join())
    with w.Tap(world.origin, "eth0") as origin, w.Tap(world.cache, "eth0") as cache:
        for packet in (w.tcp(CLIENT, ORIGIN, 33333, 81), w.udp(CLIENT, ORIGIN, 1, 80),
                       # A later fragment shows no ports.
                       w.ipv4(CLIENT, ORIGIN, 6, b"x" * 40, flags=3, ident=77),
                       # What a member sends is never redirected.
                       w.tcp(CACHE, ORIGIN, 5, 80)):
            world.inject(packet)
            origin.find(lambda ip, sent=w.Ip(packet): ip.payload == sent.payload)
        # Options in front of TCP do not hide the ports.
        packet = w.ipv4(CLIENT, ORIGIN, 6, w.tcp(CLIENT, ORIGIN, 7, 80)[20:],
                        options=b"\x01\x01\x01\x00")
        world.inject(packet)
        assert expect_gre(cache, packet)[2].hlen == 24
    assert world.show()["packets"]["redirected"] == 1
    assert world.show()["packets"]["bypassed"] == 1


@pytest.mark.parametrize("flags,fields", [
    (0x0001, "s"), (0x0002, "d"), (0x0004, "p"), (0x0008, "q"), (0x000f, "sdpq"),
])
def test_hash(world, flags, fields):
    """300 random flows: bucket and web-cache are those of a plain reference."""
    rng = random.Random(flags)
    service = w.dynamic(70, 200, 6, flags | 0x10 | 0x0500, [80, 8080])
    world.start("service 70 { }")
    first = world.join(service=service)
    world.join(CACHE2, service=service)
    first.hello()
    # Owners at random, a tenth unassigned, a tenth by the alternate hash.
    buckets = [rng.choice([0, 1]) if rng.random() < .8 else
               rng.choice([0xff, 0x80, 0x81]) for _ in range(256)]
    first.assign([CACHE, CACHE2], buckets)
    wait_until(lambda: world.show()["assigned"], 3, "assigned")
    owners = [CACHE, CACHE2]
    direct = 0
    with w.Tap(world.cache, "eth0") as tap, w.Tap(world.origin, "eth0"):
        for _ in range(300):
            src, dst, sport = random_tuple(rng)
            dport = rng.choice([80, 8080])
            part = {"s": w.address(src), "d": w.address(dst),
                    "p": struct.pack("!H", sport), "q": struct.pack("!H", dport)}
            primary = w.fold(b"".join(part[f] for f in fields))
            owner, alternate, bits = buckets[primary], 0, 1
            if owner != 0xff and owner & 0x80:
                alternate = w.fold(part["s"] + part["p"])
                owner, bits = buckets[alternate], 3
            packet = w.tcp(src, dst, sport, dport)
            world.inject(packet)
            if owner == 0xff:
                direct += 1
                continue
            outer, header, _ = expect_gre(tap, packet)
            assert header == bytes([bits, 70, alternate, primary]), (src, dst, sport)
            assert outer.dst == owners[owner & 0x7f]
    wait_until(lambda: world.show()["packets"]["unassigned"] == direct, 3, "counted")
    assert world.show()["packets"]["redirected"] == 300 - direct
    assert sum(c["redirected"] for c in world.show()["clients"]) == 300 - direct
    assert direct > 0


def test_priorities(world):
    """The higher priority wins; a service without web-caches hides none."""
    world.start("service web-cache { } service 80 { } service 81 { }")
    high = w.dynamic(80, 250, 0, 0x0001)
    world.give_all(world.join(service=w.dynamic(81, 1, 6, 0x12, [80, 443])), 2)
    web = world.join(CACHE2)
    web.assign([CACHE2], ALL_TO_FIRST)
    wait_until(lambda: world.show(0)["assigned"], 3, "assigned")

    def service_of(packet):
        with w.Tap(world.cache, "eth0") as tap:
            world.inject(packet)
            return expect_gre(tap, packet)[1][:2]
    assert service_of(w.tcp(CLIENT, ORIGIN, 1, 443)) == bytes([1, 81])
    assert service_of(w.tcp(CLIENT, ORIGIN, 2, 80)) == bytes([0, 0])
    one = world.caches[0]
    top = w.Cache(world.cache, CACHE, ROUTER, service=high, socket_of=one)
    top.join()
    world.give_all(top, 1)
    assert service_of(w.tcp(CLIENT, ORIGIN, 3, 80)) == bytes([1, 80])
    assert service_of(w.udp(CLIENT, ORIGIN, 4, 53)) == bytes([1, 80])


def test_l2(world):
    world.start()
    world.give_all(world.join(forward=w.L2, ret=w.L2))
    packet = w.tcp(CLIENT, ORIGIN, 44444, 80)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(packet)
        ethernet, ip = tap.find(lambda ip: ip.sport == 44444)
    mac = bytes.fromhex(world.cache.mac("eth0").replace(":", ""))
    assert ethernet[:6] == mac
    assert ethernet[6:12] == bytes.fromhex(world.router.mac("bx1").replace(":", ""))
    assert (ip.src, ip.dst, ip.ttl, ip.sound) == (CLIENT, ORIGIN, 63, True)
    assert ip.payload == packet[20:]
    assert world.show()["clients"][0]["forward"] == "L2"


def test_source_ports(world):
    """A service of source ports (the way back) does not match destination ports."""
    world.start("service 90 { }")
    world.give_all(world.join(service=w.dynamic(90, 240, 6, 0x31, [80])))
    with w.Tap(world.cache, "eth0") as cache, w.Tap(world.origin, "eth0") as origin:
        world.inject(w.tcp(CLIENT, ORIGIN, 3000, 80))
        origin.find(lambda ip: ip.sport == 3000)
        packet = w.tcp(CLIENT, ORIGIN, 80, 3000)
        world.inject(packet)
        assert expect_gre(cache, packet)[1][3] == w.fold(w.address(CLIENT))


# ---- return ----

@pytest.mark.parametrize("to", [ROUTER_ID, ROUTER])
def test_gre_return(world, to):
    world.start()
    world.give_all(world.join())
    packet = w.tcp(CLIENT, ORIGIN, 55555, 80)
    with Returner(world, dst=to), w.Tap(world.origin, "eth0") as tap:
        world.inject(packet)
        _, ip = tap.find(lambda ip: ip.sport == 55555)
    assert (ip.src, ip.dst, ip.protocol, ip.sound) == (CLIENT, ORIGIN, 6, True)
    assert ip.payload == packet[20:]
    wait_until(lambda: world.show()["packets"]["returned"] == 1, 3, "counted")


def test_gre_return_of_what_came_by_l2(world):
    """There was no redirect header that could be given back: one with only U set."""
    world.start()
    world.give_all(world.join(forward=w.L2))
    packet = w.tcp(CLIENT, ORIGIN, 55557, 80)
    with Returner(world) as returner, w.Tap(world.origin, "eth0") as tap:
        returner.send(bytes([4, 0, 0, 0]), packet)
        _, ip = tap.find(lambda ip: ip.sport == 55557)
    assert (ip.src, ip.dst, ip.sound) == (CLIENT, ORIGIN, True)
    assert ip.payload == packet[20:]
    wait_until(lambda: world.show(None)["other_packets"]["returned"] == 1, 3, "counted")


def test_return_from_a_stranger_is_refused(world):
    world.start()
    world.give_all(world.join())
    inner = w.tcp(CLIENT, ORIGIN, 56789, 80)
    with Returner(world, src=CACHE2) as stranger, Returner(world) as member, \
            w.Tap(world.origin, "eth0") as tap:
        stranger.send(bytes(4), inner)
        member.send(bytes(4), w.tcp(CLIENT, ORIGIN, 56790, 80))
        _, ip = tap.find(lambda ip: ip.sport in (56789, 56790))
    assert ip.sport == 56790
    # Nonsense inside of a member's GRE is dropped.
    with Returner(world) as member:
        member.send(bytes(4), b"\x45\0\xff\xff" + inner[4:])
        member.send(bytes(4), b"\x65" + inner[1:])
    wait_until(lambda: world.show()["packets"]["dropped"] == 2, 3, "counted")


def serve(world, octets):
    """A server at the origin that takes `octets` of each connection, then says how
    many it got."""
    listener = world.origin.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((ORIGIN, 80))
    listener.listen()

    def loop():
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return
            with peer:
                peer.settimeout(20)
                got = 0
                while got < octets:
                    chunk = peer.recv(1 << 16)
                    if not chunk:
                        break
                    got += len(chunk)
                peer.sendall(b"%d" % got)
    threading.Thread(target=loop, daemon=True).start()
    return listener


def upload(world, octets):
    with world.client.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect((ORIGIN, 80))
        s.sendall(b"x" * octets)
        s.shutdown(socket.SHUT_WR)
        return int(s.recv(100))


@pytest.mark.parametrize("offload", ["on", "off"])
def test_upload_through_a_declining_cache(world, offload):
    """Real TCP with full segments: whole with segmentation offload at the client's
    end (packets that are cut behind us) as well as without (path MTU)."""
    size = 2_000_000
    world.start()
    world.give_all(world.join())
    # Towards the web-cache everything is cut and summed as on a real cable.
    world.router.run("ethtool", "-K", "bx1", "tx", "off", "tso", "off", "gso", "off")
    world.client.run("ethtool", "-K", "eth0", "tso", offload, "gso", offload)
    listener = serve(world, size)
    try:
        with Returner(world) as returner:
            assert upload(world, size) == size
    finally:
        listener.close()
    assert returner.count > size / 1500
    assert returner.longest <= 1500
    assert world.show()["packets"]["returned"] == returner.count
    packets = world.show()["packets"]
    if offload == "off":
        assert packets["too_big"] > 0
    else:
        assert packets["redirected"] < returner.count  # were cut behind us


def test_too_big_is_answered(world):
    world.start()
    world.give_all(world.join())
    packet = w.tcp(CLIENT, ORIGIN, 4321, 80, payload=b"x" * 1440)
    fits = w.tcp(CLIENT, ORIGIN, 4322, 80, payload=b"x" * 1432)
    with w.Tap(world.client, "eth0") as tap, w.Tap(world.cache, "eth0") as cache:
        world.inject(packet)
        _, ip = tap.find(lambda ip: ip.protocol == 1)
        world.inject(fits)
        assert expect_gre(cache, fits)[0].len == 1500
    assert ip.payload[:2] == b"\3\4" and w.checksum(ip.payload) == 0
    assert struct.unpack("!H", ip.payload[6:8])[0] == 1472
    assert ip.payload[8:28][12:20] == w.address(CLIENT) + w.address(ORIGIN)
    assert ip.payload[28:32] == packet[20:24]
    assert world.show()["packets"]["too_big"] == 1


def test_one_arm(world):
    """Clients and web-caches behind one interface: what comes from a member's
    link-layer address goes its way."""
    with open(world.conf, "w") as f:
        f.write(CONF.format(id=ROUTER_ID, control=world.control,
                            more="service web-cache { }").replace("cl0", "bx1"))
    world.launch()
    # A client in the web-cache's network, with a link-layer address of its own.
    world.cache.ip("link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode",
                   "private")
    world.cache.ip("link", "set", "mv0", "up")
    world.give_all(world.join(forward=w.L2, ret=w.L2))
    router_mac = bytes.fromhex(world.router.mac("bx1").replace(":", ""))
    packet = w.tcp("10.2.0.77", ORIGIN, 1111, 80)
    with w.Tap(world.cache, "eth0") as cache, w.Tap(world.origin, "eth0") as origin:
        def send(dev):
            own = bytes.fromhex(world.cache.mac(dev).replace(":", ""))
            with world.cache.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
                s.bind((dev, 0))
                s.send(router_mac + own + b"\x08\0" + packet)
        send("mv0")
        cache.find(lambda ip: ip.sport == 1111)  # redirected
        send("eth0")
        origin.find(lambda ip: ip.sport == 1111)  # returned by L2
    assert world.show(None)["other_packets"]["bypassed"] >= 1


# ---- changes ----

def test_shutdown_ends_redirection(world):
    world.start()
    cache = world.join()
    world.give_all(cache)
    assert 15 in cache.shutdown().components
    line = f"%WCCP-1-SERVICELOST: Service web-cache lost on WCCP client {CACHE}"
    assert f'msg="{line}"' in world.log()
    with w.Tap(world.origin, "eth0") as tap:
        world.inject(w.tcp(CLIENT, ORIGIN, 1234, 80))
        tap.find(lambda ip: ip.sport == 1234)


@pytest.mark.parametrize("closed", [False, True])
def test_closed(world, closed):
    world.start("service web-cache { closed = %s }" % str(closed).lower())
    cache = world.join()
    with w.Tap(world.origin, "eth0") as tap:
        world.inject(w.tcp(CLIENT, ORIGIN, 1001, 80))
        world.inject(w.tcp(CLIENT, ORIGIN, 1002, 81))
        _, ip = tap.find(lambda ip: ip.sport in (1001, 1002))
        assert ip.sport == (1002 if closed else 1001)
        assert world.show()["packets"]["dropped"] == closed
        cache.assign([CACHE], [0xff] * 256)
        wait_until(lambda: world.show()["assigned"], 3, "assigned")
        world.inject(w.tcp(CLIENT, ORIGIN, 1005, 80))
        world.inject(w.tcp(CLIENT, ORIGIN, 1006, 81))
        _, ip = tap.find(lambda ip: ip.sport in (1005, 1006))
        assert ip.sport == (1006 if closed else 1005)
        assert world.show()["packets"]["unassigned"] > 0
        cache.hello()
        world.give_all(cache)
        cache.shutdown()
        world.inject(w.tcp(CLIENT, ORIGIN, 1003, 80))
        world.inject(w.tcp(CLIENT, ORIGIN, 1004, 81))
        _, ip = tap.find(lambda ip: ip.sport in (1003, 1004))
        assert ip.sport == (1004 if closed else 1003)


def test_route_change_is_followed(world):
    """A web-cache behind a gateway; the gateway changes."""
    world.router.ip("route", "add", "10.5.0.2/32", "via", CACHE)
    world.cache.address("lo", "10.5.0.2/32")
    world.start()
    world.give_all(world.join("10.5.0.2"))

    def target(sport):
        packet = w.tcp(CLIENT, ORIGIN, sport, 80)
        world.inject(packet)
        return packet
    with w.Tap(world.cache, "eth0") as tap:
        outer, _, _ = expect_gre(tap, target(1))
        assert outer.dst == "10.5.0.2"
    world.router.ip("route", "del", "10.5.0.2/32")
    world.router.ip("route", "add", "blackhole", "10.5.0.2/32")

    def goes_direct():
        with w.Tap(world.origin, "eth0") as tap:
            target(2)
            return [ip for _, ip in tap.packets(0.2) if ip.sport == 2]
    wait_until(goes_direct, 5, "unreachable web-cache is passed over")
    world.router.ip("route", "del", "10.5.0.2/32")
    world.router.ip("route", "add", "10.5.0.2/32", "via", CACHE2)

    def redirected():
        with w.Tap(world.cache, "eth0") as tap:
            packet = target(3)
            try:
                return expect_gre(tap, packet, 0.2)
            except AssertionError:
                return None
    wait_until(redirected, 5, "redirected again")
