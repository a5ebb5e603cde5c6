# SPDX-License-Identifier: GPL-2.0-or-later
"""Mask assignment in plain Python, for tests of the router.

Sets are lists of (mask, [(value, web-cache), ...]), or of (mask, [(web-cache,
[number, ...]), ...]) as alternate sets; masks and values are Fields.
"""

import collections
import socket
import struct

Fields = collections.namedtuple("Fields", "src dst sport dport", defaults=(0,) * 4)
HASH, MASK, ALTERNATE = 0, 1, 2  # assignment types


def both(a, b):
    """The bits that are set in both."""
    return Fields(*(x & y for x, y in zip(a, b)))


def fields_of(src, dst, sport=0, dport=0):
    """Those of a packet."""
    def number(text):
        return struct.unpack("!I", socket.inet_aton(text))[0]
    return Fields(number(src), number(dst), sport, dport)


def bits(mask):
    """Each bit of a mask as Fields, the one of the lowest number first (2.01
    section 7): destination port, source port, destination, source."""
    found = []
    for name, width in (("dport", 16), ("sport", 16), ("dst", 32), ("src", 32)):
        found += [Fields(**{name: 1 << i}) for i in range(width)
                  if getattr(mask, name) >> i & 1]
    return found


def value(mask, number):
    """The value of this number."""
    total = Fields()
    for i, bit in enumerate(bits(mask)):
        if number >> i & 1:
            total = Fields(*(x | y for x, y in zip(total, bit)))
    return total


def plain(sets):
    """Alternate sets as the sets they mean."""
    return [(mask, [(value(mask, n), cache) for cache, numbers in of for n in numbers])
            for mask, of in sets]


def decide(sets, packet):
    """The web-cache a packet goes to: 2.0 section 4.11.2 word by word."""
    for mask, values in sets:
        for wanted, cache in values:
            if both(mask, packet) == wanted:
                return cache
    return None


def pack(fields):
    return struct.pack("!IIHH", *fields)


def unpack(octets):
    return Fields(*struct.unpack("!IIHH", octets))


def pack_list(parts):
    return struct.pack("!I", len(parts)) + b"".join(parts)


def pack_sets(sets):
    return pack_list([pack(mask) + pack_list([pack(v) + socket.inet_aton(cache)
                                              for v, cache in values])
                      for mask, values in sets])


def pack_alternate(sets):
    return pack_list([pack(mask) + pack_list(
        [socket.inet_aton(cache) + pack_list([struct.pack("!I", n) for n in numbers])
         for cache, numbers in of]) for mask, of in sets])


class Reader:
    """Octets from front to back."""

    def __init__(self, octets, text=socket.inet_ntoa):
        self.octets, self.at, self.text = octets, 0, text

    def take(self, n):
        assert self.at + n <= len(self.octets)
        self.at += n
        return self.octets[self.at - n:self.at]

    def number(self, fmt="!I"):
        return struct.unpack(fmt, self.take(struct.calcsize(fmt)))[0]

    def address(self):
        return self.text(self.take(4))

    def many(self, item):
        return [item() for _ in range(self.number())]

    def value(self):
        return unpack(self.take(12)), self.address()

    def numbers(self):
        return self.address(), self.many(self.number)

    def sets(self):
        return self.many(lambda: (unpack(self.take(12)), self.many(self.value)))

    def alternate(self):
        return self.many(lambda: (unpack(self.take(12)), self.many(self.numbers)))

    def identity(self):
        """A web-cache identity element, its end found by the counts in it."""
        got = Identity(self.address(), self.number("!xxH"))
        kind = got.flags & 6
        if kind == 6:
            got.kind, length = self.number("!H"), self.number("!H")
            inner = Reader(self.take(length), self.text)
            got.sets = inner.alternate() if got.kind == ALTERNATE else inner.sets()
            got.weight = inner.number("!H")
        elif kind == 2:
            got.kind, got.sets = MASK, self.sets()
            got.weight = self.number("!H")
            self.take(2)
        else:
            got.kind, got.buckets = HASH, self.take(32)
            got.weight = self.number("!H")
            self.take(2)
        return got


class Identity:
    def __init__(self, address, flags):
        self.address, self.flags = address, flags
        self.sets = []

    @property
    def unassigned(self):
        return bool(self.flags & 1)
