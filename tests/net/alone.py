# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine alone, with real Squids, as the demo shows it.

    250 clients 10.6.0.2 ... -- box 10.6.0.1 -- origin 10.6.1.2
                                four Squids, wccpd

The clients have 10.6.0.1:3128 as their proxy.
"""

import os
import signal
import subprocess
import time

from lab import Load, Squid
from loss import monotonic, was_opened
from netns import program, wait_until
from small import ask

CLIENTS = [f"10.6.0.{n}" for n in range(2, 252)]
NAMES = ("p1", "p2", "p3", "p4")

CONF = """
control = "{sock}"
pool web {{
    listen = {{ 3128 }}
{instances}
}}
"""

SQUID = """\
http_port 127.0.0.1:{port}
server_persistent_connections off
cache deny all
"""


class Alone:
    def __init__(self, net):
        self.net, self.dir = net, os.path.join(net.tmpdir, "squids")
        os.mkdir(self.dir)
        subprocess.run(["chgrp", "proxy", self.dir], check=True)
        os.chmod(self.dir, 0o775)
        self.client, self.box = net.namespace("client"), net.namespace("box")
        self.origin = net.namespace("origin")
        net.veth(self.client, "eth0", "10.6.0.2/24", self.box, "eth0", "10.6.0.1/24")
        net.veth(self.origin, "eth0", "10.6.1.2/24", self.box, "eth1", "10.6.1.1/24")
        for address in CLIENTS[1:]:
            self.client.address("eth0", address + "/24")
        self.sock = os.path.join(net.tmpdir, "wccpd.sock")
        self.squids = {}
        for i, name in enumerate(NAMES, 1):
            self.squids[name] = s = Squid(self, self.box, name, name,
                                          SQUID.format(port=4200 + i))
            s.port = 4200 + i
            net.finally_do(s.tidy)
        self.dead = []  # (since, until) of what was killed

    def start(self):
        """Returns how long wccpd took."""
        self.origin.popen([program("tests/bench/answer"), "0.0.0.0:80"], log="origin")
        for name in NAMES:
            self.squids[name].start()
        for s in self.squids.values():
            wait_until(s.ready, 30, f"{s.name} is ready")
        self.before = self.box.state()
        conf = os.path.join(self.net.tmpdir, "wccpd.conf")
        with open(conf, "w") as f:
            f.write(CONF.format(sock=self.sock, instances="\n".join(
                f'    instance {name} {{ check = "127.0.0.1:{s.port}" }}'
                for name, s in self.squids.items())))
        begun = time.monotonic()
        self.wccpd = self.box.popen([program("wccpd"), "-f", conf], log="wccpd")
        self.wait_up(*NAMES)
        return time.monotonic() - begun

    def instances(self):
        shown = ask("wccpctl", self.sock, "-j", "show")
        return shown["pools"][0]["instances"] if shown else []

    def wait_up(self, *names):
        wait_until(lambda: [i["name"] for i in self.instances() if i["state"] == "up"] ==
                   list(names), 20, lambda: f"{names} are up: {self.instances()}")

    def start_squid(self, name):
        self.squids[name].start()
        self.wait_up(*NAMES)

    def kill(self, name):
        s = self.squids[name]
        since = monotonic()
        s.process.send_signal(signal.SIGKILL)
        s.process.wait()
        self.dead.append((since, monotonic()))
        s.tidy()

    def start_load(self):
        argv = [program("tests/net/wload"), "-n", "16", "-r", "400", "-x", "10.6.0.1:3128"]
        for address in CLIENTS:
            argv += ["-b", address]
        self.load = Load(self, [*argv, "http://10.6.1.2/%u"], "load")

    def more(self, count):
        self.load.wait_whole(count)

    def answered(self):
        return self.load.snapshot()["whole"]

    def spread(self):
        """Connections that the kernel has given to each."""
        return {i["name"]: i["given"] for i in self.instances()}

    def account(self):
        """(failures, lost in flight): a connection that was open in a process dies with
        it; of everything else nothing may fail."""
        failed = self.load.lines("failed")
        lost = [r for r in failed if was_opened(r) and
                any(r["t_start"] <= until and r["t_end"] >= since
                    for since, until in self.dead)]
        return [r for r in failed if r not in lost], lost

    def finish(self):
        """(totals, failures, lost in flight, what is left behind)."""
        total = self.load.finish()[0]
        failed, lost = self.account()
        code = self.wccpd.stop()
        left = [f"exit code {code}"] if code else []
        return total, failed, lost, left + sorted(set(self.box.state()) ^ set(self.before))
