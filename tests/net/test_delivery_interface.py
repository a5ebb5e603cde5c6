# SPDX-License-Identifier: GPL-2.0-or-later
"""Delivery through an interface of our own, "delivery = interface": what it is good for, and
that the interface comes and goes as it should.  That it delivers as well as by mark, the
tests test_dp*.py and test_handover*.py show, which have both."""

import re
import signal
import socket

import pytest

from delivery_lab import answers, listed, make, start
from dp_lab import (GRE, L2, METHODS, SERVER, WEB, Driver, Wire, driver, lab,
                    names_of_interfaces, pool, redirect, router, unchanged)
from dp_packets import frame, outer, tcp
from netns import DELIVERIES, wait_until
from test_delivery import FILTER

BY_MARK, THROUGH = DELIVERIES


# -- the data plane alone --------------------------------------------------------------------


@pytest.fixture
def through(driver):
    driver.delivery = THROUGH
    return driver


@pytest.mark.parametrize("how", METHODS)
def test_it_shows_what_is_delivered(lab, through, how):
    """Unwrapped, and nothing else."""
    m = METHODS[how]
    assert through.plan(WEB, *pool(*lab.instances(1)), router(m, m)) == "ok "
    syn = tcp("S")
    with Wire(lab.box, "wccp0") as inside, Wire(lab.router) as wire:
        wire.send(frame(lab, tcp("A", dport=8080)))  # of no service
        wire.send(frame(lab, outer(syn) if how == "gre" else syn))
        assert inside.heard(lambda octets: True) == bytes(syn)


@pytest.mark.parametrize("everywhere", [0, 1, 2])
def test_reverse_path_filters_stay_as_they_are(lab, through, everywhere):
    """Strict at the host's own interface, and anything for all of them."""
    lab.box.sysctl("net.ipv4.conf.all.rp_filter", everywhere)
    lab.box.sysctl("net.ipv4.conf.default.rp_filter", 1)
    redirect(lab, "l2")
    assert through.plan(WEB, *pool(*lab.instances(1)), router(L2, L2)) == "ok "
    assert lab.ask()[0] == "s1"
    for key, value in ("eth0", 1), ("all", everywhere):
        shown = lab.box.run("sysctl", "-n", f"net.ipv4.conf.{key}.rp_filter").stdout
        assert int(shown) == value


def test_nothing_depends_on_the_mark(lab, through):
    lab.box.run("nft", """table ip m { chain pre {
        type filter hook prerouting priority mangle; meta mark set 0x51; }; }""")
    redirect(lab, "gre")
    through.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    assert lab.ask()[0] == "s1"


def test_the_other_way_and_back(lab, driver):
    """Open connections notice nothing of it, and nothing of the former way stays."""
    redirect(lab, "gre")
    inst = lab.instances(1)
    driver.delivery = BY_MARK
    driver.plan(WEB, *pool(*inst), router(GRE, GRE))
    with lab.client.socket() as s:
        s.settimeout(5)
        s.connect((SERVER, 80))
        f = s.makefile()
        f.readline()
        with unchanged(lab.box):
            for driver.delivery in THROUGH, THROUGH, BY_MARK, THROUGH, BY_MARK:
                assert driver.plan(WEB, *pool(*inst), router(GRE, GRE)) == "ok "
                s.sendall(b"still here\n")
                assert f.readline() == "still here\n"
                assert lab.ask()[0] == "s1"
    assert lab.tcp_counter(lab.client, "RetransSegs") == 0


@pytest.mark.parametrize("after", DELIVERIES)
@pytest.mark.parametrize("before", DELIVERIES)
def test_a_crash_is_cleaned_up_whatever_comes_next(lab, before, after):
    inst = lab.instances(1)
    redirect(lab, "l2")
    with unchanged(lab.box):
        d = Driver(lab.box)
        d.delivery = before
        d.plan(WEB, *pool(*inst), router(L2, L2))
        d.process.kill()
        d.process.wait()
        assert ("wccp0" in names_of_interfaces(lab.box)) == (before == THROUGH)
        d = Driver(lab.box)
        d.delivery = after
        assert d.plan(WEB, *pool(*inst), router(L2, L2)) == "ok "
        assert len(re.findall("proto 8[789]|lookup 222", lab.box.ip("rule").stdout)) == 2
        assert lab.ask()[0] == "s1"
        d.close()


