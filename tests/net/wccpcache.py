# SPDX-License-Identifier: GPL-2.0-or-later
"""A web-cache in plain Python, for tests of the router.

It knows nothing of our C code: messages are put together and taken apart by
struct, after draft-wilson-wrec-wccp-v2-03 section 5 and, for what is new in 2.01
(versions, IPv6), draft-mclaggan-wccp-v2rev1-00 sections 4 to 6.  Packets are
looked at on an AF_PACKET socket.
"""

import contextlib
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
    kinds = {b"\x08\0": Ip}

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
            if sender[2] != PACKET_OUTGOING and frame[12:14] in self.kinds:
                yield frame[:14], self.kinds[frame[12:14]](frame[14:])

    def find(self, wanted, timeout=3):
        """The first one for which wanted(ip) is true, as (Ethernet header, Ip)."""
        for ethernet, ip in self.packets(timeout):
            if wanted(ip):
                return ethernet, ip
        raise AssertionError("no such packet arrived")


class AddressTable:
    """Component 17: addresses as numbers, counted from 1 (2.01 section 4.7.2)."""

    def __init__(self, body=struct.pack("!HHI", 2, 16, 0)):
        family, size, count = struct.unpack("!HHI", body[:8])
        assert (family, size) == (2, 16) and len(body) == 8 + 16 * count
        self.entries = [socket.inet_ntop(socket.AF_INET6, body[i:i + 16])
                        for i in range(8, len(body), 16)]

    def put(self, text):
        if text not in self.entries:
            self.entries.append(text)
        return struct.pack("!I", self.entries.index(text) + 1)

    def get(self, octets):
        index, = struct.unpack("!I", octets)
        assert index <= len(self.entries)
        return self.entries[index - 1] if index else None

    def component(self):
        return component(17, struct.pack("!HHI", 2, 16, len(self.entries)) + b"".join(
            socket.inet_pton(socket.AF_INET6, e) for e in self.entries))


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
        self.minor = self.version & 0xff
        table = self.components.get(17)
        get = AddressTable(table).get if table else socket.inet_ntoa
        identity = self.components.get(2)
        if identity:
            self.router_id = get(identity[:4])
            self.receive_id, = struct.unpack("!I", identity[4:8])
            self.sent_to = get(identity[8:12])
            reader = wccpmask.Reader(identity[12:], get)
            self.received_from = reader.many(reader.address)
            assert reader.at == len(identity) - 12
        view = self.components.get(4)
        if view:
            self.change_number, = struct.unpack("!I", view[:4])
            self.key = (get(view[4:8]), struct.unpack("!I", view[8:12])[0])
            routers, = struct.unpack("!I", view[12:16])
            at = 16 + 4 * routers
            reader = wccpmask.Reader(view[at:], get)
            self.identities = {i.address: i for i in reader.many(reader.identity)}
            assert reader.at == len(view) - at
            self.caches = list(self.identities)
        self.capabilities = {}
        caps = self.components.get(8, b"")
        while caps:
            kind, n = struct.unpack("!HH", caps[:4])
            self.capabilities[kind] = caps[4:4 + n]
            caps = caps[4 + n:]
        commands = self.components.get(15, b"")
        self.dismissed = [get(commands[i + 4:i + 8]) for i in range(0, len(commands), 8)
                          if commands[i:i + 4] == b"\0\2\0\4"]

    def check(self, password):
        at = self.octets.index(self.components[0], 8)
        digest = self.octets[at + 4:at + 20]
        zeroed = self.octets[:at + 4] + bytes(16) + self.octets[at + 20:]
        return hashlib.md5(password.ljust(8, b"\0") + zeroed).digest() == digest


