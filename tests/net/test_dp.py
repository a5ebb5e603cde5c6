# SPDX-License-Identifier: GPL-2.0-or-later
"""The data plane alone, driven by tests/net/dp_driver: who is given redirected
connections, and what happens when somebody dies."""

import collections
import signal
import socket
import threading

import pytest
from scapy.all import IP
from scapy.all import TCP as TCPH

from dp_lab import (BOX, CLIENT, DST_IP_HASH, GRE, L2, METHODS, NO_SERVICE, PORTS_DEFINED,
                    PORTS_SOURCE, SERVER, TCP, WEB, Instance, Wire, driver, lab, pool,
                    redirect, router, wait_until, without_ingress)
from dp_packets import REDIRECT, UNAVAILABLE, check_gre, frame, is_gre, outer, tcp
from netns import DELIVERIES


# -- delivery -----------------------------------------------------------------------------


@pytest.mark.parametrize("driver", DELIVERIES, indirect=True)
@pytest.mark.parametrize("how", METHODS)
def test_delivers_to_the_pool(lab, driver, how):
    redirect(lab, how)
    inst = lab.instances(3)
    m = METHODS[how]
    assert driver.plan(WEB, *pool(*inst), router(m, m)) == "ok "
    seen = collections.Counter()
    for i in range(300):
        server = f"198.51.100.{1 + i % 250}"
        name, address = lab.ask(server)
        assert address == server  # the instance sees the address it stands in for
        seen[name] += 1
    # Even: of 300, each of three is within four deviations (8.2) of 100.
    assert all(67 <= seen[i.name] <= 133 for i in inst), seen
    # Every connection is counted once, with whom it went to.
    assert driver.given() == [seen[i.name] for i in inst]
    c = driver.counters()
    # At least SYN, ACK, FIN, ACK of each; an ACK that comes twice finds no socket, and this
    # router redirects what is returned to it, until its TTL is used up.
    assert c["new"] == 300 and c["dropped"] == c["dropped-ttl"] <= 1, c
    assert c["delivered"] >= 1200
    assert c["delivered"] + c["returned"] + c["dropped"] == c["redirected"]
    assert lab.tcp_counter(lab.client, "TCPSynRetrans") == 0


@pytest.mark.parametrize("driver", DELIVERIES, indirect=True)
@pytest.mark.parametrize("how", METHODS)
def test_large_transfers_arrive_whole(lab, driver, how):
    """Segments of full size, both ways, with the offloads of veth."""
    redirect(lab, how)
    m = METHODS[how]
    assert driver.plan(WEB, *pool(*lab.instances(1)), router(m, m)) == "ok "
    sent = bytes(range(256)) * 8192  # 2 MiB
    with lab.client.socket() as s:
        s.settimeout(20)
        s.connect((SERVER, 80))
        f = s.makefile("rb")
        assert f.readline() == f"s1 {SERVER}\n".encode()
        writer = threading.Thread(target=s.sendall, args=(sent,))
        writer.start()
        assert f.read(len(sent)) == sent
        writer.join()


def test_weights_decide_the_shares(lab, driver):
    lab.redirect_l2()
    a, b = lab.instances(2)
    driver.plan(WEB, *pool((a, 300, 1), (b, 100, 1)), router(L2, L2))
    for i in range(200):
        lab.ask(f"198.51.100.{1 + i}")
    given = driver.given()
    assert sum(given) == 200
    assert 125 <= given[0] <= 175  # 150 expected, deviation 6.1


def test_listeners_of_one_instance_share(lab, driver):
    """SMP workers: one instance, four listening sockets on one port."""
    lab.redirect_l2()
    smp = Instance(lab.box, "smp", 3129, sockets=4)
    solo = Instance(lab.box, "solo", 3130)
    assert driver.plan(WEB, *pool(smp, solo), router(L2, L2)) == "ok "
    seen = collections.Counter(lab.ask(f"198.51.100.{1 + i}")[0] for i in range(200))
    assert 70 <= seen["smp"] <= 130, seen
    assert driver.given() == [seen["smp"], seen["solo"]]


def test_one_that_takes_nothing_gets_nothing(lab, driver):
    lab.redirect_l2()
    a, b = lab.instances(2)
    driver.plan(WEB, *pool(a, b), router(L2, L2))
    with lab.client.socket() as s:  # an old connection, of either
        s.settimeout(5)
        s.connect((SERVER, 80))
        f = s.makefile()
        name = f.readline().split()[0]
        drained, other = (a, b) if name == a.name else (b, a)
        driver.plan(WEB, *pool((drained, 100, 0), other), router(L2, L2))
        assert {lab.ask(f"198.51.100.{1 + i}")[0] for i in range(100)} == {other.name}
        s.sendall(b"still here\n")  # it goes on where it is
        assert f.readline() == "still here\n"