def test_one_of_others_is_left_alone(lab, through):
    lab.box.ip("tuntap", "add", "wccp0", "mode", "tun")
    with unchanged(lab.box):
        answer = through.plan(WEB, *pool(*lab.instances(1)), router(L2, L2))
        assert answer.startswith("error data plane: interface wccp0 is not ours")
    assert through.plan(WEB, *pool(*lab.instances(1)), router(L2, L2),
                        "delivery wccp9") == "ok "
    assert names_of_interfaces(lab.box)[-2:] == ["wccp0", "wccp9"]


@pytest.mark.parametrize("words", [("del", "wccp0"), ("set", "wccp0", "down"),
                                   ("set", "wccp0", "name", "other")])
def test_it_is_made_again(lab, through, words):
    redirect(lab, "l2")
    plan = WEB, *pool(*lab.instances(1)), router(L2, L2)
    with unchanged(lab.box):
        through.plan(*plan)
        if "name" in words:
            lab.box.ip("link", "set", "wccp0", "down")
        lab.box.ip("link", *words)
        assert through.plan(*plan) == "ok "
        assert lab.ask()[0] == "s1"
        through.say("reset")
        through.say("apply")


# -- with the daemon ----------------------------------------------------------------------------


def test_proofs_go_the_same_way(net):
    """A packet filter that drops: named with the cure, not announced, given back."""
    lab = make(net)  # pylint: disable=redefined-outer-name
    box = lab.boxes[0]
    box.ns.run("nft", FILTER)
    start(lab, delivery=THROUGH)
    wait_until(lambda: "not announced" in box.log(), 10, box.log)
    assert not listed(lab) and answers(lab) == {"origin"}
    rule = re.search(r"nft: (iifname wccp0 accept)", box.log()).group(1)
    box.ns.run("nft", "add", "rule", "inet", "f", "input", *rule.split())
    wait_until(lambda: answers(lab) == {"box1"}, 6, box.log)
    # And a rule of others, in front of ours.
    box.ns.ip("route", "add", "default", "via", box.router, "table", "51820")
    box.ns.ip("rule", "add", "not", "fwmark", "0xca6c", "table", "51820")
    wait_until(lambda: "lay in front" in box.log(), 5, box.log)
    wait_until(lambda: answers(lab) == {"box1"}, 5, box.log)
    # Somebody removes the interface.
    before = box.log().count("event=drift")
    box.ns.ip("link", "del", "wccp0")
    wait_until(lambda: "interface wccp0 was gone" in box.log(), 5, box.log)
    wait_until(lambda: answers(lab) == {"box1"}, 5, box.log)
    assert box.log().count("event=drift") == before + 1


def test_reload_and_stop(net):
    """The other way by SIGHUP, and nothing is left."""
    lab = make(net)  # pylint: disable=redefined-outer-name
    box = lab.boxes[0]
    before = box.ns.state()
    start(lab, delivery=BY_MARK)
    wait_until(lambda: answers(lab) == {"box1"}, 10, box.log)
    start_text = open(box.conf).read()
    for way in THROUGH, BY_MARK, THROUGH:
        with open(box.conf, "w") as f:
            f.write(start_text.replace(f"delivery = {BY_MARK}", f"delivery = {way}"))
        box.wccpd.send_signal(signal.SIGHUP)
        wait_until(lambda w=way: ("wccp0" in names_of_interfaces(box.ns)) == (w == THROUGH),
                   5, box.log)
        for _ in range(5):
            assert answers(lab) == {"box1"}
    box.wccpd.send_signal(signal.SIGTERM)
    assert box.wccpd.wait(20) == 0
    assert "event=drift" not in box.log()
    assert box.ns.state() == before
