# SPDX-License-Identifier: GPL-2.0-or-later
"""The log under attack: nobody fills it, and nothing that does not take its lines stops
a daemon."""

import contextlib
import fcntl
import os
import socket

import wccpcache as w
from netns import wait_until
from small import ADDRESSES, Small, T

SOURCES, EACH = 1000, 3
BOX1, BOX2 = ADDRESSES.values()
ROUTER = "10.3.1.1"


def flood(small):
    """From a thousand senders each, three datagrams of a group that nobody has: at
    wccprouter from the box, at wccpd from the router."""
    octets = bytes.fromhex("0000000a0200003c" "0000000400000000" "000100180163060600000000"
                           "000000000000000000000000000000") + bytes(32)
    for ns, to in ((small.boxes[0].ns, ROUTER), (small.router, BOX1)):
        with contextlib.closing(ns.socket(socket.AF_INET, socket.SOCK_RAW,
                                          socket.IPPROTO_RAW)) as raw:
            for n in range(SOURCES * EACH):
                raw.sendto(w.udp(f"10.7.{n % SOURCES // 250}.{n % 250 + 1}", to, 2048, 2048,
                                 octets[:68]), (to, 0))


def heard(small):
    return sum(small.show()["services"][0]["counters"]["received"].values())


def work_goes_on(small):
    """Both daemons answer, and the box is heard again and again."""
    before = heard(small)
    wait_until(lambda: heard(small) > before + 3, 10, "HERE_I_AMs arrive")
    assert small.boxes[0].state() == "assigned"


def start(small, options=(), stderrs=({}, {})):
    small.start_router("web-cache", options=options, **stderrs[0])
    small.boxes[0].configure(("web-cache", ""))
    small.boxes[0].start(**stderrs[1])
    wait_until(lambda: small.share("box1") == 256, 15, "the box has its slots")


def lines_of(process, event=""):
    return [line for line in process.output().splitlines() if f"event={event}" in line]


def test_a_thousand_senders_do_not_fill_the_log(net):
    small = Small(net, boxes=("box1",))
    start(small)
    before = [len(lines_of(p)) for p in (small.wccprouter, small.boxes[0].wccpd)]
    flood(small)
    wait_until(lambda: small.show()["unknown_service"] >= SOURCES * EACH * 0.9, 10,
               lambda: str(small.show()["unknown_service"]))
    work_goes_on(small)
    for process, event, was in ((small.wccprouter, "unknown-service", before[0]),
                                (small.boxes[0].wccpd, "unknown-service", before[1])):
        assert 50 < len(lines_of(process)) - was < 150, process.output()[-2000:]
        assert lines_of(process, event)


def join(cache):
    """Whoever comes anew is answered at a limited rate."""
    for _ in range(2):
        answer = None
        while not answer:
            cache.send(cache.here_i_am())
            with contextlib.suppress(TimeoutError):
                answer = cache.receive(timeout=0.1,
                                       wanted=lambda a: cache.own in a.received_from)
        cache.seen = answer


def test_a_member_that_comes_and_goes_does_not_fill_the_log(net):
    small = Small(net, boxes=("box1",))
    small.start_router("web-cache")
    with contextlib.closing(w.Cache(small.boxes[0].ns, BOX1, ROUTER,
                                    transmit_t=int(1000 * T))) as cache:
        for _ in range(26):
            join(cache)
            cache.shutdown()
    lines = small.wccprouter.output().splitlines()
    assert 20 < len(lines) < 60
    # What it has come to is told in the end.
    def last():
        return small.wccprouter.output().splitlines()[-1]
    wait_until(lambda: "event=service-lost" in last() and "more like it" in last(), 10, last)


@contextlib.contextmanager
def target(kind):
    """A file to log to, and what reads it."""
    if kind == "full device":
        with open("/dev/full", "wb") as f:
            yield f.fileno(), None
        return
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    if kind == "reader gone":
        os.close(reader)
        reader = None
    try:
        yield writer, reader
    finally:
        for fd in (reader, writer):
            if fd is not None:
                os.close(fd)


def read_until(fd, wanted):
    """Everything in the pipe, until a line says so."""
    os.set_blocking(fd, False)
    got = b""

    def arrived():
        nonlocal got
        with contextlib.suppress(BlockingIOError):
            while part := os.read(fd, 65536):
                got += part
        return wanted in got
    wait_until(arrived, 20, lambda: got[-2000:].decode())
    return got


def stderr(writer):
    return {"stderr": writer}


def test_a_pipe_that_nobody_reads_stops_no_daemon(net):
    small = Small(net, boxes=("box1",))
    with target("pipe") as (writer, reader):
        start(small, ("-d",), (stderr(writer), stderr(writer)))
        flood(small)
        work_goes_on(small)
        assert b"lines lost: the log was not read" in read_until(reader, b"event=lines-lost")
        assert os.get_blocking(writer)  # for others who have it
        small.boxes[0].wccpd.stop()
        assert small.wccprouter.stop() == 0


def test_a_log_that_takes_nothing_stops_no_daemon(net):
    small = Small(net, boxes=("box1",))
    with target("reader gone") as (gone, _), target("full device") as (full, _):
        start(small, ("-d",), (stderr(gone), stderr(full)))
        flood(small)
        work_goes_on(small)
        small.boxes[0].wccpd.stop()
        assert small.wccprouter.stop() == 0
