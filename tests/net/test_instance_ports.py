# SPDX-License-Identifier: GPL-2.0-or-later
"""Instances with a port of their own for a port of services: TLS at the https_port."""

import os
import select
import socket
import sys

import pytest

from netns import wait_until
from small import Small

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def small(net):
    return Small(net)


def listener(small, name, port):
    box = small.boxes[0]
    return box.ns.popen([sys.executable, os.path.join(HERE, "dp_listener.py"), name, port],
                        log="box1." + name)


def who(small, address, port):
    """Which listener answers; None: nobody."""
    s = small.client.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(1)
    try:
        s.connect((address, port))
        ready, _, _ = select.select([s], [], [], 1)
        return s.recv(100).split()[0].decode() if ready else None
    except OSError:
        return None
    finally:
        s.close()


def states(box):
    shown = box.show()
    return shown and {s["name"]: s["routers"][0]["state"] for s in shown["services"]}


def test_each_port_of_services_has_its_own_listeners(small):
    box = small.boxes[0]
    tls = listener(small, "tls", "3139")
    box.configure(("web-cache", ""), ("https", ""))
    text = open(box.conf).read()
    open(box.conf, "w").write(text.replace("port = 3129", "port = 3129 https-port = 3139"))
    small.start_router("web-cache", "70")
    box.start()
    wait_until(lambda: states(box) == {"web-cache": "assigned", "https": "assigned"}, 20,
               box.log)
    wait_until(lambda: {who(small, f"10.9.1.{n}", 80) for n in range(16)} == {"box1"}, 15,
               box.log)
    wait_until(lambda: {who(small, f"10.9.1.{n}", 443) for n in range(16)} == {"tls"}, 15,
               box.log)
    # The one is served without the other, and withdrawn alone.
    tls.kill()
    wait_until(lambda: states(box)["https"] == "withdrawn", 15, box.log)
    assert {who(small, f"10.9.1.{n}", 80) for n in range(16)} == {"box1"}
    assert states(box)["web-cache"] == "assigned"
    listener(small, "tls", "3139")
    wait_until(lambda: states(box)["https"] == "assigned", 15, box.log)
    assert who(small, "10.9.2.1", 443) == "tls"
