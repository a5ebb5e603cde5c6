# SPDX-License-Identifier: GPL-2.0-or-later
"""A SYN as octets, for raw sockets."""

import random
import socket
import struct


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(source, destination, port=None):
    """From a random port, unless it is given, to port 80."""
    source, destination = socket.inet_aton(source), socket.inet_aton(destination)
    tcp = struct.pack("!HHIIBBHHH", port or random.randrange(1024, 65536), 80,
                      random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = source + destination + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source,
                       destination) + tcp
