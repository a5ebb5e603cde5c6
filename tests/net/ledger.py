# SPDX-License-Identifier: GPL-2.0-or-later
"""A ledger of connections: every one that the client of the small laboratory opens is
accounted for, from outside of the daemons.

    with Ledger(lab, rate=100) as ledger:
        ledger.open(64)             # these stay open, with steady progress
        ...                         # whatever happens meanwhile
    print(ledger)
    assert ledger.broken == [] and ledger.failed == []
"""

import collections
import contextlib
import errno
import itertools
import selectors
import socket
import threading
import time

from small import CLIENT, ORIGIN_PORT

STEP = 0.1  # an open connection says something this often
STALL = 1.0  # longer than this without an answer is a stall


class Kept:
    """A connection that stays open: numbers go there and have to come back in order."""

    def __init__(self, sock, server):
        self.socket, self.server, self.by = sock, server, None
        self.sent = self.back = 0
        self.due, self.waiting_since = 0.0, None
        self.stalled = 0.0  # the longest time without an answer
        self.greeting, self.rest = b"", b""
        self.end = None  # why it broke

    def take(self, octets):
        if self.by is None:
            self.greeting += octets
            if b"\n" not in self.greeting:
                return
            line, _, octets = self.greeting.partition(b"\n")
            self.by = line.split()[0].decode()
        *lines, self.rest = (self.rest + octets).split(b"\n")
        for line in lines:
            self.back += 1
            if line != b"%d" % self.back:
                self.end = f"{line!r} in place of {self.back}"

    def answered(self, now):
        if self.waiting_since is not None and self.back == self.sent:
            self.stalled = max(self.stalled, now - self.waiting_since)
            self.waiting_since = None


class Ledger:
    def __init__(self, lab, rate=100, servers=None, timeout=8.0):
        self.lab, self.rate, self.timeout = lab, rate, timeout
        self.servers = itertools.cycle(
            servers or [f"10.9.{i * 37 % 32}.{i * 73 % 256}" for i in range(256)])
        self.kept, self.to_open, self.short = [], collections.deque(), {}
        self.opened, self.failed, self.slow = 0, [], []
        self.by = collections.Counter()  # who answered new connections
        self.selector = selectors.DefaultSelector()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.ended.set()
        self.thread.join()
        for k in self.kept:
            k.socket.close()

    def open(self, n, timeout=10):
        """So many that stay open; returns when all are answered."""
        want = len(self.kept) + n
        for _ in range(n):
            self.to_open.append(next(self.servers))
        end = time.monotonic() + timeout
        while len(self.kept) < want or not all(k.by or k.end for k in self.kept):
            assert time.monotonic() < end, str(self)
            time.sleep(0.02)
        return self.kept[want - n:]

    def close(self, kept):
        for k in kept:
            self.to_open.append(k)
        while not all(k.end for k in kept):
            time.sleep(0.01)

    # -- the thread ----------------------------------------------------------------------

    def connect(self, server):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setblocking(False)
        with contextlib.suppress(OSError):
            s.bind((CLIENT, 0))
        s.connect_ex((server, ORIGIN_PORT))
        return s

    def run(self):
        with self.lab.client.entered():
            start, n = time.monotonic(), 0
            while not (self.ended.is_set() and not self.short):
                now = time.monotonic()
                while self.to_open:
                    self.open_or_close(self.to_open.popleft())
                while not self.ended.is_set() and n < (now - start) * self.rate:
                    n += 1
                    self.begin_short(now)
                self.progress(now)
                for key, _ in self.selector.select(0.005):
                    self.ready(key, time.monotonic())
                self.time_out(time.monotonic())

    def open_or_close(self, what):
        if isinstance(what, Kept):
            self.selector.unregister(what.socket)
            what.socket.close()
            self.kept.remove(what)
            what.end = "closed by us"
            return
        k = Kept(self.connect(what), what)
        k.waiting_since = time.monotonic()
        self.kept.append(k)
        self.selector.register(k.socket, selectors.EVENT_READ, k)

    def begin_short(self, now):
        server = next(self.servers)
        s = self.connect(server)
        self.opened += 1
        self.short[s] = (now, server)
        self.selector.register(s, selectors.EVENT_READ, None)

    def end_short(self, s, now, by, why=None):
        began, server = self.short.pop(s)
        self.selector.unregister(s)
        s.close()
        if why:
            self.failed.append((server, why))
            return
        self.by[by] += 1
        if now - began > STALL:
            self.slow.append((server, round(now - began, 2)))

    def progress(self, now):
        for k in self.kept:
            if k.by is None or k.end or now < k.due or k.waiting_since is not None:
                continue
            k.due, k.waiting_since = now + STEP, now
            k.sent += 1
            try:
                k.socket.send(b"%d\n" % k.sent)
            except OSError as e:
                self.broke(k, errno.errorcode[e.errno])

    def ready(self, key, now):
        try:
            octets = key.fileobj.recv(4096)
            why = None if octets else "ended"
        except OSError as e:
            octets, why = b"", errno.errorcode[e.errno]
        if key.data is None:
            self.end_short(key.fileobj, now, octets.split()[0].decode() if octets else "",
                           why)
        elif why:
            self.broke(key.data, why)
        else:
            key.data.take(octets)
            key.data.answered(now)

    def broke(self, k, why):
        if not k.end:
            self.selector.unregister(k.socket)
            k.end = why

    def time_out(self, now):
        for s, (began, _) in list(self.short.items()):
            if now - began > self.timeout:
                self.end_short(s, now, None, "nothing")
        for k in self.kept:
            if k.waiting_since is not None and not k.end:
                k.stalled = max(k.stalled, now - k.waiting_since)
                if now - k.waiting_since > self.timeout:
                    self.broke(k, "nothing")

    # -- the account -----------------------------------------------------------------------

    @property
    def broken(self):
        return [(k.by, k.server, k.end) for k in self.kept if k.end]

    @property
    def stalled(self):
        return [(k.by, round(k.stalled, 2)) for k in self.kept if k.stalled > STALL]

    def __str__(self):
        return (f"{self.opened} new: {len(self.failed)} failed, {len(self.slow)} took "
                f"over {STALL} s, by {dict(self.by)}; {len(self.kept)} stay open: "
                f"{len(self.broken)} broken, {len(self.stalled)} stalled"
                + (f"; {self.failed[:3]}" if self.failed else "")
                + (f"; {collections.Counter(map(str, self.broken)).most_common(3)}"
                   if self.broken else "")
                + (f"; slow {self.slow[:5]}" if self.slow else ""))
