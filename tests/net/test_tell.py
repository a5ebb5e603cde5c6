# SPDX-License-Identifier: GPL-2.0-or-later
"""What wccpctl tells is what is so: packets by reason, problems, explanations,
traces."""

import json
import os
import re
import select
import socket
import sys

import pytest

from netns import program, run, wait_until
from small import ADDRESSES, CLIENT, HERE, Small

TOP = os.path.join(HERE, "..", "..")
FILTER = "add table inet f; add chain inet f input { type filter hook input priority 0; " \
    "policy drop; }; add rule inet f input meta iifname lo accept; " \
    "add rule inet f input udp dport 2048 accept"


@pytest.fixture
def lab(net):
    small = Small(net, origin=True)
    small.start_router("web-cache")
    return small


def wait_heard(lab, share):
    """Until the boxes have heard from the router that each has so many slots."""
    lab.wait_shares(share, share)
    wait_until(lambda: all(b.show()["services"][0]["assignment"]["my_slots"] == share
                           for b in lab.boxes), 5, "the boxes have heard of it")


def start(lab):
    for box in lab.boxes:
        box.configure(("web-cache", ""))
        box.start()
    wait_heard(lab, 128)
    lab.wait_served(("box1", "box2"))
    return lab.boxes[0]


def tell(box, *words):
    return run(program("wccpctl"), "-s", os.path.join(box.lab.net.tmpdir, box.name + ".sock"),
               *words, check=False)


def rows(text):
    """{(service, reason): packets} of show packets."""
    return {(m[1], m[2].strip()): int(m[3])
            for m in re.finditer(r"^(\S+) +(\S.*?) +(\d+)(?:  .*)?$", text, re.M)}


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
    with open(os.path.join(TOP, "doc/wccpctl.8"), encoding="utf-8") as f:
        section = re.search(r"^\.Ss Reasons\n(.*?)^\.S[hs]", f.read(), re.M | re.S)[1]
    told = {word for line in re.findall(r"^\.It (.*)", section, re.M)
            for word in line.split(" , ")}
    assert told == set(packets["reasons"])


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
    assert all(p["since_s"] is not None for p in box.show()["problems"])
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


# -- explain ---------------------------------------------------------------------------

MORE = {"s2": (3130, 4202), "s3": (3131, 4203)}  # instances beside s1: ports, checks


def start_several(lab, more="", spread="flow"):
    """Three instances in each box; returns {(box, instance): process}."""
    processes = {}
    for box in lab.boxes:
        box.configure(("web-cache", more))
        with open(box.conf, encoding="utf-8") as f:
            text = f.read()
        text = text.replace("    instance s1", f"    spread = {spread}\n    instance s1")
        for name, (port, check) in MORE.items():
            text = text.replace("    instance s1", f"    instance {name} {{ port = {port}  "
                                f'check = "127.0.0.1:{check}" }}\n    instance s1')
            box.ns.popen([sys.executable, "-m", "http.server", "-b", "127.0.0.1", str(check)],
                         log=f"{box.name}.{name}.check", cwd=lab.net.tmpdir)
            processes[box.name, name] = box.ns.popen(
                [sys.executable, os.path.join(HERE, "dp_listener.py"), f"{box.name}/{name}",
                 str(port)], log=f"{box.name}.{name}")
        with open(box.conf, "w", encoding="utf-8") as f:
            f.write(text)
        processes[box.name, "s1"] = box.instance
        box.start()
        wait_until(lambda b=box: b.show() and b.show()["pools"][0]["healthy"] == 3, 10,
                   box.log)
    return processes


def explain(box, *words):
    done = tell(box, "-j", "explain", *map(str, words))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def foretell(lab, dst, sport):
    """Box and instance that a connection is said to get."""
    said = explain(lab.boxes[0], CLIENT, dst, 80, sport)
    assert (said["service"], said["against"]) == ("web-cache", None)
    owner = said["owners"][0]["cache"]
    assert said["owners"][0]["this"] == (owner == lab.boxes[0].address)
    box = next(b for b in lab.boxes if b.address == owner)
    said = explain(box, CLIENT, dst, 80, sport)
    assert said["ranks"][said["rank"]] == {"instance": said["instance"], "listens": True}
    assert not any(r["listens"] for r in said["ranks"][:said["rank"]])
    return box.name, said["instance"]


