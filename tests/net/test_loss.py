# SPDX-License-Identifier: GPL-2.0-or-later
"""The account of failed requests excuses nothing that a kill does not explain."""

import socket

import pytest

import sockdiag
from lab import Lab
from loss import Kill, divide
from netns import wait_until


class Logged:
    """Squids whose access logs have these connections."""

    def __init__(self, *connections):
        self.connections = connections

    def access(self):
        return [(f"{a}:{p}", "200", "CARP", f"http://{d}/x")
                for a, p, d in self.connections]


HELD, QUEUED = ("10.0.0.10", 1000, "10.20.0.1"), ("10.0.0.11", 2000, "10.20.0.2")
OTHER = ("10.0.0.12", 3000, "10.20.0.3")


def a_kill():
    kill = Kill.__new__(Kill)
    kill.t_look, kill.t_kill, kill.t_dead = 10.0, 10.001, 10.004
    kill.owned, kill.queued, kill.backlog = {HELD}, {QUEUED}, 1
    return kill


def failure(connection=HELD, **change):
    r = dict(src=connection[0], port=connection[1], dst=connection[2], t_start=9.9,
             t_connected=9.91, t_end=10.003, phase="recv", why="ECONNRESET")
    r.update(change)
    return r


@pytest.mark.parametrize("r,lost", [
    (failure(), True),
    (failure(why="closed early"), True),
    (failure(t_end=10.9), True),
    (failure(QUEUED), True),
    (failure(OTHER, t_start=10.0005, t_connected=10.0007), True),
    # Not held by the victim, and open before we looked.
    (failure(OTHER), False),
    # Over before the signal, or begun after the death.
    (failure(t_end=10.0005), False),
    (failure(t_start=10.005, t_connected=10.006, t_end=10.01), False),
    # Reset after the SYN-ACK, before the client looked: it was open.
    (failure(QUEUED, t_connected=None, phase="connect"), True),
    (failure(OTHER, t_connected=None, phase="connect"), False),
    # Could not be opened, or not for want of the process.
    (failure(t_connected=None, phase="connect", why="ECONNREFUSED"), False),
    (failure(t_connected=None, phase="connect", why="ETIMEDOUT"), False),
    (failure(why="ETIMEDOUT"), False),
    (failure(why="status"), False),
])
def test_one_failure(r, lost):
    failures, in_flight = divide([r], [a_kill()], [Logged()])
    assert (len(failures), len(in_flight)) == ((0, 1) if lost else (1, 0))


def test_what_another_squid_had_is_a_failure():
    new = failure(OTHER, t_start=10.0005, t_connected=10.0007)
    for r in (failure(QUEUED), new):
        assert divide([r], [a_kill()], [Logged(QUEUED, OTHER)]) == ([r], [])


def test_without_a_kill_all_are_failures():
    assert divide([failure()], [], [Logged()]) == ([failure()], [])


TPROXY = """\
table ip t {
    chain p {
        type filter hook prerouting priority mangle;
        tcp dport 80 tcp flags & (syn|ack) != syn socket transparent 1 meta mark set 1 accept
        tcp dport 80 tproxy to :%d meta mark set 1 accept
    }
}
"""


def redirect_by_hand(lab, box, port):
    """What router and wccpd do, with routes and nft, for one port."""
    lab.router.ip("rule", "add", "iif", "client", "lookup", "100")
    lab.router.ip("route", "add", "default", "via", box.address, "table", "100")
    box.ns.ip("rule", "add", "fwmark", "1", "lookup", "100")
    box.ns.ip("route", "add", "local", "default", "dev", "lo", "table", "100")
    box.ns.run("nft", TPROXY % port)


def test_real_kill_knows_what_the_victim_held(net):
    """Open connections of a killed Squid are seen, those of its neighbour are not."""
    lab = Lab(net)
    box = lab.boxes[0]
    lab.start_origin()
    lab.start_squids(lab.backends)
    lab.start_squids(box.instances[:2])
    redirect_by_hand(lab, box, box.instances[0].port)
    clients = []
    for n in (1, 2, 3):
        c = lab.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        c.settimeout(10)
        c.connect((f"10.20.0.{n}", 80))
        clients.append(c)
    assert lab.client.run("curl", "-sS", "http://10.20.0.9/1k").stdout.startswith("1k")
    # One of a process that lives on, by its plain port: no business of the kill's.
    neighbour = box.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
    neighbour.connect(("127.0.0.1", box.instances[1].check))

    squid = box.instances[0]
    diag = sockdiag.Diag(box.ns)
    accepted = lambda: sum(s.inode in sockdiag.inodes(squid.pid) and s.lport == 80
                           for s in diag.dump(sockdiag.ESTABLISHED))
    wait_until(lambda: accepted() == 3, 5, "Squid has accepted three")
    diag.close()
    names = {(*c.getsockname(), c.getpeername()[0]) for c in clients}
    kill = Kill([squid])
    assert kill.t_look < kill.t_kill < kill.t_dead < kill.t_look + 5
    assert kill.owned == names and kill.held == 3
    assert squid.process.returncode == -9
    assert box.instances[1].process.poll() is None
    for c in clients:
        assert c.recv(1) == b""  # dead already when Kill() returned
        c.close()
    neighbour.close()
