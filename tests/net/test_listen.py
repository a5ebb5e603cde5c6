# SPDX-License-Identifier: GPL-2.0-or-later
"""Pools that listen on ports of the box, without a router: whose connections they get,
and what becomes of them when instances die, wccpd is restarted, or all is down."""

import json
import os
import signal
import socket

import pytest

from listen_lab import BOX, BOX6, CLIENT, CLIENT6, PORT, ListenLab
from netns import program, wait_until
from small import Small

FOUR = {f"s{i}": f'check = "127.0.0.1:420{i}"' for i in range(1, 5)}


@pytest.fixture
def lab(net):
    return ListenLab(net)


@pytest.fixture
def four(lab):
    """Four instances at loopback addresses; nobody has 3128 itself."""
    for i in range(1, 5):
        lab.instance(f"s{i}", "127.0.0.1", 4200 + i)
    before = lab.box.state()
    lab.write(FOUR)
    lab.start()
    lab.up(*FOUR)
    yield lab
    lab.wccpd.stop()
    assert lab.box.state() == before


def test_clients_on_3128(four):
    checked = four.box.run(program("wccpd"), "-n", "-f", four.conf)
    assert "is good" in checked.stdout and "listens on *:3128" in checked.stdout
    seen = four.spread(80)
    assert set(seen) == set(FOUR)
    assert four.given() == seen
    # No NAT: an instance sees the client and what it asked, by any interface.
    assert four.ask()[1:] == (CLIENT, BOX)
    assert four.ask(ns=four.box, to="127.0.0.1")[1:] == ("127.0.0.1", "127.0.0.1")
    shown = four.box.run(program("wccpctl"), "-s", four.sock, "show").stdout
    assert "pool web is up: 4 of 4 count, 1 needed; listens on *:3128" in shown
    assert "SERVICE" not in shown
    # Its own port is left alone.
    assert four.ask(ns=four.box, to="127.0.0.1", port=4202)[0] == "s2"

    four.instances["s3"].kill()
    four.instances["s3"].wait()
    assert set(four.spread(40)) <= set(FOUR) - {"s3"}
    four.up("s1", "s2", "s4")
    four.instance("s3", "127.0.0.1", 4203)
    four.wait_served(FOUR)


def test_all_down(four):
    for p in four.instances.values():
        p.kill()
        p.wait()
    wait_until(lambda: four.ask() == "refused", 5, "RST")
    four.write(FOUR, more="when-down = pass")
    four.box.run(program("wccpctl"), "-s", four.sock, "reload")
    assert four.ask() == "refused"  # nobody is there
    four.instance("other", "0.0.0.0", PORT)
    assert four.ask()[0] == "other"
    four.instance("s2", "127.0.0.1", 4202)
    four.wait_served({"s2"})


def failed_connects(lab, kill, seconds, rate):
    """Requests under load while `kill` is done; those of which the connection was not
    opened: a reset of an open one is the death of who had it."""
    argv = [program("tests/net/wload"), "-n", 16, "-r", rate, "-d", seconds]
    load = lab.client.popen([*argv, f"http://{BOX}:{PORT}/"], log="wload")
    start = sum(lab.given().values())
    wait_until(lambda: sum(lab.given().values()) > start + rate / 2, 10, "the load runs")
    kill()
    load.wait(seconds + 20)
    lines = [json.loads(line) for line in load.output().splitlines()]
    total = next(x["summary"] for x in lines if "summary" in x)
    failed = [x["failed"] for x in lines if "failed" in x]
    assert total["requests"] > rate * seconds * 0.5, total
    print(total, failed)
    return [f for f in failed if f["phase"] == "connect" and f["why"] != "ECONNRESET"], failed


