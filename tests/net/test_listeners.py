# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports of a real Squid that can, and that cannot, take redirected connections."""

import pytest

import one_squid
from lab import Squid
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


def test_two_of_them_at_one_port(net, monkeypatch):
    """They differ by address; each counts where it listens, and gets its share."""
    monkeypatch.setattr(one_squid, "WCCPD", one_squid.WCCPD.replace(
        'instance s1 {{ port = 3129  check = "127.0.0.1:4200" }}',
        'instance s1 {{ port = "10.4.1.2:3129"  check = "127.0.0.1:4200" }}\n'
        'instance s2 {{ port = "127.0.0.2:3129"  check = "127.0.0.1:4202" }}'))
    lab = OneSquid(net)
    second = Squid(lab, lab.box, "s2", "s2", one_squid.SQUID.format(
        listen="127.0.0.2:3129 tproxy", more="spoof_client_ip deny all").replace(
            "127.0.0.1:4200", "127.0.0.1:4202"))
    net.finally_do(second.tidy)
    second.start()
    lab.start("gre", listen="10.4.1.2:3129 tproxy")

    def instances():
        return lab.show()["pools"][0]["instances"]
    wait_until(lambda: [i["state"] for i in instances()] == ["up", "up"], 20,
               lab.wccpd.output)
    assert [i["address"] for i in instances()] == ["10.4.1.2", "127.0.0.2"]
    wait_until(lambda: lab.download(1000) == (200, 1000, "via") and
               all(i["given"] > 0 for i in instances()), 10, lab.wccpd.output)