class Cache:
    """One web-cache in one service group at one router.

    With an address of IPv6 it speaks with an address table.  `group` is a
    multicast address on the interface `dev`: messages go there and are received
    there, too; `router` is then where the router's come from.
    """

    def __init__(self, ns, own, router, service=WEB_CACHE, forward=GRE, ret=GRE,
                 password=None, socket_of=None, transmit_t=None, method=HASH,
                 minor=None, min_version=False, group=None, dev="eth0",
                 weight=1):
        self.v6 = ":" in own
        self.own, self.router, self.service = own, router, service
        self.forward, self.ret, self.password = forward, ret, password
        self.transmit_t = transmit_t  # in ms, as capability 4 of 2.01
        self.method = method
        self.minor = int(self.v6) if minor is None else minor
        self.min_version = min_version  # V: `minor` is the least we speak
        self.table = AddressTable()
        self.to, self.group_socket = group or router, None
        self.weight = weight
        self.seen = None  # the last I_SEE_YOU
        self.change = self.key_change = 0
        if socket_of:
            self.socket = socket_of.socket
            return
        self.family = socket.AF_INET6 if self.v6 else socket.AF_INET
        self.socket = ns.socket(self.family, socket.SOCK_DGRAM)
        self.socket.bind((own, 2048))
        if group:
            self.join_group(ns, group, dev)

    def join_group(self, ns, group, dev):
        with ns.entered():
            index = socket.if_nametoindex(dev)
        self.group_socket = ns.socket(self.family, socket.SOCK_DGRAM)
        # Several web-caches of one namespace may listen to a group.
        self.group_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.group_socket.bind((group, 2048, 0, index) if self.v6 else (group, 2048))
        if self.v6:
            request = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index)
            self.group_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                         request)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            return
        request = address(group) + address(self.own) + struct.pack("@i", index)
        self.group_socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                     request)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)

    def close(self):
        self.socket.close()
        if self.group_socket:
            self.group_socket.close()

    def address(self, text):
        """An address element of the message that is being made."""
        return self.table.put(text) if self.v6 else address(text)

    def message(self, kind, *components):
        """A whole datagram, with its Security and Service components."""
        security = (component(0, struct.pack("!I", 1) + bytes(16)) if self.password
                    else component(0, struct.pack("!I", 0)))
        if self.v6:
            components += (self.table.component(),)
            self.table = AddressTable()
        body = security + component(1, self.service) + b"".join(components)
        octets = struct.pack("!IHH", kind, 0x0200 | self.minor, len(body)) + body
        if self.password:
            digest = hashlib.md5(self.password.ljust(8, b"\0") + octets).digest()
            octets = octets[:16] + digest + octets[32:]
        return octets

    def here_i_am(self, command=None):
        identity, v = self.address(self.own), 8 if self.min_version else 0
        if self.method == MASK:  # one set, nothing in it
            identity += struct.pack("!HH", 0, 3 | v) + wccpmask.pack_sets(
                [(wccpmask.Fields(), [])])
        else:
            identity += struct.pack("!HH", 0, v) + bytes(32)
        identity += struct.pack("!HH", self.weight, 0)
        view = struct.pack("!I", self.change)
        if self.seen:
            view += struct.pack("!I4sI", 1, self.address(self.seen.router_id),
                                self.seen.receive_id)
        else:
            view += struct.pack("!I", 0)
        view += struct.pack("!I4s", 1, self.address(self.own))
        caps = b"".join(component(kind, struct.pack("!I", value)) for kind, value in
                        ((1, self.forward), (2, self.method), (3, self.ret)))
        if self.transmit_t:
            caps += component(4, struct.pack("!I", self.transmit_t))
        parts = [component(3, identity), component(5, view), component(8, caps)]
        if command is not None:
            parts.append(component(15, component(command, self.address(self.own))))
        return self.message(HERE_I_AM, *parts)

    def send(self, octets):
        self.socket.sendto(octets, (self.to, 2048))

    def datagram(self, timeout):
        """(socket, octets, sender) of the next one that no web-cache has sent."""
        end = time.monotonic() + timeout
        sockets = [s for s in (self.socket, self.group_socket) if s]
        while True:
            ready, _, _ = select.select(sockets, [], [],
                                        max(0.01, end - time.monotonic()))
            if not ready:
                raise TimeoutError("timed out")
            octets, sender = ready[0].recvfrom(65535)
            if struct.unpack("!I", octets[:4])[0] in (I_SEE_YOU, REMOVAL_QUERY):
                return ready[0], octets, sender[:2]

    def receive(self, timeout=3, kind=I_SEE_YOU, wanted=lambda answer: True):
        """The next I_SEE_YOU (or other kind) of our service that is wanted."""
        end = time.monotonic() + timeout
        while True:
            where, octets, sender = self.datagram(end - time.monotonic())
            assert sender == (self.router, 2048), sender
            answer = ISeeYou(octets, self.password)
            answer.by_multicast = where is self.group_socket
            if answer.type == kind and answer.components[1][:2] == self.service[:2]:
                assert answer.authentic
                if wanted(answer):
                    return answer

    def catch_up(self):
        """By multicast the router speaks unasked: what is waiting comes first."""
        with contextlib.suppress(TimeoutError):
            while True:
                self.seen = self.receive(timeout=0,
                                         wanted=lambda a: self.own in a.received_from)

    def hello(self):
        """HERE_I_AM, and the next I_SEE_YOU that is for us."""
        if self.group_socket:
            self.catch_up()
        self.send(self.here_i_am())
        self.seen = self.receive(wanted=lambda a: self.own in a.received_from)
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
        body += struct.pack("!I", len(caches)) + b"".join(map(self.address, caches))
        self.send(self.message(REDIRECT_ASSIGN, component(6, body + bytes(buckets))))

    def assignment(self):
        """Key and routers, with which every assignment begins."""
        self.key_change += 1
        return struct.pack("!4sI", self.address(self.own), self.key_change) + struct.pack(
            "!I4sII", 1, self.address(self.seen.router_id), self.seen.receive_id,
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
