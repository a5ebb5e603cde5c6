# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet filters, rules, routes and settings at random, before or after the start.  Whatever
they are: clients are answered, by the box or by the origin, and when it is not the box
then somebody says why.

RULES_SEEDS=200 tries seeds 1 to 200 instead of a few; RULES_TABLE=FILE appends a line for
each: seed, outcome, reason, what was set.
"""

import os
import random
import re

import pytest

from delivery_lab import answers, listed, make, start
from netns import wait_until

SEEDS = int(os.environ.get("RULES_SEEDS", 12))


def chain(name, hook, priority, rules, policy="accept"):
    body = "; ".join(rules + [""])
    return (f"table ip {name} {{ chain c {{ type {hook} priority {priority}; "
            f"policy {policy}; {body}}}; }}")


def nft_rules(r, i):
    """One table of a kind that people have."""
    name = f"t{i}"
    some = r.choice(["", "ip saddr 10.3.0.0/24 ", "iifname eth0 ", "tcp dport 80 ",
                     "ip daddr 10.9.0.0/16 ", "meta mark 0x5743 "])
    end = r.choice(["drop", "drop", "counter drop", "reject"])
    allowed = ["iif lo accept", "ct state established,related accept",
               "udp dport 2048 accept", "ip protocol gre accept", "tcp dport 22 accept",
               "tcp dport 3129 accept", "icmp type echo-request accept"]
    return r.choice([
        lambda: chain(name, "filter hook input", "filter",
                      r.sample(allowed, r.randint(3, len(allowed))), "drop"),
        lambda: chain(name, "filter hook input", "filter",
                      [f"{some}tcp flags syn / syn,ack {end}"
                       if end != "reject" else f"{some}tcp dport 80 reject with tcp reset"]),
        lambda: chain(name, "filter hook prerouting", r.choice(["raw", "mangle", "-5"]),
                      [f"{some}ip protocol tcp drop"]),
        lambda: chain(name, "filter hook prerouting", "mangle",
                      [r.choice(["meta mark set ct mark", "meta mark set 0",
                                 "meta mark set 0x1", "tcp dport 80 meta mark set 7"])]),
        lambda: chain(name, "nat hook prerouting", "dstnat",
                      ["tcp dport 80 " + r.choice(["redirect to :3999", "redirect to :3129",
                                                   "dnat to 10.3.1.2:81"])]),
        lambda: chain(name, "filter hook output", "filter",
                      [f"tcp sport 80 {end}" if end != "reject" else "tcp sport 80 drop"]),
        lambda: chain(name, "filter hook postrouting", "mangle", ["tcp sport 80 drop"]),
        lambda: chain(name, "nat hook postrouting", "srcnat", ["masquerade"]),
        lambda: chain(name, "filter hook input", "filter", ["ct state invalid drop"]),
        lambda: chain(name, "filter hook prerouting", "filter",
                      ["fib saddr . iif oif missing drop"]),
        lambda: chain(name, "filter hook forward", "filter", [], "drop"),
        lambda: chain(name, "route hook output", "mangle", ["meta mark set 0x33"]),
    ])()


def ip_commands(r):
    priority = str(r.choice([1, 5, 50, 99, 101, 500, 30000]))
    what = r.choice([["from", "10.3.0.0/16"], ["to", "10.9.0.0/16"], ["iif", "eth0"],
                     ["fwmark", "0x5743"], ["not", "fwmark", "0xca6c"], ["from", "all"]])
    action = r.choice([["table", "77"], ["table", "77"], ["blackhole"], ["unreachable"],
                       ["prohibit"]])
    table = r.choice([["default", "via", "10.3.1.1"], ["blackhole", "default"],
                      ["local", "10.9.0.0/17", "dev", "lo"]])
    return r.choice([
        lambda: [["ip", "route", "add", *table, "table", "77"],
                 ["ip", "rule", "add", "priority", priority, *what, *action]],
        lambda: [["ip", "route", "add", r.choice(["blackhole", "unreachable"]),
                  "10.3.0.0/24"]],
        lambda: [["ip", "route", "del", "default"]],
        lambda: [["ip", "route", "replace", "default", "via", "10.3.1.77"]],
        lambda: [["ip", "route", "add", "10.9.0.0/16", "via", "10.3.1.1", "table", "2048"]],
    ])()


def settings(r):
    return [["sysctl", "-qw", f"net.ipv4.{key}={value}"] for key, value in r.sample([
        ("conf.all.rp_filter", r.choice([0, 1, 2])),
        ("conf.eth0.rp_filter", r.choice([0, 1, 2])), ("ip_forward", r.choice([0, 1])),
        ("conf.all.src_valid_mark", 1), ("tcp_fwmark_accept", 1), ("fwmark_reflect", 1),
        ("ip_early_demux", 0), ("tcp_syncookies", r.choice([0, 1, 2])),
        ("conf.eth0.accept_local", 1), ("conf.all.log_martians", 1),
        ("conf.eth0.route_localnet", 1), ("ip_nonlocal_bind", 1)], 2)]


def commands(seed):
    r = random.Random(seed)
    made = []
    for i in range(r.randint(1, 3)):
        kind = r.choice(["nft", "nft", "ip", "sysctl"])
        if kind == "nft":
            made.append(["nft", nft_rules(r, i)])
        elif kind == "ip":
            made += ip_commands(r)
        else:
            made += settings(r)
    return made, r.choice(["before", "after"])


def carry_out(box, made):
    for c in made:
        done = box.ns.run(*c, check=False)
        # A second table 77, a default route that is gone already.
        assert done.returncode == 0 or c[0] == "ip", (c, done.stderr)


def reason(box):
    """What the log says last of why the box does not take connections."""
    lines = re.findall(r'level=(?:warning|error) .*?msg="([^"]*)"', box.log())
    return lines[-1] if lines else None


def note(seed, outcome, why, made, when):
    path = os.environ.get("RULES_TABLE")
    if path:
        with open(path, "a") as f:
            f.write(f"{seed}\t{outcome}\t{when}\t{why or '-'}\t{made}\n")


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_clients_are_answered(net, seed):
    lab = make(net)
    made, when = commands(seed)
    box = lab.boxes[0]
    if when == "before":
        carry_out(box, made)
    start(lab)
    if when == "after":
        wait_until(lambda: answers(lab) == {"box1"}, 10, box.log)
        carry_out(box, made)
    found = set()

    def settled():
        nonlocal found
        found = answers(lab, 1.5)
        return found == {"box1"} or (found == {"origin"} and reason(box))
    try:
        wait_until(settled, 14, lambda: f"{found} {made} {when}\n{box.log()}")
    except AssertionError:
        note(seed, f"FAILED {found}", reason(box), made, when)
        raise
    note(seed, "served" if found == {"box1"} else
         "given back" if listed(lab) else "withdrawn", reason(box), made, when)