@pytest.mark.parametrize("to", (BOX, BOX6), ids=("ipv4", "ipv6"))
def test_a_client_keeps_its_instance(lab, to):
    """spread = source: whatever the port, until its instance dies, and again afterwards."""
    clients = [f"10.5.0.{n}" if to == BOX else f"2001:db8:5::{n:x}" for n in range(10, 40)]
    for c in clients:
        lab.client.ip("address", "add", c + ("/24" if to == BOX else "/64"), "dev", "eth0",
                      *(() if to == BOX else ("nodad",)))
    for i in range(1, 5):
        lab.instance(f"s{i}", "", 4200 + i)
    lab.write(FOUR, more="spread = source")
    lab.start()
    lab.up(*FOUR)

    def servers():
        found = {c: {lab.ask(to=to, client=c)[0] for _ in range(2)} for c in clients}
        assert all(len(names) == 1 for names in found.values()), found
        return {c: names.pop() for c, names in found.items()}
    first = servers()
    assert len(set(first.values())) > 1
    lost = first[clients[0]]
    lab.instances[lost].kill()
    lab.instances[lost].wait()
    second = servers()
    assert {c for c in clients if second[c] != first[c]} == {
        c for c in clients if first[c] == lost}
    lab.up(*[n for n in FOUR if n != lost])
    assert servers() == second
    lab.instance(lost, "", 4200 + int(lost[1:]))
    lab.up(*FOUR)
    wait_until(lambda: servers() == first, 5, "it has its clients back")


def test_a_kill_under_load(four):
    victim = four.instances["s3"]
    bad, failed = failed_connects(four, victim.kill, 3, 400)
    assert bad == []
    # What the dead one had, or got before its listener was closed.
    assert len(failed) < 30, failed


def test_drained_instances(four):
    """Who is drained gets nothing more; with all of them, it is as if none were up."""
    def drain(*names):
        for name in names:
            four.box.run(program("wccpctl"), "-s", four.sock, "drain", "web/" + name)
    drain("s1")
    four.wait_served({"s2", "s3", "s4"})
    drain("s2", "s3", "s4")
    wait_until(lambda: four.ask() == "refused", 5, "RST")


def test_a_restart_loses_no_connection(four):
    """Neither in place nor after SIGKILL, and counts go on.  A build with another layout of
    the tables begins to count anew."""
    given = sum(four.given().values())
    done = 0
    for how, env in ((signal.SIGUSR2, {}), (signal.SIGKILL, {}),
                     (signal.SIGKILL, {"WCCPD_TEST_LAYOUT": "7"})):
        if env:
            assert sum(four.given().values()) == given + done
        four.wccpd.send_signal(how)
        if how == signal.SIGKILL:
            four.wccpd.wait()
            assert set(four.spread(40)) == set(FOUR)
            done += 40
            four.start(env={**os.environ, **env})
        for _ in range(150):
            assert four.ask() != "refused", four.wccpd.output()
            done += 1
        four.up(*FOUR)
    assert set(four.spread(40)) == set(FOUR)


def test_reload(four):
    """Another port, another instance, the same connections otherwise."""
    four.instance("s5", "127.0.0.5", 4205)
    four.write({"s1": FOUR["s1"], "s5": 'check = "127.0.0.5:4205"'}, listen="8080, 8081")
    four.box.run(program("wccpctl"), "-s", four.sock, "reload")
    four.up("s1", "s5")
    four.wait_served({"s1", "s5"}, port=8081)
    assert four.ask(port=PORT) == "refused"
    with open(four.conf, "a") as f:
        f.write("pool b { listen = 8081 instance s9 { check = 127.0.0.1:9 } }")
    bad = four.box.run(program("wccpctl"), "-s", four.sock, "reload", check=False)
    assert bad.returncode == 1 and "8081 is listed twice" in bad.stderr
    assert four.ask(port=8080) != "refused"


def test_an_instance_has_the_port_itself(lab):
    """As on the page of Squid's wiki that begins with one Squid on 3128; the same port at
    another address; checks reach the one that they mean."""
    lab.instance("s1", "127.0.0.1", PORT)
    lab.instance("s2", "127.0.0.2", PORT)
    lab.write({"s1": f'check = "127.0.0.1:{PORT}"',
               "s2": f'check = "127.0.0.2:{PORT}"'})
    lab.start()
    lab.up("s1", "s2")
    lab.wait_served({"s1", "s2"})
    os.kill(lab.instances["s1"].pid, signal.SIGSTOP)
    lab.up("s2")  # its checks were not answered by the other one
    assert set(lab.spread(20)) == {"s2"}
    os.kill(lab.instances["s1"].pid, signal.SIGCONT)
    lab.up("s1", "s2")


