# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter between namespaces, for tests of its own.

    client 10.1.0.2 --- cl0 router or0 --- origin 10.3.0.2
                            bx1 --- cache 10.2.0.2 (and .3)
"""

import json
import os
import socket
import threading

import pytest

import wccpcache as w
from netns import program, wait_until

CLIENT, ORIGIN, CACHE, CACHE2 = "10.1.0.2", "10.3.0.2", "10.2.0.2", "10.2.0.3"
ROUTER, ROUTER_ID = "10.2.0.1", "10.0.9.1"
ALL_TO_FIRST = [0] * 256

CONF = """
router-id = {id}
control = "{control}"
redirect-in = {{ cl0 }}
caches-in = {{ bx1 }}
{more}
"""


class World:
    """The namespaces, and a wccprouter in the middle one."""

    def __init__(self, net):
        self.net = net
        self.client, self.router, self.cache, self.origin = (
            net.namespace(n) for n in ("client", "router", "cache", "origin"))
        net.veth(self.client, "eth0", f"{CLIENT}/24", self.router, "cl0", "10.1.0.1/24")
        net.veth(self.cache, "eth0", f"{CACHE}/24", self.router, "bx1", "10.2.0.1/24")
        net.veth(self.origin, "eth0", f"{ORIGIN}/24", self.router, "or0", "10.3.0.1/24")
        self.cache.address("eth0", f"{CACHE2}/24")
        self.router.address("lo", f"{ROUTER_ID}/32")
        self.router.sysctl("net.ipv4.ip_forward", 1)
        for dev in ("all", "cl0", "bx1", "or0"):
            self.router.sysctl(f"net.ipv4.conf.{dev}.rp_filter", 0)
        for ns, gateway in ((self.client, "10.1.0.1"), (self.cache, "10.2.0.1"),
                            (self.origin, "10.3.0.1")):
            ns.route("default", "via", gateway)
        self.raw = self.client.socket(socket.AF_INET, socket.SOCK_RAW,
                                      socket.IPPROTO_RAW)
        self.conf = os.path.join(net.tmpdir, "wccprouter.conf")
        self.control = os.path.join(net.tmpdir, "router.sock")
        self.process, self.starts = None, 0
        self.caches = []

    def start(self, services="service web-cache { }", more="", options=("-d",)):
        with open(self.conf, "w") as f:
            f.write(CONF.format(id=ROUTER_ID, control=self.control,
                                more=services + "\n" + more))
        self.launch(options)

    def launch(self, options=("-d",)):
        self.starts += 1
        self.process = self.router.popen([program("wccprouter"), *options, "-f", self.conf],
                                         log=f"wccprouter{self.starts}")
        wait_until(lambda: "event=started" in self.log() or self.process.poll()
                   is not None, 10, self.log)
        assert self.process.poll() is None, self.log()

    def stop(self):
        assert self.process.stop() == 0, self.log()

    def log(self):
        return self.process.output()

    def show(self, service=0):
        done = self.router.run(program("wccprouter"), "-s", self.control, "show", "-j")
        everything = json.loads(done.stdout)
        return everything if service is None else everything["services"][service]

    def ask(self, *words, check=True):
        """What the client prints, as finished process."""
        return self.router.run(program("wccprouter"), "-s", self.control, *words,
                               check=check)

    def join(self, own=CACHE, **kw):
        cache = w.Cache(self.cache, own, ROUTER, **kw)
        self.caches.append(cache)
        cache.join()
        return cache

    def give_all(self, cache, service=0):
        """All buckets to this web-cache, and wait until it is so."""
        cache.assign([cache.own], ALL_TO_FIRST)
        wait_until(lambda: self.show(service)["unassigned_buckets"] == 0, 3,
                   lambda: json.dumps(self.show(service), indent=1))

    def inject(self, packet):
        """Have the client send this IPv4 packet."""
        dst = socket.inet_ntoa(packet[16:20])
        self.raw.sendto(packet, (dst, 0))

    def close(self):
        self.raw.close()
        for c in self.caches:
            c.close()


@pytest.fixture
def world(net):
    made = World(net)
    yield made
    made.close()


def random_tuple(rng):
    """A client and a server anywhere, as (source, destination, source port)."""
    def anywhere(first):
        return f"{first}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
    return anywhere(10), anywhere(93), rng.randrange(1024, 65536)


def expect_gre(tap, packet, timeout=3, parse=w.Ip):
    """The GRE packet that carries `packet`; (outer, redirect header, inner)."""
    sent = parse(packet)

    def carries(ip):
        got = ip.redirected()
        return got and (got[1].src, got[1].dst, got[1].sport, got[1].dport) == (
            sent.src, sent.dst, sent.sport, sent.dport)
    _, outer = tap.find(carries, timeout)
    header, inner = outer.redirected()
    return outer, header, inner


class Returner(threading.Thread):
    """Sends every redirected packet back in GRE, as a web-cache that declines."""

    def __init__(self, world, src=CACHE, dst=ROUTER_ID):
        super().__init__(daemon=True)
        self.src, self.dst = src, dst
        self.tap = w.Tap(world.cache, "eth0")
        self.raw = world.cache.socket(socket.AF_INET, socket.SOCK_RAW,
                                      socket.IPPROTO_RAW)
        self.stopping = False
        self.count, self.longest = 0, 0
        self.start()

    def run(self):
        while not self.stopping:
            for _, ip in self.tap.packets(0.05):
                got = ip.redirected()
                if got:
                    self.count += 1
                    self.longest = max(self.longest, ip.len)
                    self.send(got[0], got[1].octets)

    def send(self, header, inner):
        packet = w.ipv4(self.src, self.dst, 47, b"\0\0\x88\x3e" + header + inner, flags=0)
        self.raw.sendto(packet, (self.dst, 0))

    def close(self):
        self.stopping = True
        self.join()
        self.raw.close()
        self.tap.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def tc_state(world):
    return [world.router.run("tc", *what, "dev", dev).stdout for dev in ("cl0", "bx1")
            for what in (("qdisc", "show"), ("filter", "show", "ingress"))]


def gro(world):
    out = world.router.run("ethtool", "-k", "cl0").stdout
    return "generic-receive-offload: on" in out
