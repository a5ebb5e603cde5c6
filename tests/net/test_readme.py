# SPDX-License-Identifier: GPL-2.0-or-later
"""The sites of README, word for word: their files, their commands, real Squids.

    client 10.0.0.2 -- router 10.0.1.1 -- box 10.0.1.2     s1 s2, wccpd
                       (wccprouter)    -- origin 10.20.0.1

The box has the folders of a fresh Debian: its own empty /run, and what is written to
/etc and /var/log/squid is gone with it.
"""

import json
import os
import re
import signal
import sys

import pytest

from netns import program, run, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ROUTER_CONF = """
router-id = {loopback}
control = "{dir}/router.sock"
redirect-in = {{ client }}
caches-in = {{ box }}
service web-cache {{
    password = "{password}"
    group-list = {{ {permit} }}
}}
"""

# The last line tells that the folders are ready.
FOLDERS = """
mount -t tmpfs tmpfs {dir}/mnt
mkdir {dir}/mnt/etc {dir}/mnt/work
mount -t overlay -o lowerdir=/etc,upperdir={dir}/mnt/etc,workdir={dir}/mnt/work etc /etc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755,uid=proxy,gid=proxy tmpfs /var/log/squid
rm -f /etc/wccpd.conf /etc/squid/[sp]?.conf
echo ready
exec sleep infinity
"""


def readme():
    """{the line before an indented block, without its colon: the block}"""
    with open(os.path.join(TOP, "README")) as f:
        found = re.findall(r"^(\S.*):\n\n((?:\t.*\n|\n(?=\t))+)", f.read(), re.M)
    return {head: re.sub(r"^\t", "", block, flags=re.M) for head, block in found}


class Box:
    """A namespace whose processes have files of their own."""

    def __init__(self, net):
        self.ns = net.namespace("box")
        os.mkdir(os.path.join(net.tmpdir, "mnt"))
        holder = self.ns.popen(["unshare", "-m", "sh", "-ec",
                                FOLDERS.format(dir=net.tmpdir)], log="folders")
        wait_until(lambda: "ready" in holder.output() or holder.poll() is not None, 10,
                   "folders")
        assert "ready" in holder.output(), holder.output()
        self.enter = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "--"]
        self.env = {**os.environ, "PATH": f"{os.path.dirname(program('wccpd'))}:"
                    f"{os.environ['PATH']}:/usr/sbin:/sbin"}

    def sh(self, command, **kw):
        return self.ns.run(*self.enter, "sh", "-ec", command, env=self.env, **kw)

    def popen(self, command):
        return self.ns.popen([*self.enter, "sh", "-ec", "exec " + command],
                             log=command.split()[0], env=self.env)

    def write(self, path, text):
        with open(os.path.join(self.ns.net.tmpdir, "text"), "w") as f:
            f.write(text)
        self.sh(f"cat {f.name} >{path}")


@pytest.fixture
def site(net):
    """(client, router, box), connected, and an origin that answers on 10.20.0.1."""
    client, router, origin = map(net.namespace, ("client", "router", "origin"))
    box = Box(net)
    for ns, name, net24 in ((client, "client", "10.0.0"), (box.ns, "box", "10.0.1"),
                            (origin, "origin", "10.0.4")):
        net.veth(ns, "eth0", net24 + ".2/24", router, name, net24 + ".1/24")
        ns.route("default", "via", net24 + ".1")
        router.sysctl(f"net.ipv4.conf.{name}.rp_filter", 0)
    router.sysctl("net.ipv4.conf.all.rp_filter", 0)
    router.sysctl("net.ipv4.ip_forward", 1)
    router.address("lo", "10.0.255.1/32")
    router.route("10.20.0.0/24", "via", "10.0.4.2")
    origin.route("local", "10.20.0.0/24", "dev", "lo")
    with open(os.path.join(net.tmpdir, "hello"), "w") as f:
        f.write("hello\n")
    origin.popen([sys.executable, "-m", "http.server", "80"], log="origin", cwd=net.tmpdir)
    wait_until(lambda: origin.listens(80), 10, "the origin listens")
    return client, router, box


