# SPDX-License-Identifier: GPL-2.0-or-later
"""The small laboratory with boxes of several instances, and clients that notice each SYN
that is not answered."""

import contextlib
import json
import os
import signal
import socket
import sys

from netns import wait_until
from small import CLIENT, HERE, PYTHON, Small

INSTANCES = ("s1", "s2", "s3", "s4")


class PinsLab(Small):
    def __init__(self, net, more="", t_ms=2000, **kw):
        """`more`: of the service, in the configuration of the boxes.  `t_ms`: T; a member is
        removed after three times that, so it must be slow enough for a start on a busy
        machine where the group is to last."""
        super().__init__(net, **kw)
        self.more, self.t_ms = more, t_ms
        self.start_router("web-cache")
        for box in self.boxes:
            for i, name in list(enumerate(INSTANCES))[1:]:
                box.ns.popen([*PYTHON, os.path.join(HERE, "dp_listener.py"),
                              f"{box.name}-{name}", str(3129 + i)],
                             log=f"{box.name}.{name}.instance")
                box.ns.popen([*PYTHON, os.path.join(HERE, "check_ok.py"), str(4201 + i)],
                             log=f"{box.name}.{name}.check", cwd=net.tmpdir)
            for i in range(1, len(INSTANCES)):
                wait_until(lambda b=box, i=i: b.ns.listens(3129 + i) and
                           b.ns.listens(4201 + i), 10, "the instances listen")
            self.configure(box)
            box.start()
        shares = [(64 if "mask" in more else 256) // len(self.boxes)] * len(self.boxes)
        self.wait_shares(*shares, timeout=30)
        self.wait_up(*self.boxes)

    def configure(self, box, top=""):
        box.configure(("web-cache", self.more))
        with open(box.conf) as f:
            text = f.read()
        one = 'instance s1 { port = 3129  check = "127.0.0.1:4201" }'
        assert one in text and "transmit-t = 500" in text
        text = text.replace("transmit-t = 500", f"transmit-t = {self.t_ms}")
        many = "\n".join(one.replace("s1", name).replace("3129", str(3129 + i))
                         .replace("4201", str(4201 + i))
                         for i, name in enumerate(INSTANCES))
        with open(box.conf, "w") as f:
            f.write(top + "\n" + text.replace(one, many))

    def wait_up(self, *boxes):
        def up(box):
            shown = box.show()
            return shown and shown["pools"][0]["healthy"] == len(INSTANCES) and \
                shown["services"][0]["routers"][0]["state"] == "assigned"
        for box in boxes:
            wait_until(lambda b=box: up(b), 20, box.log)

    def takers(self, n=200):
        """Who takes each of `n` connections that differ in address and port."""
        found = {}
        for i in range(n):
            server = (f"10.9.{i % 7}.{i}", 80)
            with self.client.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                s.settimeout(3)
                s.bind((CLIENT, 20000 + i))
                s.connect(server)
                found[i] = s.recv(100).split()[0].decode()
        return found

    @contextlib.contextmanager
    def probing(self, per_second=500):
        """SYNs all the time; `found` gets what syn_probe.py says."""
        probe = self.client.popen([sys.executable, "-s", os.path.join(HERE, "syn_probe.py"),
                                   CLIENT, str(per_second)], log="probe")
        found = {}
        try:
            yield found
        finally:
            probe.send_signal(signal.SIGTERM)
            probe.wait(20)
            found.update(json.loads(probe.output()))


def all_answered(found, blackout_ms=5):
    assert found["sent"] > 100
    assert found["blackout_ms"] <= blackout_ms, found
    assert found["sent"] == found["answered"], found
