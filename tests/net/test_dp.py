# SPDX-License-Identifier: GPL-2.0-or-later
"""The data plane alone, driven by tests/net/dp_driver: what becomes of redirected
packets, and what is left when it closes."""

import collections
import signal
import socket
import threading

import pytest
from scapy.all import GRE as GREH
from scapy.all import ICMP, IP, UDP, Ether, Raw, raw
from scapy.all import TCP as TCPH

import dp_lab
from dp_lab import (BOX, CLIENT, DST_IP_HASH, FELLOW, GRE, L2, PORTS_DEFINED,
                    PORTS_SOURCE, ROUTER, SERVER, TCP, WEB, Driver, Instance, Lab, Wire,
                    pool, router, unchanged, wait_until)

METHODS = {"gre": GRE, "l2": L2}
REDIRECT = bytes([0, 0, 0, 77])  # well-known service 0, bucket 77
UNAVAILABLE = bytes([4, 0, 0, 0])


@pytest.fixture
def lab(net):
    return Lab(net)


@pytest.fixture
def driver(lab):
    d = Driver(lab.box)
    yield d
    d.close()


def redirect(lab, how):
    lab.redirect_gre() if how == "gre" else lab.redirect_l2()


def bucket(dst):
    """The well-known service's hash: XOR of the octets of the destination."""
    b = 0
    for octet in socket.inet_aton(dst):
        b ^= octet
    return b


# -- packets by hand --------------------------------------------------------------------

def tcp(flags="A", src=CLIENT, dst=SERVER, sport=4000, dport=80, load=b"", **ip):
    return IP(src=src, dst=dst, ttl=57, id=4711, **ip) / TCPH(
        sport=sport, dport=dport, flags=flags, seq=1000, ack=2000) / Raw(load)


def outer(inner, src=ROUTER, dst=BOX, redirect_header=REDIRECT, ttl=255):
    return IP(src=src, dst=dst, ttl=ttl, id=99, tos=0x20) / GREH(
        proto=0x883E) / Raw(redirect_header + raw(inner))


def frame(lab, packet, src="router", dst="box"):
    return raw(Ether(src=lab.macs[src], dst=lab.macs[dst], type=0x0800) / packet)


def inner_of(octets):
    """What is behind Ethernet, outer IP, GRE and the redirect header."""
    return octets[14 + 28:]


def is_gre(octets, src=BOX):
    return (octets[12:14] == b"\x08\x00" and octets[23] == 47 and
            octets[26:30] == socket.inet_aton(src))


def check_gre(lab, octets, inner, redirect_header, dst=ROUTER, mac="router"):
    """A wrapped packet of the box, octet by octet."""
    assert octets[:14] == frame(lab, b"", "box", mac)[:14]
    ip = IP(octets[14:34])
    assert (ip.version, ip.ihl, ip.proto) == (4, 5, 47)
    assert (ip.src, ip.dst) == (BOX, dst)
    assert ip.ttl == 64
    assert ip.flags == 0 and ip.frag == 0
    assert ip.len == 28 + len(inner)
    checksum = ip.chksum
    del ip.chksum
    assert IP(raw(ip)).chksum == checksum
    assert octets[34:38] == b"\x00\x00\x88\x3e"
    assert octets[38:42] == redirect_header
    assert octets[42:42 + len(inner)] == raw(inner)


def check_frame(lab, octets, packet, mac="router"):
    """A bare packet from the box, octet by octet."""
    assert octets[:14 + len(packet)] == frame(lab, packet, "box", mac)


def answer_syn(lab, client, server):
    """Connect the socket `client` to a server that is played on the wire `server`."""
    thread = threading.Thread(target=client.connect, args=((SERVER, 80),))
    thread.start()
    syn = IP(server.heard(lambda o: o[23] == 6 and o[47] == 2)[14:])
    server.send(frame(lab, IP(src=SERVER, dst=CLIENT, ttl=60) / TCPH(
        sport=80, dport=syn.sport, flags="SA", seq=1, ack=syn.seq + 1, window=65535,
        options=[("MSS", 1460)]), "fellow", "router"))
    thread.join()


