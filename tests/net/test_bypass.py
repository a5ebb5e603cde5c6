# SPDX-License-Identifier: GPL-2.0-or-later
"""Static bypass: new connections of some clients, or to some servers, are left to the
router; those that an instance has go on.  And UDP, which instances do not take."""

import os
import socket
import time

import pytest

from netns import program, run, wait_until
from small import CLIENT, Small


@pytest.fixture
def small(net):
    return Small(net, boxes=("box1",), origin=True)


class Bypass:
    """The box with a list of its own, which each reload reads."""

    def __init__(self, small, *services):
        self.box, self.small = small.boxes[0], small
        self.file = os.path.join(small.net.tmpdir, "bypass")
        self.write()
        self.box.configure(*services)
        with open(self.box.conf, encoding="ascii") as f:
            text = f.read()
        with open(self.box.conf, "w", encoding="ascii") as f:
            f.write(f'bypass-servers = {{ "{self.file}" }}\n' + text)
        self.control = os.path.join(small.net.tmpdir, "box1.sock")
        self.box.start()
        wait_until(lambda: self.box.state() == "assigned", 20, self.box.log)

    def write(self, *lines):
        with open(self.file, "w", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in lines))

    def reload(self, *lines):
        """Returns what wccpctl answers."""
        self.write(*lines)
        return run(program("wccpctl"), "-s", self.control, "reload", check=False)

    def packets(self, reason, service=0):
        shown = self.box.show()
        return shown["services"][service]["packets"]["reasons"][reason]

    def served_by(self, *servers):
        return [self.small.try_connect(s) for s in servers]


METHODS = pytest.mark.parametrize("method", ["gre", "l2"])


def ways(method):
    return f"forward = {{ {method} }}\n return = {{ {method} }}"


def held_open(small, server):
    """A connection that the box has, and that says so."""
    s = small.client.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(5)
    s.connect((server, 80))
    assert s.recv(100).split()[0] == b"box1"
    return s


def echoes(s):
    s.sendall(b"still there?")
    return s.recv(100) == b"still there?"


@METHODS
def test_by_longest_prefix_and_for_new_ones_only(small, method):
    small.start_router(("web-cache", ways(method)))
    lab = Bypass(small, ("web-cache", ways(method)))
    wait_until(lambda: lab.served_by("10.9.1.1") == ["box1"], 10, lab.box.log)
    with held_open(small, "10.9.2.9") as s:
        assert lab.reload("# what the router serves", "10.9.2.0/24  # all but",
                          "!10.9.2.128/25", "10.9.2.130", "", "2001:db8::/32",
                          ).returncode == 0
        wait_until(lambda: lab.served_by("10.9.2.1") == ["origin"], 5, lab.box.log)
        assert lab.served_by("10.9.2.9", "10.9.2.129", "10.9.2.130", "10.9.1.1") == [
            "origin", "box1", "origin", "box1"]
        assert lab.packets("returned-bypass") >= 3
        # What the instance has goes on.
        assert echoes(s)
    said = run(program("wccpctl"), "-s", lab.control, "explain", CLIENT, "10.9.2.1",
               "80").stdout
    assert "static bypass" in said
    assert lab.reload().returncode == 0
    wait_until(lambda: lab.served_by("10.9.2.1") == ["box1"], 5, lab.box.log)


def test_what_is_wrong_changes_nothing(small):
    small.start_router("web-cache")
    lab = Bypass(small, ("web-cache", ""))
    assert lab.reload("10.9.2.0/24").returncode == 0
    wait_until(lambda: lab.served_by("10.9.2.1") == ["origin"], 5, lab.box.log)
    for lines, wanted in (
            (("10.9.2.0/24", "10.9.3.0/33"), ":2: bypass-servers: "),
            (("10.9.2.1/24",), ":1: bypass-servers: "),
            (("10.9.2.0/24", "!10.9.2.0/24"), 'with and without "!"'),
            ([f"10.{n >> 8}.{n & 255}.{k}" for n in range(400) for k in range(251)],
             ":100001: bypass-servers: more than 100000 prefixes")):
        done = lab.reload(*lines)
        assert done.returncode and lab.file + ":" in done.stderr and wanted in done.stderr
        assert lab.served_by("10.9.2.1", "10.9.3.1") == ["origin", "box1"]


def test_100000_prefixes_change_in_one_moment(small):
    """A server that is in both lists never comes to the box meanwhile."""
    small.start_router("web-cache")
    lab = Bypass(small, ("web-cache", ""))
    many = [f"10.9.{n}.{k}" for n in range(200) for k in range(250)]
    many += [f"{a}.{b}.{c}.0/24" for a in (100, 101) for b in range(125) for c in range(200)]
    assert len(many) == 100000
    assert lab.reload(*many).returncode == 0
    wait_until(lambda: lab.served_by("10.9.1.1") == ["origin"], 5, lab.box.log)
    for n in range(3):
        lab.write(*reversed(many[:-1]), f"10.9.250.{n}")
        begun = time.monotonic()
        reload = lab.box.ns.popen([program("wccpctl"), "-s", lab.control, "reload"],
                                  log="reload")
        while small.try_connect(f"10.9.250.{n}") != "origin":
            assert small.try_connect("10.9.1.1") == "origin"
            assert time.monotonic() - begun < 5
        assert reload.wait(5) == 0
    assert lab.served_by("10.9.250.1", "10.9.1.251") == ["box1", "box1"]


QUIC = ("id = 75\n priority = 210\n protocol = udp\n ports = { 443 }\n hash = { src-ip }")


def ask_udp(small, address):
    """Does the origin get the datagram?"""
    with small.origin.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            small.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind((address, 443))
        server.settimeout(0.5)
        client.sendto(b"initial", (address, 443))
        try:
            return server.recv(100) == b"initial"
        except TimeoutError:
            return False


@METHODS
def test_udp(small, method):
    small.start_router(("75", ways(method)))
    lab = Bypass(small, ("quic", QUIC + "\n" + ways(method)))
    wait_until(lambda: ask_udp(small, "10.9.1.1") and lab.packets("returned-udp"), 10,
               lab.box.log)
    with open(lab.box.conf, encoding="ascii") as f:
        text = f.read()
    with open(lab.box.conf, "w", encoding="ascii") as f:
        f.write(text.replace("id = 75", "id = 75 udp = drop"))
    assert lab.reload("10.9.2.0/24").returncode == 0
    wait_until(lambda: not ask_udp(small, "10.9.1.1"), 5, lab.box.log)
    assert lab.packets("dropped-udp") >= 1
    # The static bypass comes first.
    assert ask_udp(small, "10.9.2.1") and lab.packets("returned-bypass") == 1
