# SPDX-License-Identifier: GPL-2.0-or-later
"""Rates of several ways side by side, on a machine that is not equally fast for long.

One generator (tests/net/wload) asks them in turn, 50 milliseconds each, and goes round
again and again: what disturbs the machine disturbs neighbours in time alike.  A ratio
is the median of the ratios of neighbours, and says more than two medians do.
"""

import json
import statistics

import netns

SLICE_MS = 50
BATCH_SECONDS = 1
CLIENTS = 32

# One destination and many clients: NAT maps every destination to one address of
# the box, where a client's port used a moment ago towards another destination
# meets its own TIME_WAIT, and the SYN is lost.  Real clients do not open a
# thousand connections a second each; that must not be held against iptables.
SOURCES = [f"10.8.0.{n}" for n in range(1, 121)]


def make_client(net):
    """The namespace of the generator; routes to SOURCES are the caller's business."""
    client = net.namespace("client")
    client.sysctl("net.ipv4.ip_local_port_range", "10000 65000")
    for source in SOURCES:
        client.address("lo", source + "/32")
    return client


def batch(client, ways, seconds):
    """The slices of a run, each with the name of its way."""
    argv = [netns.program("tests/net/wload"), "-n", CLIENTS, "-d", seconds,
            "-s", SLICE_MS]
    for source in SOURCES:
        argv += ["-b", source]
    done = client.run(*argv, *[way.url for way in ways])
    # Every batch begins without the TIME_WAITs of those before it: all ways share
    # the kernel's one table, and its chains would grow.
    for way in ways:
        way.box.run("ss", "-HKtn", "state", "time-wait", check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [dict(line["slice"], way=ways[line["slice"]["target"]].name)
            for line in lines if "slice" in line]


def measure(client, ways, seconds):
    """{way: [slice...]} of whole rounds; the n-th of all ways are neighbours."""
    results = {way.name: [] for way in ways}
    batch(client, ways, 0.2 * len(ways))  # warm
    for n in range(max(1, round(seconds / BATCH_SECONDS))):
        turn = n % len(ways)
        slices = batch(client, ways[turn:] + ways[:turn], BATCH_SECONDS)
        for one in slices[:len(slices) // len(ways) * len(ways)]:
            results[one["way"]].append(one)
    return results


def summary(results, reference):
    """{way: figures}: rate, ratio to the reference with its quartiles, p99, failures."""
    base = [s["per_second"] for s in results[reference]]
    out = {}
    for name, slices in results.items():
        rates = [s["per_second"] for s in slices]
        low, middle, high = statistics.quantiles(
            [rate / other for rate, other in zip(rates, base)], n=4)
        out[name] = {
            "per_second": statistics.median(rates),
            "ratio": middle, "ratio_quartiles": [low, high],
            "p99_ms": statistics.median(s["ms"]["p99"] for s in slices),
            "failed": sum(s["failed"] for s in slices),
            "slices": len(slices),
        }
    return out


def table(figures, reference):
    head = f"of {reference}"
    yield (f"{'':<12} new connections/s {head:>14}  (middle half)   p99 ms  failed")
    for name, f in figures.items():
        low, high = f["ratio_quartiles"]
        yield (f"{name:<12} {f['per_second']:>17.0f} {f['ratio']:>14.3f}  "
               f"{low:>6.3f}-{high:.3f} {f['p99_ms']:>9.2f} {f['failed']:>7}")
