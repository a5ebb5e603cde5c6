# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests could leave on the machine: record it before, compare it after.

    leftovers.py record FILE
    leftovers.py compare FILE     exit 1 and a line for each thing that is new

Another run that is still going on (its namespaces carry the pid of a living
process) is not ours: its namespaces and what lives in them do not count, nor do
eBPF programs while there is one, since those belong to no namespace.
"""

import glob
import json
import os
import re
import subprocess
import sys
import time

OURS = {"wccpd", "wccpctl", "wccprouter", "squid", "nginx", "haproxy", "tshark",
        "dumpcap", "wload"}
RUN_RE = re.compile(r"^wn(\d+)-")
SETTLE_S = 10


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False).stdout


def namespaces():
    return sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []


def of_living_run(namespace):
    m = RUN_RE.match(namespace)
    return bool(m) and os.path.exists(f"/proc/{m[1]}")


def processes():
    """Programs of the tests, outside of the namespaces of a living run."""
    theirs = set()
    for n in filter(of_living_run, namespaces()):
        theirs.update(output("ip", "netns", "pids", n).split())
    for path in glob.glob("/proc/[0-9]*/comm"):
        pid = path.split("/")[2]
        try:
            with open(path) as f:
                name = f.read().strip()
        except OSError:
            continue
        if name in OURS and pid not in theirs:
            yield f"{name} {pid}"


def programs():
    if any(map(of_living_run, namespaces())):
        return []
    return [f"{p['type']} {p.get('name', '-')} {p['id']}"
            for p in json.loads(output("bpftool", "-j", "prog", "show") or "[]")]


def rules():
    # "ip rule" of both families; the numbers in front may shift, the text may not.
    return output("ip", "rule").splitlines() + output("ip", "-6", "rule").splitlines()


def links():
    return [line.split(": ")[1] for line in output("ip", "-o", "link").splitlines()]


def pins():
    """But for those of a living run, which carry the number of its namespace."""
    theirs = tuple(f"-{os.stat('/run/netns/' + n).st_ino}" for n in namespaces()
                   if of_living_run(n))
    return sorted(p for p in glob.glob("/sys/fs/bpf/*")
                  if not (theirs and p.endswith(theirs)))


def snapshot():
    return {
        "namespace": [n for n in namespaces() if not of_living_run(n)],
        "process": sorted(processes()),
        "eBPF program": programs(),
        "pin": pins(),
        "rule": rules(),
        "link": links(),
        "qdisc": [q for q in output("tc", "qdisc", "show").splitlines() if "clsact" in q],
        "socket": sorted(glob.glob("/run/wccp*")),
        "policy": glob.glob("/usr/sbin/policy-rc.d"),
    }


def new_since(before):
    after = snapshot()
    return [f"{kind}: {x}" for kind in after for x in after[kind]
            if x not in before[kind]]


def main(verb, path):
    if verb == "record":
        with open(path, "w") as f:
            json.dump(snapshot(), f)
        return 0
    with open(path) as f:
        before = json.load(f)
    # The kernel frees programs and namespaces a moment after their last user.
    end = time.monotonic() + SETTLE_S
    while (left := new_since(before)) and time.monotonic() < end:
        time.sleep(0.1)
    for line in left:
        print("left behind:", line)
    return 1 if left else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("record", "compare"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
