# SPDX-License-Identifier: GPL-2.0-or-later
"""A laboratory with one box and one real Squid, for what links do to packets.

    client 10.4.0.2 -- router ------------- box 10.4.1.2     a Squid, wccpd
                  (wccprouter)
                         |  `-- hop -- the box, instead, at 10.4.3.2
                      origin 10.4.2.2

The origin answers GET /N with N octets, and POST with the number of octets it got.
"""

import os
import subprocess
import sys

from lab import Squid
from netns import DELIVERY, program, wait_until
from small import ask

CLIENT, ORIGIN, ROUTER_ID = "10.4.0.2", "10.4.2.2", "10.4.255.1"
T = "500"

ORIGIN_PROGRAM = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, octets):
        self.send_response(200)
        self.send_header("Content-Length", str(len(octets)))
        self.send_header("X-Peer", self.client_address[0])
        self.end_headers()
        self.wfile.write(octets)

    def do_GET(self):
        self.say(b"x" * int(self.path.strip("/")))

    def do_POST(self):
        self.say(b"%d" % len(self.rfile.read(int(self.headers["Content-Length"]))))

http.server.ThreadingHTTPServer(("", 80), Handler).serve_forever()
"""

SQUID = """\
http_port {listen}
http_port 127.0.0.1:4200
{more}
server_persistent_connections off
cache deny all
"""

ROUTER = """
router-id = {id}
control = "{dir}/router.sock"
redirect-in = {{ client{redirect} }}
caches-in = {{ box }}
{services}
"""
ROUTER_SERVICE = """
service {name} {{
    forward = {{ {forward} }}  return = {{ {ret} }}  assign = {{ hash }}
    transmit-t = {{ 500, 60000 }}
}}
"""

WCCPD = f"delivery = {DELIVERY}" + """
address = {address}
interface = eth0
control = "{dir}/box.sock"
pool web {{
    interval = 200
    timeout = 1000
    rise = 1
    instance s1 {{ port = 3129  check = "127.0.0.1:4200" }}
}}
service {service}
    pool = web
    routers = {{ {router} }}
    transmit-t = 500
{more}
}}
"""


class OneSquid:
    def __init__(self, net, hop=False, spoof=False):
        self.net, self.dir, self.spoof = net, os.path.join(net.tmpdir, "lab"), spoof
        os.mkdir(self.dir)
        subprocess.run(["chgrp", "proxy", self.dir], check=True)
        os.chmod(self.dir, 0o775)
        self.client, self.router = net.namespace("client"), net.namespace("router")
        self.box, self.origin = net.namespace("box"), net.namespace("origin")
        self.hop = net.namespace("hop") if hop else None
        self._cable()
        self.squid = self.wccpd = self.wccprouter = None

    def _cable(self):
        net, router = self.net, self.router
        net.veth(self.client, "eth0", CLIENT + "/24", router, "client", "10.4.0.1/24")
        net.veth(self.origin, "eth0", ORIGIN + "/24", router, "origin", "10.4.2.1/24")
        self.address, gateway = "10.4.1.2", "10.4.1.1"
        if self.hop:
            net.veth(self.hop, "uplink", "10.4.1.2/24", router, "box", "10.4.1.1/24")
            self.address, gateway = "10.4.3.2", "10.4.3.1"
            net.veth(self.box, "eth0", "10.4.3.2/24", self.hop, "box", "10.4.3.1/24")
            self.hop.route("default", "via", "10.4.1.1")
            self.router.route("10.4.3.0/24", "via", "10.4.1.2")
            self.hop.sysctl("net.ipv4.ip_forward", 1)
        else:
            net.veth(self.box, "eth0", "10.4.1.2/24", router, "box", "10.4.1.1/24")
        for ns, via in ((self.client, "10.4.0.1"), (self.origin, "10.4.2.1"),
                        (self.box, gateway)):
            ns.route("default", "via", via)
        router.address("lo", ROUTER_ID + "/32")
        router.sysctl("net.ipv4.ip_forward", 1)
        for ns in [router, self.box] + ([self.hop] if self.hop else []):
            for key in ("all", "default", "eth0", "client", "origin", "box", "uplink"):
                if os.path.exists(ns.path) and self._has(ns, key):
                    ns.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)
        # As on wires: finished checksums, packets that fit.
        for ns in (self.client, self.origin, self.box):
            ns.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off",
                   "gro", "off")

    @staticmethod
    def _has(ns, dev):
        with ns.entered():
            return os.path.exists(f"/proc/sys/net/ipv4/conf/{dev}")

    # -- parts -----------------------------------------------------------------------

    def start_origin(self):
        self.origin.popen([sys.executable, "-c", ORIGIN_PROGRAM], log="origin")
        wait_until(lambda: self.origin.listens(80), 10, "the origin listens")

    def start_squid(self, listen="3129 tproxy"):
        more = "" if self.spoof else "spoof_client_ip deny all"
        self.squid = Squid(self, self.box, "s1", "s1", SQUID.format(listen=listen, more=more))
        self.squid.port = 3129
        self.net.finally_do(self.squid.tidy)
        self.squid.start()
        wait_until(self.squid.ready, 20, "Squid listens")

    def start_router(self, forward, ret):
        names = ("80", "90") if self.spoof else ("web-cache",)
        services = "".join(ROUTER_SERVICE.format(name=n, forward=forward, ret=ret)
                           for n in names)
        conf = os.path.join(self.dir, "router.conf")
        with open(conf, "w") as f:
            f.write(ROUTER.format(id=ROUTER_ID, dir=self.dir, services=services,
                                  redirect=", origin" if self.spoof else ""))
        self.wccprouter = self.router.popen([program("wccprouter"), "-f", conf],
                                            log="router")
        wait_until(self.show_router, 10, lambda: self.wccprouter.output())

    def show_router(self):
        return ask("wccprouter", os.path.join(self.dir, "router.sock"), "show", "-j")

    def start_wccpd(self, more=""):
        service = "forward {\n    template = http\n    spoof = true" if self.spoof else \
            "web-cache {"
        conf = os.path.join(self.dir, "wccpd.conf")
        with open(conf, "w") as f:
            f.write(WCCPD.format(address=self.address, dir=self.dir, service=service,
                                 router="10.4.1.1", more=more))
        self.before = self.box.state()
        self.wccpd = self.box.popen([program("wccpd"), "-f", conf, "-d"], log="wccpd")

    def show(self):
        return ask("wccpctl", os.path.join(self.dir, "box.sock"), "-j", "show")

    def assigned(self):
        """Are all buckets of all services the box's?"""
        shown = self.show_router()
        return shown and all(s["clients"] and s["clients"][0]["buckets"] == 256
                             for s in shown["services"])

    def start(self, forward, ret=None, listen="3129 tproxy", joins=True):
        """All of it, up to the point where the box has all buckets, if it joins."""
        self.start_origin()
        self.start_squid(listen)
        self.start_router(forward, ret or forward)
        self.start_wccpd()
        if joins:
            wait_until(self.assigned, 20, lambda: self.wccpd.output())

    # -- the client --------------------------------------------------------------------

    def ask(self, *argv, timeout=8):
        """What curl gets: (status, octets, "via" when a Squid has answered)."""
        done = self.client.run("curl", "-s", "-m", timeout, "-H", "Expect:", "-o",
                               os.devnull, "-w", "%{http_code} %{size_download} "
                               "%header{via}", *argv, check=False)
        status, octets, via = done.stdout.split(" ", 2)
        return int(status), int(octets), "via" if "squid" in via else via

    def download(self, octets, **kw):
        return self.ask(f"http://{ORIGIN}/{octets}", **kw)

    def upload(self, octets, **kw):
        body = os.path.join(self.dir, f"body{octets}")
        with open(body, "wb") as f:
            f.write(b"y" * octets)
        return self.ask("--data-binary", "@" + body, f"http://{ORIGIN}/", **kw)
