# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports of a real Squid that can, and that cannot, take redirected connections."""

import pytest

from netns import wait_until
from one_squid import OneSquid


def instance(lab):
    shown = lab.show()
    return shown and shown["pools"][0]["instances"][0]


@pytest.mark.parametrize("listen", ["3129 tproxy", "0.0.0.0:3129 tproxy",
                                    "127.0.0.1:3129 tproxy"])
def test_port_that_takes_connections(net, listen):
    lab = OneSquid(net)
    lab.start("gre", listen=listen)
    # Squid's default is one socket for both families.
    sockets = lab.box.run("ss", "-Hltn", "sport = :3129").stdout
    assert ("*:3129" in sockets) == (listen == "3129 tproxy")
    assert lab.download(1000) == (200, 1000, "via")
    assert instance(lab)["state"] == "up"


@pytest.mark.parametrize("listen, why", [
    ("3129", "the port is not transparent"),
    ("3129 intercept", "the port is not transparent"),
    ("[::1]:3129 tproxy", "the port takes IPv6 only"),
])
def test_port_that_cannot(net, listen, why):
    """The instance does not count, and says why; clients reach the origin."""
    lab = OneSquid(net)
    lab.start("gre", listen=listen, joins=False)
    told = wait_until(lambda: why in lab.wccpd.output() and instance(lab), 10,
                      lab.wccpd.output)
    assert told["state"] == "absent" and why in told["reason"]
    assert lab.show_router()["services"][0]["clients"] == []
    assert lab.download(1000) == (200, 1000, "")
