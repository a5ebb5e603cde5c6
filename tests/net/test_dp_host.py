# SPDX-License-Identifier: GPL-2.0-or-later
"""The data plane alone: what it changes on the host, and that nothing of it is left."""

import ctypes
import os
import socket

import pytest
from scapy.all import TCP as TCPH

import dp_lab
from dp_lab import (GRE, L2, ROUTER, WEB, Driver, Instance, Wire, driver, lab, pool,
                    router, unchanged, without_ingress)
from dp_packets import UNAVAILABLE, check_gre, frame, is_gre, tcp


def test_announces_segments_that_fit_when_wrapped(lab, driver):
    inst = lab.instances(1)

    def announced():
        with Wire(lab.router) as wire:
            wire.send(frame(lab, tcp("S")))
            answer = TCPH(wire.heard(lambda o: o[23] == 6 and o[47] == 0x12)[34:])
            wire.send(frame(lab, tcp("R")))
            return dict(answer.options)["MSS"]

    driver.plan(WEB, *pool(*inst), router(L2, L2))
    assert announced() == 1460
    driver.plan(WEB, *pool(*inst), router(GRE | L2, GRE))
    assert announced() == 1500 - 28 - 40
    driver.plan(WEB, *pool(*inst), router(L2, L2))
    assert announced() == 1460


def option_of(instance, level, name):
    """Of its first listening socket."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(instance.pid)
    fd = libc.syscall(438, process, instance.sockets[0][0], 0)  # pidfd_getfd
    os.close(process)
    assert fd >= 0, os.strerror(ctypes.get_errno())
    with socket.socket(fileno=fd) as s:
        return s.getsockopt(level, name)


def test_answers_may_be_fragmented_until_the_plan_is_over(lab, driver):
    """IP_MTU_DISCOVER: 0 is never, 1 as routes want it, the usual value."""
    inst = lab.instances(2)
    assert [option_of(i, socket.SOL_IP, 10) for i in inst] == [1, 1]
    driver.plan(WEB, *pool(*inst), router(GRE, GRE))
    assert [option_of(i, socket.SOL_IP, 10) for i in inst] == [0, 0]
    driver.plan(WEB, *pool(inst[1]), router(L2, L2))
    assert [option_of(i, socket.SOL_IP, 10) for i in inst] == [1, 0]
    assert option_of(inst[0], socket.SOL_TCP, socket.TCP_MAXSEG) == 536
    driver.say("reset")
    driver.say("apply")
    assert [option_of(i, socket.SOL_IP, 10) for i in inst] == [1, 1]


def test_clean_close_leaves_nothing(lab):
    inst = lab.instances(2)
    with unchanged(lab.box):
        d = Driver(lab.box)
        d.plan(WEB, *pool(*inst), router(GRE, GRE))
        assert "fwmark 0x100/0xff00" in lab.box.ip("rule").stdout
        assert "clsact" in lab.box.run("tc", "qdisc", "show", "dev", "eth0").stdout
        assert lab.box.run("sysctl", "-n", "net.ipv4.conf.eth0.rp_filter").stdout == "2\n"
        d.close()


def test_an_empty_plan_leaves_nothing(lab, driver):
    with unchanged(lab.box):
        driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
        driver.say("reset")
        assert driver.say("apply") == "ok "
    lab.redirect_l2()
    driver.plan(WEB, *pool(*[Instance(lab.box, "again", 3140)]), router(L2, L2))
    assert lab.ask()[0] == "again"


def test_a_crash_is_cleaned_up_by_the_next_run(lab):
    inst = lab.instances(1)
    Instance(lab.box, "bystander", 80)
    with unchanged(lab.box):
        d = Driver(lab.box)
        d.plan(WEB, *pool(*inst), router(L2, GRE))
        d.process.kill()
        d.process.wait()
        # Without steering nobody takes new connections: the router gets them back.
        with Wire(lab.router) as wire:
            packet = tcp("S")
            wire.send(frame(lab, packet))
            check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE, bare=True)
        lab.box.sysctl("net.ipv4.conf.eth0.rp_filter", 1)  # what a crash cannot keep
        d = Driver(lab.box)
        assert d.plan(WEB, *pool(*inst), router(L2, GRE)) == "ok "
        assert lab.box.ip("rule").stdout.count("fwmark") == 1
        lab.redirect_l2()
        assert lab.ask()[0] == "s1"
        d.close()


def test_a_qdisc_of_others_stays(lab):
    lab.box.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    with unchanged(lab.box):
        d = Driver(lab.box)
        d.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
        d.close()


def test_a_qdisc_of_ours_stays_if_others_use_it(lab):
    d = Driver(lab.box)
    d.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    lab.box.run("tc", "filter", "add", "dev", "eth0", "egress", "bpf", "bytecode",
                "1,6 0 0 4294967295,")
    d.close()
    assert "bytecode" in lab.box.run("tc", "filter", "show", "dev", "eth0",
                                     "egress").stdout


def test_a_failed_plan_changes_nothing(lab, driver):
    lab.redirect_l2()
    inst = lab.instances(2)
    assert driver.plan(WEB, *pool(inst[0]), router(L2, L2)) == "ok "
    lab.box.ip("route", "add", "default", "via", ROUTER, "table", "333")
    with unchanged(lab.box):
        for bad, why in (("interface nowhere", "nowhere"), ("mark 1 0xff00 222", "mark"),
                         ("mark 0x100 0xff00 254", "table"),
                         ("mark 0x100 0xff00 333", "(default)")):
            answer = driver.plan(WEB, *pool(inst[1]), router(L2, L2), bad)
            assert answer.startswith("error data plane: ") and why in answer
            assert lab.ask()[0] == "s1"


def test_a_plan_that_fails_at_its_last_step_changes_nothing(lab):
    """Another's filter sits where ours belongs."""
    inst = lab.instances(2)
    theirs = ("dev", "eth0", "ingress", "protocol", "ip", "prio", "2048")
    with unchanged(lab.box):
        d = Driver(lab.box)
        assert d.plan(WEB, *pool(inst[0]), router(GRE, GRE)) == "ok "
        without_ingress(lab)
        lab.box.run("tc", "filter", "del", "dev", "eth0", "ingress")
        lab.box.run("tc", "filter", "add", *theirs, "bpf", "bytecode", "1,6 0 0 0,")
        answer = d.plan(WEB, *pool(inst[1]), router(GRE, GRE), "tc-priority 2048")
        assert answer.startswith("error data plane: eth0 (see tc-priority): cannot attach")
        assert lab.ask()[0] == "s1"  # the first plan's
        lab.box.run("tc", "filter", "del", *theirs)
        assert d.plan(WEB, *pool(inst[1]), router(GRE, GRE)) == "ok "
        assert lab.ask()[0] == "s2"
        lab.box.ip("rule", "del", "iif", "eth0", "to", "198.51.100.0/24")
        d.close()


