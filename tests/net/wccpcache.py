# SPDX-License-Identifier: GPL-2.0-or-later
"""A web-cache in plain Python, for tests of the router.

It knows nothing of our C code: messages are put together and taken apart by
struct, after draft-wilson-wrec-wccp-v2-03 section 5.  Packets are looked at on
an AF_PACKET socket.
"""

import functools
import hashlib
import operator
import select
import socket
import struct
import time

import wccpmask

HERE_I_AM, I_SEE_YOU, REDIRECT_ASSIGN, REMOVAL_QUERY = 10, 11, 12, 13
GRE, L2 = 1, 2
HASH, MASK = 1, 2
ETH_P_ALL = 3
PACKET_OUTGOING = 4
WEB_CACHE = struct.pack("!BBBBI8H", 0, 0, 0, 0, 0, *[0] * 8)


def dynamic(number, priority, protocol, flags, ports=()):
    """A Service Info body."""
    ports = list(ports) + [0] * (8 - len(ports))
    return struct.pack("!BBBBI8H", 1, number, priority, protocol, flags, *ports)


def component(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def address(text):
    return socket.inet_aton(text)


def fold(octets):
    """The bucket hash: XOR of all octets."""
    return functools.reduce(operator.xor, octets, 0)


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(src, dst, protocol, payload, ttl=64, flags=0x4000, ident=1, options=b""):
    """An IPv4 packet with a right checksum."""
    ihl = 5 + len(options) // 4
    def header(check):
        return struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, 0, ihl * 4 + len(payload),
                           ident, flags, ttl, protocol, check,
                           address(src), address(dst)) + options
    return header(checksum(header(0))) + payload


def tcp(src, dst, sport, dport, flags=2, payload=b"", ttl=64, **kw):
    """A TCP segment in IPv4, with right checksums.  flags 2 is SYN."""
    def header(check):
        return struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 0x50, flags, 65535,
                           check, 0)
    pseudo = address(src) + address(dst) + struct.pack("!BBH", 0, 6,
                                                       20 + len(payload))
    check = checksum(pseudo + header(0) + payload)
    return ipv4(src, dst, 6, header(check) + payload, ttl, **kw)


def udp(src, dst, sport, dport, payload=b"", **kw):
    return ipv4(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
                + payload, **kw)


class Ip:
    """A received IPv4 packet."""

    def __init__(self, octets):
        (vhl, self.tos, self.len, self.id, self.frag, self.ttl, self.protocol, _,
         src, dst) = struct.unpack("!BBHHHBBH4s4s", octets[:20])
        self.version, self.hlen = vhl >> 4, (vhl & 15) * 4
        self.src, self.dst = socket.inet_ntoa(src), socket.inet_ntoa(dst)
        self.octets = octets[:self.len]
        self.payload = octets[self.hlen:self.len]
        self.sound = checksum(octets[:self.hlen]) == 0
        self.sport = self.dport = None
        if self.protocol in (6, 17) and not self.frag & 0x1fff:
            self.sport, self.dport = struct.unpack("!HH", self.payload[:4])

    def redirected(self):
        """(redirect header, inner packet) of WCCP's GRE, or None."""
        if self.protocol != 47 or self.payload[:4] != b"\0\0\x88\x3e":
            return None
        return self.payload[4:8], Ip(self.payload[8:])


