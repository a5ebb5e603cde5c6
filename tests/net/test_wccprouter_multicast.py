# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter's multicast groups, IPv6 web-caches and versions, against web-caches
that share no code with it.  The network is that of test_wccprouter, with IPv6."""

import json
import os
import struct

import pytest

import wccpcache as w
from netns import program, wait_until
from small import stand_in
from wccprouter_lab import (ALL_TO_FIRST, CACHE, CACHE2, CLIENT, ORIGIN, ROUTER,
                             ROUTER_ID, World, expect_gre)

GROUP, GROUP6 = "224.0.1.5", "ff05::114"
CLIENT6, ORIGIN6 = "2001:db8:1::2", "2001:db8:3::2"
CACHE6, CACHE6_2, ROUTER6 = "2001:db8:2::2", "2001:db8:2::3", "2001:db8:2::1"
ROUTER_ID6 = "2001:db8:9::1"
T = 1000  # ms; the router speaks every 0.81 to 0.99 s then

SERVICE = "transmit-t = { 500, 60000 }"


class Both(World):
    """The network with both families."""

    def __init__(self, net):
        super().__init__(net)
        for ns, dev, own, dev_r, gateway in (
                (self.client, "eth0", CLIENT6, "cl0", "2001:db8:1::1"),
                (self.cache, "eth0", CACHE6, "bx1", ROUTER6),
                (self.origin, "eth0", ORIGIN6, "or0", "2001:db8:3::1")):
            ns.address(dev, f"{own}/64")
            self.router.address(dev_r, f"{gateway}/64")
            ns.ip("-6", "route", "add", "default", "via", gateway)
        self.cache.address("eth0", f"{CACHE6_2}/64")
        self.router.address("lo", f"{ROUTER_ID6}/128")
        self.router.sysctl("net.ipv6.conf.all.forwarding", 1)

    def start_group(self, group=GROUP, more=""):
        self.start(f"service web-cache {{ {SERVICE}\ngroup-address = \"{group}\"\n"
                   f"{more} }}", more=f"router-id6 = \"{ROUTER_ID6}\"")

    def start6(self, more=""):
        self.start(f"service web-cache {{ {SERVICE}\n{more} }}",
                   more=f"router-id6 = \"{ROUTER_ID6}\"")

    def make(self, own=CACHE, router=ROUTER, **kw):
        cache = w.Cache(self.cache, own, router, **kw)
        self.caches.append(cache)
        return cache

    def member(self, own=CACHE, router=ROUTER, group=GROUP, **kw):
        cache = self.make(own, router, group=group, transmit_t=T, **kw)
        cache.join()
        return cache

    def text(self):
        return json.dumps(self.show(), indent=1)

    def assign_all(self, cache):
        """All buckets to it.  By multicast receive ids change while one looks."""
        def assigned():
            cache.hello()
            if self.show()["unassigned_buckets"] == 0:
                return True
            cache.assign([cache.own], ALL_TO_FIRST)
            return False
        wait_until(assigned, 10, self.text)

    def client_of(self, own):
        found = [c for c in self.show()["clients"] if c["address"] == own]
        return found[0] if found else None


@pytest.fixture
def world(net):
    made = Both(net)
    yield made
    made.close()


def groups_of(ns, dev):
    return [m["address"] for link in json.loads(ns.ip("-j", "maddr", "show", "dev",
                                                      dev).stdout)
            for m in link["maddr"] if "address" in m]


# ---- multicast ----

def test_join_assign_leave(world):
    world.start_group(more="group-ttl = 4")
    cache = world.make(group=GROUP, transmit_t=T)
    with w.Tap(world.cache, "eth0") as tap:
        first = cache.hello()
        _, ip = tap.find(lambda ip: ip.dst == GROUP)
    assert (ip.src, ip.ttl) == (ROUTER, 4) and ip.id != 0
    assert first.by_multicast and first.sent_to == GROUP
    assert first.router_id == ROUTER_ID and first.received_from == [CACHE]
    cache.change += 1
    assert CACHE in cache.hello().caches
    world.assign_all(cache)
    assert world.client_of(CACHE)["multicast"]
    assert world.show()["group_address"] == GROUP
    packet = w.tcp(CLIENT, ORIGIN, 33333, 80)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(packet)
        outer, _, _ = expect_gre(tap, packet)
    assert (outer.src, outer.dst) == (ROUTER_ID, CACHE)

    cache.hello()
    cache.send(cache.here_i_am(command=1))
    wait_until(lambda: world.show()["clients"] == [], 3, world.text)
    answer = cache.receive(wanted=lambda a: a.dismissed)
    assert answer.by_multicast and answer.dismissed == [CACHE]
    assert answer.received_from == [CACHE] and answer.caches == []


def test_one_answer_for_all(world):
    """Two members are answered by one message; a unicast one is by itself."""
    world.start_group()
    one = world.member()
    two = world.member(CACHE2)
    one.hello()
    world.cache.address("eth0", "10.2.0.4/24")
    three = world.make("10.2.0.4", transmit_t=T)
    assert not three.join().by_multicast
    for cache in one, two:
        cache.send(cache.here_i_am())

    seen = one.receive(wanted=lambda a: "10.2.0.4" in a.caches)
    assert seen.by_multicast
    assert set(seen.received_from) == {CACHE, CACHE2}
    assert set(seen.caches) == {CACHE, CACHE2, "10.2.0.4"}
    two.receive(wanted=lambda a: a.octets == seen.octets)
    answer = three.hello()
    assert answer.received_from == ["10.2.0.4"] and answer.sent_to == ROUTER
    assert not world.client_of("10.2.0.4")["multicast"]


def test_query_is_unicast(world):
    world.start_group()
    cache = world.member()
    query = cache.receive(timeout=5, kind=w.REMOVAL_QUERY)
    assert not query.by_multicast
    body = query.components[7]
    assert body[:4] == w.address(ROUTER_ID) and body[8:12] == w.address(GROUP)
    assert body[12:16] == w.address(CACHE)
    # Its answer is unicast as well, and keeps it in the group.
    cache.seen.receive_id, = struct.unpack("!I", body[4:8])
    cache.to = ROUTER
    assert not cache.hello().by_multicast
    assert CACHE in cache.seen.caches
    assert world.show()["counters"]["removed_by_timeout"] == 0


def test_other_groups_are_not_taken(world):
    """One socket has joined the groups of both services; each takes its own."""
    world.start(f"service web-cache {{ group-address = {GROUP} }}\n"
                "service 70 { group-address = 224.0.1.6 }")
    stray = world.make(group="224.0.1.6")
    stray.send(stray.here_i_am())
    wait_until(lambda: world.show()["counters"]["wrong_group"] == 1, 3, world.text)
    assert world.show()["clients"] == []
    foreign = world.make(CACHE2, group="224.0.1.7")  # joined by nobody
    foreign.send(foreign.here_i_am())
    right = world.make("10.2.0.3", socket_of=foreign)
    right.to, right.group_socket = GROUP, None
    right.send(right.here_i_am())
    wait_until(lambda: world.client_of(CACHE2), 3, world.text)
    assert world.show()["counters"]["wrong_group"] == 1


def test_interface_made_anew(world):
    """A membership follows the interface's name; the end gives it back."""
    world.start_group()
    assert GROUP in groups_of(world.router, "bx1")
    assert GROUP not in groups_of(world.router, "cl0")
    world.router.ip("link", "del", "bx1")
    world.net.veth(world.cache, "eth0", f"{CACHE}/24", world.router, "bx1",
                   "10.2.0.1/24")
    wait_until(lambda: GROUP in groups_of(world.router, "bx1"), 10, world.log)
    world.cache.route("default", "via", ROUTER)
    world.member()
    world.stop()
    assert GROUP not in groups_of(world.router, "bx1")


