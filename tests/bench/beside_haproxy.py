#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same events, the same load, and the same account: a single box with wccpd and three
Squids, and one with HAProxy, which is the proxy itself, in TCP mode behind TPROXY.

    sudo WCCPD_BUILD=$PWD/build/main tests/bench/beside_haproxy.py [--downloads N]
         [--seconds S] [--rate N] [--why] [--json FILE]

HAProxy runs as its manual says for reloads without loss: a master with workers, and
`expose-fd listeners`.  Its restart is its reload."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "net")]

import ledger_events  # noqa: E402
import netns  # noqa: E402
from ledger_site import Site  # noqa: E402
from ledger_table import Table, add_options, head  # noqa: E402
from netns import wait_until  # noqa: E402

CONF = """\
global
    master-worker
    stats socket {dir}/haproxy.sock mode 600 level admin expose-fd listeners
    maxconn 9000
    nbthread 2
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend intercepted
    bind 0.0.0.0:8888 transparent
    default_backend asked_for
backend asked_for
    server origin *
"""


class WccpdSite(Site):
    """The only box of its group."""

    def __init__(self, net, transmit_t):
        super().__init__(net, "hash-gre-gre", transmit_t, boxes=("box1",), members=1)


class HaproxySite(WccpdSite):
    """The router sends everything there, without WCCP."""

    def start(self):
        lab, box = self.lab, self.one.ns
        lab.start_origin()
        self.start_steady()
        lab.router.ip("rule", "add", "iif", "client", "ipproto", "tcp", "dport", "80",
                      "lookup", "77")
        lab.router.route("default", "via", self.one.address, "table", "77")
        box.ip("rule", "add", "fwmark", "1", "lookup", "78")
        box.route("local", "default", "dev", "lo", "table", "78")
        box.run("iptables", "-t", "mangle", "-A", "PREROUTING", "-i", "eth0", "-p", "tcp",
                "--dport", "80", "-j", "TPROXY", "--on-port", "8888", "--tproxy-mark", "1")
        self.conf = os.path.join(lab.dir, "haproxy.cfg")
        with open(self.conf, "w") as f:
            f.write(CONF.format(dir=lab.dir))
        self.binary = os.path.join(lab.dir, "haproxy")
        self.new_binary()
        self.start_haproxy()

    def new_binary(self):
        """In one step, as a package manager does it."""
        shutil.copy(shutil.which("haproxy"), self.binary + ".new")
        os.rename(self.binary + ".new", self.binary)

    def start_haproxy(self):
        self.haproxy = self.one.ns.popen([self.binary, "-W", "-f", self.conf], log="haproxy")
        wait_until(lambda: self.one.ns.listens(8888), 10, self.haproxy.output)

    def workers(self):
        with open(f"/proc/{self.haproxy.pid}/task/{self.haproxy.pid}/children") as f:
            return [int(pid) for pid in f.read().split()]

    def reload_haproxy(self):
        """Until the new worker is at work.  The master loses a signal that comes while it
        executes itself: it gets another one then."""
        seen = self.haproxy.output().count("Loading success")

        def done():
            return self.haproxy.output().count("Loading success") > seen
        for _ in range(50):
            self.haproxy.send_signal(signal.SIGUSR2)
            with contextlib.suppress(netns.Timeout):
                wait_until(done, 0.2, "it is loaded")
                return
        raise AssertionError(self.haproxy.output())


def haproxy_restart(s):
    s.reload_haproxy()


def haproxy_upgrade(s):
    s.new_binary()
    s.reload_haproxy()


def haproxy_reloads(s):
    for _ in range(100):
        s.reload_haproxy()


def haproxy_killed_for_1_s(s):
    for pid in [s.haproxy.pid, *s.workers()]:
        os.kill(pid, signal.SIGKILL)
    s.haproxy.wait()
    ledger_events.pause(1)
    s.start_haproxy()


def haproxy_stopped_and_started(s):
    """Its soft stop: the listener goes, what is open is served."""
    s.haproxy.send_signal(signal.SIGUSR1)
    s.haproxy.wait(60)
    s.start_haproxy()


SIDES = {
    "wccpd": (WccpdSite, [
        ledger_events.nothing, ledger_events.restart, ledger_events.upgrade,
        ledger_events.reloads, ledger_events.killed_for_1_s,
        ledger_events.stopped_and_started]),
    "HAProxy": (HaproxySite, [
        ledger_events.nothing, haproxy_restart, haproxy_upgrade, haproxy_reloads,
        haproxy_killed_for_1_s, haproxy_stopped_and_started]),
}


def one_side(name, options):
    make, events = SIDES[name]
    with netns.Net("beside") as net:
        site = make(net, options.transmit_t)
        site.start()
        ledger = site.ledger(options.rate, options.downloads, options.seconds)
        table = Table(name, ledger, options)
        table.tells_direct = name == "wccpd"  # a Squid leaves a mark in the answer
        try:
            with ledger:
                table.run_all(site, events)
        finally:
            table.print()
    return table.rows()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--sides", default=",".join(SIDES))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    head()
    rows = [row for name in options.sides.split(",") for row in one_side(name, options)]
    if options.json:
        with open(options.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
