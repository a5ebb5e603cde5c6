# SPDX-License-Identifier: GPL-2.0-or-later
"""wccpd when its interface or its address goes away and comes back, with clients
connecting all the time; when nothing can be sent; when descriptors run out."""

import os
import resource
import signal
import threading
import time

import pytest

from netns import wait_until
from small import Small


class Clients:
    """Connections one after the other, for as long as the `with` lasts."""

    def __init__(self, lab):
        self.lab, self.ended, self.answers = lab, threading.Event(), []
        self.thread = threading.Thread(target=self.connect)

    def connect(self):
        n = 0
        while not self.ended.is_set():
            n += 1  # another half of the buckets almost every time
            self.answers.append(self.lab.try_connect(f"10.9.2.{n * 73 % 256}",
                                                     timeout=0.3))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.ended.set()
        self.thread.join()


@pytest.fixture
def lab(net):
    small = Small(net)
    small.start_router("web-cache")
    for box in small.boxes:
        box.configure(("web-cache", ""))
        box.start()
    small.wait_shares(128, 128)
    small.wait_served(["box1", "box2"])
    yield small


def address_away(lab, box):
    box.ns.ip("addr", "del", box.address + "/24", "dev", "eth0")
    wait_until(lambda: f"does not have the address {box.address}" in box.log(), 10, box.log)


def address_back(lab, box):
    box.ns.address("eth0", box.address + "/24")


def link_away(lab, box):
    box.ns.ip("link", "set", "eth0", "down")


def link_back(lab, box):
    box.ns.ip("link", "set", "eth0", "up")


def interface_away(lab, box):
    box.ns.ip("link", "del", "eth0")


def interface_back(lab, box):
    lab.net.veth(box.ns, "eth0", box.address + "/24", lab.router, box.name,
                 box.router + "/24")
    for ns, dev in ((box.ns, "eth0"), (lab.router, box.name)):
        ns.sysctl(f"net.ipv4.conf.{dev}.rp_filter", 0)


def sending_refused(lab, box):
    box.ns.route("prohibit", box.router + "/32")


def sending_allowed(lab, box):
    box.ns.ip("route", "del", "prohibit", box.router + "/32")


TROUBLES = [(address_away, address_back), (link_away, link_back),
            (interface_away, interface_back), (sending_refused, sending_allowed)]


def test_it_goes_and_comes_back(lab):
    one = lab.boxes[0]
    pid = one.wccpd.pid
    for away, back in TROUBLES:
        with Clients(lab) as clients:
            away(lab, one)
            # The router hears nothing of it for 3 T; the other box takes all.
            lab.wait_shares(0, 256)
            wait_until(lambda: one.state() == "lost", 5, one.log)
            lab.wait_served(["box2"])
            back(lab, one)
            one.routes()
            lab.wait_shares(128, 128, timeout=30)
            lab.wait_served(["box1", "box2"])
            assert one.wccpd.pid == pid and one.wccpd.poll() is None
        assert one.show()["data_plane"]
        assert "box2" in clients.answers
    # It still says goodbye.
    assert one.wccpd.stop() == 0
    assert "withdrawn from all routers" in one.log()


def test_started_before_there_is_an_address(net):
    lab = Small(net)
    one = lab.boxes[0]
    one.ns.ip("addr", "del", one.address + "/24", "dev", "eth0")
    lab.start_router("web-cache")
    one.configure(("web-cache", ""))
    one.start()
    wait_until(lambda: "does not have the address" in one.log(), 10, one.log)
    one.ns.address("eth0", one.address + "/24")
    one.routes()
    lab.wait_shares(256, 0, timeout=30)
    wait_until(lambda: "the address is there again" in one.log(), 10, one.log)
    lab.wait_served(["box1"])


def test_many_reloads_and_no_descriptors(lab):
    one = lab.boxes[0]
    wait_until(lambda: one.state() == "assigned", 5, one.log)
    before = descriptors(one.wccpd.pid)
    for _ in range(200):
        one.wccpd.send_signal(signal.SIGHUP)
    wait_until(lambda: "is in force" in one.log(), 10, one.log)
    assert one.show()["services"][0]["routers"][0]["state"] == "assigned"
    sent = one.show()["services"][0]["counters"]["sent"]
    assert sum(sent.values()) < 100
    # Descriptors run out: checks cannot be made, and that is not the instance's fault.
    held = descriptors(one.wccpd.pid)
    limits = resource.prlimit(one.wccpd.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(one.wccpd.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    wait_until(lambda: "check could not be started" in one.log(), 10, one.log)
    busy = processor_time(one.wccpd.pid)
    time.sleep(1)  # the time in which it must not spin
    assert processor_time(one.wccpd.pid) - busy < 0.5
    assert lab.share("box1") == 128
    lab.wait_served(["box1", "box2"])
    # One or two more or less: checks of instances are under way.
    assert held <= before + 2
    resource.prlimit(one.wccpd.pid, resource.RLIMIT_NOFILE, limits)
    wait_until(one.show, 10, "it answers again")
    assert "is down" not in one.log()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_time(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
