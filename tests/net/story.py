# SPDX-License-Identifier: GPL-2.0-or-later
"""The story that the demo tells and the end-to-end tests check, step by step.

Two loads run all through it: short requests, and slow downloads of two seconds
each that are open while buckets move.  Every step waits for what it is about,
and returns its figures.
"""

from lab import Lab
from loss import Kill, divide, monotonic
from netns import Timeout, wait_until

import time


def moves(before, after):
    """Buckets whose owner changed; those that had none or lose theirs count."""
    return sum(a != b for a, b in zip(before, after))


class Story:
    def __init__(self, net, **options):
        self.lab = Lab(net, **options)
        self.half = self.lab.slots // 2
        self.kills, self.loads, self.finished = [], [], []

    # -- the load and its account ------------------------------------------------

    def start_load(self):
        lab = self.lab
        self.loads = [
            lab.load("-n", 16, "-r", 300, name="load"),
            lab.load("-n", 6, "-t", 20000, urls=lab.urls("/slow/300k?u=%u"), name="slow"),
        ]

    def totals(self):
        """Sums over both loads, up to now or to their end."""
        found = self.finished or [load.snapshot() for load in self.loads]
        return {key: sum(s[key] for s in found)
                for key in ("requests", "whole", "failed", "via")}

    def account(self):
        """(failures, lost in flight): the failed requests up to now."""
        failed = [r for load in self.loads for r in load.lines("failed")]
        return divide(failed, self.kills, self.lab.front_ends())

    def describe(self, failed):
        """The first of these failed requests, and when the kills were."""
        kills = [(k.names, k.t_look, k.t_kill, k.t_dead) for k in self.kills]
        return f"{len(failed)} failed: {failed[:5]}; kills: {kills}"

    def more(self, count):
        """Wait for so many more whole answers."""
        self.loads[0].wait_whole(count)

    def spread(self):
        """{instance: requests that its access log has}."""
        return {s.name: len(s.access()) for s in self.lab.front_ends()}

    # -- the steps ---------------------------------------------------------------

    def form_group(self):
        start = time.monotonic()
        self.lab.start_router()
        for box in self.lab.boxes:
            box.write_conf()
            box.start_wccpd()
        self.lab.wait_shares(self.half, self.half, 30)
        self.wait_assigned()
        return time.monotonic() - start

    def wait_assigned(self):
        """Both boxes know what the router has, and all their instances are up."""
        def settled():
            shown = [box.show() for box in self.lab.boxes]
            return all(s and s["services"][0]["assignment"]["my_slots"] == self.half and
                       s["pools"][0]["healthy"] == 3 for s in shown)
        wait_until(settled, 20, f"both boxes know of {self.half} buckets, three instances up")

    def kill(self, squids):
        """kill -9 under load."""
        self.kills.append(Kill(squids))
        return self.kills[-1]

    def wait_shares(self, before, one, two, timeout=30):
        """Like Lab.wait_shares(); returns how many buckets moved on the way there
        from the owners `before`."""
        seen, moved = [before], 0
        end = time.monotonic() + timeout
        while self.lab.shares() != (one, two):
            if time.monotonic() > end:
                raise Timeout(f"router has {one} + {two} buckets, "
                              f"not {self.lab.shares()}")
            time.sleep(0.05)
            now = self.lab.owners()
            moved, seen = moved + moves(seen[-1], now), [now]
        return moved + moves(seen[-1], self.lab.owners())

    def lose_instance(self, squid):
        """One instance dies; the router hears of the lower weight."""
        before = self.lab.shares()
        kill = self.kill([squid])
        wait_until(lambda: None not in self.lab.shares() and
                   self.lab.shares()[0] < before[0] and
                   sum(self.lab.shares()) == self.lab.slots,
                   20, lambda: f"the box's share goes down: {self.lab.shares()}")
        self.more(150)
        return kill, self.lab.shares()

    def bring_back(self, squids):
        """They start again, and the buckets come back; how many moved."""
        before = self.lab.owners()  # on a slow machine they are back in no time
        self.lab.start_squids(squids)
        moved = self.wait_shares(before, self.half, self.half)
        self.wait_assigned()
        self.more(150)
        return moved

    def lose_box(self, box):
        """All its instances die: SHUTDOWN, and the other box has it all."""
        other_share = self.lab.slots
        kill = self.kill(box.instances)
        start = monotonic()
        wait_until(lambda: box.service()["routers"][0]["state"] == "withdrawn", 20,
                   lambda: f"SHUTDOWN acknowledged, not {box.service()['routers']}")
        acknowledged = monotonic() - start
        wait_until(lambda: self.lab.shares() == (None, other_share), 20,
                   lambda: f"router has 0 + {other_share}, not {self.lab.shares()}")
        self.more(150)
        return kill, acknowledged, monotonic() - start

    def finish_load(self):
        """The loads end; the account of all of it."""
        self.finished = [load.finish()[0] for load in self.loads]
        return self.account()

    def stop_daemons(self):
        """Clean end; what wccpd and wccprouter left in their namespaces."""
        codes = [box.wccpd.stop() for box in self.lab.boxes]
        codes.append(self.lab.wccprouter.stop())
        left = [f"exit code {c}" for c in codes if c]
        parts = [(box.ns, box.before) for box in self.lab.boxes]
        for ns, before in parts + [(self.lab.router, self.lab.before)]:
            left += [f"{ns.short}: {line}"
                     for line in set(ns.state()) ^ set(before)]
        return left
