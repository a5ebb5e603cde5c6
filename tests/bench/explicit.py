# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that name the machine as their proxy, four instances: five ways to spread them.

  direct     one process listens on 3128; nothing in between
  wccpd      a pool listens on 3128; instances at 127.0.0.1:4201 to 4204
  iptables   REDIRECT by -m statistic, each rule with 0.25, as in Squid's wiki and many
             other places: what no rule takes comes to the instance on 3128 itself
  haproxy    TCP mode, two threads, round robin, checks
  pen        no affinity (-r), which is round robin

Rates and processor time are measured with one process that has all four listeners: with
four, a small machine would pay for switching between them in every way but `direct`.
`failed` is with four processes, of which one is killed under load: connections that were
not opened, or opened and not answered.
"""

import json
import os
import shutil
import signal
import statistics
import time

import netns
import slices
from netns import wait_until

PORT = 3128
INSTANCES = [f"127.0.0.1:420{i}" for i in range(1, 5)]
SOURCES = [f"10.8.0.{n}" for n in range(1, 251)]
RATE, CPU_SECONDS, CPU_ROUNDS, KILL_SECONDS = 4000, 1, 7, 3
EVEN_REQUESTS = 100000

HAPROXY = """\
global
    nbthread 2
    maxconn 4000
defaults
    mode tcp
    option redispatch
    timeout connect 5s
    timeout client 10s
    timeout server 10s
listen proxies
    bind 0.0.0.0:3128
    balance roundrobin
    server s1 127.0.0.1:4201 check
    server s2 127.0.0.1:4202 check
    server s3 127.0.0.1:4203 check
    server s4 127.0.0.1:4204 check
