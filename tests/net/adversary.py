# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker beside a running group: it has recorded all messages since the group was
formed, sends from any address to any of the daemons, and does not know the password.

    client 10.3.0.2 -- router --+-- box1, which the attacker shares a link with ...
                                +-- box2                  ... and which it does, too
"""

import contextlib
import re
import select
import socket
import struct
import threading
import time

import wccpcache as w
from netns import wait_until
from small import ADDRESSES, Small, T

BOXES = tuple(ADDRESSES.values())
GATEWAYS = {"10.3.1.2": "10.3.1.1", "10.3.2.2": "10.3.2.1"}
ROUTER_ID = "10.3.255.1"
NEWEST = 0xffffffff
STATES = re.compile(r"event=(waiting|negotiating|joined|lost|mismatch|draining|withdrawn) ")
MEMBERS = re.compile(r"event=(service-found|service-lost) ")
TABLES = re.compile(r"event=(assigned|assignment|assignment-flushed|flushed) ")


class Recorder(threading.Thread):
    """All WCCP datagrams on the links of the boxes: (source, destination, octets)."""

    def __init__(self, small):
        super().__init__(daemon=True)
        self.messages, self.stopping = [], False
        self.sockets = []
        for box in small.boxes:
            s = small.router.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                    socket.htons(w.ETH_P_ALL))
            s.bind((box.name, w.ETH_P_ALL))  # what goes out is seen only so
            self.sockets.append(s)
        self.start()

    def run(self):
        while not self.stopping:
            for s in select.select(self.sockets, [], [], 0.1)[0]:
                packet, link = s.recvfrom(65536)
                if link[1] != 0x0800:
                    continue
                ip = w.Ip(packet)
                if ip.protocol == 17 and ip.dport == 2048:
                    self.messages.append((ip.src, ip.dst, ip.payload[8:]))

    def close(self):
        self.stopping = True
        self.join()
        for s in self.sockets:
            s.close()


class Clients(threading.Thread):
    """One request after the other; how many were not answered by a box."""

    def __init__(self, small):
        super().__init__(daemon=True)
        self.small, self.stopping = small, False
        self.asked = self.failed = 0
        self.start()

    def run(self):
        while not self.stopping:
            self.asked += 1
            address = f"10.9.{self.asked % 256}.{self.asked * 7 % 256}"
            self.failed += self.small.try_connect(address, 2) is None
            time.sleep(0.02)

    def close(self):
        self.stopping = True
        self.join()


class Group:
    """The router and two boxes that share the slots, and all that was said until then."""

    def __init__(self, net, password=None, lists=False):
        self.small = small = Small(net)
        self.password = password
        secret = f'password = "{password}"' if password else ""
        small.start_router(("web-cache", "assign = { hash }\n    " + secret + (
            f"\n    group-list = {{ {', '.join(BOXES)} }}" if lists else "")))
        self.recorder = Recorder(small)
        net.finally_do(self.recorder.close)
        for box in small.boxes:
            box.configure(("web-cache", secret + (
                f"\n    caches = {{ {', '.join(BOXES)} }}" if lists else "")))
            box.start()
        small.wait_shares(128, 128)
        small.boxes[1].wccpd.stop()  # farewells are recorded, too
        small.wait_shares(256, 0)
        small.boxes[1].start()
        small.wait_shares(128, 128)
        small.wait_served(["box1", "box2"])
        # It sends from the other end of the link.
        self.raw = {box.router: box.ns for box in small.boxes}
        self.raw = {dst: ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
                    for dst, ns in [*self.raw.items(), ("boxes", small.router)]}
        for s in self.raw.values():
            net.finally_do(s.close)

    def send(self, src, dst, octets):
        self.raw[dst if dst in self.raw else "boxes"].sendto(
            w.udp(src, dst, 2048, 2048, octets, flags=0), (dst, 0))

    def settle(self):
        """Until the boxes have all slots, and nobody else has any."""
        def owners():
            return set(self.small.owners().values())
        wait_until(lambda: len(self.small.owners()) == 256 and owners() == set(BOXES), 60,
                   owners)

    def recorded(self):
        return list(self.recorder.messages)

    def latest(self, kind, src=None):
        """The last message of this type."""
        return next(m for m in reversed(self.recorded())
                    if struct.unpack("!I", m[2][:4])[0] == kind and src in (None, m[0]))

    def logs(self):
        return [p.output() for p in (self.small.wccprouter,
                                     *(b.wccpd for b in self.small.boxes))]


def component_at(octets, kind):
    """Where the body of a component begins, or None."""
    at = 8
    while at + 4 <= len(octets):
        found, n = struct.unpack("!HH", octets[at:at + 4])
        if found == kind:
            return at + 4
        at += 4 + n
    return None


def patched(octets, at, value):
    return octets[:at] + struct.pack("!I", value) + octets[at + 4:]


# -- attacks: each yields (source, destination, octets) for ever ------------------------

def replay(group, rng):
    """Everything recorded, in any order, what was said just now most of all."""
    while True:
        messages = group.recorder.messages
        yield rng.choice(messages[-rng.choice((1, 10, 100, 100000)):])


def replay_from_elsewhere(group, rng):
    messages = group.recorded()
    sources = [*BOXES, *GATEWAYS.values(), ROUTER_ID, "10.3.1.77", "203.0.113.5"]
    targets = [*BOXES, *GATEWAYS.values()]
    while True:
        yield rng.choice(sources), rng.choice(targets), rng.choice(messages)[2]


def forged_router(group, rng):
    """I_SEE_YOUs with newer ids that list nobody, and with another router's id."""
    messages = [m for m in group.recorded() if m[2][3] == w.I_SEE_YOU]
    while True:
        src, dst, octets = rng.choice(messages)
        identity, view = component_at(octets, 2), component_at(octets, 4)
        octets = patched(octets, identity + 4, rng.randrange(1 << 32))
        what = rng.randrange(3)
        if what == 0:
            octets = patched(octets, view + 12, 0)
        elif what == 1:
            octets = patched(octets, identity, rng.randrange(1 << 32))
        else:
            octets = patched(octets, view + 8, NEWEST)
        yield src, dst, octets