class Tap:
    """Frames that arrive at an interface."""

    def __init__(self, ns, dev):
        self.socket = ns.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                socket.htons(ETH_P_ALL))
        self.socket.bind((dev, ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def packets(self, timeout):
        """Yield (Ethernet header, Ip) until `timeout` seconds are over."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return
            frame, sender = self.socket.recvfrom(1 << 17)
            if sender[2] != PACKET_OUTGOING and frame[12:14] == b"\x08\0":
                yield frame[:14], Ip(frame[14:])

    def find(self, wanted, timeout=3):
        """The first one for which wanted(ip) is true, as (Ethernet header, Ip)."""
        for ethernet, ip in self.packets(timeout):
            if wanted(ip):
                return ethernet, ip
        raise AssertionError("no such packet arrived")


class ISeeYou:
    """What a web-cache needs of an I_SEE_YOU."""

    def __init__(self, octets, password=None):
        self.type, self.version, length = struct.unpack("!IHH", octets[:8])
        self.octets = octets[:8 + length]
        self.components = {}
        at = 8
        while at < len(self.octets):
            kind, n = struct.unpack("!HH", self.octets[at:at + 4])
            body = self.octets[at + 4:at + 4 + n]
            assert len(body) == n and kind not in self.components
            self.components[kind] = body
            at += 4 + n
        self.authentic = password is None or self.check(password)
        identity = self.components.get(2)
        if identity:
            self.router_id = socket.inet_ntoa(identity[:4])
            self.receive_id, = struct.unpack("!I", identity[4:8])
            self.sent_to = socket.inet_ntoa(identity[8:12])
        view = self.components.get(4)
        if view:
            self.change_number, = struct.unpack("!I", view[:4])
            self.key = (socket.inet_ntoa(view[4:8]), struct.unpack("!I", view[8:12])[0])
            routers, = struct.unpack("!I", view[12:16])
            at = 16 + 4 * routers
            reader = wccpmask.Reader(view[at:])
            self.identities = {i.address: i for i in reader.many(reader.identity)}
            assert reader.at == len(view) - at
            self.caches = list(self.identities)
        self.capabilities = {}
        caps = self.components.get(8, b"")
        while caps:
            kind, n = struct.unpack("!HH", caps[:4])
            self.capabilities[kind] = caps[4:4 + n]
            caps = caps[4 + n:]

    def check(self, password):
        at = self.octets.index(self.components[0], 8)
        digest = self.octets[at + 4:at + 20]
        zeroed = self.octets[:at + 4] + bytes(16) + self.octets[at + 20:]
        return hashlib.md5(password.ljust(8, b"\0") + zeroed).digest() == digest


class Cache:
    """One web-cache in one service group at one router."""

    def __init__(self, ns, own, router, service=WEB_CACHE, forward=GRE, ret=GRE,
                 password=None, socket_of=None, transmit_t=None, method=HASH, minor=0):
        self.own, self.router, self.service = own, router, service
        self.forward, self.ret, self.password = forward, ret, password
        self.transmit_t = transmit_t  # in ms, as capability 4 of 2.01
        self.method, self.minor = method, minor
        self.seen = None  # the last I_SEE_YOU
        self.change = self.key_change = 0
        if socket_of:
            self.socket = socket_of.socket
            return
        self.socket = ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((own, 2048))

    def close(self):
        self.socket.close()

    def message(self, kind, *components):
        """A whole datagram, with its Security and Service components."""
        security = (component(0, struct.pack("!I", 1) + bytes(16)) if self.password
                    else component(0, struct.pack("!I", 0)))
        body = security + component(1, self.service) + b"".join(components)
        octets = struct.pack("!IHH", kind, 0x0200 | self.minor, len(body)) + body
        if self.password:
            digest = hashlib.md5(self.password.ljust(8, b"\0") + octets).digest()
            octets = octets[:16] + digest + octets[32:]
        return octets

    def here_i_am(self, command=None):
        identity = address(self.own)
        if self.method == MASK:  # one set, nothing in it
            identity += struct.pack("!HH", 0, 3) + wccpmask.pack_sets(
                [(wccpmask.Fields(), [])])
        else:
            identity += bytes(4) + bytes(32)
        identity += struct.pack("!HH", 1, 0)
        view = struct.pack("!I", self.change)
        if self.seen:
            view += struct.pack("!I4sI", 1, address(self.seen.router_id),
                                self.seen.receive_id)
        else:
            view += struct.pack("!I", 0)
        view += struct.pack("!I4s", 1, address(self.own))
        caps = b"".join(component(kind, struct.pack("!I", value)) for kind, value in
                        ((1, self.forward), (2, self.method), (3, self.ret)))
        if self.transmit_t:
            caps += component(4, struct.pack("!I", self.transmit_t))
        parts = [component(3, identity), component(5, view), component(8, caps)]
        if command is not None:
            parts.append(component(15, component(command, address(self.own))))
        return self.message(HERE_I_AM, *parts)

    def send(self, octets):
        self.socket.sendto(octets, (self.router, 2048))

    def receive(self, timeout=3, kind=I_SEE_YOU):
        """The next I_SEE_YOU (or other kind) of our service."""
        end = time.monotonic() + timeout
        while True:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            octets, sender = self.socket.recvfrom(65535)
            assert sender == (self.router, 2048), sender
            answer = ISeeYou(octets, self.password)
            if answer.type == kind and answer.components[1][:2] == self.service[:2]:
                assert answer.authentic
                return answer

    def hello(self):
        self.send(self.here_i_am())
        self.seen = self.receive()
        return self.seen

    def join(self):
        """Two hellos; usable then."""
        self.hello()
        self.change += 1
        answer = self.hello()
        assert self.own in answer.caches
        return answer

    def assign(self, caches, buckets):
        """Send an assignment as the designated web-cache."""
        assert len(buckets) == 256
        body = self.assignment()
        body += struct.pack("!I", len(caches)) + b"".join(map(address, caches))
        self.send(self.message(REDIRECT_ASSIGN, component(6, body + bytes(buckets))))

    def assignment(self):
        """Key and routers, with which every assignment begins."""
        self.key_change += 1
        return struct.pack("!4sI", address(self.own), self.key_change) + struct.pack(
            "!I4sII", 1, address(self.seen.router_id), self.seen.receive_id,
            self.seen.change_number)

    def assign_sets(self, sets, kind=wccpmask.MASK):
        """The same by masks: (alternate) sets as wccpmask has them."""
        body = self.assignment()
        body += (wccpmask.pack_alternate(sets) if kind == wccpmask.ALTERNATE
                 else wccpmask.pack_sets(sets))
        self.send(self.message(REDIRECT_ASSIGN, component(
            13, struct.pack("!HH", kind, len(body)) + body)))

    def shutdown(self):
        self.send(self.here_i_am(command=1))
        self.seen = None
        return self.receive()
