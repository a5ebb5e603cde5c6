# SPDX-License-Identifier: GPL-2.0-or-later
"""A laboratory for pools that listen: no router, no service.

    client 10.5.0.2 ------ box 10.5.0.1     instances with plain ports, wccpd
           2001:db8:5::2       2001:db8:5::1
"""

import os
import re
import socket
import sys

from netns import program, wait_until
from small import HERE, ask

BOX, CLIENT = "10.5.0.1", "10.5.0.2"
BOX6, CLIENT6 = "2001:db8:5::1", "2001:db8:5::2"
PORT = 3128
PYTHON = sys.executable, "-I", "-S"

POOL = """
pool web {{
    interval = 200
    rise = 1
    grace = 500
    listen = {{ {listen} }}
    {more}
    {instances}
}}
"""


class ListenLab:
    def __init__(self, net):
        self.net = net
        self.client, self.box = net.namespace("client"), net.namespace("box")
        net.veth(self.client, "eth0", CLIENT + "/24", self.box, "eth0", BOX + "/24")
        self.client.address("eth0", CLIENT6 + "/64")
        self.box.address("eth0", BOX6 + "/64")
        self.conf = os.path.join(net.tmpdir, "wccpd.conf")
        self.sock = os.path.join(net.tmpdir, "wccpd.sock")
        self.instances = {}

    def instance(self, name, address, port):
        p = self.box.popen([*PYTHON, os.path.join(HERE, "plain_instance.py"), name, address,
                            port], log=name)
        self.instances[name] = p
        wait_until(lambda: self.box.listens(port), 10, name)
        return p

    def write(self, instances, listen=str(PORT), more="", top=""):
        """`instances`: name -> options."""
        with open(self.conf, "w") as f:
            f.write(f'control = "{self.sock}"\n{top}' + POOL.format(
                listen=listen, more=more, instances="\n    ".join(
                    f"instance {name} {{ {text} }}" for name, text in instances.items())))

    def start(self, **kw):
        self.wccpd = self.box.popen([program("wccpd"), "-f", self.conf, "-d"], log="wccpd",
                                    **kw)

    def up(self, *instances, pool="web"):
        """Wait until exactly these are up, and the kernel follows."""
        def are():
            shown = self.show()
            return shown and shown["data_plane"] and instances == tuple(
                i["name"] for i in self.pool(shown, pool)["instances"]
                if i["state"] == "up")
        wait_until(are, 10, lambda: f"up: {instances}: {self.show()} {self.wccpd.output()}")

    def show(self):
        return ask("wccpctl", self.sock, "-j", "show")

    @staticmethod
    def pool(shown, name="web"):
        return next(p for p in shown["pools"] if p["name"] == name)

    def given(self, pool="web"):
        return {i["name"]: i["given"] for i in self.pool(self.show(), pool)["instances"]}

    def ask(self, to=BOX, port=PORT, ns=None, timeout=3, client=None):
        """(instance, client that it sees, address that it sees), or "refused"."""
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with (ns or self.client).socket(family, socket.SOCK_STREAM) as s:
            s.settimeout(timeout)
            if client:
                s.bind((client, 0))
            try:
                s.connect((to, port))
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = s.recv(1000).decode()
            except ConnectionRefusedError:
                return "refused"
        return tuple(re.search(r"X-Instance: (\S+) (\S+) (\S+)", answer).groups())

    def spread(self, n=60, **kw):
        """Who answered how many of `n` connections."""
        found = {}
        for _ in range(n):
            who = self.ask(**kw)[0]
            found[who] = found.get(who, 0) + 1
        return found

    def wait_served(self, by, **kw):
        wait_until(lambda: set(self.spread(40, **kw)) == set(by), 10,
                   lambda: f"{by}: {self.show()} {self.wccpd.output()}")