# ---- IPv6 ----

def test_ipv6_member(world):
    world.start6()
    cache = world.make(CACHE6, ROUTER6, transmit_t=T)
    first = cache.hello()
    assert first.minor == 1 and 17 in first.components
    assert (first.router_id, first.sent_to) == (ROUTER_ID6, ROUTER6)
    assert first.capabilities[1] == struct.pack("!I", w.GRE | w.L2)  # on-link
    cache.change += 1
    assert cache.hello().caches == [CACHE6]
    world.assign_all(cache)
    shown = world.show()
    assert shown["family"] == "IPv6" and shown["assigned_by"] == CACHE6
    assert world.client_of(CACHE6)["version"] == "2.01"
    assert world.client_of(CACHE6)["buckets"] == 256
    text = world.ask("show").stdout + world.ask("show", shown["name"], "clients").stdout
    assert f"WCCP Client ID:          {CACHE6}" in text
    assert f"{ROUTER_ID6}\n" in text
    answer = cache.shutdown()
    assert answer.dismissed == [CACHE6]
    assert world.show()["clients"] == []


def test_ipv6_is_answered_from_where_it_was_sent_to(world):
    world.start6()
    cache = world.make(CACHE6, ROUTER_ID6, transmit_t=500)
    assert cache.join().sent_to == ROUTER_ID6  # and receive() checks the source
    query = cache.receive(kind=w.REMOVAL_QUERY)
    assert w.AddressTable(query.components[17]).get(
        query.components[7][8:12]) == ROUTER_ID6
    wait_until(lambda: world.show()["counters"]["removed_by_timeout"] == 1, 3,
               world.text)


