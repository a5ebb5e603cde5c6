# SPDX-License-Identifier: GPL-2.0-or-later
"""The laboratory of one_squid with IPv6 beside IPv4, and services of IPv6.

    client 2001:db8:40::2 -- router ------ box 2001:db8:41::2
                               `---------- origin 2001:db8:42::2
"""

import os

from netns import program, wait_until
from one_squid import ORIGIN_PROGRAM, ROUTER_ID, WCCPD, OneSquid

CLIENT6, BOX6, ORIGIN6 = "2001:db8:40::2", "2001:db8:41::2", "2001:db8:42::2"
ROUTER6, ROUTER_ID6 = "2001:db8:41::1", "2001:db8:ff::1"

ROUTER = """
router-id = {id}
router-id6 = "{id6}"
control = "{dir}/router.sock"
redirect-in = {{ client }}
caches-in = {{ box }}
service web-cache {{
    forward = {{ {forward} }}  return = {{ {ret} }}  assign = {{ {assign} }}
    transmit-t = {{ 500, 60000 }}
}}
"""


class SixSquid(OneSquid):
    def __init__(self, net, assign="hash"):
        self.assign = assign
        super().__init__(net)

    def _cable(self):
        super()._cable()
        self.router.sysctl("net.ipv6.conf.all.forwarding", 1)
        for ns, dev, own in ((self.client, "client", CLIENT6), (self.box, "box", BOX6),
                             (self.origin, "origin", ORIGIN6)):
            gateway = own[:-1] + "1"
            ns.address("eth0", f"{own}/64")
            self.router.address(dev, f"{gateway}/64")
            ns.ip("-6", "route", "add", "default", "via", gateway)
        self.router.address("lo", f"{ROUTER_ID6}/128")
        self.address = BOX6

    def start_origin(self):
        six = ORIGIN_PROGRAM.replace(
            "http.server.ThreadingHTTPServer((\"\", 80), Handler).serve_forever()",
            "import socket\n"
            "class Server(http.server.ThreadingHTTPServer):\n"
            "    address_family = socket.AF_INET6\n"
            "Server((\"::\", 80), Handler).serve_forever()")
        self.origin.popen(["/usr/bin/python3", "-c", six], log="origin")
        wait_until(lambda: self.origin.listens(80), 10, "the origin listens")

    def start_router(self, forward, ret):
        conf = os.path.join(self.dir, "router.conf")
        with open(conf, "w") as f:
            f.write(ROUTER.format(id=ROUTER_ID, id6=ROUTER_ID6, dir=self.dir,
                                  forward=forward, ret=ret, assign=self.assign))
        self.wccprouter = self.router.popen([program("wccprouter"), "-f", conf],
                                            log="router")
        wait_until(self.show_router, 10, lambda: self.wccprouter.output())

    def start_wccpd(self, more=""):
        conf = os.path.join(self.dir, "wccpd.conf")
        with open(conf, "w") as f:
            f.write(WCCPD.format(address=f'"{BOX6}"', dir=self.dir, service="web-cache {",
                                 router=f'"{ROUTER6}"',
                                 more=f"    assign = {{ {self.assign} }}\n"
                                      f"version = negotiate\n{more}"))
        self.before = self.box.state()
        self.wccpd = self.box.popen([program("wccpd"), "-f", conf, "-d"], log="wccpd")

    def assigned(self):
        shown = self.show()
        return shown and all(r["state"] == "assigned" for s in shown["services"]
                             for r in s["routers"])

    def download(self, octets, **kw):
        return self.ask("-g", f"http://[{ORIGIN6}]/{octets}", **kw)
