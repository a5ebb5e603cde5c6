# SPDX-License-Identifier: GPL-2.0-or-later
"""wccpd and a multicast group, on a real interface that goes and comes back.

    box 10.2.0.2 (wccpd) eth0 --- rt0 router 10.2.0.1 (this file)

The router is plain Python: it is a member of the group, hears HERE_I_AMs and
answers to the group, as routers do, from its own address.
"""

import os
import select
import socket
import struct

import pytest

import wccpcache as w
from netns import program, wait_until
from small import stand_in

BOX, ROUTER, GROUP = "10.2.0.2", "10.2.0.1", "239.1.2.3"
TTL = 4
IP_RECVTTL = 12  # not in the socket module

CONF = """
address = {box}
interface = eth0
control = "{dir}/box.sock"
pool web {{
    interval = 200
    timeout = 1000
    rise = 1
    instance s1 {{ port = 3129  check = "127.0.0.1:4201" }}
}}
service web-cache {{
    pool = web
    multicast = {group}
    multicast-ttl = {ttl}
    transmit-t = 500
}}
"""


class Router:
    """The router's side of the group: one member, the box."""

    def __init__(self, ns):
        self.ns, self.receive_id, self.member = ns, 100, False
        self.open()
        self.caches = w.Cache(None, BOX, ROUTER, socket_of=self)  # for message()

    def open(self):
        with self.ns.entered():
            index = socket.if_nametoindex("rt0")
        self.socket = self.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ROUTER, 2048))
        mreq = struct.pack("4s4si", socket.inet_aton(GROUP), bytes(4), index)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, mreq)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        self.ears = self.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ears.bind((GROUP, 2048))
        self.ears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreq)
        self.ears.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)

    def close(self):
        self.socket.close()
        self.ears.close()

    def hear(self, timeout=5):
        """(components, source, ttl, was it multicast?) of the next message."""
        ready, _, _ = select.select([self.ears, self.socket], [], [], timeout)
        assert ready, "nothing was heard"
        octets, control, _, source = ready[0].recvmsg(65535, 256)
        ttl = next((struct.unpack("i", data[:4])[0] for _, kind, data in control
                    if kind == socket.IP_TTL), None)
        parts, at = {"type": struct.unpack("!I", octets[:4])[0]}, 8
        while at < len(octets):
            kind, length = struct.unpack("!HH", octets[at:at + 4])
            parts[kind] = octets[at + 4:at + 4 + length]
            at += 4 + length
        return parts, source, ttl, ready[0] is self.ears

    def listed_id(self, parts):
        """The receive id that a HERE_I_AM has for us; 0 when we are not in it."""
        view = parts.get(5)
        if not view:
            return 0  # another kind of message
        count = struct.unpack("!I", view[4:8])[0]
        for i in range(count):
            router, number = struct.unpack("!4sI", view[8 + 8 * i:16 + 8 * i])
            if router == w.address(ROUTER):
                return number
        return 0

    def answer(self, command=None):
        """One I_SEE_YOU to the group, listing the box."""
        self.receive_id += 1
        identity = struct.pack("!4sI4sI4s", w.address(ROUTER), self.receive_id,
                               w.address(GROUP), 1, w.address(BOX))
        view = struct.pack("!I4sII", 1, bytes(4), 0, 0)
        view += struct.pack("!I", int(self.member))
        if self.member:
            view += w.address(BOX) + struct.pack("!HH", 0, 1) + bytes(32)
            view += struct.pack("!HH", 1, 0)
        caps = w.component(4, struct.pack("!HH", 60000, 500))
        parts = [w.component(2, identity), w.component(4, view), w.component(8, caps)]
        if command is not None:
            parts.append(w.component(15, w.component(command, w.address(BOX))))
        self.socket.sendto(self.caches.message(w.I_SEE_YOU, *parts), (GROUP, 2048))

    def wait_listed(self, timeout=5):
        """Answer until a HERE_I_AM has a receive id of ours."""
        def listed():
            self.answer()
            return self.listed_id(self.hear()[0])
        wait_until(listed, timeout, "the box lists the router")
        self.member = True


@pytest.fixture
def lab(net):
    box, far = net.namespace("box"), net.namespace("router")
    net.veth(box, "eth0", f"{BOX}/24", far, "rt0", f"{ROUTER}/24")
    stand_in(net, box)
    conf = os.path.join(net.tmpdir, "wccpd.conf")
    with open(conf, "w") as f:
        f.write(CONF.format(box=BOX, dir=net.tmpdir, group=GROUP, ttl=TTL))
    router = Router(far)
    wccpd = box.popen([program("wccpd"), "-f", conf, "-d"], log="wccpd")
    yield net, box, router, wccpd
    router.close()


def test_group_is_joined_and_spoken_to(lab):
    _, box, router, wccpd = lab
    parts, source, ttl, multicast = router.hear(20)
    assert multicast and parts["type"] == w.HERE_I_AM
    assert source == (BOX, 2048) and ttl == TTL
    assert router.listed_id(parts) == 0
    router.wait_listed()
    router.answer()  # now with the box in the view
    wait_until(lambda: "joined" in wccpd.output(), 5, wccpd.output)
    # An assignment follows, to the group as well.
    def assigned():
        router.answer()
        parts, _, _, multicast = router.hear()
        return multicast and parts["type"] == w.REDIRECT_ASSIGN
    wait_until(assigned, 10, "an assignment")
    wccpd.terminate()
    def leaving():
        parts, _, _, multicast = router.hear()
        return multicast and 15 in parts
    wait_until(leaving, 5, "a SHUTDOWN")
    router.answer(command=2)
    assert wccpd.wait(5) == 0
    assert "withdrawn from all routers" in wccpd.output()


def test_interface_made_anew(lab):
    net, box, router, wccpd = lab
    router.hear(20)
    router.wait_listed()
    router.close()
    box.ip("link", "del", "eth0")
    wait_until(lambda: "no interface" in wccpd.output(), 10, wccpd.output)
    # A send error changes no state; only silence does.
    assert wccpd.poll() is None
    net.veth(box, "eth0", f"{BOX}/24", router.ns, "rt0", f"{ROUTER}/24")
    router.open()
    wait_until(lambda: "all multicast groups are joined" in wccpd.output(), 10,
               wccpd.output)
    router.hear(20)
    router.wait_listed(20)