def test_minimal_site(net, site):
    client, router, box = site
    blocks = readme()
    ios = blocks["The router (IOS)"]
    conf = os.path.join(net.tmpdir, "router.conf")
    with open(conf, "w") as f:
        f.write(ROUTER_CONF.format(
            dir=net.tmpdir, loopback="10.0.255.1",
            password=re.search(r"password (\S+)", ios)[1],
            permit=re.search(r"permit (\S+)", ios)[1]))
    router.popen([program("wccprouter"), "-f", conf], log="wccprouter")

    for path in ("/etc/squid/s1.conf", "/etc/wccpd.conf"):
        box.write(path, blocks[path])
    box.sh(next(b for head, b in blocks.items() if head.endswith("Start both")))
    good = box.sh("wccpd -n")
    assert not good.stderr and "10.0.1.1" in good.stdout
    wccpd = box.popen("wccpd")

    def shown(words):
        done = box.sh("wccpctl show", check=False)
        return words in done.stdout and done.stdout
    wait_until(lambda: shown("assigned"), 60,
               lambda: box.sh("wccpctl show", check=False).stdout + wccpd.output())

    def name_of_server():
        done = client.run("curl", "-sS", "-i", "-m", "10", "http://10.20.0.1/hello")
        assert done.stdout.startswith("HTTP/1.1 200 "), done.stdout
        assert done.stdout.endswith("hello\n")
        via = re.search(r"^Via: 1.1 (\S+)", done.stdout, re.M)
        return via and via[1]
    seen = set()
    wait_until(lambda: seen.add(name_of_server()) or {"box1-s1", "box1-s2"} <= seen, 20,
               lambda: f"both instances serve, not {seen}")
    assert seen == {"box1-s1", "box1-s2"}
    assert wccpd.stop() == 0


def test_the_machine_alone(net, site):
    """Clients on port 3128, no router, four Squids; one of them is killed."""
    client, _, box = site
    blocks = readme()
    box.write("/etc/squid/p1.conf", blocks["/etc/squid/p1.conf"])
    box.write("/etc/wccpd.conf", blocks["All of /etc/wccpd.conf"])
    box.sh(next(b for head, b in blocks.items() if "start all four" in head))
    good = box.sh("wccpd -n")
    assert not good.stderr and "pool web: listens on *:3128" in good.stdout
    wccpd = box.popen("wccpd")

    def up():
        done = box.sh("wccpctl -j show", check=False).stdout
        return done and json.loads(done)["pools"][0]["healthy"] == 4
    wait_until(up, 60, lambda: box.sh("wccpctl show", check=False).stdout + wccpd.output())
    assert not box.ns.listens(3128)

    def names_of_servers(n):
        done = client.run("curl", "-sS", "-i", "-m", "10", "--parallel", "-x",
                          "http://10.0.1.2:3128", "-H", "Connection: close",
                          *["http://10.20.0.1/hello"] * n)
        assert done.stdout.count("HTTP/1.1 200 ") == n, done.stdout
        return set(re.findall(r"Via: 1.1 (\S+)", done.stdout))
    seen = set()
    names = {f"box1-p{i}" for i in range(1, 5)}
    wait_until(lambda: seen.update(names_of_servers(8)) or seen == names, 20,
               lambda: f"all four serve, not {seen}")
    assert "10.0.0.2 " in box.sh("cat /var/log/squid/p1.access.log").stdout

    kid = next(i["pid"] for i in json.loads(box.sh("wccpctl -j show").stdout)
               ["pools"][0]["instances"] if i["name"] == "p2")
    os.kill(kid, signal.SIGKILL)
    wait_until(lambda: not os.path.exists(f"/proc/{kid}"), 5, "p2 is dead")
    names_of_servers(40)
    assert wccpd.stop() == 0


def test_nobody_else_is_served(site):
    """The Squid of README is no open proxy."""
    _, router, box = site
    blocks = readme()
    box.write("/etc/squid/s1.conf", blocks["/etc/squid/s1.conf"].replace(
        "127.0.0.1:4201", "4201"))
    box.sh("squid -n s1 -f /etc/squid/s1.conf")
    wait_until(lambda: box.ns.listens(4201), 20, "Squid listens")
    router.address("lo", "192.0.2.1/32")
    for source, code in (("10.0.1.1", "200"), ("192.0.2.1", "403")):
        done = run(*router.argv(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                                 "--interface", source, "-x", "http://10.0.1.2:4201",
                                 "http://10.20.0.1/hello"]), check=False)
        assert done.stdout == code, source
