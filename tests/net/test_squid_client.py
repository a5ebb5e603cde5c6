# SPDX-License-Identifier: GPL-2.0-or-later
"""wccprouter and the WCCPv2 client that Squid brings along.

That client shares no code and no author with us, so what it sends is an independent
view of HERE_I_AM: well-known and dynamic services, with and without MD5, by hash and
by mask.  It cannot get further than that: since 4.17 and 5.2 it refuses every I_SEE_YOU
("duplicate security definition", or "truncated record" with MD5) and goes on to state
receive id 0.
"""

import os

import pytest

from lab import SQUID_COMMON
from netns import wait_until
from wccprouter_lab import CACHE, ROUTER, world  # noqa: F401  pylint: disable=unused-import

CLIENT = """\
http_port {cache}:3128
wccp2_router {router}
wccp2_address {cache}
wccp2_forwarding_method {forward}
wccp2_return_method {forward}
wccp2_assignment_method {assign}
wccp2_rebuild_wait off
{service}
"""

STANDARD = "wccp2_service standard 0"
DYNAMIC = ("wccp2_service dynamic 70", "wccp2_service_info 70 protocol=tcp "
           "flags=dst_ip_hash priority=231 ports=443,8443")


def start_squid(world, **options):
    """Squid in the web-cache's namespace, as its own WCCP client."""
    folder = os.path.join(world.net.tmpdir, "squid")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    conf = os.path.join(folder, "squid.conf")
    with open(conf, "w") as f:
        f.write(SQUID_COMMON.format(name="wccp", dir=folder, lifetime=1,
                                    descriptors=4096) +
                CLIENT.format(cache=CACHE, router=ROUTER, **options))
    name = world.net.prefix.replace("-", "") + "wccp"
    process = world.cache.popen(["squid", "-N", "-n", name, "-f", conf], log="squid")
    return process, os.path.join(folder, "wccp.cache")


def squid_says(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


@pytest.mark.parametrize("forward,assign,password,dynamic", [
    ("gre", "hash", None, False), ("l2", "mask", "secret12", True)])
def test_hellos_of_squid(world, forward, assign, password, dynamic):  # noqa: F811
    lines = list(DYNAMIC if dynamic else (STANDARD,))
    ours = f"service {70 if dynamic else 'web-cache'} {{ assign = {{ hash, mask }}"
    if password:
        lines[0] += f" password={password}"
        ours += f' password = "{password}"'
    world.start(ours + " }")
    squid, log = start_squid(world, forward=forward, assign=assign,
                             service="\n".join(lines))
    counters = lambda: world.show()["counters"]
    wait_until(lambda: counters()["received"]["here_i_am"] >= 1 or
               squid.poll() is not None, 15, lambda: squid_says(log))
    wait_until(lambda: counters()["sent"]["i_see_you"] >= 1, 5, counters)
    shown = world.show()
    # Understood and answered: nothing is refused, nothing conflicts.
    assert not any(shown["counters"]["refused"].values()), shown["counters"]
    assert shown["counters"]["conflicting_service"] == 0, shown["counters"]
    assert shown["counters"]["bad_capability"] == 0, shown["counters"]
    wait_until(lambda: "Ignoring WCCPv2 message" in squid_says(log) or
               any(c["state"] == "Usable" for c in world.show()["clients"]), 15,
               lambda: squid_says(log)[-2000:])
