# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets of IPv6 in plain Python, beside those of IPv4 in wccpcache."""

import socket
import struct

from wccpcache import Ip, Tap, checksum

HOP_BY_HOP, TCP, UDP, ROUTING, FRAGMENT, GRE, ICMP6, DESTINATION = (
    0, 6, 17, 43, 44, 47, 58, 60)


def address(text):
    return socket.inet_pton(socket.AF_INET6, text)


def ipv6(src, dst, protocol, payload, hops=64, traffic_class=0):
    return struct.pack("!IHBB", 6 << 28 | traffic_class << 20, len(payload), protocol,
                       hops) + address(src) + address(dst) + payload


def chain(headers, protocol, payload):
    """(first next header, octets): `headers` in front of a payload, each (kind,
    octets without their first one, the next header)."""
    for kind, rest in reversed(headers):
        payload, protocol = bytes([protocol]) + rest + payload, kind
    return protocol, payload


def options(kind, units=0):
    """An extension header full of padding: 8 * (units + 1) octets."""
    return kind, bytes([units, 1, 4 + 8 * units]) + bytes(4 + 8 * units)


def fragment(offset, more, ident=7):
    """A Fragment header; `offset` in octets."""
    return FRAGMENT, struct.pack("!BHI", 0, offset | more, ident)


def tcp6(src, dst, sport, dport, payload=b"", headers=(), flags=2, **kw):
    """A TCP segment with a right checksum, behind extension headers."""
    def header(check):
        return struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 0x50, flags, 65535,
                           check, 0)
    pseudo = address(src) + address(dst) + struct.pack("!II", 20 + len(payload), TCP)
    segment = header(checksum(pseudo + header(0) + payload)) + payload
    return ipv6(src, dst, *chain(headers, TCP, segment), **kw)


class Ip6:
    """A received IPv6 packet."""

    def __init__(self, octets):
        first, self.length, following, self.ttl = struct.unpack("!IHBB", octets[:8])
        assert first >> 28 == 6
        self.tos = first >> 20 & 0xff
        self.src, self.dst = (socket.inet_ntop(socket.AF_INET6, octets[i:i + 16])
                              for i in (8, 24))
        self.len = 40 + self.length
        self.octets = octets[:self.len]
        at = 40
        while following in (HOP_BY_HOP, ROUTING, DESTINATION, FRAGMENT):
            later = following == FRAGMENT and struct.unpack(
                "!H", octets[at + 2:at + 4])[0] & 0xfff8
            size = 8 if following == FRAGMENT else 8 * (octets[at + 1] + 1)
            following, at = octets[at], at + size
            if later:
                break
        self.protocol, self.payload = following, self.octets[at:]
        self.sport = self.dport = None
        if self.protocol in (TCP, UDP) and len(self.payload) >= 4:
            self.sport, self.dport = struct.unpack("!HH", self.payload[:4])

    def redirected(self):
        """(redirect header, inner packet) of WCCP's GRE, or None."""
        if self.protocol != GRE or self.payload[:4] != b"\0\0\x88\x3e":
            return None
        inner = self.payload[8:]
        return self.payload[4:8], (Ip6 if inner[0] >> 4 == 6 else Ip)(inner)


class Tap6(Tap):
    """Frames with IPv6 that arrive at an interface."""
    kinds = {b"\x86\xdd": Ip6}
