# SPDX-License-Identifier: GPL-2.0-or-later
"""The laboratory: clients, a WCCP router, two CARP boxes with real Squids, an origin.

                                 +-- box1   10.0.1.2   squid s1 s2 s3, wccpd
    client 10.0.0.2 -- router ---+-- box2   10.0.2.2   squid s1 s2 s3, wccpd
                  (wccprouter)   +-- backend 10.0.3.2  squid b1 b2 (CARP parents)
                                 +-- origin  10.0.4.2  nginx, also 10.20.0.0/24

Everything goes through the router, which redirects only what comes in from the
client.  The web-cache service hashes the destination address, so the origin
answers on a whole /24: one address per bucket.  The boxes' Squids take
redirected connections on tproxy ports and forward every request by CARP to the
two back-end Squids, which ask the origin.
"""

import json
import os
import re
import signal
import subprocess

import netns
from netns import DELIVERY, wait_until

BOXES = ("box1", "box2")
NETS = {"box1": 1, "box2": 2, "box3": 5, "box4": 6, "box5": 7}
INSTANCES = ("s1", "s2", "s3")
BACKENDS = ("b1", "b2")
ROUTER_ID = "10.0.255.1"
CLIENT_SOURCES = [f"10.0.0.{n}" for n in range(10, 26)]
ORIGINS = [f"10.20.0.{n}" for n in range(256)]
OBJECTS = {"1k": 1000, "16k": 16000, "300k": 300000}
SLOW_RATE = "150k"  # octets per second of /slow/

SQUID_COMMON = """\
visible_hostname {name}
unique_hostname {name}
pid_filename {dir}/{name}.pid
cache_effective_user proxy
logformat lab %ts.%03tu %>a:%>p %<st %03>Hs %Sh %rm %ru
access_log stdio:{dir}/{name}.access lab
cache_log {dir}/{name}.cache
cache_store_log none
logfile_rotate 0
coredump_dir {dir}
pinger_enable off
memory_pools off
dns_nameservers 127.0.0.1
max_filedescriptors {descriptors}
shutdown_lifetime {lifetime} seconds
http_access allow all
"""

FRONT_END = """\
http_port {port} tproxy
http_port 127.0.0.1:{check}
spoof_client_ip deny all
{peers}
never_direct allow all
cache deny all
"""

BACK_END = """\
http_port {port}
cache_mem 32 MB
maximum_object_size_in_memory 1 MB
"""

# Every front end of every box lists the same names and weights: the CARP hash
# is made from them.
CACHE_PEER = "cache_peer 10.0.3.2 parent {port} 0 carp no-query no-digest no-tproxy name={name}"

NGINX = """\
daemon off;
user nobody nogroup;
worker_processes {workers};
pid {dir}/nginx.pid;
error_log {dir}/nginx.error;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {descriptors}; }}
http {{
    log_format lab '$msec $remote_addr:$remote_port $status via="$http_via" '
                   '$server_addr "$request"';
    access_log {dir}/nginx.access lab;
    client_body_temp_path {dir}/nginx.tmp;
    proxy_temp_path {dir}/nginx.tmp;
    fastcgi_temp_path {dir}/nginx.tmp;
    uwsgi_temp_path {dir}/nginx.tmp;
    scgi_temp_path {dir}/nginx.tmp;
    sendfile on;
    keepalive_requests 1000000;
    server {{
        listen 80 backlog=4096 reuseport;
        root {dir}/www;
        expires 1h;
        {locations}
        location /slow/ {{ alias {dir}/www/; limit_rate {slow}; }}
    }}
}}
"""

WCCPROUTER = """\
router-id = {router_id}
control = {dir}/wccprouter.sock
redirect-in = {{ client }}
caches-in = {{ {boxes} }}
service web-cache {{
{password}    forward = {{ {forward} }}
    return = {{ {ret} }}
    transmit-t = {{ 500, 60000 }}
    echo-assignment = {echo}
    assign = {{ {assign} }}
}}
"""

WCCPD = f"delivery = {DELIVERY}\n" + """\
address = {address}
interface = eth0
control = {dir}/{box}.sock
pool web {{
    min-instances = 1
    interval = 500
    timeout = 1000
    rise = 2
    fall = 3
{instances}}}
service web-cache {{
    pool = web
    routers = {{ {router} }}
{password}    forward = {{ {forward} }}
    return = {{ {ret} }}
    transmit-t = {transmit_t}
    weight = 100
    when-down = return
    version = {version}
{mask}}}
"""

# The bits in which the origin's addresses differ.
WCCPD_MASK = """\
    assign = { mask }
    mask { dst-ip = 0x3f }
"""

