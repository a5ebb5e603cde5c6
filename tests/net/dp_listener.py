# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for one Squid instance: transparent listening sockets that tell every
client who answered, and as which address.

    dp_listener.py NAME PORT [SOCKETS] [--plain] [--at=ADDRESS]

The first line of output names the sockets: "PID FD INODE [FD INODE ...]".  SIGUSR1
makes it stop listening on them without closing them, SIGUSR2 begin again.
"""

import contextlib
import os
import selectors
import signal
import socket
import sys

IP_TRANSPARENT = 19


def listener(address, port, transparent):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if transparent:
        s.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    s.bind((address, port))
    s.listen(4096)
    return s


def answer(sock, name):
    """One connection: "quick" ones get a line and the end; one whose client sends
    something gets it back until the client ends it."""
    conn, _ = sock.accept()
    conn.sendall(f"{name} {conn.getsockname()[0]}\n".encode())
    return conn


def main():
    plain = "--plain" in sys.argv
    at = next((a[5:] for a in sys.argv if a.startswith("--at=")), "0.0.0.0")
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    name, port = args[0], int(args[1])
    listeners = [listener(at, port, not plain) for _ in range(int((args[2:] or [1])[0]))]
    told = [str(os.getpid())]
    for s in listeners:
        told += [str(s.fileno()), str(os.fstat(s.fileno()).st_ino)]
    print(" ".join(told), flush=True)

    def stop(*_):
        for s in listeners:
            s.setblocking(False)  # what waits would be reset
            with contextlib.suppress(BlockingIOError):
                while True:
                    sel.register(answer(s, name), selectors.EVENT_READ, False)
            s.setblocking(True)
            s.shutdown(socket.SHUT_RDWR)
        print("deaf", flush=True)

    def again(*_):
        for s in listeners:
            s.listen(4096)
        print("again", flush=True)

    signal.signal(signal.SIGUSR1, stop)
    signal.signal(signal.SIGUSR2, again)
    sel = selectors.DefaultSelector()
    for s in listeners:
        sel.register(s, selectors.EVENT_READ, True)
    while True:
        for key, _ in sel.select():
            if key.data:
                try:
                    conn = answer(key.fileobj, name)
                except OSError:  # it has stopped listening for a moment
                    continue
                sel.register(conn, selectors.EVENT_READ, False)
                continue
            try:
                got = key.fileobj.recv(65536)
                if got:
                    key.fileobj.sendall(got)
                    continue
            except OSError:
                pass
            sel.unregister(key.fileobj)
            key.fileobj.close()


if __name__ == "__main__":
    main()
