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


def listener_at(small, name, address, port):
    box = small.boxes[0]
    return box.ns.popen([sys.executable, os.path.join(HERE, "dp_listener.py"), name, port,
                         "--at=" + address], log="box1." + name)


def returned(box):
    return box.show()["services"][0]["packets"]["reasons"]["returned-pool-down"]


PORTS = "id = 71\n ports = { 80, 443, 8080, 81 }"


def test_one_service_with_several_ports(small):
    """A port without one of its own goes where most go; what takes nothing goes back."""
    box = small.boxes[0]
    tls = listener(small, "tls", "3139")
    listener(small, "other", "3149")
    box.configure(("several", PORTS))
    text = open(box.conf).read()
    open(box.conf, "w").write(text.replace(
        "port = 3129", 'port = 3129 https-port = 3139 ports = { "8080:3149" }'))
    small.start_router("71")
    box.start()
    wait_until(lambda: states(box) == {"several": "assigned"}, 20, box.log)
    wanted = {80: "box1", 443: "tls", 8080: "other", 81: "box1"}
    wait_until(lambda: {p: who(small, "10.9.1.1", p) for p in wanted} == wanted, 15, box.log)
    tls.kill()
    wait_until(lambda: who(small, "10.9.1.2", 443) is None and returned(box) > 0, 10, box.log)
    assert {p: who(small, "10.9.1.3", p) for p in (80, 8080)} == {80: "box1", 8080: "other"}
    assert states(box) == {"several": "assigned"}
    listener(small, "tls", "3139")
    wait_until(lambda: who(small, "10.9.1.2", 443) == "tls", 5, box.log)


def test_instances_that_differ_by_address(small):
    """They have port 3139 in common, and a bystander listens there, too."""
    box = small.boxes[0]
    one = listener_at(small, "one", "10.3.1.2", "3139")
    listener_at(small, "two", "127.0.0.2", "3139")
    listener_at(small, "bystander", "127.0.0.3", "3139")
    box.configure(("web-cache", ""))
    check_ok = [sys.executable, os.path.join(HERE, "check_ok.py"), "4202"]
    box.ns.popen(check_ok, log="check2", cwd=small.net.tmpdir)
    text = open(box.conf).read()
    open(box.conf, "w").write(text.replace(
        'instance s1 { port = 3129  check = "127.0.0.1:4201" }',
        'instance s1 { port = "10.3.1.2:3139"  check = "127.0.0.1:4201" }\n'
        'instance s2 { port = "127.0.0.2:3139"  check = "127.0.0.1:4202" }'))
    small.start_router("web-cache")
    box.start()

    def answering():
        return {who(small, f"10.9.1.{n}", 80) for n in range(24)}
    wait_until(lambda: answering() == {"one", "two"}, 20, box.log)
    one.kill()
    wait_until(lambda: answering() == {"two"}, 5, box.log)
    listener_at(small, "one", "10.3.1.2", "3139")
    wait_until(lambda: answering() == {"one", "two"}, 10, box.log)
