# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's rules, routes, filters and interfaces, of others and our own: what stands in
the way of redirected packets is overtaken, cured or named."""

import pytest

from netns import run, program, wait_until
from small import Small


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