# -- delivery -----------------------------------------------------------------------------

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
    assert c["new"] == 300 and c["dropped"] == 0
    # At least SYN, ACK, FIN, ACK of each; an ACK that comes twice finds no socket.
    assert c["delivered"] >= 1200
    assert c["delivered"] + c["returned"] == c["redirected"]
    assert lab.tcp_counter(lab.client, "TCPSynRetrans") == 0


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


def test_redirected_though_addressed_to_us(lab, driver):
    """A router that redirects what was meant for the box's own address."""
    bystander = Instance(lab.box, "bystander", 80, plain=True)
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    with Wire(lab.router) as wire:
        wire.send(frame(lab, outer(tcp("S", dst=BOX))))
        answer = TCPH(wire.heard(lambda o: o[23] == 6 and o[34:36] == b"\x00\x50")[34:])
        assert answer.flags == "SA"  # by whoever listens there
    assert bystander.process.poll() is None
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


def without_ingress(lab):
    """Lead redirected packets to local sockets by a rule of the test's own, so that
    steering is alone with them."""
    lab.redirect_l2()
    lab.box.ip("rule", "add", "iif", "eth0", "to", "198.51.100.0/24", "lookup", "222")


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


# -- return --------------------------------------------------------------------------------

def arrive(lab, wire, how, packet, **kw):
    wire.send(frame(lab, outer(packet, **kw) if how == "gre" else packet))


@pytest.mark.parametrize("ret", METHODS)
@pytest.mark.parametrize("how", METHODS)
@pytest.mark.parametrize("flags", ["S", "A", "PA", "FA", "R"])
def test_returns_what_nobody_takes(lab, driver, how, ret, flags):
    """SYNs when the pool is dead; all others when no socket knows the flow, with the
    pool alive."""
    inst = lab.instances(1)
    driver.plan(WEB, *pool(*inst), router(METHODS[how], METHODS[ret]))
    if flags == "S":
        inst[0].kill()
    packet = tcp(flags, load=b"x" * 100 if "P" in flags else b"")
    with Wire(lab.router) as wire:
        arrive(lab, wire, how, packet)
        if ret == "gre":
            back = wire.heard(is_gre)
            check_gre(lab, back, packet, REDIRECT if how == "gre" else UNAVAILABLE)
        else:
            back = wire.heard(lambda o: o[14:][:20] == raw(packet)[:20])
            check_frame(lab, back, packet)
    c = driver.counters()
    assert (c["redirected"], c["returned"], c["delivered"]) == (1, 1, 0)
    assert c["octets"] == len(packet)


