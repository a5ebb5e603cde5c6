# SPDX-License-Identifier: GPL-2.0-or-later
"""What a wccpd with 64 services and 32 routers each takes while nothing happens.

The routers are addresses where nobody answers: 2048 of them are asked every ten
seconds.  (What answers cost is in tests/bench/core.c.)
"""

import os
import time

import boxes
import netns

SERVICES = 64
ROUTERS = 32

SERVICE = """\
service s{id} {{
    id = {id}
    pool = web
    routers = {{ {routers} }}
    protocol = tcp
    ports = {{ {port} }}
}}
"""


def config(box, socket):
    text = boxes.WCCPD.format(address=box.address, socket=socket, service=0,
                              router="", method="l2", more="", top="")
    text = text[:text.index("service ")]
    routers = ", ".join(f"10.9.{box.number}.{100 + n}" for n in range(ROUTERS))
    return text + "".join(SERVICE.format(id=n, routers=routers, port=1000 + n)
                          for n in range(SERVICES))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e9


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def run(seconds):
    with netns.Net("bench") as net:
        outside = net.namespace("outside")
        box = boxes.Box(net, outside, 1)
        for n in range(ROUTERS):
            outside.address(box.dev, f"10.9.1.{100 + n}/24")
        socket = os.path.join(net.tmpdir, "wccpd.sock")
        daemon = box.box.popen([netns.program("wccpd"), "-f",
                                box.file("wccpd.conf", config(box, socket))],
                               log="wccpd")

        def up():
            return netns.run(netns.program("wccpctl"), "-s", socket, "-j", "show",
                             check=False).stdout.count('"waiting for') >= ROUTERS * SERVICES
        netns.wait_until(up, 20, lambda: "wccpd asks its routers: " + daemon.output()[-500:])
        # The plans of its first second are not idling.
        time.sleep(1)
        start, used = time.monotonic(), cpu_seconds(daemon.pid)
        time.sleep(seconds)
        share = (cpu_seconds(daemon.pid) - used) / (time.monotonic() - start)
        return {"cpu_share": share, "kib": memory_kib(daemon.pid)}
