# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the events of ledger.py happen: the laboratory with five boxes, of which the first
two are in the group at first, and what an operator may do to any of them."""

import os
import re
import sys

import netns
from http_ledger import HttpLedger
from lab import CLIENT_SOURCES, ORIGINS, Lab
from netns import wait_until

STEADY_PORT = 8080
LIFETIME = 33  # of a Squid that finishes: longer than a download
BOXES = ("box1", "box2", "box3", "box4", "box5")


class Site:
    def __init__(self, net, cell, transmit_t, boxes=BOXES, members=2):
        assign, forward, ret = cell.split("-")
        self.lab = Lab(net, assign=assign, forward=forward, ret=ret, version="2.01",
                       transmit_t=transmit_t, boxes=boxes, lifetime=LIFETIME,
                       descriptors=19000)
        self.lab.locations = ("location ~ ^/(steady|idle)/ { proxy_pass "
                              "http://127.0.0.1:%d; proxy_buffering off; expires off; }"
                              % STEADY_PORT)
        self.lab.workers = 2  # a process may have 20,000 descriptors
        self.t_s = transmit_t / 1000
        self.one, self.two, self.three = (self.lab.boxes * 3)[:3]
        self.newcomers = self.lab.boxes[members:]
        self.members = self.lab.boxes[:members]
        self.layout = 1000  # of the newest build that was pretended

    def start(self):
        lab = self.lab
        lab.start_servers()
        self.start_steady()
        lab.start_router()
        for box in lab.boxes:
            box.write_conf()
        for box in self.members:
            box.start_wccpd()
        self.settled()

    def start_steady(self):
        origin, here = self.lab.origin, os.path.dirname(os.path.abspath(__file__))
        origin.popen([sys.executable, "-s", os.path.join(here, "steady.py"),
                      str(STEADY_PORT)], log="steady")
        wait_until(lambda: origin.listens(STEADY_PORT), 10, "the steady server listens")

    def ledger(self, rate, downloads, seconds):
        return HttpLedger(self.lab.client, CLIENT_SOURCES, ORIGINS[1:255], rate, downloads,
                          seconds)

    # -- what the group looks like -----------------------------------------------------

    def settled(self, timeout=60):
        """The members, and no others, have equal shares, and know it."""
        def state():
            shares = dict(zip(self.lab.boxes, self.lab.shares()))
            if any(shares[b] for b in self.lab.boxes if b not in self.members):
                return False
            have = [shares[b] or 0 for b in self.members]
            return sum(have) == self.lab.slots and max(have) - min(have) <= 1 and \
                all(self.has_slots(b) for b in self.members)
        wait_until(state, timeout, lambda: f"shares of {[b.name for b in self.members]} "
                   f"alike: {self.lab.shares()}", interval=0.2)

    def has_slots(self, box):
        s = box.service()
        return s and s["routers"][0]["state"] == "assigned"

    def share(self, box):
        return dict(zip(self.lab.boxes, self.lab.shares())).get(box) or 0

    def wait_left(self, box, timeout=60):
        wait_until(lambda: not self.share(box), timeout,
                   lambda: f"{box.name} has nothing: {self.lab.shares()}", interval=0.1)

    # -- what happens to a box -----------------------------------------------------------

    def start_box(self, box):
        box.start_wccpd()
        if box not in self.members:
            self.members = self.members + [box]
        self.settled()

    def kill(self, box):
        box.wccpd.kill()
        box.wccpd.wait()

    def stop(self, *boxes):
        """As an operator stops them: they leave in order, at the same time."""
        for box in boxes:
            box.wccpd.terminate()
        self.members = [b for b in self.members if b not in boxes]
        for box in boxes:
            if code := box.wccpd.wait(150):
                raise AssertionError(f"{box.name} ended with {code}")
        self.settled()

    def command(self, box, *words):
        netns.run(netns.program("wccpctl"), "-s", box.socket, *words)

    def restart(self, box):
        seen = box.wccpd.output().count("event=started")
        self.command(box, "restart")
        wait_until(lambda: box.wccpd.output().count("event=started") > seen, 20,
                   "it is restarted")
        self.settled()

    def upgrade(self, box):
        """Another process, of a build with another layout of what is in the kernel."""
        self.command(box, "stop", "keep")
        box.wccpd.wait(20)
        self.layout += 1
        box.wccpd = box.ns.popen(
            ["env", f"WCCPD_TEST_LAYOUT={self.layout}", netns.program("wccpd"), "-f",
             box.conf, "-d"], log=f"{box.name}.wccpd")
        self.settled()

    def change(self, box, *changes):
        """Reload a configuration in which texts, by regular expressions, are others."""
        box.write_conf()
        with open(box.conf) as f:
            text = f.read()
        for was, now in changes:
            text = re.sub(was, now, text)
        with open(box.conf, "w") as f:
            f.write(text)
        self.command(box, "reload")

    def restart_router(self):
        seen = self.lab.wccprouter.output().count("event=started")
        netns.run(netns.program("wccprouter"), "-s",
                  os.path.join(self.lab.dir, "wccprouter.sock"), "upgrade")
        wait_until(lambda: self.lab.wccprouter.output().count("event=started") > seen, 20,
                   "the router is restarted")
