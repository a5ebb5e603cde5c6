# SPDX-License-Identifier: GPL-2.0-or-later
"""New connections a second through a router: forwarded by its kernel, and redirected.

  plain      forwarded to the listener of a box; wccprouter does not look at the
             interface that these connections come in by
  L2, GRE    redirected by wccprouter to a box where wccpd takes them, so that the cost
             is that of both ends, of GRE's wrapping and unwrapping, too

One router, between the client and the three boxes; answers take the same way in all
three.
"""

import os

import boxes
import netns
import slices

WCCPROUTER = """\
router-id = {id}
control = {dir}/router.sock
redirect-in = {{ clients }}
caches-in = {{ {l2.dev}, {gre.dev} }}
service web-cache {{
    forward = {{ l2 }}
    return = {{ l2 }}
    transmit-t = {{ 500, 60000 }}
}}
service 70 {{
    forward = {{ gre }}
    return = {{ gre }}
    transmit-t = {{ 500, 60000 }}
}}
"""

ROUTER_ID = "10.40.0.1"


class Plain(boxes.Direct):
    name = "plain"


class ByL2(boxes.Steered):
    name = "L2"


class ByGre(boxes.Steered):
    name = "GRE"
    port = 81
    service, method = "s70", "gre"
    more = "    id = 70\n    protocol = tcp\n    ports = { 81 }\n"


def make_router(net, client):
    """Two cables to the client: answers go back by the first, whatever they answer."""
    router = net.namespace("router")
    net.veth(client, "plain", "10.20.0.2/24", router, "plain", "10.20.0.1/24")
    net.veth(client, "redirected", "10.20.1.2/24", router, "clients", "10.20.1.1/24")
    router.address("lo", ROUTER_ID + "/32")
    router.route("10.8.0.0/24", "via", "10.20.0.2")
    for ns in (client, router):
        for key in ("all", "default", *(["plain", "clients"] if ns is router else
                                        ["plain", "redirected"])):
            ns.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)
    router.sysctl("net.ipv4.ip_forward", 1)
    return router


def start_router(net, router, l2, gre):
    conf = os.path.join(net.tmpdir, "wccprouter.conf")
    with open(conf, "w") as f:
        f.write(WCCPROUTER.format(id=ROUTER_ID, dir=net.tmpdir, l2=l2, gre=gre))
    router.popen([netns.program("wccprouter"), "-f", conf], log="wccprouter")


def run(seconds):
    with netns.Net("bench") as net:
        client = slices.make_client(net)
        router = make_router(net, client)
        ways = [kind(net, router, n + 1) for n, kind in enumerate((Plain, ByL2, ByGre))]
        plain, l2, gre = ways
        client.route(plain.destination, "via", "10.20.0.1")
        router.route(plain.destination, "via", plain.address)
        # Without a route at the router: they arrive redirected or not at all.
        for way in (l2, gre):
            client.route(way.destination, "via", "10.20.1.1")
        start_router(net, router, l2, gre)
        for way in (l2, gre):
            way.start()
        for way in (l2, gre):
            way.await_buckets()
        results = slices.measure(client, ways, seconds)
    return slices.summary(results, "plain")
