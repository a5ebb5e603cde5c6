# SPDX-License-Identifier: GPL-2.0-or-later
"""What a service can be told, each in a service group of its own, with wccprouter:
versions, weights, methods and masks, hot buckets, timers, strangers, multicast.
"""

import signal

import pytest

from netns import Net, wait_until
from small import ADDRESSES, Small


def described(number, more=""):
    """A service of its own number and port."""
    return f"id = {number}\n    ports = {{ {number + 8000} }}\n    {more}"


# number: (both boxes, box2 instead of that or None, router's, share of box1, slots)
GROUPS = {
    # versions: ours, the router's
    20: ("version = 2.0", None, "version = 2.0", 128, 256),
    21: ("version = 2.01", None, "version = 2.0", 128, 256),
    22: ("version = negotiate", None, "version = 2.0", 128, 256),
    23: ("version = 2.0", None, "version = 2.01", 128, 256),
    24: ("version = 2.01", None, "version = 2.01", 128, 256),
    25: ("version = negotiate", None, "version = 2.01", 128, 256),
    # box2 speaks another version than box1
    26: ("version = 2.0", "version = negotiate", "version = 2.01", 128, 256),
    # weights, in both methods
    30: ("weight = 100", "weight = 300", "", 64, 256),
    31: ("assign = { mask }\n weight = 100", "assign = { mask }\n weight = 300", "", 16, 64),
    # masks: of any field; in the order that the router allows; alternate sets
    32: ("assign = { mask }\n mask { src-port = 0x30  dst-port = 0x1  src-ip = 0x3 }",
         None, "", 16, 32),
    33: ("assign = { mask, hash }", None, "assign = { hash }", 128, 256),
    34: ("assign = { mask }\n version = 2.01\n mask-bits = 10", None, "version = 2.01",
         512, 1024),
    35: ("assign = { mask }\n mask-bits = 10", None, "", 512, 1024),
    # box2 would rather have masks, but the group is frozen to the hash
    36: ("", "assign = { mask, hash }", "", 128, 256),
    # hot buckets
    40: ("alternate-hash = { src-port }\n hot-buckets = { 3, 100-120 }", None, "", 128, 256),
    # only box1 may have anything
    50: ("caches = { 10.3.1.2 }", "", "", 256, 256),
    # the nearest that the router allows
    60: ("", None, "transmit-t = { 700, 900 }", 128, 256),
    # a multicast group
    70: ("multicast = 239.9.8.7\n multicast-ttl = 3", None,
         "group-address = 239.9.8.7", 128, 256),
}
VERSIONS = {20: "2.0", 21: "2.0", 22: "2.0", 23: "2.0", 24: "2.01", 25: "2.01"}


def service_of(shown, number):
    return next(s for s in shown["services"] if s["id"] == number)


@pytest.fixture(scope="module")
def lab():
    with Net("options") as net:
        small = Small(net)
        small.start_router(*((str(n), g[2]) for n, g in GROUPS.items()))
        one, two = small.boxes
        one.configure(*((f"g{n}", described(n, g[0])) for n, g in GROUPS.items()))
        two.configure(*((f"g{n}", described(n, g[0] if g[1] is None else g[1]))
                        for n, g in GROUPS.items()))
        one.start()
        # Box1 is first everywhere: what it chooses is frozen.
        wait_until(lambda: one.show() and all(
            s["routers"] and s["routers"][0]["state"] in ("joined", "assigned")
            for s in one.show()["services"]), 20, one.log)
        two.start()
        yield small
    assert not net.leftovers()


@pytest.mark.parametrize("number", GROUPS)
def test_shares(lab, number):
    index = list(GROUPS).index(number)
    _, _, _, mine, slots = GROUPS[number]
    lab.wait_shares(mine, slots - mine, service=index)


@pytest.mark.parametrize("number", VERSIONS)
def test_version_spoken(lab, number):
    for box in lab.boxes:
        router = service_of(box.show(), number)["routers"][0]
        assert router["version"] == VERSIONS[number]


def test_stranger_is_named(lab):
    one, _ = lab.boxes
    assert (f'msg="web-cache {ADDRESSES["box2"]} is in the group and not in the list'
            in one.log())
    caches = service_of(one.show(), 50)["caches"]
    assert [c["stranger"] for c in caches if c["address"] == ADDRESSES["box2"]] == [True]


def test_frozen_method_is_respected(lab):
    _, two = lab.boxes
    assert service_of(two.show(), 36)["assignment"]["method"] == "hash"


def test_timers_are_the_nearest(lab):
    for box in lab.boxes:
        assert service_of(box.show(), 60)["routers"][0]["transmit_t_ms"] == 700
    # The choice of the first is the group's.


def test_multicast_router_is_learned(lab):
    for box in lab.boxes:
        service = service_of(box.show(), 70)
        assert [r["id"] for r in service["routers"]] == ["10.3.255.1"]
    assert {c["multicast"] for c in lab.show()["services"][-1]["clients"]} == {True}


@pytest.mark.few  # 128 groups at once
def test_sixty_four_services(net):
    many = Small(net)
    many.start_router(*(str(n) for n in range(64)))
    for box in many.boxes:
        box.configure(*((f"s{n}", described(n)) for n in range(64)))
        box.start()
    wait_until(lambda: all([c["buckets"] for c in s["clients"]] == [128, 128]
                           for s in many.show()["services"]), 20, "128 + 128, 64 times")
    one = many.boxes[0]
    wait_until(lambda: {s["routers"][0]["state"] for s in one.show()["services"]} ==
               {"assigned"}, 10, one.log)
    with open(f"/proc/{one.wccpd.pid}/status") as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    assert rss < 64 * 1024
    assert one.wccpd.stop() == 0
    many.wait_shares(0, 256, service=63)

    # All are exchanged for others, twice, while the router acknowledges nothing: there
    # is room for as many that say goodbye as there are services, and that is enough.
    two = many.boxes[1]
    many.wccprouter.send_signal(signal.SIGSTOP)
    for times, first in ((1, 64), (2, 128)):
        two.configure(*((f"s{n}", described(n)) for n in range(first, first + 64)))
        two.wccpd.send_signal(signal.SIGHUP)
        wait_until(lambda n=times: two.log().count("is in force") == n, 10, two.log)
    many.wccprouter.send_signal(signal.SIGCONT)
    assert {s["id"] for s in two.show()["services"]} == set(range(128, 192))
    wait_until(lambda: not any(s["clients"] for s in many.show()["services"]), 20,
               "the router has nobody left")
    assert two.wccpd.stop() == 0
