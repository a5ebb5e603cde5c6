# SPDX-License-Identifier: GPL-2.0-or-later
"""The laboratory without WCCP: its Squids, CARP and origin work, and it goes away."""

import os

from lab import BACKENDS, Lab


def test_chain_of_squids(net):
    lab = Lab(net)
    lab.start_servers()
    for box in lab.boxes:
        for squid in box.instances:
            for path in ("16k", "1k"):
                answer = box.ns.run("curl", "-sS", "-D", "-", "-o", "/dev/null", "-x",
                                    f"127.0.0.1:{squid.check}", f"http://10.20.0.9/{path}")
                assert answer.stdout.startswith("HTTP/1.1 200")
                assert squid.name in answer.stdout
            assert {a[2] for a in squid.access()} == {"CARP"}
    # Every front end sends a URL to the same back end: the origin saw each once.
    assert len(lab.origin_access()) == 2
    assert sum(len(b.access()) for b in lab.backends) == 2 * 6 and len(BACKENDS) == 2
    prefix = lab.backends[0].service[:-2]
    net.close()
    assert [n for n in os.listdir("/dev/shm") if n.startswith(prefix)] == []


def test_direct_load(net):
    lab = Lab(net)
    lab.start_origin()
    load = lab.load("-n", 8, "-r", 500)
    load.wait_whole(200)
    summary, failed = load.finish()
    assert failed == [] and summary["whole"] == summary["requests"] >= 200
    assert summary["via"] == 0
    asked = lab.origin_access()
    assert len(asked) == summary["requests"]
    assert len({a[3] for a in asked}) > 150 and {a[2] for a in asked} == {"-"}
