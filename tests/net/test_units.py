# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd units: little is exposed, and what is left suffices."""

import os
import re
import signal

import pytest

from netns import program, run, wait_until
from small import Small, ask

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MOST_EXPOSED = {"wccpd": 2.5, "wccprouter": 2.5}

# As the unit has it: processes of others are hidden, sysctls and the rest read-only.
SANDBOX = """
mount -t proc -o hidepid=invisible proc /proc
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/conf
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,rw /proc/sys/net/ipv4/conf
exec strace -f -c -o "$0" setpriv --bounding-set "$1" "${@:2}"
"""


def unit(name):
    """Settings of the unit: name -> values in their order."""
    found = {}
    with open(os.path.join(TOP, "conf", name + ".service.in")) as f:
        for line in f:
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith("#"):
                found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("name", ["wccpd", "wccprouter"])
def test_exposure(name, tmp_path):
    path = tmp_path / (name + ".service")
    with open(os.path.join(TOP, "conf", name + ".service.in")) as f:
        path.write_text(f.read().replace("@sbindir@", "/usr/sbin"))
    told = run("systemd-analyze", "security", "--offline=yes", "--no-pager", path).stdout
    exposure = float(re.search(r"Overall exposure level for \S+: (\S+)", told)[1])
    assert exposure <= MOST_EXPOSED[name], told


def members(group):
    """System calls of one of systemd's groups, those of its groups among them."""
    calls = set()
    for line in run("systemd-analyze", "syscall-filter", group).stdout.splitlines()[1:]:
        word = line.split("#")[0].strip()
        if word:
            calls |= members(word) if word.startswith("@") else {word}
    return calls


def allowed(name):
    calls = members("@default")
    for value in unit(name)["SystemCallFilter"]:
        for word in value.lstrip("~").split():
            these = members(word) if word.startswith("@") else {word}
            calls = calls - these if value.startswith("~") else calls | these
    return calls | members("@default")


def used(path):
    """What strace -c has counted."""
    with open(path) as f:
        return {line.split()[-1] for line in f if re.match(r" +[\d.]+ ", line)} - {"total"}


def in_sandbox(net, ns, name, argv):
    bounding = ",".join(["-all"] + ["+" + c.removeprefix("CAP_").lower() for c in
                                    unit(name)["CapabilityBoundingSet"][0].split()])
    trace = os.path.join(net.tmpdir, name + ".strace")
    p = ns.popen(["unshare", "--mount", "bash", "-ec", SANDBOX, trace, bounding, *argv],
                 log=name)

    def traced():
        with open(f"/proc/{p.pid}/task/{p.pid}/children") as f:
            return [int(pid) for pid in f.read().split()]
    wait_until(lambda: traced() or p.poll() is not None, 10, p.output)
    assert p.poll() is None, p.output()
    return p, trace, lambda: traced()[0]


def test_system_calls_suffice(net):
    """A whole life of both, with what the units leave them, uses no other calls."""
    lab = Small(net, boxes=("box1",))
    box = lab.box("box1")
    box.ns.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    box.configure(("web-cache", "password = secret"))
    box.wccpd, box_trace, box_pid = in_sandbox(
        net, box.ns, "wccpd", [program("wccpd"), "-f", box.conf])
    conf = lab.write_router_conf(("web-cache", "password = secret"))
    lab.wccprouter, router_trace, router_pid = in_sandbox(
        net, lab.router, "wccprouter", [program("wccprouter"), "-f", conf])
    lab.wait_served(["box1"])
    os.kill(box_pid(), signal.SIGHUP)
    wait_until(lambda: "is in force" in box.log(), 10, box.log)
    for words in (("show",), ("explain", "10.3.0.2", "10.9.1.1:80"),
                  ("show", "problems")):
        ask("wccpctl", os.path.join(net.tmpdir, "box1.sock"), "-j", *words)
    box.instance.kill()
    wait_until(lambda: lab.share(box.name) == 0, 10, box.log)
    os.kill(box_pid(), signal.SIGTERM)
    os.kill(router_pid(), signal.SIGTERM)
    assert box.wccpd.wait(20) == 0 and lab.wccprouter.wait(10) == 0
    assert "Read-only" not in box.log() and "not permitted" not in box.log()
    for name, trace in (("wccpd", box_trace), ("wccprouter", router_trace)):
        calls = used(trace)
        assert len(calls) > 20
        assert calls <= allowed(name), calls - allowed(name)