def test_tells_the_sender_when_wrapping_makes_it_too_long(lab, driver):
    """L2 there, GRE back: 28 octets more.  A flow older than the redirection has packets
    of full size."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, GRE))
    fits, long = (IP(src=CLIENT, dst=SERVER, ttl=57, flags="DF") /
                  TCPH(sport=4000, dport=80, flags="PA") / Raw(b"x" * (n - 40))
                  for n in (1472, 1473))
    divisible = long.copy()
    divisible.flags = 0
    with Wire(lab.router) as wire:
        wire.send(frame(lab, divisible))  # may be fragmented, but not by us
        wire.send(frame(lab, long))
        wire.send(frame(lab, fits))
        told = wire.heard(lambda o: o[23] in (1, 47))
        assert told[:14] == frame(lab, b"", "box", "router")[:14]
        message = IP(told[14:])
        assert (message.src, message.dst, message.len) == (BOX, CLIENT, 68)
        assert (message[ICMP].type, message[ICMP].code) == (3, 4)
        assert message[ICMP].nexthopmtu == 1472
        assert told[14 + 28:14 + 68] == raw(long)[:40]
        again = IP(raw(message))
        del again.chksum, again[ICMP].chksum
        assert raw(IP(raw(again))) == told[14:14 + 68]  # both checksums are right
        check_gre(lab, wire.heard(is_gre), fits, UNAVAILABLE)
    c = driver.counters()
    assert (c["returned"], c["dropped"]) == (1, 2)


def test_an_old_upload_survives_redirection(lab, driver):
    """With the real TCP of a client, whose path has room for 1500 until the router
    redirects by L2 and takes its packets back by GRE only."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, GRE))
    lab.redirect_l2()
    lab.client.ip("link", "set", "eth0", "gso_max_segs", "1")  # packets as on a cable
    with lab.client.socket() as s:
        s.setsockopt(socket.SOL_IP, 10, 2)  # IP_MTU_DISCOVER: DF
        s.settimeout(5)
        with Wire(lab.router) as wire:
            lab.router.ip("route", "replace", "198.51.100.0/24", "via", FELLOW)
            with Wire(lab.fellow) as fellow:  # plays the origin server
                answer_syn(lab, s, fellow)
                lab.router.ip("route", "replace", "198.51.100.0/24", "via", BOX)
                s.sendall(b"x" * 4000)
            # The first is refused and told; what is sent again fits.
            back = wire.heard(lambda o: is_gre(o) and len(o) >= 1400)
            assert len(back) <= 1514
            assert IP(inner_of(back)).len <= 1472


@pytest.mark.parametrize("how", METHODS)
def test_drops_new_connections_of_a_closed_service(lab, driver, how):
    inst = lab.instances(1)
    closed = "service 0 0 0 0 0 0 1"
    driver.plan(closed, *pool(*inst), router(METHODS[how], GRE))
    inst[0].kill()
    with Wire(lab.router) as wire:
        arrive(lab, wire, how, tcp("S"))
        arrive(lab, wire, how, tcp("A", sport=5000))
        # Flows older than the redirection are not the closed service's.
        back = wire.heard(is_gre)
        assert TCPH(inner_of(back)[20:]).sport == 5000
    c = driver.counters()
    assert (c["dropped"], c["returned"]) == (1, 1)


@pytest.mark.parametrize("packet", [
    IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=443) / Raw(b"quic"),
    IP(src=CLIENT, dst=SERVER) / ICMP(),
], ids=["udp", "icmp"])
def test_returns_what_is_not_tcp(lab, driver, packet):
    every = "service 1 90 100 0 0 0 0"
    driver.plan(every, *pool(*lab.instances(1)), router(L2, GRE))
    with Wire(lab.router) as wire:
        wire.send(frame(lab, packet))
        check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE)


def test_returns_services_that_are_not_ours(lab, driver):
    """After a reload the router may go on with a service that we have no more."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    header = bytes([1, 51, 0, 9])
    with Wire(lab.router) as wire:
        packet = tcp("S")
        wire.send(frame(lab, outer(packet, redirect_header=header)))
        check_gre(lab, wire.heard(is_gre), packet, header)


@pytest.mark.parametrize("left", [1, 0])
def test_a_syn_that_meets_a_time_wait(lab, driver, left):
    """The flow's last socket says nothing about who would take a new one."""
    lab.redirect_l2()
    inst = lab.instances(2)
    driver.plan(WEB, *pool(*inst), router(L2, GRE))
    with lab.client.socket() as s:
        s.settimeout(5)
        s.bind((CLIENT, 4000))
        s.connect((SERVER, 80))
        with s.makefile() as f:
            name = f.readline().split()[0]
            died, other = inst if inst[0].name == name else inst[::-1]
            died.kill()  # ends the connection first, and so keeps the TIME_WAIT
            assert f.readline() == ""
    wait_until(lambda: "TIME-WAIT" in lab.box.run("ss", "-Htan").stdout, 5, "TIME-WAIT")
    if not left:
        other.kill()
    packet = tcp("S", sport=4000)
    with Wire(lab.router) as wire:
        wire.send(frame(lab, packet))
        if not left:
            check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE)
    wait_until(lambda: driver.counters()["new"] == 1 + left, 3, driver.counters)
    # The other one is given it, whatever bucket the dead one had.
    assert driver.given()[inst.index(other)] == left


