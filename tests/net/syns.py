# SPDX-License-Identifier: GPL-2.0-or-later
"""Run in a client's namespace: syns.py COUNT SECONDS.  Sends that many SYNs, spread over that
time, from addresses of its network where nobody is, to 10.9.0.0/16, port 80."""

import random
import socket
import sys
import time

from syn_packet import syn


def main(count, seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    begun = time.monotonic()
    for i in range(count):
        to = f"10.9.{random.randrange(256)}.{random.randrange(1, 255)}"
        s.sendto(syn(f"10.3.0.{random.randrange(10, 250)}", to), (to, 0))
        ahead = i / count * seconds - (time.monotonic() - begun)
        if ahead > 0:
            time.sleep(ahead)


main(int(sys.argv[1]), float(sys.argv[2]))
