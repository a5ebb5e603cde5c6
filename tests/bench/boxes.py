# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines with two listeners, and the ways to get connections to these.

All have the same server (tests/bench/answer) on the same ports, one process with both:
with two, a small machine would pay for switching between them in every way but
`direct`, and that is not what is being measured.
"""

import json
import os
import random

import netns
from netns import wait_until

PORTS = (3129, 3130)
CHECKS = (4201, 4202)

HAPROXY = """\
global
    nbthread 2
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend redirected
    bind 0.0.0.0:80 transparent
    default_backend instances
backend instances
    balance roundrobin
    server s1 127.0.0.1:3129
    server s2 127.0.0.1:3130
"""

WCCPD = """\
{top}
address = {address}
interface = eth0
control = {socket}
pool web {{
    min-instances = 1
    interval = 1000
    instance s1 {{
        port = 3129
        check = "127.0.0.1:4201"
    }}
    instance s2 {{
        port = 3130
        check = "127.0.0.1:4202"
    }}
}}
service {service} {{
    pool = web
    routers = {{ {router} }}
    forward = {{ {method} }}
    return = {{ {method} }}
    transmit-t = 1000
{more}
}}
"""


class Box:
    """One machine; 10.9.N.1 is the other end of its cable, 10.30.N.1 what is asked."""

    name = ""
    port = 80

    def __init__(self, net, upstream, number):
        self.net, self.number = net, number
        self.dev = f"box{number}"
        self.address, self.router = f"10.9.{number}.2", f"10.9.{number}.1"
        self.destination = f"10.30.{number}.1"
        self.box = net.namespace(self.dev)
        net.veth(upstream, self.dev, self.router + "/24",
                 self.box, "eth0", self.address + "/24")
        self.box.route("default", "via", self.router)
        for key in ("all", "eth0"):
            self.box.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)
        listen = [f"0.0.0.0:{p}" for p in PORTS] + [f"127.0.0.1:{c}" for c in CHECKS]
        self.box.popen([netns.program("tests/bench/answer"), *listen], log=self.dev)
        for port in PORTS:
            wait_until(lambda p=port: self.box.listens(p), 10, f"answer on {port}")
        # No way shall be spared its TIME_WAITs because the table is full.
        self.box.sysctl("net.ipv4.tcp_max_tw_buckets", 1000000)
        self.prepare()

    def prepare(self):
        """Make the box give what arrives to its instances."""

    @property
    def url(self):
        return f"http://{self.destination}:{self.port}/"

    def take_addresses(self):
        """The destination is an address of the box itself."""
        self.box.route("local", self.destination, "dev", "lo")

    def file(self, name, text):
        path = os.path.join(self.net.tmpdir, f"{self.dev}-{name}")
        with open(path, "w") as f:
            f.write(text)
        return path


class Direct(Box):
    name = "direct"
    port = PORTS[0]

    def prepare(self):
        self.take_addresses()


class Steered(Box):
    """With wccpd.  A WCCP router must serve it at the other end of the cable."""

    name = "steering"
    build = None  # whose wccpd, if not the one that is measured
    service, method, more, top = "web-cache", "l2", "", ""

    def start(self, router_id=None):
        self.socket = os.path.join(self.net.tmpdir, self.dev + ".sock")
        conf = self.file("wccpd.conf", WCCPD.format(
            address=self.address, socket=self.socket, service=self.service,
            router=router_id or self.router, method=self.method, more=self.more,
            top=self.top))
        self.daemon = self.box.popen([netns.program("wccpd", self.build), "-f", conf],
                                     log=self.dev + "-wccpd")

    def await_buckets(self, share=256):
        wait_until(lambda: self.buckets() == share, 30,
                   lambda: "the group forms: " + self.daemon.output())

    def buckets(self):
        done = netns.run(netns.program("wccpctl", self.build), "-s", self.socket, "-j", "show",
                         check=False)
        shown = json.loads(done.stdout) if done.returncode == 0 else None
        return shown and shown["services"][0]["buckets"]


class ByMark(Steered):
    name = "mark"
    top = "delivery = mark"


class ByInterface(Steered):
    name = "interface"
    top = "delivery = interface"


class Bypassing(Steered):
    """With 100,000 prefixes of clients and servers in the static bypass, none of which has
    those that are measured."""

    name = "bypass"

    def start(self, router_id=None):
        chosen = random.Random(2048)
        prefixes = {f"{chosen.randrange(11, 190)}.{chosen.randrange(256)}."
                    f"{chosen.randrange(256)}.0/24" for _ in range(60000)}
        while len(prefixes) < 100000:
            prefixes.add(f"{chosen.randrange(11, 190)}.{chosen.randrange(256)}."
                         f"{chosen.randrange(256)}.{chosen.randrange(256)}")
        each = sorted(prefixes)
        lists = [self.file(f"bypass-{i}", "\n".join(each[i::2])) for i in range(2)]
        self.top = f'bypass-clients = "{lists[0]}" bypass-servers = "{lists[1]}"'
        super().start(router_id)


class Iptables(Box):
    name = "iptables"

    def prepare(self):
        rule = "iptables -w -t nat -A PREROUTING -p tcp --dport 80 ".split()
        established = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".split()
        half = "-m statistic --mode random --probability 0.5".split()
        # As anyone with so many connections would have set it.
        self.box.sysctl("net.netfilter.nf_conntrack_tcp_timeout_time_wait", 5)
        self.box.run(*rule, *established)
        self.box.run(*rule, *half, *f"-j REDIRECT --to-port {PORTS[0]}".split())
        self.box.run(*rule, *f"-j REDIRECT --to-port {PORTS[1]}".split())


class Haproxy(Box):
    name = "haproxy"

    def prepare(self):
        self.take_addresses()
        self.box.popen(["haproxy", "-db", "-f", self.file("haproxy.cfg", HAPROXY)],
                       log="haproxy")
        wait_until(lambda: self.box.listens(80), 10, "haproxy listens")