"""

WCCPD = """\
control = {socket}
pool web {{
    listen = {{ 3128 }}
{instances}
}}
"""


class Way:
    """One machine, its own address asked; 10.9.N.1 is the other end of its cable."""

    name = ""
    listeners = INSTANCES

    def __init__(self, net, client, number):
        self.net = net
        self.dev, self.address = f"box{number}", f"10.9.{number}.2"
        self.box = net.namespace(self.dev)
        net.veth(client, self.dev, f"10.9.{number}.1/24", self.box, "eth0",
                 self.address + "/24")
        self.box.route("default", "via", f"10.9.{number}.1")
        self.box.sysctl("net.ipv4.tcp_max_tw_buckets", 1000000)
        self.url = f"http://{self.address}:{PORT}/"
        self.servers = self.daemon = None

    def serve(self, processes):
        """All listeners in one process, or one in each."""
        groups = [self.listeners] if processes == 1 else [[a] for a in self.listeners]
        self.servers = [self.box.popen([netns.program("tests/bench/answer"), "-p", *group],
                                       log=self.dev) for group in groups]
        for address in self.listeners:
            wait_until(lambda a=address: self.box.listens(a.split(":")[1]), 10, address)
        self.start()

    def start(self):
        """Spread over what listens; once it works, return."""

    def answers(self):
        done = self.box.run("curl", "-s", "-m", "2", self.url, check=False)
        return done.stdout == "hello\n"

    def stop(self):
        for p in [self.daemon, *self.servers]:
            if p:
                p.stop()
        self.daemon = None

    def taken(self):
        """Connections of each listener so far."""
        p = self.servers[0]
        before = len(p.output().splitlines())
        p.send_signal(signal.SIGUSR1)
        # It prints after the next event.
        wait_until(lambda: self.answers() and len(p.output().splitlines()) > before, 10,
                   "counts")
        return [int(n) for n in p.output().splitlines()[before].split()]

    def file(self, name, text):
        path = os.path.join(self.net.tmpdir, f"{self.dev}-{name}")
        with open(path, "w") as f:
            f.write(text)
        return path


class Direct(Way):
    name = "direct"
    listeners = [f"0.0.0.0:{PORT}"]


class Wccpd(Way):
    name = "wccpd"

    def start(self):
        sock = os.path.join(self.net.tmpdir, self.dev + ".sock")
        conf = self.file("wccpd.conf", WCCPD.format(socket=sock, instances="\n".join(
            f'    instance s{i} {{ check = "{a}" }}'
            for i, a in enumerate(self.listeners, 1))))
        self.daemon = self.box.popen([netns.program("wccpd"), "-f", conf], log="wccpd")

        def up():
            done = netns.run(netns.program("wccpctl"), "-s", sock, "-j", "show", check=False)
            return done.returncode == 0 and \
                json.loads(done.stdout)["pools"][0]["healthy"] == 4
        wait_until(up, 20, self.daemon.output)


class Iptables(Way):
    name = "iptables"
    listeners = ["0.0.0.0:4201", "0.0.0.0:4202", "0.0.0.0:4203", f"0.0.0.0:{PORT}"]

    def start(self):
        if self.box.run("iptables-save", "-t", "nat").stdout.count("REDIRECT"):
            return
        # As anyone with so many connections would have set it.
        self.box.sysctl("net.netfilter.nf_conntrack_tcp_timeout_time_wait", 5)
        rule = f"iptables -w -t nat -A PREROUTING -p tcp --dport {PORT} " \
            "-m statistic --mode random --probability 0.25 -j REDIRECT --to-port"
        for address in self.listeners[:3]:
            self.box.run(*rule.split(), address.split(":")[1])


class Haproxy(Way):
    name = "haproxy"

    def start(self):
        self.daemon = self.box.popen(
            ["haproxy", "-db", "-f", self.file("haproxy.cfg", HAPROXY)], log="haproxy")
        wait_until(self.answers, 10, "haproxy answers")


class Pen(Way):
    name = "pen"

    def start(self):
        self.daemon = self.box.popen(
            ["pen", "-f", "-r", "-c", "4096", "-x", "4000", str(PORT), *self.listeners],
            log="pen")
        wait_until(self.answers, 10, "pen answers")


def load(client, way, *options, sources=SOURCES):
    argv = [netns.program("tests/net/wload"), "-n", 32, *options]
    for source in sources:
        argv += ["-b", source]
    return client.popen([*argv, way.url], log="wload")


def finish(process):
    process.wait(120)
    lines = [json.loads(line) for line in process.output().splitlines()]
    return next(x["summary"] for x in lines if "summary" in x), \
        [x["failed"] for x in lines if "failed" in x]


def busy_us():
    """Processor time of the whole machine, without what was idle."""
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) * 1000000 // os.sysconf("SC_CLK_TCK")


def cpu(client, way):
    """Processor time per connection, in us, of all that takes part, at a fixed rate."""
    before = busy_us()
    summary, _ = finish(load(client, way, "-r", RATE, "-d", CPU_SECONDS))
    return (busy_us() - before) / summary["whole"]


def cpu_of_all(client, ways):
    """{way: the median of several rounds}: something else always runs now and then."""
    rounds = [{way.name: cpu(client, way) for way in ways} for _ in range(CPU_ROUNDS)]
    return {way.name: statistics.median(r[way.name] for r in rounds) for way in ways}


def evenness(client, way, requests):
    """The least share by the greatest, of so many connections."""
    before, done = way.taken(), 0
    while done < requests:
        summary, _ = finish(load(client, way, "-d", 2))
        done += summary["whole"]
        way.box.run("ss", "-HKtn", "state", "time-wait", check=False)
    counts = [b - a for a, b in zip(before, way.taken())]
    return min(counts) / max(counts), counts


def killed(client, way):
    """Failed requests when one of four is killed, until the load ends."""
    p = load(client, way, "-r", 1000, "-d", KILL_SECONDS, "-t", 10000)
    time.sleep(1)
    way.servers[1 if len(way.servers) > 1 else 0].kill()
    summary, failed = finish(p)
    opened = [f for f in failed if f["phase"] != "connect" or f["why"] == "ECONNRESET"]
    return {"requests": summary["requests"], "not_opened": len(failed) - len(opened),
            "broken": len(opened), "max_ms": summary["ms"]["max"]}


def run(seconds, requests=EVEN_REQUESTS):
    kinds = [Direct, Wccpd, Iptables, Haproxy]
    missing = [] if shutil.which("pen") else ["pen"]
    if not missing:
        kinds.append(Pen)
    with netns.Net("bench") as net:
        client = net.namespace("client")
        client.sysctl("net.ipv4.ip_local_port_range", "10000 65000")
        for source in SOURCES:
            client.address("lo", source + "/32")
        ways = [kind(net, client, n) for n, kind in enumerate(kinds, 1)]
        for way in ways:
            way.serve(1)
        figures = slices.summary(slices.measure(client, ways, seconds), "direct")
        for name, us in cpu_of_all(client, ways).items():
            figures[name]["cpu_us"] = us
        for way in ways:
            figures[way.name]["even"], figures[way.name]["counts"] = \
                (1, []) if way.name == "direct" else evenness(client, way, requests)
            way.stop()
            way.serve(4)
            figures[way.name]["kill"] = killed(client, way) if way.name != "direct" else None
            way.stop()
    for name in missing:
        figures[name] = None
    return figures


def table(figures):
    yield (f"{'':<12} {'connections/s':>13} {'of direct':>10} {'p99 ms':>7} "
           f"{'CPU us':>7} {'min/max':>8} {'not opened':>11} {'broken':>7} {'slowest ms':>11}")
    for name, f in figures.items():
        if f is None:
            yield f"{name:<12} not installed"
            continue
        k = f["kill"]
        yield (f"{name:<12} {f['per_second']:>13.0f} {f['ratio']:>10.3f} "
               f"{f['p99_ms']:>7.2f} {f['cpu_us']:>7.1f} {f['even']:>8.3f} " +
               (f"{k['not_opened']:>11} {k['broken']:>7} {k['max_ms']:>11.0f}" if k else
                f"{'-':>11} {'-':>7} {'-':>11}"))
