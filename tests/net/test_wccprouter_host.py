# SPDX-License-Identifier: GPL-2.0-or-later
"""What wccprouter does to its host, and how it reads its configuration."""

import os
import signal
import socket

import pytest

import wccpcache as w
from netns import program, run, wait_until
from wccprouter_lab import CLIENT, CONF, ORIGIN, expect_gre, gro, tc_state
from wccprouter_lab import world  # noqa: F401  pylint: disable=unused-import

# ---- the host is left as it was ----

@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_everything_is_removed(world, signum):
    world.router.run("ethtool", "-K", "cl0", "gro", "on")
    before = tc_state(world)
    world.start()
    assert "clsact" in "".join(tc_state(world)) and not gro(world)
    world.give_all(world.join())
    world.process.send_signal(signum)
    assert world.process.wait(10) == 0
    assert tc_state(world) == before
    assert gro(world)
    assert not os.path.exists(world.control)


def test_offloads_come_back_after_a_kill(world):
    """A process that is killed cannot restore anything: the next one does."""
    world.router.run("ethtool", "-K", "cl0", "gro", "on")
    world.start()
    wait_until(lambda: not gro(world), 3, "GRO is off")
    world.process.kill()
    world.process.wait()
    assert not gro(world)
    world.launch()
    assert not gro(world)
    world.stop()
    assert gro(world)
    assert not os.path.exists(world.control + ".offloads")
    # What was off before stays off.
    world.router.run("ethtool", "-K", "cl0", "gro", "off")
    world.start()
    world.stop()
    assert not gro(world)


def test_offloads_of_an_interface_that_is_no_longer_redirected(world):
    world.router.run("ethtool", "-K", "cl0", "gro", "on")
    world.start()
    world.process.kill()
    world.process.wait()
    with open(world.conf) as f:
        conf = f.read()
    with open(world.conf, "w") as f:
        f.write(conf.replace("redirect-in = { cl0 }", "redirect-in = { or0 }"))
    world.launch()
    assert gro(world)
    world.stop()



@pytest.fixture
def foreign_filter(world, tmp_path):
    """A function that puts somebody else's filter on cl0."""
    source, compiled = tmp_path / "pass.c", tmp_path / "pass.o"
    source.write_text('__attribute__((section("tc"))) int f(void *c) { return -1; }')
    run("clang", "-O2", "-target", "bpf", "-c", source, "-o", compiled)

    # tc mounts a bpf file system and makes folders in it; they are not to stay.
    def add(point="ingress"):
        world.router.run("unshare", "--mount", "sh", "-ec",
                         "mount -t bpf bpf /sys/fs/bpf; exec tc filter add dev cl0 "
                         f"{point} prio 7 bpf da obj {compiled} sec tc")
    return add


def filters(world, point="ingress"):
    return world.router.run("tc", "filter", "show", "dev", "cl0", point).stdout


def test_foreign_filters_stay(world, foreign_filter):
    world.router.run("tc", "qdisc", "add", "dev", "cl0", "clsact")
    foreign_filter()
    before = tc_state(world)
    world.start()
    assert tc_state(world) != before
    world.stop()
    assert tc_state(world) == before


@pytest.mark.parametrize("point", ["ingress", "egress"])
def test_filters_on_our_qdisc_stay(world, foreign_filter, point):
    """Who comes later finds a clsact qdisc, and does not ask whose it is."""
    world.start()
    foreign_filter(point)
    world.stop()
    assert "pass.o" in filters(world, point)
    assert "router_ingress" not in filters(world)
    assert "clsact" not in world.router.run("tc", "qdisc", "show", "dev", "bx1").stdout
    world.start()
    world.stop()
    assert "pass.o" in filters(world, point)


def test_successor_of_a_killed_router(world):
    before = tc_state(world)
    world.start()
    world.process.kill()
    world.process.wait()
    assert "bpf" in "".join(tc_state(world))
    world.start()
    world.give_all(world.join())
    packet = w.tcp(CLIENT, ORIGIN, 33333, 80)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(packet)
        expect_gre(tap, packet)
    world.stop()
    assert tc_state(world) == before


