# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures in a namespace, and what tshark has to say about them."""

import os
import re

from netns import run, wait_until


class Capture:
    """dumpcap on the interfaces of a namespace, from now on until stop()."""

    def __init__(self, ns, interfaces, what, name="capture"):
        self.file = os.path.join(ns.net.tmpdir, name + ".pcapng")
        argv = ["dumpcap", "-q", "-w", self.file, "-B", "8"]
        for interface in interfaces:
            argv += ["-i", interface, "-f", what]
        self.process = ns.popen(argv, log=name)
        wait_until(lambda: "File:" in self.process.output(), 10,
                   lambda: "dumpcap starts: " + self.process.output())

    def stop(self):
        self.process.send_signal(2)
        if self.process.wait(20):
            raise RuntimeError("dumpcap: " + self.process.output())
        return self

    def read(self, display_filter, *fields):
        """The packets that match, as tuples of fields (or lines, without any)."""
        argv = ["tshark", "-n", "-r", self.file, "-Y", display_filter]
        if fields:
            argv += ["-T", "fields"] + [x for f in fields for x in ("-e", f)]
        lines = run(*argv, timeout=120).stdout.splitlines()
        return [tuple(line.split("\t")) for line in lines] if fields else lines

    def dropped(self):
        """Packets that the capture missed."""
        return sum(int(n) for n in re.findall(
            r"dropped on interface.*?: \d+/(\d+)", self.process.output()))
