#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""New connections a second, four ways to two listeners, side by side.

    bench.py [--rounds N] [--seconds S] [--clients N] [--json FILE]

One machine, one run; WCCPD_BUILD names the build.  Each way has a box of its
own (a namespace, one cable from the client), with the same server
(tests/bench/answer), asked by the same generator (tests/net/wload), one
connection per request.  The two listeners belong to one process: with two, a
small machine would pay for switching between them in every way but `direct`,
and that is not what is being measured.  Rounds go A B C D, A B C D, ...: what
drifts on the machine drifts for all four.  The table has medians.

  direct     to the port of one instance; nothing in between
  steering   wccpd: redirected packets arrive by L2 from a WCCP router, sk_lookup
             gives them to the instances
  iptables   REDIRECT to one port or the other by -m statistic
  haproxy    TCP mode, two threads, bind transparent, both instances as servers

The WCCP router runs in the client's namespace, on an idle interface: it is there
so that wccpd has a group to join.  The client sends to the box what a router
would send there, so that the path is the same cable in all four.
"""

import argparse
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import netns  # noqa: E402
from netns import wait_until  # noqa: E402

PORTS = (3129, 3130)
CHECKS = (4201, 4202)
# One destination and many clients: NAT maps every destination to one address of
# the box, where a client's port used a moment ago towards another destination
# meets its own TIME_WAIT, and the SYN is lost.  Real clients do not open a
# thousand connections a second each; that must not be held against iptables.
SOURCES = 120

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

WCCPROUTER = """\
router-id = {router}
control = {dir}/router.sock
redirect-in = {{ idle }}
caches-in = {{ idle }}
service web-cache {{
    forward = {{ l2 }}
    return = {{ l2 }}
    transmit-t = {{ 500, 60000 }}
}}
"""

WCCPD = """\
address = {address}
interface = eth0
control = {dir}/wccpd.sock
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
service web-cache {{
    pool = web
    routers = {{ {router} }}
    forward = {{ l2 }}
    return = {{ l2 }}
    transmit-t = 1000
}}
"""


class Way:
    """One box, and how its clients' connections get to the instances."""

    name = ""
    port = 80

    def __init__(self, net, client, number):
        self.net, self.client, self.number = net, client, number
        self.dev = f"box{number}"
        self.address, self.router = f"10.9.{number}.2", f"10.9.{number}.1"
        self.destination = f"10.30.{number}.1"
        self.box = net.namespace(self.dev)
        net.veth(client, self.dev, self.router + "/24",
                 self.box, "eth0", self.address + "/24")
        client.route(self.destination, "via", self.address)
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

    def take_addresses(self):
        """The destination is an address of the box itself."""
        self.box.route("local", self.destination, "dev", "lo")

    def source(self, n):
        return f"10.9.{self.number}.{100 + n}"

    def load(self, clients, seconds):
        argv = [netns.program("tests/net/wload"), "-n", clients, "-d", seconds,
                f"http://{self.destination}:{self.port}/"]
        for n in range(SOURCES):
            argv += ["-b", self.source(n)]
        done = self.client.run(*argv)
        # Every slice begins without the TIME_WAITs of those before it: all ways
        # share the kernel's one table, and its chains would grow from round to
        # round.
        self.box.run("ss", "-HKtn", "state", "time-wait", check=False)
        return json.loads(done.stdout.splitlines()[-1])["summary"]


class Direct(Way):
    name = "direct"
    port = PORTS[0]

    def prepare(self):
        self.take_addresses()


class Steering(Way):
    name = "steering"

    def prepare(self):
        values = {"dir": self.net.tmpdir, "router": self.router, "dev": self.dev,
                  "address": self.address}
        self.client.ip("link", "add", "idle", "type", "veth", "peer", "name", "idle2")
        self.client.ip("link", "set", "idle", "up")
        for name, text in (("wccprouter", WCCPROUTER), ("wccpd", WCCPD)):
            conf = os.path.join(self.net.tmpdir, name + ".conf")
            with open(conf, "w") as f:
                f.write(text.format(**values))
            where = self.client if name == "wccprouter" else self.box
            self.daemon = where.popen([netns.program(name), "-f", conf], log=name)
        wait_until(lambda: self.buckets() == 256, 30,
                   lambda: "the group forms: " + self.daemon.output())

    def show(self):
        done = netns.run(netns.program("wccpctl"), "-s",
                         os.path.join(self.net.tmpdir, "wccpd.sock"), "-j", "show",
                         check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def buckets(self):
        shown = self.show()
        return shown and shown["services"][0]["buckets"]


class Iptables(Way):
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


class Haproxy(Way):
    name = "haproxy"

    def prepare(self):
        self.take_addresses()
        conf = os.path.join(self.net.tmpdir, "haproxy.cfg")
        with open(conf, "w") as f:
            f.write(HAPROXY)
        self.box.popen(["haproxy", "-db", "-f", conf], log="haproxy")
        wait_until(lambda: self.box.listens(80), 10, "haproxy listens")


def make_client(net):
    client = net.namespace("client")
    client.sysctl("net.ipv4.ip_local_port_range", "10000 65000")
    return client


def add_sources(client, way):
    for n in range(SOURCES):
        client.address(way.dev, way.source(n) + "/24")


def measure(ways, rounds, seconds, clients, progress):
    """{way: [summary of each round]}, the rounds of all ways interleaved."""
    for way in ways:
        way.load(clients, 0.5)  # warm
    results = {way.name: [] for way in ways}
    for n in range(rounds):
        for way in ways:
            results[way.name].append(way.load(clients, seconds))
        if progress:
            figures = "  ".join(f"{name} {r[-1]['per_second']:.0f}"
                                for name, r in results.items())
            print(f"round {n + 1}: {figures}", file=sys.stderr, flush=True)
    return results


def median(summaries, key):
    return statistics.median(s[key] for s in summaries)


def table(results):
    """Lines of text, and the ratios to direct by name."""
    direct = [s["per_second"] for s in results["direct"]]
    lines = ["way        new connections/s    lowest   highest   of direct"
             "   p99 ms   failed"]
    ratios = {}
    for name, summaries in results.items():
        rates = [s["per_second"] for s in summaries]
        # Round by round: neighbours in time are what can be compared.
        ratios[name] = statistics.median(r / d for r, d in zip(rates, direct))
        p99 = statistics.median(s["ms"]["p99"] for s in summaries)
        lines.append(f"{name:<10} {statistics.median(rates):>17.0f} {min(rates):>9.0f} "
                     f"{max(rates):>9.0f} {ratios[name]:>11.3f} {p99:>8.2f} "
                     f"{sum(s['failed'] for s in summaries):>8}")
    return lines, ratios


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    args.add_argument("--rounds", type=int, default=12)
    args.add_argument("--seconds", type=float, default=1)
    args.add_argument("--clients", type=int, default=32)
    args.add_argument("--ways", default="direct,steering,iptables,haproxy")
    args.add_argument("--json", help="write every figure there")
    args = args.parse_args()
    kinds = {k.name: k for k in (Direct, Steering, Iptables, Haproxy)}
    with netns.Net("bench") as net:
        client = make_client(net)
        ways = [kinds[name](net, client, n + 1)
                for n, name in enumerate(args.ways.split(","))]
        for way in ways:
            add_sources(client, way)
        results = measure(ways, args.rounds, args.seconds, args.clients, True)
    lines, ratios = table(results)
    print("\n".join(lines))
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"rounds": results, "of_direct": ratios}, f, indent=1)


if __name__ == "__main__":
    main()