def test_strangers_are_not_listened_to(lab, driver):
    """Untouched: GRE from an unknown address, to another address, of another protocol;
    frames from another MAC; other ports; fragments of GRE."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE | L2, GRE))
    with Wire(lab.router) as wire:
        for f in (frame(lab, outer(tcp(), src="10.2.0.77")),
                  frame(lab, outer(tcp(), dst="10.2.0.88")),
                  frame(lab, IP(src=ROUTER, dst=BOX) / GREH(proto=0x0800) / tcp()),
                  frame(lab, IP(src=ROUTER, dst=BOX) / GREH(
                      proto=0x883E, key_present=1) / Raw(b"keyz" + REDIRECT + raw(tcp()))),
                  frame(lab, IP(src=ROUTER, dst=BOX, flags="MF", proto=47) /
                        Raw(raw(GREH(proto=0x883E)) + REDIRECT + raw(tcp()))),
                  frame(lab, tcp(dport=8080)),
                  frame(lab, tcp(), src="fellow"),
                  frame(lab, outer(Raw(b"\x60" + bytes(60))))):
            wire.send(f)
        wire.send(frame(lab, outer(tcp(sport=5555))))  # behind all of them
        back = wire.heard(is_gre)
        assert TCPH(inner_of(back)[20:]).sport == 5555
    assert driver.counters()["redirected"] == 1


@pytest.mark.parametrize("cut", list(range(14, 84)))
def test_truncated_arrivals_do_no_harm(lab_once, cut):
    """A redirected packet cut anywhere is passed over or returned, never misread."""
    lab, driver, wire = lab_once
    wire.send(frame(lab, outer(tcp("PA", load=b"0123456789")))[:cut])


@pytest.fixture(scope="module")
def lab_once():
    import netns
    with netns.Net("truncated") as net:
        lab = Lab(net)
        driver = Driver(lab.box)
        driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
        with Wire(lab.router) as wire:
            yield lab, driver, wire
            packet = tcp(sport=5555)
            wire.send(frame(lab, outer(packet)))
            wire.heard(lambda o: is_gre(o) and inner_of(o)[:len(packet)] == raw(packet))
        assert driver.counters()["delivered"] == 0
        driver.close()


# -- fragments ---------------------------------------------------------------------------------

def test_fragments_of_a_delivered_packet_come_together(lab, driver):
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, L2))
    lab.router.route("198.51.100.0/24", "via", BOX, "mtu", "lock", "576")
    with lab.client.socket() as s:
        s.settimeout(5)
        s.setsockopt(socket.SOL_IP, 10, 0)  # IP_MTU_DISCOVER: the router may fragment
        s.connect((SERVER, 80))
        f = s.makefile("rb")
        f.readline()
        data = bytes(range(256)) * 4
        s.sendall(data)
        assert f.read(len(data)) == data
    fragments = lab.tcp_counter(lab.box, "ReasmReqds"), lab.tcp_counter(lab.box, "ReasmOKs")
    assert fragments == (2, 1)


# -- handing over ------------------------------------------------------------------------------

@pytest.mark.parametrize("how", METHODS)
def test_hands_unknown_flows_to_who_had_the_bucket(lab, driver, how):
    b = 77 if how == "gre" else bucket(SERVER)
    driver.plan(WEB, *pool(*lab.instances(1)), router(METHODS[how], METHODS[how]),
                f"handover 0 {b} {FELLOW}", f"fellow {FELLOW}")
    packet = tcp("PA", load=b"mid-flow")
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        arrive(lab, wire, how, packet)
        check_gre(lab, there.heard(is_gre), packet, bytes([0, 0, 0, b]), FELLOW, "fellow")
        # A new connection is ours, of whatever bucket.
        arrive(lab, wire, how, tcp("S"))
        wire.heard(lambda o: o[23] == 6 and o[47] == 0x12)  # SYN, ACK
    c = driver.counters()
    assert (c["handed"], c["new"]) == (1, 1)


def test_other_buckets_are_not_handed_over(lab, driver):
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE),
                f"handover 0 76 {FELLOW}", f"handover 0 78 {FELLOW}", f"fellow {FELLOW}")
    packet = tcp()
    with Wire(lab.router) as wire:
        wire.send(frame(lab, outer(packet)))
        check_gre(lab, wire.heard(is_gre), packet, REDIRECT)


def test_the_alternate_bucket_counts_when_it_was_used(lab, driver):
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE),
                f"handover 0 5 {FELLOW}", f"fellow {FELLOW}")
    header = bytes([2, 0, 5, 77])
    packet = tcp()
    with Wire(lab.router) as wire, Wire(lab.fellow) as there:
        wire.send(frame(lab, outer(packet, redirect_header=header)))
        check_gre(lab, there.heard(is_gre), packet, header, FELLOW, "fellow")


def test_delivers_what_a_fellow_hands_over(lab, driver):
    """A connection of ours whose bucket has moved to the fellow: its packets come by
    way of the fellow now."""
    lab.redirect_l2()
    driver.plan(WEB, *pool(*lab.instances(1)), router(L2, L2), f"fellow {FELLOW}")
    with lab.client.socket() as s, Wire(lab.fellow) as fellow:
        s.settimeout(5)
        s.connect((SERVER, 80))
        f = s.makefile()
        f.readline()
        lab.router.ip("route", "replace", "198.51.100.0/24", "via", FELLOW)
        s.sendall(b"by the other way\n")
        got = fellow.heard(lambda o: o[23] == 6 and o.endswith(b"by the other way\n"))
        packet = IP(got[14:])
        del packet[TCPH].chksum  # veth leaves it to the hardware that is not there
        fellow.send(frame(lab, outer(packet, src=FELLOW), "fellow"))
        assert f.readline() == "by the other way\n"
    assert driver.counters()["delivered"] > driver.counters()["redirected"]


@pytest.mark.parametrize("ret", METHODS)
def test_gives_back_what_a_fellow_hands_over_in_vain(lab, driver, ret):
    """To the router, and never to a fellow again: no packet goes in circles."""
    driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, METHODS[ret]),
                f"handover 0 -1 {FELLOW}", f"fellow {FELLOW}")
    packet = tcp("PA", load=b"nobody knows")
    with Wire(lab.router) as wire, Wire(lab.fellow) as fellow:
        fellow.send(frame(lab, outer(packet, src=FELLOW), "fellow"))
        if ret == "gre":
            check_gre(lab, wire.heard(is_gre), packet, REDIRECT)
        else:
            back = wire.heard(lambda o: o[14:][:20] == raw(packet)[:20])
            check_frame(lab, back, packet)
    c = driver.counters()
    assert (c["redirected"], c["returned"]) == (0, 1)


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
            check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE)


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


def test_syn_cookies(lab, driver):
    """Under a SYN flood, a connection is nothing but a cookie until its ACK."""
    lab.redirect_l2()
    driver.plan(WEB, *pool(*lab.instances(2)), router(L2, L2))
    lab.box.sysctl("net.ipv4.tcp_syncookies", 2)  # always
    for i in range(20):
        lab.ask(f"198.51.100.{1 + i}")
    assert lab.tcp_counter(lab.box, "SyncookiesRecv") == 20
    assert driver.counters()["returned"] == 0


# -- the host -------------------------------------------------------------------------------------

def test_announces_segments_that_fit_when_wrapped(lab, driver):
    inst = lab.instances(1)

    def announced():
        with Wire(lab.router) as wire:
            wire.send(frame(lab, tcp("S")))
            answer = TCPH(wire.heard(lambda o: o[23] == 6 and o[47] == 0x12)[34:])
            wire.send(frame(lab, tcp("R")))
            return dict(answer.options)["MSS"]

    driver.plan(WEB, *pool(*inst), router(L2, L2))
    assert announced() == 1460
    driver.plan(WEB, *pool(*inst), router(GRE | L2, GRE))
    assert announced() == 1500 - 28 - 40
    driver.plan(WEB, *pool(*inst), router(L2, L2))
    assert announced() == 1460


def test_clean_close_leaves_nothing(lab):
    inst = lab.instances(2)
    with unchanged(lab.box):
        d = Driver(lab.box)
        d.plan(WEB, *pool(*inst), router(GRE, GRE))
        assert "fwmark 0x100/0xff00" in lab.box.ip("rule").stdout
        assert "clsact" in lab.box.run("tc", "qdisc", "show", "dev", "eth0").stdout
        assert lab.box.run("sysctl", "-n", "net.ipv4.conf.eth0.rp_filter").stdout == "2\n"
        d.close()


def test_an_empty_plan_leaves_nothing(lab, driver):
    with unchanged(lab.box):
        driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
        driver.say("reset")
        assert driver.say("apply") == "ok "
    lab.redirect_l2()
    driver.plan(WEB, *pool(*[Instance(lab.box, "again", 3140)]), router(L2, L2))
    assert lab.ask()[0] == "again"


def test_a_crash_is_cleaned_up_by_the_next_run(lab):
    inst = lab.instances(1)
    Instance(lab.box, "bystander", 80)
    with unchanged(lab.box):
        d = Driver(lab.box)
        d.plan(WEB, *pool(*inst), router(L2, GRE))
        d.process.kill()
        d.process.wait()
        # Without steering nobody takes new connections: the router gets them back.
        with Wire(lab.router) as wire:
            packet = tcp("S")
            wire.send(frame(lab, packet))
            check_gre(lab, wire.heard(is_gre), packet, UNAVAILABLE)
        lab.box.sysctl("net.ipv4.conf.eth0.rp_filter", 1)  # what a crash cannot keep
        d = Driver(lab.box)
        assert d.plan(WEB, *pool(*inst), router(L2, GRE)) == "ok "
        assert lab.box.ip("rule").stdout.count("fwmark") == 1
        lab.redirect_l2()
        assert lab.ask()[0] == "s1"
        d.close()


def test_a_qdisc_of_others_stays(lab):
    lab.box.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    with unchanged(lab.box):
        d = Driver(lab.box)
        d.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
        d.close()


def test_a_qdisc_of_ours_stays_if_others_use_it(lab):
    d = Driver(lab.box)
    d.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
    lab.box.run("tc", "filter", "add", "dev", "eth0", "egress", "bpf", "bytecode",
                "1,6 0 0 4294967295,")
    d.close()
    assert "bytecode" in lab.box.run("tc", "filter", "show", "dev", "eth0",
                                     "egress").stdout


def test_a_failed_plan_changes_nothing(lab, driver):
    lab.redirect_l2()
    inst = lab.instances(2)
    assert driver.plan(WEB, *pool(inst[0]), router(L2, L2)) == "ok "
    lab.box.ip("route", "add", "default", "via", ROUTER, "table", "333")
    with unchanged(lab.box):
        for bad, why in (("interface nowhere", "nowhere"), ("mark 1 0xff00 222", "mark"),
                         ("mark 0x100 0xff00 254", "table"),
                         ("mark 0x100 0xff00 333", "default route")):
            answer = driver.plan(WEB, *pool(inst[1]), router(L2, L2), bad)
            assert answer.startswith("error data plane: ") and why in answer
            assert lab.ask()[0] == "s1"


def test_a_plan_that_fails_at_its_last_step_changes_nothing(lab):
    """Another's filter sits where ours belongs."""
    inst = lab.instances(2)
    theirs = ("dev", "eth0", "ingress", "protocol", "ip", "prio", "2048")
    with unchanged(lab.box):
        d = Driver(lab.box)
        assert d.plan(WEB, *pool(inst[0]), router(GRE, GRE)) == "ok "
        without_ingress(lab)
        lab.box.run("tc", "filter", "del", "dev", "eth0", "ingress")
        lab.box.run("tc", "filter", "add", *theirs, "bpf", "bytecode", "1,6 0 0 0,")
        answer = d.plan(WEB, *pool(inst[1]), router(GRE, GRE))
        assert answer.startswith("error data plane: cannot attach")
        assert lab.ask()[0] == "s1"  # the first plan's
        lab.box.run("tc", "filter", "del", *theirs)
        assert d.plan(WEB, *pool(inst[1]), router(GRE, GRE)) == "ok "
        assert lab.ask()[0] == "s2"
        lab.box.ip("rule", "del", "iif", "eth0", "to", "198.51.100.0/24")
        d.close()


