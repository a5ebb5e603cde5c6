# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemons give up what they do not need, and serve all the same."""

import os
import re
import resource
import signal


import pytest

from netns import program, run, wait_until
from small import Small

NET_ADMIN, SYS_PTRACE, PERFMON, BPF = 12, 19, 38, 39
WCCPD = 1 << NET_ADMIN | 1 << SYS_PTRACE | 1 << PERFMON | 1 << BPF
WCCPROUTER = 1 << NET_ADMIN | 1 << PERFMON | 1 << BPF


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return {key: value.strip() for key, _, value in
                (line.partition(":") for line in f)}


def sets_of(pid):
    """Capabilities by set, as numbers, and whether there are no new privileges."""
    told = status(pid)
    sets = {name: int(told["Cap" + name], 16) for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
    return sets, told["NoNewPrivs"]


def only(keep, inherited=0):
    return {"Inh": inherited, "Prm": keep, "Eff": keep, "Bnd": keep, "Amb": inherited}, "1"


def test_both_keep_only_what_they_need(net):
    lab = Small(net, boxes=("box1",))
    lab.start_router("web-cache")
    box = lab.box("box1")
    box.configure(("web-cache", ""))
    box.start()
    lab.wait_served(["box1"])
    assert sets_of(box.wccpd.pid) == only(WCCPD)
    assert sets_of(lab.wccprouter.pid) == only(WCCPROUTER)
    assert box.wccpd.stop() == 0 and lab.wccprouter.stop() == 0


@pytest.mark.parametrize("name", ["wccpd", "wccprouter", "wccpctl"])
def test_programs_are_hardened(name):
    """As linked by the default build."""
    told = run("readelf", "-hldW", program(name)).stdout
    assert re.search(r"Type: +DYN", told)  # position-independent
    assert "GNU_RELRO" in told and re.search(r"FLAGS_1.*NOW", told)  # nothing to overwrite
    assert re.search(r"GNU_STACK.* RW ", told)
    used = run("readelf", "-sW", "--dyn-syms", program(name)).stdout
    assert "__stack_chk_fail" in used
    assert re.search(r"__\w+_chk\b", used.replace("__stack_chk", ""))  # _FORTIFY_SOURCE


SECRET = "s3cr3tPw"


def unlimited():
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def test_passwords_are_told_to_nobody(net):
    """Neither logs, at their most talkative, nor any answer nor -n has one."""
    lab = Small(net, boxes=("box1",))
    box = lab.box("box1")
    lab.start_router(("web-cache", f"password = {SECRET}"), options=("-d",))
    box.configure(("web-cache", f"password = {SECRET}"))
    box.start()
    lab.wait_served(["box1"])
    sock = {"wccpctl": os.path.join(net.tmpdir, "box1.sock"),
            "wccprouter": os.path.join(net.tmpdir, "router.sock")}
    told = [box.ns.run(program("wccpd"), "-f", box.conf, "-n").stdout]
    for tool, words in (("wccpctl", ("show",)), ("wccpctl", ("-j", "show")),
                        ("wccpctl", ("show", "problems")), ("wccprouter", ("show",)),
                        ("wccprouter", ("show", "-j")), ("wccprouter", ("show", "metrics"))):
        told.append(run(program(tool), "-s", sock[tool], *words, check=False).stdout)
    assert all(told[:5])
    box.wccpd.stop()
    lab.wccprouter.stop()
    told += [box.log(), lab.wccprouter.output()]
    assert "HERE_I_AM" in told[-1]
    assert not [text for text in told if SECRET in text]


@pytest.mark.parametrize("name", ["wccpd", "wccprouter"])
def test_no_core_dump(net, name):
    """It would have the password in it."""
    lab = Small(net, boxes=("box1",))
    box = lab.box("box1")
    box.configure(("web-cache", f"password = {SECRET}"))
    ns, conf = ((box.ns, box.conf) if name == "wccpd" else
                (lab.router, lab.write_router_conf("web-cache")))
    folder = os.path.join(net.tmpdir, "core")
    os.mkdir(folder)
    p = ns.popen([program(name), "-f", conf], log=name, cwd=folder, preexec_fn=unlimited)
    wait_until(lambda: "event=started" in p.output(), 10, p.output)
    p.send_signal(signal.SIGSEGV)
    assert p.wait(10) == -signal.SIGSEGV
    with open("/proc/sys/kernel/core_pattern") as f:
        if f.read().strip() == "core":  # elsewhere, nobody knows where to look
            assert os.listdir(folder) == []


def test_another_user_with_ambient_capabilities(net):
    """Then these are inherited, too: executed again, it has them again."""
    lab = Small(net, boxes=("box1",))
    box = lab.box("box1")
    lab.start_router("web-cache")
    box.configure(("web-cache", ""))
    run("chgrp", "nogroup", net.tmpdir)
    os.chmod(net.tmpdir, 0o771)
    caps = "+net_admin,+bpf,+perfmon,+sys_ptrace,+net_raw"
    box.wccpd = box.ns.popen(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps",
         caps, "--ambient-caps", caps, program("wccpd"), "-f", box.conf], log="box1.wccpd")
    lab.wait_served(["box1"])
    sets, no_new = sets_of(box.wccpd.pid)
    del sets["Bnd"]  # nobody but root can change it, and nobody else needs it
    assert set(sets.values()) == {WCCPD} and no_new == "1"
