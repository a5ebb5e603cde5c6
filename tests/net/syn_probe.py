# SPDX-License-Identifier: GPL-2.0-or-later
"""Run in a client's namespace: syn_probe.py SOURCE PER_SECOND.  Sends SYNs to 10.9.0.0/16,
port 80, each from another port, until SIGTERM; then prints, as JSON, how many there were,
how many of them were answered by a SYN-ACK, the longest time in which none was (from the
last SYN with an answer to the next one), and how long answers took: some percentiles, and
how many took at most so many ms.

The kernel resets what it is answered, because it knows nothing of these connections."""

import json
import random
import select
import signal
import socket
import sys
import time

from syn_packet import syn

PORTS = 10000, 60000
UP_TO_MS = 0.1, 0.2, 0.5, 1, 2, 5, 10
PATIENCE_S = 0.5  # for the answers to the last ones


def read_answers(sock, sent, answers):
    while True:
        try:
            packet = sock.recv(128)
        except BlockingIOError:
            return
        tcp = packet[(packet[0] & 15) * 4:]
        key = packet[12:16], int.from_bytes(tcp[2:4], "big")
        if tcp[13] & 0x12 == 0x12 and key in sent and key not in answers:
            answers[key] = time.monotonic()


def longest_gap(sent, answers):
    """From one SYN with an answer to the next, where one without lies between them."""
    longest, last, unanswered = 0, None, False
    for key, at in sent.items():
        if key not in answers:
            unanswered = True
            continue
        if unanswered and last is not None:
            longest = max(longest, at - last)
        last, unanswered = at, False
    return longest


def main(source, per_second):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    back = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    back.setblocking(False)
    sent, answers, port, begun = {}, {}, PORTS[0], time.monotonic()
    while not ended:
        to = f"10.9.{random.randrange(256)}.{random.randrange(1, 255)}"
        port = port + 1 if port < PORTS[1] else PORTS[0]
        key = socket.inet_aton(to), port
        sent.pop(key, None)
        sent[key] = time.monotonic()
        out.sendto(syn(source, to, port), (to, 0))
        read_answers(back, sent, answers)
        ahead = len(sent) / per_second - (time.monotonic() - begun)
        while ahead > 0 and not ended:
            if select.select([back], [], [], ahead)[0]:
                read_answers(back, sent, answers)
            ahead = len(sent) / per_second - (time.monotonic() - begun)
    end = time.monotonic() + PATIENCE_S
    while len(answers) < len(sent) and time.monotonic() < end:
        read_answers(back, sent, answers)
        time.sleep(0.001)
    delays = sorted(answers[key] - sent[key] for key in answers)
    print(json.dumps({
        "sent": len(sent), "answered": len(answers),
        "blackout_ms": round(1000 * longest_gap(sent, answers), 2),
        "histogram": [sum(d * 1000 <= ms for d in delays) for ms in UP_TO_MS],
        "up_to_ms": UP_TO_MS,
        "delay_ms": {str(p): round(1000 * delays[int((len(delays) - 1) * p / 100)], 2)
                     for p in (50, 99, 100)} if delays else None}), flush=True)


main(sys.argv[1], float(sys.argv[2]))
