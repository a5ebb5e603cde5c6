# SPDX-License-Identifier: GPL-2.0-or-later
"""What people and programs see of a running wccprouter."""

import json
import os
import subprocess

from prometheus_client.openmetrics import parser

import wccpcache as w
from netns import build_dir, program, wait_until
from wccprouter_lab import CACHE, CACHE2, CLIENT, ORIGIN, ROUTER_ID
from wccprouter_lab import world  # noqa: F401  pylint: disable=unused-import

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def refusal(world, *words):
    done = world.ask(*words, check=False)
    assert done.returncode == 1 and done.stdout == ""
    return done.stderr.strip()


def test_views(world):
    world.start("service web-cache { } service 80 { group-list = { %s } }" % CACHE)
    cache = world.join()
    cache.assign([CACHE], [0] * 64 + [0x80] * 64 + [0xff] * 128)
    stranger = w.Cache(world.cache, CACHE2, world.caches[0].router)
    world.caches.append(stranger)
    stranger.hello()
    wait_until(lambda: world.show()["assigned"], 3, "assigned")
    hit = w.fold(w.address(ORIGIN))
    assert hit < 64
    with w.Tap(world.cache, "eth0") as tap:
        world.inject(w.tcp(CLIENT, ORIGIN, 5555, 80))
        tap.find(lambda ip: ip.redirected() is not None)

    def shown(*words):
        return json.loads(world.ask("-j", "show", *words).stdout)
    everything = shown()
    assert [s["name"] for s in everything["services"]] == ["web-cache", "80"]
    assert everything["services"][1]["group_list"] == [CACHE]
    assert "services" not in shown("global")
    assert shown("global")["router_id"] == ROUTER_ID
    assert shown("web-cache")["clients"][0]["address"] == CACHE
    assert shown("web-cache", "view") == {
        "name": "web-cache", "router_id": ROUTER_ID, "routers": [ROUTER_ID],
        "member_change": everything["services"][0]["member_change"],
        "clients_visible": [CACHE], "clients_not_visible": [CACHE2]}
    buckets = shown("web-cache", "buckets")["buckets"]
    assert [b["client"] for b in buckets] == [CACHE] * 128 + [None] * 128
    assert [b["alternate"] for b in buckets] == [False] * 64 + [True] * 64 + [False] * 128
    assert {b["bucket"]: b["redirected"] for b in buckets if b["redirected"]} == {hit: 1}

    text = world.ask("show").stdout
    assert text.startswith("Global WCCP information:\n")
    assert "Service Identifier: 80\n" in text and "WCCP Client ID" not in text
    assert "Service Identifier" not in world.ask("show", "global").stdout
    assert "WCCP Client ID:          " + CACHE in world.ask(
        "show", "web-cache", "clients").stdout
    assert "128 of 256 (50.00%)" in world.ask("show", "web-cache", "detail").stdout
    assert world.ask("show", "web-cache", "view").stdout.split("\n\n")[1] == (
        "    WCCP Clients Visible:\n        " + CACHE)
    assert f"64-127    {CACHE}" in world.ask("show", "web-cache", "buckets").stdout

    assert refusal(world, "show", "81") == (
        'wccprouter: no service "81" is configured: there is web-cache, 80')
    assert refusal(world, "show", "80", "nothing").startswith(
        'wccprouter: no view "nothing"')
    assert refusal(world, "conquer", "80") == "wccprouter: unknown command: conquer"
    world.stop()
    assert "is not running" in refusal(world, "show")


# ---- metrics ----

def families(text):
    return {f.name: f for f in parser.text_string_to_metric_families(text)}


def value(found, name, **labels):
    """The one sample that has these labels."""
    sample, = [s for f in found.values() for s in f.samples
               if s.name == name and labels.items() <= s.labels.items()]
    return sample.value


