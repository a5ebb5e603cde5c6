# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets by hand for the tests of the data plane: made, and compared octet by octet."""

import socket
import threading

from scapy.all import GRE as GREH
from scapy.all import IP, Ether, Raw, raw
from scapy.all import TCP as TCPH

from dp_lab import BOX, CLIENT, ROUTER, SERVER

REDIRECT = bytes([0, 0, 0, 77])  # well-known service 0, bucket 77
UNAVAILABLE = bytes([4, 0, 0, 0])


def bucket(dst):
    """The well-known service's hash: XOR of the octets of the destination."""
    b = 0
    for octet in socket.inet_aton(dst):
        b ^= octet
    return b


def tcp(flags="A", src=CLIENT, dst=SERVER, sport=4000, dport=80, load=b"", **ip):
    return IP(src=src, dst=dst, ttl=57, id=4711, **ip) / TCPH(
        sport=sport, dport=dport, flags=flags, seq=1000, ack=2000) / Raw(load)


def tried(header, n=1, back=False):
    """The redirect header of a packet that goes to the n-th web-cache that may have the
    flow, or comes back from there."""
    return bytes([header[0] & 7 | n << 3 | back << 7]) + header[1:]


def outer(inner, src=ROUTER, dst=BOX, redirect_header=REDIRECT, ttl=255):
    return IP(src=src, dst=dst, ttl=ttl, id=99, tos=0x20) / GREH(
        proto=0x883E) / Raw(redirect_header + raw(inner))


def frame(lab, packet, src="router", dst="box"):
    return raw(Ether(src=lab.macs[src], dst=lab.macs[dst], type=0x0800) / packet)


def inner_of(octets):
    """What is behind Ethernet, outer IP, GRE and the redirect header."""
    return octets[14 + 28:]


def is_gre(octets, src=BOX):
    return (octets[12:14] == b"\x08\x00" and octets[23] == 47 and
            octets[26:30] == socket.inet_aton(src))


def aged(packet):
    """The packet as the box forwards it: one hop older."""
    older = IP(raw(packet))
    older.ttl -= 1
    del older.chksum
    return older


def check_gre(lab, octets, packet, redirect_header, dst=ROUTER, mac="router", bare=False,
              ttl=64):
    """A wrapped packet of the box, octet by octet, but for its age.  If it came bare, what
    wraps it is as old as it is; else it is one hop older than before, 64 at most."""
    inner = aged(packet)
    ttl = inner.ttl if bare else ttl
    assert octets[:14] == frame(lab, b"", "box", mac)[:14]
    ip = IP(octets[14:34])
    assert (ip.version, ip.ihl, ip.proto) == (4, 5, 47)
    assert (ip.src, ip.dst) == (BOX, dst)
    assert ip.ttl == ttl
    assert ip.flags == 0 and ip.frag == 0
    assert ip.len == 28 + len(inner)
    checksum = ip.chksum
    del ip.chksum
    assert IP(raw(ip)).chksum == checksum
    assert octets[34:38] == b"\x00\x00\x88\x3e"
    assert octets[38:42] == redirect_header
    assert octets[42:42 + len(inner)] == raw(inner)


def check_frame(lab, octets, packet, mac="router"):
    """A bare packet from the box, octet by octet but for its age."""
    assert octets[:14 + len(packet)] == frame(lab, aged(packet), "box", mac)


def answer_syn(lab, client, server):
    """Connect the socket `client` to a server that is played on the wire `server`."""
    thread = threading.Thread(target=client.connect, args=((SERVER, 80),))
    thread.start()
    syn = IP(server.heard(lambda o: o[23] == 6 and o[47] == 2)[14:])
    server.send(frame(lab, IP(src=SERVER, dst=CLIENT, ttl=60) / TCPH(
        sport=80, dport=syn.sport, flags="SA", seq=1, ack=syn.seq + 1, window=65535,
        options=[("MSS", 1460)]), "fellow", "router"))
    thread.join()
