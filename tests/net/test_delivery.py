# SPDX-License-Identifier: GPL-2.0-or-later
"""What is redirected must arrive.  Each piece of the way to the local sockets is broken
once before the start and once later: the router never lists a box that cannot deliver,
clients reach the origin within seconds, and the log says why."""

import os
import re
import sys

import pytest

from delivery_lab import answers, listed, make, start
from netns import DELIVERY, program, wait_until
from small import HERE


class Piece:
    """One way to break delivery: commands for the box, commands that repair it, and what
    the log must say."""

    def __init__(self, name, breaks, repairs, says):
        self.name, self.breaks, self.repairs, self.says = name, breaks, repairs, says

    def carry_out(self, box, commands):
        for c in commands:
            if isinstance(c, str):
                box.ns.run("nft", c)
            else:
                box.ns.run(*c)

    def break_it(self, box):
        self.carry_out(box, self.breaks)

    def repair(self, box):
        self.carry_out(box, self.repairs)


FILTER = """
table inet f {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established accept
        udp dport 2048 accept
        ip protocol gre accept
    }
}"""
PIECES = [
    Piece("input", [FILTER], ["delete table inet f"], "packet filter"),
    Piece("rule", [["ip", "route", "add", "default", "via", "10.3.1.1", "table", "51820"],
                   ["ip", "rule", "add", "priority", "1", "not", "fwmark", "0xca6c",
                    "table", "51820"]],
          [["ip", "rule", "del", "priority", "1"]], "lies in front of ours"),
    Piece("mark", ["""table ip m { chain pre {
        type filter hook prerouting priority mangle; meta mark set ct mark; }; }"""],
          ["delete table ip m"], "mark"),
    Piece("nat", ["""table ip n { chain pre {
        type nat hook prerouting priority dstnat; tcp dport 80 redirect to :3999; }; }"""],
          ["delete table ip n"], "NAT rule"),
    Piece("tc", [["tc", "qdisc", "replace", "dev", "eth0", "clsact"],
                 ["tc", "filter", "add", "dev", "eth0", "ingress", "pref", "1", "bpf",
                  "da", "bytecode", "1,6 0 0 0"]],
          [["tc", "filter", "del", "dev", "eth0", "ingress", "pref", "1"]], "TC filter"),
]
if DELIVERY == "interface":  # which does not depend on the mark
    PIECES = [p for p in PIECES if p.name != "mark"]
# Proofs arrive, clients do not.
CLIENT_PIECES = [
    Piece("clients-dropped", ["""table ip c { chain pre {
        type filter hook prerouting priority raw;
        ip saddr 10.3.0.0/24 tcp dport 80 drop; }; }"""],
          ["delete table ip c"], "not answered"),
    Piece("output", ["""table ip o { chain out {
        type filter hook output priority filter; tcp sport 80 drop; }; }"""],
          ["delete table ip o"], "not answered"),
    # They get answers, and then no further: what an old recipe for TPROXY leaves behind.
    Piece("tproxy", ["""table ip t { chain pre {
        type filter hook prerouting priority mangle;
        tcp dport 80 tproxy to :3999 meta mark set 1; }; }"""],
          ["delete table ip t"], "get no further.*TPROXY rules"),
    Piece("no-route", [["ip", "route", "del", "default"]],
          [["ip", "route", "add", "default", "via", "10.3.1.1"]], "no route back"),
]


@pytest.fixture
def lab(net):
    return make(net)


def served_by(lab, name):
    return answers(lab) == {name}


@pytest.mark.parametrize("piece", PIECES, ids=lambda p: p.name)
def test_not_announced_before_the_proof(lab, piece):
    box = lab.boxes[0]
    piece.break_it(box)
    start(lab)
    wait_until(lambda: re.search("(not announced|level=error).*" + piece.says, box.log()), 10, box.log)
    assert not listed(lab)
    assert served_by(lab, "origin")
    piece.repair(box)
    wait_until(lambda: served_by(lab, "box1"), 6, box.log)