def test_metrics(world):
    world.start("service web-cache { }", more='metrics = "127.0.0.1:9102"')
    cache = world.join()
    cache.assign([CACHE], [0] * 100 + [0xff] * 156)
    wait_until(lambda: world.show()["assigned"], 3, "assigned")
    cache.send(b"\0\0\0\x0a\2\0\0\4" + bytes(4))
    wait_until(lambda: world.show(None)["refused"], 3, "counted")
    found = families(world.ask("metrics").stdout)
    assert value(found, "wccprouter_client_buckets", client=CACHE) == 100
    assert value(found, "wccprouter_client_usable", client=CACHE, service="web-cache") == 1
    assert value(found, "wccprouter_assignments_total") == 1
    assert value(found, "wccprouter_messages_received_total", type="here_i_am") == 2
    assert value(found, "wccprouter_stray_messages_total", reason="no-service") == 1
    assert found["wccprouter_redirected_bytes"].unit == "bytes"
    assert value(found, "wccprouter_info", router_id=ROUTER_ID) == 1

    def get(path="metrics", *more):
        done = world.router.run("curl", "-s", "-i", f"http://127.0.0.1:9102/{path}", *more)
        head, _, body = done.stdout.partition("\n\n")
        return head.splitlines(), body
    head, body = get()
    assert head[0] == "HTTP/1.1 200 OK"
    assert any(h.startswith("Content-Type: application/openmetrics-text; version=1.0.0")
               for h in head)
    served = families(body)
    assert served.keys() == found.keys()
    assert value(served, "wccprouter_client_buckets", client=CACHE) == 100
    assert get("other")[0][0] == "HTTP/1.1 404 Not Found"
    assert get("metrics", "-X", "POST")[0][0] == "HTTP/1.1 405 Method Not Allowed"
    head, body = get("metrics", "--head")
    assert head[0] == "HTTP/1.1 200 OK" and body == ""
    # Those who connect and say nothing do not keep others away for ever, nor do more
    # of them take more: for the seventeenth the first has to go.
    with world.router.entered():
        idle = [w.socket.create_connection(("127.0.0.1", 9102)) for _ in range(17)]
    idle[0].settimeout(5)
    assert idle[0].recv(1) == b""
    idle.pop(0).close()
    wait_until(lambda: world.router.run("curl", "-s", "http://127.0.0.1:9102/metrics",
                                        check=False).stdout, 5, "served again")
    for s in idle:
        s.close()


def test_metrics_address_in_use(world):
    with world.router.socket(w.socket.AF_INET, w.socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 9102))
        s.listen()
        with open(world.conf, "w") as f:
            f.write("router-id = %s\ncontrol = \"%s\"\nmetrics = \"127.0.0.1:9102\"\n"
                    "redirect-in = { cl0 }\ncaches-in = { bx1 }\nservice 80 { }\n"
                    % (ROUTER_ID, world.control))
        done = world.router.run(program("wccprouter"), "-f", world.conf, check=False)
    assert done.returncode == 1
    assert "metrics: 127.0.0.1 port 9102: Address already in use" in done.stderr


# ---- the trace ----

def test_debug(world):
    world.start("service web-cache { } service 80 { }", options=())
    cache = world.join()
    assert world.ask("debug").stdout == "debug is off\n"
    assert "event=received" not in world.log()
    assert world.ask("debug", "on", "web-cache", CACHE).stdout == (
        f"debug is on, service web-cache, peer {CACHE}\n")
    cache.hello()
    wait_until(lambda: "event=sent" in world.log(), 3, world.log)
    told = world.log()
    about = f"service=web-cache peer={CACHE}"
    assert f"level=info event=received {about} " in told
    assert "octets: HERE_I_AM version 2.00" in told
    assert f"event=sent {about} " in told and "octets: I_SEE_YOU version 2.00" in told
    # Nothing of others, and nothing when it is off.
    other = w.Cache(world.cache, CACHE2, cache.router)
    world.caches.append(other)
    other.hello()
    assert f"event=received service=web-cache peer={CACHE2}" not in world.log()
    assert world.ask("-j", "debug", "off").stdout.split() == (
        '{ "debug": false, "text": "debug is off" }'.split())
    told = world.log()
    cache.hello()
    assert world.log() == told
    assert "debug: it takes on" in refusal(world, "debug", "of")
    assert "81 is neither a configured service nor" in refusal(world, "debug", "on", "81")


def test_debug_from_the_start(world):
    world.start()  # with -d
    world.join(password=None).send(b"\0\0\0\x0a\2\0\0\4" + bytes(4))
    wait_until(lambda: "0000: 00 00 00 0a 02 00 00 04" in world.log(), 3, world.log)
    assert "octets: no-service: " in world.log()


