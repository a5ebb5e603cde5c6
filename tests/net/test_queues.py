# SPDX-License-Identifier: GPL-2.0-or-later
"""An instance that hangs: from that moment it gets no more connections than may wait at it,
and the others serve all the rest.  The checks have not even noticed yet."""

import os
import signal

import pytest

from netns import wait_until
from small import HERE, PYTHON, Small

HIGH = 8


def start(net, more=""):
    lab = Small(net, boxes=("box1",))
    lab.start_router("web-cache")
    box = lab.boxes[0]
    box.configure(("web-cache", ""))
    hung = box.ns.popen([*PYTHON, os.path.join(HERE, "dp_listener.py"), "second", "3130"],
                        log="second")
    box.ns.popen([*PYTHON, os.path.join(HERE, "check_ok.py"), "4202"], log="second.check",
                 cwd=net.tmpdir)
    with open(box.conf, "r+") as f:
        text = f.read().replace(
            "    instance s1", f"    fall = 100\n    {more}\n"
            '    instance s2 { port = 3130  check = "127.0.0.1:4202" }\n    instance s1')
        f.seek(0)
        f.write(text)
    wait_until(lambda: box.ns.listens(3130), 10, "the second instance")
    box.start()
    lab.wait_shares(256)
    lab.wait_served({"box1", "second"})
    assert "event=queues" not in box.log()
    return lab, box, hung


def served(lab, connections):
    """By whom; None: nobody, within half a second."""
    return [lab.try_connect(f"10.9.{n % 7}.{n}", timeout=0.5) for n in connections]


def queue(box, port):
    """How many wait to be accepted."""
    lines = box.ns.run("ss", "-Htnl", f"sport = :{port}").stdout.split()
    return int(lines[1])


@pytest.mark.parametrize("more,most", [("", HIGH), ("queue-high = 3", 3)])
def test_a_hung_instance(net, more, most):
    lab, box, hung = start(net, more)
    hung.send_signal(signal.SIGSTOP)
    by = served(lab, range(40 + most))
    # About half of them would have gone there, and hung.
    assert by.count("box1") >= 40 and queue(box, 3130) <= most, by
    assert box.show()["pools"][0]["healthy"] == 2
    hung.send_signal(signal.SIGCONT)
    wait_until(lambda: queue(box, 3130) == 0, 10, "the queue is read")
    lab.wait_served({"box1", "second"})


def test_all_hang(net):
    """Then the shortest queue has it: nobody is refused as long as there is room."""
    lab, box, hung = start(net, "queue-high = 2")
    for process in (hung, box.instance):
        process.send_signal(signal.SIGSTOP)
    assert set(served(lab, range(4))) == {None}
    assert queue(box, 3129) == queue(box, 3130) == 2
    assert set(served(lab, range(4, 6))) == {None}
    assert queue(box, 3129) == queue(box, 3130) == 3
    for process in (hung, box.instance):
        process.send_signal(signal.SIGCONT)
    lab.wait_served({"box1", "second"})


def test_a_kernel_without_type_information(net):
    """That is said, and all else goes on."""
    lab = Small(net, boxes=("box1",))
    lab.start_router("web-cache")
    box = lab.boxes[0]
    box.configure(("web-cache", ""))
    box.start("unshare", "-m", "sh", "-c",
              'mount --bind /dev/null /sys/kernel/btf/vmlinux && exec "$@"', "sh")
    lab.wait_served({"box1"})
    assert "event=queues" in box.log() and "queue-high" in box.log()


def test_whatever_waits(net):
    """queue-high = 0: a connection goes where its key says."""
    lab, box, hung = start(net, "queue-high = 0")
    hung.send_signal(signal.SIGSTOP)
    by = served(lab, range(30))
    assert by.count(None) > HIGH and queue(box, 3130) == by.count(None), by
    hung.send_signal(signal.SIGCONT)
