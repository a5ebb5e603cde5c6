# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections of the client of the small laboratory that stay open: who answers them,
and whether they still live."""

import collections
import contextlib
import itertools
import select
import socket

from small import CLIENT, ORIGIN_PORT


class Flow:
    """A connection that stays open."""

    def __init__(self, lab, server, source):
        self.server, self.by = server, None
        self.socket = lab.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.bind((source, 0))
        self.socket.connect_ex((server, ORIGIN_PORT))


def hear(flows, timeout=10):
    """One line of each: {flow: its words, or what came instead}."""
    heard, waiting = {}, {f.socket.fileno(): f for f in flows}
    poll = select.poll()
    for fd in waiting:
        poll.register(fd, select.POLLIN)
    while waiting:
        ready = poll.poll(timeout * 1000)
        if not ready:
            break
        for fd, _ in ready:
            flow = waiting.pop(fd)
            poll.unregister(fd)
            try:
                heard[flow] = flow.socket.recv(1000).decode().split()
            except OSError as e:
                heard[flow] = e.strerror
    return heard


@contextlib.contextmanager
def open_flows(lab, servers, among, sources=(CLIENT,)):
    """A connection to each server, answered by one of `among`; sources in turn."""
    flows = [Flow(lab, server, source)
             for server, source in zip(servers, itertools.cycle(sources))]
    try:
        heard = hear(flows)
        for f in flows:
            f.by = heard.get(f, ["nobody"])[0]
        assert {f.by for f in flows} <= set(among), collections.Counter(
            f.by for f in flows)
        yield flows
    finally:
        for f in flows:
            f.socket.close()


def broken(flows, word):
    """Those that do not echo a line, as (who served it, what came instead)."""
    for f in flows:
        with contextlib.suppress(OSError):  # it is told when hearing
            f.socket.send(word.encode() + b"\n")
    heard = hear(flows)
    return [(f.by, heard.get(f, "nothing")) for f in flows if heard.get(f) != [word]]
