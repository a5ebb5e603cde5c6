# SPDX-License-Identifier: GPL-2.0-or-later
"""What wccpd has put into the kernel outlives it, and the next one adopts it: no SYN is
lost, no connection breaks, counters and spread go on; and nothing is left in the end."""

import os

import pytest

from flows import broken, open_flows
from netns import Net, pins, run, wait_until
from pins_lab import PinsLab, all_answered

SERVERS = [f"10.9.3.{i}" for i in range(1, 65)]
NAMES = [f"box{b}{s}" for b in (1, 2) for s in ("", "-s2", "-s3", "-s4")]


@pytest.fixture(scope="module")
def lab():
    """Each test leaves it as it was."""
    with Net("pins") as net:
        yield PinsLab(net)
    assert net.leftovers() == []


def counted(box):
    shown = box.show()
    return (shown["services"][0]["packets"]["delivered"],
            sum(i["given"] for i in shown["pools"][0]["instances"]))


def serves(lab):
    assert set(lab.takers(30).values()) <= set(NAMES)


def adopted(box):
    wait_until(lambda: "is adopted from" in box.log(), 10, box.log)


def test_killed_and_started(lab):
    one = lab.boxes[0]
    before, owners = lab.takers(), lab.owners()
    assert len({v for v in before.values() if v.startswith("box1")}) == 4
    had = counted(one)
    with open_flows(lab, SERVERS, NAMES) as flows, lab.probing() as found:
        for _ in range(3):
            one.kill()
            assert lab.takers(50) == {i: before[i] for i in range(50)}
            one.start()
            adopted(one)
            lab.wait_up(one)
        assert broken(flows, "alive") == []
    all_answered(found)
    assert lab.takers() == before
    assert lab.owners() == owners
    now = counted(one)
    assert now[0] > had[0] and now[1] > had[1]
    log = one.log()
    assert "withdraw" not in log and "level=warning" not in log, log


def test_routers_are_not_heard_for_a_while(lab):
    """What they redirect is taken all the same."""
    one = lab.boxes[0]
    with open_flows(lab, SERVERS, NAMES) as flows, lab.probing() as found:
        one.kill()
        for words in ("add table ip silence",
                      "add chain ip silence in { type filter hook input priority 0; }",
                      "add rule ip silence in udp sport 2048 drop"):
            one.ns.run("nft", words)
        one.start()
        wait_until(lambda: one.state() == "waiting for first answer" and
                   one.show()["data_plane"], 10, one.log)
        had = counted(one)[0]  # the plan of this process is in force now
        wait_until(lambda: counted(one)[0] > had + 200, 10, one.log)
        assert one.state() == "waiting for first answer"
        one.ns.run("nft", "delete table ip silence")
        lab.wait_up(one)
        assert broken(flows, "alive") == []
    all_answered(found)


def test_another_layout_replaces_everything_at_once(lab):
    one = lab.boxes[0]
    before = lab.takers()
    with open_flows(lab, SERVERS, NAMES) as flows, lab.probing() as found:
        for layout in ("1", "2"):
            one.kill()
            one.start(env={**os.environ, "WCCPD_TEST_LAYOUT": layout})
            wait_until(lambda: "build with another layout" in one.log(), 10, one.log)
            lab.wait_up(one)
            wait_until(lambda: one.show()["data_plane"], 10, one.log)
        assert broken(flows, "alive") == []
    all_answered(found)
    assert lab.takers() == before  # the seed goes on


def test_a_second_one_is_refused_and_names_the_first(lab):
    one = lab.boxes[0]
    first = one.wccpd
    one.start()
    assert one.wccpd.wait(10) == 1
    assert f"another wccpd, process {first.pid}, has the pins in /sys/fs/bpf/" in one.log()
    one.wccpd = first
    assert lab.share("box1") == 128
    serves(lab)


def test_nothing_is_left(net):
    lab = PinsLab(net, t_ms=500, boxes=("box1",))
    one = lab.boxes[0]
    assert one.wccpd.stop() == 0
    clean = one.ns.state()
    for _ in range(2):
        one.start()
        lab.wait_up(one)
        assert pins(one.ns.inode)
        one.kill()
    one.start()
    lab.wait_up(one)
    assert one.wccpd.stop() == 0
    assert one.ns.state() == clean
    # Nor when it cannot start, although pins are there.
    one.start()
    lab.wait_up(one)
    one.kill()
    kept = one.ns.state()
    with open(one.conf, "a") as f:
        f.write('pid-file = "/nowhere/at/all"\n')
    one.start()
    assert one.wccpd.wait(10) == 1
    assert one.ns.state() == kept


NEEDED = ("saved", "counters", "tables")


def complete(box):
    """What a process with pins that do not fit keeps to itself for a while is pinned."""
    wait_until(lambda: set(NEEDED) <= set(os.listdir(pins(box.ns.inode)[0])), 10, box.log)


def half_written(lab, box):
    for name in NEEDED:
        os.unlink(f"{pins(box.ns.inode)[0]}/{name}")


def only_a_stranger(lab, box):
    path = pins(box.ns.inode)[0]
    for name in os.listdir(path):
        os.unlink(f"{path}/{name}")
    run("bpftool", "map", "create", f"{path}/identity", "type", "hash", "key", "4",
        "value", "4", "entries", "1", "name", "stranger")


def test_pins_that_do_not_fit(net):
    lab = PinsLab(net, t_ms=500, boxes=("box1",))
    one = lab.boxes[0]
    for spoil in (half_written, only_a_stranger):
        one.kill()
        spoil(lab, one)
        one.start()
        wait_until(lambda: "are not complete: they will be replaced" in one.log(), 10,
                   one.log)
        lab.wait_up(one)
        serves(lab)
        complete(one)
        one.kill()
        one.start()
        adopted(one)
        lab.wait_up(one)


def test_pins_of_another_namespace(net):
    lab = PinsLab(net, t_ms=500)
    one, two = lab.boxes
    assert one.wccpd.stop() == 0 and two.wccpd.stop() == 0
    for box in lab.boxes:
        lab.configure(box, f'pin-directory = "/sys/fs/bpf/wccp-test-{one.ns.inode}"')
    one.start()
    lab.wait_up(one)
    one.kill()
    two.start()
    wait_until(lambda: "are of another network namespace" in two.log(), 10, two.log)
    lab.wait_up(two)
    assert two.wccpd.stop() == 0
    assert pins(one.ns.inode) == []


@pytest.mark.parametrize("how, says", [
    ("umount /sys/fs/bpf", None),
    ("mount -t bpf -o ro bpf /sys/fs/bpf", "Read-only file system"),
])
def test_file_systems(net, how, says):
    lab = PinsLab(net, t_ms=500, boxes=("box1",))
    one = lab.boxes[0]
    assert one.wccpd.stop() == 0
    one.start("unshare", "--mount", "sh", "-c", f'{how}; exec "$@"', "sh")
    lab.wait_up(one)
    if says:
        wait_until(lambda: says in one.log(), 10, one.log)
        assert one.log().count("kernel state ends with this process") == 1
    else:
        assert "kernel state is kept in" in one.log()
    serves(lab)
    assert one.wccpd.stop() == 0