def test_follow(world):
    world.start("service web-cache { } service 80 { }")
    cache = world.join()
    follow = [program("wccprouter"), "-s", world.control, "follow"]
    all_of_it = world.router.popen(follow, log="all")
    other = world.router.popen(follow + ["80"], log="other")

    def traffic():
        cache.hello()
        return "I_SEE_YOU" in all_of_it.output()
    wait_until(traffic, 5, "followed")
    told = all_of_it.output()
    assert f"Z received from {CACHE}, service web-cache, " in told
    assert f"Z sent to {CACHE}, service web-cache, " in told
    assert f"\n  router {ROUTER_ID} receive-id " in told
    assert "is neither a configured service" in refusal(world, "follow", "81")
    world.stop()
    assert all_of_it.wait(5) == 0 and other.wait(5) == 0
    assert other.output() == ""


# ---- changes while it runs ----

def test_shut(world):
    """As if it were not configured: neither answered nor dropped by, though closed."""
    world.start("service web-cache { closed = true }")
    world.give_all(world.join())
    packet = w.tcp(CLIENT, ORIGIN, 1000, 80)
    world.ask("shut", "web-cache")
    assert world.show()["shut"] and world.show()["clients"] == []
    assert "State:                               Shut" in world.ask("show").stdout
    with w.Tap(world.origin, "eth0") as tap:
        world.inject(packet)
        tap.find(lambda ip: ip.sport == 1000)
    world.caches[0].send(world.caches[0].here_i_am())
    wait_until(lambda: world.show(None)["unknown_service"] == 1, 3, "counted")
    world.ask("shut", "web-cache")  # it is so already
    world.ask("no-shut", "web-cache")
    world.caches[0].seen = None
    world.caches[0].join()
    assert not world.show()["shut"]
    assert refusal(world, "shut") == "wccprouter: shut: which service?"
    assert refusal(world, "no-shut", "81") == (
        'wccprouter: no-shut: no service "81" is configured')
    assert refusal(world, "restart", "81").startswith('wccprouter: restart: no service')


def test_group_list(world):
    world.start("service web-cache { group-list = { %s } }" % CACHE2)
    world.ask("group-list", "web-cache", CACHE, "10.9.9.9")
    assert world.show()["group_list"] == [CACHE, "10.9.9.9"]
    world.join()
    world.ask("group-list", "web-cache", "any")
    assert world.show()["group_list"] == []
    world.join(CACHE2)
    assert refusal(world, "group-list", "web-cache", "nobody") == (
        "wccprouter: group-list: nobody is not an address or prefix")
    assert "any, or addresses" in refusal(world, "group-list", "web-cache")


def test_restart(world):
    world.start("service web-cache { } service 80 { }")
    cache = world.join()
    world.give_all(cache)
    world.ask("restart")
    assert world.show()["clients"] == [] and not world.show()["assigned"]
    assert cache.hello().caches == []  # its receive id is of an earlier life
    assert cache.hello().caches == [CACHE]
    world.ask("restart", "80")
    assert world.show()["clients"] != []


# ---- completion ----

def complete(*words, path=None):
    """What bash would offer for the last of these words."""
    script = ('source "$0"; COMP_WORDS=(wccprouter "$@"); COMP_CWORD=$#; '
              '_wccprouter; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(
        ["bash", "-c", script, os.path.join(TOP, "conf/completion/wccprouter"), *words],
        stdout=subprocess.PIPE, text=True, check=True,
        env={"PATH": build_dir() + ":" + os.environ["PATH"]})
    return set(done.stdout.split())


def test_completion(world):
    world.start("service web-cache { } service 80 { }")
    s = ("-s", world.control)
    assert {"-s", "-f"} <= complete("")
    assert {"show", "metrics"} <= complete(*s, "")
    assert complete(*s, "show", "") == {"global", "problems", "web-cache", "80"}
    assert complete(*s, "show", "w") == {"web-cache"}
    assert complete(*s, "-j", "show", "80", "") == {"clients", "detail", "view", "buckets"}
    assert complete(*s, "show", "global", "") == set()
