# SPDX-License-Identifier: GPL-2.0-or-later
"""The small laboratory with an origin, so that there is somebody to answer clients whose
connections are not taken, or are given back.

    client -- router -- origin (answers for 10.9.0.0/16)
                  \\
                   +-- box1
"""

import concurrent.futures
import os
import sys

from netns import DELIVERY, wait_until
from small import HERE, Small


def make(net):
    small = Small(net)
    origin = net.namespace("origin")
    net.veth(origin, "eth0", "10.3.9.2/24", small.router, "origin", "10.3.9.1/24")
    origin.route("default", "via", "10.3.9.1")
    origin.route("local", "10.9.0.0/16", "dev", "lo")
    small.router.ip("route", "replace", "10.9.0.0/16", "via", "10.3.9.2")
    small.router.sysctl("net.ipv4.conf.origin.rp_filter", 0)
    origin.popen([sys.executable, os.path.join(HERE, "dp_listener.py"), "origin", "80"],
                 log="origin")
    small.start_router("web-cache")
    wait_until(lambda: small.try_connect("10.9.1.1") == "origin", 10, "the origin")
    return small


def start(lab, forward="gre", delivery=DELIVERY):
    box = lab.boxes[0]
    box.delivery = delivery
    box.configure(("web-cache", f"forward = {{ {forward} }}\n    assign = {{ hash }}"))
    box.start()
    return box


def listed(lab):
    return bool(lab.show()["services"][0]["clients"])


def answers(lab, timeout=0.5, n=8):
    """Who answers each of some connections, made at once; None: nobody."""
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return set(pool.map(lambda i: lab.try_connect(f"10.9.1.{i}", timeout), range(n)))
