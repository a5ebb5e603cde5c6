# SPDX-License-Identifier: GPL-2.0-or-later
"""A small laboratory, ready in a second: wccprouter, two boxes with wccpd, no Squid.

                                 +-- box1 10.3.1.2   an instance, wccpd
    client 10.3.0.2 -- router ---+
               (wccprouter)      +-- box2 10.3.2.2   an instance, wccpd
                     |
                  (nothing: what is not redirected is answered by nobody)

An instance tells every client its box's name.  T is 500 ms, so a member is removed
after 1.5 s of silence and a table is made 0.75 s after a change.
"""

import json
import os
import select
import socket
import sys

from netns import program, run, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
BOXES = {"box1": "10.3.1", "box2": "10.3.2"}
ADDRESSES = {name: net24 + ".2" for name, net24 in BOXES.items()}
T = 0.5

ROUTER_CONF = """
{top}
control = "{dir}/router.sock"
redirect-in = {{ client }}
caches-in = {{ box1, box2 }}
{services}
"""
ROUTER_SERVICE = {"forward": "{ gre }", "return": "{ gre }", "assign": "{ hash, mask }",
                  "transmit-t": "{ 500, 60000 }"}

BOX_CONF = """
address = {address}
interface = eth0
control = "{dir}/{name}.sock"
pool web {{
    interval = 200
    timeout = 1000
    rise = 1
    instance s1 {{ port = 3129  check = "127.0.0.1:4201" }}
}}
{services}
"""
BOX_SERVICE = """
service {name} {{
    pool = web
    routers = {{ {router} }}
    transmit-t = 500
    {more}
}}
"""


def ask(tool, sock, *words):
    """What a program of ours answers in JSON, or None."""
    done = run(program(tool), "-s", sock, *words, check=False, timeout=10)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None


class Box:
    def __init__(self, lab, name):
        self.lab, self.name, self.net24 = lab, name, BOXES[name]
        self.ns = lab.net.namespace(name)
        self.address, self.router = self.net24 + ".2", self.net24 + ".1"
        self.wccpd = None
        lab.net.veth(self.ns, "eth0", self.address + "/24", lab.router, name,
                     self.router + "/24")
        self.routes()
        for ns, dev in ((self.ns, "eth0"), (lab.router, name)):
            for key in ("all", dev):
                ns.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)
        self.ns.popen([sys.executable, os.path.join(HERE, "dp_listener.py"), name, "3129"],
                      log=name + ".instance")
        self.ns.popen([sys.executable, "-m", "http.server", "-b", "127.0.0.1", "4201"],
                      log=name + ".check", cwd=lab.net.tmpdir)

    def routes(self):
        self.ns.ip("route", "replace", "default", "via", self.router)

    def configure(self, *services):
        """services: (name, more lines)."""
        text = "".join(BOX_SERVICE.format(name=n, router=self.router, more=more)
                       for n, more in services)
        self.conf = os.path.join(self.lab.net.tmpdir, self.name + ".conf")
        with open(self.conf, "w") as f:
            f.write(BOX_CONF.format(address=self.address, dir=self.lab.net.tmpdir,
                                    name=self.name, services=text))

    def start(self):
        self.wccpd = self.ns.popen([program("wccpd"), "-f", self.conf, "-d"],
                                   log=self.name + ".wccpd")

    def show(self):
        return ask("wccpctl", os.path.join(self.lab.net.tmpdir, self.name + ".sock"),
                   "-j", "show")

    def state(self, service=0):
        """Of a service at the router."""
        shown = self.show()
        return shown and shown["services"][service]["routers"][0]["state"]

    def log(self):
        return self.wccpd.output()


class Small:
    def __init__(self, net):
        self.net = net
        self.client, self.router = net.namespace("client"), net.namespace("router")
        net.veth(self.client, "eth0", "10.3.0.2/24", self.router, "client", "10.3.0.1/24")
        self.client.route("default", "via", "10.3.0.1")
        self.router.address("lo", "10.3.255.1/32")
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.router.sysctl("net.ipv4.conf.client.rp_filter", 0)
        self.router.route("blackhole", "10.9.0.0/16")
        # As on a wire: checksums are finished.
        self.client.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off",
                        "gro", "off")
        self.boxes = [Box(self, name) for name in BOXES]

    def start_router(self, *services, options=(), profile=None):
        """services: names, or (name, more lines, which replace the usual ones); with a
        profile there are no usual ones, and it chooses the router id."""
        text = ""
        for name, more in ((s, "") if isinstance(s, str) else s for s in services):
            usual = "".join(f"    {key} = {value}\n"
                            for key, value in ROUTER_SERVICE.items()
                            if key not in more and not profile)
            text += f"service {name} {{\n{usual}    {more}\n}}\n"
        conf = os.path.join(self.net.tmpdir, "router.conf")
        with open(conf, "w") as f:
            f.write(ROUTER_CONF.format(
                top=f"profile = {profile}" if profile else "router-id = 10.3.255.1",
                dir=self.net.tmpdir, services=text))
        self.wccprouter = self.router.popen(
            [program("wccprouter"), "-f", conf, *options], log="router")
        wait_until(self.show, 10, lambda: self.wccprouter.output())

    def show(self):
        return ask("wccprouter", os.path.join(self.net.tmpdir, "router.sock"), "show",
                   "-j")

    def owners(self, service=0):
        """Slot (or value, as a tuple) -> address of its web-cache, at the router."""
        table = {}
        for c in self.show()["services"][service]["clients"]:
            for v in c.get("mask_values", []):
                table[(v["src"], v["dst"], v["sport"], v["dport"])] = c["address"]
            vector = bytes.fromhex(c["bucket_vector"])
            table.update((b, c["address"]) for b in range(256)
                         if vector[b // 8] >> b % 8 & 1)
        return table

    def share(self, box, service=0):
        return list(self.owners(service).values()).count(ADDRESSES[box])

    def wait_shares(self, one, two, service=0, timeout=15):
        def now():
            return tuple(self.share(b, service) for b in BOXES)
        wait_until(lambda: now() == (one, two), timeout,
                   lambda: f"({one}, {two}) slots, not {now()}: " + self.boxes[0].log())

    def try_connect(self, address, timeout=1.0):
        """Which box answers a connection to there; None: nobody."""
        s = self.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(timeout)
        try:
            s.connect((address, 80))
            ready, _, _ = select.select([s], [], [], timeout)
            return s.recv(100).split()[0].decode() if ready else None
        except OSError:
            return None
        finally:
            s.close()

    def wait_served(self, by, timeout=15):
        """Until each of some connections is answered by one of these boxes."""
        def served():
            got = {self.try_connect(f"10.9.1.{n}") for n in range(0, 256, 32)}
            return got == set(by)
        wait_until(served, timeout, f"clients are served by {by}")
