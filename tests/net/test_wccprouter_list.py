# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter's redirect lists: which packets of a service are redirected."""

import pytest

import wccpcache as w
import wccpip6 as six
from netns import wait_until
from wccprouter_lab import CACHE, CACHE2, CLIENT, ORIGIN, expect_gre
from test_wccprouter_ipv6 import CLIENT6, ORIGIN6, World6, expect_gre6

OTHER, OTHER6 = "10.1.0.77", "2001:db8:1::77"  # clients, too


@pytest.fixture
def world(net):
    made = World6(net)
    yield made
    made.close()


def listed(rules, more=""):
    quoted = ", ".join(f'"{r}"' for r in rules)
    return f"redirect-list = {{ {quoted} }} {more}"


def redirected(world, packet):
    """Is it redirected?  It must be that, or get to the origin."""
    six_ = packet[0] >> 4 == 6
    parse, tap = (six.Ip6, six.Tap6) if six_ else (w.Ip, w.Tap)
    sent = parse(packet)

    def same(ip):
        return (ip.src, ip.dst, ip.payload) == (sent.src, sent.dst, sent.payload)
    with tap(world.cache, "eth0") as cache, tap(world.origin, "eth0") as origin:
        (world.inject6 if six_ else world.inject)(packet)
        for _ in range(30):
            if any(ip.redirected() and same(ip.redirected()[1])
                   for _, ip in cache.packets(0.05)):
                return True
            if any(same(ip) for _, ip in origin.packets(0.05)):
                return False
    raise AssertionError("the packet went nowhere")


def test_first_match_decides(world):
    world.start("service web-cache { %s }" % listed([
        "deny 10.1.0.77",
        f"permit 10.1.0.0/16 port 1000-1999 {ORIGIN}",
        "deny any any port 80-81",
        "permit any"]))
    world.give_all(world.join())
    cases = [((OTHER, 1500), False), ((CLIENT, 999), False), ((CLIENT, 1000), True),
             ((CLIENT, 1999), True), ((CLIENT, 2000), False),
             (("10.2.0.9", 1500), False)]
    for (src, sport), wanted in cases:
        assert redirected(world, w.tcp(src, ORIGIN, sport, 80)) == wanted, (src, sport)
    packets = world.show()["packets"]
    assert (packets["redirected"], packets["denied"]) == (2, 4)


def test_without_a_match_it_is_denied(world):
    """Prefixes of every length, and the end of the list."""
    world.start("service web-cache { %s }" % listed(
        ["permit 10.1.0.64/26 10.3.0.0/31", "permit 10.1.0.2/31 10.3.0.2"]))
    world.give_all(world.join())
    assert redirected(world, w.tcp(CLIENT, ORIGIN, 1, 80))
    assert redirected(world, w.tcp("10.1.0.3", ORIGIN, 2, 80))
    assert not redirected(world, w.tcp("10.1.0.4", ORIGIN, 3, 80))
    assert not redirected(world, w.tcp(OTHER, ORIGIN, 4, 80))


def test_a_deny_ends_the_search(world):
    """Neither a service of lower priority nor a closed one has a say then."""
    world.start("service 80 { %s } service 81 { } service 82 { closed = true }"
                % listed([f"deny {OTHER}", "permit any"], "closed = true"))
    for number, (priority, own) in enumerate([(200, CACHE), (100, CACHE2)]):
        world.give_all(world.join(own, service=w.dynamic(80 + number, priority, 6, 2)),
                       number)
    packet = w.tcp(CLIENT, ORIGIN, 1, 80)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(packet)
        assert expect_gre(tap, packet)[0].dst == CACHE
    assert not redirected(world, w.tcp(OTHER, ORIGIN, 1, 80))
    wait_until(lambda: world.show()["packets"]["denied"] == 1, 3, "counted")
    assert world.show(1)["packets"]["redirected"] == 0


def test_packets_without_ports(world):
    world.start("service 80 { %s }" % listed(["deny any port 0-65535", "permit any"]))
    world.give_all(world.join(service=w.dynamic(80, 200, 0, 2)))
    assert not redirected(world, w.tcp(CLIENT, ORIGIN, 1, 80))
    assert redirected(world, w.ipv4(CLIENT, ORIGIN, 6, b"x" * 40, flags=3, ident=77))
    assert redirected(world, w.ipv4(CLIENT, ORIGIN, 1, b"\x08\0\xf7\xfe\0\0\0\1"))


def test_protocols(world):
    """A service of all protocols, of which the list leaves two."""
    world.start("service 80 { %s }" % listed(
        ["deny udp any any port 53", "permit udp any", "permit 1 any", "deny tcp any",
         "permit 47 10.9.0.0/16"]))
    world.give_all(world.join(service=w.dynamic(80, 200, 0, 2)))
    assert not redirected(world, w.udp(CLIENT, ORIGIN, 1111, 53, b"text"))
    assert redirected(world, w.udp(CLIENT, ORIGIN, 1111, 54, b"text"))
    assert redirected(world, w.ipv4(CLIENT, ORIGIN, 1, b"\x08\0\xf7\xfe\0\0\0\1"))
    assert not redirected(world, w.tcp(CLIENT, ORIGIN, 1, 80))
    assert not redirected(world, w.ipv4(CLIENT, ORIGIN, 47, b"\0\0\x08\0" + b"x" * 20))
    # A later fragment has a protocol, though it shows no port.
    assert redirected(world, w.ipv4(CLIENT, ORIGIN, 17, b"x" * 40, flags=3, ident=77))


def test_prefixes_say_who_may_join(world):
    world.start("service web-cache { group-list = { 10.9.0.0/16, 10.2.0.2/31 } }")
    assert world.show()["group_list"] == ["10.9.0.0/16", "10.2.0.2/31"]
    world.give_all(world.join(CACHE))
    world.join(CACHE2)
    world.ask("group-list", "web-cache", "10.2.0.2/32", "10.9.0.0/24")
    assert world.show()["group_list"] == ["10.2.0.2", "10.9.0.0/24"]
    assert world.ask("group-list", "web-cache", "10.2.0.2/24", check=False).returncode == 1
    world.caches[1].send(world.caches[1].here_i_am())
    wait_until(lambda: world.show()["counters"]["not_allowed"] == 1, 3, world.log)


@pytest.mark.parametrize("rules, client, other", [
    ([f"deny {OTHER6}", "permit any"], True, False),
    (["permit any 10.0.0.0/8", "deny 0.0.0.0/0"], False, False),
    (["permit 2001:db8:1::/124 2001:db8:3::/48 port 80"], True, False),
    (["permit 2001:db8::/32 any port 1-79"], False, False),
    (["deny 2001:db8:1::77/128", "deny ::ffff:10.1.0.2", "permit ::/0"], True, False),
])
def test_ipv6(world, rules, client, other):
    world.start6(listed(rules))
    world.all_to_one()
    for n, (src, wanted) in enumerate([(CLIENT6, client), (OTHER6, other)]):
        assert redirected(world, six.tcp6(src, ORIGIN6, 5000 + n, 80)) == wanted


def test_longest(world):
    """The last rule of the longest list is reached."""
    rules = [f"permit 10.9.0.{n} any port {n}" for n in range(63)]
    world.start6(listed(rules + [f"permit {CLIENT6} any"]))
    world.all_to_one()
    packet = six.tcp6(CLIENT6, ORIGIN6, 5000, 80)
    with six.Tap6(world.cache, "eth0") as tap:
        world.inject6(packet)
        expect_gre6(tap, packet)
    assert not redirected(world, six.tcp6(OTHER6, ORIGIN6, 5000, 80))
