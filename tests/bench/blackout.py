#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a SYN is not answered while wccpd is restarted: a histogram.

    sudo WCCPD_BUILD=$PWD/build/main tests/bench/blackout.py [--times N] [--rate N]

SYNs come all the time, half of them for the box whose wccpd is restarted, upgraded to another
layout of its maps, and killed and started, so often each.  Every SYN is counted by the
time until its SYN-ACK came."""

import argparse
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "net")]

import netns  # noqa: E402
from ledger_events import pause  # noqa: E402
from netns import wait_until  # noqa: E402
from pins_lab import PinsLab  # noqa: E402

layouts = iter(range(2000, 10000))


def control(box, *words):
    netns.run(netns.program("wccpctl"), "-s",
              os.path.join(box.lab.net.tmpdir, box.name + ".sock"), *words)


def ready(lab, box, seen):
    wait_until(lambda: box.log().count("event=started") > seen, 20, box.log)
    lab.wait_up(box)


def nothing(_lab, _box):
    pause(0.5)


def restart(lab, box):
    seen = box.log().count("event=started")
    control(box, "restart")
    ready(lab, box, seen)


def upgrade(lab, box):
    control(box, "stop", "keep")
    box.wccpd.wait(20)
    box.start(env={**os.environ, "WCCPD_TEST_LAYOUT": str(next(layouts))})
    ready(lab, box, 0)


def killed(lab, box):
    box.kill()
    box.start()
    ready(lab, box, 0)


def reload(_lab, box):
    control(box, "reload")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--rate", type=int, default=1000, help="SYNs a second")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with netns.Net("blackout") as net:
        lab, titled = PinsLab(net), False
        for event in (nothing, restart, upgrade, killed, reload):
            with lab.probing(options.rate) as found:
                for _ in range(options.times):
                    event(lab, lab.boxes[0])
                pause(0.5)
            if not titled:
                titled = print(f"{'event':<9} {'SYNs':>7} {'no answer':>9} " + " ".join(
                    f"{f'<= {ms:g} ms':>10}" for ms in found["up_to_ms"]) +
                    f" {'longest ms':>11}") or True
            print(f"{event.__name__:<9} {found['sent']:>7} "
                  f"{found['sent'] - found['answered']:>9} " +
                  " ".join(f"{n:>10}" for n in found["histogram"]) +
                  f" {max(found['delay_ms']['100'], found['blackout_ms']):>11}", flush=True)


if __name__ == "__main__":
    main()
