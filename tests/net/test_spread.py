# SPDX-License-Identifier: GPL-2.0-or-later
"""Which instance a connection gets: real connections, whatever the key of the pool, and what
becomes of them when instances go, come back and are added."""

import collections
import os
import select
import socket

import pytest

from dp_lab import (L2, WEB, Instance, driver, lab, pool, router)  # noqa: F401

KEYS = ("flow", "source", "destination", "cpu")
CLIENTS = [f"10.1.1.{n}" for n in range(1, 251)]
SERVERS = [f"198.51.100.{n}" for n in range(1, 251)]
AT_ONCE = 250


@pytest.fixture
def many(lab):
    """The client has 250 addresses more."""
    lab.redirect_l2()
    lab.client.route("local", "10.1.1.0/24", "dev", "lo")
    lab.router.route("10.1.1.0/24", "via", "10.1.0.2")
    return lab


def one_each(n):
    """Flows that are told apart by all that can be in a key."""
    return [(CLIENTS[i % 250], 20000 + i // 250 * 250 + i % 250, SERVERS[i * 7 % 250])
            for i in range(n)]


def connect(lab, flow):
    client, port, server = flow
    s = lab.client.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    s.setblocking(False)
    s.bind((client, port))
    s.connect_ex((server, 80))
    return s


def answers(lab, flows):
    """The instance of each flow; a connection that fails has none."""
    found, waiting, todo = {}, {}, list(reversed(flows))
    poll = select.epoll()
    while todo or waiting:
        while todo and len(waiting) < AT_ONCE:
            s = connect(lab, todo[-1])
            waiting[s.fileno()] = (s, todo.pop())
            poll.register(s, select.EPOLLIN)
        ready = poll.poll(5)
        assert ready, f"{len(waiting)} connections get no answer"
        for fd, _ in ready:
            s, flow = waiting.pop(fd)
            poll.unregister(fd)
            try:
                found[flow] = s.recv(100).split()[0].decode()
            except OSError:
                found[flow] = None
            s.close()
    poll.close()
    return found


def plan(driver, instances, spread, weights=None, down=()):
    lines = pool(*[(x, (weights or {}).get(x.name, 100), int(x.name not in down))
                   for x in instances], spread=KEYS.index(spread))
    assert driver.plan(WEB, *lines, router(L2, L2)) == "ok "


def moved(before, after):
    return {flow: (before[flow], after[flow]) for flow in before
            if before[flow] != after[flow]}


def test_only_the_flows_of_one_that_goes_move_and_come_back(many, driver):
    """4,000 flows, before, while one of four is dead, when that is known, when it is back, and
    when there is a fifth."""
    inst = many.instances(4)
    flows = one_each(4000)
    plan(driver, inst, "flow")
    first = answers(many, flows)
    shares = collections.Counter(first.values())
    # The deviation of a fair hash is 27.
    assert all(abs(shares[i.name] - 1000) < 5 * 27.4 for i in inst), shares

    inst[1].kill()
    dead = answers(many, flows)
    gone = moved(first, dead)
    assert set(gone) == {f for f in flows if first[f] == "s2"}
    heirs = collections.Counter(to for _, to in gone.values())
    assert all(abs(heirs[n] - len(gone) / 3) < 5 * 15 for n in ("s1", "s3", "s4")), heirs

    plan(driver, inst[:1] + inst[2:], "flow")
    assert answers(many, flows) == dead  # nothing moves a second time

    inst[1] = Instance(many.box, "s2", 3130)
    plan(driver, inst[::-1], "flow")  # in another order
    assert answers(many, flows) == first

    inst.append(Instance(many.box, "s5", 3140))
    plan(driver, inst, "flow")
    taken = moved(first, answers(many, flows))
    assert {to for _, to in taken.values()} == {"s5"}
    # 1/n, and no more than chance adds: the deviation is 25.
    assert abs(len(taken) - 800) < 5 * 25.3, len(taken)


@pytest.mark.parametrize("weights", ({}, {"s1": 300}), ids=("even", "weighted"))
@pytest.mark.parametrize("spread", KEYS)
def test_keys_and_weights(many, driver, spread, weights):
    inst = many.instances(3)
    plan(driver, inst, spread, weights)
    flows = one_each(1000)
    found = answers(many, flows)
    by = collections.defaultdict(set)
    for flow, name in found.items():
        by[{"source": flow[0], "destination": flow[2]}.get(spread, flow)].add(name)
    assert all(len(names) == 1 for names in by.values())
    if spread == "cpu":
        return
    shares = collections.Counter(next(iter(names)) for names in by.values())
    total = sum(weights.get(i.name, 100) for i in inst)
    for i in inst:
        share = weights.get(i.name, 100) / total
        deviation = (len(by) * share * (1 - share)) ** 0.5
        assert abs(shares[i.name] - len(by) * share) < 5 * deviation, shares
    # Other ports and other ends: who has the key keeps the instance.
    others = {"source": [(c, p + 7000, SERVERS[i % 9]) for i, (c, p, _) in enumerate(flows)],
              "destination": [(CLIENTS[i % 9], 40000 + i, d)
                              for i, (_, _, d) in enumerate(flows)]}
    for flow, name in answers(many, others.get(spread, [])).items():
        assert {name} == by[flow[0] if spread == "source" else flow[2]], flow


def test_each_processor_has_its_instance(many, driver):
    """Packets of a veth are worked on by the processor that sent them."""
    cpus = sorted(os.sched_getaffinity(0))
    inst = many.instances(len(cpus) + 1)
    plan(driver, inst, "cpu")
    try:
        for cpu in cpus:
            os.sched_setaffinity(0, {cpu})
            names = collections.Counter(answers(many, one_each(100)).values())
            assert names.most_common(1)[0][0] == f"s{cpu % len(inst) + 1}", (cpu, names)
            assert names.most_common(1)[0][1] >= 90, (cpu, names)
    finally:
        os.sched_setaffinity(0, cpus)
    # One that has no instance that is up is served by another's.
    plan(driver, inst, "cpu", down=[i.name for i in inst[:-1]])
    assert set(answers(many, one_each(50)).values()) == {inst[-1].name}
