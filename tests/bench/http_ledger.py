# SPDX-License-Identifier: GPL-2.0-or-later
"""The account of every HTTP connection that a client opens: downloads with steady progress,
idle ones, and short requests all the time.  Kept outside of the daemons, by sockets alone.

A download is broken when it ends early or an octet of it is wrong; a new connection has
failed without a whole answer.  Either has stalled if nothing came for a second longer than
it should; that is dated by the last octet before."""

import errno
import itertools
import selectors
import socket
import threading
import time

from steady import LINE, PACE

STALL = 1.0
TIMEOUT = 12.0
NOTED = 0.1  # gaps that are longer are kept


class Connection:
    def __init__(self, server, path):
        self.server, self.path = server, path
        self.kind = path.split("/")[1]
        self.pace = PACE["idle"][0] if self.kind == "idle" else 0.0
        self.socket = None
        self.head, self.length, self.got, self.rest = b"", None, 0, b""
        self.asked = False
        self.began = self.last = time.monotonic()
        self.closed = None
        self.gaps = []  # (when it began, how much longer than it should be)
        self.by_proxy = False
        self.given_up = False
        self.end = None  # "whole", or why not

    def open(self, source):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.bind((source, 0))
        self.socket.connect_ex((self.server, 80))

    def ask(self):
        self.asked = True
        self.socket.send(f"GET {self.path} HTTP/1.0\r\nHost: {self.server}\r\n\r\n".encode())

    def note_gap(self, now):
        if now - self.last - self.pace > NOTED:
            self.gaps.append((self.last, now - self.last - self.pace))

    def take(self, octets, now):
        self.note_gap(now)
        self.last = now
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
            self.end = self.end or "whole"

    def check(self, octets):
        """Numbered lines, one after the other."""
        if self.kind not in PACE:
            return
        first = (self.got - len(self.rest)) // LINE
        whole = self.rest + octets
        for i in range(len(whole) // LINE):
            if whole[i * LINE:(i + 1) * LINE] != b"%09d\n" % (first + i):
                self.end = f"wrong octets after {self.got}"
        self.rest = whole[len(whole) // LINE * LINE:]

    def bad(self):
        return bool(self.end) and self.end != "whole"

    def ended(self):
        """When it went wrong: when it was closed, or the last octet of one that was given up."""
        return self.last if self.given_up else self.closed

    def stalls(self):
        return [gap for gap in self.gaps if gap[1] > STALL]


class HttpLedger:
    """Keeps the account while it is entered: `rate` new connections a second, and
    `downloads` open at any time, of `seconds` each."""

    numbers = itertools.count(1)  # no URL of a process is asked for twice

    def __init__(self, client, sources, servers, rate, downloads=0, seconds=30):
        self.client, self.rate = client, rate
        self.keep, self.seconds = downloads, seconds
        self.sources, self.servers = itertools.cycle(sources), itertools.cycle(servers)
        self.wanted, self.open_ones = [], {}
        self.long, self.shorts = [], []
        self.late = []  # (when, how long this program itself did nothing)
        self.selector = selectors.DefaultSelector()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.trouble, self.start = None, time.monotonic()

    def __enter__(self):
        # They do not all end at once.
        for n in range(self.keep):
            self.want("steady", max(1, self.seconds * (n + 1) // self.keep))
        self.thread.start()
        self.wait_begun()
        return self

    def __exit__(self, *exc):
        self.ended.set()
        self.thread.join()
        now = time.monotonic()
        for c in self.open_ones.values():
            c.note_gap(now)
            c.socket.close()

    def want(self, kind, seconds):
        c = Connection(next(self.servers), f"/{kind}/{seconds}/{next(self.numbers)}")
        self.long.append(c)
        self.wanted.append(c)

    def idle(self, n, seconds, per_second=500):
        """Open so many idle ones, and wait until all have had something."""
        begun = time.monotonic()
        for i in range(n):
            self.want("idle", seconds)
            if (ahead := i / per_second - (time.monotonic() - begun)) > 0:
                time.sleep(ahead)
        self.wait_begun()

    def wait_begun(self):
        end = time.monotonic() + 2 * TIMEOUT
        while not all(c.got or c.end for c in self.long):
            if time.monotonic() > end or self.trouble:
                raise AssertionError(f"downloads do not begin: {self.trouble}")
            time.sleep(0.05)

    # -- the thread ----------------------------------------------------------------------

    def run(self):
        try:
            with self.client.entered():
                self.loop()
        except Exception as e:  # it is told where the account is read
            self.trouble = e

    def loop(self):
        n, looked, before = 0, 0.0, time.monotonic()
        while not self.ended.is_set() or any(c in self.open_ones.values()
                                             for c in self.shorts[-500:]):
            now = time.monotonic()
            if now - before > NOTED:
                self.late.append((before, now - before))
            before = now
            for _ in range(min(len(self.wanted), 50)):
                self.begin(self.wanted.pop(0))
            while not self.ended.is_set() and n < (now - self.start) * self.rate:
                n += 1
                c = Connection(next(self.servers), f"/1k?u={next(self.numbers)}")
                self.shorts.append(c)
                self.begin(c)
            for key, _ in self.selector.select(0.005):
                self.ready(self.open_ones[key.fd], time.monotonic())
            if now - looked > 0.25:
                looked = now
                self.time_out(now)

    def begin(self, c):
        c.began = c.last = time.monotonic()
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
        c.note_gap(now)
        c.closed = now
        self.selector.unregister(c.socket)
        del self.open_ones[c.socket.fileno()]
        c.socket.close()
        c.socket = None
        if c.kind == "steady" and not self.ended.is_set():
            self.want("steady", self.seconds)

    def time_out(self, now):
        for c in list(self.open_ones.values()):
            if now - c.last > TIMEOUT + c.pace:
                c.given_up = True
                c.end = f"nothing for {now - c.last:.0f} s after {c.got}"
                self.close(c, now)

    # -- the account -----------------------------------------------------------------------

    def account(self, begin, end):
        """Figures of the time between two readings of the clock, by name."""
        def then(when):
            return begin <= when < end
        new = [c for c in self.shorts if c.end and then(c.began)]
        ran = [c for c in self.long if c.began < end and (c.closed is None or c.closed >= begin)]
        gaps = [gap for c in self.long + self.shorts for gap in c.gaps if then(gap[0])]
        return {
            "seconds": round(end - begin, 1),
            "new": len(new),
            "failed": sum(c.bad() and then(c.ended()) for c in self.shorts),
            "direct": sum(c.end == "whole" and not c.by_proxy for c in new),
            "downloads": len(ran),
            "broken": sum(c.bad() and then(c.ended()) for c in self.long),
            "stalled": sum(gap[1] > STALL for gap in gaps),
            "longest": round(max((gap[1] for gap in gaps), default=NOTED), 2),
            "late": round(max((n for when, n in self.late if then(when)), default=NOTED), 2),
        }

    def why(self, begin, end, most=6):
        """The first few of those that did not end whole, or stalled."""
        bad = [(when, f"{when - begin:6.2f} s: {c.server}{c.path} {text}")
               for c in self.long + self.shorts
               for when, text in ([(c.ended(), c.end)] if c.bad() else []) +
               [(at, f"nothing for {n:.2f} s more than it should be") for at, n in c.stalls()]
               if begin <= when < end]
        direct = [c.began for c in self.shorts
                  if c.end == "whole" and not c.by_proxy and begin <= c.began < end]
        if direct:
            bad.append((0, f"direct: {len(direct)}, from {direct[0] - begin:.1f} s to "
                        f"{direct[-1] - begin:.1f} s"))
        return [text for _, text in sorted(bad)[:most]]