def test_addresses(lab):
    """Single addresses only, both families; others are as before."""
    lab.box.address("eth0", "10.5.0.9/24")
    lab.instance("s1", "", 4201)
    lab.instance("s2", "127.0.0.1", 4202)
    lab.instance("other", "0.0.0.0", PORT)
    lab.write({"s1": 'check = "127.0.0.1:4201"', "s2": 'check = "127.0.0.1:4202"'},
              listen=f'"{BOX}:{PORT}", "[{BOX6}]:{PORT}", "10.5.0.77:{PORT}"')
    said = lab.box.run(program("wccpd"), "-n", "-f", lab.conf).stdout
    assert "does not have the address of listen 10.5.0.77:3128" in said
    lab.start()
    lab.up("s1", "s2")
    lab.wait_served({"s1", "s2"})
    assert lab.ask(to="10.5.0.9")[0] == "other"
    # Over IPv6 it can be one with an IPv6 socket only.
    assert lab.spread(20, to=BOX6) == {"s1": 20}
    assert lab.ask(to=BOX6)[1:] == (CLIENT6, BOX6)
    problems = lab.show()["problems"]
    assert any("10.5.0.77" in p["text"] and p["kind"] == "address" for p in problems)


def test_beside_a_service_of_the_same_port(net):
    """What is redirected to port 80 goes to the transparent ports, what is for port 80 of
    the box to the plain ones."""
    lab = Small(net, boxes=("box1",))
    box = lab.boxes[0]
    lab.start_router("web-cache")
    box.configure(("web-cache", ""))
    with open(box.conf) as f:
        text = f.read()
    with open(box.conf, "w") as f:
        f.write(text.replace("pool web {", "pool web {\n    listen = { 80 }"))
    box.start()
    lab.wait_shares(256)
    lab.wait_served({"box1"})

    def asked():
        with lab.client.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.settimeout(3)
            s.connect((box.address, 80))
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return s.recv(100)
    for _ in range(5):
        assert asked().startswith(b"HTTP/1.0 200")
    given = {p["name"]: p["instances"][0]["given"] for p in box.show()["pools"]}
    assert given == {"web": given["web"], "web-listen": 5} and given["web"] >= 8
    # Without the service, nothing stays at the interface, and 80 goes on.
    with open(box.conf) as f:
        both = f.read()
    alone = both[:both.index("service")]

    def follows(conf, action, has_rule):
        with open(box.conf, "w") as f:
            f.write(conf)
        action()

        def made():
            yield "2048" in box.ns.ip("rule").stdout
            yield box.ns.run("tc", "filter", "show", "dev", "eth0", "ingress").stdout != ""
        wait_until(lambda: set(made()) == {has_rule}, 10, box.log)
        assert asked().startswith(b"HTTP/1.0 200")

    def reload():
        box.ns.run(program("wccpctl"), "-s", os.path.join(net.tmpdir, "box1.sock"), "reload")

    def start_anew():
        box.kill()
        box.start()
    follows(alone, reload, False)
    follows(both, reload, True)
    follows(alone, start_anew, False)
    assert box.wccpd.stop() == 0


def test_a_transparent_port_is_of_no_use(lab):
    lab.box.popen(["python3", "-c", "import socket, time\n"
                   "s = socket.socket(); s.setsockopt(0, 19, 1)\n"
                   "s.bind(('127.0.0.1', 4201)); s.listen(); time.sleep(1000)"])
    lab.write({"s1": 'check = "127.0.0.1:4201"'})
    lab.start()
    wait_until(lambda: "takes redirected connections only" in lab.wccpd.output(), 10,
               lab.wccpd.output)
    assert lab.ask() == "refused"
