# SPDX-License-Identifier: GPL-2.0-or-later
"""A small laboratory, ready in a second: wccprouter, two boxes with wccpd, no Squid.

                                 +-- box1 10.3.1.2   an instance, wccpd
    client 10.3.0.2 -- router ---+
               (wccprouter)      +-- box2 10.3.2.2   an instance, wccpd
                     |
                  (nothing: what is not redirected is answered by nobody, or, if a test
                   wants that, by "origin")

An instance tells every client its box's name.  T is 500 ms, so a member is removed
after 1.5 s of silence and a table is made 0.75 s after a change.
"""

import json
import os
import select
import socket
import sys

from netns import DELIVERY, program, run, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = sys.executable, "-I", "-S"  # starts in half the time
BOXES = ("box1", "box2")  # as many as most tests want; up to box4


def address_of(box):
    """10.3.N.2 of boxN."""
    return f"10.3.{box[3:]}.2"


ADDRESSES = {name: address_of(name) for name in BOXES}
CLIENT, ORIGIN_PORT = "10.3.0.2", 80
T = 0.5

ROUTER_CONF = """
{top}
control = "{dir}/router.sock"
redirect-in = {{ {redirect} }}
caches-in = {{ {boxes} }}
{services}
"""
ROUTER_SERVICE = {"forward": "{ gre }", "return": "{ gre }", "assign": "{ hash, mask }",
                  "transmit-t": "{ 500, 60000 }"}

BOX_CONF = """
delivery = {delivery}
address = {address}
interface = eth0
control = "{dir}/{name}.sock"
drain-time = {drain_time}
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


def stand_in(net, ns, name="instance"):
    """An instance: a transparent port, 3129, and one that answers checks, 4201."""
    ns.popen([*PYTHON, os.path.join(HERE, "dp_listener.py"), name, "3129"],
             log=name + ".instance")
    ns.popen([*PYTHON, os.path.join(HERE, "check_ok.py"), "4201"],
             log=name + ".check", cwd=net.tmpdir)
    wait_until(lambda: ns.listens(3129) and ns.listens(4201), 10, "the instance listens")


def ask(tool, sock, *words):
    """What a program of ours answers in JSON, or None."""
    done = run(program(tool), "-s", sock, *words, check=False, timeout=10)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None


class Box:
    def __init__(self, lab, name):
        self.lab, self.name, self.address = lab, name, address_of(name)
        self.ns = lab.net.namespace(name)
        self.router = self.address[:-1] + "1"
        self.wccpd = None
        self.delivery = DELIVERY
        lab.net.veth(self.ns, "eth0", self.address + "/24", lab.router, name,
                     self.router + "/24")
        self.routes()
        for ns, dev in ((self.ns, "eth0"), (lab.router, name)):
            for key in ("all", dev):
                ns.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)
        program_name = "relay.py" if lab.spoofing else "dp_listener.py"
        self.instance = self.ns.popen(
            [*(PYTHON if not lab.spoofing else [sys.executable]),
             os.path.join(HERE, program_name), name, "3129"],
            log=name + ".instance")
        self.ns.popen([*PYTHON, os.path.join(HERE, "check_ok.py"), "4201"],
                      log=name + ".check", cwd=lab.net.tmpdir)

    def routes(self):
        self.ns.ip("route", "replace", "default", "via", self.router)

    def configure(self, *services, drain_time=3):
        """services: (name, more lines)."""
        text = "".join(BOX_SERVICE.format(name=n, router=self.router, more=more)
                       for n, more in services)
        self.conf = os.path.join(self.lab.net.tmpdir, self.name + ".conf")
        with open(self.conf, "w") as f:
            f.write(BOX_CONF.format(address=self.address, dir=self.lab.net.tmpdir,
                                    name=self.name, services=text,
                                    drain_time=drain_time, delivery=self.delivery))

    def start(self, *before, **kw):
        """`before`: a program that is to execute it, with arguments."""
        self.wccpd = self.ns.popen([*before, program("wccpd"), "-f", self.conf, "-d"],
                                   log=self.name + ".wccpd", **kw)

    def kill(self):
        self.wccpd.kill()
        self.wccpd.wait()

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
    def __init__(self, net, boxes=BOXES, origin=False, spoofing=False):
        self.net = net
        self.client, self.router = net.namespace("client"), net.namespace("router")
        net.veth(self.client, "eth0", f"{CLIENT}/24", self.router, "client", "10.3.0.1/24")
        self.client.route("default", "via", "10.3.0.1")
        self.router.address("lo", "10.3.255.1/32")
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.router.sysctl("net.ipv4.conf.client.rp_filter", 0)
        if origin:
            self.add_origin()
        else:
            self.router.route("blackhole", "10.9.0.0/16")
        # As on a wire: checksums are finished.
        self.client.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off",
                        "gro", "off")
        # Instances connect with their clients' addresses, to the origin server.
        self.spoofing = spoofing
        self.boxes = [Box(self, name) for name in boxes]

    def add_origin(self):
        """A server with all the addresses that clients ask for."""
        self.origin = self.net.namespace("origin")
        self.net.veth(self.origin, "eth0", "10.3.9.2/24", self.router, "origin",
                      "10.3.9.1/24")
        self.origin.route("default", "via", "10.3.9.1")
        self.origin.route("local", "10.9.0.0/16", "dev", "lo")
        self.router.route("10.9.0.0/16", "via", "10.3.9.2")
        self.router.sysctl("net.ipv4.conf.origin.rp_filter", 0)
        self.origin.popen([*PYTHON, os.path.join(HERE, "dp_listener.py"), "origin",
                           str(ORIGIN_PORT)], log="origin")
        wait_until(lambda: self.origin.listens(ORIGIN_PORT), 10, "the origin listens")

    def box(self, name):
        return next(b for b in self.boxes if b.name == name)

    def write_router_conf(self, *services, profile=None, top=""):
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
                top=(f"profile = {profile}" if profile else "router-id = 10.3.255.1")
                + "\n" + top,
                dir=self.net.tmpdir, services=text,
                boxes=", ".join(b.name for b in self.boxes),
                redirect="client, origin" if self.spoofing else "client"))
        return conf

    def start_router(self, *services, options=(), profile=None, top="", **kw):
        conf = self.write_router_conf(*services, profile=profile, top=top)
        self.wccprouter = self.router.popen(
            [program("wccprouter"), "-f", conf, *options], log="router", **kw)
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
        return list(self.owners(service).values()).count(address_of(box))

    def wait_shares(self, *shares, service=0, timeout=15):
        """Until the boxes have so many slots each."""
        def now():
            return tuple(self.share(b.name, service) for b in self.boxes)
        wait_until(lambda: now() == shares, timeout,
                   lambda: f"{shares} slots, not {now()}: " + self.boxes[0].log())

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
