# SPDX-License-Identifier: GPL-2.0-or-later
"""Who records what routers and web-caches say, and sends it again, changes nothing."""

import socket
import struct
import threading
import time

from netns import wait_until
from small import CLIENT, T, Small

ETH_P_ALL = 3
WCCP = 2048
I_SEE_YOU, HERE_I_AM, REDIRECT_ASSIGN = 11, 10, 12
RATE = 200  # datagrams a second
FOR = 4 * T  # a member is forgotten after 3 T


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(source, to, message):
    """The message as an IPv4 packet, from any address."""
    def header(check):
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(message), 1, 0, 64, 17, check,
                           socket.inet_aton(source), socket.inet_aton(to))
    return header(checksum(header(0))) + \
        struct.pack("!HHHH", WCCP, WCCP, 8 + len(message), 0) + message


class Tape:
    """All WCCP messages on the link of one box, from now on."""

    def __init__(self, lab, box):
        self.messages = []
        self.sock = lab.router.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                      socket.htons(ETH_P_ALL))
        self.sock.bind((box, 0))
        self.sock.settimeout(0.2)
        self.on = True
        self.thread = threading.Thread(target=self.record)
        self.thread.start()
        lab.net.finally_do(self.stop)

    def record(self):
        while self.on:
            try:
                frame = self.sock.recv(65536)
            except TimeoutError:
                continue
            ip = frame[14:]
            if frame[12:14] == b"\x08\x00" and ip[9] == 17 and \
                    ip[20:24] == struct.pack("!HH", WCCP, WCCP):
                self.messages.append(ip[28:])

    def stop(self):
        if self.on:
            self.on = False
            self.thread.join()
            self.sock.close()

    def of(self, *kinds):
        return [m for m in self.messages if struct.unpack("!I", m[:4])[0] in kinds]


def send(ns, packets, while_true):
    """Again and again, from this namespace; `while_true` is asked before each."""
    with ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        begin, n = time.monotonic(), 0
        while time.monotonic() < begin + FOR:
            packet = packets[n % len(packets)]
            sock.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
            n += 1
            assert while_true(), f"after {n} datagrams"
            time.sleep(max(0, begin + n / RATE - time.monotonic()))


class World:
    def __init__(self, net):
        self.lab = lab = Small(net)
        self.one, self.two = lab.boxes
        lab.start_router(("web-cache", 'password = "secret"'))
        self.tape = Tape(lab, "box1")
        for box in lab.boxes:
            box.configure(("web-cache", 'password = "secret"'))
            box.start()
        wait_until(self.is_shared, 15, self.one.log)
        before = len(self.tape.messages)
        wait_until(lambda: len(self.tape.messages) > before + 8, 10, "more is recorded")
        self.events = self.states()

    def is_shared(self):
        return [self.lab.share(b.name) for b in self.lab.boxes] == [128, 128] and \
            all(b.state() == "assigned" for b in self.lab.boxes)

    def states(self):
        """Every line of a state at the router that box1 has logged."""
        return [line for line in self.one.log().splitlines()
                if any(f"event={e} " in line for e in
                       ("negotiating", "joined", "assigned", "lost", "waiting", "mismatch"))]

    def is_as_before(self):
        return self.one.wccpd.poll() is None and self.states() == self.events

    def refused(self, event):
        return f"event={event} " in self.one.log()


def test_recorded_messages(net):
    """Old I_SEE_YOUs for box1, with the client's address, then with that of the router; old
    HERE_I_AMs and assignments for the router.  Then box1 is killed, and they do not keep it
    in the group."""
    world = World(net)
    answers = world.tape.of(I_SEE_YOU)
    send(world.lab.client, [datagram(CLIENT, world.one.address, m) for m in answers],
         world.is_as_before)
    assert world.refused("elsewhere"), world.one.log()
    send(world.lab.router, [datagram(world.one.router, world.one.address, m)
                            for m in answers], world.is_as_before)
    assert world.refused("stale"), world.one.log()
    hellos = [datagram(world.one.address, world.one.router, m)
              for m in world.tape.of(HERE_I_AM, REDIRECT_ASSIGN)]
    send(world.one.ns, hellos, world.is_as_before)
    assert world.is_shared()
    world.one.kill()
    gone = time.monotonic() + 3 * T + 1
    send(world.one.ns, hellos,
         lambda: time.monotonic() < gone or not world.lab.share("box1"))
    wait_until(lambda: world.lab.share("box2") == 256, 10, world.two.log)
