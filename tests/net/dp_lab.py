# SPDX-License-Identifier: GPL-2.0-or-later
"""The places of the tests test_dp*.py: a client, a router, a box with the data plane, and a
second web-cache ("fellow"); router, box and that one on one link.

    client 10.1.0.2 -- 10.1.0.1 router 10.2.0.1 --+-- 10.2.0.2 box
                                                  +-- 10.2.0.3 fellow

Servers are in 198.51.100.0/24, which exists nowhere: the router redirects what goes
there.  By L2 that is a plain route by the box; by GRE a Python loop does it.
"""

import contextlib
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from netns import DELIVERY, program, wait_until  # noqa: F401  (for the tests)

HERE = os.path.dirname(os.path.abspath(__file__))
ROUTER, BOX, FELLOW, CLIENT = "10.2.0.1", "10.2.0.2", "10.2.0.3", "10.1.0.2"
SERVER = "198.51.100.7"
NO_SERVICE = 0xffff  # counters of packets that fit no service
GRE, L2 = 1, 2
METHODS = {"gre": GRE, "l2": L2}
TCP = 6
PORTS_DEFINED, PORTS_SOURCE, SRC_IP_HASH, DST_IP_HASH = 0x10, 0x20, 1, 2
WEB = "service 0 0 0 0 0 0 0"  # the well-known service, pool 0
MARK = "mark 0x100 0xff00 222"


class Instance:
    """A listening process; see dp_listener.py."""

    def __init__(self, box, name, port, sockets=1, plain=False):
        self.name = name
        argv = [sys.executable, f"{HERE}/dp_listener.py", name, port, sockets]
        self.process = box.popen(argv + (["--plain"] if plain else []), name,
                                 stdout=subprocess.PIPE)
        told = self.process.stdout.readline().split()
        self.pid = int(told[0])
        self.sockets = [(int(f), int(i)) for f, i in zip(told[1::2], told[2::2])]

    def kill(self):
        self.process.kill()
        self.process.wait()


class Driver:
    """tests/net/dp_driver in the box."""

    def __init__(self, box):
        self.delivery = DELIVERY
        self.process = box.popen([program("tests/net/dp_driver")], "dp_driver",
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "open\n"

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def plan(self, *lines):
        """A new plan: what every one needs, then `lines`; returns the answer."""
        through = ("delivery wccp0",) if self.delivery == "interface" else ()
        for line in ("reset", "interface eth0", f"self {BOX}", MARK) + through + lines:
            assert self.say(line) == "done", line
        return self.say("apply")

    def counters(self, service=0):
        return {k: int(v) for k, v in
                (w.split("=") for w in self.say(f"counters {service}").split())}

    def given(self, pool=0):
        return [int(n) for n in self.say(f"given {pool}").split()]

    def close(self):
        self.process.stdin.close()
        assert self.process.stdout.readline() == "closed\n"
        assert self.process.wait(10) == 0


def pool(*instances, index=0, name="web", spread=0):
    """Lines of a plan for a pool: instances are (Instance, weight, takes) or just an
    Instance."""
    lines = [f"pool {name} {spread}"]
    for i, x in enumerate(instances):
        inst, weight, takes = x if isinstance(x, tuple) else (x, 100, 1)
        lines.append(f"instance {index} {inst.name} {weight} {takes}")
        lines += [f"listener {index} {i} {inst.pid} {fd} {inode}"
                  for fd, inode in inst.sockets]
    return tuple(lines)


def router(forward, ret, service=0):
    return f"router {service} {ROUTER} {ROUTER} {forward} {ret}"


class Lab:
    def __init__(self, net):
        self.net = net
        self.client, self.router = net.namespace("client"), net.namespace("router")
        self.box, self.fellow = net.namespace("box"), net.namespace("fellow")
        self.switch = net.namespace("switch")
        net.veth(self.client, "eth0", f"{CLIENT}/24", self.router, "eth1", "10.1.0.1/24")
        self.switch.ip("link", "add", "br0", "type", "bridge")
        self.switch.ip("link", "set", "br0", "up")
        for ns, cidr in ((self.router, f"{ROUTER}/24"), (self.box, f"{BOX}/24"),
                         (self.fellow, f"{FELLOW}/24")):
            net.veth(ns, "eth0", cidr, self.switch, ns.short, None)
            self.switch.ip("link", "set", ns.short, "master", "br0")
        self.client.route("default", "via", "10.1.0.1")
        self.box.route("default", "via", ROUTER)
        self.fellow.route("default", "via", ROUTER)
        for key in ("ip_forward", "conf.all.rp_filter", "conf.eth0.rp_filter",
                    "conf.eth1.rp_filter", "conf.all.send_redirects",
                    "conf.eth0.send_redirects"):
            self.router.sysctl(f"net.ipv4.{key}", int(key == "ip_forward"))
        # Strict, as many distributions have it: the data plane must deal with it.
        self.box.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
        self.macs = {ns.short: ns.mac("eth0")
                     for ns in (self.router, self.box, self.fellow)}

    def instances(self, n, port=3129, **kw):
        return [Instance(self.box, f"s{i + 1}", port + i, **kw) for i in range(n)]

    def redirect_l2(self):
        self.router.route("198.51.100.0/24", "via", BOX)

    def redirect_gre(self):
        self.net.finally_do(GreForwarder(self.router).close)

    def ask(self, server=SERVER, port=80, timeout=5):
        """Connect from the client; (who answered, as which address)."""
        with self.client.socket() as s:
            s.settimeout(timeout)
            s.connect((server, port))
            return tuple(s.makefile().readline().split())

    def tcp_counter(self, ns, name):
        with ns.entered(), open("/proc/thread-self/net/netstat") as f, \
                open("/proc/thread-self/net/snmp") as g:
            lines = f.read().splitlines() + g.read().splitlines()
        for head, values in zip(lines[::2], lines[1::2]):
            fields = dict(zip(head.split(), values.split()))
            if name in fields:
                return int(fields[name])
        raise KeyError(name)


class GreForwarder:
    """Redirection by GRE as a router does it (2.0 section 4.12.1), in user space:
    what is routed to a TUN device leaves wrapped for the box."""

    def __init__(self, ns):
        with ns.entered():
            self.tun = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self.tun, 0x400454CA,  # TUNSETIFF: TUN without a header
                        struct.pack("16sH14x", b"wccp0", 0x0001 | 0x1000))
        ns.ip("link", "set", "wccp0", "up")
        ns.route("198.51.100.0/24", "dev", "wccp0")
        self.raw = ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_GRE)
        self.wake, self.end = os.pipe()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            ready, _, _ = select.select([self.tun, self.wake], [], [])
            if self.wake in ready:
                return
            self.raw.sendto(struct.pack("!HHBBBB", 0, 0x883E, 0, 0, 0, 77) +
                            os.read(self.tun, 65536), (BOX, 0))

    def close(self):
        os.write(self.end, b"x")
        self.thread.join()
        for fd in (self.tun, self.wake, self.end):
            os.close(fd)
        self.raw.close()