def test_interface_that_comes_back(world):
    """A new interface of the old name gets the program, too."""
    world.start()
    world.give_all(world.join())
    world.router.ip("link", "del", "cl0")
    wait_until(lambda: "event=interface-gone" in world.log(), 8, world.log)
    world.net.veth(world.client, "eth0", f"{CLIENT}/24", world.router, "cl0",
                   "10.1.0.1/24")
    world.client.route("default", "via", "10.1.0.1")
    wait_until(lambda: "event=interface-back" in world.log(), 8, world.log)
    packet = w.tcp(CLIENT, ORIGIN, 33333, 80)
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(packet)
        expect_gre(tap, packet)
    world.stop()
    assert "bpf" not in "".join(tc_state(world))


def test_tagged_frames_are_not_ours(world):
    """They belong to the VLAN's own interface, whether there is one or not."""
    world.start()
    world.give_all(world.join())
    macs = [bytes.fromhex(m.replace(":", "")) for m in
            (world.router.mac("cl0"), world.client.mac("eth0"))]
    with world.client.socket(socket.AF_PACKET, socket.SOCK_RAW) as s, \
            w.Tap(world.cache, "eth0") as tap:
        s.bind(("eth0", 0))
        for sport, tag in ((33333, b"\x81\0\0\7"), (33334, b"")):
            s.send(b"".join(macs) + tag + b"\x08\0" + w.tcp(CLIENT, ORIGIN, sport, 80))
        _, outer = tap.find(lambda ip: ip.redirected())
    assert outer.redirected()[1].sport == 33334


def test_warnings(world):
    world.router.sysctl("net.ipv4.ip_forward", 0)
    world.router.sysctl("net.ipv4.conf.bx1.rp_filter", 1)
    world.start()
    assert "event=ip-forward-off" in world.log()
    assert "event=rp-filter-strict" in world.log()


# ---- configuration ----

@pytest.mark.parametrize("text,line,word", [
    ("router-id = 10.0.9.x\n", 1, "IPv4"),
    ("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n"
     "service 256 { }\n", 4, "256"),
    ("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n"
     "service web-cache {\n  forward = { gre, l3 }\n}\n", 5, "l3"),
    ("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n"
     "service web-cache {\n  password = \"ninechars\"\n}\n", 5, ""),
    ("router-id = 10.0.9.1\nredirect-in = { a }\nbogus = 1\n", 3, "bogus"),
    ("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n"
     "service web-cache {\n  transmit-t = { 60000, 500 }\n}\n", 5, "transmit-t"),
    ("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n", None, "service"),
    ("redirect-in = { a }\ncaches-in = { b }\nservice 1 { }\n", None, "router-id"),
    ("router-id = 10.0.9.1\nredirect-in = { interface-name-too-long }\n", 2, "interface"),
    ("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n"
     "service 7 { }\nservice 07 { }\n", None, "same"),
    ("router-id = 10.0.9.1\nredirect-in = { a }\ncaches-in = { b }\n"
     "service 7 { }\nservice 7 { }\n", 5, "7"),
])
def test_bad_configuration(tmp_path, text, line, word):
    path = tmp_path / "bad.conf"
    path.write_text(text)
    done = run(program("wccprouter"), "-n", "-f", path, check=False)
    first = done.stderr.splitlines()[0]
    assert done.returncode == 1 and not done.stdout
    assert first.startswith(f"{path}:{line}: " if line else f"{path}:"), first
    assert int(first[len(str(path)) + 1:].split(":")[0]) > 0
    assert word in first


def test_good_configuration(tmp_path):
    path = tmp_path / "good.conf"
    path.write_text("""
router-id = 10.0.9.1              # an address of this host
control = /run/wccprouter.sock
redirect-in = { cl0 }
caches-in = { bx1, bx2 }
service web-cache {
    password = "secret"
    forward = { gre, l2 }
    return = { gre, l2 }
    transmit-t = { 500, 60000 }
    echo-assignment = true
    group-list = { 10.0.1.2 }
    closed = false
}
service 70 { }
""")
    done = run(program("wccprouter"), "-n", "-f", path)
    assert done.returncode == 0 and "good" in done.stdout
    assert run(program("wccprouter"), "-n", "-f", tmp_path / "none",
               check=False).returncode == 1


def test_foreign_router_id_is_refused(world):
    with open(world.conf, "w") as f:
        f.write(CONF.format(id="10.0.9.2", control=world.control,
                            more="service web-cache { }"))
    done = world.router.run(program("wccprouter"), "-f", world.conf, check=False)
    assert done.returncode == 1 and "10.0.9.2" in done.stderr
    assert "clsact" not in "".join(tc_state(world))
