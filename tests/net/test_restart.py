# SPDX-License-Identifier: GPL-2.0-or-later
"""wccpd is restarted without leaving its routers: in place, by a stop that keeps what is in
the kernel, in any order with kills, upgrades and reloads.  Nothing pays for it.

PINS_EVENTS is how many events the last test has (1000 in the long form)."""

import os
import random
import re
import shutil
import subprocess

import pytest

from flows import broken, open_flows
from netns import build_dir, pins, program, run, wait_until
from pins_lab import INSTANCES, PinsLab, all_answered

SERVERS = [f"10.9.3.{i}" for i in range(1, 65)]
NAMES = [f"box{b}{s}" for b in (1, 2) for s in ("", "-s2", "-s3", "-s4")]
EVENTS = int(os.environ.get("PINS_EVENTS", "8"))


@pytest.fixture
def lab(net):
    yield PinsLab(net)


def wccpctl(lab, box, *words):
    return run(program("wccpctl"), "-s", os.path.join(lab.net.tmpdir, box.name + ".sock"),
               *words, check=False)


def starts(box):
    return box.log().count("event=started")


def restart(lab, box, ask):
    n = starts(box)
    ask()
    wait_until(lambda: starts(box) == n + 1, 20, box.log)
    lab.wait_up(box)


def by_command(lab, box):
    done = wccpctl(lab, box, "restart")
    assert done.returncode == 0, done.stderr


def heard_goodbye(lab, box):
    return [line for line in lab.wccprouter.output().splitlines()
            if "event=service-lost" in line and f"peer={box.address}" in line]


def test_in_place(lab):
    one = lab.boxes[0]
    pid, owners, before = one.wccpd.pid, lab.owners(), lab.takers()
    with open_flows(lab, SERVERS, NAMES) as flows, lab.probing() as found:
        restart(lab, one, lambda: by_command(lab, one))
        restart(lab, one, lambda: one.wccpd.send_signal(12))  # SIGUSR2
        # The table is sent again at the most, and is the same.
        assert broken(flows, "alive") == []
    all_answered(found)
    assert one.show() and one.wccpd.poll() is None and one.wccpd.pid == pid
    assert lab.owners() == owners and lab.takers() == before
    assert heard_goodbye(lab, one) == []
    for line in re.findall(r"event=assignment-sent.*", one.log())[1:]:
        assert "0 buckets move" in line
    # What an operator has asked for holds.
    assert wccpctl(lab, one, "drain").returncode == 0
    wait_until(lambda: lab.share("box1") == 0, 20, one.log)
    n = starts(one)
    by_command(lab, one)
    wait_until(lambda: starts(one) == n + 1 and one.show(), 20, one.log)
    wait_until(lambda: one.show()["services"][0]["drain"]["state"] != "off", 10, one.log)
    assert wccpctl(lab, one, "enable").returncode == 0
    wait_until(lambda: lab.share("box1") == 128, 20, one.log)
    assert one.wccpd.stop() == 0
    assert pins(one.ns.inode) == []
    assert heard_goodbye(lab, one)


def test_it_goes_on_when_it_cannot(net):
    lab = PinsLab(net, t_ms=500, boxes=("box1",))
    one = lab.boxes[0]
    assert one.wccpd.stop() == 0
    own = os.path.join(net.tmpdir, "wccpd")
    shutil.copy(os.path.join(build_dir(), "wccpd"), own)
    one.wccpd = one.ns.popen([own, "-f", one.conf, "-d"], log="own")
    lab.wait_up(one)
    with open(one.conf) as f:
        good = f.read()
    with open(one.conf, "w") as f:
        f.write(good + "nonsense = 1\n")
    done = wccpctl(lab, one, "restart")
    assert done.returncode == 1 and "nonsense" in done.stderr, done.stderr
    os.rename(own, own + ".away")
    done = wccpctl(lab, one, "restart")
    assert done.returncode == 1 and "No such file" in done.stderr, done.stderr
    with open(one.conf, "w") as f:
        f.write(good)
    assert wccpctl(lab, one, "restart").returncode == 1
    assert starts(one) == 1 and one.show()
    os.rename(own + ".away", own)
    restart(lab, one, lambda: by_command(lab, one))