class Wire:
    """Frames on the link of a namespace, sent and heard by hand."""

    def __init__(self, ns, dev="eth0"):
        self.socket = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((dev, 3))

    def send(self, frame):
        self.socket.send(bytes(frame))

    def heard(self, wanted, timeout=3):
        """The first frame received for which wanted(octets) is true."""
        end = time.monotonic() + timeout
        while True:
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                octets, where = self.socket.recvfrom(65536)
            except TimeoutError:
                raise AssertionError("nothing of the kind was heard") from None
            if where[2] != socket.PACKET_OUTGOING and wanted(octets):
                return octets

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def names_of_interfaces(ns):
    return [line.split()[0] for line in ns.ip("-br", "link").stdout.splitlines()]


@contextlib.contextmanager
def unchanged(ns, rules=True):
    """The kernel's state of a namespace is the same afterwards; with `rules`, not only
    that of eth0."""
    def state():
        with ns.entered(), open("/proc/sys/net/ipv4/conf/eth0/rp_filter") as f:
            found = [f.read()]
        found.append(ns.run("tc", "qdisc", "show", "dev", "eth0").stdout)
        found.append(names_of_interfaces(ns))
        found.append(ns.run("tc", "filter", "show", "dev", "eth0", "ingress",
                            check=False).stdout)
        if rules:
            found += [ns.ip("rule").stdout, ns.ip("route", "show", "table", "all").stdout,
                      ns.run("bpftool", "-j", "net", "show").stdout]
        return found
    before = state()
    yield
    assert state() == before


def without_ingress(lab):
    """Lead redirected packets to local sockets by a rule of the test's own, so that
    steering is alone with them."""
    lab.redirect_l2()
    lab.box.ip("rule", "add", "iif", "eth0", "to", "198.51.100.0/24", "lookup", "222")


def redirect(lab, how):
    """Make the router redirect, "gre" or "l2"."""
    lab.redirect_gre() if how == "gre" else lab.redirect_l2()


@pytest.fixture
def lab(net):
    return Lab(net)


@pytest.fixture
def driver(request, lab):  # pylint: disable=redefined-outer-name
    """As a parameter (indirect): how it delivers."""
    d = Driver(lab.box)
    d.delivery = getattr(request, "param", DELIVERY)
    yield d
    d.close()
