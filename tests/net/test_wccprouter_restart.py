# SPDX-License-Identifier: GPL-2.0-or-later
"""What wccprouter has put into the kernel outlives it: when it is killed or restarted in
place, packets go to the same web-caches as before until these have joined again."""

import os

import pytest

from flows import broken, open_flows
from netns import pins, program, run, wait_until
from pins_lab import PinsLab, all_answered

SERVERS = [f"10.9.3.{i}" for i in range(1, 65)]
NAMES = [f"box{b}{s}" for b in (1, 2) for s in ("", "-s2", "-s3", "-s4")]


def start_again(lab, **kw):
    conf = os.path.join(lab.net.tmpdir, "router.conf")
    lab.wccprouter = lab.router.popen([program("wccprouter"), "-f", conf], log="router", **kw)
    wait_until(lab.show, 10, lambda: lab.wccprouter.output())


def wccprouter(lab, *words, **kw):
    return run(program("wccprouter"), "-s", os.path.join(lab.net.tmpdir, "router.sock"),
               *words, **kw)


def replaced(lab, owners, n=1):
    wait_until(lambda: lab.wccprouter.output().count(
        "the table of the process before is replaced") == n, 30,
        lambda: lab.wccprouter.output())
    assert lab.owners() == owners


def redirected(lab):
    return lab.show()["services"][0]["packets"]["redirected"]


@pytest.mark.parametrize("more", ["", "assign = { mask }"], ids=["hash", "mask"])
def test_killed_and_started(net, more):
    lab = PinsLab(net, more=more)
    owners, had = lab.owners(), redirected(lab)
    with open_flows(lab, SERVERS, NAMES) as flows, lab.probing() as found:
        if more:
            wccprouter(lab, "stop", "keep")
        else:
            lab.wccprouter.kill()
        assert lab.wccprouter.wait(10) == (0 if more else -9)
        assert len(lab.takers(50)) == 50
        start_again(lab)
        assert "is adopted from" in lab.wccprouter.output()
        replaced(lab, owners)
        assert broken(flows, "alive") == []
    all_answered(found)
    assert redirected(lab) >= had + found["sent"]


def test_in_place_and_by_another_layout(net):
    lab = PinsLab(net)
    pid, owners = lab.wccprouter.pid, lab.owners()
    with open_flows(lab, SERVERS, NAMES) as flows, lab.probing() as found:
        wccprouter(lab, "upgrade")
        replaced(lab, owners)
        assert lab.wccprouter.poll() is None and lab.wccprouter.pid == pid
        lab.wccprouter.kill()
        lab.wccprouter.wait()
        start_again(lab, env={**os.environ, "WCCPD_TEST_LAYOUT": "1"})
        assert "build with another layout" in lab.wccprouter.output()
        replaced(lab, owners)
        assert broken(flows, "alive") == []
    all_answered(found)
    # The old process goes on if the configuration is bad.
    with open(os.path.join(net.tmpdir, "router.conf"), "a") as f:
        f.write("nonsense = 1\n")
    done = wccprouter(lab, "upgrade", check=False)
    assert done.returncode and "nonsense" in done.stderr
    assert lab.show()


def test_nothing_is_left(net):
    lab = PinsLab(net, t_ms=500, boxes=("box1",))
    assert lab.wccprouter.stop() == 0
    lab.router.run("ethtool", "-K", "client", "gro", "on")
    clean = lab.router.state()
    offloads = lab.router.run("ethtool", "-k", "client").stdout
    start_again(lab)
    lab.wait_shares(256, timeout=30)
    assert lab.router.run("ethtool", "-k", "client").stdout != offloads
    lab.wccprouter.kill()
    lab.wccprouter.wait()
    assert len(pins(lab.router.inode)) == 1
    start_again(lab)
    assert lab.wccprouter.stop() == 0
    assert lab.router.state() == clean
    assert lab.router.run("ethtool", "-k", "client").stdout == offloads
