# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter under mask assignment, against a web-cache that shares no code with
it.  The network is that of test_wccprouter."""

import random
import struct

import pytest

import wccpcache as w
import wccpmask as m
from netns import program, run, wait_until
from wccprouter_lab import (CACHE, CACHE2, CLIENT, ORIGIN, ROUTER, World, expect_gre,
                             random_tuple)

MASK_SERVICE = "service web-cache { assign = { mask } }"
CACHES = (CACHE, CACHE2)
SQUID = m.Fields(dst=0x1741)


@pytest.fixture
def world(net):
    made = World(net)
    made.router.ip("route", "add", "93.0.0.0/8", "via", ORIGIN)
    yield made
    made.close()


def join_both(world, **kw):
    """Two members; the first one knows the newest numbers."""
    first = world.join(method=w.MASK, **kw)
    world.join(CACHE2, method=w.MASK, **kw)
    first.hello()
    return first


def assign(world, cache, sets, kind=m.MASK):
    """Send it, and wait until it is in force."""
    cache.assign_sets(sets, kind)
    wait_until(lambda: world.show()["key_change"] == cache.key_change, 3,
               lambda: str(world.show()))


def in_turns(mask):
    """All values of a mask, in turns to the two."""
    return [(mask, [(m.value(mask, n), CACHES[n % 2])
                    for n in range(2 ** len(m.bits(mask)))])]


def random_mask(rng, most):
    """One to `most` bits anywhere, but where packets of the test differ."""
    mask = m.Fields()
    for _ in range(rng.randint(1, most)):
        name, width = rng.choice([("src", 24), ("dst", 24), ("sport", 16), ("dport", 16)])
        mask = mask._replace(**{name: getattr(mask, name) | 1 << rng.randrange(width)})
    return mask


class Judge:
    """Where each packet really goes, compared with the reference."""

    def __init__(self, world, sets, bits=0, number=0):
        self.world, self.sets = world, sets
        self.header = bytes([bits, number, 0, 0])
        self.taps = w.Tap(world.cache, "eth0"), w.Tap(world.origin, "eth0")
        self.counts = {None: 0, CACHE: 0, CACHE2: 0}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for tap in self.taps:
            tap.close()

    def look(self, src, dst, sport, dport=80):
        """One packet: to the web-cache of the reference with this redirect header,
        or straight to the origin."""
        to = m.decide(self.sets, m.fields_of(src, dst, sport, dport))
        packet = w.tcp(src, dst, sport, dport)
        self.counts[to] += 1
        self.world.inject(packet)
        if to:
            outer, header, _ = expect_gre(self.taps[0], packet)
            assert outer.dst == to, (src, dst, sport, dport)
            assert header == self.header
        else:
            self.taps[1].find(lambda ip: (ip.src, ip.dst, ip.sport, ip.dport) ==
                              (src, dst, sport, dport))


def test_join_and_show(world):
    world.start("service web-cache { assign = { mask } mask-identity = full }")
    cache = w.Cache(world.cache, CACHE, ROUTER, method=w.MASK)
    world.caches.append(cache)
    assert cache.hello().capabilities[2] == struct.pack("!I", w.MASK)
    identity = cache.hello().identities[CACHE]
    # Without values: one mask without any, for who reads 32 octets whatever is said.
    assert (identity.kind, identity.flags) == (m.MASK, 3)
    assert [(any(mask), values) for mask, values in identity.sets] == [(False, [])]
    world.join(CACHE2, method=w.MASK)
    cache.hello()
    assign(world, cache, in_turns(SQUID))
    seen = cache.hello()
    assert seen.key == (CACHE, 1)
    assert [len(seen.identities[c].sets[0][1]) for c in CACHES] == [32, 32]
    # The Assignment Map has it all, as it was sent.
    assert m.Reader(seen.components[14]).sets() == in_turns(SQUID)
    shown = world.show()
    assert shown["by_mask"] and shown["unassigned_values"] == 0
    assert shown["masks"] == [{"src": "0x00000000", "dst": "0x00001741",
                               "sport": "0x0000", "dport": "0x0000", "values": 64}]
    assert [c["values"] for c in shown["clients"]] == [32, 32]
    text = world.ask("show", "web-cache", "detail").stdout
    assert "Mask Allotment:          32 of 64 (50.00%)" in text
    assert "0000: 0x00000000 0x00001741 0x0000  0x0000" in text
    assert "Hash Allotment" not in text


def test_the_first_one_chooses(world):
    """A web-cache of the other method stays outside, until the group is empty."""
    world.start("service web-cache { assign = { hash, mask } }")
    first = world.join(method=w.MASK)
    other = w.Cache(world.cache, CACHE2, ROUTER)
    world.caches.append(other)
    assert other.hello().capabilities[2] == struct.pack("!I", w.MASK)
    assert other.hello().caches == [CACHE]
    assert world.show()["counters"]["bad_capability"] == 1
    first.shutdown()
    assert other.hello().caches == [CACHE2]
    assert other.seen.capabilities[2] == struct.pack("!I", w.HASH)
    assert world.show()["clients"][0]["assign"] == "HASH"


@pytest.mark.parametrize("identity,size,flags", [("", 32, 3),
                                                 ("mask-identity = empty-set", 32, 3),
                                                 ("mask-identity = no-sets", 16, 2)])
def test_identity(world, identity, size, flags):
    """What real routers write instead of a member's values."""
    world.start("service web-cache { assign = { mask } echo-assignment = false "
                "%s }" % identity)
    first = join_both(world)
    assign(world, first, in_turns(SQUID))
    seen = first.hello()
    view = seen.components[4]
    assert len(view) == 16 + 4 + 4 + 2 * size
    assert [seen.identities[c].flags for c in CACHES] == [flags] * 2
    assert m.Reader(seen.components[14]).sets() == in_turns(SQUID)


