# SPDX-License-Identifier: GPL-2.0-or-later
"""The account of every HTTP connection that a client opens: downloads with steady progress,
and short requests all the time.  Kept outside of the daemons, by sockets alone.

A download is broken when it ends early or an octet of it is wrong; a new connection has
failed without a whole answer.  Both have stalled if nothing came for longer than STALL."""

import contextlib
import errno
import itertools
import selectors
import socket
import threading
import time

from steady import LINE

STALL = 1.0
TIMEOUT = 12.0


class Connection:
    def __init__(self, server, path):
        self.server, self.path = server, path
        self.socket = None
        self.head, self.length, self.got, self.rest = b"", None, 0, b""
        self.asked = False
        self.began = self.last = time.monotonic()
        self.gap = 0.0  # the longest time in which nothing came
        self.by_proxy = False
        self.end = None  # "whole", or why not

    def open(self, source):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.bind((source, 0))
        self.socket.connect_ex((self.server, 80))

    def ask(self):
        self.asked = True
        self.socket.send(f"GET {self.path} HTTP/1.0\r\nHost: {self.server}\r\n\r\n".encode())

    def take(self, octets, now):
        self.gap, self.last = max(self.gap, now - self.last), now
        if self.length is None:
            self.head += octets
            if b"\r\n\r\n" not in self.head:
                return
            head, _, octets = self.head.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            if b" 200 " not in lines[0]:
                self.end = lines[0].decode()
                return
            self.by_proxy = any(line.startswith(b"via:") for line in lines)
            self.length = next(int(line.split(b":")[1]) for line in lines
                               if line.startswith(b"content-length:"))
        self.check(octets)
        self.got += len(octets)
        if self.got == self.length:
            self.end = "whole"

    def check(self, octets):
        """Numbered lines, one after the other."""
        if not self.path.startswith("/steady/"):
            return
        first = (self.got - len(self.rest)) // LINE
        whole = self.rest + octets
        for i in range(len(whole) // LINE):
            if whole[i * LINE:(i + 1) * LINE] != b"%09d\n" % (first + i):
                self.end = f"wrong octets after {self.got}"
        self.rest = whole[len(whole) // LINE * LINE:]


class HttpLedger:
    """Keeps the account while it is entered; `rate` new connections a second."""

    numbers = itertools.count(1)  # no URL of a process is asked for twice

    def __init__(self, client, sources, servers, rate, path="/1k"):
        self.client, self.rate, self.path = client, rate, path
        self.sources, self.servers = itertools.cycle(sources), itertools.cycle(servers)
        self.wanted, self.open_ones = [], {}
        self.downloads, self.shorts = [], []
        self.selector = selectors.DefaultSelector()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.trouble, self.start = None, time.monotonic()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.ended.set()
        self.thread.join()
        for c in self.open_ones.values():
            c.socket.close()

    def download(self, n, seconds):
        """Begin so many downloads, and wait until all have begun."""
        new = [Connection(next(self.servers), f"/steady/{seconds}/{next(self.numbers)}")
               for _ in range(n)]
        self.downloads += new
        self.wanted += new
        end = time.monotonic() + TIMEOUT
        while not all(c.got or c.end for c in new):
            if time.monotonic() > end or self.trouble:
                raise AssertionError(f"downloads do not begin: {self} {self.trouble}")
            time.sleep(0.05)

    def wait_downloads(self, timeout):
        end = time.monotonic() + timeout
        while not all(c.end for c in self.downloads) and time.monotonic() < end:
            time.sleep(0.1)

    # -- the thread ----------------------------------------------------------------------

    def run(self):
        try:
            with self.client.entered():
                self.loop()
        except Exception as e:  # it is told where the account is read
            self.trouble = e

    def loop(self):
        n = 0
        while not self.ended.is_set() or any(c in self.open_ones.values()
                                             for c in self.shorts[-500:]):
            now = time.monotonic()
            while self.wanted:
                self.begin(self.wanted.pop(0))
            while not self.ended.is_set() and n < (now - self.start) * self.rate:
                n += 1
                c = Connection(next(self.servers), f"{self.path}?u={next(self.numbers)}")
                self.shorts.append(c)
                self.begin(c)
            for key, _ in self.selector.select(0.005):
                self.ready(self.open_ones[key.fd], time.monotonic())
            self.time_out(time.monotonic())

    def begin(self, c):
        c.open(next(self.sources))
        self.open_ones[c.socket.fileno()] = c
        self.selector.register(c.socket, selectors.EVENT_WRITE)

    def ready(self, c, now):
        try:
            if not c.asked:
                c.ask()
                self.selector.modify(c.socket, selectors.EVENT_READ)
                return
            octets = c.socket.recv(65536)
            if octets:
                c.take(octets, now)
            else:
                c.end = f"ended after {c.got} of {c.length}"
        except BlockingIOError:
            return
        except OSError as e:
            c.end = f"{errno.errorcode.get(e.errno, e.errno)} after {c.got}"
        if c.end:
            self.close(c, now)

    def close(self, c, now):
        c.gap = max(c.gap, now - c.last)
        with contextlib.suppress(KeyError):
            self.selector.unregister(c.socket)
        del self.open_ones[c.socket.fileno()]
        c.socket.close()

    def time_out(self, now):
        for c in list(self.open_ones.values()):
            if now - c.last > TIMEOUT:
                c.end = f"nothing for {TIMEOUT} s after {c.got}"
                self.close(c, now)

    # -- the account -----------------------------------------------------------------------

    def account(self):
        """Figures of the ledger, by name."""
        done = [c for c in self.shorts if c.end]
        return {
            "new": len(done),
            "failed": sum(c.end != "whole" for c in done),
            "direct": sum(c.end == "whole" and not c.by_proxy for c in done),
            "downloads": len(self.downloads),
            "broken": sum(c.end != "whole" for c in self.downloads),
            "stalled": sum(c.gap > STALL for c in self.downloads + done),
            "longest": max((c.gap for c in self.downloads + done), default=0.0),
        }

    def why(self):
        """The first few of those that did not end whole, or stalled."""
        bad = [f"{c.server}{c.path}: {c.end}, longest gap {c.gap:.2f} s"
               for c in self.downloads + self.shorts
               if (c.end and c.end != "whole") or c.gap > STALL]
        direct = [c.began for c in self.shorts if c.end == "whole" and not c.by_proxy]
        if direct:
            bad.insert(0, f"direct: {len(direct)}, the first {direct[0] - self.start:.1f} s "
                       f"after the beginning, the last {direct[-1] - self.start:.1f} s")
        return bad[:4]

    def __str__(self):
        return f"{self.account()} {self.why()}"
