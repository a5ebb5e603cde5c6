# SPDX-License-Identifier: GPL-2.0-or-later
"""Mistakes of an operator: what is said of them by programs that run, not by parts of
them."""

import ctypes
import os
import shutil
import signal
import socket
import struct

import pytest

from netns import program, run, wait_until
from small import HERE, PYTHON, Small

INSTANCE = '    instance {name} {{ port = {port}  check = "127.0.0.2:{port}"{more} }}\n'


@pytest.fixture
def small(net):
    return Small(net, boxes=("box1",))


def rewrite(box, old, new):
    with open(box.conf) as f:
        text = f.read()
    assert old in text
    with open(box.conf, "w") as f:
        f.write(text.replace(old, new))


def check(box, **kw):
    """wccpd -n, what it says."""
    done = box.ns.run(program("wccpd"), "-n", "-f", box.conf, check=False, **kw)
    return done.returncode, done.stdout + done.stderr


# -- instances -------------------------------------------------------------------------

def listen(box, port, *more):
    process = box.ns.popen([*PYTHON, os.path.join(HERE, "dp_listener.py"), "x", port, *more],
                           log=f"listener{port}")
    wait_until(lambda: box.ns.listens(port), 10, "it listens")
    return process


def listen_elsewhere(box, port):
    """In another pid namespace; the process, and its number there."""
    listener = " ".join([*PYTHON, os.path.join(HERE, "dp_listener.py")])
    process = box.ns.popen(["unshare", "--pid", "--fork", "--kill-child", "sh", "-c",
                            f"{listener} x {port} & wait"], log="elsewhere")
    wait_until(lambda: box.ns.listens(port), 10, "it listens")
    return process, int(process.output().split()[0])


def a_dead_process():
    with open("/proc/sys/kernel/pid_max") as f:
        return int(f.read()) - 1


def mistakes(small, box, pid_elsewhere):
    """Instance -> (port, its pid file's contents or None, what is to be said)."""
    with box.ns.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.IPPROTO_IPV6, 75, 1)  # IPV6_TRANSPARENT
        s.bind(("::", 3205))
        s.listen()
        six = s.detach()
    small.net.finally_do(lambda: os.close(six))
    for port in (3201, 3202, 3203, 3207):
        listen(box, port)
    plain = listen(box, 3204, "--plain")
    return {
        "port": (3299, None, "nothing listens on port 3299"),
        "stale": (3201, a_dead_process(), "which does not exist here (stale"),
        "secret": (3207, plain.pid, "Permission denied"),
        "junk": (3202, "squid\n", "names no process"),
        "other": (3203, plain.pid, "which does not descend from process"),
        "plain": (3204, plain.pid, "the port is not transparent (Squid: http_port ... tproxy"),
        "six": (3205, None, "the port takes IPv6 only"),
        "there": (3206, pid_elsewhere, f"process {pid_elsewhere}"),
    }


def test_instances_that_do_not_count_say_why(small):
    """Each kind of mistake in one pool, and a last instance that is right."""
    box = small.boxes[0]
    elsewhere, number = listen_elsewhere(box, 3206)
    wrong = mistakes(small, box, number)
    text = ""
    for name, (port, pid, _) in wrong.items():
        path = os.path.join(small.net.tmpdir, name + ".pid")
        if pid:
            with open(path, "w") as f:
                f.write(f"{pid}")
            if name == "secret":  # the daemon is root without root's powers
                shutil.chown(path, "proxy")
                os.chmod(path, 0o600)
        text += INSTANCE.format(name=name, port=port,
                                more=f'  pid-file = "{path}"' if pid else "")
    small.start_router("web-cache")
    box.configure(("web-cache", ""))
    rewrite(box, "    instance s1", text + "    instance s1")
    box.start()
    wait_until(lambda: box.state() == "assigned", 15, box.log)

    def instances():
        return {i["name"]: i for i in box.show()["pools"][0]["instances"]}
    for name, (_, _, words) in wrong.items():
        shown = instances()[name]
        assert shown["state"] == "absent" and words in shown["reason"], shown
        assert shown["last_check"] == "-", shown
        wait_until(lambda n=name, w=words: [line for line in box.log().splitlines()
                                            if f"web/{n} does not count" in line
                                            and w in line],
                   10, box.log)
    assert box.log().count("does not count") == len(wrong)
    assert instances()["s1"]["state"] == "up"
    elsewhere.kill()  # it does not end by itself


def test_two_instances_with_one_pid_file(small):
    box = small.boxes[0]
    box.configure(("web-cache", ""))
    rewrite(box, "    instance s1", "".join(
        INSTANCE.format(name=name, port=port, more=' pid-file = "/run/squid.pid"')
        for name, port in (("a", 3201), ("b", 3202))) + "    instance s1")
    code, said = check(box)
    assert code == 0 and "/run/squid.pid is that of instance a, too" in said


def test_more_instances_than_can_be_looked_for(small):
    """They would be absent, and nobody would know why."""
    box = small.boxes[0]
    box.configure(("web-cache", ""))
    with open(box.conf, "a") as f:
        for p in range(15):
            f.write(f"pool p{p} {{\n" + "".join(
                INSTANCE.format(name=f"s{i}", port=10000 + 35 * p + i, more="")
                for i in range(35)) + "}\n")
    code, said = check(box)
    assert code == 1 and "more than 512 instances" in said