def test_random_masks(world):
    """2,000 packets under 20 random assignments, some of them of several masks that
    overlap, some with values of nobody, some as alternate sets."""
    rng = random.Random(2001)
    service = w.dynamic(70, 200, 6, 0x10, [80, 8080])
    world.start("service 70 { assign = { mask, hash } }")
    first = join_both(world, service=service)
    total = {None: 0, CACHE: 0, CACHE2: 0}
    for turn in range(20):
        sets = []
        for _ in range(rng.choice([1, 1, 2, 3, 16])):
            mask = random_mask(rng, 6)
            numbers = list(range(2 ** len(m.bits(mask))))
            rng.shuffle(numbers)
            numbers = numbers[:rng.randint(1, len(numbers))]
            cut = rng.randint(0, len(numbers))
            sets.append((mask, [(CACHE, numbers[:cut]), (CACHE2, numbers[cut:])]))
        plain = m.plain(sets)
        first.hello()
        if turn % 2:
            first.minor = 1
            assign(world, first, sets, m.ALTERNATE)
            first.minor = 0
        else:
            for _, values in plain:
                rng.shuffle(values)
            assign(world, first, plain)
        with Judge(world, plain, bits=1, number=70) as judge:
            for _ in range(100):
                src, dst, sport = random_tuple(rng)
                judge.look(src, dst, sport, rng.choice([80, 8080]))
        for to, n in judge.counts.items():
            total[to] += n
    assert min(total.values()) > 100, total
    shown = world.show()
    assert [c["redirected"] for c in shown["clients"]] == [total[c] for c in CACHES]
    assert shown["packets"]["unassigned"] == total[None]


def test_order(world):
    """The first match decides, among sets and among equal values of one."""
    world.start(MASK_SERVICE)
    first = join_both(world)
    low, high = m.Fields(dst=1), m.Fields(dst=2)
    sets = [(low, [(low, CACHE), (low, CACHE2)]),
            (high, [(high, CACHE2), (m.Fields(), CACHE)])]
    assign(world, first, sets)
    with Judge(world, sets) as judge:
        for n in range(16):
            judge.look(CLIENT, f"93.1.1.{n}", 2000 + n)
        assert judge.counts == {None: 0, CACHE: 12, CACHE2: 4}
    # Other values under the same masks, in the other order.
    first.hello()
    sets = [sets[1], (low, [(low, CACHE2)])]
    assign(world, first, sets)
    with Judge(world, sets) as judge:
        for n in range(16):
            judge.look(CLIENT, f"93.1.1.{n}", 3000 + n)