def experience(lab, dst, sport):
    """Box and instance that it gets."""
    with lab.client.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", sport))
        s.settimeout(5)
        s.connect((dst, 80))
        ready, _, _ = select.select([s], [], [], 5)
        assert ready
        box, _, instance = s.recv(100).split()[0].decode().partition("/")
    return box, instance or "s1"


@pytest.mark.parametrize("more,spread",
                         [("", "flow"), ("assign = { mask }\nmask { dst-ip = 0x5 }",
                                         "destination")],
                         ids=("hash", "mask"))
def test_explain_foretells_50_connections(lab, more, spread):
    processes = start_several(lab, more, spread)
    assert lab.boxes[0].show()["pools"][0]["spread"] == spread
    assert f"; spread by {spread}\n" in tell(lab.boxes[0], "show", "instances").stdout
    wait_heard(lab, 2 if more else 128)
    wait_until(lambda: {lab.try_connect(f"10.9.{n}.1") for n in range(0, 256, 31)}.isdisjoint(
        {None, "origin"}), 10, "clients are served")
    flows = [(f"10.9.{n * 37 % 256}.{n}", 20000 + 77 * n) for n in range(50)]
    met = set()
    for n, flow in enumerate(flows):
        if n == 25:
            processes["box1", "s2"].kill()
            processes["box1", "s2"].wait()
        said = foretell(lab, *flow)
        assert said == experience(lab, *flow), flow
        met.add(said)
    assert len(met) == 6


def test_explain_says_who_had_the_slot_before(lab):
    one, two = lab.boxes
    one.configure(("web-cache", ""))
    two.configure(("web-cache", ""))
    one.start()
    lab.wait_shares(256, 0)
    two.start()
    wait_heard(lab, 128)
    moved = [dst for dst in (f"10.9.1.{n}" for n in range(1, 256, 9))
             if explain(two, CLIENT, dst)["owners"][0]["this"]]
    assert moved
    for dst in moved:
        wait_until(lambda d=dst: explain(two, CLIENT, d)["before"] == ADDRESSES["box1"], 5,
                   two.log)
        assert explain(one, CLIENT, dst)["owners"][0]["cache"] == ADDRESSES["box2"]


def test_explain_in_words(lab):
    box = start(lab)
    text = tell(box, "explain", CLIENT, "10.9.1.1").stdout
    assert re.search(r"^service +web-cache$", text, re.M)
    assert re.search(r"^slot +bucket 3 of 256, by dst-ip; if it is a hot one, ", text, re.M)
    assert re.search(r"^instance +by addresses and ports \(spread = flow\): web/s1 4096 of 4096$", text, re.M)
    assert max(len(line) for line in text.splitlines()) <= 100
    # Not ours: who has it now is not called the one before.
    text = tell(box, "explain", CLIENT, "10.9.200.1").stdout
    assert re.search(r"^web-cache +10.3.2.2 \(router 10.3.1.1\)$", text, re.M)
    assert not re.search("^before", text, re.M)
    assert re.search(r"^instance +if it came here: by addresses and ports", text, re.M)
    text = tell(box, "explain", CLIENT, "10.9.1.1", "81").stdout
    assert re.search(r"^service +none that it fits", text, re.M)
    assert re.search(r"^instance +none: ", text, re.M)
    assert explain(box, CLIENT, box.address)["against"].startswith("the destination is this")
    for words in (("x", "10.9.1.1"), (CLIENT, "10.9.1.1", "0"), (CLIENT, "::1"),
                  (CLIENT, "10.9.1.1", "80", "65536")):
        assert tell(box, "explain", *words).returncode == 1
    assert tell(box, "explain", CLIENT).returncode == 2


# -- trace -----------------------------------------------------------------------------

LINE = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\S+) (\S+):(\d+) > (\S+):(\d+) (\S+) "
                  r"(\S+)(?: (to )?(\S+/?\S*))? by (gre|l2) from (\S+)$", re.M)


class Trace:
    """wccpctl trace, under way."""

    def __init__(self, box, *words):
        self.box = box
        self.process = box.ns.popen(
            [program("wccpctl"), "-s", os.path.join(box.lab.net.tmpdir, box.name + ".sock"),
             "trace", "client", *words], log=f"{box.name}.trace{id(self)}")

    def lines(self):
        return [m.groups() for m in LINE.finditer(self.process.output())]

    def wait_end(self, timeout=10):
        assert self.process.wait(timeout) == 0, self.process.output()
        return self.process.output()


def until_traced(lab, trace):
    """Connections, until one of them is told of: the lines."""
    def some():
        assert lab.try_connect("10.9.1.1") is not None
        return trace.lines()
    return wait_until(some, 10, trace.process.output)


