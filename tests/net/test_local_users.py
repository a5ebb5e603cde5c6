# SPDX-License-Identifier: GPL-2.0-or-later
"""What users without rights on a box can do to wccpd: nothing.

WCCPD_LOCAL_USERS=long takes the numbers of sockets that an attacker would.
"""

import os
import time

import pytest

from netns import program, wait_until
from small import HERE, PYTHON, ask

LONG = os.environ.get("WCCPD_LOCAL_USERS") == "long"
MOST_CPU = 3  # per cent of one processor
PORT = 3129

CONF = """
address = 10.6.0.2
interface = eth0
control = "{dir}/box.sock"
pool web {{
    interval = 1000
    rise = 1
    instance s1 {{ port = 3129  check = "127.0.0.1:4201" }}
}}
service web-cache {{
    pool = web
    routers = {{ 10.6.0.1 }}
}}
"""


class Box:
    """One box, without a router."""

    def __init__(self, net):
        self.net, self.ns = net, net.namespace("box")
        net.veth(self.ns, "eth0", "10.6.0.2/24", self.ns, "eth1", None)
        self.ns.popen([*PYTHON, os.path.join(HERE, "check_ok.py"), "4201"], log="check",
                      cwd=net.tmpdir)
        self.ns.sysctl("net.core.somaxconn", 16)

    def start_instance(self):
        self.instance = self.ns.popen(
            [*PYTHON, os.path.join(HERE, "dp_listener.py"), "s1", str(PORT),
             "--at=127.0.0.1"], log="instance")

    def start_wccpd(self):
        conf = os.path.join(self.net.tmpdir, "box.conf")
        with open(conf, "w") as f:
            f.write(CONF.format(dir=self.net.tmpdir))
        self.wccpd = self.ns.popen([program("wccpd"), "-f", conf], log="wccpd")

    def start_stranger(self, *argv):
        p = self.ns.popen(
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *PYTHON,
             os.path.join(HERE, "stranger.py"), *argv], log="stranger")
        wait_until(lambda: "ready" in p.output() or p.poll() is not None, 60, p.output)
        assert p.poll() is None, p.output()

    def state(self):
        shown = ask("wccpctl", os.path.join(self.net.tmpdir, "box.sock"), "-j", "show")
        return shown and shown["pools"][0]["instances"][0]["state"]

    def wait_up(self, timeout=10):
        wait_until(lambda: self.state() == "up", timeout, self.wccpd.output)

    def cpu(self, seconds=3):
        """Of wccpd, in per cent of one processor."""
        def used():
            with open(f"/proc/{self.wccpd.pid}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        began, before = time.monotonic(), used()
        wait_until(lambda: time.monotonic() - began > seconds, seconds + 5, "time passes",
                   interval=0.2)
        return 100 * (used() - before) / (time.monotonic() - began)


@pytest.mark.parametrize("who", [
    ["listen", "20000", "1", "19000" if LONG else "3000"],
    ["flap", str(PORT), "80000" if LONG else "10000"],
    ["listen", str(PORT), "600", "1"],
], ids=["many-ports", "flapping", "same-port"])
def test_listeners_of_others(net, who):
    """They cost little, and the instance, which comes later, is found and served."""
    box = Box(net)
    box.start_stranger(*who)
    box.start_wccpd()
    wait_until(lambda: box.state() == "absent", 10, box.wccpd.output)
    box.start_instance()
    box.wait_up()
    used = box.cpu(10 if LONG else 3)
    print(f"CPU {used:.1f} %")
    assert used < MOST_CPU
    box.instance.kill()
    wait_until(lambda: box.state() == "absent", 10, box.wccpd.output)
