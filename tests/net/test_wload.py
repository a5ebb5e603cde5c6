# SPDX-License-Identifier: GPL-2.0-or-later
"""The load generator: it calls a whole answer whole, and every other one failed."""

import json
import socket
import threading
import time

import pytest

import netns

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nVia: 1.1 x\r\n\r\nhello"


class Server:
    """Answers every connection with the same octets, then closes or resets."""

    def __init__(self, answer, reset=False, hang=False):
        self.answer, self.reset, self.hang = answer, reset, hang
        self.held, self.requests = [], []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d/x?u=%%u" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c = self.socket.accept()[0]
            except OSError:
                return
            self.requests.append(c.recv(4096))
            c.sendall(self.answer)
            if self.hang:
                self.held.append(c)
            else:
                if self.reset:
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                c.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()
        for c in self.held:
            c.close()


def wload(*options):
    done = netns.run(netns.program("tests/net/wload"), *options)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return ([x["failed"] for x in lines if "failed" in x],
            [x["ok"] for x in lines if "ok" in x], lines[-1]["summary"])


def test_whole_answers():
    with Server(WHOLE) as s:
        start = time.monotonic()
        failed, ok, summary = wload("-v", "-n", 2, "-r", 50, "-d", 0.2, s.url)
    assert failed == [] and summary["failed"] == 0
    assert summary["whole"] == summary["requests"] == summary["via"] == len(ok) > 5
    assert summary["requests"] <= 12  # 50 a second, not as fast as it goes
    for r in ok:
        assert start <= r["t_start"] <= r["t_connected"] <= r["t_end"] <= time.monotonic()
    numbers = [r.split()[1] for r in s.requests]
    assert len(set(numbers)) == len(numbers) == summary["requests"]


@pytest.mark.parametrize("answer,kw,phase,why", [
    (b"", {}, "recv", "closed early"),
    (WHOLE[:-1], {}, "recv", "closed early"),
    (WHOLE[:-1], {"reset": True}, "recv", "ECONNRESET"),
    (WHOLE + b"!", {}, "recv", "too long"),
    (WHOLE.replace(b"200", b"503"), {}, "recv", "status"),
    (WHOLE.replace(b"Content-Length: 5\r\n", b""), {}, "recv", "no Content-Length"),
    (b"220 mail\r\n\r\n", {}, "recv", "not HTTP"),
    (b"x" * 5000, {}, "recv", "long header"),
    (WHOLE[:-1], {"hang": True}, "recv", "ETIMEDOUT"),
])
def test_broken_answers(answer, kw, phase, why):
    with Server(answer, **kw) as s:
        failed, _, summary = wload("-n", 1, "-r", 20, "-d", 0.1, "-t", 300, s.url)
    assert summary["whole"] == 0 and summary["failed"] == summary["requests"] > 0
    for r in failed:
        assert (r["phase"], r["why"]) == (phase, why)
        assert r["t_connected"] and r["port"]


def test_refused():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # bound, not listening
        failed, _, summary = wload("-n", 1, "-r", 20, "-d", 0.1,
                                   "http://127.0.0.1:%d/" % s.getsockname()[1])
    assert summary["failed"] == len(failed) > 0
    assert {(r["phase"], r["why"]) for r in failed} == {("connect", "ECONNREFUSED")}
