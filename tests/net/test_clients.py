# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the control sockets and of the metrics cannot shut each other out."""

import contextlib
import os
import re
import socket
import subprocess
import time

import pytest

from everything import everything
from netns import program, wait_until
from small import Small

PLACES = 16
METRICS = ("10.3.0.1", 9102)
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def kib(process):
    with open(f"/proc/{process.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1])


@pytest.fixture(name="small")
def fixture_small(net):
    small = Small(net, boxes=("box1",))
    small.start_router(*(str(n) for n in range(20)), options=(),
                       top='metrics = "10.3.0.1:9102"')
    small.boxes[0].configure(("web-cache", ""))
    small.boxes[0].start()
    wait_until(small.boxes[0].show, 10, small.boxes[0].log)
    return small


def control(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)  # waits while the queue is full
    s.settimeout(10)
    return s


def metrics(small, ns=None):
    with (ns or small.client).entered():
        s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.settimeout(10)
    s.connect(METRICS)
    return s


class Server:
    """A daemon's socket: how to connect, to ask, and to see that it was honest."""

    def __init__(self, process, connect, request, end):
        self.process, self.connect, self.request, self.end = process, connect, request, end

    def ask(self):
        """Seconds until the whole answer is here."""
        begun = time.monotonic()
        with contextlib.closing(self.connect()) as s:
            s.sendall(self.request)
            got = everything(s)
        assert got.endswith(self.end), got[-100:]
        return time.monotonic() - begun

    def crowd(self, stack, n, words):
        for _ in range(n):
            s = stack.enter_context(contextlib.closing(self.connect()))
            with contextlib.suppress(ConnectionError):
                s.sendall(words)


def servers(small):
    router_sock = os.path.join(small.net.tmpdir, "router.sock")
    box_sock = os.path.join(small.net.tmpdir, "box1.sock")
    return {
        "wccpd": Server(small.boxes[0].wccpd, lambda: control(box_sock), b"show\n", b"}\n"),
        "wccprouter": Server(small.wccprouter, lambda: control(router_sock), b"show\n",
                             b"}\n"),
        "metrics": Server(small.wccprouter, lambda: metrics(small), GET, b"# EOF\n"),
    }


def test_who_waits_shuts_nobody_out(small):
    """Silent clients, half requests, and those that do not read their answers."""
    all_of_them = servers(small)
    for name, server in all_of_them.items():
        server.ask()
        with contextlib.ExitStack() as stack:
            for words in (b"", server.request[:3], server.request):
                server.crowd(stack, PLACES, words)
                assert server.ask() < 1, (name, words)
        before = kib(server.process)
        for words in (b"", server.request[:3], server.request):
            with contextlib.ExitStack() as stack:
                server.crowd(stack, 200, words)
                assert server.ask() < 1, (name, words)
                assert kib(server.process) < before + 2048, (name, words)


FLOOD = """
import socket, sys
held, words = [], sys.argv[2].encode()
while True:
    s = socket.socket(socket.AF_INET if ":" in sys.argv[1] else socket.AF_UNIX)
    host, _, port = sys.argv[1].partition(":")
    try:
        s.connect((host, int(port)) if port else host)
        s.sendall(words)
    except OSError:
        pass
    held = held[-30:] + [s]
"""


def answered(tool, *words):
    """Each of five times, within a second."""
    for _ in range(5):
        begun = time.monotonic()
        done = subprocess.run([program(tool), *words], capture_output=True, text=True,
                              check=False, timeout=10)
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - begun < 1


def test_a_flood_of_clients_shuts_nobody_out(small):
    """Processes that connect and say nothing, or ask for all there is, as fast as they
    can."""
    box, router = (os.path.join(small.net.tmpdir, name) for name in ("box1.sock", "router.sock"))
    floods = [small.client.popen(["python3", "-I", "-S", "-c", FLOOD, where, words], log="flood")
              for where, words in ((box, ""), (box, ""), (box, "show\n"),
                                   ("10.3.0.1:9102", GET.decode()))]
    answered("wccpctl", "-s", box, "show")
    answered("wccprouter", "-s", router, "show")
    assert all(f.poll() is None for f in floods)


def test_who_follows_stays(small):
    """A trace goes on, whoever comes and waits meanwhile."""
    server = servers(small)["wccprouter"]
    with contextlib.ExitStack() as stack:
        follower = stack.enter_context(contextlib.closing(server.connect()))
        follower.sendall(b"follow\n")
        assert follower.recv(100)
        server.crowd(stack, 3 * PLACES, b"")
        server.ask()
        follower.setblocking(False)
        # A message may have come meanwhile; the end of the connection may not.
        with contextlib.suppress(BlockingIOError):
            assert follower.recv(100)


def test_one_address_does_not_shut_out_another(small):
    """Of those that wait, one of the address with most of them has to go."""
    server = servers(small)["metrics"]
    with contextlib.ExitStack() as stack:
        slow = stack.enter_context(contextlib.closing(metrics(small, small.boxes[0].ns)))
        server.crowd(stack, 3 * PLACES, b"")
        slow.sendall(GET)
        assert everything(slow).endswith(b"# EOF\n")
