# SPDX-License-Identifier: GPL-2.0-or-later
"""Kinds of interfaces as WCCP interface: each carries redirected packets to an instance,
or the reason why not is told.  The router's end is the peer of the box's veth.  Kinds that
the kernel does not have are skipped: Debian's own has them all (tests/vm)."""

import os
import re

import pytest

from netns import program, run, wait_until
from small import Small

SLOW = 3 if os.environ.get("WCCPD_LONG") else 1  # also a machine that is emulated
ALL = "forward = { gre, l2 }\n    return = { gre, l2 }"
METHODS = ("gre", "l2")


def cells(*kinds):
    """In the short form, each kind with one of the methods."""
    return [(kind, method) for n, kind in enumerate(kinds)
            for m, method in enumerate(METHODS)
            if os.environ.get("WCCPD_LONG") or m == n % 2]


class Links:
    """A box whose eth0 becomes part of something else."""

    def __init__(self, net):
        self.small = Small(net, boxes=("box1",))
        self.box = self.small.boxes[0]
        self.ns, self.router = self.box.ns, self.small.router

    def add(self, name, *what):
        done = self.ns.ip("link", "add", "name", name, *what, check=False)
        if done.returncode:
            assert re.search("Unknown device type|not supported", done.stderr), done.stderr
            pytest.skip(f"this kernel has no such interface: {' '.join(what)}")

    def on_eth0(self, name, *what):
        self.add(name, "link", "eth0", "type", *what)
        return self.give_address(name)

    def give_address(self, name):
        """The box's address, which eth0 has no more."""
        self.ns.ip("address", "flush", "dev", "eth0")
        self.ns.ip("link", "set", name, "up")
        self.ns.address(name, self.box.address + "/24")
        self.ns.sysctl(f"net.ipv4.conf.{name}.rp_filter", 0)
        self.box.routes()
        return name

    def ethernet(self):
        return "eth0"

    def vlan(self):
        name = self.on_eth0("vlan5", "vlan", "id", "5")
        self.router.ip_batch([
            "link set box1 down", "link set box1 name trunk", "link set trunk up",
            "address flush dev trunk", "link add link trunk name box1 type vlan id 5",
            "link set box1 up", f"address add {self.box.router}/24 dev box1"])
        self.router.sysctl("net.ipv4.conf.box1.rp_filter", 0)
        return name

    def bond(self):
        self.add("bond0", "type", "bond", "mode", "active-backup")
        self.small.net.veth(self.ns, "eth1", None, self.router, "spare", None)
        for port in ("eth0", "eth1"):
            self.ns.ip_batch([f"link set {port} down", f"link set {port} master bond0"])
        return self.give_address("bond0")

    def bridge(self):
        self.add("br0", "type", "bridge")
        self.ns.ip("link", "set", "eth0", "master", "br0")
        return self.give_address("br0")

    def macvlan(self):
        return self.on_eth0("mac0", "macvlan", "mode", "bridge")

    def ipvlan(self):
        return self.on_eth0("ip0", "ipvlan", "mode", "l2")

    def vrf(self):
        self.add("red", "type", "vrf", "table", "77")
        self.ns.ip_batch(["link set red up", "link set eth0 master red",
                          f"route add default via {self.box.router} table 77"])
        return "eth0"

    def gre(self):
        self.add("gre1", "type", "gre", "local", self.box.address, "remote",
                 self.box.router)
        self.ns.ip("link", "set", "gre1", "up")
        return "gre1"

    def configure(self, interface, method):
        self.box.configure(("web-cache", f"forward = {{ {method} }}\n"
                                         f"    return = {{ {method} }}"))
        with open(self.box.conf) as f:
            text = f.read()
        with open(self.box.conf, "w") as f:
            f.write(text.replace("interface = eth0", f"interface = {interface}"))

    def start(self, interface, method):
        self.small.start_router(("web-cache", ALL))
        self.configure(interface, method)
        self.box.start()

    def check(self):
        return self.ns.run(program("wccpd"), "-n", "-f", self.box.conf).stdout

    def wait_named(self, reason):
        """`wccpctl show problems` breaks its lines."""
        def named():
            return reason in " ".join(self.ns.run(
                program("wccpctl"), "-s", f"{self.small.net.tmpdir}/box1.sock", "show",
                "problems", check=False).stdout.split())
        wait_until(named, 10 * SLOW, lambda: reason + self.box.log()[-3000:])


@pytest.fixture
def links(net):
    return Links(net)


@pytest.mark.parametrize("kind,method",
                         cells("ethernet", "vlan", "bridge", "bond", "macvlan"))
def test_carries(links, kind, method):
    links.start(getattr(links, kind)(), method)
    links.small.wait_served(["box1"], timeout=15 * SLOW)
    counted = links.box.show()["services"][0]
    assert counted["routers"][0]["forward"] == method
    assert counted["packets"]["delivered"] > 0 and counted["packets"]["dropped"] == 0


def test_an_ipvlan_is_for_gre_only(links):
    """Frames by L2 would stay on the interface below it."""
    name = links.ipvlan()
    links.start(name, "l2")
    assert f"interface {name} is an ipvlan: only GRE works, not L2 (warning)" in links.check()
    links.wait_named("offers nothing that we accept")
    assert "or the interface is an ipvlan" in links.box.log()
    links.configure(name, "gre")
    run("kill", "-HUP", links.box.wccpd.pid)
    links.small.wait_served(["box1"], timeout=15 * SLOW)


@pytest.mark.parametrize("kind,port", [("bridge", "eth0"), ("bond", "eth0")])
def test_a_port_is_refused(links, kind, port):
    name = getattr(links, kind)()
    reason = f"{port} is a port of {kind} {name}: use {name}"
    links.start(port, "gre")
    assert f"{reason} (warning)" in links.check()
    links.wait_named(f"data plane: {reason}")
    links.wait_named("there is no interface that can be used")
    assert links.box.state() == "idle"


def test_a_member_of_a_vrf_is_refused(links):
    reason = "eth0 is in VRF red: its packets do not reach the instances"
    links.start(links.vrf(), "gre")
    assert f"{reason} (warning)" in links.check()
    links.wait_named(f"data plane: {reason}")
    assert links.box.state() == "idle"


def test_a_tunnel_is_refused(links):
    name = links.gre()
    reason = f"interface {name} is not an Ethernet interface"
    links.start(name, "gre")
    assert f"{reason} (warning)" in links.check()
    links.wait_named(f"data plane: {reason}")
    assert links.box.state() == "idle"


@pytest.mark.parametrize("kind,method", cells("macvlan", "vlan"))
def test_the_interface_below_is_told_from_its_own(links, kind, method):
    """Named is eth0, but what the router sends is for the interface on it."""
    getattr(links, kind)()
    links.start("eth0", method)
    if method == "l2":
        links.wait_named("offers nothing that we accept")
        return
    wait_until(lambda: links.box.state() == "assigned", 10 * SLOW, links.box.log)
    links.small.try_connect("10.9.1.1")
    links.wait_named("the option interface does not name")