def test_ftp_is_not_offered(small):
    """Its data connections are not redirected: login would work and no transfer would."""
    box = small.boxes[0]
    box.configure(("ftp", ""))
    assert check(box)[0] == 1
    box.configure(("ftp", "id = 60 ports = { 20, 21 }"))
    code, said = check(box)
    assert code == 0 and "21 is for FTP's control connections" in said


# -- files and descriptors -----------------------------------------------------------------

@pytest.mark.parametrize("tool", ["wccpd", "wccprouter"])
def test_a_control_path_with_something_else(small, tool):
    precious = os.path.join(small.net.tmpdir, "precious")
    with open(precious, "w") as f:
        f.write("keep this")
    box = small.boxes[0]
    box.configure(("web-cache", ""))
    rewrite(box, "box1.sock", "precious")
    if tool == "wccprouter":
        small.start_router("web-cache")
        small.wccprouter.stop()
        box.conf, box.ns = os.path.join(small.net.tmpdir, "router.conf"), small.router
        rewrite(box, "router.sock", "precious")
    # It ends; one that does not is ended after a while.
    done = box.ns.run("timeout", "5", program(tool), "-f", box.conf, check=False)
    assert done.returncode == 1 and "exists and is not a socket" in done.stderr
    with open(precious) as f:
        assert f.read() == "keep this"


def test_started_without_standard_descriptors(small):
    """Whatever is opened first gets their numbers, and lines of the log go there."""
    small.start_router("web-cache")
    box = small.boxes[0]
    box.configure(("web-cache", ""))
    box.wccpd = box.ns.popen(["sh", "-c", f"exec {program('wccpd')} -f {box.conf} "
                              "<&- >&- 2>&-"], log="wccpd")
    wait_until(lambda: box.state() == "assigned", 15, box.show)
    assert [os.readlink(f"/proc/{box.wccpd.pid}/fd/{fd}") for fd in range(3)] == \
        ["/dev/null"] * 3


def test_an_interface_that_is_a_mistake(small):
    box = small.boxes[0]
    box.configure(("web-cache", ""))
    rewrite(box, "interface = eth0", "interface = eth7")
    assert "there is no interface eth7" in check(box)[1]
    rewrite(box, "interface = eth7", "interface = eth0;")
    assert 'interface: "eth0;" has a ";"' in check(box)[1]


# -- the host ------------------------------------------------------------------------------

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2
PIDFD_GETFD, REFUSE_EPERM, ALLOW = 438, 0x00050001, 0x7fff0000


def forbid_pidfd_getfd():
    """As the default filter of a container does; in the child, before its program."""
    libc = ctypes.CDLL(None)
    rules = b"".join(struct.pack("=HBBI", *r) for r in (
        (0x20, 0, 0, 0), (0x15, 0, 1, PIDFD_GETFD), (6, 0, 0, REFUSE_EPERM),
        (6, 0, 0, ALLOW)))
    buffer = ctypes.create_string_buffer(rules)
    filters = ctypes.create_string_buffer(
        struct.pack("@HP", len(rules) // 8, ctypes.addressof(buffer)))
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, FILTER, filters) == 0


def test_a_forbidden_system_call(small):
    box = small.boxes[0]
    box.configure(("web-cache", ""))
    done = run(*box.ns.argv(["timeout", "5", program("wccpd"), "-f", box.conf]),
               check=False, preexec_fn=forbid_pidfd_getfd)
    assert "pidfd_getfd is not allowed here: Operation not permitted (a seccomp" in \
        done.stderr
    assert "the kernel lacks" not in done.stderr


@pytest.mark.parametrize("tool", ["wccpd", "wccprouter"])
def test_who_has_the_port(small, tool):
    """Squid's own WCCP, say."""
    box = small.boxes[0]
    box.configure(("web-cache", ""))
    small.start_router("web-cache")
    small.wccprouter.stop()
    ns, conf = (box.ns, box.conf) if tool == "wccpd" else \
        (small.router, os.path.join(small.net.tmpdir, "router.conf"))
    with ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 2048))
        done = ns.run("timeout", "5", program(tool), "-f", conf, check=False)
    with open(f"/proc/{os.getpid()}/comm") as f:
        assert f"{f.read().strip()} (process {os.getpid()})" in done.stderr


# -- reload ----------------------------------------------------------------------------------

@pytest.mark.parametrize("before, after", [
    ("transmit-t = 500", "transmit-t = 700"),
    ("assign = { mask }", "assign = { hash, mask }"),
    ("forward = { gre }", ""),
])
def test_a_reload_that_cannot_change_what_was_agreed_on(small, before, after):
    """Either it takes effect, or it is said that it will not."""
    small.start_router(("web-cache", "forward = { l2, gre } return = { l2, gre }"))
    box = small.boxes[0]
    box.configure(("web-cache", "" if "transmit-t" in before else before))
    box.start()
    wait_until(lambda: box.state() == "assigned", 15, box.log)
    rewrite(box, before, after)
    box.wccpd.send_signal(signal.SIGHUP)
    wait_until(lambda: "is in force" in box.log(), 5, box.log)

    def said():
        return [line for line in box.log().splitlines() if "level=warning" in line and
                "timers or methods have changed" in line and "service=web-cache" in line]
    wait_until(said, 2, box.log)
    # And once more, with nothing changed.
    box.wccpd.send_signal(signal.SIGHUP)
    wait_until(lambda: box.log().count("is in force") == 2, 5, box.log)
    assert len(said()) == 1
