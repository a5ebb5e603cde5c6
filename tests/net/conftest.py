# SPDX-License-Identifier: GPL-2.0-or-later
"""pytest fixtures of the tests in network namespaces.

Tests wait most of their time, so tests/run has several at once (pytest-xdist).  Each
has namespaces of its own.  What suffers from many neighbours is marked `few` and runs
afterwards, one per processor; what measures the machine itself is marked `serial` and
runs alone.
"""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import netns  # noqa: E402


def _on_term(signum, _frame):
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt(f"signal {signum}")


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("tests/net makes network namespaces: run it as root")
    config.addinivalue_line("markers", "few: at most one test per processor at a time")
    config.addinivalue_line("markers", "long: left out unless WCCPD_LONG is set")
    config.addinivalue_line("markers", "serial: nothing else may run at the same time")
    # An end by SIGTERM is an orderly one: workers are ended, namespaces removed.
    signal.signal(signal.SIGTERM, _on_term)


# Files with the tests that take longest: begun last, they would end alone.
LONGEST = ("test_warnings", "test_profiles", "test_netns", "test_readme")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that share a fixture of their module run in one worker."""
    if not os.environ.get("WCCPD_LONG"):
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    items.sort(key=lambda item: item.module.__name__ not in LONGEST)
    for item in items:
        defs = item._fixtureinfo.name2fixturedefs.values()
        if any(d[-1].scope == "module" for d in defs):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


@pytest.fixture
def net(request):
    """An empty Net; everything made in it is gone after the test."""
    with netns.Net(request.node.name[:20].replace("[", "-").replace("]", "")) as n:
        yield n
    assert n.leftovers() == []


@pytest.fixture(scope="session")
def build():
    """The folder with the built programs."""
    return netns.build_dir()
