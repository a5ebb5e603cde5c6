# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules in the router's packet filter that lose redirected connections, because connection
tracking sees the web-caches' half of each only: wccprouter names the chain and prints
what lets them pass, which is applied here as it is printed."""

import socket
import threading

import pytest

import wccpcache as w
from netns import wait_until
from wccprouter_lab import CLIENT, ORIGIN, World

# Words of what refuses, and a rule set of each kind.
LOSE = {
    "invalid": ("forward", ["nft", """table inet filter { chain forward {
        type filter hook forward priority filter; ct state invalid drop; }; }"""]),
    "vmap": ("forward", ["nft", """table ip fw { chain states {
        ct state vmap { established : accept, related : accept, invalid : drop }; }
        chain forward { type filter hook forward priority 10; iifname { "bx1", "or0" }
        jump states; }; }"""]),
    "policy": ("forward", ["nft", """table inet filter { chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept; iifname "cl0" oifname "or0" accept; }; }"""]),
    "prerouting": ("early", ["nft", """table inet mangle { chain early {
        type filter hook prerouting priority mangle;
        ct state != { established, related, new, untracked } counter drop; }; }"""]),
    "iptables": ("FORWARD", ["iptables-nft", "-A", "FORWARD", "-m", "conntrack",
                             "--ctstate", "INVALID", "-j", "DROP"]),
}
PASS = {
    "none": ["nft", "add table inet filter"],
    "accepts": ["nft", """table inet filter { chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established accept; iifname { "cl0", "bx1", "or0" } accept; }; }"""],
    "others": ["nft", """table inet filter { chain forward {
        type filter hook forward priority filter; iifname "or0" ct state invalid drop; tcp dport 22 drop;
        udp sport 1-1000 ct state invalid drop; ip saddr 192.0.2.0/24 drop; }
        chain input { type filter hook input priority filter; ct state invalid drop; }; }"""],
}


class Answers(threading.Thread):
    """A transparent web-cache: answers every connection that it is given by L2, with what
    it has itself, or has fetched under the client's address."""

    def __init__(self, world, spoofs=False):
        super().__init__(daemon=True)
        self.world, self.spoofs = world, spoofs
        world.cache.ip("rule", "add", "iif", "eth0", "lookup", "100")
        world.cache.ip("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
        self.listener = world.cache.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
        self.listener.bind(("", 80))
        self.listener.listen(16)
        self.start()

    def run(self):
        while True:
            try:
                connection, client = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"from the web-cache")
                if self.spoofs:
                    connection.sendall(self.fetch(client[0], connection.getsockname()))

    def fetch(self, client, server):
        with self.world.cache.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_IP, 19, 1)
            s.settimeout(5)
            s.bind((client, 0))
            try:
                s.connect(server)
                return b", fetched: " + s.recv(100)
            except OSError:
                return b", not fetched"

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join()
        self.listener.close()


@pytest.fixture
def world(net):
    made = World(net)
    answers = Answers(made)
    made.start()
    made.give_all(made.join(forward=w.L2, ret=w.L2))
    yield made
    answers.close()
    made.close()


def answer(world, timeout=5):
    """All that the client is sent, "" if nothing is."""
    said = b""
    with world.client.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        try:
            s.connect((ORIGIN, 80))
            while piece := s.recv(100):
                said += piece
        except TimeoutError:
            pass
    return said.decode()


def is_served(world, timeout=5):
    return answer(world, timeout) == "from the web-cache"


def problems(world):
    return world.show(None)["problems"]


@pytest.mark.parametrize("kind", LOSE)
def test_what_is_printed_lets_it_pass(world, kind):
    chain, rules = LOSE[kind]
    assert is_served(world) and problems(world) == []
    world.router.run(*rules)
    wait_until(lambda: "event=conntrack-drops" in world.log(), 3, world.log)
    assert not is_served(world, 1)
    [problem] = problems(world)
    assert problem["problem"] == "conntrack-drops"
    assert f"chain {chain} of table" in problem["text"]
    text = world.ask("show", "problems").stdout
    assert problem["remedy"] in text and problem["text"] in text
    world.router.run("sh", "-c", problem["remedy"])
    wait_until(lambda: "event=conntrack-passes" in world.log(), 3, world.log)
    assert is_served(world) and problems(world) == []
    assert world.ask("show", "problems").stdout == "No problems\n"
    # It was said once.
    assert world.log().count("event=conntrack-drops") == 1
    assert world.show()["packets"]["redirected"] > 0


@pytest.mark.parametrize("kind", PASS)
def test_rules_that_lose_nothing(world, kind):
    world.router.run(*PASS[kind])
    # The next rules are looked at after these.
    assert is_served(world)
    world.router.run("nft", "table inet later { chain forward { type filter hook forward "
                            "priority 20; ct state invalid drop; }; }")
    wait_until(lambda: problems(world) != [], 3, world.log)
    assert world.log().count("event=conntrack-drops") == 1
    assert "chain forward of table inet later" in problems(world)[0]["text"]


def test_rules_that_are_there_before_the_start(world):
    world.stop()
    world.router.run(*LOSE["invalid"][1])
    world.launch()
    wait_until(lambda: "event=conntrack-drops" in world.log(), 3, world.log)
    world.router.run("nft", "delete", "table", "inet", "filter")
    wait_until(lambda: problems(world) == [], 3, world.log)


def test_what_operators_write_instead(world):
    """Whatever takes the answers out of tracking will do, also iptables' own way."""
    world.router.run(*LOSE["invalid"][1])
    wait_until(lambda: problems(world) != [], 3, world.log)
    world.router.run("iptables-nft", "-t", "raw", "-A", "PREROUTING", "-i", "bx1", "-p",
                     "tcp", "--sport", "80", "-j", "CT", "--notrack")
    wait_until(lambda: problems(world) == [], 3, world.log)
    assert is_served(world)


def serve_as_origin(world):
    listener = world.origin.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((ORIGIN, 80))
    listener.listen(16)

    def serve():
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"page for " + peer[0].encode())
    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_pair_of_a_spoofing_web_cache(net):
    """61 for the clients' packets and 62 for the servers', each on its interface: the
    web-cache fetches under the client's address, and connection tracking has one half of
    either connection."""
    world = World(net)
    answers, origin = Answers(world, spoofs=True), serve_as_origin(world)
    try:
        world.start("service 61 { redirect-in = { cl0 } } service 62 { redirect-in = { or0 } }")
        for number, flags in ((61, 0x11), (62, 0x32)):
            first = world.caches[0] if world.caches else None
            world.give_all(world.join(service=w.dynamic(number, 34, 6, flags, [80]),
                                      forward=w.L2, ret=w.L2, socket_of=first), number - 61)
        everything = f"from the web-cache, fetched: page for {CLIENT}"
        assert answer(world) == everything
        assert all(world.show(i)["packets"]["redirected"] for i in range(2))
        world.router.run(*LOSE["invalid"][1])
        wait_until(lambda: problems(world) != [], 3, world.log)
        assert answer(world, 1) == ""
        [problem] = problems(world)
        assert "for service 61 62" in problem["text"]
        world.router.run("sh", "-c", problem["remedy"])
        wait_until(lambda: problems(world) == [], 3, world.log)
        assert answer(world) == everything
    finally:
        answers.close()
        origin.shutdown(socket.SHUT_RDWR)
        origin.close()
        world.close()