def test_values_of_the_gone_fall_through(world):
    """Its packets go their way at once, the other one's stay where they were; a
    second set that has them takes over."""
    world.start(MASK_SERVICE)
    first = join_both(world)
    rest = (m.Fields(src=0), [])
    sets = in_turns(m.Fields(dst=3)) + [(m.Fields(sport=1), [(m.Fields(), CACHE)])]
    assign(world, first, sets + [rest])
    world.caches[1].shutdown()
    left = [(mask, [(v, c) for v, c in values if c != CACHE2]) for mask, values in sets]
    assert world.show()["clients"][0]["values"] == 3
    with Judge(world, left) as judge:
        for n in range(32):
            judge.look(CLIENT, f"93.1.1.{n}", 2000 + n // 4)
        assert judge.counts[None] == 8 and judge.counts[CACHE2] == 0
    # Nobody left: the masks are gone, and another method may be agreed upon.
    world.caches[0].hello()
    world.caches[0].shutdown()
    assert not world.show()["by_mask"]
    with Judge(world, []) as judge:
        judge.look(CLIENT, ORIGIN, 4000)


@pytest.mark.parametrize("what,counter", [
    ([(SQUID, [(m.Fields(dst=2), CACHE)])], "bad_mask"),
    ([(SQUID, [(m.Fields(), "10.2.0.77")])], "not_member"),
    ([(SQUID, [])] * 17, "too_large"),
    ([(m.Fields(dst=0x7ff), [(m.Fields(dst=n), CACHE) for n in range(1025)])],
     "too_large"),
])
def test_refused(world, what, counter):
    """Counted, not echoed, and what was in force stays."""
    world.start(MASK_SERVICE)
    first = join_both(world)
    good = in_turns(m.Fields(dst=1))
    assign(world, first, good)
    first.hello()
    first.assign_sets(what)
    wait_until(lambda: world.show()["counters"][counter] == 1, 3, "counted")
    assert first.hello().key == (CACHE, 1)
    first.assign([CACHE], [0] * 256)
    wait_until(lambda: world.show()["counters"]["bad_method"] == 1, 3, "counted")
    with Judge(world, good) as judge:
        judge.look(CLIENT, ORIGIN, 1111)


@pytest.mark.parametrize("numbers,reason", [([0, 1, 1], "twice"), ([2], "beyond")])
def test_bad_numbers(world, numbers, reason):
    world.start(MASK_SERVICE)
    first = join_both(world, minor=1)
    first.assign_sets([(m.Fields(dst=1), [(CACHE, numbers)])], m.ALTERNATE)
    wait_until(lambda: world.show()["counters"]["bad_mask"] == 1, 3, reason)
    first.assign_sets([(m.Fields(dst=1), [(CACHE, [0]), (CACHE2, [1])])], m.ALTERNATE)
    wait_until(lambda: world.show()["assigned"], 3, "assigned")


def test_largest(world):
    """1024 values, in both directions, are more than one frame."""
    world.start(MASK_SERVICE)
    first = join_both(world)
    mask = m.Fields(dst=0x3ff)
    assign(world, first, in_turns(mask))
    seen = first.hello()
    assert m.Reader(seen.components[14]).sets() == in_turns(mask)
    assert world.show()["clients"][1]["values"] == 512
    rng = random.Random(4)
    with Judge(world, in_turns(mask)) as judge:
        for n in range(200):
            src, dst, sport = random_tuple(rng)
            judge.look(src, dst, sport)


def test_packets_without_ports(world):
    """A later fragment, and ICMP: their ports count as 0."""
    world.start("service 71 { assign = { mask } }")
    first = join_both(world, service=w.dynamic(71, 100, 0, 0))
    mask = m.Fields(dport=1)
    assign(world, first, in_turns(mask))
    for packet in (w.ipv4(CLIENT, ORIGIN, 6, b"\xff" * 40, flags=3, ident=77),
                   w.ipv4(CLIENT, ORIGIN, 1, b"\x08\0\xf7\xff" + b"\xff" * 4)):
        with w.Tap(world.cache, "eth0") as tap:
            world.inject(packet)
            _, outer = tap.find(lambda ip: ip.redirected())
        header, inner = outer.redirected()
        assert inner.payload == packet[20:]
        assert (outer.dst, header) == (CACHE, bytes([1, 71, 0, 0]))


def test_replaced_under_load(world):
    """Assignments come and go while packets pass: every value belongs to somebody in
    each of them, so that no packet may find nobody."""
    world.start(MASK_SERVICE)
    first = join_both(world)
    masks = [m.Fields(dst=0x1741), m.Fields(src=0x3f), m.Fields(sport=0x3f)]
    assign(world, first, in_turns(masks[0]))
    before = world.show()["packets"]
    sent = 0
    for turn in range(1, 151):
        first.hello()
        first.assign_sets(in_turns(masks[turn % 3]))
        for n in range(40):
            world.inject(w.tcp(CLIENT, f"93.1.{turn}.{n}", 2000 + n, 80))
            sent += 1
    wait_until(lambda: world.show()["key_change"] == first.key_change, 3, "the last one")

    def counted():
        packets = world.show()["packets"]
        return packets["redirected"] - before["redirected"] == sent
    wait_until(counted, 5, lambda: str(world.show()["packets"]))
    assert world.show()["packets"]["unassigned"] == before["unassigned"]


@pytest.mark.parametrize("text,word", [("assign = { hash, sieve }", "sieve"),
                                       ("mask-identity = some", "some")])
def test_bad_configuration(tmp_path, text, word):
    path = tmp_path / "bad.conf"
    path.write_text("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n"
                    "service 7 {\n%s\n}\n" % text)
    done = run(program("wccprouter"), "-n", "-f", path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}:5: ") and word in done.stderr