def test_the_first_plan_fails_and_leaves_nothing(lab, driver):
    lab.box.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    lab.box.run("tc", "filter", "add", "dev", "eth0", "ingress", "protocol", "ip", "prio",
                "2048", "bpf", "bytecode", "1,6 0 0 4294967295,")
    with unchanged(lab.box):
        answer = driver.plan(WEB, *pool(*lab.instances(1)), router(GRE, GRE))
        assert answer.startswith("error data plane: cannot attach")


def test_another_interface(lab, driver):
    """A plan for another interface takes everything along."""
    lab.redirect_l2()
    inst = lab.instances(1)
    lab.box.ip("link", "add", "eth9", "type", "veth", "peer", "name", "peer9")
    lab.box.ip("link", "set", "eth9", "up")
    with unchanged(lab.box, rules=False):
        driver.plan(WEB, *pool(*inst), router(L2, L2))
        assert driver.plan(WEB, *pool(*inst), router(GRE, GRE), "interface eth9") == "ok "
    assert "iif eth9" in lab.box.ip("rule").stdout
    assert "iif eth0" not in lab.box.ip("rule").stdout
    assert "clsact" in lab.box.run("tc", "qdisc", "show", "dev", "eth9").stdout
    assert driver.plan(WEB, *pool(*inst), router(L2, L2)) == "ok "
    assert lab.ask()[0] == "s1"


def test_heals_what_others_removed(lab, driver):
    lab.redirect_l2()
    inst = lab.instances(1)
    plan = (WEB, *pool(*inst), router(L2, L2))
    driver.plan(*plan)
    lab.box.ip("rule", "del", "fwmark", "0x100/0xff00")
    lab.box.run("tc", "qdisc", "del", "dev", "eth0", "clsact")
    lab.box.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    with pytest.raises(OSError):
        lab.ask(timeout=0.5)
    assert driver.plan(*plan) == "ok "
    assert lab.ask()[0] == "s1"


def test_an_l2_router_that_does_not_answer_is_named(lab, driver):
    inst = lab.instances(1)
    lab.redirect_l2()
    answer = driver.plan(WEB, *pool(*inst), router(L2, L2),
                         "router 0 10.2.0.99 10.2.0.99 2 2")
    assert answer.startswith("ok router 10.2.0.99 ")
    assert lab.ask()[0] == "s1"  # the other router's packets are served


def test_says_what_is_missing(lab):
    done = lab.box.run("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace",
                       dp_lab.program("tests/net/dp_driver"), check=False)
    assert done.returncode == 1
    assert "CAP_SYS_PTRACE" in done.stdout and done.stdout.count("\n") == 1
