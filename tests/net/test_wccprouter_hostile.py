# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter and web-caches that abuse it: as members, and with forged sources."""

import contextlib
import socket
import time

import pytest

import wccpcache as w
from netns import wait_until
from wccprouter_lab import CACHE, CACHE2, CLIENT, ORIGIN, ROUTER, ROUTER_ID
from wccprouter_lab import world  # noqa: F401  pylint: disable=unused-import

HEADERS = 14 + 20 + 8  # of a frame with a datagram


def give_back(world, *packets):
    """As a web-cache that declines what it was given."""
    with world.cache.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for packet in packets:
            raw.sendto(w.ipv4(CACHE, ROUTER_ID, 47, b"\0\0\x88\x3e" + bytes(4) + packet,
                              flags=0), (ROUTER_ID, 0))


def test_a_member_gets_nowhere_by_returning(world):
    """What it wraps is forwarded if it can have been redirected to it.  Nothing else is:
    it would come past the packet filter of the router, to its own ports or by its
    routes."""
    world.start()
    world.give_all(world.join())
    listener = world.router.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("0.0.0.0", 80))
    listener.listen(8)
    abuse = [w.tcp(CLIENT, to, 4000, 80) for to in
             (ROUTER, ROUTER_ID, "10.1.0.1", "10.3.0.1", "127.0.0.1", "0.0.0.0",
              "169.254.169.254", "224.0.0.1", "255.255.255.255")]
    abuse += [w.tcp(CLIENT, ORIGIN, 4000, 22), w.udp(CLIENT, ORIGIN, 4000, 80),
              w.ipv4(CLIENT, ORIGIN, 1, b"\x08\0" + bytes(6)),
              w.ipv4(CLIENT, ORIGIN, 47, b"\0\0\x88\x3e" + bytes(4) +
                     w.tcp(CLIENT, ORIGIN, 4000, 80))]
    with contextlib.closing(listener), w.Tap(world.origin, "eth0") as origin, \
            w.Tap(world.client, "eth0") as client:
        give_back(world, *abuse, w.tcp(CLIENT, ORIGIN, 5555, 80, ttl=9))
        seen = []
        origin.find(lambda ip: seen.append(ip) or ip.sport == 5555)
        assert [(ip.sport, ip.dport, ip.ttl) for ip in seen] == [(5555, 80, 8)]
        assert not [ip for _, ip in client.packets(0) if ip.sport == 80 and ip.dport == 4000
                    and ip.src != ORIGIN]
    packets = world.show()["packets"]
    assert (packets["unreturnable"], packets["returned"]) == (len(abuse), 1)


def sizes(world, cache, octets, n=1):
    """Octets of the frames of `n` equal HERE_I_AMs, and of what comes back for them."""
    for _ in range(n):
        cache.send(octets)
    back, end = 0, time.monotonic() + 3
    while time.monotonic() < end:
        try:
            _, answer, _ = cache.datagram(0.2)
        except TimeoutError:
            break
        back += HEADERS + len(answer)
    return n * (HEADERS + len(octets)), back


@pytest.mark.parametrize("members", [0, 12])
def test_strangers_are_no_lever(world, members):
    """The answer to a HERE_I_AM whose source may be forged is no longer than a fifth more,
    whatever there is to say, and not every one of many has an answer."""
    world.start()
    for i in range(members):
        world.cache.address("eth0", f"10.2.0.{30 + i}/24")
        world.join(own=f"10.2.0.{30 + i}")
    if members:
        world.caches[0].hello()
        world.caches[0].assign([c.own for c in world.caches],
                               [i % members for i in range(256)])
        wait_until(lambda: world.show()["unassigned_buckets"] == 0, 3, world.log)
    stranger = w.Cache(world.cache, CACHE2, ROUTER)
    with contextlib.closing(stranger):
        asked, back = sizes(world, stranger, stranger.here_i_am())
        assert 0 < back <= 1.2 * asked
        asked, back = sizes(world, stranger, stranger.here_i_am(), 100)
        assert back <= 0.2 * asked
        assert world.show()["counters"]["unanswered"] >= 80
        # Who shows that it has the answer is told all, at any time.
        wait_until(lambda: joins(stranger), 5, world.log)
    assert "event=unanswered" in world.log()


def joins(cache):
    cache.send(cache.here_i_am())
    try:
        cache.seen = cache.receive(timeout=0.3)
    except TimeoutError:
        return False
    cache.change += 1
    return cache.own in cache.hello().caches