def test_other_addresses_and_ports_are_not_touched(lab, driver):
    """A web server of the box itself stays reachable, and gets nothing else."""
    lab.redirect_l2()
    bystander = Instance(lab.box, "bystander", 80, plain=True)
    other = Instance(lab.box, "other", 8080, plain=True)
    inst = lab.instances(1)
    driver.plan(WEB, *pool(*inst), router(L2, L2))
    assert lab.ask(BOX) == (bystander.name, BOX)
    assert lab.ask(BOX, 8080) == (other.name, BOX)
    assert lab.ask(SERVER)[0] == "s1"
    # The box routes nothing: what no service wants is not delivered by us either.
    with pytest.raises(OSError):
        lab.ask(SERVER, 8080, timeout=0.5)
    # The pool dies: a bystander on *:80 must not inherit its connections.
    before = driver.counters()["returned"]
    inst[0].kill()
    with pytest.raises(OSError):
        lab.ask(SERVER, timeout=0.5)
    assert driver.counters()["returned"] > before
    assert lab.ask(BOX) == (bystander.name, BOX)


@pytest.mark.parametrize("port", [80, 22])
def test_redirected_though_addressed_to_us(lab, driver, port):
    """A router redirects what was meant for the box's own address.  It goes back, so that
    it comes again the ordinary way and meets the packet filter that is meant for it."""
    Instance(lab.box, "bystander", port, plain=True)
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    packet = tcp("S", dst=BOX, dport=port)
    with Wire(lab.router) as wire:
        wire.send(frame(lab, outer(packet)))
        check_gre(lab, wire.heard(is_gre), packet, REDIRECT)
    c = driver.counters() if port == 80 else driver.counters(NO_SERVICE)
    assert (c["redirected"], c["returned-own-address"]) == (1, 1)
    assert driver.given() == [0]


def test_a_port_that_is_not_transparent_is_named(lab, driver):
    plain = Instance(lab.box, "plain", 3129, plain=True)
    good = Instance(lab.box, "good", 3130)
    answer = driver.plan(WEB, *pool(plain, good), router(L2, L2))
    assert answer.startswith("ok instance web/plain: ") and "transparent" in answer
    lab.redirect_l2()
    assert {lab.ask()[0] for _ in range(20)} == {"good"}


