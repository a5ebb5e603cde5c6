# SPDX-License-Identifier: GPL-2.0-or-later
"""Links with a smaller MTU, in front of the box or of the client, and nobody who gets told
so: connections through a real Squid get through all the same."""

import pytest

from netns import wait_until
from one_squid import OneSquid


@pytest.mark.parametrize("mtu, forward", [(1492, "l2"), (1400, "gre"), (1400, "l2")])
def test_client_behind_a_link_of_a_small_mtu(net, mtu, forward):
    """"Fragmentation needed" goes to the origin, whose address the answers come from."""
    lab = OneSquid(net)
    # Only the way to the client: its own interface knows nothing of it.
    lab.router.ip("link", "set", "client", "mtu", str(mtu))
    lab.start(forward)
    assert lab.download(100000) == (200, 100000, "via")
    assert lab.wccpd.stop() == 0
    wait_until(lambda: lab.download(10, timeout=2)[2] == "", 10, "directly from the origin")
