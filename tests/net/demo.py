#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: a machine alone whose clients use it as their proxy; then two CARP
boxes behind a WCCP router.  Instances die under load in both.

Run as root; WCCPD_BUILD names the build.  Everything happens in network
namespaces that are removed at the end, also on Ctrl-C.  Exit code 0 only when
no request failed and nothing was left behind.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import netns  # noqa: E402
from alone import CLIENTS, Alone  # noqa: E402
from story import Story  # noqa: E402

START = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - START:5.1f} s] {text}", flush=True)


def spread_text(spread):
    return ", ".join(f"{name[:4]}/{name[4:]} {n}" for name, n in spread.items())


def kill_text(story, kill):
    failed, lost = story.account()
    return f"{len(failed)} failed, {kill.describe(lost)}"


def percent(spread):
    total = sum(spread.values())
    return ", ".join(f"{name} {100 * n / total:.1f} %" for name, n in spread.items())


def tell_alone(alone):
    say(f"the machine alone: no router, {len(CLIENTS)} clients with 10.6.0.1:3128 as their "
        "proxy, 4 Squids on 127.0.0.1:4201 to 4204")
    took = alone.start()
    say(f"wccpd up after {took:.1f} s: nothing listens on 3128, no rule, no NAT")
    alone.start_load()
    alone.more(3000)
    say(f"{alone.answered()} requests answered, {len(alone.account()[0])} failed; spread by "
        f"the kernel: {percent(alone.spread())}")
    before = alone.spread()
    alone.kill("p2")
    alone.more(1000)
    failed, lost = alone.account()
    after = alone.spread()
    say(f"kill -9 of p2 under load: {len(failed)} failed, {len(lost)} lost in flight; since "
        f"then {percent({n: after[n] - before[n] for n in after})}")
    alone.start_squid("p2")
    before = alone.spread()
    alone.more(2000)
    after = alone.spread()
    say(f"p2 started again: {percent({n: after[n] - before[n] for n in after})}")
    total, failed, lost, left = alone.finish()
    say(f"{total['requests']} requests by the machine alone, {len(failed)} failed, "
        f"{len(lost)} lost in flight")
    return total, failed, lost, left


def tell(story):
    lab = story.lab
    box1 = lab.boxes[0]
    say("lab: client, router, 2 boxes x 3 Squids, 2 CARP parents, origin: "
        "6 namespaces, 8 Squids, nginx")
    lab.start_servers()
    took = story.form_group()
    one, two = lab.shares()
    say(f"group formed in {took:.1f} s: router has box1 Usable {one} + box2 Usable "
        f"{two} buckets (GRE forward, GRE return, MD5, T {lab.transmit_t} ms)")

    story.start_load()
    story.more(600)
    failed, _ = story.account()
    say(f"{story.totals()['whole']} requests answered, {len(failed)} failed; by the "
        f"Squids' logs: {spread_text(story.spread())}")

    victim = box1.instances[1]
    kill, shares = story.lose_instance(victim)
    say(f"kill -9 of box1/{victim.short} under load: {kill_text(story, kill)}; "
        f"weight follows: {shares[0]} + {shares[1]}")
    moved = story.bring_back([victim])
    say(f"box1/{victim.short} started again: 128 + 128, {moved} buckets moved")

    kill, acknowledged, _ = story.lose_box(box1)
    say(f"kill -9 of all of box1: {kill_text(story, kill)}; SHUTDOWN acknowledged "
        f"after {acknowledged * 1000:.0f} ms, router has 0 + 256, requests go on")
    moved = story.bring_back(box1.instances)
    totals = story.totals()
    failed, _ = story.account()
    say(f"box1 back: 128 + 128 with {moved} moves; {totals['whole']} answered so far, "
        f"{totals['whole'] - totals['via']} of them straight from the origin, "
        f"{len(failed)} failed")
    if moved != 128:
        raise RuntimeError(f"128 moves are needed for 128 buckets, not {moved}")

    failed, lost = story.finish_load()
    left = story.stop_daemons()
    return story.totals(), failed, lost, left


def main():
    if os.geteuid() != 0:
        sys.exit("demo: needs root: it makes network namespaces")
    try:
        with netns.Net("demo-alone") as net:
            first = tell_alone(Alone(net))
        first[3].extend(net.leftovers())
        with netns.Net("demo") as net:
            story = Story(net)
            totals, failed, lost, left = tell(story)
    except KeyboardInterrupt:
        sys.exit("demo: interrupted, all removed")
    failed, lost = first[1] + failed, first[2] + lost
    left += first[3] + net.leftovers()
    say("end: no namespace, rule, route, eBPF program or process left"
        if not left else "LEFT BEHIND: " + "; ".join(left))
    for r in failed:
        print("failed:", r)
    print(f"demo: {first[0]['requests'] + totals['requests']} requests, {len(failed)} failed, "
          f"{len(lost)} lost in flight, {time.monotonic() - START:.0f} seconds")
    sys.exit(1 if failed or left else 0)


if __name__ == "__main__":
    main()