@pytest.mark.parametrize("piece", PIECES + CLIENT_PIECES, ids=lambda p: p.name)
def test_given_back_when_it_breaks_later(lab, piece):
    box = start(lab)
    wait_until(lambda: served_by(lab, "box1"), 10, box.log)
    piece.break_it(box)
    wait_until(lambda: served_by(lab, "origin"), 5 if piece in PIECES else 8, box.log)
    wait_until(lambda: re.search("delivery-fails.*" + piece.says, box.log()), 2, box.log)
    wait_until(lambda: not listed(lab), 8, box.log)
    piece.repair(box)
    wait_until(lambda: served_by(lab, "box1"), 6, box.log)


def test_what_is_lost_for_some_is_given_back_one_by_one(lab):
    """A packet filter, and a rule, that take a part of what clients send; the rest is
    served.  The log names one of them, and the rule."""
    box = start(lab)
    wait_until(lambda: served_by(lab, "box1"), 10, box.log)
    box.ns.run("nft", "table ip f { chain in { type filter hook input priority filter; "
                      "ip daddr 10.9.1.0/30 drop; }; }")
    box.ns.ip("rule", "add", "priority", "1", "to", "10.9.1.4", "prohibit")
    assert lab.try_connect("10.9.1.4", 5) == "origin"
    assert [lab.try_connect(f"10.9.1.{i}", 5) for i in (1, 7)] == ["origin", "box1"]
    wait_until(lambda: "event=unanswered" in box.log(), 5, box.log)
    assert re.search(r"event=unanswered.* from 10.3.0.2 to 10.9.1.[14]: ", box.log())
    packets = box.show()["services"][0]["packets"]["reasons"]
    assert packets["returned-unanswered"] == 2
    assert listed(lab) and "delivery-fails" not in box.log()


def test_the_rule_that_the_log_prints_is_the_cure(lab):
    box = lab.boxes[0]
    box.ns.run("nft", FILTER)
    start(lab)
    wait_until(lambda: "not announced" in box.log(), 10, box.log)
    rule = re.search(r"nft: (.* accept)", box.log()).group(1)
    box.ns.run("nft", "add", "rule", "inet", "f", "input", *rule.split())
    wait_until(lambda: served_by(lab, "box1"), 6, box.log)


@pytest.mark.parametrize("when, flags, by", [
    ("before", 0, "box1"), ("before", 1, "box1"), ("after", 0, "box1"),
    ("after", 1, "origin")])
def test_another_sk_lookup_program(lab, when, flags, by):
    """It takes port 80 as well.  Ours has the last word but where another one comes later
    and insists; that is noticed."""
    box = lab.boxes[0]

    def attach():
        thief = box.ns.popen([program("tests/net/lookup_thief"), str(flags)], log="thief")
        wait_until(lambda: "attached" in thief.output(), 5, thief.output)
        return thief
    if when == "before":
        attach()
    start(lab)
    wait_until(lambda: served_by(lab, "box1"), 10, box.log)
    if when == "after":
        thief = attach()
    wait_until(lambda: served_by(lab, by), 8, box.log)
    if by == "origin":
        assert "sk_lookup program" in box.log()
        thief.stop()
        wait_until(lambda: served_by(lab, "box1"), 6, box.log)


def test_syns_alone_raise_no_alarm(lab):
    """Answered and never completed: it says nothing against the box."""
    box = start(lab)
    wait_until(lambda: served_by(lab, "box1"), 10, box.log)
    box.ns.sysctl("net.ipv4.tcp_syncookies", 2)
    before = box.show()["services"][0]["packets"]["new_flows"]
    lab.client.run(sys.executable, os.path.join(HERE, "syns.py"), "3000", "6")
    assert box.show()["services"][0]["packets"]["new_flows"] >= before + 500
    assert "delivery-fails" not in box.log()
    assert served_by(lab, "box1")
