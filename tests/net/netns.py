# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces for tests: made here, used here, and all removed at the end.

    with Net("lab") as net:
        a, b = net.namespace("a"), net.namespace("b")
        net.veth(a, "eth0", "10.0.0.1/24", b, "eth0", "10.0.0.2/24")
        a.run("ping", "-c1", "10.0.0.2")
        server = b.popen(["nginx", ...])
        wait_until(lambda: b.listens(80), 5, "nginx listens")

A Net owns its namespaces, its processes and one temporary folder.  close()
ends and removes them; it runs at the end of the `with`, on an exception, on
SIGINT and SIGTERM (which become exceptions), and from atexit.  Nothing outside
is touched: processes are ended by the pid we started, or because they live in
a namespace of ours.
"""

import atexit
import contextlib
import ctypes
import fcntl
import glob
import json
import os
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import sockdiag

# How wccpd delivers, in tests that leave it open; WCCPD_DELIVERY=interface runs them the
# other way.
DELIVERIES = ("mark", "interface")
DELIVERY = os.environ.get("WCCPD_DELIVERY", "mark")
NAME_RE = re.compile(r"^wn(\d+)-[0-9a-f]{4}-")
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
MOST_INTERVAL = 0.15  # seconds between two questions whether a condition is true
_libc = ctypes.CDLL(None, use_errno=True)


class Timeout(AssertionError):
    """A condition did not come true in time."""


def wait_until(condition, timeout, what, interval=0.02):
    """Poll condition() until it is true; return its value.

    timeout and interval in seconds.  `what` names the condition in the error,
    and may be a callable when the text should tell the last state seen.  A condition
    that runs programs is asked less often: several tests at once, all of them asking all
    the time, would leave the daemons no processor.
    """
    end = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            text = what() if callable(what) else what
            raise Timeout(f"not within {timeout:g} s: {text}")
        time.sleep(max(interval, min(2 * (time.monotonic() - asked), MOST_INTERVAL)))


def build_dir():
    """Where the programs were built: $WCCPD_BUILD, or the working directory."""
    return os.path.abspath(os.environ.get("WCCPD_BUILD") or os.getcwd())


def program(name, build=None):
    """Path of a program of the build, or of another one; a missing one is an error at
    once."""
    path = os.path.join(build or build_dir(), name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path}: not built (WCCPD_BUILD names the build)")
    return path


def run(*argv, check=True, **kw):
    """Run a command to its end; on failure the error carries its output."""
    argv = [str(a) for a in argv]
    kw.setdefault("timeout", 60)
    if "input" not in kw:
        kw.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **kw)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()}")
    return done


def alive(pid):
    """Is there a process `pid` that is not a zombie?"""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _signal(pid, signum):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


def pins(inode):
    """Folders of pins that daemons in a network namespace, by its number, have made."""
    return glob.glob(f"/sys/fs/bpf/wccp*-{inode}")


def remove_pins(inode):
    """What daemons that were killed have left for the next one."""
    for path in pins(inode):
        shutil.rmtree(path, ignore_errors=True)


def _address_add(dev, cidr):
    return ["addr", "add", cidr, "dev", dev] + (["nodad"] if ":" in cidr else [])


def _pids_in(inodes):
    """Processes in any of these network namespaces."""
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.stat(f"/proc/{name}/ns/net").st_ino in inodes:
                yield int(name)


def _up(dev):
    """ip link set DEV up, in the namespace of the calling thread."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        wanted = struct.pack("16sh14x", dev.encode(), 0)
        flags, = struct.unpack_from("h", fcntl.ioctl(s, SIOCGIFFLAGS, wanted), 16)
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", dev.encode(), flags | IFF_UP))


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Process(subprocess.Popen):
    """A long-running process of the lab; its output is in the file `log`."""

    log = None

    def output(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def stop(self, timeout=10):
        """SIGTERM, and SIGKILL when that does not help; the exit code."""
        if self.poll() is None:
            self.terminate()
            try:
                return self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.send_signal(signal.SIGCONT)
                self.kill()
        return self.wait(timeout)


class Namespace:
    """One network namespace.  Its loopback is up."""

    def __init__(self, net, short):
        self.net, self.short = net, short
        self.name = f"{net.prefix}-{short}"
        self.path = f"/run/netns/{self.name}"
        run("ip", "netns", "add", self.name)
        self.inode = os.stat(self.path).st_ino
        # Link-local addresses are there at once, not some random second later, when
        # duplicate address detection is done: a test may compare routes.
        self.sysctl("net.ipv6.conf.default.accept_dad", 0)
        with self.entered():
            _up("lo")

    def __repr__(self):
        return f"<Namespace {self.name}>"

    # nsenter, not `ip netns exec`: that one gives every process a /sys of its
    # own, without the bpf file system.  It execs, so a pid is the program's.
    def argv(self, argv):
        return ["nsenter", f"--net={self.path}", "--"] + [str(a) for a in argv]

    def run(self, *argv, **kw):
        return run(*self.argv(argv), **kw)

    def ip(self, *argv, **kw):
        return run("ip", "-n", self.name, *argv, **kw)

    def popen(self, argv, log=None, **kw):
        """Start a process in here; its output goes to a new file tmpdir/LOG.log."""
        return self.net.popen(self.argv(argv), log or os.path.basename(argv[0]), **kw)

    def sysctl(self, key, value):
        with self.entered(), open("/proc/sys/" + key.replace(".", "/"), "w") as f:
            f.write(str(value))

    def ip_batch(self, lines):
        """What follows `ip` in each of several commands, in one process."""
        run("ip", "-n", self.name, "-batch", "-", input="\n".join(lines) + "\n")

    def address(self, dev, cidr):
        self.ip(*_address_add(dev, cidr))

    def route(self, *argv):
        self.ip("route", "add", *argv)

    def mac(self, dev):
        return re.search(r"link/ether (\S+)", self.ip("link", "show", dev).stdout)[1]

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace for the length of a `with`."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            try:
                yield self
            finally:
                _setns(here)
        finally:
            os.close(here)
            os.close(there)

    def socket(self, *args):
        """A socket that lives in here, usable from anywhere."""
        with self.entered():
            return socket.socket(*args)

    def listens(self, port, proto="tcp"):
        """Does anything listen on (TCP) or is anything bound to (UDP) `port`?"""
        if proto == "tcp":
            diag = sockdiag.Diag(self)
            try:
                return any(s.lport == port for s in diag.dump(sockdiag.LISTEN))
            finally:
                diag.close()
        done = self.run("ss", "-Hln" + proto[0], f"sport = :{port}")
        return bool(done.stdout.strip())

    def state(self):
        """Everything a program may have set up in here, as lines of text."""
        def lines(*argv):
            return [f"{' '.join(argv[:2])}: {' '.join(line.split())}"
                    for line in self.run(*argv).stdout.splitlines()]
        links = json.loads(self.ip("-j", "link").stdout)
        found = [f"link: {link['ifname']} mtu {link['mtu']} qdisc {link['qdisc']}"
                 for link in links]
        found += (lines("ip", "rule") +
                 lines("ip", "-4", "-o", "address") +
                 lines("ip", "-4", "route", "show", "table", "all") +
                 lines("tc", "qdisc", "show"))
        if shutil.which("nft"):
            found += lines("nft", "list", "ruleset")
        attached = json.loads(self.run("bpftool", "-j", "net", "show").stdout)
        found += [f"eBPF {kind}: {entry}" for part in attached
                  for kind, entries in part.items() for entry in entries]
        found += [f"pins: {p}" for p in pins(self.inode)]
        found += [f"eBPF link: {link}" for link in
                  json.loads(run("bpftool", "-j", "link", "show").stdout or "[]")
                  if link.get("netns_ino") == self.inode]
        with self.entered():
            for key in glob.glob("/proc/sys/net/ipv4/conf/*/*") + [
                    "/proc/sys/net/ipv4/ip_forward"]:
                with contextlib.suppress(OSError), open(key) as f:
                    found.append(f"{key}: {f.read().strip()}")
        return sorted(found)

    def pids(self):
        return list(_pids_in({self.inode}))


class Net:
    """The owner of namespaces, processes and a temporary folder."""

    def __init__(self, title="net"):
        # 0711: servers that drop root must reach their own folders below.
        self.prefix = f"wn{os.getpid()}-{secrets.token_hex(2)}"
        self.tmpdir = tempfile.mkdtemp(prefix=f"{title}-{os.getpid()}-")
        os.chmod(self.tmpdir, 0o711)
        self.namespaces, self.processes, self.finals = [], [], []
        self.pid = os.getpid()
        self.closed = False
        self._handlers = {}
        atexit.register(self.close)

    def __enter__(self):
        self._handlers[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._on_term)
        return self

    def __exit__(self, *exc):
        self.close()

    @staticmethod
    def _on_term(signum, _frame):
        raise SystemExit(128 + signum)

    def namespace(self, short):
        # Noted before it is made, so that a signal in between loses nothing.
        ns = Namespace.__new__(Namespace)
        ns.name, ns.inode = f"{self.prefix}-{short}", None
        self.namespaces.append(ns)
        ns.__init__(self, short)
        return ns

    def veth(self, a, dev_a, cidr_a, b, dev_b, cidr_b):
        """A cable between two namespaces, both ends up; an address may be None."""
        run("ip", "link", "add", dev_a, "netns", a.name, "type", "veth",
            "peer", "name", dev_b, "netns", b.name)
        for ns, dev, cidr in ((a, dev_a, cidr_a), (b, dev_b, cidr_b)):
            lines = [f"link set {dev} up"]
            if cidr:
                lines.insert(0, " ".join(_address_add(dev, cidr)))
            ns.ip_batch(lines)

    def popen(self, argv, log, **kw):
        # A session of its own: Ctrl-C at the terminal reaches us alone, and the
        # end comes in our order.
        path, n = os.path.join(self.tmpdir, log + ".log"), 1
        while os.path.exists(path):
            n += 1
            path = os.path.join(self.tmpdir, f"{log}.{n}.log")
        kw.setdefault("stdin", subprocess.DEVNULL)
        kw.setdefault("start_new_session", True)
        with open(path, "ab") as out:
            kw.setdefault("stdout", out)
            kw.setdefault("stderr", out)
            p = Process([str(a) for a in argv], **kw)
        p.log = path
        self.processes.append(p)
        return p

    def finally_do(self, func):
        """Call func() when the processes have ended; the newest is called first."""
        self.finals.append(func)

    def leftovers(self):
        """What of ours still exists, as lines of text: empty after close()."""
        left = [f"namespace {n}" for n in os.listdir("/run/netns")
                if n.startswith(self.prefix)] if os.path.isdir("/run/netns") else []
        left += [f"process {p.pid} {p.args}" for p in self.processes if alive(p.pid)]
        left += [f"pins {p}" for ns in self.namespaces for p in pins(ns.inode)]
        if os.path.exists(self.tmpdir):
            left.append(f"folder {self.tmpdir}")
        return left

    def close(self):
        if self.closed or os.getpid() != self.pid:
            return
        self.closed = True
        # A second Ctrl-C must not stop the cleaning half way.
        main = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            self._end_processes()
            for func in reversed(self.finals):
                try:
                    func()
                except Exception as e:  # pylint: disable=broad-except
                    print(f"netns: while closing: {e}", file=sys.stderr)
            for ns in self.namespaces:
                if ns.inode:
                    remove_pins(ns.inode)
            run("ip", "-force", "-batch", "-", check=False,
                input="".join(f"netns del {ns.name}\n" for ns in self.namespaces))
            if not os.environ.get("WCCPD_KEEP"):
                shutil.rmtree(self.tmpdir, ignore_errors=True)
        finally:
            with contextlib.suppress(ValueError):
                signal.signal(signal.SIGINT, main[0])
                signal.signal(signal.SIGTERM, self._handlers.get(signal.SIGTERM)
                              or main[1])
            atexit.unregister(self.close)

    @staticmethod
    def _wait_for(processes, timeout):
        """Those that have not ended by then."""
        end, running = time.monotonic() + timeout, []
        for p in processes:
            try:
                p.wait(max(0.01, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.append(p)
        return running

    def _end_processes(self):
        """Newest first; then whatever daemonised itself in our namespaces."""
        running = [p for p in reversed(self.processes) if p.poll() is None]
        for p in running:
            p.send_signal(signal.SIGTERM)
            p.send_signal(signal.SIGCONT)
        # Asked twice, daemons do not wait for others that are ending as well.
        for p in self._wait_for(running, 0.3):
            p.send_signal(signal.SIGTERM)
        for p in self._wait_for(running, 5):
            p.kill()
            p.wait()
        inodes = {ns.inode for ns in self.namespaces}

        def killed():
            left = list(_pids_in(inodes))
            for pid in left:
                _signal(pid, signal.SIGKILL)
            return not left

        with contextlib.suppress(Timeout):
            wait_until(killed, 5, "the namespaces are empty")


def sweep():
    """Remove what runs that were killed outright (SIGKILL) left behind."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        m = NAME_RE.match(name)
        if not m or alive(int(m[1])):
            continue
        for pid in run("ip", "netns", "pids", name, check=False).stdout.split():
            _signal(int(pid), signal.SIGKILL)
        remove_pins(os.stat(f"/run/netns/{name}").st_ino)
        run("ip", "netns", "del", name, check=False)
        print(f"swept {name}")


if __name__ == "__main__":
    sweep()