def forged_farewell(group, rng):
    """SHUTDOWNs in the name of each box."""
    messages = [m for m in group.recorded() if m[2][3] == w.HERE_I_AM]
    while True:
        src, dst, octets = rng.choice(messages)
        octets += w.component(15, w.component(1, w.address(src)))
        octets = octets[:6] + struct.pack("!H", len(octets) - 8) + octets[8:]
        yield src, dst, octets


def forged_joins(group, rng):
    """New web-caches, in earnest: from addresses where it reads the answers, for every
    service there can be."""
    for box in group.small.boxes:
        for n in range(77, 80):
            if f"{box.address[:-1]}{n}" not in box.ns.ip("addr").stdout:
                box.ns.address("eth0", f"{box.address[:-1]}{n}/24")
    while True:
        box = rng.choice(BOXES)
        own, router = f"{box[:-1]}{rng.randrange(77, 80)}", GATEWAYS[box]
        service = (w.dynamic(rng.randrange(256), 200, 6, 0x12, [80]) if rng.randrange(2)
                   else w.WEB_CACHE)
        cache = w.Cache(None, own, router, service=service, socket_of=Speechless,
                        transmit_t=int(T * 1000))
        answers = [m for m in group.recorded()[-100:]
                   if m[1] == own and m[2][3] == w.I_SEE_YOU]
        if answers and service == w.WEB_CACHE:
            cache.seen = w.ISeeYou(answers[-1][2])
        yield own, router, cache.here_i_am()


class Speechless:
    socket = None


def forged_assignment(group, rng):
    """Tables of a web-cache that is not designated, with the newest of keys."""
    while True:
        src = rng.choice(BOXES)
        router = GATEWAYS[src]
        seen = w.ISeeYou(group.latest(w.I_SEE_YOU, router)[2])
        cache = w.Cache(None, src, router, socket_of=Speechless)
        cache.seen, cache.key_change = seen, NEWEST - 1
        sent = []
        cache.send = sent.append
        cache.assign([src], [0] * 256)
        yield src, router, sent[0]


def oversized(group, rng):
    """Any number in a message is as large as it can be."""
    messages = group.recorded()
    while True:
        src, dst, octets = rng.choice(messages)
        at = 8 + 4 * rng.randrange((len(octets) - 8) // 4)
        yield src, dst, patched(octets, at, NEWEST)


ATTACKS = {f.__name__.replace("_", " "): f for f in (
    replay, replay_from_elsewhere, forged_router, forged_farewell, forged_joins,
    forged_assignment, oversized)}


# -- what becomes of the group -----------------------------------------------------------

class Damage:
    """What has changed since the attack began."""

    def __init__(self, group, clients):
        self.group, self.clients = group, clients
        self.before = self.look()
        self.lengths = [len(text) for text in group.logs()]
        self.asked, self.failed = clients.asked, clients.failed
        self.moved = 0

    def look(self):
        small = self.group.small
        return small.owners()

    def sample(self):
        now = self.look()
        self.moved = max(self.moved, sum(now.get(b) != self.before.get(b) for b in range(256)))

    def counts(self):
        """members, tables, states of routers, slots moved, clients that failed."""
        new = [text[n:] for text, n in zip(self.group.logs(), self.lengths)]
        return {
            "members": len(MEMBERS.findall(new[0])),
            "tables": len(TABLES.findall(new[0])),
            "states": sum(len(STATES.findall(text)) for text in new[1:]),
            "slots moved": self.moved,
            "clients failed": f"{self.clients.failed - self.failed} of "
                              f"{self.clients.asked - self.asked}",
        }


def attack(group, clients, name, per_second, seconds, rng):
    """Carry out one attack and return the damage."""
    damage = Damage(group, clients)
    messages = ATTACKS[name](group, rng)
    begun, sent, looked = time.monotonic(), 0, 0
    while (now := time.monotonic()) < begun + seconds:
        due = int((now - begun) * per_second) + 1
        for _ in range(min(due - sent, 50)):
            with contextlib.suppress(OSError):
                group.send(*next(messages))
            sent += 1
        if now > looked + T / 2:
            looked = now
            damage.sample()
        time.sleep(0.002)
    damage.sample()
    return damage.counts()
