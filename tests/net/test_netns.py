# SPDX-License-Identifier: GPL-2.0-or-later
"""The helper itself: what it makes works, and is gone on every way out."""

import glob
import os
import signal
import socket
import subprocess
import sys

import pytest

from netns import Net, Timeout, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))

CHILD = """
import sys; sys.path.insert(0, {here!r})
import netns, signal
with netns.Net("child") as n:
    a = n.namespace("a")
    a.popen(["sleep", "1000"])
    a.run("sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &")
    print(n.prefix, n.tmpdir, flush=True)
    {then}
"""


def gone(prefix):
    return not [n for n in os.listdir("/run/netns") if n.startswith(prefix)]


def test_cable(net):
    a, b = net.namespace("a"), net.namespace("b")
    net.veth(a, "eth0", "10.9.0.1/24", b, "eth0", "10.9.0.2/24")
    with b.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(("10.9.0.2", 80))
        assert not b.listens(80)
        s.listen()
        assert b.listens(80) and not a.listens(80)
        with a.socket(socket.AF_INET, socket.SOCK_STREAM) as c:
            c.settimeout(5)
            c.connect(("10.9.0.2", 80))
            assert s.accept()[1][0] == "10.9.0.1"


def test_closed_leaves_nothing():
    with Net("t") as n:
        a = n.namespace("a")
        p = a.popen(["sleep", "1000"])
        assert p.pid in a.pids()
        assert n.leftovers()
    assert n.leftovers() == []


def test_wait_until_times_out():
    with pytest.raises(Timeout, match="never"):
        wait_until(lambda: False, 0.05, "never")


@pytest.mark.parametrize("then,signum,code", [
    ("signal.pause()", signal.SIGINT, -signal.SIGINT),
    ("signal.pause()", signal.SIGTERM, 128 + signal.SIGTERM),
    ("raise ValueError('on purpose')", None, 1),
    ("sys.exit(7)", None, 7),
])
def test_removed_on_every_way_out(then, signum, code):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(here=HERE, then=then)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    prefix, tmpdir = child.stdout.readline().split()
    if signum:
        assert not gone(prefix)
        child.send_signal(signum)
    assert child.wait(20) == code
    child.stdout.close()
    assert gone(prefix) and not os.path.exists(tmpdir)


PAUSING = """
import signal

def test_{number}(net):
    net.namespace("a").popen(["sleep", "1000"])
    with open({folder!r} + "/{number}.made", "w") as f:
        f.write(net.prefix + " " + net.tmpdir)
    signal.pause()
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_removed_when_several_run_at_once(tmp_path, signum):
    """Whatever ends pytest itself, its workers tidy up after themselves."""
    for number in range(2):
        (tmp_path / f"test_{number}.py").write_text(
            PAUSING.format(number=number, folder=str(tmp_path)))
    pytest_itself = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "conftest",
         "-p", "no:cacheprovider", str(tmp_path)], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": HERE}, stdout=subprocess.DEVNULL)

    def made():
        texts = [open(path).read().split() for path in glob.glob(f"{tmp_path}/*.made")]
        return len(texts) == 2 and all(len(t) == 2 for t in texts) and texts

    texts = wait_until(made, 30, "two tests run")
    assert not gone(texts[0][0]) and not gone(texts[1][0])
    pytest_itself.send_signal(signum)
    assert pytest_itself.wait(30) != 0
    wait_until(lambda: all(gone(prefix) and not os.path.exists(tmpdir)
                           for prefix, tmpdir in texts), 30, "nothing is left of it")
