# SPDX-License-Identifier: GPL-2.0-or-later
"""Squids that connect with their clients' addresses: the origin sees the clients, and
its answers come back to the Squid that asked, by the mirrored service."""

import os
import re

import pytest

import lab as laboratory
from lab import CLIENT_SOURCES, FrontEnd, Lab, Squid
from netns import wait_until

SPOOFING = """\
http_port {port} tproxy
http_port 127.0.0.1:{check}
cache deny all
"""

ROUTER = """\
router-id = {router_id}
control = {dir}/wccprouter.sock
redirect-in = {{ client, origin }}
caches-in = {{ box1, box2 }}
service 80 {{
    forward = {{ {forward} }}  return = {{ {ret} }}  assign = {{ {assign} }}
    transmit-t = {{ 500, 60000 }}  echo-assignment = {echo}
{password}}}
service 90 {{
    forward = {{ {forward} }}  return = {{ {ret} }}  assign = {{ {assign} }}
    transmit-t = {{ 500, 60000 }}  echo-assignment = {echo}
{password}}}
"""

MASK = "    assign = { mask }\n    mask { src-ip = 0xf }\n"


class SpoofingFrontEnd(FrontEnd):
    def __init__(self, lab, box, number):
        self.port, self.check = 3128 + number, 4200 + number
        Squid.__init__(self, lab, box.ns, box.name + f"s{number}", f"s{number}",
                       SPOOFING.format(port=self.port, check=self.check))

    def ready(self):
        return Squid.ready(self)


@pytest.fixture
def spoofing(net, monkeypatch):
    monkeypatch.setattr(laboratory, "FrontEnd", SpoofingFrontEnd)
    monkeypatch.setattr(laboratory, "WCCPROUTER", ROUTER)
    monkeypatch.setattr(laboratory, "WCCPD", laboratory.WCCPD.replace(
        "service web-cache {{", "service forward {{\n    template = http\n    spoof = true"))
    monkeypatch.setattr(laboratory, "WCCPD_MASK", MASK)

    def make(**options):
        small = Lab(net, transmit_t=500, **options)
        small.slots = 16 if options["assign"] == "mask" else 256
        small.backends = []
        return small
    return make


def seen_by_origin(lab):
    """Addresses that requests came from."""
    with open(os.path.join(lab.dir, "nginx.access")) as f:
        return set(re.findall(r"^\S+ ([\d.]+):\d+ ", f.read(), re.M))


def redirected(lab):
    return [s["packets"]["redirected"] for s in lab.router_show()["services"]]


@pytest.mark.parametrize("forward, assign", [("gre", "hash"), ("l2", "mask")])
def test_origin_sees_the_clients(spoofing, forward, assign):
    lab = spoofing(forward=forward, ret="gre", assign=assign)
    lab.start()
    load = lab.load("-n", 4, "-r", 100)
    load.wait_whole(200)
    assert seen_by_origin(lab) == set(CLIENT_SOURCES)
    assert min(redirected(lab)) > 400  # both directions
    # One box says goodbye, and comes back: the other's connections do not notice.
    one, two = lab.boxes
    assert one.wccpd.stop() == 0
    lab.wait_shares(None, lab.slots, 10)
    load.wait_whole(200)
    one.start_wccpd()
    lab.wait_shares(lab.slots // 2, lab.slots // 2, 20)
    load.wait_whole(200)
    summary, failed = load.finish()
    # What was on its way in the moment of a change may be lost, no more.
    assert len(failed) <= 3, failed
    assert summary["via"] > summary["whole"] / 2
    assert all(wait_until(s.access, 5, "requests") for s in one.instances + two.instances)
