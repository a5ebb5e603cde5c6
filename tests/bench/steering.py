# SPDX-License-Identifier: GPL-2.0-or-later
"""New connections a second, four ways to two listeners.

  direct     to the port of one instance; nothing in between
  steering   wccpd: redirected packets arrive by L2 from a WCCP router, sk_lookup
             gives them to the instances
  iptables   REDIRECT to one port or the other by -m statistic
  haproxy    TCP mode, two threads, bind transparent, both instances as servers

With another build to compare with, steering by its wccpd takes the place of the last two.
`bypass` has wccpd with an empty static bypass and with a full one.  `deliveries` instead has the two ways to deliver that wccpd.conf knows: by mark and through an
interface of its own.

The WCCP router runs in the client's namespace, on an idle interface: it is there
so that wccpd has a group to join.  The client sends to the box what a router
would send there, so that the path is the same cable in all four.
"""

import os

import boxes
import netns
import slices

WCCPROUTER = """\
router-id = {router}
control = {dir}/router.sock
redirect-in = {{ idle }}
caches-in = {{ idle }}
service web-cache {{
    forward = {{ l2 }}
    return = {{ l2 }}
    transmit-t = {{ 500, 60000 }}
}}
"""


def start_router(net, client, box):
    conf = os.path.join(net.tmpdir, "wccprouter.conf")
    with open(conf, "w") as f:
        f.write(WCCPROUTER.format(dir=net.tmpdir, router=box.router))
    client.ip("link", "add", "idle", "type", "veth", "peer", "name", "idle2")
    client.ip("link", "set", "idle", "up")
    client.popen([netns.program("wccprouter"), "-f", conf], log="wccprouter")


class Against(boxes.Steered):
    name = "against"


def run(seconds, against=None):
    kinds = [boxes.Direct, boxes.Steered, boxes.Iptables, boxes.Haproxy]
    if against:
        Against.build = against
        kinds = [boxes.Direct, boxes.Steered, Against]
    return compare(kinds, seconds)


def deliveries(seconds):
    return compare([boxes.Direct, boxes.ByMark, boxes.ByInterface], seconds)


def bypass(seconds):
    """SYNs that are looked up among no prefixes, and among 100,000."""
    return compare([boxes.Direct, boxes.Steered, boxes.Bypassing], seconds)


def compare(kinds, seconds):
    with netns.Net("bench") as net:
        client = slices.make_client(net)
        ways = []
        for kind in kinds:
            way = kind(net, client, len(ways) + 1)
            client.route(way.destination, "via", way.address)
            ways.append(way)
        steered = [w for w in ways if isinstance(w, boxes.Steered)]
        start_router(net, client, steered[0])
        for way in steered:
            way.start()
        for way in steered:
            way.await_buckets(256 // len(steered))
        results = slices.measure(client, ways, seconds)
    return slices.summary(results, "direct")
