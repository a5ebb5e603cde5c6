# SPDX-License-Identifier: GPL-2.0-or-later
"""Which failed requests a kill explains, and which ones nothing excuses.

A connection that is open inside a process dies with the process; no steering
can save it.  These are counted as lost in flight, apart from failures, but only
one by one, each by its own addresses and ports:

  - the request began before the process was gone, its connection was opened,
    and it failed after the signal; and
  - the process had the socket when we looked, just before the signal; or the
    connection was in a queue of the box then, or was opened between that look
    and the death, and no other Squid ever logged it.

Everything else is a failure, first of all every connection that could not be
opened.  The look and the kill are a few milliseconds apart; the victim is not
stopped for it, as that would change what is being shown.  From the signal until
the kernel has closed its sockets it takes a few more: its listener goes on
accepting then into a queue that nobody reads.
"""

import os
import select
import signal
import time

import sockdiag


def monotonic():
    """The clock that wload stamps with."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def was_opened(r):
    """Did the client's handshake complete?  A reset that answers the SYN itself is
    ECONNREFUSED; ECONNRESET means that the SYN-ACK had come before it, even if the
    client's process had not looked yet (tcp_reset() of the kernel)."""
    if r["phase"] == "connect":
        return r["why"] == "ECONNRESET"
    return r["t_connected"] is not None and r["phase"] in ("send", "recv")


class Kill:
    """kill -9 of Squids of one box, and what they held at that moment."""

    def __init__(self, squids):
        self.names = [s.name for s in squids]
        pidfds = [os.pidfd_open(s.pid) for s in squids]
        diag = sockdiag.Diag(squids[0].ns)
        try:
            self.t_look = monotonic()
            # In this order: what is accepted in between was in a queue.
            sockets = diag.dump(sockdiag.ESTABLISHED, sockdiag.SYN_RECV,
                                sockdiag.CLOSE_WAIT, sockdiag.LISTEN)
            pids = [sockdiag.inodes(s.pid) for s in squids]
            self.t_kill = monotonic()
            for fd in pidfds:
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            for fd in pidfds:
                if not select.select([fd], [], [], 10)[0]:
                    raise RuntimeError("killed, but not dead after 10 s")
            # Sockets are closed before a pidfd becomes readable.
            self.t_dead = monotonic()
        finally:
            diag.close()
            for fd in pidfds:
                os.close(fd)
        for s in squids:
            s.process.wait()
        self._sort(sockets, set().union(*pids), {s.port for s in squids})

    def _sort(self, sockets, owned, ports):
        incoming = [s for s in sockets if s.state != sockdiag.LISTEN and s.lport == 80]
        key = lambda s: (s.peer, s.pport, s.local)
        self.owned = {key(s) for s in incoming if s.inode in owned}
        self.queued = {key(s) for s in incoming if s.inode == 0}
        self.backlog = sum(s.rqueue for s in sockets
                           if s.state == sockdiag.LISTEN and s.lport in ports)

    def explains(self, r, logged):
        """Was the failed request r (of wload) open inside a victim?  `logged` is
        the set of connections that Squids have logged."""
        key = (r["src"], r["port"], r["dst"])
        if not was_opened(r):
            return False
        if r["t_start"] > self.t_dead or r["t_end"] < self.t_kill:
            return False
        if r["why"] not in ("ECONNRESET", "EPIPE", "closed early"):
            return False
        if key in self.owned:
            return True
        new = key in self.queued or r["t_start"] >= self.t_look
        return new and key not in logged

    @property
    def held(self):
        """Connections of clients that the victims had accepted, when we looked."""
        return len(self.owned)

    def describe(self, lost):
        """Of the requests lost in flight, those of this kill, in words."""
        mine = [r for r in lost if self.t_kill <= r["t_end"] and
                r["t_start"] <= self.t_dead]
        old = sum((r["src"], r["port"], r["dst"]) in self.owned for r in mine)
        text = f"{len(mine)} lost in flight"
        if mine:
            text += f" ({old} of the {self.held} open in it"
            if len(mine) > old:
                text += (f", {len(mine) - old} that came in the "
                         f"{(self.t_dead - self.t_look) * 1000:.0f} ms of its end")
            text += ")"
        return text


def logged_connections(squids):
    """(client, port, address asked) of every request that the Squids have logged."""
    found = set()
    for squid in squids:
        for client, _, _, url in squid.access():
            address, _, port = client.rpartition(":")
            found.add((address, int(port), url.split("/")[2]))
    return found


def divide(failed, kills, squids):
    """(failures, lost in flight) of the failed requests, after these kills."""
    logged = logged_connections(squids)
    lost = [r for r in failed if any(k.explains(r, logged) for k in kills)]
    return [r for r in failed if r not in lost], lost
