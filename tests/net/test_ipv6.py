# SPDX-License-Identifier: GPL-2.0-or-later
"""Services of IPv6 at wccpd, with a real Squid that listens on [::]."""

import os

import pytest

from netns import wait_until
from six_squid import CLIENT6, ORIGIN6, SixSquid

# The others differ in nothing but what these have as well.
CELLS = [(f, r, a) for f in ("gre", "l2") for r in ("gre", "l2") for a in ("hash", "mask")]
SHORT = [("gre", "l2", "mask"), ("l2", "gre", "hash")]


@pytest.mark.parametrize("forward,ret,assign",
                         CELLS if os.environ.get("WCCPD_LONG") else SHORT)
def test_carried_and_returned(net, forward, ret, assign):
    lab = SixSquid(net, assign)
    lab.start(forward, ret)
    wait_until(lambda: lab.download(1000) == (200, 1000, "via"), 10,
               lambda: lab.wccpd.output()[-3000:])
    assert lab.download(300000) == (200, 300000, "via")
    counted = lab.show()["services"][0]["packets"]
    assert counted["delivered"] > 0 and counted["dropped"] == 0, counted
    lab.squid.process.kill()
    lab.squid.process.wait(10)
    # At once: nothing waits for the router to hear of it.
    assert lab.download(300000)[:2] == (200, 300000)
