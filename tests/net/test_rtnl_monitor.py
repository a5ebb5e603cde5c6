# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel tells of its links, addresses, routes, rules and neighbours."""

import subprocess

import pytest

from netns import program, wait_until

MAC, OTHER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
KINDS = {"link", "address", "route", "rule", "neighbour", "filter", "sysctl"}


class Watch:
    """tests/net/rtnl_watch in a namespace."""

    def __init__(self, host):
        self.process = host.popen([program("tests/net/rtnl_watch")], "rtnl_watch",
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "open\n"

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return set(self.process.stdout.readline().split())

    def read(self):
        """What one look says once the descriptor is readable."""
        return self.say("read")

    def drain(self):
        """What all looks say until it is not readable any more."""
        return self.say("drain")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


@pytest.fixture
def host(net):
    host = net.namespace("host")
    host.ip("link", "add", "d0", "type", "veth", "peer", "name", "d1")
    for dev in ("d0", "d1"):
        host.ip("link", "set", dev, "addrgenmode", "none")
    host.ip("link", "set", "d1", "up")
    host.ip("link", "set", "d0", "up")
    # Or these would change by themselves in the middle of a test.
    wait_until(lambda: host.ip("link", "show", "up").stdout.count("state UP") == 2, 10,
               "both ends to be up")
    host.address("d0", "10.0.0.1/24")
    return host


@pytest.fixture
def watch(host):
    w = Watch(host)
    yield w
    w.close()


@pytest.mark.parametrize("command, kind", [
    ("link set d0 mtu 1400", "link"),
    ("address add 10.0.1.1/32 dev d0", "address"),
    ("-6 address add 2001:db8::1/128 dev d0 nodad", "address"),
    ("route add 192.0.2.0/24 via 10.0.0.2", "route"),
    ("-6 route add 2001:db8:1::/64 dev d0", "route"),
    ("rule add pref 100 fwmark 1 lookup 100", "rule"),
    ("-6 rule add pref 100 fwmark 1 lookup 100", "rule"),
    (f"neigh add 10.0.0.2 lladdr {MAC} dev d0", "neighbour"),
])
def test_kinds(host, watch, command, kind):
    host.ip(*command.split())
    told = watch.read()
    if kind == "address":  # which makes a local route, too
        told.discard("route")
    assert told == {kind}


def test_burst_is_one_change(host, watch):
    for i in range(2, 30):
        host.ip("neigh", "add", f"10.0.0.{i}", "lladdr", MAC, "dev", "d0")
    host.ip("route", "add", "192.0.2.0/24", "via", "10.0.0.2")
    assert watch.read() == {"neighbour", "route"}


def test_neighbour_confirmed_is_no_change(host, watch):
    def replace(mac, state):
        host.ip("neigh", "replace", "10.0.0.2", "lladdr", mac, "dev", "d0", "nud", state)

    replace(MAC, "stale")
    assert watch.read() == {"neighbour"}
    for state in ("reachable", "stale", "reachable", "permanent"):
        replace(MAC, state)
    assert watch.drain() == set()
    replace(OTHER_MAC, "permanent")
    assert watch.drain() == {"neighbour"}
    host.ip("neigh", "del", "10.0.0.2", "dev", "d0")
    assert watch.drain() == {"neighbour"}


def test_lost_messages(host, watch, tmp_path):
    """More than the socket holds: everything counts as changed, and then it goes on."""
    batch = tmp_path / "batch"
    batch.write_text("".join(f"rule add pref {i} lookup 100\n" for i in range(1000, 5000)))
    host.ip("-batch", str(batch))
    assert watch.drain() == KINDS
    host.ip("link", "set", "d0", "mtu", "1400")
    assert watch.drain() == {"link"}
