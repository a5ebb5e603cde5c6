# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter -x: scenarios, those that are installed as examples among them, against
the real wccpd."""

import os
import re
import signal

import pytest

from netns import program, wait_until
from small import ADDRESSES, Small

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOX1, BOX2 = ADDRESSES.values()
WEB = ("web-cache", "assign = { hash }")


@pytest.fixture
def small(net):
    return Small(net)


def write(small, text):
    path = os.path.join(small.net.tmpdir, "test.scenario")
    with open(path, "w") as f:
        f.write(text)
    return path


def example(small, name):
    """An installed file, with the addresses that are here; T is not 10 s but 0.5 s."""
    with open(os.path.join(TOP, "conf/scenarios", name)) as f:
        text = re.sub(r" for [23]0s$", " for 1s", f.read(), flags=re.M)
    return write(small, text.replace("10.0.1.2", BOX1).replace("10.0.2.2", BOX2))


def start(small, path, boxes, *services):
    for box in small.boxes[:boxes]:
        box.configure(("web-cache", ""))
    small.start_router(*services or (WEB,), options=("-x", path))
    for box in small.boxes[:boxes]:
        box.start()
    return small.wccprouter


def lines(router):
    """What the scenario says: (line, verdict, rest)."""
    return re.findall(r"^\S+\.scenario:(\d+): (ok|done|FAILED): (.*)$", router.output(),
                      re.M)


def told(small):
    return small.wccprouter.output() + "".join(b.log() for b in small.boxes if b.wccpd)


@pytest.mark.parametrize("name, steps", [("member", 20), ("bad-router", 34)])
def test_one_box(small, name, steps):
    path = example(small, name + ".scenario")
    router = start(small, path, 1)
    assert router.wait(60) == 0, told(small)
    said = lines(router)
    assert len(said) == steps and {v for _, v, _ in said} == {"ok", "done"}
    assert f"{path}: {steps} steps, 0 failed\n" in router.output()
    assert "event=stopped" in router.output()


def test_a_pair(small):
    router = start(small, example(small, "pair.scenario"), 2)
    wait_until(lambda: f"ok: expect service web-cache buckets {BOX2} 128" in
               router.output(), 30, lambda: told(small))
    small.boxes[1].wccpd.kill()
    assert router.wait(30) == 0, told(small)


def test_what_is_not_met(small):
    """It is said, with what is so instead, and the exit code tells."""
    path = write(small, f"""
expect client {BOX1} usable within 30s
expect client {BOX2} usable within 200ms
expect no client {BOX1} for 1s
expect message redirect-assign from {BOX2} within 100ms
expect no message here-i-am from {BOX1} for 10s
group-list web-cache 300.1.1.1
wait 100ms
require service web-cache buckets {BOX1} 3
shut web-cache
expect no client {BOX1}
""")
    router = start(small, path, 1)
    assert router.wait(30) == 1, told(small)
    said = lines(router)
    assert [(int(n), v) for n, v, _ in said] == [
        (2, "ok"), (3, "FAILED"), (4, "FAILED"), (5, "FAILED"), (6, "FAILED"),
        (7, "FAILED"), (8, "done"), (9, "FAILED")], router.output()
    assert re.fullmatch(rf"expect client {BOX2} usable within 200ms \(0\.\d s\): service "
                        rf"web-cache is (not )?assigned and has {BOX1} usable",
                        said[1][2]), said
    assert said[3][2].endswith(": there was none")
    assert said[4][2].endswith(": there was one")
    assert said[5][2].endswith(": group-list: 300.1.1.1 is not an address or prefix")
    assert f"{path}: 10 steps, 6 failed, 2 not carried out" in router.output()


def test_times(small):
    """wait and at, without any web-cache."""
    path = write(small, "at 300ms\nwait 200ms\nat 100ms\nexpect service web-cache clients 0\n"
                        "expect no service web-cache assigned for 300ms\n")
    router = start(small, path, 0)
    assert router.wait(10) == 0, router.output()
    times = [float(re.search(r"\((.*) s\)", rest)[1]) for _, _, rest in lines(router)]
    assert [round(t, 1) for t in times[:2]] == [0.3, 0.2] and times[2:4] == [0, 0]
    assert times[4] == 0.3


def test_stopped_before_its_end(small):
    router = start(small, write(small, "wait 1h\n"), 0)
    router.send_signal(signal.SIGTERM)
    assert router.wait(10) == 1
    assert "1 steps, 0 failed, 1 not carried out" in router.output()


def test_bad_files(small):
    small.start_router(WEB)
    small.wccprouter.stop()
    conf = os.path.join(small.net.tmpdir, "router.conf")

    def run(text, *options):
        path = write(small, text)
        done = small.router.run(program("wccprouter"), "-f", conf, *options, "-x", path,
                                check=False)
        return path, done
    path, done = run("wait 1s\nexpect clown 10.0.0.5\n", "-n")
    assert (done.returncode, done.stderr) == (
        1, f'{path}:2: "clown": client, service or message?\n')
    path, done = run("shut web-cache\nfollow 10.0.0.5\n")
    assert done.returncode == 1 and f'{path}:2: "follow" is neither' in done.stderr
    path, done = run("expect service 99 assigned\n")
    assert done.returncode == 1
    assert f'{path}:1: no service "99" is configured' in done.stderr
    path, done = run("wait 1s\n", "-n")
    assert done.returncode == 0 and f"{path}: 1 steps\n" in done.stdout


def test_the_manual(small):
    """What it prints as examples is read, and so are the configurations there."""
    with open(os.path.join(TOP, "doc/wccprouter-scenario.5")) as f:
        blocks = re.findall(r"\.Bd -literal.*?\n(.*?)\.Ed", f.read(), re.S)
    scenarios = [b for b in blocks if b.startswith("require ")]
    confs = [b for b in blocks if b.startswith("router-id ")]
    assert len(scenarios) == 1 and len(confs) == 2
    conf = os.path.join(small.net.tmpdir, "manual.conf")
    for text in confs:
        with open(conf, "w") as f:
            f.write(text)
        done = small.router.run(program("wccprouter"), "-n", "-f", conf,
                                "-x", write(small, scenarios[0]))
        assert "6 steps" in done.stdout
