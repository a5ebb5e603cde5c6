# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing circulates: three boxes and two routers on one link, to which somebody has told
that they are routers, web-caches and former owners of buckets for each other, by chance.
The two routers also take each other for the way to all servers.  For a packet that comes
in there is one on the wire for each hop of its TTL, and no more.

    net 10.2.0.0/24: routers .1 and .4, boxes .2, .3 and .5, who sends the packets .9
"""

import os
import random
import time

from scapy.all import GRE as GREH
from scapy.all import IP, Ether, Raw, raw
from scapy.all import TCP as TCPH

import wccpcache as w
from dp_lab import BOX, GRE, L2, WEB, Driver, Wire, wait_until
from netns import program

ROUTERS = {"r1": "10.2.0.1", "r2": "10.2.0.4"}
BOXES = {"b1": BOX, "b2": "10.2.0.3", "b3": "10.2.0.5"}
SENDER = "10.2.0.9"
ALL = ROUTERS | BOXES
SEED = int(os.environ.get("CIRCLES_SEED", "7"))
STATES = int(os.environ.get("CIRCLES_STATES", "8"))
PACKETS = 40
TTL = 20
# ICMP "time exceeded", forwarded once; ARP, of each to each.
ANSWERS, ARP = 2, 120

CONF = """
router-id = {id}
control = "{control}"
redirect-in = {{ eth0 }}
caches-in = {{ eth0 }}
service web-cache {{ }}
"""


class World:
    def __init__(self, net):
        self.net = net
        self.switch = net.namespace("switch")
        self.switch.ip("link", "add", "br0", "type", "bridge")
        self.switch.ip("link", "set", "br0", "up")
        self.nodes = {n: net.namespace(n) for n in (*ALL, "sender")}
        for name, ns in self.nodes.items():
            ns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
            net.veth(ns, "eth0", f"{ALL.get(name, SENDER)}/24", self.switch, name, None)
            self.switch.ip("link", "set", name, "master", "br0")
        for name, ns in self.nodes.items():
            ns.route("10.1.0.0/16", "dev" if name == "sender" else "via",
                     "lo" if name == "sender" else SENDER)
            if name != "sender":
                ns.route("default", "via", ROUTERS["r2" if name == "r1" else "r1"])
        # It sends as anybody, but frames for them are not for it.
        self.switch.ip("link", "set", "sender", "type", "bridge_slave", "learning", "off")
        self.macs = {name: ns.mac("eth0") for name, ns in self.nodes.items()}
        self.wire = Wire(self.nodes["sender"])
        for name in ROUTERS:
            self.start_router(name)
        self.drivers = {name: Driver(self.nodes[name]) for name in BOXES}

    def start_router(self, name):
        ns, conf = self.nodes[name], os.path.join(self.net.tmpdir, f"{name}.conf")
        for key in ("all.rp_filter", "eth0.rp_filter", "all.send_redirects",
                    "eth0.send_redirects"):
            ns.sysctl(f"net.ipv4.conf.{key}", 0)
        ns.sysctl("net.ipv4.ip_forward", 1)
        with open(conf, "w") as f:
            f.write(CONF.format(id=ROUTERS[name],
                                control=os.path.join(self.net.tmpdir, f"{name}.sock")))
        process = ns.popen([program("wccprouter"), "-d", "-f", conf], log=name)
        wait_until(lambda: "event=started" in process.output(), 10, process.output)

    def join_all(self, rng):
        """Every box is a member at both routers, each by any method."""
        for router in ROUTERS.values():
            members = []
            for name, own in BOXES.items():
                members.append(w.Cache(self.nodes[name], own, router,
                                       forward=rng.choice((w.GRE, w.L2)),
                                       ret=rng.choice((w.GRE, w.L2))))
                members[-1].join()
            for m in members:
                m.hello()
            members[0].assign(list(BOXES.values()), [rng.randrange(3) for _ in range(256)])
            for m in members:
                m.close()  # for the next one; a member stays one for a while

    def forge(self, rng):
        for name, driver in self.drivers.items():
            others = [a for n, a in ALL.items() if n != name]
            lines = [WEB, "pool web", f"self {BOXES[name]}"]
            for router in rng.sample(others, rng.randrange(1, 4)):
                lines.append(f"router 0 {router} {rng.choice((router, *others))} "
                             f"{rng.choice((GRE, L2, GRE | L2))} {rng.choice((GRE, L2))}")
            fellows = rng.sample(others, rng.randrange(1, 4))
            lines += [f"fellow {a}" for a in fellows]
            lines.append(f"handover 0 -1 {rng.choice(fellows)}")
            assert driver.plan(*lines).startswith("ok")

    def send(self, rng):
        """One packet of a connection, wrapped or not, to anybody from anybody."""
        packet = (IP(src=f"10.1.0.{rng.randrange(1, 255)}", ttl=TTL,
                     dst=f"198.51.100.{rng.randrange(1, 255)}") /
                  TCPH(sport=rng.randrange(1024, 65536), dport=80,
                       flags=rng.choice(("S", "A", "A", "FA"))))
        to, sender = rng.choice(list(ALL)), rng.choice(list(ALL))
        if rng.randrange(4):
            packet = IP(src=ALL[sender], dst=ALL[to], ttl=255) / GREH(proto=0x883E) / Raw(
                bytes([0, 0, 0, rng.randrange(256)]) + raw(packet))
        self.wire.send(raw(Ether(src=self.macs[sender], dst=self.macs[to], type=0x0800) /
                           packet))

    def frames(self):
        """That anybody has put on the wire."""
        with self.switch.entered(), open("/proc/thread-self/net/dev") as f:
            rows = (line.split(":") for line in f if ":" in line)
            received = {name.strip(): int(rest.split()[1]) for name, rest in rows}
        return sum(received[n] for n in self.nodes)

    def old_ones(self):
        return sum(d.counters().get("dropped-ttl", 0) for d in self.drivers.values())

    def close(self):
        self.wire.close()
        for d in self.drivers.values():
            d.close()


def frames_caused(world, cause, most):
    """How many, when for a while there are no more; or as soon as there are too many."""
    before, last, since = world.frames(), -1, 0

    def is_over():
        nonlocal last, since
        now = world.frames() - before
        if now != last:
            last, since = now, time.monotonic()
        return now > most or time.monotonic() > since + 0.15
    cause()
    wait_until(is_over, 20, lambda: f"{last} frames")
    return last


def test_nothing_circulates_whatever_is_forged(net):
    rng = random.Random(SEED)
    world = World(net)
    most = PACKETS * (TTL + ANSWERS) + ARP
    counts, old_ones = [], 0
    world.join_all(rng)
    for _ in range(STATES):
        world.forge(rng)
        counts.append(frames_caused(
            world, lambda: [world.send(rng) for _ in range(PACKETS)], most))
        assert counts[-1] <= most, (SEED, counts)
        old_ones += world.old_ones()
    print(counts, most)
    # Packets did go in circles until they were too old.
    assert max(counts) > 3 * PACKETS and old_ones
    world.close()
