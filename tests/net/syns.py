# SPDX-License-Identifier: GPL-2.0-or-later
"""Run in a client's namespace: syns.py COUNT SECONDS.  Sends that many SYNs, spread over that
time, from addresses of its network where nobody is, to 10.9.0.0/16, port 80."""

import random
import socket
import struct
import sys
import time


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(source, destination):
    source, destination = socket.inet_aton(source), socket.inet_aton(destination)
    tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), 80,
                      random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = source + destination + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source,
                       destination) + tcp


def main(count, seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    begun = time.monotonic()
    for i in range(count):
        to = f"10.9.{random.randrange(256)}.{random.randrange(1, 255)}"
        s.sendto(syn(f"10.3.0.{random.randrange(10, 250)}", to), (to, 0))
        ahead = i / count * seconds - (time.monotonic() - begun)
        if ahead > 0:
            time.sleep(ahead)


main(int(sys.argv[1]), float(sys.argv[2]))
