# SPDX-License-Identifier: GPL-2.0-or-later
"""What strangers can do to wccprouter by the port that serves its metrics."""

import contextlib
import os
import re
import resource
import select
import socket
import time

from everything import everything
from netns import wait_until
from wccprouter_lab import world  # noqa: F401  pylint: disable=unused-import

# Not of loopback, whose segments and therefore buffers are far larger.
ADDRESS = ("10.1.0.1", 9102)
METRICS = 'metrics = "10.1.0.1:9102"'
PLACES = 16
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
# So many services that their metrics do not fit into the buffers of a socket.
SERVICES = "service web-cache { }\n" + "".join(f"service {n} {{ }}\n" for n in range(63))


def connect(world, receive_buffer=None):
    with world.client.entered():
        s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(10)
    s.connect(ADDRESS)
    return s


def peak_kib(world):
    """The most memory that wccprouter has had since the last call."""
    pid = world.process.pid
    with open(f"/proc/{pid}/status") as f:
        kib = int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1])
    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write("5")
    return kib


def slow_readers(world, stack):
    """As many as there are places, each with an answer that waits for it."""
    readers = [stack.enter_context(connect(world, 2048)) for _ in range(PLACES)]
    for s in readers:
        s.sendall(REQUEST)
        assert s.recv(1)
        s.setblocking(False)
    return readers


def stream(readers, most):
    """Send without reading until nobody takes any more, or `most` octets are gone."""
    sent, left = 0, set(readers)
    while left and sent < most:
        _, ready, _ = select.select([], left, [], 0.5)
        if not ready:
            break
        for s in ready:
            try:
                sent += s.send(bytes(65536))
            except BlockingIOError:
                pass
            except ConnectionError:
                left.discard(s)
    return sent


def test_slow_readers_cost_no_memory(world):
    world.start(SERVICES, more=METRICS, options=())
    with contextlib.ExitStack() as stack:
        slow_readers(world, stack)
        peak_kib(world)
    with contextlib.ExitStack() as stack:
        readers = slow_readers(world, stack)
        before = peak_kib(world)
        sent = stream(readers, 100 << 20)
        assert peak_kib(world) - before <= 1024, f"{sent} octets sent"
    with connect(world) as s:
        s.sendall(REQUEST)
        assert everything(s).endswith(b"# EOF\n")


def test_a_connection_ends_whatever_it_does(world):
    world.start(SERVICES, more=METRICS, options=())
    ways = {
        "says nothing": b"", "half a request": REQUEST[:9], "a zero": b"\0\n\n",
        "a long word": b"G" * 9000, "an empty line": b"\r\n\r\n", "a word": b"GET\r\n\r\n",
        "does not read": REQUEST,
    }
    with contextlib.ExitStack() as stack:
        begun = {}
        for name, words in ways.items():
            begun[name] = stack.enter_context(connect(world, 2048))
            begun[name].sendall(words)
            begun[name].settimeout(15)
        begun["does not read"].shutdown(socket.SHUT_WR)
        wait_until(lambda: not connections(world), 15, lambda: str(connections(world)))
        for name, s in begun.items():
            got = everything(s)
            assert name == "does not read" or not got or got.startswith(b"HTTP/1.1 400 ")


def connections(world):
    """Lines of ss about connections to the port that wccprouter still has."""
    lines = world.router.run("ss", "-tnpH", "sport", "= :9102").stdout.splitlines()
    return [line for line in lines if "wccprouter" in line]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_without_descriptors_it_rests(world):
    world.start(more=METRICS, options=())
    pid = world.process.pid
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    lowest_free = next(n for n in range(1024) if not os.path.exists(f"/proc/{pid}/fd/{n}"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, usual[1]))
    with connect(world) as web, contextlib.closing(socket.socket(socket.AF_UNIX)) as control:
        web.sendall(REQUEST)
        control.settimeout(10)
        control.connect(world.control)
        control.sendall(b"show global\n")
        wait_until(lambda: "event=listener-paused" in world.log(), 5, world.log)
        used, begun = cpu_seconds(pid), time.monotonic()
        assert select.select([web, control], [], [], 3)[0] == []
        assert cpu_seconds(pid) - used <= 0.05 * (time.monotonic() - begun)
        assert world.log().count("event=listener-paused") == 2
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        assert everything(web).endswith(b"# EOF\n")
        assert everything(control).startswith(b"{")
    assert world.log().count("event=listener-resumed") == 2