def test_one_family_for_a_group(world):
    world.start6()
    four = world.make(transmit_t=60000)
    four.join()
    six = world.make(CACHE6, ROUTER6)
    six.send(six.here_i_am())
    wait_until(lambda: world.show()["counters"]["bad_family"] == 1, 3, world.text)
    assert "event=bad-family" in world.log()
    with pytest.raises(TimeoutError):
        six.receive(timeout=0.3)
    four.shutdown()
    assert six.join().caches == [CACHE6]


def test_without_a_router_id_of_ipv6_there_is_no_socket(world):
    world.start()
    assert not world.router.run("ss", "-6Hlnu", "sport = :2048").stdout.strip()
    world.join()


@pytest.mark.parametrize("group", [GROUP6, "ff02::114"])
def test_ipv6_multicast(world, group):
    """Also in a link-local group: from a global address, which can be answered."""
    world.start_group(group)
    one = world.member(CACHE6, ROUTER6, group)
    one.hello()
    two = world.member(CACHE6_2, ROUTER6, group)
    seen = one.hello()
    assert seen.by_multicast and seen.sent_to == group
    assert set(seen.caches) == {CACHE6, CACHE6_2} and seen.router_id == ROUTER_ID6
    world.assign_all(one)
    two.hello()
    two.send(two.here_i_am(command=1))
    assert two.receive(wanted=lambda a: a.dismissed).dismissed == [CACHE6_2]


# ---- versions ----

@pytest.mark.parametrize("version, expected", [("2.01", [0, 1, 1]), ("2.0", [0, 0, 0])])
def test_version_of_the_answer(world, version, expected):
    """2.0; at most 2.01; 2.0 or more.  Each has its own, in one group."""
    world.start(f"service web-cache {{ version = {version} }}")
    cache = world.make()
    cases = ((0, False), (1, False), (0, True))
    for (cache.minor, cache.min_version), minor in zip(cases, expected):
        assert cache.hello().minor == minor
    cache.minor, cache.min_version = expected[1], False
    cache.join()
    world.join(CACHE2, minor=0)
    world.assign_all(cache)
    # The echo is Assignment Info in 2.0, an Alternate Assignment Map in 2.01.
    assert (16 in cache.hello().components) == (expected[1] == 1)
    assert (6 in cache.seen.components) == (expected[1] == 0)
    other = next(c for c in world.caches if c.own == CACHE2)
    assert 6 in other.hello().components and other.seen.minor == 0
    assert world.client_of(CACHE)["version"] == ("2.01" if expected[1] else "2.0")
    assert world.client_of(CACHE2)["version"] == "2.0"


# ---- with the real other side ----

WCCPD = """
address = {own}
interface = eth0
control = "{dir}/wccpd.sock"
pool web {{
    interval = 200
    timeout = 1000
    rise = 1
    instance s1 {{ port = 3129  check = "127.0.0.1:4201" }}
}}
service web-cache {{
    pool = web
    multicast = "{group}"
    version = {version}
    transmit-t = 500
}}
"""


@pytest.mark.parametrize("version, spoken", [("2.0", "2.0"), ("negotiate", "2.01")])
def test_wccpd(world, version, spoken):
    """wccpd joins by multicast, gets its buckets, and leaves with a word."""
    world.start_group()
    stand_in(world.net, world.cache)
    conf = os.path.join(world.net.tmpdir, "wccpd.conf")
    with open(conf, "w") as f:
        f.write(WCCPD.format(own=CACHE, dir=world.net.tmpdir, group=GROUP,
                             version=version))
    wccpd = world.cache.popen([program("wccpd"), "-f", conf, "-d"], log="wccpd")
    wait_until(lambda: (world.client_of(CACHE) or {}).get("buckets") == 256, 30,
               lambda: wccpd.output() + world.text())
    assert world.client_of(CACHE)["multicast"]
    assert world.client_of(CACHE)["version"] == spoken
    assert wccpd.stop() == 0
    assert "SHUTDOWN acknowledged" in wccpd.output()
    assert world.show()["counters"]["removed_by_shutdown"] == 1