def test_trace(lab):
    box = start_alone(lab)
    trace = Trace(box, CLIENT, "80")
    until_traced(lab, trace)
    sport = 23456
    said = explain(box, CLIENT, "10.9.2.2", 80, sport)["instance"]
    experience(lab, "10.9.2.2", sport)
    def mine():
        return [m for m in trace.lines() if m[3] == str(sport)]
    wait_until(lambda: any(m[6] == "FA" for m in mine()), 5, trace.process.output)
    new, flow = mine()[0], mine()[1:]
    assert new[1:10] == ("web-cache", CLIENT, str(sport), "10.9.2.2", "80", "S",
                         "delivered-new", None, f"web/{said}")
    assert new[10:] == ("gre", "10.3.255.1")
    assert flow[0][6:10] == ("A", "delivered-flow", None, f"web/{said}")
    assert {m[7] for m in flow} == {"delivered-flow"}
    # An acknowledgement of nothing.
    before = box.show()["services"][0]["packets"]["reasons"]["returned-unknown-flow"]
    lab.client.run(sys.executable, "-c", ACK.format(CLIENT))
    wait_until(lambda: any(m[6:8] == ("A", "returned-unknown-flow") for m in trace.lines()), 5,
               trace.process.output)
    assert box.show()["services"][0]["packets"]["reasons"]["returned-unknown-flow"] == \
        before + 1


ACK = """
import socket, struct
def checksum(b):
    total = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
src, dst = (socket.inet_aton(a) for a in ("{}", "10.9.3.3"))
tcp = struct.pack("!HHIIBBHHH", 34567, 80, 1, 1, 5 << 4, 16, 1000, 0, 0)
pseudo = src + dst + struct.pack("!HH", 6, len(tcp))
tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
s.sendto(tcp, ("10.9.3.3", 0))
"""


def start_alone(lab):
    """box1 with all buckets."""
    box = lab.boxes[0]
    box.configure(("web-cache", ""))
    box.start()
    lab.wait_shares(256, 0)
    wait_until(lambda: lab.try_connect("10.9.1.1") == "box1", 10, box.log)
    return box


def test_trace_of_others_and_other_ports_is_silent(lab):
    box = start_alone(lab)
    for words in (("10.3.0.9",), (CLIENT, "81")):
        trace = Trace(box, *words, "-t", "1")
        while trace.process.poll() is None:
            assert lab.try_connect("10.9.1.1") == "box1"
        assert trace.wait_end() == ""


def test_trace_is_bounded(lab):
    """In lines a second, and in time; what is left out is counted."""
    box = start_alone(lab)
    trace = Trace(box, CLIENT, "any", "-t", "2")
    until_traced(lab, trace)
    redirected = box.show()["services"][0]["packets"]["redirected"]
    with lab.client.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.connect(("10.9.4.4", 80))
        s.settimeout(5)
        while trace.process.poll() is None:
            for _ in range(20):
                s.send(b"x")
            s.recv(4096)
    text = trace.wait_end()
    more = [int(n) for n in re.findall(r"^and (\d+) more$", text, re.M)]
    lines = len(trace.lines())
    assert more and lines <= 21 * 50 and lines >= 100
    assert len(text.splitlines()) == lines + len(more)
    assert sum(more) + lines <= box.show()["services"][0]["packets"]["redirected"]
    assert sum(more) + lines > 0.5 * (
        box.show()["services"][0]["packets"]["redirected"] - redirected)


def test_one_trace_at_a_time(lab):
    box = start_alone(lab)
    first = Trace(box, CLIENT)
    until_traced(lab, first)
    refused = tell(box, "trace", "client", CLIENT)
    assert refused.returncode == 1
    assert re.search(rf"client {CLIENT} is being traced, for \d+ s more: one at a time",
                     refused.stderr)
    first.process.kill()
    first.process.wait()
    # Whoever comes next need not wait for the end of the time.
    wait_until(lambda: tell(box, "-t", "1", "trace", "client", CLIENT).returncode == 0, 5,
               "the next trace")
    for words, says in (((CLIENT, "0"), "not a port"), (("x",), "not an IPv4 address"),
                        (("::1",), "not an IPv4 address")):
        assert says in tell(box, "trace", "client", *words).stderr
    assert "not a number of seconds" in tell(box, "-t", "301", "trace", "client",
                                             CLIENT).stderr
    assert tell(box, "trace", "server", CLIENT).returncode == 2
