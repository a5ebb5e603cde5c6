# SPDX-License-Identifier: GPL-2.0-or-later
"""Random and mutated datagrams by the hundred thousand, at both daemons, while a group
works.  FLOOD_COUNT (environment) is how many each gets in each test; the full form has
1000000."""

import os

import pytest

from netns import program, run, wait_until
from small import ADDRESSES, Small, ask

COUNT = int(os.environ.get("FLOOD_COUNT", "250000"))
PER_SECOND = 40000
BOX1, BOX2 = ADDRESSES.values()


def resident(process):
    """KiB that a process has in memory."""
    with open(f"/proc/{process.pid}/status") as f:
        return int([l for l in f if l.startswith("VmRSS:")][0].split()[1])


def samples(small):
    folder = os.path.join(small.net.tmpdir, "samples")
    os.makedirs(folder, exist_ok=True)
    run(program("tests/unit/wccp_samples"), folder)
    return folder


def flood(small, ns, source, to, count, seed, password):
    return ns.popen([program("tests/net/flood"), source, to, count, PER_SECOND, seed,
                     password or "-", samples(small)], log=f"flood-{seed}")


def taken(shown):
    """Datagrams that wccprouter has seen, from whomever, of whatever kind."""
    unknown = sum(shown["refused"].values()) + shown["unknown_service"]
    c = shown["services"][0]["counters"]
    own = sum(v for k, v in c.items() if isinstance(v, int)) + sum(c["refused"].values())
    return unknown + own + sum(c["received"].values())


@pytest.mark.serial  # takes all that the machine has
@pytest.mark.parametrize("password", [None, "s3cret"])
def test_flood(net, password):
    """Nobody falls over, grows, or believes a word; the group goes on as it was."""
    small = Small(net)
    line = f'password = "{password}"' if password else ""
    small.start_router(("web-cache", "assign = { hash }\n    echo-assignment = true\n    " + line))
    box = small.boxes[0]
    box.configure(("web-cache", line))
    box.start()
    small.wait_shares(256, 0)
    small.wait_served(["box1"])
    client, = small.show()["services"][0]["clients"]
    connected = client["connect_time_s"]
    key = small.show()["services"][0]["key_change"]

    # From the other box, and at wccpd from another address of the router: with a password
    # as if from the router itself, which without one could say anything.
    router = box.router if password else "10.3.255.1"
    def both(count, seed):
        loads = [flood(small, small.boxes[1].ns, BOX2, small.boxes[1].router, count, seed,
                       password),
                 flood(small, small.router, router, BOX1, count, seed + 1, password)]
        for load in loads:
            assert load.wait(300) == 0 and int(load.output()) > count * 0.9
    both(COUNT // 10, 1)  # tables are as large as they get
    before = [resident(p) for p in (small.wccprouter, box.wccpd)]
    both(COUNT, 101)
    after = [resident(p) for p in (small.wccprouter, box.wccpd)]

    assert small.wccprouter.poll() is None and box.wccpd.poll() is None
    assert all(b < a + 512 for a, b in zip(before, after)), (before, after)
    shown = small.show()
    assert taken(shown) > COUNT / 2, shown["services"][0]["counters"]
    assert [c["address"] for c in shown["services"][0]["clients"]
            if c["state"] == "Usable"] == [BOX1]
    client = [c for c in shown["services"][0]["clients"] if c["address"] == BOX1][0]
    # It was never away, and nobody else has assigned anything.
    assert client["connect_time_s"] > connected and client["buckets"] == 256
    assert shown["services"][0]["assigned_by"] == BOX1
    assert shown["services"][0]["key_change"] == key
    box_shown = box.show()
    heard = sum(box_shown["refused"].values()) + sum(
        box_shown["services"][0]["counters"]["refused"].values())
    assert heard > COUNT / 2, box_shown["refused"]
    wait_until(lambda: box.state() == "assigned", 5, box.log)
    small.wait_served(["box1"])
    # Many reasons, and few lines: a minute for each reason and peer.
    assert box.log().count("event=auth") < 20 and box.log().count("event=truncated") < 20
    assert "state=lost" not in box.log() and "SERVICELOST" not in small.wccprouter.output()
    assert small.wccprouter.stop() == 0 and box.wccpd.stop() == 0


def test_the_router_stays_reachable(net):
    """Its control socket answers in the middle of it."""
    small = Small(net)
    small.start_router("web-cache")
    load = flood(small, small.boxes[1].ns, BOX2, small.boxes[1].router, 40000, 7, None)
    answers = 0
    while load.poll() is None:
        assert ask("wccprouter", os.path.join(net.tmpdir, "router.sock"), "show", "-j")
        answers += 1
    assert answers >= 3