def exec_stop(tmpdir, job):
    """The unit's ExecStop, with a systemctl that lists this job of it."""
    with open(os.path.join(build_dir(), "conf/wccpd.service")) as f:
        line = re.search(r"^ExecStop=-/bin/sh -c '(.*)'$", f.read(), re.M)[1]
    called = os.path.join(tmpdir, "called")
    for name, text in (("systemctl", f"echo '7 wccpd.service {job} running'"),
                       ("wccpctl", f'echo "$@" >>{called}')):
        path = os.path.join(tmpdir, name)
        with open(path, "w") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
    line = re.sub(r"\S*/wccpctl", os.path.join(tmpdir, "wccpctl"), line)
    subprocess.run(["sh", "-c", line.replace("%n", "wccpd.service")], check=True,
                   env={"PATH": f"{tmpdir}:{os.environ['PATH']}"})
    if not os.path.exists(called):
        return None
    with open(called) as f:
        return f.read().strip()


def test_stop_keep(lab):
    one = lab.boxes[0]
    owners = lab.owners()
    with lab.probing() as found:
        assert wccpctl(lab, one, "stop", "keep").returncode == 0
        assert one.wccpd.wait(10) == 0
        assert "routers were not told" in one.log()
        assert len(pins(one.ns.inode)) == 1
        one.start()
        lab.wait_up(one)
    all_answered(found)
    assert lab.owners() == owners and heard_goodbye(lab, one) == []
    assert exec_stop(lab.net.tmpdir, "stop") is None
    assert exec_stop(lab.net.tmpdir, "restart") == "stop keep"
    # Without the word it is a stop like any other.
    assert wccpctl(lab, one, "stop").returncode == 0
    assert one.wccpd.wait(20) == 0
    assert pins(one.ns.inode) == []


class Events:
    def __init__(self, lab, box):
        self.lab, self.box, self.layout = lab, box, 0

    def kill(self):
        self.box.kill()
        self.box.start(env=self.env())
        self.lab.wait_up(self.box)

    def upgrade(self):
        self.layout += 1
        self.kill()

    def restart(self):
        restart(self.lab, self.box, lambda: by_command(self.lab, self.box))

    def keep(self):
        wccpctl(self.lab, self.box, "stop", "keep")
        assert self.box.wccpd.wait(10) == 0
        self.box.start(env=self.env())
        self.lab.wait_up(self.box)

    def reload(self):
        assert wccpctl(self.lab, self.box, "reload").returncode == 0

    def env(self):
        return {**os.environ, "WCCPD_TEST_LAYOUT": str(self.layout)}

    def figures(self):
        """Memory in kB, descriptors, pins."""
        pid = self.box.wccpd.pid
        with open(f"/proc/{pid}/status") as f:
            memory = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
        return (memory, len(os.listdir(f"/proc/{pid}/fd")),
                len(os.listdir(pins(self.box.ns.inode)[0])))


def test_any_order(lab):
    one = lab.boxes[0]
    events = Events(lab, one)
    names = ["kill", "upgrade", "restart", "keep", "reload"]
    seed = random.randrange(1 << 32)
    order = names + random.Random(seed).choices(names, k=EVENTS)
    print("seed", seed)
    owners, before, seen = lab.owners(), lab.takers(60), []
    with open_flows(lab, SERVERS, NAMES) as flows, lab.probing() as found:
        for name in order[:EVENTS]:
            getattr(events, name)()
            seen.append(events.figures())
        assert broken(flows, "alive") == []
    all_answered(found)
    assert lab.takers(60) == before and lab.owners() == owners
    print(seen)
    assert len({pinned for _, _, pinned in seen}) == 1
    assert max(fds for _, fds, _ in seen) <= min(fds for _, fds, _ in seen) + 8
    assert max(kb for kb, _, _ in seen) < 1.3 * min(kb for kb, _, _ in seen) + 4096
    assert {i["name"] for i in one.show()["pools"][0]["instances"]} == set(INSTANCES)