def test_the_first_plan_fails_and_leaves_nothing(lab, driver):
    lab.box.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    lab.box.run("tc", "filter", "add", "dev", "eth0", "ingress", "protocol", "ip", "prio",
                "2048", "bpf", "bytecode", "1,6 0 0 4294967295,")
    with unchanged(lab.box):
        answer = driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE),
                             "tc-priority 2048")
        assert answer.startswith("error data plane: eth0 (see tc-priority): cannot attach")


def test_another_interface(lab, driver):
    """A plan for another interface takes everything along."""
    lab.redirect_l2()
    inst = lab.instances(1)
    lab.box.ip("link", "add", "eth9", "type", "veth", "peer", "name", "peer9")
    lab.box.ip("link", "set", "eth9", "up")
    with unchanged(lab.box, rules=False):
        driver.plan(WEB, *pool(*inst), router(L2, L2))
        assert driver.plan(WEB, *pool(*inst), router(GRE, GRE), "interface eth9") == "ok "
    assert "iif eth9" in lab.box.ip("rule").stdout
    assert "iif eth0" not in lab.box.ip("rule").stdout
    assert "clsact" in lab.box.run("tc", "qdisc", "show", "dev", "eth9").stdout
    assert driver.plan(WEB, *pool(*inst), router(L2, L2)) == "ok "
    assert lab.ask()[0] == "s1"


def test_heals_what_others_removed(lab, driver):
    lab.redirect_l2()
    inst = lab.instances(1)
    plan = (WEB, *pool(*inst), router(L2, L2))
    driver.plan(*plan)
    lab.box.ip("rule", "del", "fwmark", "0x100/0xff00")
    lab.box.run("tc", "qdisc", "del", "dev", "eth0", "clsact")
    lab.box.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    with pytest.raises(OSError):
        lab.ask(timeout=0.5)
    assert driver.plan(*plan) == "ok "
    assert lab.ask()[0] == "s1"


def test_an_l2_router_that_does_not_answer_is_named(lab, driver):
    inst = lab.instances(1)
    lab.redirect_l2()
    answer = driver.plan(WEB, *pool(*inst), router(L2, L2),
                         "router 0 10.2.0.99 10.2.0.99 2 2")
    assert answer.startswith("ok router 10.2.0.99 ")
    assert lab.ask()[0] == "s1"  # the other router's packets are served


def test_says_what_is_missing(lab):
    done = lab.box.run("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace",
                       dp_lab.program("tests/net/dp_driver"), check=False)
    assert done.returncode == 1
    assert "CAP_SYS_PTRACE" in done.stdout and done.stdout.count("\n") == 1
