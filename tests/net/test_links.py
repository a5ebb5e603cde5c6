# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's rules, routes, filters and interfaces, of others and our own: what stands in
the way of redirected packets is overtaken, cured or named."""

import os
import sys

import pytest

from netns import run, program, wait_until
from small import HERE, Small


@pytest.fixture
def small(net):
    s = Small(net)
    s.start_router("web-cache")
    return s


@pytest.fixture
def box(small):
    """One box, not started yet; the other one stays out of this."""
    small.boxes[0].configure(("web-cache", ""))
    return small.boxes[0]


def configure(box, old, new):
    """Another line in its configuration."""
    with open(box.conf) as f:
        text = f.read()
    assert old in text
    with open(box.conf, "w") as f:
        f.write(text.replace(old, new))


def join(small, box):
    box.start()
    wait_until(lambda: box.state() == "assigned", 15, box.log)
    small.wait_served(["box1"])


def says(box, *words):
    """A line of its log has all of these."""
    return any(all(w in line for w in words) for line in box.log().splitlines())


def wait_says(box, *words, timeout=5):
    wait_until(lambda: says(box, *words), timeout, box.log)


def is_out(small, box):
    """Not assigned, or withdrawn: clients go where they went without us."""
    return box.state() not in ("joined", "assigned") and not small.show()["services"][0]["clients"]


def rules(box):
    return box.ns.run("ip", "rule").stdout.splitlines()


def our_rule(box):
    return next((r for r in rules(box) if "0x5743" in r), None)


# -- rules and routes ---------------------------------------------------------------

def test_our_rule_has_a_priority_of_its_own(small, box):
    configure(box, "address =", "rule-priority = 77\naddress =")
    join(small, box)
    assert our_rule(box).startswith("77:")


def test_a_rule_put_in_front_is_overtaken(small, box):
    """As wg-quick does it: no priority, so the kernel puts it in front of all others."""
    join(small, box)
    assert our_rule(box).startswith("100:")
    box.ns.ip("route", "add", "default", "via", box.router, "table", "51820")
    box.ns.ip("rule", "add", "not", "fwmark", "0xca6c", "table", "51820")
    wait_says(box, "event=drift", "not from all fwmark 0xca6c lookup 51820", "lay in front")
    small.wait_served(["box1"])
    assert our_rule(box).startswith("98:")
    box.ns.ip("rule", "del", "not", "fwmark", "0xca6c", "table", "51820")
    wait_until(lambda: our_rule(box).startswith("100:"), 5, lambda: rules(box))
    small.wait_served(["box1"])


def test_a_rule_that_cannot_be_overtaken_is_named(small, box):
    box.ns.ip("route", "add", "default", "via", box.router, "table", "51820")
    box.ns.ip("rule", "add", "pref", "0", "iif", "eth0", "table", "51820")
    box.start()
    wait_says(box, "level=error", "0: from all iif eth0 lookup 51820", "rule-priority")
    assert is_out(small, box)
    box.ns.ip("rule", "del", "pref", "0", "iif", "eth0", "table", "51820")
    small.wait_served(["box1"])
    # And later on: it withdraws, and comes back.
    box.ns.ip("rule", "add", "pref", "0", "iif", "eth0", "table", "51820")
    wait_until(lambda: is_out(small, box), 10, box.log)
    box.ns.ip("rule", "del", "pref", "0", "iif", "eth0", "table", "51820")
    small.wait_served(["box1"])


@pytest.mark.parametrize("words", [("unreachable", "iif", "eth0"),
                                   ("ipproto", "tcp", "dport", "80", "lookup", "99")])
def test_rules_that_end_a_look_up(small, box, words):
    """Of ports, and with no table at all."""
    join(small, box)
    box.ns.ip("route", "add", "default", "via", box.router, "table", "99")
    box.ns.ip("rule", "add", *words)
    wait_says(box, "event=drift", "lay in front")
    small.wait_served(["box1"])


DAMAGE = {
    "rule": (("ip", "rule", "del", "pref", "100"), "the rule for mark 0x5743 on eth0"),
    "route": (("ip", "route", "flush", "table", "2048"), "local route"),
    "filter": (("tc", "filter", "del", "dev", "eth0", "ingress"), "TC filter"),
    "qdisc": (("tc", "qdisc", "del", "dev", "eth0", "clsact"), "TC filter"),
    "rp_filter": (("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=1"), "rp_filter of eth0"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_others_remove_is_put_right_at_once_and_logged(small, box, what):
    command, named = DAMAGE[what]
    join(small, box)
    assert not says(box, "event=drift")
    box.ns.run(*command)
    wait_says(box, "level=warn", "event=drift", named, timeout=2)
    small.wait_served(["box1"])
    assert box.log().count("event=drift") == 1


def test_a_table_that_others_use_is_refused(small, box):
    box.ns.ip("route", "add", "10.9.0.0/17", "via", box.router, "table", "2048")
    box.start()
    wait_says(box, "level=error", "routing table 2048", "10.9.0.0/17", "another `table`")
    assert box.ns.run("ip", "route", "show", "table", "2048").stdout.count("\n") == 1
    assert is_out(small, box)
    box.ns.ip("route", "flush", "table", "2048")
    small.wait_served(["box1"])
    # Added later: nothing is lost for it.
    box.ns.ip("route", "add", "10.9.0.0/17", "via", box.router, "table", "2048")
    wait_says(box, "level=error", "routing table 2048", "10.9.0.0/17")
    wait_until(lambda: is_out(small, box), 10, box.log)
    box.ns.ip("route", "del", "10.9.0.0/17", "table", "2048")
    small.wait_served(["box1"])


# -- filters --------------------------------------------------------------------------

def tc(box, priority, *what):
    box.ns.run("tc", "filter", "add", "dev", "eth0", "ingress", "pref", str(priority),
               "protocol", "ip", *what)


def our_filter(box):
    shown = box.ns.run("tc", "filter", "show", "dev", "eth0", "ingress").stdout
    return next((int(line.split(" pref ")[1].split()[0])
                 for line in shown.splitlines() if "handle 0x57434350" in line), None)


OK = ("bpf", "bytecode", "1,6 0 0 4294967295,")  # matches all, and that is that


def test_a_filter_that_takes_everything_is_overtaken(small, box):
    box.ns.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    tc(box, 9, *OK)
    join(small, box)
    assert our_filter(box) == 8
    tc(box, 5, *OK)
    wait_says(box, "event=drift", "bpf", "priority 5", "4 now")
    small.wait_served(["box1"])
    assert our_filter(box) == 4


def test_a_filter_that_cannot_be_overtaken_is_named(small, box):
    box.ns.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    tc(box, 1, *OK)
    box.start()
    wait_says(box, "level=warn", "comes before ours", "bpf", "priority 1")
    box.ns.run("tc", "filter", "del", "dev", "eth0", "ingress", "pref", "1")
    small.wait_served(["box1"])


def test_a_filter_in_our_place_is_named(small, box):
    box.ns.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    tc(box, 7, *OK)
    configure(box, "address =", "tc-priority = 7\naddress =")
    box.start()
    wait_says(box, "level=error", "bpf", "priority 7", "tc-priority")
    assert is_out(small, box)
    box.ns.run("tc", "filter", "del", "dev", "eth0", "ingress", "pref", "7")
    small.wait_served(["box1"])
    assert our_filter(box) == 7


def test_a_filter_in_the_usual_place(small, box):
    """Ours finds another one."""
    box.ns.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    tc(box, 2048, *OK)
    join(small, box)
    assert our_filter(box) == 2047


# -- interfaces -------------------------------------------------------------------------

def test_a_port_of_a_bridge_is_refused(small, box):
    box.ns.ip("link", "add", "br0", "type", "bridge")
    box.ns.ip("link", "set", "eth0", "master", "br0")
    box.ns.ip("link", "set", "br0", "up")
    box.ns.ip("address", "del", box.address + "/24", "dev", "eth0")
    box.ns.address("br0", box.address + "/24")
    box.routes()
    checked = box.ns.run(program("wccpd"), "-n", "-f", box.conf).stdout
    assert "eth0 is a port of bridge br0: use br0 (warning)" in checked
    box.start()
    wait_says(box, "level=error", "eth0 is a port of bridge br0: use br0")
    assert is_out(small, box)
    configure(box, "eth0", "br0")
    run("kill", "-HUP", str(box.wccpd.pid))
    small.wait_served(["box1"])


def test_an_interface_that_is_no_ethernet_is_refused(small, box):
    configure(box, "interface = eth0", "interface = lo")
    checked = box.ns.run(program("wccpd"), "-n", "-f", box.conf).stdout
    assert "interface lo is not an Ethernet interface (warning)" in checked
    box.start()
    wait_says(box, "level=error", "interface lo is not an Ethernet interface")
    assert is_out(small, box)


def second_link(small, box):
    """Redirected packets, which are addressed to the box, come by another link than those
    of the protocol leave by."""
    small.net.veth(box.ns, "eth1", "10.3.9.2/24", small.router, "second", "10.3.9.1/24")
    box.ns.sysctl("net.ipv4.conf.eth1.rp_filter", 1)
    box.ns.run("ethtool", "-K", "eth1", "tx", "off", "gro", "off")
    by_second(small, box)


def by_second(small, box):
    small.router.route(box.address, "via", "10.3.9.2", "dev", "second")


@pytest.mark.parametrize("interfaces", ["{ eth0, eth1 }", "any"])
def test_packets_by_several_interfaces(small, box, interfaces):
    configure(box, "interface = eth0", f"interface = {interfaces}")
    second_link(small, box)
    join(small, box)
    small.router.ip("route", "del", box.address)
    small.wait_served(["box1"])  # by the first one


def test_packets_by_an_interface_that_is_not_named(small, box):
    """They are not taken; which option would change that is told."""
    second_link(small, box)
    box.ns.sysctl("net.ipv4.conf.eth1.rp_filter", 0)
    box.start()
    wait_until(lambda: box.state() == "assigned", 15, box.log)
    wait_until(lambda: small.try_connect("10.9.1.1", 0.2) or
               says(box, "level=warn", "came in by eth1 and are not taken",
                    "the option interface does not name it"), 10, box.log)
    told = [p for p in box.show()["problems"] if p["kind"] == "stranger"]
    assert "an interface that the option interface does not name" in told[0]["text"]
    small.router.ip("route", "del", box.address)
    small.wait_served(["box1"])


def test_any_follows_interfaces(small, box):
    configure(box, "interface = eth0", "interface = any")
    join(small, box)
    second_link(small, box)
    small.wait_served(["box1"])
    box.ns.ip("link", "del", "eth1")
    small.wait_served(["box1"])


def test_one_of_several_interfaces_is_missing(small, box):
    """It may come yet; the other one works."""
    configure(box, "interface = eth0", "interface = { eth1, eth0 }")
    join(small, box)
    assert says(box, "level=warn", "interface eth1: there is none of that name")
    second_link(small, box)
    small.wait_served(["box1"])


def test_an_address_on_the_loopback_interface(small, box):
    """Reached by two links, one after the other."""
    box.ns.address("lo", "10.3.77.1/32")
    configure(box, "address = 10.3.1.2", "address = 10.3.77.1")
    configure(box, "interface = eth0", "interface = any")
    small.router.route("10.3.77.1", "via", box.address)
    join(small, box)
    second_link(small, box)
    small.router.ip("route", "replace", "10.3.77.1", "via", "10.3.9.2")
    small.wait_served(["box1"])


# -- routers that are not on a link of ours ----------------------------------------------

ALL = "forward = { gre, l2 }\n    return = { gre, l2 }"
PREFER_L2 = "forward = { l2, gre }\n    return = { l2, gre }"


def agreed(box):
    r = box.show()["services"][0]["routers"][0]
    return r["forward"], r["return"]


@pytest.fixture
def with_l2(net):
    s = Small(net)
    s.start_router(("web-cache", ALL))
    s.boxes[0].configure(("web-cache", PREFER_L2))
    return s


def test_l2_with_a_router_on_the_link(with_l2):
    box = with_l2.boxes[0]
    join(with_l2, box)
    assert agreed(box) == ("l2", "l2")


def test_no_l2_with_a_router_behind_a_gateway(with_l2):
    """It is reached by an address that no frame goes to directly."""
    box = with_l2.boxes[0]
    configure(box, "{ 10.3.1.1 }", "{ 10.3.2.1 }")
    join(with_l2, box)
    assert agreed(box) == ("gre", "gre")
    assert not says(box, "does not answer ARP")


def test_l2_alone_with_a_router_behind_a_gateway(with_l2):
    box = with_l2.boxes[0]
    configure(box, "{ 10.3.1.1 }", "{ 10.3.2.1 }")
    configure(box, "{ l2, gre }", "{ l2 }")
    box.start()
    wait_says(box, "level=warn", "behind a gateway")
    assert box.state() == "capability mismatch"
    assert with_l2.share("box1") == 0


# -- networks behind the box -----------------------------------------------------------

@pytest.mark.parametrize("method", ["l2", "gre"])
def test_a_network_behind_the_box_is_not_taken(net, method):
    """The router sends what is for it here anyhow, and the box sends it on."""
    small = Small(net)
    small.start_router(("web-cache", ALL))
    box = small.boxes[0]
    box.configure(("web-cache", PREFER_L2.replace("l2, gre", method)))
    host = net.namespace("host")
    net.veth(host, "eth0", "10.3.66.2/24", box.ns, "inside", "10.3.66.1/24")
    host.route("default", "via", "10.3.66.1")
    box.ns.sysctl("net.ipv4.ip_forward", 1)
    small.router.route("10.3.66.0/24", "via", box.address)
    host.popen([sys.executable, os.path.join(HERE, "dp_listener.py"), "host", "80"],
               log="host.instance")
    join(small, box)
    assert agreed(box) == (method, method)
    wait_until(lambda: small.try_connect("10.3.66.2") == "host", 5,
               lambda: f"answered by {small.try_connect('10.3.66.2')}")


# -- what is left ------------------------------------------------------------------------

def rp_filter(box):
    return box.ns.run("sysctl", "-n", "net.ipv4.conf.eth0.rp_filter").stdout.strip()


@pytest.mark.parametrize("before", ["0", "1"])
def test_the_filter_is_put_back_after_a_crash_too(small, box, before):
    box.ns.sysctl("net.ipv4.conf.eth0.rp_filter", before)
    if before == "0":
        box.ns.sysctl("net.ipv4.conf.all.rp_filter", 1)
    join(small, box)
    assert rp_filter(box) == "2"
    box.wccpd.kill()
    box.wccpd.wait()
    join(small, box)
    assert rp_filter(box) == "2"
    assert box.wccpd.stop() == 0
    assert rp_filter(box) == before
    assert our_rule(box) is None
