# SPDX-License-Identifier: GPL-2.0-or-later
"""What wccpctl tells is what is so: packets by reason, problems."""

import os
import re

import pytest

from netns import program, run, wait_until
from small import Small

FILTER = "add table inet f; add chain inet f input { type filter hook input priority 0; " \
    "policy drop; }; add rule inet f input meta iifname lo accept; " \
    "add rule inet f input udp dport 2048 accept"


@pytest.fixture
def lab(net):
    small = Small(net, origin=True)
    small.start_router("web-cache")
    return small


def start(lab):
    for box in lab.boxes:
        box.configure(("web-cache", ""))
        box.start()
    lab.wait_shares(128, 128)
    lab.wait_served(("box1", "box2"))
    return lab.boxes[0]


def tell(box, *words):
    return run(program("wccpctl"), "-s", os.path.join(box.lab.net.tmpdir, box.name + ".sock"),
               *words, check=False)


def rows(text):
    """{(service, reason): packets} of show packets."""
    return {(m[1], m[2].strip()): int(m[3])
            for m in re.finditer(r"^(\S+) +(\S.*?) +(\d+)(?:  .*|)$", text, re.M)}


def test_packets(lab):
    box = start(lab)
    lab.client.run("ping", "-c", "1", "-W", "1", "10.9.1.1", check=False)
    shown = rows(tell(box, "show", "packets").stdout)
    packets = box.show()["services"][0]["packets"]
    for (service, reason), n in shown.items():
        assert service == "web-cache" and n > 0
        assert reason not in packets["reasons"] or n == packets["reasons"][reason]
    assert shown["web-cache", "delivered-new"] == packets["new_flows"] > 0
    assert shown["web-cache", "handshakes"] == packets["completed"] > 0
    assert sum(packets["reasons"].values()) == shown["web-cache", "all reasons"] == \
        packets["redirected"] + packets["other_caches"]
    every = tell(box, "-a", "show", "packets").stdout
    assert {reason for service, reason in rows(every) if service == "web-cache"} == \
        set(packets["reasons"]) | {"all reasons", "handshakes", "odd headers"}
    assert max(len(line) for line in every.splitlines()) <= 100


def problems(box):
    return [(p["kind"], p["about"], p["text"]) for p in box.show()["problems"]]


def has(box, kind, about, text):
    return any(p[:2] == (kind, about) and re.search(text, p[2]) for p in problems(box))


def test_no_problems(lab):
    box = start(lab)
    wait_until(lambda: not problems(box), 10, lambda: str(problems(box)))
    done = tell(box, "show", "problems")
    assert (done.returncode, done.stdout) == (0, "no problems\n")
    assert "problems" not in tell(box, "show").stdout


def test_delivery_fails(lab):
    box = start(lab)
    box.ns.run("nft", FILTER)
    wait_until(lambda: has(box, "delivery", None, "delivery fails"), 10,
               lambda: str(problems(box)))
    done = tell(box, "show", "problems")
    assert done.returncode == 1
    assert re.search(r"^\d+s +web-cache +delivery +delivery fails, ", done.stdout, re.M)
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    summary = tell(box, "show").stdout
    assert re.search(r"^problems: [1-9]", summary, re.M)
    assert re.search(r"^web-cache: delivery fails, .*a packet filter", summary, re.M)
    box.ns.run("nft", "delete", "table", "inet", "f")
    wait_until(lambda: not problems(box), 15, lambda: str(problems(box)))


def test_what_is_missing(lab):
    """A router that stops, an instance that ends, an address that goes away."""
    box = start(lab)
    lab.wccprouter.kill()
    wait_until(lambda: has(box, "router", box.router, "^lost"), 15,
               lambda: str(problems(box)))
    box.instance.kill()
    wait_until(lambda: has(box, "instance", "web/s1", "absent, port 3129"), 10,
               lambda: str(problems(box)))
    assert has(box, "pool", "web", "down: 0 of 1 instances count, 1 needed")
    box.ns.ip("address", "del", box.address + "/24", "dev", "eth0")
    wait_until(lambda: has(box, "address", None, "does not have the address"), 10,
               lambda: str(problems(box)))
    assert tell(box, "-j", "show", "problems").returncode == 1