# -- death ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", METHODS)
def test_kill_under_load(lab, driver, how):
    """kill -9 of one of three under a stream of connections: all are opened at once.
    Those that were inside the dead process are lost; no SYN ever is."""
    redirect(lab, how)
    inst = lab.instances(3)
    m = METHODS[how]
    driver.plan(WEB, *pool(*inst), router(m, m))
    opened, refused, killed = collections.Counter(), [], threading.Event()

    def stream(k):
        after = 0
        while after < 150:
            try:
                with lab.client.socket() as s:
                    s.settimeout(3)
                    s.connect((f"198.51.100.{1 + (k * 40 + after) % 250}", 80))
                    try:
                        line = s.makefile().readline()
                    except OSError:
                        line = ""
                    opened[line.split()[0] if line else "lost"] += 1
            except ConnectionResetError:
                opened["lost"] += 1  # opened, and reset before we were told so
            except OSError as e:
                refused.append(e)
            after += killed.is_set()

    threads = [threading.Thread(target=stream, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    wait_until(lambda: opened["s2"] > 50, 20, "the stream runs")
    inst[1].kill()
    at_death = opened["s2"]
    killed.set()
    for t in threads:
        t.join()
    assert refused == []
    assert lab.tcp_counter(lab.client, "TCPSynRetrans") == 0
    assert opened["lost"] <= 4  # one of each thread at most
    assert opened["s2"] <= at_death + 4
    assert opened["s1"] + opened["s3"] >= 596


def test_a_new_process_in_the_place_of_a_dead_one(lab, driver):
    lab.redirect_l2()
    a, b = lab.instances(2)
    driver.plan(WEB, *pool(a, b), router(L2, L2))
    a.kill()
    assert lab.ask()[0] == "s2"
    # The plan may still name the dead one: that is no error.
    assert driver.plan(WEB, *pool(a, b), router(L2, L2)) == "ok "
    a = Instance(lab.box, "s1", 3129)
    assert driver.plan(WEB, *pool(a, b), router(L2, L2)) == "ok "
    seen = collections.Counter(lab.ask(f"198.51.100.{1 + i}")[0] for i in range(100))
    assert 25 <= seen["s1"] <= 75, seen
    # Counts stay with the name, over the change of sockets.
    assert driver.given() == [seen["s1"], seen["s2"] + 1]


def test_the_listener_of_a_dead_process_is_dead(lab, driver):
    """The driver must not keep it alive by a descriptor of its own."""
    lab.redirect_l2()
    inst = lab.instances(1)
    driver.plan(WEB, *pool(*inst), router(L2, L2))
    inst[0].kill()
    assert not lab.box.listens(3129)


def test_a_socket_that_is_deaf_for_a_while(lab, driver):
    """Open, but not listening (shutdown): the other one takes over, and once it listens
    again and a plan is applied, it has its share."""
    lab.redirect_l2()
    inst = lab.instances(2)
    plan = (WEB, *pool(*inst), router(L2, L2))
    driver.plan(*plan)

    def tell(signum, answer):
        inst[0].process.send_signal(signum)
        assert inst[0].process.stdout.readline() == answer

    tell(signal.SIGUSR1, b"deaf\n")
    assert {lab.ask(f"198.51.100.{1 + i}")[0] for i in range(50)} == {"s2"}
    assert driver.plan(*plan) == "ok "
    assert {lab.ask(f"198.51.100.{1 + i}")[0] for i in range(50)} == {"s2"}
    tell(signal.SIGUSR2, b"again\n")
    assert driver.plan(*plan) == "ok "
    assert {lab.ask(f"198.51.100.{1 + i}")[0] for i in range(50)} == {"s1", "s2"}


def test_steering_alone_never_feeds_a_bystander(lab, driver):
    """What ingress would have returned may still arrive: it looked a moment before the
    pool died."""
    Instance(lab.box, "bystander", 80)  # a transparent one, that could answer
    inst = lab.instances(1)
    driver.plan(WEB, *pool(*inst), router(GRE, GRE))
    without_ingress(lab)
    assert lab.ask()[0] == "s1"
    inst[0].kill()
    with pytest.raises(OSError):
        lab.ask(timeout=0.5)


# -- services ------------------------------------------------------------------------------------


def test_source_port_services_never_feed_a_listener(lab, driver):
    """The way back of spoofed connections: known flows are delivered, all else goes
    back, even a SYN that some listener would take."""
    Instance(lab.box, "bystander", 5000, plain=True)
    back_service = f"service 1 90 100 {TCP} {PORTS_DEFINED | PORTS_SOURCE} 0 0 80"
    driver.plan(back_service, *pool(*lab.instances(1)), router(L2, GRE))
    with Wire(lab.router) as wire:
        for flags in ("S", "SA"):
            packet = tcp(flags, src=SERVER, dst=CLIENT, sport=80, dport=5000)
            wire.send(frame(lab, packet))
            check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE, bare=True)


def test_the_answer_to_a_spoofed_connection_is_delivered(lab, driver):
    lab.redirect_l2()
    back_service = f"service 1 90 100 {TCP} {PORTS_DEFINED | PORTS_SOURCE} 0 0 80"
    driver.plan(back_service, *pool(*lab.instances(1)), router(L2, L2))
    with lab.box.socket() as s, Wire(lab.router) as wire:
        s.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
        s.bind(("10.1.0.99", 6000))
        s.setblocking(False)
        s.connect_ex((SERVER, 80))
        syn = TCPH(wire.heard(lambda o: o[23] == 6 and o[47] == 2)[34:])
        wire.send(frame(lab, IP(src=SERVER, dst="10.1.0.99", ttl=60) / TCPH(
            sport=80, dport=6000, flags="SA", seq=7, ack=syn.seq + 1)))
        wait_until(lambda: s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and
                   s.getpeername(), 3, "connected")


def test_two_services_two_pools(lab, driver):
    lab.redirect_l2()
    a, b = lab.instances(2)
    proxy = f"service 1 51 100 {TCP} {PORTS_DEFINED | DST_IP_HASH} 1 0 3128 8080"
    driver.plan(WEB, proxy, *pool(a), *pool(b, index=1, name="proxy"),
                router(L2, L2, 0), router(L2, L2, 1))
    assert lab.ask(SERVER, 80)[0] == "s1"
    assert lab.ask(SERVER, 3128)[0] == lab.ask(SERVER, 8080)[0] == "s2"
    assert driver.counters(0)["new"] == 1 and driver.counters(1)["new"] == 2
    assert driver.given(0) == [1] and driver.given(1) == [2]
    # The other order, one service less: counters go with the service.
    proxy = proxy.replace(" 1 0 3128", " 0 0 3128")
    assert driver.plan(proxy, *pool(b, name="proxy"), router(L2, L2, 0)) == "ok "
    assert driver.counters(0)["new"] == 2
    assert driver.given(0) == [2]


@pytest.mark.parametrize("driver", DELIVERIES, indirect=True)
def test_syn_cookies(lab, driver):
    """Under a SYN flood, a connection is nothing but a cookie until its ACK."""
    lab.redirect_l2()
    driver.plan(WEB, *pool(*lab.instances(2)), router(L2, L2))
    lab.box.sysctl("net.ipv4.tcp_syncookies", 2)  # always
    for i in range(20):
        lab.ask(f"198.51.100.{1 + i}")
    assert lab.tcp_counter(lab.box, "SyncookiesRecv") == 20
    assert driver.counters()["returned"] == 0
