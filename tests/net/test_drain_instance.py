# SPDX-License-Identifier: GPL-2.0-or-later
"""One instance is taken out of service and comes back, at an operator's word: what it has
open goes on, nothing new is given to it, and that outlives the daemon.  Every connection
is accounted for (ledger.py)."""

import os
import signal
import subprocess

import pytest

from ledger import Ledger
from netns import program, wait_until
from small import HERE, PYTHON, Small
from test_drain import all_well, control

BOTH = {"box1", "second"}


class Pair:
    """A box with two instances: s1, which says "box1", and s2, which says "second"."""

    def __init__(self, net, boxes=("box1",), t=500):
        self.lab = Small(net, boxes=boxes, origin=True)
        self.lab.start_router("web-cache")
        for box in self.lab.boxes:
            box.configure(("web-cache", ""), drain_time=20)
        self.box = self.lab.boxes[0]
        self.second = self.listen()
        self.box.ns.popen([*PYTHON, os.path.join(HERE, "check_ok.py"), "4202"],
                          log="second.check", cwd=net.tmpdir)
        with open(self.box.conf, "r+") as f:
            text = f.read().replace(
                "    instance s1", "    listen = { 3128 }\n"
                '    instance s2 { port = 3130  check = "127.0.0.1:4202" }\n'
                "    instance s1").replace("transmit-t = 500", f"transmit-t = {t}")
            f.seek(0)
            f.write(text)
        for box in self.lab.boxes:
            box.start()
        self.await_state("s2", "up")
        self.lab.wait_shares(*[256 // len(boxes)] * len(boxes))

    def listen(self):
        process = self.box.ns.popen(
            [*PYTHON, os.path.join(HERE, "dp_listener.py"), "second", "3130"], log="second")
        wait_until(lambda: self.box.ns.listens(3130), 10, "the second instance")
        return process

    def instance(self, name):
        shown = self.box.show()
        return shown and next(i for i in shown["pools"][0]["instances"]
                              if i["name"] == name)

    def await_state(self, name, *states):
        wait_until(lambda: (self.instance(name) or {}).get("state") in states, 15,
                   lambda: f"{self.instance(name)}\n{self.box.log()}")

    def new_ones_go_to(self, by):
        self.lab.wait_served(by)


@pytest.fixture(name="pair")
def fixture_pair(net):
    return Pair(net)


def test_drained_and_enabled(net):
    pair = Pair(net, t=2000)  # a restart on a busy machine takes more than 1.5 s
    with Ledger(pair.lab) as ledger:
        kept = ledger.open(48)
        assert {k.by for k in kept} == BOTH
        assert control(pair.box, "drain", "web/s2")
        pair.new_ones_go_to({"box1"})
        pair.await_state("s2", "draining")
        assert pair.instance("s2")["reason"] == "wccpctl drain"
        # The same process has the port for `listen`.
        assert [(p["name"], p["healthy"]) for p in pair.box.show()["pools"]] == [
            ("web", 1), ("web-listen", 1)]
        # It outlives a reload, a restart in place and the death of the daemon.
        pair.box.wccpd.send_signal(signal.SIGHUP)
        wait_until(lambda: "in force" in pair.box.log(), 5, pair.box.log)
        assert control(pair.box, "restart")
        wait_until(lambda: "restarting" in pair.box.log(), 5, pair.box.log)
        pair.await_state("s2", "draining")
        pair.new_ones_go_to({"box1"})
        wait_until(lambda: pair.box.state() == "assigned", 10, pair.box.log)
        pair.box.kill()
        pair.box.start()
        pair.await_state("s2", "draining")
        pair.await_state("s1", "up")
        pair.new_ones_go_to({"box1"})
        assert control(pair.box, "enable", "web/s2")
        pair.new_ones_go_to(BOTH)
    all_well(ledger)
    assert not ledger.by["origin"], ledger.by


def test_maintenance(pair):
    with Ledger(pair.lab) as ledger:
        kept = ledger.open(48)
        assert control(pair.box, "maintenance", "web/s2")
        pair.new_ones_go_to({"box1"})
        ledger.close([k for k in kept if k.by == "second"])
        pair.second.kill()
        pair.second.wait()
        wait_until(lambda: pair.instance("s2")["pid"] == 0, 5, pair.box.log)
        pair.await_state("s2", "maintenance")
        # With a problem, the exit status would be 1.
        assert control(pair.box, "show", "problems")
        assert "s2 is absent" not in pair.box.log()
        pair.listen()
        assert control(pair.box, "enable", "web/s2")
        pair.await_state("s2", "up")
        pair.new_ones_go_to(BOTH)
    all_well(ledger)
    assert not ledger.by["origin"], ledger.by


def test_the_only_one_of_a_box(net):
    pair = Pair(net, boxes=("box1", "box2"))
    with Ledger(pair.lab) as ledger:
        ledger.open(64)
        assert control(pair.box, "drain", "web/s1")
        assert control(pair.box, "drain", "web/s2")
        # That is a drain of the box: others get its share, open connections stay.
        pair.lab.wait_shares(0, 256, timeout=20)
        assert control(pair.box, "enable", "web/s1")
        pair.lab.wait_served({"box1", "box2"})
    all_well(ledger)
    assert not ledger.by["origin"], ledger.by


def roll(pair, *words, seconds=20):
    return subprocess.Popen(
        [program("wccpctl"), "-s", f"{pair.lab.net.tmpdir}/box1.sock", "-t", str(seconds),
         "rolling-restart", *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def restart_when_asked(pair, name):
    """The command makes a file of that name, and ends when it is gone."""
    asked = os.path.join(pair.lab.net.tmpdir, name)
    wait_until(lambda: os.path.exists(asked), 15, pair.box.log)
    old = pair.second if name == "s2" else pair.box.instance
    assert pair.instance(name)["open"] == 0
    old.send_signal(signal.SIGUSR1)  # closes its listener ...
    old.kill()
    old.wait()
    if name == "s2":
        pair.listen()
    else:
        pair.box.ns.popen([*PYTHON, os.path.join(HERE, "dp_listener.py"), "box1", "3129"],
                          log="again")
    os.unlink(asked)


def test_rolling_restart(pair):
    asks = ("sh", "-c", 'touch "$0"; while [ -e "$0" ]; do sleep 0.05; done',
            pair.lab.net.tmpdir + "/{}")
    with Ledger(pair.lab) as ledger:
        kept = ledger.open(16)
        rolling = roll(pair, "web", "--", *asks)
        wait_until(lambda: pair.instance("s2").get("open"), 10, pair.box.log)
        assert pair.instance("s2")["open"] >= len([k for k in kept if k.by == "second"])
        ledger.close(list(kept))
        for name in ("s2", "s1"):
            restart_when_asked(pair, name)
        text, _ = rolling.communicate(timeout=20)
        assert rolling.returncode == 0 and text == "web/s2 is back\nweb/s1 is back\n", text
        pair.new_ones_go_to(BOTH)
    all_well(ledger)
    assert not ledger.by["origin"], ledger.by


def test_rolling_restart_stops_at_the_first(pair):
    for words, status, says in (
            (("web", "false"), 1, "web/s2 takes connections again"),
            (("web", "/no/such"), 1, "No such file"),
            (("other", "true"), 1, "there is no pool other"), (("web",), 2, "usage")):
        rolling = roll(pair, *words)
        text, _ = rolling.communicate(timeout=20)
        assert rolling.returncode == status and says in text, text
    pair.new_ones_go_to(BOTH)
    rolling = roll(pair, "web", "--", "kill", str(pair.second.pid), seconds=1)
    text, _ = rolling.communicate(timeout=20)
    assert rolling.returncode == 1 and "it stays drained" in text, text
    assert "0 of 2 done" in text and pair.instance("s1")["state"] == "up"
    rolling = roll(pair, "web", "true")
    text, _ = rolling.communicate(timeout=20)
    assert rolling.returncode == 1 and "all have to be up" in text, text


def test_names_that_do_not_exist(pair):
    for words in (("drain", "web/s3"), ("drain", "other/s1"), ("enable", "/"),
                  ("maintenance",), ("maintenance", "web")):
        assert control(pair.box, *words) is None, words
    pair.new_ones_go_to(BOTH)


def test_what_a_restart_hands_on_may_be_anything(net):
    """It comes in the environment, which others can have set."""
    lab = Small(net, boxes=("box1",))
    lab.start_router("web-cache")
    box = lab.boxes[0]
    box.configure(("web-cache", ""))
    box.start("env", "WCCPD_WANTED=7 web/s1\n1\n2 no/such\nweb/s1")
    lab.wait_served({"box1"})
    assert box.show()["pools"][0]["instances"][0]["state"] == "up"
