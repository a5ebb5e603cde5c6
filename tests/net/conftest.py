# SPDX-License-Identifier: GPL-2.0-or-later
"""pytest fixtures of the tests in network namespaces."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import netns  # noqa: E402


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("tests/net makes network namespaces: run it as root")


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
