# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP sockets of a namespace by sock_diag(7): fast enough to look around a kill."""

import collections
import ipaddress
import os
import socket
import struct

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
ESTABLISHED, SYN_RECV, CLOSE_WAIT, LISTEN = 1, 3, 8, 10

# rqueue of a listener is its accept queue; inode 0: no process has it yet.
Socket = collections.namedtuple("Socket", "state local lport peer pport rqueue inode")


class Diag:
    """A netlink socket inside `ns`; dump() may be called often."""

    def __init__(self, ns):
        self.socket = ns.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def close(self):
        self.socket.close()

    def dump(self, *states):
        """Every TCP socket in one of the states, IPv4 first, then IPv6."""
        mask = sum(1 << s for s in states)
        return [s for family in (socket.AF_INET, socket.AF_INET6)
                for s in self._dump(family, mask)]

    def _dump(self, family, mask):
        body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, mask) + bytes(48)
        head = struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY,
                           NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
        self.socket.send(head + body)
        while True:
            data = self.socket.recv(1 << 18)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    errno = -struct.unpack_from("=i", data, 16)[0]
                    raise OSError(errno, os.strerror(errno))
                yield parse(data[16:size])
                data = data[(size + 3) & ~3:]


def parse(msg):
    """One struct inet_diag_msg."""
    family, state = msg[0], msg[1]
    lport, pport = struct.unpack_from("!HH", msg, 4)
    rqueue, _, _, inode = struct.unpack_from("=IIII", msg, 56)
    return Socket(state, address(family, msg[8:24]), lport,
                  address(family, msg[24:40]), pport, rqueue, inode)


def address(family, octets):
    """As text; an IPv4 address in an IPv6 socket as IPv4."""
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, octets[:4])
    v6 = ipaddress.IPv6Address(octets)
    return str(v6.ipv4_mapped or v6)


def inodes(pid):
    """Inodes of the sockets that process `pid` has open."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found
