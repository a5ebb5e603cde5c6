#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What restarting, leaving, joining and dying costs: each event beside an account of every
connection, with real Squids.

    sudo WCCPD_BUILD=$PWD/build/main tests/bench/ledger.py [--downloads N] [--rate N]
         [--seconds S] [--cells hash-gre-gre,...] [--events NAME,...] [--json FILE]

Downloads with steady progress run through each event, and new connections come all the
time.  The aim is 0 in every column but for what a killed Squid itself had open.  Exit 0,
whatever the figures are."""

import argparse
import itertools
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "net")]

import netns  # noqa: E402
from http_ledger import HttpLedger  # noqa: E402
from lab import CLIENT_SOURCES, ORIGINS, Lab  # noqa: E402
from netns import wait_until  # noqa: E402

CELLS = ["hash-gre-gre", "hash-l2-l2", "mask-gre-gre", "mask-l2-l2"]
STEADY_PORT = 8080


class Site:
    """The laboratory with three boxes, of which the first two are in the group."""

    def __init__(self, net, cell):
        assign, forward, ret = cell.split("-")
        self.lab = Lab(net, assign=assign, forward=forward, ret=ret, version="2.01",
                       transmit_t=3000,
                       boxes=("box1", "box2", "box3"), lifetime=40)
        self.lab.locations = ("location /steady/ { proxy_pass http://127.0.0.1:%d; "
                              "proxy_buffering off; expires off; }" % STEADY_PORT)
        self.one, self.two, self.three = self.lab.boxes
        self.layout = 1000  # of the newest build that was pretended

    def start(self):
        lab = self.lab
        lab.start_servers()
        lab.origin.popen([sys.executable, "-s", os.path.join(HERE, "steady.py"),
                          str(STEADY_PORT)], log="steady")
        wait_until(lambda: lab.origin.listens(STEADY_PORT), 10, "the steady server listens")
        lab.start_router()
        for box in lab.boxes:
            box.write_conf()
        self.one.start_wccpd()
        self.two.start_wccpd()
        self.settled(self.one, self.two)

    def ledger(self, rate):
        return HttpLedger(self.lab.client, CLIENT_SOURCES, ORIGINS[1:255], rate)

    # -- what the group looks like -----------------------------------------------------

    def settled(self, *boxes, timeout=60):
        """These boxes, and no others, have equal shares, and know it."""
        def state():
            shares = dict(zip(self.lab.boxes, self.lab.shares()))
            if any(shares[b] for b in self.lab.boxes if b not in boxes):
                return False
            have = [shares[b] or 0 for b in boxes]
            return sum(have) == self.lab.slots and max(have) - min(have) <= 1 and \
                all(self.has_slots(b) for b in boxes)
        wait_until(state, timeout, lambda: f"shares of {[b.name for b in boxes]} alike: "
                   f"{self.lab.shares()}", interval=0.2)

    def has_slots(self, box):
        s = box.service()
        return s and s["routers"][0]["state"] == "assigned"

    def has_left(self, box):
        return not dict(zip(self.lab.boxes, self.lab.shares()))[box]

    # -- what happens to a box -----------------------------------------------------------

    def command(self, box, *words):
        netns.run(netns.program("wccpctl"), "-s", box.socket, *words)

    def kill(self, box):
        box.wccpd.kill()
        box.wccpd.wait()

    def stop(self, box):
        """As an operator stops it: it leaves in order."""
        code = box.wccpd.stop(timeout=150)
        if code:
            raise AssertionError(f"{box.name} ended with {code}")

    def restart(self, box):
        seen = box.wccpd.output().count("event=started")
        self.command(box, "restart")
        wait_until(lambda: box.wccpd.output().count("event=started") > seen, 20,
                   "it is restarted")

    def upgrade(self, box):
        """Another process of a build with another layout of what is in the kernel."""
        self.command(box, "stop", "keep")
        box.wccpd.wait(20)
        self.layout += 1
        box.wccpd = box.ns.popen(
            ["env", f"WCCPD_TEST_LAYOUT={self.layout}", netns.program("wccpd"), "-f",
             box.conf, "-d"], log=f"{box.name}.wccpd")

    def reload(self, box, **change):
        box.write_conf(**change)
        self.command(box, "reload")


def pause(seconds):
    """Time in which the group lives with what has happened: no condition to wait for."""
    time.sleep(seconds)


# -- the events: each ends as it began, with box1 and box2 in the group ---------------------


def join(s):
    s.three.write_conf()
    s.three.start_wccpd()
    s.settled(s.one, s.two, s.three)


def leave(s):
    s.stop(s.three)
    s.settled(s.one, s.two)


def join_and_die(s):
    join(s)
    s.kill(s.three)
    pause(1)
    s.three.start_wccpd()
    s.settled(s.one, s.two, s.three)
    leave(s)


def flapping_newcomer(s):
    for _ in range(2):
        join(s)
        leave(s)


def join_reweight_leave(s):
    s.three.start_wccpd()
    s.settled(s.one, s.two, s.three)
    with open(s.three.conf) as f:
        text = f.read()
    with open(s.three.conf, "w") as f:
        f.write(text.replace("weight = 100", "weight = 1000"))
    s.command(s.three, "reload")
    wait_until(lambda: (s.lab.shares()[2] or 0) > s.lab.slots // 2, 30, "it has the most")
    leave(s)


def restart(s):
    s.restart(s.one)
    s.settled(s.one, s.two)


def upgrade(s):
    s.upgrade(s.one)
    s.settled(s.one, s.two)


def rolling_restart(s):
    for box in (s.one, s.two):
        s.restart(box)
        s.settled(s.one, s.two)


def killed_for_1_s(s):
    s.kill(s.one)
    pause(1)
    s.one.start_wccpd()
    s.settled(s.one, s.two)


def killed_for_10_s(s):
    s.kill(s.one)
    pause(10)
    s.one.start_wccpd()
    s.settled(s.one, s.two)


def stopped_and_started(s):
    s.stop(s.one)
    s.one.start_wccpd()
    s.settled(s.one, s.two)


def drained_and_enabled(s):
    s.command(s.one, "drain")
    wait_until(lambda: s.has_left(s.one), 20, lambda: f"it has nothing: {s.lab.shares()}")
    pause(3)
    s.command(s.one, "enable")
    s.settled(s.one, s.two)


def reloads(s):
    for _ in range(20):
        s.command(s.one, "reload")
    s.settled(s.one, s.two)


def pool_renamed(s):
    with open(s.one.conf) as f:
        text = f.read()
    with open(s.one.conf, "w") as f:
        f.write(text.replace("pool web {", "pool other {").replace("pool = web",
                                                                   "pool = other"))
    s.command(s.one, "reload")
    pause(2)
    s.settled(s.one, s.two)
    s.reload(s.one)
    s.settled(s.one, s.two)


def instances_finish(s):
    """All of a box get SIGTERM, and serve on for shutdown_lifetime (40 s)."""
    for squid in s.one.instances:
        squid.process.terminate()
    wait_until(lambda: s.has_left(s.one), 60, lambda: f"it leaves: {s.lab.shares()}")
    for squid in s.one.instances:
        squid.process.wait(60)
    s.lab.start_squids(s.one.instances)
    s.settled(s.one, s.two)


def interface_flaps(s):
    s.lab.router.ip("link", "set", "box1", "down")
    pause(0.5)
    s.lab.router.ip("link", "set", "box1", "up")
    s.settled(s.one, s.two)


def router_killed(s):
    s.lab.wccprouter.kill()
    s.lab.wccprouter.wait()
    s.lab.start_router()
    s.settled(s.one, s.two)


def router_upgrade(s):
    seen = s.lab.wccprouter.output().count("event=started")
    netns.run(netns.program("wccprouter"), "-s", os.path.join(s.lab.dir, "wccprouter.sock"),
              "upgrade")
    wait_until(lambda: s.lab.wccprouter.output().count("event=started") > seen, 20,
               "the router is restarted")
    s.settled(s.one, s.two)


def router_stopped(s):
    s.lab.wccprouter.stop()
    s.lab.start_router()
    s.settled(s.one, s.two)


EVENTS = [join, leave, join_reweight_leave, flapping_newcomer, join_and_die, restart, upgrade,
          rolling_restart, killed_for_1_s, killed_for_10_s, stopped_and_started,
          drained_and_enabled, reloads, pool_renamed, instances_finish, interface_flaps,
          router_upgrade, router_killed, router_stopped]


# -- the table -----------------------------------------------------------------------------


def one_row(site, cell, event, options):
    with site.ledger(options.rate) as ledger:
        ledger.download(options.downloads, options.seconds)
        problem = ""
        if options.why:
            print(f"    the event comes after {time.monotonic() - ledger.start:.1f} s, at "
                  f"{time.strftime('%H:%M:%S', time.gmtime())}", flush=True)
        try:
            event(site)
        except (AssertionError, RuntimeError, OSError) as e:
            problem = str(e).splitlines()[0][:90]
        ledger.wait_downloads(options.seconds + 15)
    row = {"cell": cell, "event": event.__name__, **ledger.account(), "problem": problem}
    print(f"{cell:<14} {event.__name__:<20} {row['new']:>6} {row['failed']:>6} "
          f"{row['direct']:>6} {row['downloads']:>9} {row['broken']:>6} {row['stalled']:>7} "
          f"{row['longest']:>7.2f}  {problem}", flush=True)
    for line in ledger.why() if options.why else []:
        print("    " + line, flush=True)
    return row


def one_cell(cell, events, options):
    rows = []
    with netns.Net("ledger") as net:
        site = Site(net, cell)
        site.start()
        for event in events:
            rows.append(one_row(site, cell, event, options))
            if rows[-1]["problem"]:
                for box in site.lab.boxes[:2]:
                    print(box.wccpd.output()[-6000:], file=sys.stderr)
                print("    the rest of this cell is left out", flush=True)
                break
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--downloads", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30, help="how long a download takes")
    parser.add_argument("--rate", type=int, default=300, help="new connections a second")
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--events", default="")
    parser.add_argument("--why", action="store_true", help="a few of those not whole")
    parser.add_argument("--json", help="all figures into a file")
    options = parser.parse_args()
    names = [e for e in options.events.split(",") if e]
    known = {e.__name__: e for e in EVENTS}
    if set(names) - set(known):
        parser.error(f"no such event; there are {', '.join(known)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"{'cell':<14} {'event':<20} {'new':>6} {'failed':>6} {'direct':>6} "
          f"{'downloads':>9} {'broken':>6} {'stalled':>7} {'longest':>7}")
    rows = list(itertools.chain.from_iterable(
        one_cell(cell, [known[n] for n in names] or EVENTS, options)
        for cell in options.cells.split(",")))
    if options.json:
        with open(options.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