WCCPD_INSTANCE = """\
    instance {name} {{
        port = {port}
        check = "127.0.0.1:{check}"
        weight = 1
        pid-file = {dir}/{squid}.pid
    }}
"""


class Squid:
    """One Squid process: a front end of a box, or a back end."""

    def __init__(self, lab, ns, name, short, conf, lifetime=1, descriptors=4096):
        self.lab, self.ns, self.short = lab, ns, short
        # -n names shared memory segments: the run's prefix keeps them apart.
        self.name = name
        self.service = lab.net.prefix.replace("-", "") + name
        self.process = None
        self.conf = os.path.join(lab.dir, name + ".conf")
        with open(self.conf, "w") as f:
            f.write(SQUID_COMMON.format(name=name, dir=lab.dir, lifetime=lifetime,
                                        descriptors=descriptors) + conf)

    def start(self):
        self.process = self.ns.popen(
            ["squid", "-N", "-n", self.service, "-f", self.conf], log=self.name + ".out")

    @property
    def pid(self):
        return self.process.pid

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: {self.process.output()}")
        return self.ns.listens(self.port)

    def kill(self):
        self.process.kill()

    def access(self):
        """Requests to the origin, by the access log: (client, status, hierarchy, url)."""
        try:
            with open(os.path.join(self.lab.dir, self.name + ".access")) as f:
                lines = [line.split() for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [(w[1], w[3], w[4], w[6]) for w in lines
                if len(w) > 6 and w[6].startswith("http://10.20.0.")]

    def tidy(self):
        """Shared memory of a Squid that was killed outlives it."""
        for name in os.listdir("/dev/shm"):
            if name.startswith(self.service + "-"):
                os.unlink(os.path.join("/dev/shm", name))


class FrontEnd(Squid):
    def __init__(self, lab, box, number):
        self.port, self.check = 3128 + number, 4200 + number
        peers = "\n".join(CACHE_PEER.format(port=3200 + i, name=name)
                          for i, name in enumerate(BACKENDS, 1))
        super().__init__(lab, box.ns, box.name + f"s{number}", f"s{number}",
                         FRONT_END.format(port=self.port, check=self.check, peers=peers),
                         lifetime=lab.lifetime, descriptors=lab.descriptors)

    def ready(self):
        """It listens, and has seen that its parents live."""
        if not super().ready():
            return False
        url = f"http://127.0.0.1:{self.check}/squid-internal-mgr/server_list"
        shown = self.ns.run("curl", "-s", url, check=False).stdout
        return len(re.findall(r"^Status\s*: Up$", shown, re.M)) == len(BACKENDS)


class BackEnd(Squid):
    def __init__(self, lab, ns, number):
        self.port = 3200 + number
        super().__init__(lab, ns, f"b{number}", f"b{number}",
                         BACK_END.format(port=self.port), descriptors=lab.descriptors)


class Box:
    """A CARP box: three front ends and a wccpd."""

    def __init__(self, lab, name, net24):
        self.lab, self.name = lab, name
        self.ns = lab.net.namespace(name)
        self.address, self.router = f"{net24}.2", f"{net24}.1"
        self.conf = os.path.join(lab.dir, f"{name}.wccpd.conf")
        self.socket = os.path.join(lab.dir, f"{name}.sock")
        self.instances, self.wccpd = [], None

    def make_instances(self):
        self.instances = [FrontEnd(self.lab, self, n + 1) for n in range(len(INSTANCES))]

    def write_conf(self, **change):
        lab = self.lab
        values = dict(
            address=self.address, dir=lab.dir, box=self.name, router=self.router,
            forward=lab.forward, ret=lab.ret, password=lab.password_line(),
            transmit_t=lab.transmit_t, version=lab.version,
            mask=WCCPD_MASK if lab.assign == "mask" else "",
            instances="".join(
                WCCPD_INSTANCE.format(name=s.short, port=s.port, check=s.check,
                                      dir=lab.dir, squid=s.name)
                for s in self.instances))
        values.update(change)
        with open(self.conf, "w") as f:
            f.write(WCCPD.format(**values))

    def start_wccpd(self):
        # Whatever is there now is there when it has ended, and nothing else.
        self.before = self.ns.state()
        self.wccpd = self.ns.popen([netns.program("wccpd"), "-f", self.conf, "-d"],
                                   log=f"{self.name}.wccpd")

    def show(self):
        """What wccpd says of itself, or None while it does not answer."""
        return self.lab.query(netns.program("wccpctl"), "-s", self.socket, "-j", "show")

    def service(self):
        shown = self.show()
        return shown["services"][0] if shown and shown["services"] else None


class Lab:
    """The whole.  Start its parts one by one, or all by start()."""

    def __init__(self, net, forward="gre", ret="gre", password="secret", transmit_t=1000,
                 echo=True, assign="hash", version="2.0", boxes=BOXES, lifetime=1,
                 descriptors=4096):
        self.net, self.dir = net, os.path.join(net.tmpdir, "lab")
        self.forward, self.ret, self.password = forward, ret, password
        self.transmit_t, self.echo = transmit_t, "true" if echo else "false"
        self.assign, self.slots = assign, 64 if assign == "mask" else 256
        self.version, self.lifetime, self.descriptors = version, lifetime, descriptors
        self.wccprouter = self.nginx = None
        self.locations = ""  # more of the origin's configuration
        self.workers = 1  # of it
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o775)
        subprocess.run(["chgrp", "proxy", self.dir], check=True)
        self._cable()
        self.boxes = [Box(self, name, f"10.0.{NETS[name]}") for name in boxes]
        self._cable_boxes()
        self.backends = [BackEnd(self, self.backend, n + 1) for n in range(len(BACKENDS))]
        for box in self.boxes:
            box.make_instances()
        for squid in self.squids():
            net.finally_do(squid.tidy)

    # -- topology --------------------------------------------------------------

    def _cable(self):
        net = self.net
        self.client, self.router = net.namespace("client"), net.namespace("router")
        self.backend, self.origin = net.namespace("backend"), net.namespace("origin")
        net.veth(self.client, "eth0", "10.0.0.2/24", self.router, "client", "10.0.0.1/24")
        net.veth(self.backend, "eth0", "10.0.3.2/24", self.router, "backend", "10.0.3.1/24")
        net.veth(self.origin, "eth0", "10.0.4.2/24", self.router, "origin", "10.0.4.1/24")
        self.client.ip_batch(f"addr add {source}/24 dev eth0" for source in CLIENT_SOURCES)
        for ns, gateway in ((self.client, "10.0.0.1"), (self.backend, "10.0.3.1"),
                            (self.origin, "10.0.4.1")):
            ns.route("default", "via", gateway)
        self.router.address("lo", ROUTER_ID + "/32")
        self.router.route("10.20.0.0/24", "via", "10.0.4.2")
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.origin.route("local", "10.20.0.0/24", "dev", "lo")
        # Answers of the boxes come with the origin's address as their source.
        for key in ("all", "default", "client", "backend", "origin"):
            self.router.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)
        # A wire carries finished checksums and packets of its own size: so do
        # the outer cables, or the router would see what no router ever sees.
        for ns in (self.client, self.origin):
            ns.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off",
                   "gro", "off")

    def _cable_boxes(self):
        for box in self.boxes:
            self.net.veth(box.ns, "eth0", box.address + "/24",
                          self.router, box.name, box.router + "/24")
            box.ns.route("default", "via", box.router)
            self.router.sysctl(f"net.ipv4.conf.{box.name}.rp_filter", 0)
            for key in ("all", "eth0"):
                box.ns.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)

    # -- parts -----------------------------------------------------------------

    def squids(self):
        return self.backends + self.front_ends()

    def front_ends(self):
        return [s for box in self.boxes for s in box.instances]

    def start_origin(self):
        www = os.path.join(self.dir, "www")
        os.makedirs(www, exist_ok=True)
        for name, size in OBJECTS.items():
            with open(os.path.join(www, name), "wb") as f:
                f.write((b"%s " % name.encode()) * (size // (len(name) + 1) + 1))
                f.truncate(size)
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as f:
            f.write(NGINX.format(dir=self.dir, slow=SLOW_RATE, locations=self.locations,
                                 descriptors=self.descriptors, workers=self.workers))
        self.nginx = self.origin.popen(
            ["nginx", "-p", self.dir, "-e", f"{self.dir}/nginx.error", "-c", conf],
            log="nginx")
        wait_until(lambda: self.origin.listens(80), 10, "the origin listens")

    def start_squids(self, squids):
        for squid in squids:
            squid.start()
        for squid in squids:
            wait_until(squid.ready, 20, lambda s=squid: f"{s.name} listens")

    def start_servers(self):
        """All that works without WCCP.  A front end that starts before its parents
        takes them for dead for a while: they come first."""
        self.start_origin()
        self.start_squids(self.backends)
        self.start_squids(self.front_ends())

    def password_line(self):
        return f'    password = "{self.password}"\n' if self.password else ""

    def start_router(self):
        conf = os.path.join(self.dir, "wccprouter.conf")
        with open(conf, "w") as f:
            f.write(WCCPROUTER.format(router_id=ROUTER_ID, dir=self.dir,
                                      password=self.password_line(),
                                      forward=self.forward, ret=self.ret,
                                      echo=self.echo, assign=self.assign,
                                      boxes=", ".join(b.name for b in self.boxes)))
        self.before = self.router.state()
        self.wccprouter = self.router.popen([netns.program("wccprouter"), "-f", conf],
                                            log="wccprouter")
        wait_until(self.router_show, 10,
                   lambda: "wccprouter answers: " + self.wccprouter.output())

    def start(self):
        """All of it, up to the point where the group is formed."""
        self.start_servers()
        self.start_router()
        for box in self.boxes:
            box.write_conf()
            box.start_wccpd()
        self.wait_shares(self.slots // 2, self.slots // 2, 20)

    # -- questions -------------------------------------------------------------

    @staticmethod
    def query(*argv):
        """JSON that a program prints, or None when it fails."""
        done = netns.run(*argv, check=False, timeout=10)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None

    def router_show(self):
        return self.query(netns.program("wccprouter"), "-s",
                          os.path.join(self.dir, "wccprouter.sock"), "show", "-j")

    def shares(self):
        """Buckets, or values of the mask, of (box1, box2) at the router: None for one
        that is not Usable."""
        shown = self.router_show()
        if not shown or not shown["services"]:
            return (None, None)
        share = "values" if self.assign == "mask" else "buckets"
        clients = {c["address"]: c[share] if c["state"] == "Usable" else None
                   for c in shown["services"][0]["clients"]}
        return tuple(clients.get(box.address) for box in self.boxes)

    def owners(self):
        """The router's table: for each bucket, or value, its owner's address or None."""
        table = [None] * self.slots
        shown = self.router_show()
        for c in shown["services"][0]["clients"] if shown else []:
            for v in c.get("mask_values", []):
                table[int(v["dst"], 16)] = c["address"]
            vector = bytes.fromhex(c["bucket_vector"])
            for b in range(256):  # no bit is set under mask assignment
                if vector[b // 8] >> b % 8 & 1:
                    table[b] = c["address"]
        return table

    def wait_shares(self, one, two, timeout):
        """Wait until the router has given the boxes so many buckets."""
        return wait_until(lambda: self.shares() == (one, two), timeout,
                          lambda: f"router has {one} + {two} buckets, not {self.shares()}")

    def origin_access(self):
        """Requests at the origin as (peer, status, via, address asked)."""
        with open(os.path.join(self.dir, "nginx.access")) as f:
            found = re.findall(r'^\S+ (\S+) (\d+) via="(.*?)" (\S+) ', f.read(), re.M)
        return found

    def urls(self, *paths):
        """A file of URLs for wload: every origin address, the paths in turn."""
        name = os.path.join(self.net.tmpdir, "urls-" + "-".join(
            re.sub(r"\W", "", p) for p in paths))
        with open(name, "w") as f:
            for n, address in enumerate(ORIGINS[1:255]):
                f.write(f"http://{address}{paths[n % len(paths)]}\n")
        return name

    def load(self, *options, urls=None, name="load"):
        """Start wload in the client's namespace."""
        urls = urls or self.urls("/1k?u=%u", "/16k", "/1k", "/16k?u=%u")
        argv = [netns.program("tests/net/wload"), "-f", urls]
        for source in CLIENT_SOURCES:
            argv += ["-b", source]
        return Load(self, argv + [str(o) for o in options], name)


class Load:
    """A running wload."""

    def __init__(self, lab, argv, name):
        self.process = lab.client.popen(argv, log=name)
        wait_until(lambda: self.lines("start"), 10,
                   lambda: "wload starts: " + self.process.output())

    def lines(self, kind):
        """The JSON objects of one kind that were printed so far."""
        mark = f'{{"{kind}": '
        return [json.loads(line)[kind] for line in self.process.output().split("\n")
                if line.startswith(mark) and line.endswith("}")]

    def snapshot(self):
        """How the run stands now."""
        n = len(self.lines("snapshot"))
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: len(self.lines("snapshot")) > n, 5, "wload's snapshot")
        return self.lines("snapshot")[-1]

    def wait_whole(self, more, timeout=30):
        """Wait until so many more requests got their whole answer."""
        start = self.snapshot()["whole"]
        return wait_until(lambda: self.snapshot()["whole"] >= start + more, timeout,
                          lambda: f"{more} more answers, not {self.snapshot()}",
                          interval=0.1)

    def finish(self):
        """End it; (summary, failed requests)."""
        if self.process.poll() is None:
            self.process.terminate()
        if self.process.wait(30):
            raise RuntimeError("wload: " + self.process.output())
        return self.lines("summary")[-1], self.lines("failed")
