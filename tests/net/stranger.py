# SPDX-License-Identifier: GPL-2.0-or-later
"""A local user without rights who wants to be in the way.

    stranger.py listen PORT ADDRESSES PORTS    listens on many addresses and ports
    stranger.py flap PORT SOCKETS              opens and closes a listener on PORT, five
                                               times a second, and holds many sockets

Says "ready" when all of that is there.
"""

import os
import resource
import socket
import sys
import time


def address(n):
    return f"127.{1 + (n >> 16)}.{n >> 8 & 255}.{n & 255}"


def listener(where, port):
    s = socket.socket()
    s.bind((where, port))
    s.listen(1)
    return s


def hold(makers):
    """Sockets, in as many processes as their limits ask for."""
    each = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (each + 100, each + 100))
    for first in range(0, len(makers), each):
        done, ready = os.pipe()
        if os.fork() == 0:
            held = [make() for make in makers[first:first + each]]
            os.write(ready, b"r")
            while held:
                time.sleep(1000)
        os.close(ready)
        if not os.read(done, 1):
            sys.exit("could not make them all")


def main():
    what, port, *numbers = sys.argv[1], int(sys.argv[2]), *map(int, sys.argv[3:])
    if what == "listen":
        addresses, ports = numbers
        hold([lambda a=a, p=p: listener(address(a), port + p)
              for a in range(addresses) for p in range(ports)])
        print("ready", flush=True)
        while True:
            time.sleep(1000)
    hold([lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)] * numbers[0])
    print("ready", flush=True)
    while True:
        s = listener(address(7), port)
        time.sleep(0.1)
        s.close()
        time.sleep(0.1)


if __name__ == "__main__":
    main()
